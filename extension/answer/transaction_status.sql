/*
 * What became of a request of a partner (ESS TxnStatusRequest): of its own only, by transaction_id,
 * correlation_id, reference_ids or codes of subscriptions. Records are not given again: who wants
 * them searches.
 */

/*
 * Subscribe cannot be answered and unsubscribe not be asked about by the schema; all are taken,
 * with the older misspellings (B18).
 */
CREATE OR REPLACE FUNCTION casesync_internal.status_kind(txn_type text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN w.word IN ('search', 'subscribe', 'unsubscribe', 'receipt', 'notify', 'enrolled')
			THEN w.word
		WHEN w.word = 'subscibe' THEN 'subscribe'
		WHEN w.word = 'unsubscibe' THEN 'unsubscribe'
		WHEN w.word IN ('enrollement', 'enrollementstatus') THEN 'enrolled' END
	  FROM (SELECT lower(casesync_internal.plain_name(txn_type)) AS word) w
$$;
COMMENT ON FUNCTION casesync_internal.status_kind(text) IS
	'what a txn_type asks about, also in spellings that the standard once had; NULL when unknown';

/* Text, or for a kind of list as many texts as a message may have items. */
CREATE OR REPLACE FUNCTION casesync_internal.status_value_problem(value jsonb, attribute text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most_items constant integer := casesync_internal.message_limit('items');
	most constant integer := CASE attribute
		WHEN 'reference_id_list' THEN casesync_internal.message_limit('value')
		ELSE casesync_internal.message_limit('code') END;
	texts constant jsonb := casesync_internal.list_of(value);
BEGIN
	IF attribute IN ('reference_id_list', 'subscription_code_list') THEN
		IF jsonb_array_length(texts) NOT BETWEEN 1 AND most_items THEN
			RETURN format('txnstatus_request.attribute_value must be a list of 1 to %s %ss',
				most_items, replace(attribute, '_list', ''));
		END IF;
	ELSIF jsonb_typeof(value) IS DISTINCT FROM 'string' THEN
		RETURN format('txnstatus_request.attribute_value must be a %s: text', attribute);
	END IF;
	RETURN CASE WHEN EXISTS (SELECT FROM jsonb_array_elements(texts) v
			WHERE jsonb_typeof(v) <> 'string' OR length(v #>> '{}') NOT BETWEEN 1 AND most)
		THEN format('txnstatus_request.attribute_value must be text of 1 to %s characters', most)
		END;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_value_problem(jsonb, text) IS
	'what is wrong with the values that a question about a transaction names; NULL when nothing is';

CREATE OR REPLACE FUNCTION casesync_internal.status_question_refusal(question jsonb)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem constant text := CASE
		WHEN jsonb_typeof(question) IS DISTINCT FROM 'object'
			THEN 'txnstatus_request must be an object with reference_id, txn_type, attribute_type '
				'and attribute_value'
		WHEN coalesce(jsonb_typeof(question->'txn_type'), 'null') NOT IN ('null', 'string')
			OR question->>'txn_type' IS NOT NULL
			AND casesync_internal.status_kind(question->>'txn_type') IS NULL
			THEN 'txnstatus_request.txn_type must be search, subscribe, unsubscribe, notify, '
				'receipt or enrolled'
		WHEN coalesce(question->>'attribute_type', '') NOT IN ('transaction_id', 'correlation_id',
			'reference_id_list', 'subscription_code_list')
			THEN 'txnstatus_request.attribute_type must be transaction_id, correlation_id, '
				'reference_id_list or subscription_code_list'
		ELSE casesync_internal.status_value_problem(question->'attribute_value',
			question->>'attribute_type') END;
BEGIN
	RETURN CASE WHEN problem IS NOT NULL
		THEN casesync_internal.refused_for('question unclear', problem) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_question_refusal(jsonb) IS
	'what is wrong with a question about a transaction; NULL when nothing is';

/*
 * An unsubscribe has no reference_id: it goes by its codes, and a subscribe by what it called the
 * subscription.
 */
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
			WHERE s.partner = status_names.partner AND s.code = ANY (wanted)
			  AND action = 'subscribe') END;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_names(text, text, text, text[]) IS
	'which items of requests a question is about, as request_references() calls them; NULL when '
	'about all';

/*
 * Three queries rather than one with OR: each has its index. Always of this partner: a
 * transaction_id of another's finds nothing, like one that nobody has used.
 */
CREATE OR REPLACE FUNCTION casesync_internal.status_requests(partner text, action text,
	attribute text, wanted text[])
RETURNS SETOF casesync_internal.request_in
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('requests told');
BEGIN
	IF attribute = 'transaction_id' THEN
		RETURN QUERY SELECT r.* FROM casesync_internal.request_in r
			WHERE r.partner = status_requests.partner AND r.action = status_requests.action
			  AND r.transaction_id = wanted[1] ORDER BY r.id DESC LIMIT most;
	ELSIF attribute = 'correlation_id' THEN
		RETURN QUERY SELECT r.* FROM casesync_internal.request_in r
			WHERE r.partner = status_requests.partner AND r.action = status_requests.action
			  AND r.correlation_id = wanted[1];
	ELSE
		RETURN QUERY SELECT r.* FROM casesync_internal.request_in r
			WHERE r.partner = status_requests.partner AND r.action = status_requests.action
			  AND r.reference_ids && wanted ORDER BY r.id DESC LIMIT most;
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
				'timestamp', casesync_internal.wire_time(r.received_at),
				'status', coalesce(r.status, 'pdng'),
				'status_reason_message', casesync_internal.reason_text(r.reason)))
			FROM unnest(r.reference_ids) x(reference);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_status(casesync_internal.request_in) IS
	'how each item of a search ended, without records';

/*
 * What its callback told of one item of a subscribe, when the subscription was not made. By our
 * correlation_id, which no two requests share.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscribe_told(correlation_id text, reference text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT i FROM casesync_internal.outgoing o
		 CROSS JOIN LATERAL jsonb_array_elements(
			casesync_internal.list_of(o.message->'subscribe_response')) i
		 WHERE o.message->>'correlation_id' = subscribe_told.correlation_id
		   AND o.action = 'on-subscribe' AND i->>'reference_id' = reference
		 ORDER BY o.id DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.subscribe_told(text, text) IS
	'the item of an on-subscribe, as long as it is kept';

/* As it is now: what was pending may have been approved or ended since the callback told. */
CREATE OR REPLACE FUNCTION casesync_internal.subscribe_status(r casesync_internal.request_in)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	refused constant text := casesync_internal.reason_code('wish refused');
BEGIN
	RETURN QUERY
	SELECT CASE WHEN s.id IS NOT NULL THEN casesync_internal.subscribe_answer(x.reference, w.status,
			CASE w.status WHEN 'rjct' THEN refused END,
			CASE WHEN s.state IN ('ended', 'refused') THEN s.reason END, s)
		ELSE coalesce(casesync_internal.subscribe_told(r.correlation_id, x.reference),
			jsonb_build_object('reference_id', x.reference,
				'timestamp', casesync_internal.wire_time(r.received_at), 'status', 'rjct',
				'status_reason_message', 'this item was refused')) END
	  FROM unnest(r.reference_ids) x(reference)
	  LEFT JOIN casesync_internal.subscription s ON s.partner = r.partner
	   AND s.reference_id = x.reference
	 CROSS JOIN LATERAL (SELECT CASE s.state WHEN 'pending' THEN 'pdng' WHEN 'refused' THEN 'rjct'
		ELSE 'succ' END AS status) w
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
	newest constant casesync_internal.request_in := requests[1];
	told constant jsonb := (SELECT o.message FROM casesync_internal.outgoing o
		WHERE o.message->>'correlation_id' = newest.correlation_id AND o.action = 'on-unsubscribe'
		ORDER BY o.id DESC LIMIT 1);
	now_known constant jsonb := casesync_internal.codes_now(newest.partner, ARRAY(
		SELECT c FROM unnest(requests) q CROSS JOIN LATERAL unnest(q.reference_ids) c
		 WHERE wanted IS NULL OR c = ANY (wanted)));
BEGIN
	RETURN jsonb_strip_nulls(jsonb_build_object(
		'timestamp', casesync_internal.wire_time(newest.received_at),
		'status', coalesce(told->>'status',
			CASE WHEN now_known IS NULL THEN 'rjct' ELSE 'succ' END),
		'status_reason_code', told->'status_reason_code',
		'status_reason_message', told->'status_reason_message',
		'subscription_status', now_known));
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
 * The body of an answer, in the form of what was asked about. ESS knows only two forms, searches
 * and receipts, other documents exactly one of theirs: so what has another form has the empty
 * receipt beside it, and no list of searches (B18).
 */
CREATE OR REPLACE FUNCTION casesync_internal.status_body(
	kind text, requests casesync_internal.request_in[], wanted text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	receipt constant jsonb := '{"receipt_information": {"beneficiaries": []}}';
	items jsonb := '[]';
BEGIN
	IF kind IN ('search', 'subscribe') THEN
		SELECT coalesce(jsonb_agg(x.item ORDER BY x.id, x.n), '[]') INTO items
		  FROM (SELECT r.id, s.item, s.n FROM unnest(requests) r
				 CROSS JOIN LATERAL casesync_internal.status_items(r) WITH ORDINALITY s(item, n)
				 WHERE wanted IS NULL OR s.item->>'reference_id' = ANY (wanted)
				 ORDER BY r.id, s.n LIMIT casesync_internal.message_limit('items told')) x;
	END IF;
	RETURN CASE
		WHEN kind = 'subscribe'
			THEN jsonb_build_object('subscribe_response', items) || receipt
		WHEN kind = 'unsubscribe' AND cardinality(requests) > 0
			THEN casesync_internal.unsubscribe_status(requests, wanted) || receipt
		WHEN kind IN ('receipt', 'notify', 'unsubscribe') THEN receipt
		ELSE jsonb_build_object('search_response', items) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_body(text, casesync_internal.request_in[], text[]) IS
	'what is told about the requests found, in the form for their kind; with wanted only those '
	'reference_ids';

/*
 * Of several outcomes the best, as in a callback's header. Whoever asks about somebody else's
 * request reads the same sentence as who asks about none.
 */
CREATE OR REPLACE FUNCTION casesync_internal.status_summary(
	kind text, requests casesync_internal.request_in[], body jsonb, OUT status text, OUT why text)
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
	statuses := CASE
		WHEN kind IN ('subscribe', 'search') THEN ARRAY(SELECT i->>'status'
			FROM jsonb_array_elements(body->(kind || '_response')) i)
		WHEN kind = 'unsubscribe' THEN ARRAY[body->>'status']
		ELSE ARRAY[requests[1].status] END;
	IF kind <> 'search' THEN
		status := casesync_internal.best_status(statuses);
	END IF;
	why := (SELECT format('%s: %s', kind, string_agg(format('%s %s', x.n, x.s), ', ' ORDER BY x.s))
		FROM (SELECT s, count(*) AS n FROM unnest(statuses) s GROUP BY s) x);
END
$$;
COMMENT ON FUNCTION casesync_internal.status_summary(text, casesync_internal.request_in[], jsonb) IS
	'the header''s status and message: for a subscribe or unsubscribe its outcome, for a search '
	'that the question is answered';

/* Who does not say what kind of request it asks about is told of the kind that there is. */
CREATE OR REPLACE FUNCTION casesync_internal.status_kind_found(partner text, attribute text,
	wanted text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((SELECT k.kind
		  FROM unnest('{search,subscribe,unsubscribe,enrolled}'::text[]) WITH ORDINALITY k(kind, n)
		 WHERE EXISTS (SELECT FROM casesync_internal.status_requests(partner, k.kind, attribute,
			coalesce(casesync_internal.status_names(partner, k.kind, attribute, wanted), wanted)))
		 ORDER BY k.n LIMIT 1), 'search');
END
$$;
COMMENT ON FUNCTION casesync_internal.status_kind_found(text, text, text[]) IS
	'what kind of request a partner has made under these ids; search when none';

CREATE OR REPLACE FUNCTION casesync_internal.status_outcome(p casesync_internal.partner,
	message jsonb, correlation_id text)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	question constant jsonb := message->'txnstatus_request';
	attribute constant text := question->>'attribute_type';
	wanted constant text[] := ARRAY(SELECT v
		FROM jsonb_array_elements_text(casesync_internal.list_of(question->'attribute_value')) v);
	kind constant text := coalesce(casesync_internal.status_kind(question->>'txn_type'),
		casesync_internal.status_kind_found(p.partner, attribute, wanted));
	names constant text[] := casesync_internal.status_names(p.partner, kind, attribute, wanted);
	requests constant casesync_internal.request_in[] := ARRAY(SELECT r
		FROM casesync_internal.status_requests(p.partner, kind, attribute,
			coalesce(names, wanted)) r);
	body constant jsonb := casesync_internal.status_body(kind, requests, names);
	summary constant record := casesync_internal.status_summary(kind, requests, body);
	o casesync_internal.request_outcome;
BEGIN
	o.action := 'txn-on-status';
	o.total := 1;
	o.status := summary.status;
	o.status_reason_message := summary.why;
	o.message := jsonb_build_object('transaction_id', message->'transaction_id',
		'correlation_id', correlation_id, 'txnstatus_response', jsonb_build_object(
			'txn_type', CASE kind WHEN 'unsubscribe' THEN 'subscribe' WHEN 'notify' THEN 'receipt'
				ELSE kind END,
			'txn_status', body || jsonb_build_object(
				'transaction_id', coalesce(requests[1].transaction_id, message->>'transaction_id'),
				'correlation_id', coalesce(requests[1].correlation_id, correlation_id))));
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.status_outcome(casesync_internal.partner, jsonb, text) IS
	'what became of requests of this partner; of an unknown one, an empty list';
