/*
 * Requests of partners that ask for an answer: stored, and remembered for transaction status. It
 * knows how requests travel, not what any kind of them means.
 */

/*
 * The standard's own word for it is misspelt (B19), and a check of enrolment may come under the
 * action of a search: they are told apart by what they hold.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_action(action text, message jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN w.word = 'search' AND message ? 'enrolled_criteria' AND NOT message ? 'search_request'
			THEN 'enrolled'
		WHEN w.word = 'search' THEN 'search'
		WHEN w.word IN ('txn-status', 'status', 'txnstatus') THEN 'txn-status'
		WHEN w.word IN ('enrollementstatus', 'enrollmentstatus', 'enrolmentstatus',
			'enrolment-status', 'enrollment-status', 'check-enrollment') THEN 'enrolled' END
	  FROM (SELECT lower(translate(action, '_/', '--')) AS word) w
$$;
COMMENT ON FUNCTION casesync_internal.request_action(text, jsonb) IS
	'what a header.action asks for, in the spellings that peers use; NULL when it asks for nothing '
	'we answer';

/*
 * Counted no further than the limit. A partner whose answers cannot be delivered stops here, with
 * its own requests only.
 */
CREATE OR REPLACE FUNCTION casesync_internal.waiting_refusal(partner text)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('requests waiting');
BEGIN
	RETURN CASE WHEN most <= (SELECT count(*) FROM (
			SELECT FROM casesync_internal.request_in r
			 WHERE r.partner = waiting_refusal.partner AND r.state IN ('new', 'claimed')
			 LIMIT most) x)
		THEN casesync_internal.refused_for('too many waiting', most::text) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.waiting_refusal(text) IS
	'why no more requests of a partner are taken now; NULL when they are';

CREATE OR REPLACE FUNCTION casesync_internal.request_references(action text, message jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT DISTINCT x.name COLLATE "C" FROM (
		SELECT i->>'reference_id' AS name
		  FROM jsonb_array_elements(casesync_internal.list_of(CASE action
				WHEN 'search' THEN message->'search_request'
				WHEN 'subscribe' THEN message->'subscribe_request' END)) i
		UNION ALL
		SELECT c FROM jsonb_array_elements_text(CASE action
				WHEN 'unsubscribe' THEN casesync_internal.unsubscribe_codes(message)
				ELSE '[]' END) c) x
		WHERE x.name <> '' ORDER BY 1)
$$;
COMMENT ON FUNCTION casesync_internal.request_references(text, jsonb) IS
	'the reference_ids of a request, of an unsubscribe the codes, by which its sender may ask what '
	'became of it';

/*
 * The partner's own claims, for the record; what decides is our agreement. Consent cannot be
 * checked (C8). Too long to keep is not cut: half a claim would say something else.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_claims(message jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN octet_length(c.claims::text) <= casesync_internal.message_limit('claim bytes')
		THEN c.claims END
	  FROM (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
				'reference_id', i->'reference_id',
				'consent', i #> '{search_criteria,consent}',
				'authorize', i #> '{search_criteria,authorize}'))) AS claims
			  FROM jsonb_array_elements(casesync_internal.list_of(message->'search_request')) i
			 WHERE num_nonnulls(i #> '{search_criteria,consent}',
				i #> '{search_criteria,authorize}') > 0) c
$$;
COMMENT ON FUNCTION casesync_internal.request_claims(jsonb) IS
	'consent and authorize of each item; NULL when none, or when too long to keep';

/* Its outcome is looked up when it is asked for: what was pending may have been decided since. */
CREATE OR REPLACE FUNCTION casesync_internal.request_note(p casesync_internal.partner, action text,
	message_id text, message jsonb, correlation_id text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id,
		correlation_id, reference_ids, message, state, answered_at)
	VALUES (p.partner, action, message_id, message->>'transaction_id', correlation_id,
		casesync_internal.request_references(action, message),
		jsonb_build_object('subscription_codes', casesync_internal.unsubscribe_codes(message)),
		'answered', clock_timestamp())
$$;
COMMENT ON FUNCTION casesync_internal.request_note(casesync_internal.partner, text, text, jsonb,
	text) IS
	'remember that a partner asked to be subscribed or unsubscribed, for transaction status';

CREATE OR REPLACE FUNCTION casesync_internal.request_note_answered(p casesync_internal.partner,
	action text, message_id text, message jsonb, correlation_id text,
	o casesync_internal.request_outcome)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id,
		correlation_id, reference_ids, claims, state, status, reason, answers, error_code,
		answered_at)
	VALUES (p.partner, action, message_id, message->>'transaction_id', correlation_id,
		casesync_internal.request_references(action, message),
		casesync_internal.request_claims(message), 'answered', o.status, o.status_reason_message,
		coalesce(o.answers, '[]'), o.failed, clock_timestamp())
$$;
COMMENT ON FUNCTION casesync_internal.request_note_answered(casesync_internal.partner, text, text,
	jsonb, text, casesync_internal.request_outcome) IS
	'remember what a partner asked and was answered at once, not what was found';

/*
 * Without an address nobody can be answered, but what became of it can be asked for. Stored in the
 * transaction that acknowledges: ACK promises an answer.
 */
CREATE OR REPLACE FUNCTION casesync_internal.receive_request(p casesync_internal.partner,
	action text, message_id text, message jsonb, callback_url text, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.request_in;
BEGIN
	r.state := 'new';
	r.message := message;
	IF callback_url IS NULL THEN
		r.state := 'answered';
		r.status := 'rjct';
		r.reason := 'there is no address to answer to: send header.sender_uri';
		r.message := NULL;
		r.answered_at := clock_timestamp();
	END IF;
	INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id,
		correlation_id, reference_ids, callback_url, message, claims, state, status, reason,
		answered_at)
	VALUES (p.partner, action, message_id, message->>'transaction_id', correlation_id,
		casesync_internal.request_references(action, message), callback_url, r.message,
		casesync_internal.request_claims(message), r.state, r.status, r.reason, r.answered_at);
	PERFORM casesync_internal.ring();
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_request(casesync_internal.partner, text, text, jsonb,
	text, text) IS
	'a partner asks to search, or what became of a request: stored, so that work_requests() '
	'answers it';
