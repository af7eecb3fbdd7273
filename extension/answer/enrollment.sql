/*
 * Whether somebody is enrolled (ESS check-enrollment): one status word about one person, from the
 * record as the agreement lets it pass. Whom nobody knows and who is withheld have one answer.
 */

/* What one member of a query says, given as a value or as a condition of equality. */
CREATE OR REPLACE FUNCTION casesync_internal.equal_to(value jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(value->'eq', value->'$eq', value)
$$;
COMMENT ON FUNCTION casesync_internal.equal_to(jsonb) IS
	'the value of {"eq": value} or {"$eq": value}, or of the value itself';

/*
 * Queries of one member or two, which peers write in more ways than a filter. No one form for it is
 * agreed upon; what is no form of these is read as a filter (B12).
 */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_query(query jsonb, query_type text,
	OUT id_type text, OUT value jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name constant text := CASE jsonb_typeof(query) WHEN 'object' THEN (
		SELECT min(k) FROM jsonb_object_keys(query) k HAVING count(*) = 1) END;
BEGIN
	IF jsonb_typeof(query->'identifier_type') = 'string' AND query ? 'identifier_value' THEN
		id_type := query->>'identifier_type';
		value := casesync_internal.equal_to(query->'identifier_value');
	ELSIF name IS NOT NULL AND lower(query_type) IS DISTINCT FROM 'graphql' THEN
		value := query->name;
		IF jsonb_typeof(value) = 'object'
			AND (SELECT count(*) FROM jsonb_object_keys(value)) = 1 THEN
			value := casesync_internal.equal_to(value);
		END IF;
		IF jsonb_typeof(value) NOT IN ('string', 'number') THEN
			value := NULL;
		/* The others say only that it is an identifier. */
		ELSIF lower(casesync_internal.plain_name(name)) NOT IN ('person_identifier',
			'member_identifier', 'identifier_value', 'identifier') THEN
			id_type := name;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_query(jsonb, text) IS
	'the identifier that a query of a check of enrolment names, in a form of its own; NULL when it '
	'may be a filter';

/*
 * The identifier that a question names; without a type, any that is agreed. One person, or none:
 * what takes conditions is a search, and is agreed and counted as one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_identifier(criteria jsonb, OUT id_type text,
	OUT id_value text, OUT why text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	query_type constant text := casesync_internal.plain_name(criteria->>'query_type');
	value jsonb;
	tree jsonb;
	problem text;
BEGIN
	SELECT q.id_type, q.value INTO id_type, value
	  FROM casesync_internal.enrolment_query(criteria->'query', query_type) q;
	IF value IS NULL THEN
		SELECT f.tree, f.problem INTO tree, problem
		  FROM casesync_internal.filter_parse(criteria->'query', query_type) f;
	END IF;
	IF tree IS NOT NULL THEN
		SELECT i.id_type, to_jsonb(i.id_value) INTO id_type, value
		  FROM casesync_internal.filter_identifier(tree) i;
	END IF;
	id_type := casesync_internal.plain_name(id_type);
	IF jsonb_typeof(value) IN ('string', 'number')
		AND length(value #>> '{}') BETWEEN 1 AND casesync_internal.message_limit('value')
		AND coalesce(length(id_type), 1) BETWEEN 1 AND casesync_internal.message_limit('code')
	THEN
		id_value := value #>> '{}';
	ELSE
		why := concat_ws(': ', 'enrolled_criteria.query must name one person, for example '
			'{"person_identifier": {"eq": "…"}} or {"type": "UIN", "value": "…"}', problem);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_identifier(jsonb) IS
	'the identifier that a check of enrolment is about (id_type NULL: of any type), or why it '
	'names none';

CREATE OR REPLACE FUNCTION casesync_internal.enrolment_question_refusal(criteria jsonb)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem constant text := CASE
		WHEN jsonb_typeof(criteria) IS DISTINCT FROM 'object'
			THEN 'enrolled_criteria must be an object with query_type, response_entity and query'
		WHEN jsonb_typeof(criteria->'query_type') NOT IN ('string', 'null')
			THEN 'enrolled_criteria.query_type must be text'
		WHEN jsonb_typeof(criteria->'response_entity') NOT IN ('string', 'null')
			THEN 'enrolled_criteria.response_entity must be text'
		WHEN lower(casesync_internal.plain_name(criteria->>'response_entity'))
			NOT IN ('member', 'group')
			THEN 'enrolled_criteria.response_entity must be Member or Group'
		ELSE (casesync_internal.enrolment_identifier(criteria)).why END;
BEGIN
	RETURN CASE WHEN problem IS NOT NULL
		THEN casesync_internal.refused_for('question unclear', problem) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_question_refusal(jsonb) IS
	'what is wrong with a check of enrolment; NULL when nothing is';

/*
 * A status nobody can read is as good as none: the person is answered like one nobody knows. It
 * stands in one of several places and in one of two lists (A1, A2).
 */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_code(record jsonb)
RETURNS casesync.enrolment_status
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync.enrolment_status_of(record);
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_code(jsonb) IS
	'the enrolment status of a record; NULL when it has none that can be read';

/*
 * Subjects of one source that have this identifier and a status that may be told. Found as by a
 * search, by the same rules: an identifier type that is not agreed finds nobody. More than a
 * hundred is no identifier any more.
 */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_subjects(s casesync_internal.search_source,
	id_type text, id_value text, until timestamptz)
RETURNS TABLE (key text, status casesync.enrolment_status)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	types constant text[] := CASE WHEN id_type IS NULL THEN (s.a).identifier_types
		ELSE ARRAY[id_type] END;
	keys text[] := '{}';
	wanted text;
	looked record;
BEGIN
	FOREACH wanted IN ARRAY types LOOP
		looked := casesync_internal.search_keys(s,
			(SELECT f.tree FROM casesync_internal.filter_parse(
				jsonb_build_object('type', wanted, 'value', id_value), 'idtype-value') f),
			NULL, 100, until);
		IF looked.failed IS NOT NULL THEN
			PERFORM casesync_internal.raise_error(errcode => looked.failed);
		END IF;
		keys := keys || looked.keys;
	END LOOP;
	RETURN QUERY
	SELECT o.key, e.status
	  FROM casesync_internal.offers(s.a, s.r, ARRAY(SELECT x
		FROM casesync_internal.render(s.r, ARRAY(SELECT DISTINCT k FROM unnest(keys) k)) x)) o
	 CROSS JOIN LATERAL (SELECT casesync_internal.enrolment_code(o.record) AS status) e
	 WHERE o.state = 'pass' AND e.status IS NOT NULL
	 ORDER BY o.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_subjects(casesync_internal.search_source, text,
	text, timestamptz) IS
	'whom an identifier names in one registry, as the agreement lets it be seen, with the '
	'enrolment status';

/* The word that is sent. The standard's list lacks Exited (A3) and words of a country's own. */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_answer(p casesync_internal.partner,
	reference_id text, status casesync.enrolment_status)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('reference_id', reference_id,
			'timestamp', casesync_internal.wire_time(clock_timestamp()), 'status', 'succ')
		|| CASE WHEN casesync_internal.profile_rule(p.profile, 'enrolment_status') = 'exited'
				OR w.word IN ('Active', 'Deceased', 'Suspended',
				'Inactive', 'Reinstated', 'Awaiting Renewal')
			THEN jsonb_build_object('enrolled_status', w.word)
			ELSE jsonb_build_object('enrolled_status', 'Inactive',
				'status_reason_message', casesync_internal.reason_text(w.word)) END
	  FROM (SELECT coalesce(casesync.label(status), status::text) AS word) w
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_answer(casesync_internal.partner, text,
	casesync.enrolment_status) IS
	'one item of the answer to a check of enrolment (ESS EnrolledResponse)';

/* What says most about a person comes first, as in a record with several programmes. */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_rank(status casesync.enrolment_status)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_position('{2,1,6,7,4,5,3}'::text[], casesync.code(status)), 8)
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_rank(casesync.enrolment_status) IS
	'which of two statuses of one person in two registries is told: the lower';

/* Who is told is on record, also when nobody can tell whom the partner takes it for. */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_give(s casesync_internal.search_source,
	id_type text, id_value text, until timestamptz, given uuid)
RETURNS casesync.enrolment_status[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told casesync_internal.disclosing[];
	statuses casesync.enrolment_status[];
BEGIN
	SELECT array_agg(ROW((s.a).partner, (s.r).registry, e.key, NULL, (s.a).agreement,
			(s.a).version, given, '{}')::casesync_internal.disclosing),
		coalesce(array_agg(e.status), '{}')
	  INTO told, statuses
	  FROM casesync_internal.enrolment_subjects(s, id_type, id_value, until) e;
	PERFORM casesync_internal.disclosure_begin('check_enrollment', told);
	RETURN statuses;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_give(casesync_internal.search_source, text, text,
	timestamptz, uuid) IS
	'the statuses of whom an identifier names in one registry, and their disclosure';

CREATE OR REPLACE FUNCTION casesync_internal.enrolment_sources(p casesync_internal.partner,
	criteria jsonb)
RETURNS casesync_internal.search_source[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT s
		FROM casesync_internal.agreements_for_search(p.partner, 'check_enrollment', NULL, NULL) s
		WHERE ((s.r).record_type ILIKE 'group') = coalesce(lower(
			casesync_internal.plain_name(criteria->>'response_entity')) = 'group', false))
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_sources(casesync_internal.partner, jsonb) IS
	'the registries in which a partner may check whether somebody is enrolled';

CREATE OR REPLACE FUNCTION casesync_internal.enrolment_find(p casesync_internal.partner,
	sources casesync_internal.search_source[], criteria jsonb, until timestamptz,
	OUT answers jsonb, OUT people integer)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	who constant record := casesync_internal.enrolment_identifier(criteria);
	given constant uuid := gen_random_uuid();
	statuses casesync.enrolment_status[] := '{}';
	s casesync_internal.search_source;
	here casesync.enrolment_status[];
BEGIN
	people := 0;
	FOREACH s IN ARRAY sources LOOP
		here := casesync_internal.enrolment_give(s, who.id_type, who.id_value, until, given);
		statuses := statuses || here;
		people := greatest(people, cardinality(here));
	END LOOP;
	/* One subject in each registry is one person; more than one in any cannot be put together. */
	IF people = 1 THEN
		statuses := ARRAY(SELECT x FROM unnest(statuses) x
			ORDER BY casesync_internal.enrolment_rank(x) LIMIT 1);
	END IF;
	SELECT coalesce(jsonb_agg(casesync_internal.enrolment_answer(p, who.id_value, x)
			ORDER BY casesync_internal.enrolment_rank(x)), '[]')
	  INTO answers FROM unnest(statuses) x;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_find(casesync_internal.partner,
	casesync_internal.search_source[], jsonb, timestamptz) IS
	'the status of whom a question names, disclosed; none when unknown, withheld or not agreed';

/*
 * What fails is undone with all that it disclosed. It has been counted before: see
 * enrolment_outcome().
 */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_try(p casesync_internal.partner,
	sources casesync_internal.search_source[], criteria jsonb, until timestamptz,
	OUT answers jsonb, OUT people integer, OUT failed text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT f.answers, f.people INTO answers, people
	  FROM casesync_internal.enrolment_find(p, sources, criteria, until) f;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	answers := '[]';
	people := 0;
	failed := SQLSTATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_try(casesync_internal.partner,
	casesync_internal.search_source[], jsonb, timestamptz) IS
	'the status of whom a question names; failed: SQLSTATE of what stood in the way';

/*
 * Counted before it is looked up, and whether anybody is found or not: else the count would tell.
 * Whoever else has the same identifier counts before it is told. Nobody to ask (no agreement) is
 * not counted: there is nothing to find out. An answer must have a reference_id and the question
 * has none: it is the value asked for (B20). An unknown person, one who is withheld, one without a
 * status and one who is not agreed have this one answer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.enrolment_outcome(p casesync_internal.partner,
	message jsonb, correlation_id text, until timestamptz)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	criteria constant jsonb := message->'enrolled_criteria';
	sources constant casesync_internal.search_source[] := casesync_internal.enrolment_sources(p,
		criteria);
	is_allowed boolean := sources = '{}' OR casesync_internal.lookup_allowed(p.partner, 1);
	found jsonb := '[]';
	people integer;
	o casesync_internal.request_outcome;
BEGIN
	o.action := 'txn-on-status';
	o.total := 1;
	IF is_allowed THEN
		SELECT t.answers, t.people, t.failed INTO found, people, o.failed
		  FROM casesync_internal.enrolment_try(p, sources, criteria, until) t;
		is_allowed := sources = '{}'
			OR casesync_internal.lookups_settled(p.partner, people - 1);
	END IF;
	o.status := CASE WHEN is_allowed AND o.failed IS NULL THEN 'succ' ELSE 'rjct' END;
	o.status_reason_message := CASE
		WHEN NOT is_allowed THEN (casesync_internal.refused_for('lookups used up')).why
		WHEN o.failed IS NOT NULL THEN (casesync_internal.refused_for('lookup failed')).why
		WHEN found = '[]' THEN
			'nobody among those the agreement covers has this identifier and an enrolment status'
		END;
	o.message := jsonb_build_object('enrolled_response',
		CASE o.status WHEN 'succ' THEN found ELSE '[]' END,
		'transaction_id', message->'transaction_id', 'correlation_id', correlation_id);
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.enrolment_outcome(casesync_internal.partner, jsonb, text,
	timestamptz) IS
	'a check of enrolment answered; the identifier goes back in the answer and is kept nowhere';
