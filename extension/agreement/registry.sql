/* A registry is a view: its name, subject key and record. */
CREATE OR REPLACE FUNCTION casesync_internal.require_registry(name text)
RETURNS casesync_internal.registry
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.registry;
BEGIN
	SELECT * INTO r FROM casesync_internal.registry t WHERE t.registry = name;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('registry "%s" is not published%s', name,
				casesync_internal.did_you_mean(name, ARRAY(
					SELECT t.registry FROM casesync_internal.registry t ORDER BY 1))),
			hint => format('SELECT * FROM casesync.publish(%L, ''schema.view'', ''Member'');',
				name));
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_registry(text) IS
	'the registry''s row, or an error that says how to make it';

CREATE OR REPLACE FUNCTION casesync_internal.publish_column(view regclass, column_name name,
	what text)
RETURNS regtype
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	column_type regtype;
BEGIN
	SELECT a.atttypid INTO column_type FROM pg_attribute a
	 WHERE a.attrelid = view AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_column',
			message => format('view %s has no column "%s" for its %s', view, column_name, what),
			hint => format('Name the column in the view, or say which it is: %s => ''column''.',
				CASE what WHEN 'subject key' THEN 'key' ELSE 'record' END));
	END IF;
	RETURN column_type;
END
$$;
COMMENT ON FUNCTION casesync_internal.publish_column(regclass, name, text) IS
	'the type of a column that publish() needs';

/*
 * Not a materialized view, whose content is as old as its last REFRESH. The owner only: whoever
 * publishes a view lets others read it with the owner's rights.
 */
CREATE OR REPLACE FUNCTION casesync_internal.publish_check_view(view regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind "char";
BEGIN
	SELECT c.relkind INTO kind FROM pg_class c WHERE c.oid = view;
	IF kind IS DISTINCT FROM 'v' THEN
		PERFORM casesync_internal.raise_error(errcode => 'wrong_object_type',
			message => format('%s is not a view', coalesce(view::text, 'NULL')),
			detail => 'A registry is an ordinary view, so that what partners see is always what '
				'the tables say.',
			hint => format(
				'CREATE VIEW … AS SELECT …::text AS subject_key, casesync.member(…) AS record FROM '
				'%s;', coalesce(view::text, '…')));
	END IF;
	IF NOT casesync_internal.owns(view) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('must be owner of view %s', view));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.publish_check_view(regclass) IS
	'an ordinary view of the caller''s own, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.scanned_relations(plan jsonb)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE node AS (
		SELECT plan AS n
		UNION ALL
		SELECT c.value FROM node, jsonb_array_elements(n->'Plans') c
	)
	SELECT DISTINCT format('%I.%I', n->>'Schema', n->>'Relation Name') FROM node
	 WHERE n->>'Node Type' IN ('Seq Scan', 'Index Scan', 'Index Only Scan')
	   AND n ? 'Relation Name' AND NOT n ? 'Index Cond'
	 ORDER BY 1
$$;
COMMENT ON FUNCTION casesync_internal.scanned_relations(jsonb) IS
	'the tables that a plan reads from end to end, be it through an index';

/*
 * What one subject costs: the plan without all that only pays for many rows.
 */
CREATE OR REPLACE FUNCTION casesync_internal.publish_plan(r casesync_internal.registry)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
		SET enable_bitmapscan = off
	SET jit = off
AS $$
BEGIN
	RETURN casesync_internal.owner_plan(r.view, format('SELECT %I, %I FROM %s WHERE %s',
		r.key_column, r.record_column, r.view,
		casesync_internal.key_among(r, '''{}''::text[]')))->0->'Plan';
END
$$;
COMMENT ON FUNCTION casesync_internal.publish_plan(casesync_internal.registry) IS
	'how one subject of a registry would be looked up';

/*
 * Small tables may be read whole. What is unknown yet (reltuples of a table that was never analysed
 * is -1) is judged by its size.
 */
CREATE OR REPLACE FUNCTION casesync_internal.publish_warnings(r casesync_internal.registry)
RETURNS SETOF casesync.problem
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('looking up one subject in %s reads all of table %s', r.view, t.name),
		format('Let %1$I be a plain column of %2$s with an index, or have an index on what it is '
			'made of, for example '
			'CREATE INDEX ON %2$s ((id::text)); join and group the other tables by indexed '
			'columns.', r.key_column, t.name)
	  FROM casesync_internal.scanned_relations(casesync_internal.publish_plan(r)) t(name)
	  JOIN pg_class c ON c.oid = to_regclass(t.name)
	 WHERE c.reltuples > 1000 OR pg_relation_size(c.oid) > 131072
$$;
COMMENT ON FUNCTION casesync_internal.publish_warnings(casesync_internal.registry) IS
	'what will be slow: the tables that looking up one subject reads from end to end';

CREATE OR REPLACE FUNCTION casesync_internal.publish_check_name(what text, name text, pattern text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF name IS NULL OR name !~ pattern THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%s is not a name: %s', what,
				coalesce(quote_literal(left(name, 100)), 'NULL')),
			detail => 'A name has at most 63 letters, digits and underscores (a registry''s also '
				'dots and hyphens), and begins with a letter (a registry''s also with a digit).',
			hint => 'SELECT * FROM casesync.publish(''ess_members'', ''schema.view'', '
				'''Member'');');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.publish_check_name(text, text, text) IS
	'a name that publish() can take, or an error';

/*
 * Names are compared as they are everywhere, so two that differ by case or by a line could be taken
 * for each other by people only, as in an agreement. With the extension's rights: others'
 * registries are out of the publisher's sight.
 */
CREATE OR REPLACE FUNCTION casesync_internal.registry_alike(name text)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT min(t.registry COLLATE "C") FROM casesync_internal.registry t
	 WHERE lower(translate(t.registry, '_.-', '')) = lower(translate(name, '_.-', ''))
	HAVING NOT bool_or(t.registry = name)
$$;
COMMENT ON FUNCTION casesync_internal.registry_alike(text) IS
	'the registry whose name differs from a new one by case, underscores, dots and hyphens only';

CREATE OR REPLACE FUNCTION casesync_internal.publish_check(r casesync_internal.registry)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name constant text := '^[A-Za-z][A-Za-z0-9_]{0,62}$';
BEGIN
	PERFORM casesync_internal.publish_check_name('registry', r.registry,
		'^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$');
	PERFORM casesync_internal.publish_check_name('record_type', r.record_type, name);
	PERFORM casesync_internal.publish_check_name('reg_type', r.reg_type, name);
	PERFORM casesync_internal.publish_check_view(r.view);
	IF casesync_internal.registry_alike(r.registry) IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'duplicate_object',
			message => format('registry "%s" could be taken for registry "%s"', r.registry,
				casesync_internal.registry_alike(r.registry)),
			hint => 'Choose a name that differs by more than case, underscores, dots and hyphens.');
	END IF;
	PERFORM casesync_internal.key_must_be_text(r.view, r.key_column,
		casesync_internal.publish_column(r.view, r.key_column, 'subject key'));
	IF casesync_internal.publish_column(r.view, r.record_column, 'record') <> 'jsonb'::regtype THEN
		PERFORM casesync_internal.raise_error(errcode => 'datatype_mismatch',
			message => format('column "%s" of view %s is not of type jsonb', r.record_column,
				r.view),
			hint => 'Make the record with the builders: casesync.member(…), '
				'casesync.beneficiary(…), casesync.person(…).');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.publish_check(casesync_internal.registry) IS
	'what publish() was given can be a registry, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.relation_owner(relation regclass)
RETURNS name
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = relation
$$;
COMMENT ON FUNCTION casesync_internal.relation_owner(regclass) IS
	'whose a table or view is; NULL when there is none';

/* A view that was dropped was its author's: who makes it anew publishes it anew. */
CREATE OR REPLACE FUNCTION casesync_internal.registry_owner(r casesync_internal.registry)
RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(casesync_internal.relation_owner(r.view), r.author)
$$;
COMMENT ON FUNCTION casesync_internal.registry_owner(casesync_internal.registry) IS
	'whose a registry is: the owner of its view, or of the one that is gone';

CREATE OR REPLACE FUNCTION casesync_internal.registry_must_be_own(caller regrole, registry text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.registry := casesync_internal.require_registry(registry);
	is_gone constant boolean := casesync_internal.relation_owner(r.view) IS NULL;
	owner name := casesync_internal.registry_owner(r);
BEGIN
	IF NOT casesync_internal.acts_as(caller, owner) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('registry "%s" is not yours', registry),
			detail => CASE WHEN is_gone THEN format('Its view is gone; it belonged to role "%s".',
				owner) ELSE format('Its view belongs to role "%s".', owner) END,
			hint => CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = owner)
				THEN format('SET ROLE %I;', owner)
				ELSE format('SELECT casesync.unpublish(%L);  -- as a superuser', registry) END);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.registry_must_be_own(regrole, text) IS
	'an error unless the registry is the caller''s';

CREATE OR REPLACE FUNCTION casesync_internal.author_counts(author name, relation regclass)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.rolname = author
		WHERE c.oid = relation AND pg_has_role(r.oid, c.relowner, 'USAGE'))
$$;
COMMENT ON FUNCTION casesync_internal.author_counts(name, regclass) IS
	'whether what an author wrote about a relation is run: to tell people; owner_query() decides';

/* The view is its owner's text: it counts until the view is another's, who publishes it anew. */
CREATE OR REPLACE FUNCTION casesync_internal.registry_author()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Given by a dump only; one of 0.2.0 has none. */
	NEW.author := coalesce(NEW.author, casesync_internal.relation_owner(NEW.view));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION casesync_internal.registry_author() IS
	'trigger of registry: whose the view is when it is published';
CREATE OR REPLACE TRIGGER author BEFORE INSERT ON casesync_internal.registry
	FOR EACH ROW EXECUTE FUNCTION casesync_internal.registry_author();

/*
 * Nothing of what publish() found is believed: others may call this. A new owner has given no
 * consent yet.
 */
CREATE OR REPLACE FUNCTION casesync_internal.publish_store_for(caller regrole,
	r casesync_internal.registry)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner constant name := casesync_internal.relation_owner(r.view);
	old casesync_internal.registry;
BEGIN
	PERFORM casesync_internal.publish_check(r);
	IF NOT casesync_internal.acts_as(caller, owner) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('must be owner of view %s', r.view));
	END IF;
	/* Published by nobody else while this goes on: who waits finds the row. */
	LOCK TABLE casesync_internal.registry IN SHARE ROW EXCLUSIVE MODE;
	SELECT * INTO old FROM casesync_internal.registry t WHERE t.registry = r.registry;
	IF FOUND THEN
		PERFORM casesync_internal.registry_must_be_own(caller, r.registry);
		DELETE FROM casesync_internal.registry_grant g WHERE g.registry = r.registry
			AND casesync_internal.registry_owner(old) IS DISTINCT FROM owner;
	END IF;
	INSERT INTO casesync_internal.registry AS t (registry, view, record_type, reg_type, key_column,
		key_type, record_column)
	VALUES (r.registry, r.view, r.record_type, r.reg_type, r.key_column,
		casesync_internal.publish_column(r.view, r.key_column, 'subject key'), r.record_column)
	ON CONFLICT (registry) DO UPDATE SET view = excluded.view,
		record_type = excluded.record_type, reg_type = excluded.reg_type,
		key_column = excluded.key_column, key_type = excluded.key_type,
		record_column = excluded.record_column,
		author = excluded.author;
END
$$;
COMMENT ON FUNCTION casesync_internal.publish_store_for(regrole, casesync_internal.registry) IS
	'part of publish(): the view is a registry from now on, if both are the caller''s';

CREATE OR REPLACE FUNCTION casesync_internal.publish_store(r casesync_internal.registry)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.publish_store(casesync_internal.registry) IS
	'part of publish(): the view is a registry from now on';

CREATE OR REPLACE FUNCTION casesync_internal.parse_condition(view regclass, condition text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.plain
		FROM casesync_internal.row_expression(view, 'subjects', condition, 'pg_catalog') e
$$;
COMMENT ON FUNCTION casesync_internal.parse_condition(regclass, text) IS
	'parse a condition over a view''s columns and write it out with full names, or an error';

/*
 * Samples hold records, which nobody has a reason to keep once the rehearsal is over; counts say
 * nothing of anybody. What the router is just counting is not waited for, nor is who deletes it:
 * that goes within a minute (tidy()).
 */
CREATE OR REPLACE FUNCTION casesync_internal.rehearsal_forget(agreement text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.rehearsal_sample s WHERE s.id IN (
		SELECT x.id FROM casesync_internal.agreement a
		  JOIN casesync_internal.rehearsal_sample x USING (agreement, version)
		 WHERE a.state <> 'rehearsed'
		   AND (rehearsal_forget.agreement IS NULL OR a.agreement = rehearsal_forget.agreement)
		FOR UPDATE OF x SKIP LOCKED);
	DELETE FROM casesync_internal.rehearsal_told t
	 WHERE (t.agreement, t.version, t.registry, t.key) IN (
		SELECT x.agreement, x.version, x.registry, x.key FROM casesync_internal.agreement a
		  JOIN casesync_internal.rehearsal_told x USING (agreement, version)
		 WHERE a.state <> 'rehearsed'
		   AND (rehearsal_forget.agreement IS NULL OR a.agreement = rehearsal_forget.agreement)
		FOR UPDATE OF x SKIP LOCKED);
$$;
COMMENT ON FUNCTION casesync_internal.rehearsal_forget(text) IS
	'the content of versions that are not rehearsed any more goes, the counts stay; of one '
	'agreement, or of all';

CREATE OR REPLACE VIEW casesync.registries AS
	SELECT r.registry, r.view, r.record_type, r.reg_type, r.key_column, r.record_column,
		(SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = r.view) AS owner,
		ARRAY(SELECT g.role FROM casesync_internal.registry_grant g
			WHERE g.registry = r.registry ORDER BY g.role) AS granted
		FROM casesync_internal.registry r;
COMMENT ON VIEW casesync.registries IS 'published views';
COMMENT ON COLUMN casesync.registries.registry IS 'its name';
COMMENT ON COLUMN casesync.registries.view IS 'the view whose rows are its records';
COMMENT ON COLUMN casesync.registries.record_type IS
	'the standard''s type of the records: Member, Group, Beneficiary, Person';
COMMENT ON COLUMN casesync.registries.reg_type IS 'the standard''s type of the registry';
COMMENT ON COLUMN casesync.registries.key_column IS 'the column that names the subject; never sent';
COMMENT ON COLUMN casesync.registries.record_column IS 'the column with the record';
COMMENT ON COLUMN casesync.registries.owner IS 'the role whose view it is; NULL: the view is gone';
COMMENT ON COLUMN casesync.registries.granted IS 'other roles whose tables may feed it';
