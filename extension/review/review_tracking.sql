/* What is wrong with a tracking: of its words, and of the rows of its table. */

/*
 * As the server keeps it of the view's columns; of an expression nothing is known. The last entry
 * of that name is the view's own, behind those of its subqueries.
 */
CREATE OR REPLACE FUNCTION casesync_internal.column_origin(view oid, column_name name)
RETURNS TABLE (relation oid, column_number smallint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE origin(relation, name, number, depth) AS (
		SELECT column_origin.view, column_origin.column_name, NULL::smallint, 0
		UNION ALL
		SELECT x.m[1]::oid, a.attname, a.attnum, o.depth + 1
		  FROM origin o JOIN pg_class c ON c.oid = o.relation AND c.relkind = 'v'
		  JOIN pg_rewrite w ON w.ev_class = c.oid AND w.rulename = '_RETURN'
		 CROSS JOIN LATERAL (SELECT m, n FROM regexp_matches(w.ev_action::text, format(
			':resname %s :ressortgroupref [0-9]+ :resorigtbl ([0-9]+) :resorigcol ([0-9]+) '
			':resjunk false', o.name), 'g') WITH ORDINALITY g(m, n) ORDER BY n DESC LIMIT 1) x
		  JOIN pg_attribute a ON a.attrelid = x.m[1]::oid AND a.attnum = x.m[2]::smallint
		 WHERE o.name ~ '^[a-z_][a-z0-9_]*$' AND o.depth < 20
	)
	SELECT o.relation, o.number FROM origin o JOIN pg_class c ON c.oid = o.relation
	 WHERE c.relkind IN ('r', 'p') AND o.number IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.column_origin(oid, name) IS
	'the column of a table that a view''s column is, as far as it is one';

/*
 * A table of people names them by the column that the view has; another table by the one that
 * refers to it, of several by the first.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_meant(relation oid,
	r casesync_internal.registry)
RETURNS TABLE (names name[], of_view text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT x.names, format('%s.%I is %s.%I', r.view, r.key_column, o.relation::regclass, c.attname)
	  FROM casesync_internal.column_origin(r.view, r.key_column) o
	  JOIN pg_attribute c ON c.attrelid = o.relation AND c.attnum = o.column_number
	 CROSS JOIN LATERAL (
		SELECT CASE WHEN o.relation = key_meant.relation THEN ARRAY[c.attname]
			ELSE array_agg(a.attname ORDER BY a.attnum) END
		  FROM pg_constraint k
		  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
		 WHERE k.contype = 'f' AND k.conrelid = key_meant.relation AND k.confrelid = o.relation
		   AND k.confkey = ARRAY[o.column_number]) x(names);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_meant(oid, casesync_internal.registry) IS
	'the columns of a table that can name subjects of a registry; NULL when that is not known';

CREATE OR REPLACE FUNCTION casesync_internal.key_named_otherwise(t casesync_internal.tracking,
	r casesync_internal.registry)
RETURNS TABLE (is_column name, of_view text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT m.names[1], m.of_view FROM casesync_internal.key_meant(t.relation, r) m
	 WHERE t.key_is_column AND t.subjects IS NULL AND t.key <> ALL (m.names);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_named_otherwise(casesync_internal.tracking,
	casesync_internal.registry) IS
	'the column by which a registry knows its subjects, where a tracking names another one';

/* Text fits all: views have numbers as text. */
CREATE OR REPLACE FUNCTION casesync_internal.key_types_differ(t casesync_internal.tracking,
	r casesync_internal.registry)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
	SELECT t.key_is_column AND t.subjects IS NULL AND EXISTS (SELECT FROM pg_attribute c
	  JOIN pg_type a ON a.oid = casesync_internal.key_base_type(c.atttypid)
	  JOIN pg_type b ON b.oid = casesync_internal.key_base_type(r.key_type)
	 WHERE c.attrelid = t.relation AND c.attname = t.key AND a.oid <> b.oid
	   AND 'S' <> ALL (ARRAY[a.typcategory, b.typcategory])
	   AND (a.typcategory, b.typcategory) <> ('N', 'N')));
END
$$;
COMMENT ON FUNCTION casesync_internal.key_types_differ(casesync_internal.tracking,
	casesync_internal.registry) IS
	'whether no key of the tracked table can be one of the registry''s';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_name(t casesync_internal.tracking)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
	SELECT format('tracking %s of %s', t.id, t.relation_name));
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_name(casesync_internal.tracking) IS
	'how a review names a tracking';

CREATE OR REPLACE FUNCTION casesync_internal.asks_for_key(t casesync_internal.tracking)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.subjects IS NULL OR t.subjects ~ E'\\$1(\\D|$)'
$$;
COMMENT ON FUNCTION casesync_internal.asks_for_key(casesync_internal.tracking) IS
	'whether a tracking''s query for subjects, if it has one, has the key in it';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_key_type(t casesync_internal.tracking)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT casesync_internal.key_type_name(a.atttypid) FROM pg_attribute a
		WHERE a.attrelid = t.relation AND a.attname = t.key AND t.key_is_column), 'text')
$$;
COMMENT ON FUNCTION casesync_internal.tracking_key_type(casesync_internal.tracking) IS
	'the type of a tracking''s key, in words that it can be cast to: without a length';

/* Such as lower(code): the view's column is then no column of any table. */
CREATE OR REPLACE FUNCTION casesync_internal.key_is_made(t casesync_internal.tracking,
	r casesync_internal.registry)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.key_is_column AND t.subjects IS NULL AND NOT EXISTS (
		SELECT FROM casesync_internal.column_origin(r.view, r.key_column))
$$;
COMMENT ON FUNCTION casesync_internal.key_is_made(casesync_internal.tracking,
	casesync_internal.registry) IS
	'whether a registry names its subjects by an expression, where a tracking names a column';

/* With its own words, so that it can be run; untrack() takes all trackings of a table. */
CREATE OR REPLACE FUNCTION casesync_internal.track_otherwise(t casesync_internal.tracking,
	r casesync_internal.registry)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT casesync.untrack(%1$L); SELECT casesync.track(%1$L, %2$L, %3$L%4$s);%5$s',
		t.relation_name, t.registries, coalesce(n.is_column, t.key),
		concat(', on_insert => ' || quote_literal(t.on_insert),
			', on_update => ' || quote_literal(t.on_update),
			', on_delete => ' || quote_literal(t.on_delete),
			CASE WHEN n.is_column IS NULL THEN format(', subjects => ''SELECT … WHERE … = '
				'$1::%s''', casesync_internal.tracking_key_type(t)) END),
		CASE WHEN casesync_internal.key_is_made(t, r) THEN format('  -- or, if %s makes its %I of '
			'%s, with the same expression as key', r.view, r.key_column, t.key) END)
	  FROM (SELECT 1) x LEFT JOIN casesync_internal.key_named_otherwise(t, r) n ON true
$$;
COMMENT ON FUNCTION casesync_internal.track_otherwise(casesync_internal.tracking,
	casesync_internal.registry) IS
	'how to track a table by the key that a registry has';

/* What is active, and what is to be: the newest version of each. */
CREATE OR REPLACE FUNCTION casesync_internal.agreements_reviewed(registries text[])
RETURNS SETOF casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT a.* FROM casesync_internal.agreement a
	 WHERE a.direction = 'out' AND a.state <> 'ended'
	   AND a.registries && agreements_reviewed.registries
	   AND (a.state = 'active' OR NOT EXISTS (SELECT FROM casesync_internal.agreement n
		WHERE n.agreement = a.agreement AND n.version > a.version));
END
$$;
COMMENT ON FUNCTION casesync_internal.agreements_reviewed(text[]) IS
	'agreements to share some registries: the active versions, and the newest ones';

/* Agreements that are over want nothing. */
CREATE OR REPLACE FUNCTION casesync_internal.wanted_events(registry text)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
	SELECT array_agg(DISTINCT e ORDER BY e)
	  FROM casesync_internal.agreements_reviewed(ARRAY[wanted_events.registry]) a
	 CROSS JOIN LATERAL unnest(a.event_types) e);
END
$$;
COMMENT ON FUNCTION casesync_internal.wanted_events(text) IS
	'the event types that any agreement has about a registry; NULL when there is none yet';

/*
 * A name that is known for no type of registry may be a country's own; one that is known for
 * another type is written to peers as it stands here, and they do not know it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.event_fault(event_type text,
	r casesync_internal.registry)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
	SELECT format('event type %s is none of registry type %s''s: %s', event_fault.event_type,
			casesync_internal.reg_type_name(r.reg_type), coalesce('did you mean '
			|| casesync_internal.nearest_name(event_fault.event_type,
				array_agg(e.event_type ORDER BY e.event_type)) || '?',
			'those are ' || string_agg(DISTINCT e.event_type, ', ')))
	  FROM casesync_internal.event_type e
	 WHERE e.reg_type = casesync_internal.reg_type_name(r.reg_type)
	HAVING bool_and(e.event_type <> event_fault.event_type));
END
$$;
COMMENT ON FUNCTION casesync_internal.event_fault(text, casesync_internal.registry) IS
	'what to say of an event type that is not known for a registry''s type; NULL when it is, or '
	'when the type has none';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_event_faults(t casesync_internal.tracking,
	r casesync_internal.registry)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH given AS (
		SELECT array_agg(DISTINCT e ORDER BY e) AS events, casesync_internal.wanted_events(
			r.registry) AS wanted
		  FROM unnest(ARRAY[t.on_insert, t.on_update, t.on_delete]) e WHERE e IS NOT NULL
	)
	SELECT 'warning', casesync_internal.tracking_name(t), casesync_internal.event_fault(e, r),
		format('SELECT casesync.add_event_type(%L, %L);  -- or untrack(%L), and track it with '
			'another', e, casesync_internal.reg_type_name(r.reg_type), t.relation_name)
	  FROM given g CROSS JOIN LATERAL unnest(g.events) e
	 WHERE casesync_internal.event_fault(e, r) IS NOT NULL
	UNION ALL
	SELECT CASE WHEN g.events && g.wanted THEN 'note' ELSE 'warning' END,
		casesync_internal.tracking_name(t),
		format('no agreement about registry %s has event type %s: it has %s', r.registry,
			array_to_string(ARRAY(SELECT e FROM unnest(g.events) e WHERE e <> ALL (g.wanted)),
				', '), array_to_string(g.wanted, ', ')),
		'SELECT agreement, event_types FROM casesync.agreements WHERE state <> ''ended'';'
	  FROM given g WHERE NOT g.events <@ g.wanted
	UNION ALL
	SELECT 'warning', casesync_internal.tracking_name(t),
		format('%s makes events of %s for the same columns and key: each change is told twice',
			casesync_internal.tracking_name(o), r.registry),
		format('SELECT casesync.untrack(%L);  -- both; then track it once', t.relation_name)
	  FROM casesync_internal.tracking o
	 WHERE o.relation = t.relation AND o.id < t.id AND NOT o.removed AND o.enabled
	   AND r.registry = ANY (o.registries) AND o.columns && t.columns AND o.key = t.key
	   AND (o.condition, o.subjects) IS NOT DISTINCT FROM (t.condition, t.subjects)
	   AND (o.on_insert <> t.on_insert OR o.on_update <> t.on_update OR o.on_delete <> t.on_delete);
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_event_faults(casesync_internal.tracking,
	casesync_internal.registry) IS
	'part of tracking_faults(): events that nobody knows or wants, or that are made twice';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_faults(t casesync_internal.tracking,
	r casesync_internal.registry)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT 'warning', casesync_internal.tracking_name(t),
		'its query for subjects does not ask for the key: without $1 every change is about the '
		'same subjects, or about nobody',
		format('SELECT casesync.untrack(%L);  -- and track it with subjects => ''SELECT … WHERE … '
			'= $1::%s''', t.relation_name, casesync_internal.tracking_key_type(t))
	 WHERE NOT casesync_internal.asks_for_key(t)
	UNION ALL
	SELECT 'warning', casesync_internal.tracking_name(t),
		format('its key %s is %s, the key of registry %s is %s: none of its changes finds a '
			'subject', t.key, casesync_internal.tracking_key_type(t), r.registry, r.key_type),
		casesync_internal.track_otherwise(t, r)
	 WHERE casesync_internal.key_types_differ(t, r)
	UNION ALL
	SELECT 'warning', casesync_internal.tracking_name(t),
		format('its key is %s, but registry %s names people by what is in %s (%s)', t.key,
			r.registry, n.is_column, n.of_view),
		casesync_internal.track_otherwise(t, r)
	  FROM casesync_internal.key_named_otherwise(t, r) n
	 WHERE NOT casesync_internal.key_types_differ(t, r)
	UNION ALL
	SELECT f.* FROM casesync_internal.tracking_event_faults(t, r) f;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_faults(casesync_internal.tracking,
	casesync_internal.registry) IS
	'what is wrong with the words of a tracking, for one of its registries';

/* ---- rows of the table ----------------------------------------------------------------------- */

/*
 * As the table's owner, as the router does it. An expression is worked out by the query itself,
 * over the row: it was written for that, with the names that columns had then.
 */
CREATE OR REPLACE FUNCTION casesync_internal.review_subjects(t casesync_internal.tracking,
	until timestamptz, OUT looked integer, OUT subjects text[], OUT error_code text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
	keys text[];
	k text;
BEGIN
	keys := ARRAY(SELECT q.key FROM casesync_internal.owner_query(t.author,
		t.relation, format('SELECT DISTINCT x.k, NULL::jsonb FROM (SELECT (%s)::text AS k FROM %s '
			'WHERE $2 LIMIT $1) x WHERE x.k IS NOT NULL', CASE WHEN t.key_is_column
				THEN quote_ident(t.key) ELSE t.key END, t.relation),
		casesync_internal.review_limit('table rows'), casesync_internal.review_time(until),
		coalesce(t.condition, 'true')) q WHERE t.key_labels = t.key_columns);
	looked := cardinality(keys);
	subjects := keys;
	IF t.subjects IS NOT NULL THEN
		subjects := '{}';
		FOREACH k IN ARRAY keys[:5] LOOP
			looked := cardinality(keys[:5]);
			subjects := subjects || ARRAY(SELECT q.key FROM casesync_internal.owner_query(t.author,
				t.relation, format('SELECT q.k::text, NULL::jsonb FROM (%s) AS q(k) LIMIT %s',
					t.subjects, casesync_internal.review_limit('subjects')), k,
				casesync_internal.review_time(until)) q WHERE q.key IS NOT NULL);
		END LOOP;
	END IF;
EXCEPTION WHEN OTHERS THEN
	error_code := SQLSTATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.review_subjects(casesync_internal.tracking, timestamptz) IS
	'whom some rows of a tracked table are about';

CREATE OR REPLACE FUNCTION casesync_internal.review_found(r casesync_internal.registry,
	keys text[], until timestamptz, OUT there integer, OUT error_code text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
BEGIN
	SELECT count(*) INTO there FROM casesync_internal.owner_query(r.author, r.view,
		format('SELECT %s, NULL::jsonb FROM %s WHERE %s', casesync_internal.key_text(r), r.view,
			casesync_internal.key_among(r)), keys, casesync_internal.review_time(until)) q;
EXCEPTION WHEN OTHERS THEN
	error_code := SQLSTATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.review_found(casesync_internal.registry, text[],
	timestamptz) IS
	'how many rows a registry has for some keys';

/*
 * What could not be read in time says nothing, and one or two rows may be about people who are in
 * no view. A table of all people feeds registries of some.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_row_faults(t casesync_internal.tracking,
	r casesync_internal.registry, until timestamptz)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s record := casesync_internal.review_subjects(t, until);
	f record := casesync_internal.review_found(r, s.subjects, until);
BEGIN
	problem := CASE
		WHEN s.error_code IS NOT NULL THEN format('whom its rows are about cannot be asked (%s)',
			s.error_code)
		WHEN s.looked = 0 THEN NULL
		WHEN s.subjects = '{}' THEN format('its query for subjects names nobody for any of %s '
			'rows', s.looked)
		WHEN f.error_code IS NOT NULL THEN format('registry %s cannot be asked for whom it is '
			'about (%s): its keys are %s', r.registry, f.error_code, r.key_type)
		WHEN f.there = 0 THEN format('none of %s rows looked at is about a subject of registry %s',
			s.looked, r.registry) END;
	IF problem IS NOT NULL
		AND NOT casesync_internal.is_late(coalesce(s.error_code, f.error_code)) THEN
		severity := CASE WHEN coalesce(s.error_code, f.error_code) IS NULL AND (s.looked < 3
				OR EXISTS (SELECT FROM casesync_internal.registry o
			CROSS JOIN LATERAL casesync_internal.review_found(o, s.subjects, until) x
			WHERE o.registry = ANY (t.registries) AND o.registry <> r.registry AND x.there > 0))
			THEN 'note' ELSE 'warning' END;
		subject := casesync_internal.tracking_name(t);
		mend := casesync_internal.track_otherwise(t, r);
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_row_faults(casesync_internal.tracking,
	casesync_internal.registry, timestamptz) IS
	'a tracking of whose rows none is about a subject of a registry, as far as was looked';
