/*
 * Our own questions to partners: asked, and what they answer received. Knows nothing of what
 * partners ask us.
 */
CREATE OR REPLACE VIEW casesync.my_requests AS
	SELECT m.reference_id, m.partner, m.action, m.record_type, m.filter_type, m.transaction_id,
		m.about, m.state,
		CASE WHEN m.reason ^@ 'HTTP ' THEN m.reason
			ELSE substring(m.reason from '^(?:rjct|err|succ|pdng|rcvd)[a-z_.]*') END AS reason,
		m.records, m.total_count, m.requested_at, m.answered_at
	  FROM casesync_internal.my_request m;
COMMENT ON VIEW casesync.my_requests IS
	'our questions to partners: records is how many came into the inbox, total_count how many '
	'match there';
COMMENT ON COLUMN casesync.my_requests.reference_id IS 'what we call it by';
COMMENT ON COLUMN casesync.my_requests.partner IS 'the partner that we asked';
COMMENT ON COLUMN casesync.my_requests.action IS 'search or txn-status';
COMMENT ON COLUMN casesync.my_requests.record_type IS 'the type of the records that we asked for';
COMMENT ON COLUMN casesync.my_requests.filter_type IS
	'how the filter is written; the filter itself names people and is not kept';
COMMENT ON COLUMN casesync.my_requests.transaction_id IS 'the transaction of our request';
COMMENT ON COLUMN casesync.my_requests.about IS 'the request whose status is asked for';
COMMENT ON COLUMN casesync.my_requests.state IS
	'requested, answered, refused, or unanswered: nothing has come for seven days';
COMMENT ON COLUMN casesync.my_requests.reason IS
	'the partner''s status or reason code, or HTTP and a status';
COMMENT ON COLUMN casesync.my_requests.records IS 'how many records came into the inbox';
COMMENT ON COLUMN casesync.my_requests.total_count IS 'how many match there';
COMMENT ON COLUMN casesync.my_requests.requested_at IS 'when we asked';
COMMENT ON COLUMN casesync.my_requests.answered_at IS 'when the partner answered';

CREATE OR REPLACE FUNCTION casesync_internal.require_address(partner text)
RETURNS casesync_internal.partner
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p constant casesync_internal.partner := casesync_internal.require_partner(partner);
BEGIN
	IF p.base_url IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('partner "%s" has no base_url', partner),
			hint => format('SELECT casesync.set_partner(%L, base_url => ''https://…'');', partner));
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.require_address(text) IS
	'a partner that requests can be sent to, or an error';

/* Partners are told which shape it is, always (B12). */
CREATE OR REPLACE FUNCTION casesync_internal.query_type_of(filter jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(filter) = 'array' THEN 'predicate'
		WHEN filter ? 'type' AND filter ? 'value' AND jsonb_typeof(filter->'value') <> 'object'
			THEN 'idtype-value'
		ELSE 'expression' END
$$;
COMMENT ON FUNCTION casesync_internal.query_type_of(jsonb) IS
	'the shape of a filter whose type is not said';

/*
 * Asked before anything is sent: an answer that no agreement lets in would be refused, and the
 * partner would have told us of people for nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_search_at(partner text, record_type text,
	filter jsonb, page_size integer, page_number integer)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('page size');
BEGIN
	IF coalesce(record_type, '') = '' OR filter IS NULL
		OR coalesce(page_size, 0) NOT BETWEEN 1 AND most OR coalesce(page_number, 0) < 1 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('record_type and filter must not be empty, page_size must be '
				'between 1 and %s and page_number at least 1', most),
			hint => format(
				'SELECT casesync.search_at(%L, ''Member'', ''{"type": "UIN", "value": "12345"}'');',
				partner));
	END IF;
	IF (casesync_internal.agreement_in(partner, 'search')).agreement IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('no agreement says what "%s" may tell us in answer to a search',
				partner),
			detail => 'An agreement of direction in must list the event type "search", and the '
				'fields and identifier types to take.',
			hint => format('SELECT casesync.set_agreement(…, %L, direction => ''in'', '
				'event_types => ''{search,…}'');', partner));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_search_at(text, text, jsonb, integer, integer) IS
	'an error when a search at a partner is not complete, or its answer not agreed';

CREATE OR REPLACE FUNCTION casesync_internal.search_message(m casesync_internal.my_request,
	filter jsonb, sort jsonb, page_size integer, page_number integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	criteria constant jsonb := jsonb_strip_nulls(jsonb_build_object('version', '1.0.0',
		'reg_type', casesync_internal.reg_type_wire(m.reg_type), 'reg_record_type', m.record_type,
		'query_type', m.filter_type, 'sort', nullif(sort, 'null'),
		'pagination', jsonb_build_object('page_size', page_size, 'page_number', page_number)));
BEGIN
	/* The query as it was given: what is null in it says something. */
	RETURN jsonb_build_object('transaction_id', m.transaction_id, 'search_request',
		jsonb_build_array(jsonb_build_object('reference_id', m.reference_id,
			'timestamp', casesync_internal.wire_time(m.requested_at),
			'search_criteria', casesync_internal.search_shape(
				criteria || jsonb_build_object('query', filter),
				(casesync_internal.require_partner(m.partner)).profile),
			'locale', (casesync_internal.this_node()).locale)));
END
$$;
COMMENT ON FUNCTION casesync_internal.search_message(casesync_internal.my_request, jsonb, jsonb,
	integer, integer) IS
	'a search as the standard writes it (ESS SearchRequest)';

/* The filter names people: it stands in the message that waits, and nowhere else. */
CREATE OR REPLACE FUNCTION casesync.search_at(partner text, record_type text, filter jsonb,
	filter_type text DEFAULT NULL, reg_type text DEFAULT 'ESS', sort jsonb DEFAULT NULL,
	page_size integer DEFAULT 100, page_number integer DEFAULT 1)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p constant casesync_internal.partner := casesync_internal.require_address(partner);
	m casesync_internal.my_request;
BEGIN
	PERFORM casesync_internal.check_search_at(partner, record_type, filter, page_size,
		page_number);
	INSERT INTO casesync_internal.my_request AS t (partner, action, record_type, reg_type,
		filter_type)
	VALUES (partner, 'search', casesync_internal.plain_name(record_type),
		casesync_internal.plain_name(reg_type),
		coalesce(filter_type, casesync_internal.query_type_of(filter)))
	RETURNING t.* INTO m;
	PERFORM casesync_internal.enqueue(partner, 'search', p.base_url
			|| CASE casesync_internal.profile_rule(p.profile, 'answers')
				WHEN 'response' THEN '/registry/sync/search' ELSE '/registry/search' END,
		casesync_internal.search_message(m, filter, sort, page_size, page_number), 'rcvd');
	PERFORM casesync_internal.audit_note('search_at', partner,
		jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.search_at(text, text, jsonb, text, text, jsonb, integer, integer) IS
	'search at a partner; returns our reference_id, the records come into the inbox as event type '
	'search';

/* For a subscription too, which the standard lets one ask about and has no form to answer (B18). */
CREATE OR REPLACE FUNCTION casesync.status_at(reference_id uuid)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked record;
	p casesync_internal.partner;
	m casesync_internal.my_request;
BEGIN
	SELECT x.* INTO asked FROM (
		SELECT r.partner, r.transaction_id, 'search' AS kind FROM casesync_internal.my_request r
		 WHERE r.reference_id = status_at.reference_id AND r.action = 'search'
		UNION ALL
		SELECT s.partner, s.transaction_id, 'subscribe' FROM casesync_internal.my_subscription s
		 WHERE s.reference_id = status_at.reference_id) x;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('%s is no request of ours to a partner', reference_id),
			hint => 'SELECT reference_id, partner, state FROM casesync.my_requests;  -- or '
				'casesync.my_subscriptions');
	END IF;
	p := casesync_internal.require_address(asked.partner);
	INSERT INTO casesync_internal.my_request AS t (partner, action, about)
	VALUES (p.partner, 'txn-status', reference_id) RETURNING t.* INTO m;
	PERFORM casesync_internal.enqueue(p.partner, 'txn-status', p.base_url || '/registry/txn/status',
		jsonb_build_object('transaction_id', m.transaction_id, 'txnstatus_request',
			jsonb_build_object('reference_id', m.reference_id, 'txn_type', asked.kind,
				'attribute_type', 'transaction_id', 'attribute_value', asked.transaction_id,
				'locale', (casesync_internal.this_node()).locale)), 'rcvd');
	PERFORM casesync_internal.audit_note('status_at', p.partner,
		jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.status_at(uuid) IS
	'ask the partner what became of a search or subscription of ours; the answer appears in '
	'my_requests';

/* Each record under a name of its own, so that a repetition is recognised. */
CREATE OR REPLACE FUNCTION casesync_internal.store_found(p casesync_internal.partner, header jsonb,
	m casesync_internal.my_request, answer jsonb, first integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.agreement := casesync_internal.agreement_in(p.partner, 'search');
	i record;
BEGIN
	FOR i IN
		SELECT (first + r.n)::integer AS item,
			format('%s:%s:%s', m.reference_id,
				coalesce(casesync_internal.number_of(answer #> '{pagination,page_number}'), 1),
				r.n) AS reference_id,
			'search' AS event_type,
			coalesce(casesync_internal.plain_name(answer #>> '{data,reg_record_type}'),
				m.record_type) AS record_type,
			r.record, casesync_internal.time_of(answer->>'timestamp') AS sent_at,
			NULL::jsonb AS meta,
			casesync_internal.time_of(header->>'message_ts') AS written_at
		  FROM jsonb_array_elements(casesync_internal.list_of(answer #> '{data,reg_records}'))
			WITH ORDINALITY r(record, n)
		 WHERE jsonb_typeof(r.record) = 'object'
	LOOP
		PERFORM casesync_internal.store_item(a, header->>'message_id', m.transaction_id, NULL, i,
			'search', true);
	END LOOP;
	RETURN (SELECT count(*) FROM casesync_internal.inbox_item t
		WHERE t.partner = p.partner AND t.message_id = header->>'message_id' AND t.item > first);
END
$$;
COMMENT ON FUNCTION casesync_internal.store_found(casesync_internal.partner, jsonb,
	casesync_internal.my_request, jsonb, integer) IS
	'put the records of one answer into the inbox; returns how many were not there yet';

CREATE OR REPLACE FUNCTION casesync_internal.found_refusal(message jsonb)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('records found');
BEGIN
	RETURN CASE WHEN most < (
			SELECT sum(jsonb_array_length(casesync_internal.list_of(i #> '{data,reg_records}')))
			  FROM jsonb_array_elements(casesync_internal.list_of(message->'search_response')) i)
		THEN casesync_internal.refused_for('too many records found', most::text) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.found_refusal(jsonb) IS
	'why the records of a search answer cannot be taken; NULL when they can';

CREATE OR REPLACE FUNCTION casesync_internal.my_request_answered(m casesync_internal.my_request,
	item jsonb, stored integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.my_request t
	   SET answered_at = clock_timestamp(),
		state = CASE item->>'status' WHEN 'rjct' THEN 'refused' WHEN 'succ' THEN 'answered'
			ELSE t.state END,
		reason = casesync_internal.reason_said(item), records = coalesce(t.records, 0) + stored,
		total_count = coalesce(casesync_internal.number_of(item #> '{pagination,total_count}'),
			t.total_count)
	 WHERE t.reference_id = m.reference_id
$$;
COMMENT ON FUNCTION casesync_internal.my_request_answered(casesync_internal.my_request, jsonb,
	integer) IS
	'a search of ours has an answer, and so many new records';

/* Some answer with no item where nobody was found. */
CREATE OR REPLACE FUNCTION casesync_internal.nothing_found(partner text, transaction_id text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_request m
	   SET answered_at = clock_timestamp(), state = 'answered', reason = NULL,
		records = coalesce(m.records, 0), total_count = coalesce(m.total_count, 0)
	 WHERE m.partner = nothing_found.partner AND m.action = 'search'
	   AND m.transaction_id = nothing_found.transaction_id;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.nothing_found(text, text) IS
	'a partner answers our search with no item; false when it is none of ours';

/*
 * Partner, reference_id and transaction_id must all be those of a question of ours: an answer is
 * taken as asked for, and may be applied without a person.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_on_search(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item jsonb;
	m casesync_internal.my_request;
	stored integer;
	is_known boolean := message->'search_response' = '[]'
		AND casesync_internal.nothing_found(p.partner, message->>'transaction_id');
	first integer := 0;
BEGIN
	FOR item IN SELECT i FROM jsonb_array_elements(
		casesync_internal.list_of(message->'search_response')) i
	LOOP
		SELECT t.* INTO m FROM casesync_internal.my_request t
		 WHERE t.partner = p.partner AND t.action = 'search'
		   AND t.reference_id::text = item->>'reference_id'
		   AND t.transaction_id = message->>'transaction_id';
		CONTINUE WHEN NOT FOUND;
		is_known := true;
		IF (casesync_internal.agreement_in(p.partner, 'search')).agreement IS NULL THEN
			RETURN casesync_internal.refusal(casesync_internal.refused_for('found not agreed'));
		END IF;
		stored := CASE WHEN item->>'status' = 'succ'
			THEN casesync_internal.store_found(p, header, m, item, first) ELSE 0 END;
		first := first + jsonb_array_length(
			casesync_internal.list_of(item #> '{data,reg_records}'));
		PERFORM casesync_internal.my_request_answered(m, item, stored);
	END LOOP;
	IF NOT is_known THEN
		RETURN casesync_internal.refusal(casesync_internal.refused_for('search not ours'));
	END IF;
	PERFORM casesync_internal.ring();
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_search(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner answers our search (ESS SearchResponse): records into the inbox';

/* The words of the items, each once, are all that is kept of the answer. */
CREATE OR REPLACE FUNCTION casesync_internal.receive_on_status(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words constant text[] := '{rcvd,pdng,succ,rjct}';
	body constant jsonb := message #> '{txnstatus_response,txn_status}';
	outcome constant text := (SELECT string_agg(DISTINCT x.item->>'status', ',')
		FROM (SELECT jsonb_array_elements(casesync_internal.list_of(body->'search_response'))
			UNION ALL
			SELECT jsonb_array_elements(casesync_internal.list_of(body->'subscribe_response'))
			) x(item)
		WHERE x.item->>'status' = ANY (words));
BEGIN
	UPDATE casesync_internal.my_request m
	   SET answered_at = clock_timestamp(),
		state = CASE header->>'status' WHEN 'rjct' THEN 'refused' ELSE 'answered' END,
		reason = coalesce(outcome,
			CASE WHEN header->>'status' = ANY (words) THEN header->>'status' END)
	 WHERE m.partner = p.partner AND m.action = 'txn-status'
	   AND m.transaction_id = message->>'transaction_id';
	IF NOT FOUND THEN
		RETURN casesync_internal.refusal(casesync_internal.refused_for('question not ours'));
	END IF;
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_status(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner answers our question about a transaction (ESS TxnStatusResponse)';

/* As my_subscriptions_unanswered(). */
CREATE OR REPLACE FUNCTION casesync_internal.my_requests_unanswered(before timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_request m SET state = 'unanswered'
	 WHERE m.state = 'requested' AND m.requested_at < before
	   AND NOT casesync_internal.outgoing_waits(m.transaction_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.my_requests_unanswered(timestamptz) IS
	'what was asked before this time and never answered counts as that from now on';

CREATE OR REPLACE FUNCTION casesync_internal.my_request_refused(transaction_id text, why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.my_request m SET state = 'refused', reason = why,
		answered_at = clock_timestamp()
	 WHERE m.transaction_id = my_request_refused.transaction_id AND m.state = 'requested';
END
$$;
COMMENT ON FUNCTION casesync_internal.my_request_refused(text, text) IS
	'a partner refused our search or question about a transaction';
