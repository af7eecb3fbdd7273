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
	'our questions to partners: records is how many came into the inbox, total_count how many match '
	'there';

CREATE OR REPLACE FUNCTION casesync_internal.require_address(partner text)
RETURNS casesync_internal.partner
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner($1);
BEGIN
	IF p.base_url IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('partner "%s" has no base_url', $1),
			hint => format('SELECT casesync.set_partner(%L, base_url => ''https://…'');', $1));
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

CREATE OR REPLACE FUNCTION casesync.search_at(partner text, record_type text, filter jsonb,
	filter_type text DEFAULT NULL,
	reg_type text DEFAULT 'ESS', sort jsonb DEFAULT NULL, page_size integer DEFAULT 100,
		page_number integer DEFAULT 1)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner := casesync_internal.require_address($1);
	m casesync_internal.my_request;
BEGIN
	IF coalesce($2, '') = '' OR $3 IS NULL OR coalesce($7, 0) NOT BETWEEN 1 AND 2000
		OR coalesce($8, 0) < 1 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'record_type and filter must not be empty, page_size must be between 1 and '
				'2000 and page_number at least 1',
			hint => format(
				'SELECT casesync.search_at(%L, ''Member'', ''{"type": "UIN", "value": "12345"}'');',
				$1));
	END IF;
	IF (casesync_internal.agreement_in($1, 'search')).agreement IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('no agreement says what "%s" may tell us in answer to a search', $1),
			detail => 'An agreement of direction in must list the event type "search", and the '
				'fields and identifier types to take.',
			hint => format(
				'SELECT casesync.set_agreement(…, %L, direction => ''in'', event_types => '
				'''{search,…}'');', $1));
	END IF;
	INSERT INTO casesync_internal.my_request AS t (partner, action, record_type, reg_type,
		filter_type)
	VALUES ($1, 'search', casesync_internal.plain_name($2), casesync_internal.plain_name($5),
		coalesce($4, casesync_internal.query_type_of($3)))
	RETURNING t.* INTO m;
	PERFORM casesync_internal.enqueue($1, 'search', p.base_url || '/registry/search',
		jsonb_build_object(
		'transaction_id', m.transaction_id, 'search_request', jsonb_build_array(jsonb_build_object(
			'reference_id', m.reference_id, 'timestamp',
			casesync_internal.wire_time(m.requested_at),
			'search_criteria', jsonb_strip_nulls(jsonb_build_object('version', '1.0.0',
				'reg_type', 'ns:org:RegistryType:' || m.reg_type, 'reg_record_type', m.record_type,
				'query_type', m.filter_type, 'sort', nullif($6, 'null'),
				'pagination', jsonb_build_object('page_size', $7, 'page_number', $8)))
				|| jsonb_build_object('query', $3),
			'locale', (SELECT n.locale FROM casesync_internal.this_node() n)))), 'rcvd');
	PERFORM casesync_internal.audit_note('search_at', $1,
		jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.search_at(text, text, jsonb, text, text, jsonb, integer, integer) IS
	'search at a partner; returns our reference_id, the records come into the inbox as event type '
	'search';

CREATE OR REPLACE FUNCTION casesync.status_at(reference_id uuid)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	asked record;
	p casesync_internal.partner;
	m casesync_internal.my_request;
BEGIN
	SELECT * INTO asked FROM (
		SELECT r.partner, r.transaction_id, 'search' AS kind FROM casesync_internal.my_request r
		 WHERE r.reference_id = $1 AND r.action = 'search'
		UNION ALL
		SELECT s.partner, s.transaction_id, 'subscribe' FROM casesync_internal.my_subscription s
			WHERE s.reference_id = $1) x;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('%s is no request of ours to a partner', $1),
			hint => 'SELECT reference_id, partner, state FROM casesync.my_requests;  -- or '
				'casesync.my_subscriptions');
	END IF;
	p := casesync_internal.require_address(asked.partner);
	INSERT INTO casesync_internal.my_request AS t (partner, action, about)
	VALUES (p.partner, 'txn-status', $1) RETURNING t.* INTO m;
	PERFORM casesync_internal.enqueue(p.partner, 'txn-status', p.base_url || '/registry/txn/status',
		jsonb_build_object(
		'transaction_id', m.transaction_id, 'txnstatus_request',
		jsonb_build_object('reference_id', m.reference_id,
			'txn_type', asked.kind, 'attribute_type', 'transaction_id', 'attribute_value',
			asked.transaction_id,
			'locale', (SELECT n.locale FROM casesync_internal.this_node() n))), 'rcvd');
	PERFORM casesync_internal.audit_note('status_at', p.partner,
		jsonb_build_object('reference_id', m.reference_id));
	RETURN m.reference_id;
END
$$;
COMMENT ON FUNCTION casesync.status_at(uuid) IS
	'ask the partner what became of a search or subscription of ours; the answer appears in '
	'my_requests';

/* Records of one item into the inbox, each under a name of its own, so that a repetition is recognised. */
CREATE OR REPLACE FUNCTION casesync_internal.store_found(p casesync_internal.partner, header jsonb,
	m casesync_internal.my_request, answer jsonb, first integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	i record;
BEGIN
	FOR i IN
		SELECT (first + r.n)::integer AS item, format('%s:%s:%s', m.reference_id,
				coalesce(casesync_internal.number_of(answer #> '{pagination,page_number}'), 1),
					r.n) AS reference_id,
			'search' AS event_type,
			coalesce(casesync_internal.plain_name(answer #>> '{data,reg_record_type}'),
				m.record_type) AS record_type,
			r.record, casesync_internal.time_of(answer->>'timestamp') AS sent_at,
				NULL::jsonb AS meta
		  FROM jsonb_array_elements(
			casesync_internal.list_of(answer #> '{data,reg_records}')) WITH ORDINALITY r(record, n)
		 WHERE jsonb_typeof(r.record) = 'object'
	LOOP
		PERFORM casesync_internal.store_item(p, header->>'message_id', m.transaction_id, NULL, i,
			'search', true);
	END LOOP;
	RETURN (SELECT count(*) FROM casesync_internal.inbox_item t
		WHERE t.partner = p.partner AND t.message_id = header->>'message_id' AND t.item > first);
END
$$;
COMMENT ON FUNCTION casesync_internal.store_found(casesync_internal.partner, jsonb,
	casesync_internal.my_request, jsonb, integer) IS
	'put the records of one answer into the inbox; returns how many were not there yet';

CREATE OR REPLACE FUNCTION casesync_internal.receive_on_search(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers constant jsonb := casesync_internal.list_of(message->'search_response');
	item jsonb;
	m casesync_internal.my_request;
	stored integer;
	known integer := 0;
	first integer := 0;
BEGIN
	IF (SELECT sum(jsonb_array_length(casesync_internal.list_of(i #> '{data,reg_records}')))
		FROM jsonb_array_elements(answers) i) > 10000 THEN
		RETURN casesync_internal.refusal('err.request.bad',
			'more than 10000 records in a message: send fewer to a page');
	END IF;
	FOR item IN SELECT * FROM jsonb_array_elements(answers) LOOP
		SELECT * INTO m FROM casesync_internal.my_request t
		 WHERE t.partner = p.partner AND t.action = 'search'
			AND t.reference_id::text = item->>'reference_id'
		   AND t.transaction_id = message->>'transaction_id';
		CONTINUE WHEN NOT FOUND;
		known := known + 1;
		IF (casesync_internal.agreement_in(p.partner, 'search')).agreement IS NULL THEN
			RETURN casesync_internal.refusal('err.request.forbidden',
				'no agreement lets you tell us what a search finds');
		END IF;
		stored := CASE WHEN item->>'status' = 'succ'
			THEN casesync_internal.store_found(p, header, m, item, first) ELSE 0 END;
		first := first + jsonb_array_length(
			casesync_internal.list_of(item #> '{data,reg_records}'));
		UPDATE casesync_internal.my_request t SET answered_at = clock_timestamp(),
			state = CASE item->>'status' WHEN 'rjct' THEN 'refused' WHEN 'succ' THEN 'answered'
				ELSE t.state END,
			reason = left(
				concat_ws(': ', item->>'status_reason_code', item->>'status_reason_message'), 999),
			records = coalesce(t.records, 0) + stored,
			total_count = coalesce(casesync_internal.number_of(item #> '{pagination,total_count}'),
				t.total_count)
		 WHERE t.reference_id = m.reference_id;
	END LOOP;
	IF known = 0 THEN
		RETURN casesync_internal.refusal('err.request.bad',
			'transaction_id and reference_id are not those of a search of ours at you');
	END IF;
	PERFORM casesync_internal.ring();
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_search(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner answers our search (ESS SearchResponse): records into the inbox';

CREATE OR REPLACE FUNCTION casesync_internal.receive_on_status(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	body constant jsonb := message #> '{txnstatus_response,txn_status}';
	outcome constant text := (SELECT string_agg(DISTINCT s, ',') FROM (
		SELECT i->>'status' AS s
			FROM jsonb_array_elements(casesync_internal.list_of(body->'search_response')) i
		UNION SELECT i->>'status'
			FROM jsonb_array_elements(casesync_internal.list_of(body->'subscribe_response')) i) x
		WHERE s IN ('rcvd', 'pdng', 'succ', 'rjct'));
BEGIN
	UPDATE casesync_internal.my_request m SET answered_at = clock_timestamp(),
		state = CASE header->>'status' WHEN 'rjct' THEN 'refused' ELSE 'answered' END,
		reason = coalesce(outcome, CASE WHEN header->>'status' IN ('rcvd', 'pdng', 'succ', 'rjct')
			THEN header->>'status' END)
	 WHERE m.partner = p.partner AND m.action = 'txn-status'
		AND m.transaction_id = message->>'transaction_id';
	IF NOT FOUND THEN
		RETURN casesync_internal.refusal('err.request.bad',
			'transaction_id is not that of a question of ours to you');
	END IF;
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_on_status(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner answers our question about a transaction (ESS TxnStatusResponse)';

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
