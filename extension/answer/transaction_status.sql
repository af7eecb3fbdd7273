/*
 * What became of a request of a partner (ESS TxnStatusRequest): of its own only, by transaction_id,
 * correlation_id, reference_ids or codes of subscriptions. Records are not given again: who wants them searches.
 */
CREATE OR REPLACE FUNCTION casesync_internal.status_kind(txn_type text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE lower(casesync_internal.plain_name(txn_type))
		WHEN 'search' THEN 'search'
		WHEN 'subscribe' THEN 'subscribe' WHEN 'subscibe' THEN 'subscribe'
		WHEN 'unsubscribe' THEN 'unsubscribe' WHEN 'unsubscibe' THEN 'unsubscribe'
		WHEN 'receipt' THEN 'receipt'
		WHEN 'notify' THEN 'notify'
		WHEN 'enrolled' THEN 'enrolled' WHEN 'enrollement' THEN 'enrolled' WHEN 'enrollementstatus'
			THEN 'enrolled' END
$$;
COMMENT ON FUNCTION casesync_internal.status_kind(text) IS
	'what a txn_type asks about, also in spellings that the standard once had; NULL when unknown';

CREATE OR REPLACE FUNCTION casesync_internal.status_question_problem(question jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reference constant jsonb := question->'reference_id';
	value constant jsonb := casesync_internal.list_of(question->'attribute_value');
	most integer := 99;
BEGIN
	IF jsonb_typeof(question) IS DISTINCT FROM 'object' THEN
		RETURN 'txnstatus_request must be an object with reference_id, txn_type, attribute_type and '
			'attribute_value';
	ELSIF jsonb_typeof(reference) IS DISTINCT FROM 'string'
		OR length(reference #>> '{}') NOT BETWEEN 1 AND 255 THEN
		RETURN 'txnstatus_request.reference_id must be text of 1 to 255 characters: '
			'rjct.reference_id.invalid';
	ELSIF jsonb_typeof(question->'txn_type') IS DISTINCT FROM 'string'
		OR casesync_internal.status_kind(question->>'txn_type') IS NULL THEN
		RETURN 'txnstatus_request.txn_type must be search, subscribe, unsubscribe, notify, receipt '
			'or enrolled';
	ELSIF jsonb_typeof(question->'locale') <> 'null'
		AND NOT (jsonb_typeof(question->'locale') = 'string'
		AND casesync.is_locale(question->>'locale')) THEN
		RETURN 'txnstatus_request.locale must be three small letters, for example eng';
	ELSIF coalesce(question->>'attribute_type', '') NOT IN ('transaction_id', 'correlation_id',
		'reference_id_list', 'subscription_code_list') THEN
		RETURN 'txnstatus_request.attribute_type must be transaction_id, correlation_id, '
			'reference_id_list or subscription_code_list';
	END IF;
	IF question->>'attribute_type' IN ('reference_id_list', 'subscription_code_list') THEN
		most := CASE question->>'attribute_type' WHEN 'reference_id_list' THEN 255 ELSE 99 END;
		IF jsonb_array_length(value) NOT BETWEEN 1 AND 1000 THEN
			RETURN format('txnstatus_request.attribute_value must be a list of 1 to 1000 %ss',
				replace(question->>'attribute_type', '_list', ''));
		END IF;
	ELSIF jsonb_typeof(question->'attribute_value') IS DISTINCT FROM 'string' THEN
		RETURN format('txnstatus_request.attribute_value must be a %s: text',
			question->>'attribute_type');
	END IF;
	IF EXISTS (SELECT FROM jsonb_array_elements(value) v
		WHERE jsonb_typeof(v) <> 'string' OR length(v #>> '{}') NOT BETWEEN 1 AND most) THEN
		RETURN format('txnstatus_request.attribute_value must be text of 1 to %s characters', most);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_question_problem(jsonb) IS
	'what is wrong with a question about a transaction; NULL when nothing is';

/* An unsubscribe has no reference_id: it goes by its codes, and a subscribe by what it called the subscription. */
CREATE OR REPLACE FUNCTION casesync_internal.status_names(partner text, action text, attribute text,
	wanted text[])
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE
		WHEN attribute NOT IN ('reference_id_list', 'subscription_code_list') THEN NULL
		WHEN attribute = 'reference_id_list' OR action = 'unsubscribe' THEN wanted
		ELSE ARRAY(SELECT s.reference_id FROM casesync_internal.subscription s
			WHERE s.partner = $1 AND s.code = ANY (wanted) AND action = 'subscribe') END;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_names(text, text, text, text[]) IS
	'which items of requests a question is about, as request_references() calls them; NULL when '
	'about all';

/* Three queries rather than one with OR: each has its index. */
CREATE OR REPLACE FUNCTION casesync_internal.status_requests(partner text, action text,
	attribute text, wanted text[])
RETURNS SETOF casesync_internal.request_in
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF attribute = 'transaction_id' THEN
		RETURN QUERY SELECT r.* FROM casesync_internal.request_in r
			WHERE r.partner = $1 AND r.action = $2 AND r.transaction_id = $4[1]
				ORDER BY r.id DESC LIMIT 100;
	ELSIF attribute = 'correlation_id' THEN
		RETURN QUERY SELECT r.* FROM casesync_internal.request_in r
			WHERE r.partner = $1 AND r.action = $2 AND r.correlation_id = $4[1];
	ELSE
		RETURN QUERY SELECT r.* FROM casesync_internal.request_in r
			WHERE r.partner = $1 AND r.action = $2 AND r.reference_ids && $4
				ORDER BY r.id DESC LIMIT 100;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_requests(text, text, text, text[]) IS
	'the requests of a partner that a question is about, newest first, at most 100';

/* A search that is not answered yet has its items too: what is known of each is that it waits. */
CREATE OR REPLACE FUNCTION casesync_internal.search_status(r casesync_internal.request_in)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF r.answers <> '[]' THEN
		RETURN QUERY SELECT a FROM jsonb_array_elements(r.answers) a;
	ELSE
		RETURN QUERY SELECT jsonb_strip_nulls(jsonb_build_object('reference_id', x.reference,
				'timestamp', casesync_internal.wire_time(r.received_at), 'status',
				coalesce(r.status, 'pdng'),
				'status_reason_message', left(r.reason, 999)))
			FROM unnest(r.reference_ids) x(reference);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_status(casesync_internal.request_in) IS
	'how each item of a search ended, without records';

/* As it is now: what was pending may have been approved or ended since the callback told. */
CREATE OR REPLACE FUNCTION casesync_internal.subscribe_status(r casesync_internal.request_in)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT CASE WHEN s.id IS NOT NULL THEN casesync_internal.subscribe_answer(x.reference, w.status,
			CASE w.status WHEN 'rjct' THEN 'rjct.notify_details.invalid' END, w.reason, s)
		ELSE coalesce(t.told, jsonb_build_object('reference_id', x.reference,
			'timestamp', casesync_internal.wire_time(r.received_at), 'status', 'rjct',
			'status_reason_message', 'this item was refused')) END
	  FROM unnest(r.reference_ids) x(reference)
	  LEFT JOIN casesync_internal.subscription s ON s.partner = r.partner
		AND s.reference_id = x.reference
	 CROSS JOIN LATERAL (SELECT CASE s.state WHEN 'pending' THEN 'pdng' WHEN 'refused' THEN 'rjct'
		ELSE 'succ' END AS status,
			CASE WHEN s.state IN ('ended', 'refused') THEN s.reason END AS reason) w
	  LEFT JOIN LATERAL (SELECT i AS told FROM casesync_internal.outgoing o
						  CROSS JOIN LATERAL jsonb_array_elements(
							casesync_internal.list_of(o.message->'subscribe_response')) i
						  WHERE o.message->>'correlation_id' = r.correlation_id
							AND o.action = 'on-subscribe'
							AND i->>'reference_id' = x.reference ORDER BY o.id DESC LIMIT 1) t
								ON true
	 ORDER BY x.reference COLLATE "C";
END
$$;
COMMENT ON FUNCTION casesync_internal.subscribe_status(casesync_internal.request_in) IS
	'what became of each subscription that was asked for';

CREATE OR REPLACE FUNCTION casesync_internal.unsubscribe_status(
	requests casesync_internal.request_in[], wanted text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r constant casesync_internal.request_in := requests[1];
	told jsonb := (SELECT o.message FROM casesync_internal.outgoing o
		WHERE o.message->>'correlation_id' = r.correlation_id
		AND o.action = 'on-unsubscribe' ORDER BY o.id DESC LIMIT 1);
	known jsonb := (SELECT jsonb_agg(jsonb_build_object('code', s.code, 'status',
			CASE WHEN s.state IN ('pending', 'active') THEN 'subscribe' ELSE 'unsubscribe' END)
				ORDER BY s.code)
		FROM casesync_internal.subscription s WHERE s.partner = r.partner AND s.code IN (
			SELECT c FROM unnest(requests) q CROSS JOIN LATERAL unnest(q.reference_ids) c
				WHERE wanted IS NULL OR c = ANY (wanted)));
BEGIN
	RETURN jsonb_strip_nulls(
		jsonb_build_object('timestamp', casesync_internal.wire_time(r.received_at),
		'status', coalesce(told->>'status', CASE WHEN known IS NULL THEN 'rjct' ELSE 'succ' END),
		'status_reason_code', told->'status_reason_code', 'status_reason_message',
		told->'status_reason_message',
		'subscription_status', known));
END
$$;
COMMENT ON FUNCTION casesync_internal.unsubscribe_status(casesync_internal.request_in[], text[]) IS
	'what became of the newest unsubscribe, as its callback told it, and how the subscriptions of '
	'all of them are now';

CREATE OR REPLACE FUNCTION casesync_internal.status_items(r casesync_internal.request_in)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF r.action = 'search' THEN
		RETURN QUERY SELECT * FROM casesync_internal.search_status(r);
	ELSIF r.action = 'subscribe' THEN
		RETURN QUERY SELECT * FROM casesync_internal.subscribe_status(r);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_items(casesync_internal.request_in) IS
	'how each item of a batch ended';

/*
 * The body of an answer. It is always the SearchResponse that the standard's schema wants here; what
 * a subscribe or unsubscribe came to stands beside its empty list, in its own form (B18).
 */
CREATE OR REPLACE FUNCTION casesync_internal.status_body(
	kind text, requests casesync_internal.request_in[], wanted text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items jsonb := '[]';
BEGIN
	IF kind IN ('search', 'subscribe') THEN
		SELECT coalesce(jsonb_agg(x.item ORDER BY x.id, x.n), '[]') INTO items
		  FROM (SELECT r.id, s.item, s.n FROM unnest(requests) r
				 CROSS JOIN LATERAL casesync_internal.status_items(r) WITH ORDINALITY s(item, n)
				 WHERE wanted IS NULL OR s.item->>'reference_id' = ANY (wanted)
				 ORDER BY r.id, s.n LIMIT 1000) x;
	END IF;
	RETURN CASE kind
		WHEN 'subscribe' THEN jsonb_build_object('search_response', '[]'::jsonb,
			'subscribe_response', items)
		WHEN 'unsubscribe' THEN '{"search_response": []}'::jsonb
			|| CASE WHEN cardinality(requests) > 0 THEN casesync_internal.unsubscribe_status(
				requests, wanted) ELSE '{}' END
		WHEN 'receipt' THEN '{"search_response": [], "receipt_information": {"beneficiaries": []}}'
		WHEN 'notify' THEN '{"search_response": [], "receipt_information": {"beneficiaries": []}}'
		ELSE jsonb_build_object('search_response', items) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_body(text, casesync_internal.request_in[], text[]) IS
	'what is told about the requests found, in the form for their kind; with wanted only those '
	'reference_ids';

/* Of several outcomes the best, as in a callback's header. */
CREATE OR REPLACE FUNCTION casesync_internal.status_summary(
	kind text, requests casesync_internal.request_in[], body jsonb,
	OUT status text, OUT why text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	statuses text[];
BEGIN
	status := 'succ';
	IF coalesce(cardinality(requests), 0) = 0 THEN
		why := CASE kind WHEN 'notify'
			THEN 'what was notified is answered by its acknowledgement: nothing else is told of it'
			ELSE 'no such request of yours is known' END;
		RETURN;
	END IF;
	statuses := CASE kind
		WHEN 'subscribe' THEN ARRAY(SELECT i->>'status'
			FROM jsonb_array_elements(body->'subscribe_response') i)
		WHEN 'search' THEN ARRAY(SELECT i->>'status'
			FROM jsonb_array_elements(body->'search_response') i)
		WHEN 'unsubscribe' THEN ARRAY[body->>'status']
		ELSE ARRAY[requests[1].status] END;
	IF kind <> 'search' THEN
		status := CASE WHEN 'succ' = ANY (statuses) THEN 'succ' WHEN 'pdng' = ANY (statuses)
			THEN 'pdng' ELSE 'rjct' END;
	END IF;
	why := (SELECT format('%s: %s', kind, string_agg(format('%s %s', x.n, x.s), ', ' ORDER BY x.s))
		FROM (SELECT s, count(*) AS n FROM unnest(statuses) s GROUP BY s) x);
END
$$;
COMMENT ON FUNCTION casesync_internal.status_summary(text, casesync_internal.request_in[], jsonb) IS
	'the header''s status and message: for a subscribe or unsubscribe its outcome, for a search '
	'that the question is answered';

CREATE OR REPLACE FUNCTION casesync_internal.status_outcome(p casesync_internal.partner,
	message jsonb, correlation_id text)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	question constant jsonb := message->'txnstatus_request';
	kind constant text := casesync_internal.status_kind(question->>'txn_type');
	wanted constant text[] := ARRAY(SELECT v
		FROM jsonb_array_elements_text(casesync_internal.list_of(question->'attribute_value')) v);
	names constant text[] := casesync_internal.status_names(p.partner, kind,
		question->>'attribute_type', wanted);
	requests casesync_internal.request_in[] := ARRAY(SELECT r
		FROM casesync_internal.status_requests(p.partner, kind, question->>'attribute_type',
		coalesce(names, wanted)) r);
	body jsonb := casesync_internal.status_body(kind, requests, names);
	summary record := casesync_internal.status_summary(kind, requests, body);
	o casesync_internal.request_outcome;
BEGIN
	o.action := 'txn-on-status';
	o.total := 1;
	o.status := summary.status;
	o.status_reason_message := summary.why;
	o.message := jsonb_build_object('transaction_id', message->'transaction_id', 'correlation_id',
		correlation_id,
		'txnstatus_response', jsonb_build_object(
			'txn_type', CASE kind WHEN 'unsubscribe' THEN 'subscribe' WHEN 'notify' THEN 'receipt'
			ELSE kind END,
			'txn_status', jsonb_build_object(
				'transaction_id', coalesce(requests[1].transaction_id, message->>'transaction_id'),
				'correlation_id', coalesce(requests[1].correlation_id, correlation_id)) || body));
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_outcome(casesync_internal.partner, jsonb, text) IS
	'what became of requests of this partner; of an unknown one, an empty list';
