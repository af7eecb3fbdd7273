/*
 * Search: from what a partner asks to the subjects that match, in order. It reads views as their
 * owners, within limits; nothing of a request becomes SQL text (filter.sql sees to that).
 */

/*
 * Not the suspended ones, and none for the empty name, which is who asks while sharing is stopped:
 * all these cases have one answer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreements_for_search(partner text, service text,
	reg_type text, record_type text)
RETURNS SETOF casesync_internal.search_source
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT a, r FROM casesync_internal.agreement a
	  JOIN casesync_internal.registry r ON r.registry = ANY (a.registries)
	 WHERE a.state = 'active' AND a.direction = 'out'
	   AND a.partner = agreements_for_search.partner AND service = ANY (a.services)
	   AND a.valid_from <= now() AND now() < a.valid_to
	   AND (agreements_for_search.reg_type IS NULL
		OR casesync_internal.reg_type_name(r.reg_type)
			= casesync_internal.reg_type_name(agreements_for_search.reg_type))
	   AND (agreements_for_search.record_type IS NULL
		OR lower(r.record_type) = lower(agreements_for_search.record_type))
	 ORDER BY a.agreement COLLATE "C", array_position(a.registries, r.registry);
END
$$;
COMMENT ON FUNCTION casesync_internal.agreements_for_search(text, text, text, text) IS
	'what a partner may ask now by a service (search, check_enrollment), of a registry type and '
	'record type (NULL: of any)';

CREATE OR REPLACE FUNCTION casesync_internal.filter_path_may_exist(path text, fields text[])
RETURNS boolean
AS 'MODULE_PATHNAME', 'casesync_filter_path_may_exist' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.filter_path_may_exist(text, text[]) IS
	'whether a filter''s path can find anything in records of which these fields are agreed';

/*
 * Names that are not agreed match nobody, whether they exist or not. That is known before any
 * record is read; reading all of a large table only to find it out would take too long. "not" of
 * what is unknown is unknown and matches nobody, too.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_may_match(tree jsonb,
	a casesync_internal.agreement)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN tree IS NULL OR CASE tree->>'op'
		WHEN 'and' THEN (SELECT bool_and(casesync_internal.search_may_match(t, a))
			FROM jsonb_array_elements(tree->'of') t)
		WHEN 'or' THEN (SELECT bool_or(casesync_internal.search_may_match(t, a))
			FROM jsonb_array_elements(tree->'of') t)
		WHEN 'not' THEN jsonb_path_exists(tree, 'strict $.**.identifier')
			OR EXISTS (SELECT FROM jsonb_path_query(tree, 'strict $.**.attribute') n
				WHERE casesync_internal.search_name_is_known(n #>> '{}', a))
		ELSE NOT tree ? 'attribute'
			OR casesync_internal.search_name_is_known(tree->>'attribute', a) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_may_match(jsonb, casesync_internal.agreement) IS
	'false when no record at all can fit a filter under an agreement';

CREATE OR REPLACE FUNCTION casesync_internal.search_name_is_known(name text,
	a casesync_internal.agreement)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN name = ANY (a.filter_fields) OR casesync_internal.filter_path_may_exist(name, a.fields)
		OR EXISTS (SELECT FROM unnest(a.identifier_types) i
			WHERE upper(casesync_internal.fold_identifier_type(i))
				= upper(casesync_internal.fold_identifier_type(
					casesync_internal.plain_name(name))));
END
$$;
COMMENT ON FUNCTION casesync_internal.search_name_is_known(text, casesync_internal.agreement) IS
	'whether an agreement has anything under a name that a filter uses';

/*
 * The subjects that match, as one query over the view. Subjects of which nothing is agreed are
 * neither given nor counted, so they go before the limit that ends what would find too many without
 * sorting it; OFFSET 0 keeps records from being read of whom the other conditions do not hold for.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_query(r casesync_internal.registry,
	a casesync_internal.agreement, condition text, clause text, max_keys integer,
	first_key integer DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT %1$s AS "?key?", NULL::jsonb AS "?record?" FROM ('
		'SELECT * FROM (SELECT * FROM %2$s WHERE $2 AND (%3$s) OFFSET 0) p '
		'WHERE casesync_internal.project(p.%5$I, %6$L, %7$L) IS NOT NULL LIMIT %4$s) q '
		'ORDER BY %8$s',
		casesync_internal.key_text(r),
		CASE WHEN first_key IS NULL THEN r.view::text
			ELSE format('(SELECT * FROM %s WHERE %s OFFSET 0) known', r.view,
				casesync_internal.key_among(r, format('(($1::text[])[%s:])', first_key))) END,
		condition, max_keys,
		r.record_column, a.fields, a.identifier_types,
		coalesce(clause, format('%I', r.key_column)))
$$;
COMMENT ON FUNCTION casesync_internal.search_query(casesync_internal.registry,
	casesync_internal.agreement, text, text, integer, integer) IS
	'the query for the keys of at most so many subjects that the agreement covers and the '
	'condition (over $1) holds for, $2 being the condition for its subjects; with first_key only '
	'those whose keys stand in $1 from there';

/*
 * A record that cannot be rendered must not hide the others. Rendered one by one they cost more
 * than a search may: so only where there are fewer than a search may find.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_readable(r casesync_internal.registry,
	a casesync_internal.agreement, max_keys integer, until timestamptz)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text[] := ARRAY(SELECT q.key FROM casesync_internal.owner_query(r.author, r.view,
		format('SELECT %s, NULL::jsonb FROM %s WHERE $2 LIMIT $1', casesync_internal.key_text(r),
			r.view),
		max_keys, casesync_internal.milliseconds_left(until), a.subjects) q);
	readable text[];
BEGIN
	IF cardinality(keys) >= max_keys THEN
		PERFORM casesync_internal.raise_error(errcode => 'program_limit_exceeded',
			message => 'too many records to look at one by one');
	END IF;
	readable := ARRAY(SELECT s.key FROM casesync_internal.render(r, keys) s
		WHERE s.state = 'found');
	IF readable = '{}' AND keys <> '{}' THEN
		PERFORM casesync_internal.raise_error(errcode => 'data_exception',
			message => 'no record can be rendered');
	END IF;
	RETURN readable;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_readable(casesync_internal.registry,
	casesync_internal.agreement, integer, timestamptz) IS
	'the subjects of an agreement whose records can be rendered; an error when none can, or when '
	'they are too many to be looked at one by one';

CREATE OR REPLACE FUNCTION casesync_internal.search_run(r casesync_internal.registry,
	a casesync_internal.agreement, query text, arguments text[], until timestamptz)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT array_agg(q.key ORDER BY q.n)
		  FROM casesync_internal.owner_query(r.author, r.view, query, arguments,
			casesync_internal.milliseconds_left(until), a.subjects)
			WITH ORDINALITY q(key, record, n)), '{}');
END
$$;
COMMENT ON FUNCTION casesync_internal.search_run(casesync_internal.registry,
	casesync_internal.agreement, text, text[], timestamptz) IS
	'the keys that a query of search_query() gives, in its order, as the view''s owner sees them';

/*
 * The tree and the clause of order are those of this source: names differ between registries. What
 * passes by itself, and the time being up, is no matter of a record and is raised; every other
 * error is tried once more without the records that cannot be read.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_keys(s casesync_internal.search_source,
	tree jsonb, clause text, max_keys integer, until timestamptz,
	OUT keys text[], OUT failed text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted record;
	readable text[];
BEGIN
	IF NOT casesync_internal.search_may_match(tree, s.a) THEN
		keys := '{}';
		RETURN;
	END IF;
	wanted := casesync_internal.filter_condition(tree, s.r, s.a);
	BEGIN
		keys := casesync_internal.search_run(s.r, s.a,
			casesync_internal.search_query(s.r, s.a, wanted.condition, clause, max_keys),
			wanted.arguments, until);
		RETURN;
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE = 'CS002' OR casesync_internal.is_transient(SQLSTATE) THEN
			RAISE;
		END IF;
		failed := SQLSTATE;
	END;
	BEGIN
		readable := casesync_internal.search_readable(s.r, s.a, max_keys, until);
		keys := casesync_internal.search_run(s.r, s.a,
			casesync_internal.search_query(s.r, s.a, wanted.condition, clause, max_keys,
				first_key => cardinality(wanted.arguments) + 1),
			wanted.arguments || readable, until);
		failed := NULL;
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE = 'CS002' OR casesync_internal.is_transient(SQLSTATE) THEN
			RAISE;
		END IF;
	END;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_keys(casesync_internal.search_source, jsonb, text,
	integer, timestamptz) IS
	'the keys of the subjects that match, in order; failed: SQLSTATE of a record that stands in '
	'the way';

/*
 * How many identifiers or other values a filter tries: what a partner may look up in a day is
 * counted in these. Each is somebody who might be found, be it in one request or in many; a filter
 * without values counts as one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_lookups(tree jsonb)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT greatest(1, count(*))::integer FROM jsonb_path_query(tree, 'strict $.**.values[*]')
$$;
COMMENT ON FUNCTION casesync_internal.search_lookups(jsonb) IS
	'how many lookups a filter counts for';

/*
 * The agreement's own spelling, never the partner's: what it wrote may hold anything. Of who is
 * only counted the agreed fields belong to it, since no record tells them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_asked(tree jsonb,
	a casesync_internal.agreement, is_counted boolean)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH used AS MATERIALIZED (
		SELECT DISTINCT n #>> '{}' AS name
		  FROM jsonb_path_query(tree, 'strict $.**.attribute') n
		UNION
		SELECT n #>> '{}' FROM jsonb_path_query(tree, 'strict $.**.identifier') n
	)
	SELECT ARRAY(
		SELECT f COLLATE "C" FROM unnest(a.filter_fields) f
		 WHERE f <> ALL (a.fields) AND EXISTS (SELECT FROM used u WHERE u.name = f)
		UNION
		SELECT f COLLATE "C" FROM unnest(a.fields) f
		 WHERE is_counted AND EXISTS (SELECT FROM used u
			WHERE casesync_internal.filter_path_may_exist(u.name, ARRAY[f]))
		UNION
		SELECT i COLLATE "C" FROM unnest(a.identifier_types) i
		 WHERE is_counted AND EXISTS (SELECT FROM used u
			WHERE upper(casesync_internal.fold_identifier_type(
				casesync_internal.plain_name(u.name)))
				= upper(casesync_internal.fold_identifier_type(i)))
		ORDER BY 1)
$$;
COMMENT ON FUNCTION casesync_internal.search_asked(jsonb, casesync_internal.agreement, boolean) IS
	'what a filter asks for that is agreed to be asked for: who is found by it is told to be so';

/*
 * Records exactly as a notification would carry them; what is given is on record before. Rendered
 * again, by key: between finding and giving somebody may have left the agreement, and what is given
 * is what is on record.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_records(s casesync_internal.search_source,
	keys text[], way text, given uuid, asked text[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	offers casesync_internal.offer[];
BEGIN
	IF coalesce(cardinality(keys), 0) = 0 THEN
		RETURN '[]';
	END IF;
	offers := ARRAY(SELECT o FROM casesync_internal.offers(s.a, s.r,
		ARRAY(SELECT x FROM casesync_internal.render(s.r, keys) x)) o WHERE o.state = 'pass');
	PERFORM casesync_internal.disclosure_begin(way, ARRAY(
		SELECT ROW((s.a).partner, (s.r).registry, o.key, o.hmac, (s.a).agreement, (s.a).version,
			given, asked)::casesync_internal.disclosing
		  FROM unnest(offers) o ORDER BY o.key COLLATE "C"));
	RETURN coalesce((SELECT jsonb_agg(o.record ORDER BY k.n)
		FROM unnest(keys) WITH ORDINALITY k(key, n)
		JOIN unnest(offers) o ON o.key = k.key), '[]');
END
$$;
COMMENT ON FUNCTION casesync_internal.search_records(casesync_internal.search_source, text[], text,
	uuid, text[]) IS
	'the agreed records of these subjects, in the order of the keys, disclosed by this way in the '
	'answer of this reference_id, to a question that asked for this';
