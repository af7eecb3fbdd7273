/*
 * A search request item by item: what is wrong with one does not touch the others (ESS
 * SearchRequest to SearchResponse). It decides nothing about who may see what: search.sql does.
 */

/*
 * Of which types an answer is that has no records: what was asked for, else the first that the
 * partner may search, else those of the standard's own document, which wants both always.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_types(partner text, criteria jsonb,
	OUT reg_type text, OUT record_type text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first casesync_internal.registry;
BEGIN
	reg_type := casesync_internal.name_said(criteria->>'reg_type');
	record_type := casesync_internal.name_said(criteria->>'reg_record_type');
	IF reg_type IS NULL OR record_type IS NULL THEN
		SELECT (s.r).* INTO first FROM casesync_internal.agreements_for_search(partner, 'search',
			reg_type, record_type) WITH ORDINALITY s(a, r, n) ORDER BY s.n LIMIT 1;
	END IF;
	reg_type := casesync_internal.reg_type_wire(coalesce(reg_type, first.reg_type, 'ESS'));
	record_type := coalesce(record_type, first.record_type, 'Member');
END
$$;
COMMENT ON FUNCTION casesync_internal.search_types(text, jsonb) IS
	'the registry type and the record type of an answer without records';

/* With an empty list of records, in the form of an answer that found nobody. */
CREATE OR REPLACE FUNCTION casesync_internal.search_refusal(partner text, item jsonb,
	verdict casesync_internal.verdict)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN jsonb_build_object('reference_id', item->'reference_id',
		'timestamp', casesync_internal.wire_time(clock_timestamp()), 'status', 'rjct',
		'status_reason_code', verdict.code,
		'status_reason_message', casesync_internal.reason_text(verdict.why),
		'data', casesync_internal.search_data(partner, item->'search_criteria', NULL, '[]'),
		'locale', casesync_internal.search_locale(item));
END
$$;
COMMENT ON FUNCTION casesync_internal.search_refusal(text, jsonb, casesync_internal.verdict) IS
	'the answer to an item that is refused';

CREATE OR REPLACE FUNCTION casesync_internal.search_locale(item jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(item->>'locale', 'eng')
$$;
COMMENT ON FUNCTION casesync_internal.search_locale(jsonb) IS
	'the locale of an item, or the default';

/*
 * What is wrong with an item before anything is looked up. A reference_id given twice would have
 * two answers, of which nobody could tell which is whose.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_item_refusal(item jsonb, earlier text[])
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	criteria constant jsonb := item->'search_criteria';
	word text;
BEGIN
	IF item->>'reference_id' = ANY (earlier) THEN
		RETURN casesync_internal.refused_for('reference_id repeated');
	ELSIF jsonb_typeof(criteria) IS DISTINCT FROM 'object' THEN
		RETURN casesync_internal.refused_for('search unclear',
			'search_criteria must be an object with query_type and query');
	ELSIF NOT criteria ? 'query' THEN
		RETURN casesync_internal.refused_for('search unclear',
			'search_criteria.query is missing; {} asks for all that the agreement allows');
	END IF;
	FOREACH word IN ARRAY ARRAY['reg_type', 'reg_record_type', 'query_type'] LOOP
		IF jsonb_typeof(criteria->word) NOT IN ('string', 'null') THEN
			RETURN casesync_internal.refused_for('search unclear',
				format('search_criteria.%s must be text', word));
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_item_refusal(jsonb, text[]) IS
	'why an item cannot be searched for, after the reference_ids of earlier items; NULL when it '
	'can';

/*
 * In search_criteria, where the standard has it, or beside it, where peers put it. A page behind
 * the last is empty and no error.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_page(item jsonb, OUT page_size integer,
	OUT page_number integer, OUT refused casesync_internal.verdict)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	page constant jsonb := coalesce(nullif(item #> '{search_criteria,pagination}', 'null'),
		nullif(item->'pagination', 'null'), '{}');
	most_size constant integer := casesync_internal.message_limit('page size');
	most_number constant integer := casesync_internal.message_limit('page number');
	size constant jsonb := coalesce(nullif(page->'page_size', 'null'),
		to_jsonb(casesync_internal.message_limit('page size unasked')));
	number constant jsonb := coalesce(nullif(page->'page_number', 'null'), '1');
BEGIN
	IF jsonb_typeof(page) <> 'object' THEN
		refused := casesync_internal.refused_for('page unclear',
			'pagination must be an object with page_size and page_number');
	ELSIF coalesce(casesync_internal.number_of(size), 0) NOT BETWEEN 1 AND most_size THEN
		refused := casesync_internal.refused_for('page unclear',
			format('pagination.page_size must be a whole number from 1 to %s', most_size));
	ELSIF coalesce(casesync_internal.number_of(number), 0) NOT BETWEEN 1 AND most_number THEN
		refused := casesync_internal.refused_for('page unclear',
			'pagination.page_number must be a whole number from 1 on');
	ELSE
		page_size := casesync_internal.number_of(size);
		page_number := casesync_internal.number_of(number);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_page(jsonb) IS
	'which page an item asks for, the first when it does not say, or why there is none';

/* One registry type and one record type: the standard has room for one of each. */
CREATE OR REPLACE FUNCTION casesync_internal.search_data(partner text, criteria jsonb,
	source casesync_internal.search_source, records jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	types record;
BEGIN
	IF (source.r).registry IS NULL THEN
		types := casesync_internal.search_types(partner, criteria);
	ELSE
		SELECT casesync_internal.reg_type_wire((source.r).reg_type) AS reg_type,
			(source.r).record_type INTO types;
	END IF;
	RETURN jsonb_build_object('version', '1.0.0', 'reg_type', types.reg_type,
		'reg_record_type', types.record_type, 'reg_records', records);
END
$$;
COMMENT ON FUNCTION casesync_internal.search_data(text, jsonb, casesync_internal.search_source,
	jsonb) IS
	'the data of an answer: a list of records, also when there are none';

CREATE OR REPLACE FUNCTION casesync_internal.search_refused(verdict casesync_internal.verdict)
RETURNS casesync_internal.search_result
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	result casesync_internal.search_result;
BEGIN
	result.refused := verdict;
	result.records := '[]';
	result.total := 0;
	result.agreements := '{}';
	RETURN result;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_refused(casesync_internal.verdict) IS
	'an item that is refused, and why';

CREATE OR REPLACE FUNCTION casesync_internal.search_answer(p casesync_internal.partner, item jsonb,
	earlier text[], max_bytes bigint, until timestamptz, given uuid,
	OUT answer jsonb, OUT agreements text[], OUT failed text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	refused constant casesync_internal.verdict := casesync_internal.search_item_refusal(item,
		earlier);
	page constant record := casesync_internal.search_page(item);
	result casesync_internal.search_result;
BEGIN
	IF refused.code IS NOT NULL THEN
		result := casesync_internal.search_refused(refused);
	ELSIF (page.refused).code IS NOT NULL THEN
		result := casesync_internal.search_refused(page.refused);
	ELSIF clock_timestamp() >= until THEN
		result := casesync_internal.search_late();
	ELSE
		result := casesync_internal.search_try(p, item, page, max_bytes, until, given);
	END IF;
	agreements := coalesce(result.agreements, '{}');
	failed := result.failed;
	IF (result.refused).code IS NOT NULL THEN
		answer := casesync_internal.search_refusal(p.partner, item, result.refused);
	ELSE
		answer := jsonb_build_object('reference_id', item->'reference_id',
			'timestamp', casesync_internal.wire_time(clock_timestamp()), 'status', 'succ',
			'data', result.records, 'pagination', jsonb_build_object('page_size', page.page_size,
				'page_number', page.page_number, 'total_count', result.total),
			'locale', casesync_internal.search_locale(item));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_answer(casesync_internal.partner, jsonb, text[],
	bigint, timestamptz, uuid) IS
	'the answer to one item, whatever it is';

/*
 * Limits of bytes and time are those of the request: many items get no more than one. What is kept
 * of the answer has neither records (data) nor their number (pagination): for what is asked later,
 * status is enough.
 */
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
	bytes bigint := casesync_internal.message_limit('answer bytes');
	o casesync_internal.request_outcome;
BEGIN
	o.agreements := '{}';
	o.given := gen_random_uuid();
	FOR item IN SELECT i FROM jsonb_array_elements(
		casesync_internal.list_of(message->'search_request')) i
	LOOP
		done := casesync_internal.search_answer(p, item, earlier, bytes, until, o.given);
		earlier := earlier || (item->>'reference_id');
		answers := answers || done.answer;
		bytes := bytes - octet_length(done.answer::text);
		o.agreements := o.agreements || done.agreements;
		o.failed := coalesce(o.failed, done.failed);
	END LOOP;
	o.agreements := ARRAY(SELECT DISTINCT x FROM unnest(o.agreements) x);
	o.answers := (SELECT jsonb_agg(x.a - 'data' - 'pagination' ORDER BY x.n)
		FROM unnest(answers) WITH ORDINALITY x(a, n));
	o.action := 'on-search';
	o.total := cardinality(answers);
	IF EXISTS (SELECT FROM unnest(answers) a WHERE a->>'status' = 'succ') THEN
		o.status := 'succ';
	ELSE
		o.status := 'rjct';
		o.status_reason_message := 'no item could be answered: each says why';
	END IF;
	o.message := jsonb_build_object('transaction_id', message->'transaction_id',
		'correlation_id', correlation_id, 'search_response', to_jsonb(answers));
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_outcome(casesync_internal.partner, jsonb, text,
	timestamptz) IS
	'a search request answered item by item; succ when any item is';
