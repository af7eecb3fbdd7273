/*
 * A search request item by item: what is wrong with one does not touch the others (ESS
 * SearchRequest to SearchResponse). It decides nothing about who may see what: search.sql does.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_refusal(item jsonb, code text, why text)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('reference_id', CASE
		WHEN jsonb_typeof(item->'reference_id') = 'string'
			THEN left(item->>'reference_id', 255) ELSE '' END,
		'timestamp', casesync_internal.wire_time(clock_timestamp()), 'status', 'rjct',
		'status_reason_code', code,
		'status_reason_message', left(why, 999), 'data', '{"reg_records": []}'::jsonb,
		'locale', casesync_internal.search_locale(item))
$$;
COMMENT ON FUNCTION casesync_internal.search_refusal(jsonb, text, text) IS
	'the answer to an item that is refused';

CREATE OR REPLACE FUNCTION casesync_internal.search_locale(item jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN casesync.is_locale(item->>'locale') THEN item->>'locale' ELSE 'eng' END
$$;
COMMENT ON FUNCTION casesync_internal.search_locale(jsonb) IS
	'the locale of an item, or the default';

/* What is wrong with an item before anything is looked up. */
CREATE OR REPLACE FUNCTION casesync_internal.search_item_problem(item jsonb, earlier text[],
	OUT code text, OUT why text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reference constant jsonb := item->'reference_id';
	criteria constant jsonb := item->'search_criteria';
	word text;
BEGIN
	IF jsonb_typeof(reference) IS DISTINCT FROM 'string'
		OR length(reference #>> '{}') NOT BETWEEN 1 AND 255 THEN
		code := 'rjct.reference_id.invalid';
		why := 'reference_id must be text of 1 to 255 characters';
	ELSIF reference #>> '{}' = ANY (earlier) THEN
		code := 'rjct.reference_id.duplicate';
		why := 'another item of this request has the same reference_id';
	ELSIF jsonb_typeof(item->'timestamp') IS DISTINCT FROM 'string'
		OR casesync_internal.time_of(item->>'timestamp') IS NULL THEN
		code := 'rjct.timestamp.invalid';
		why := 'timestamp must be ISO 8601 with a zone';
	ELSIF jsonb_typeof(item->'locale') <> 'null' AND NOT (jsonb_typeof(item->'locale') = 'string'
		AND casesync.is_locale(item->>'locale')) THEN
		code := 'rjct.search_criteria.invalid';
		why := 'locale must be three small letters, for example eng';
	ELSIF jsonb_typeof(criteria) IS DISTINCT FROM 'object' THEN
		code := 'rjct.search_criteria.invalid';
		why := 'search_criteria must be an object with query_type and query';
	ELSIF NOT criteria ? 'query' THEN
		code := 'rjct.search_criteria.invalid';
		why := 'search_criteria.query is missing; {} asks for all that the agreement allows';
	END IF;
	FOREACH word IN ARRAY ARRAY['reg_type', 'reg_record_type', 'query_type'] LOOP
		IF code IS NULL AND jsonb_typeof(criteria->word) NOT IN ('string', 'null') THEN
			code := 'rjct.search_criteria.invalid';
			why := format('search_criteria.%s must be text', word);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_item_problem(jsonb, text[]) IS
	'why an item cannot be searched for, after the reference_ids of earlier items; NULL when it '
	'can';

/* In search_criteria, where the standard has it, or beside it, where peers put it. */
CREATE OR REPLACE FUNCTION casesync_internal.search_page(item jsonb, OUT page_size integer,
	OUT page_number integer, OUT why text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	page constant jsonb := coalesce(nullif(item #> '{search_criteria,pagination}', 'null'),
		nullif(item->'pagination', 'null'), '{}');
	size constant jsonb := coalesce(nullif(page->'page_size', 'null'), '100');
	number constant jsonb := coalesce(nullif(page->'page_number', 'null'), '1');
BEGIN
	IF jsonb_typeof(page) <> 'object' THEN
		why := 'pagination must be an object with page_size and page_number';
	ELSIF coalesce(casesync_internal.number_of(size), 0) NOT BETWEEN 1 AND 2000 THEN
		why := 'pagination.page_size must be a whole number from 1 to 2000';
	ELSIF coalesce(casesync_internal.number_of(number), 0) NOT BETWEEN 1 AND 1000000 THEN
		why := 'pagination.page_number must be a whole number from 1 on';
	ELSE
		page_size := casesync_internal.number_of(size);
		page_number := casesync_internal.number_of(number);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_page(jsonb) IS
	'which page an item asks for: 100 records and the first, if it does not say';

/* One name if all sources have the same, else none: the standard has room for one only. */
CREATE OR REPLACE FUNCTION casesync_internal.search_data(criteria jsonb,
	sources casesync_internal.search_source[], records jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(
		jsonb_build_object('version', '1.0.0', 'reg_type', casesync_internal.reg_type_wire(coalesce(
			CASE WHEN count(DISTINCT (s.r).reg_type) = 1 THEN min((s.r).reg_type) END, x.reg_type)),
		'reg_record_type', coalesce(CASE WHEN count(DISTINCT (s.r).record_type) = 1
		THEN min((s.r).record_type) END,
			x.record_type))) || jsonb_build_object('reg_records', records)
	  FROM (SELECT substring(
		casesync_internal.plain_name(
		criteria->>'reg_type') from '^[A-Za-z][A-Za-z0-9_]{0,62}$') AS reg_type,
				substring(casesync_internal.plain_name(
					criteria->>'reg_record_type') from '^[A-Za-z][A-Za-z0-9_]{0,62}$') AS
					record_type) x
	  LEFT JOIN unnest(sources) s ON true
	 GROUP BY x.reg_type, x.record_type
$$;
COMMENT ON FUNCTION casesync_internal.search_data(jsonb, casesync_internal.search_source[],
	jsonb) IS
	'the data of an answer: a list of records, also when there are none';

CREATE OR REPLACE FUNCTION casesync_internal.search_refused(code text, why text)
RETURNS casesync_internal.search_result
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ROW(code, why, '[]', 0, '{}', NULL)::casesync_internal.search_result
$$;
COMMENT ON FUNCTION casesync_internal.search_refused(text, text) IS
	'an item that is refused, and why';

/* All subjects are found before any is given: only then is it known whether they are too many. */
CREATE OR REPLACE FUNCTION casesync_internal.search_find(sources casesync_internal.search_source[],
	tree jsonb, sort jsonb, until timestamptz,
	OUT refused casesync_internal.search_result, OUT keys text[], OUT places integer[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.setting('casesync.search_limit')::integer;
	sorted record;
	found record;
BEGIN
	keys := '{}';
	places := '{}';
	FOR i IN 1 .. coalesce(cardinality(sources), 0) LOOP
		sorted := casesync_internal.filter_order(sort, sources[i].r, sources[i].a);
		IF sorted.problem IS NOT NULL THEN
			refused := casesync_internal.search_refused('rjct.sort.invalid', sorted.problem);
			RETURN;
		END IF;
		found := casesync_internal.search_keys(sources[i], tree, sorted.clause,
			most - cardinality(keys) + 1, until);
		IF found.failed IS NOT NULL THEN
			refused := casesync_internal.search_refused('rjct.search_criteria.invalid',
				'a record in this registry cannot be read at present: search by an identifier, or '
				'try again later');
			refused.failed := found.failed;
			RETURN;
		END IF;
		keys := keys || found.keys;
		places := places || array_fill(i, ARRAY[cardinality(found.keys)]);
		IF cardinality(keys) > most THEN
			refused := casesync_internal.search_refused('rjct.search.too_many_records_found',
				format('more than %s records match: narrow the query', most));
			RETURN;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_find(casesync_internal.search_source[], jsonb, jsonb,
	timestamptz) IS
	'the subjects that match, source by source (places), each source in the order asked for';

CREATE OR REPLACE FUNCTION casesync_internal.search_give(sources casesync_internal.search_source[],
	keys text[], places integer[], given uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	records jsonb := '[]';
BEGIN
	FOR i IN 1 .. coalesce(cardinality(sources), 0) LOOP
		records := records || casesync_internal.search_records(sources[i], ARRAY(
			SELECT k.key FROM unnest(keys, places) WITH ORDINALITY k(key, place, n)
				WHERE k.place = i ORDER BY k.n), 'search', given);
	END LOOP;
	RETURN records;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_give(casesync_internal.search_source[], text[],
	integer[], uuid) IS
	'the records of one page, and their disclosure';

/*
 * One item that is well formed. Unknown, withheld and not agreed have one answer, an empty list;
 * so has a registry that no agreement covers.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_item(p casesync_internal.partner, item jsonb,
	page record, max_bytes bigint, until timestamptz,
	given uuid)
RETURNS casesync_internal.search_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	criteria constant jsonb := item->'search_criteria';
	first constant bigint := (page.page_number - 1)::bigint * page.page_size;
	filter record := casesync_internal.filter_parse(criteria->'query',
		casesync_internal.plain_name(criteria->>'query_type'));
	sources casesync_internal.search_source[];
	found record;
	answer casesync_internal.search_result;
BEGIN
	IF filter.problem IS NOT NULL THEN
		RETURN casesync_internal.search_refused('rjct.filter.invalid', filter.problem);
	END IF;
	sources := ARRAY(SELECT s FROM casesync_internal.agreements_for_search(p.partner, 'search',
		criteria->>'reg_type', casesync_internal.plain_name(criteria->>'reg_record_type')) s);
	IF cardinality(sources) > 0
		AND NOT casesync_internal.lookup_allowed(
		p.partner, casesync_internal.search_lookups(filter.tree)) THEN
		RETURN casesync_internal.search_refused('rjct.search_criteria.invalid',
			'the lookups agreed for a day are used up: send this one again tomorrow');
	END IF;
	found := casesync_internal.search_find(sources, filter.tree, criteria->'sort', until);
	IF (found.refused).code IS NOT NULL THEN
		RETURN found.refused;
	END IF;
	answer.total := cardinality(found.keys);
	IF first < answer.total THEN
		found.keys := found.keys[first + 1 : first + page.page_size];
		found.places := found.places[first + 1 : first + page.page_size];
	ELSE
		found.keys := '{}';
		found.places := '{}';
	END IF;
	answer.records := casesync_internal.search_give(sources, found.keys, found.places, given);
	IF octet_length(answer.records::text) > max_bytes THEN
		RAISE EXCEPTION USING errcode = 'CS003';
	END IF;
	answer.agreements := ARRAY(
		SELECT DISTINCT format('%s %s', ((sources[i]).a).version, ((sources[i]).a).agreement)
		FROM unnest(found.places) i);
	answer.records := casesync_internal.search_data(criteria, sources, answer.records);
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_item(casesync_internal.partner, jsonb, record, bigint,
	timestamptz, uuid) IS
	'the page that one item asks for';

/* How many identifiers or other values a filter tries: what a partner may look up a day is counted in these. */
CREATE OR REPLACE FUNCTION casesync_internal.search_lookups(tree jsonb)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT greatest(1, count(*))::integer FROM jsonb_path_query(tree, 'strict $.**.values[*]')
$$;
COMMENT ON FUNCTION casesync_internal.search_lookups(jsonb) IS
	'how many lookups a filter counts for';

CREATE OR REPLACE FUNCTION casesync_internal.search_late()
RETURNS casesync_internal.search_result
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.search_refused('rjct.search_criteria.invalid', format(
		'the search took longer than %s allows: narrow it, ask for fewer items in one request, or '
		'search by an identifier',
		casesync_internal.setting('casesync.search_timeout')));
END
$$;
COMMENT ON FUNCTION casesync_internal.search_late() IS 'an item for which there was no time';

/* What fails is undone with all that it disclosed, and does not touch the other items. */
CREATE OR REPLACE FUNCTION casesync_internal.search_try(p casesync_internal.partner, item jsonb,
	page record, max_bytes bigint, until timestamptz,
	given uuid)
RETURNS casesync_internal.search_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer casesync_internal.search_result;
BEGIN
	RETURN casesync_internal.search_item(p, item, page, max_bytes, until, given);
EXCEPTION
	WHEN SQLSTATE 'CS002' THEN
		RETURN casesync_internal.search_late();
	WHEN SQLSTATE 'CS003' THEN
		RETURN casesync_internal.search_refused('rjct.pagination.invalid',
			format('the records of this request have more than %s bytes: ask for fewer items or a '
				'smaller page_size', max_bytes));
	WHEN OTHERS THEN
		IF casesync_internal.is_transient(SQLSTATE) THEN
			RAISE;
		END IF;
		answer := casesync_internal.search_refused('rjct.search_criteria.invalid',
			'this could not be searched here; nothing is wrong with the request: send it again '
			'later');
		answer.failed := SQLSTATE;
		RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_try(casesync_internal.partner, jsonb, record, bigint,
	timestamptz, uuid) IS
	'the page that one item asks for, or why there is none';

CREATE OR REPLACE FUNCTION casesync_internal.search_answer(p casesync_internal.partner, item jsonb,
	earlier text[], max_bytes bigint,
	until timestamptz, given uuid, OUT answer jsonb, OUT agreements text[], OUT failed text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem record := casesync_internal.search_item_problem(item, earlier);
	page record := casesync_internal.search_page(item);
	result casesync_internal.search_result;
BEGIN
	IF problem.code IS NOT NULL THEN
		result := casesync_internal.search_refused(problem.code, problem.why);
	ELSIF page.why IS NOT NULL THEN
		result := casesync_internal.search_refused('rjct.pagination.invalid', page.why);
	ELSIF clock_timestamp() >= until THEN
		result := casesync_internal.search_late();
	ELSE
		result := casesync_internal.search_try(p, item, page, max_bytes, until, given);
	END IF;
	agreements := coalesce(result.agreements, '{}');
	failed := result.failed;
	IF result.code IS NOT NULL THEN
		answer := casesync_internal.search_refusal(item, result.code, result.why);
	ELSE
		answer := jsonb_build_object('reference_id', item->'reference_id',
			'timestamp', casesync_internal.wire_time(clock_timestamp()), 'status', 'succ', 'data',
			result.records,
			'pagination', jsonb_build_object('page_size', page.page_size, 'page_number',
			page.page_number,
				'total_count', result.total),
			'locale', casesync_internal.search_locale(item));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_answer(casesync_internal.partner, jsonb, text[],
	bigint, timestamptz, uuid) IS
	'the answer to one item, whatever it is';

CREATE OR REPLACE FUNCTION casesync_internal.search_outcome(p casesync_internal.partner,
	message jsonb, correlation_id text, until timestamptz)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item jsonb;
	done record;
	earlier text[] := '{}';
	answers jsonb[] := '{}';
	bytes bigint := 8000000;
	o casesync_internal.request_outcome;
BEGIN
	o.agreements := '{}';
	o.given := gen_random_uuid();
	FOR item IN SELECT *
		FROM jsonb_array_elements(casesync_internal.list_of(message->'search_request')) LOOP
		done := casesync_internal.search_answer(p, item, earlier, bytes, until, o.given);
		earlier := earlier || (item->>'reference_id');
		answers := answers || done.answer;
		bytes := bytes - octet_length(done.answer::text);
		o.agreements := o.agreements || done.agreements;
		o.failed := coalesce(o.failed, done.failed);
	END LOOP;
	o.agreements := ARRAY(SELECT DISTINCT x FROM unnest(o.agreements) x);
	o.answers := (SELECT jsonb_agg(a - 'data' ORDER BY n)
		FROM unnest(answers) WITH ORDINALITY x(a, n));
	o.action := 'on-search';
	o.total := cardinality(answers);
	o.status := CASE WHEN EXISTS (SELECT FROM unnest(answers) a WHERE a->>'status' = 'succ')
		THEN 'succ' ELSE 'rjct' END;
	o.status_reason_message := CASE o.status
		WHEN 'rjct' THEN 'no item could be answered: each says why' END;
	o.message := jsonb_build_object('transaction_id', message->'transaction_id', 'correlation_id',
		correlation_id,
		'search_response', to_jsonb(answers));
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_outcome(casesync_internal.partner, jsonb, text,
	timestamptz) IS
	'a search request answered item by item; succ when any item is';
