/*
 * Requests of partners that ask for an answer: stored, worked, answered, remembered for transaction
 * status. It knows how requests travel, not what any kind of them means.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_action(action text, message jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE lower(translate(action, '_/', '--'))
		WHEN 'search' THEN CASE WHEN message ? 'enrolled_criteria'
			AND NOT message ? 'search_request'
			THEN 'enrolled' ELSE 'search' END
		WHEN 'txn-status' THEN 'txn-status' WHEN 'status' THEN 'txn-status' WHEN 'txnstatus'
			THEN 'txn-status'
		WHEN 'enrollementstatus' THEN 'enrolled' WHEN 'enrollmentstatus' THEN 'enrolled'
		WHEN 'enrolmentstatus' THEN 'enrolled' WHEN 'enrolment-status' THEN 'enrolled'
		WHEN 'enrollment-status' THEN 'enrolled' WHEN 'check-enrollment' THEN 'enrolled' END
$$;
COMMENT ON FUNCTION casesync_internal.request_action(text, jsonb) IS
	'what a header.action asks for, in the spellings that peers use; NULL when it asks for nothing '
	'we answer';

CREATE OR REPLACE FUNCTION casesync_internal.request_error(code text, message text)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o casesync_internal.request_outcome;
BEGIN
	o.error_code := code;
	o.error_message := left(message, 999);
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_error(text, text) IS
	'a request that cannot be answered at all';

/* What of a message can be judged without looking anything up: before ACK, and before a synchronous answer. */
CREATE OR REPLACE FUNCTION casesync_internal.request_problem(action text, header jsonb,
	message jsonb, OUT code text, OUT why text)
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	transaction constant jsonb := message->'transaction_id';
	refused casesync_internal.answer;
BEGIN
	code := 'err.request.bad';
	IF jsonb_typeof(transaction) IS DISTINCT FROM 'string'
		OR length(transaction #>> '{}') NOT BETWEEN 1 AND 99 THEN
		why := 'message.transaction_id must be text of 1 to 99 characters';
	ELSIF action = 'search' THEN
		refused := casesync_internal.batch_refusal(
			header, casesync_internal.list_of(message->'search_request'), 'search_request');
		code := coalesce(refused.error_code, code);
		why := refused.error_message;
	ELSIF action = 'txn-status' THEN
		why := casesync_internal.status_question_problem(message->'txnstatus_request');
	ELSIF action = 'enrolled' THEN
		why := casesync_internal.enrolment_question_problem(message->'enrolled_criteria');
	END IF;
	IF why IS NULL THEN
		code := NULL;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_problem(text, jsonb, jsonb) IS
	'why a request cannot be taken, for the partner; NULL when it can';

CREATE OR REPLACE FUNCTION casesync_internal.request_references(action text, message jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT DISTINCT left(x.name, 255) COLLATE "C" FROM (
		SELECT i->>'reference_id' AS name
		  FROM jsonb_array_elements(casesync_internal.list_of(CASE action
			WHEN 'search' THEN message->'search_request' WHEN 'subscribe'
				THEN message->'subscribe_request' END)) i
		UNION ALL
		SELECT c FROM jsonb_array_elements_text(casesync_internal.list_of(CASE action
			WHEN 'unsubscribe'
				THEN coalesce(message->'subscription_codes', message->'sunscription_codes') END)) c)
				x
		WHERE x.name <> '' ORDER BY 1 LIMIT 1000)
$$;
COMMENT ON FUNCTION casesync_internal.request_references(text, jsonb) IS
	'the reference_ids of a request, of an unsubscribe the codes, by which its sender may ask what '
	'became of it';

/* The partner's own claims, for the record; what decides is our agreement. */
CREATE OR REPLACE FUNCTION casesync_internal.request_claims(message jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN octet_length(c.claims::text) <= 65536 THEN c.claims END
	  FROM (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('reference_id', i->'reference_id',
				'consent', i #> '{search_criteria,consent}', 'authorize',
				i #> '{search_criteria,authorize}'))) AS claims
			  FROM jsonb_array_elements(casesync_internal.list_of(message->'search_request')) i
			 WHERE num_nonnulls(i #> '{search_criteria,consent}',
				i #> '{search_criteria,authorize}') > 0) c
$$;
COMMENT ON FUNCTION casesync_internal.request_claims(jsonb) IS
	'consent and authorize of each item; NULL when none, or when too long to keep';

/* Remember a subscribe or unsubscribe that was decided at once; its outcome is looked up when asked for. */
CREATE OR REPLACE FUNCTION casesync_internal.note_request(partner text, header jsonb, message jsonb,
	answer casesync_internal.answer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF answer.ack_status = 'ACK' AND header->>'action' IN ('subscribe', 'unsubscribe')
		AND length(message->>'transaction_id') BETWEEN 1 AND 99
	THEN
		INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id,
			correlation_id, reference_ids,
			message, state, answered_at)
		VALUES (partner, header->>'action', header->>'message_id', message->>'transaction_id',
			answer.correlation_id,
			casesync_internal.request_references(header->>'action', message),
			jsonb_build_object('subscription_codes',
				casesync_internal.list_of(
				coalesce(message->'subscription_codes', message->'sunscription_codes'))),
			'answered', clock_timestamp());
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.note_request(text, jsonb, jsonb, casesync_internal.answer) IS
	'remember that a partner asked to be subscribed or unsubscribed, for transaction status';

CREATE OR REPLACE FUNCTION casesync_internal.receive_request(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	action constant text := casesync_internal.request_action(header->>'action', message);
	target record := casesync_internal.callback_url(p, header->>'sender_uri',
		CASE action WHEN 'search' THEN 'on-search' ELSE 'txn/on-status' END);
	problem record;
BEGIN
	IF action = 'enrolled' THEN
		RETURN casesync_internal.refusal('err.request.bad',
			'enrolment status is answered at once: POST it to /registry/sync/check-enrollment');
	END IF;
	IF NOT target.is_allowed THEN
		RETURN casesync_internal.refusal('err.sender_uri.invalid',
			'sender_uri is not below a callback address registered for this sender_id');
	END IF;
	problem := casesync_internal.request_problem(action, header, message);
	IF problem.code IS NOT NULL THEN
		RETURN casesync_internal.refusal(problem.code, problem.why);
	END IF;
	IF (SELECT count(*) FROM (SELECT FROM casesync_internal.request_in r
			WHERE r.partner = p.partner AND r.state IN ('new', 'claimed') LIMIT 1000) x) = 1000 THEN
		RETURN casesync_internal.refusal('err.request.too_many_requests',
			'1000 requests of yours wait for their answers: send this one again later');
	END IF;
	INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id,
		correlation_id, reference_ids,
		callback_url, message, claims, state, status, reason, answered_at)
	SELECT p.partner, action, header->>'message_id', message->>'transaction_id', correlation_id,
		casesync_internal.request_references(action, message), target.url, CASE WHEN t.has_address
			THEN message END,
		casesync_internal.request_claims(message), CASE WHEN t.has_address THEN 'new'
			ELSE 'answered' END,
		CASE WHEN NOT t.has_address THEN 'rjct' END,
		CASE WHEN NOT t.has_address
			THEN 'there is no address to answer to: send header.sender_uri' END,
		CASE WHEN NOT t.has_address THEN clock_timestamp() END
	  FROM (SELECT target.url IS NOT NULL AS has_address) t;
	PERFORM casesync_internal.ring();
	RETURN ROW('ACK', NULL, NULL, correlation_id, clock_timestamp())::casesync_internal.answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_request(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner asks to search, or what became of a request: stored, so that work_requests() answers '
	'it';

/* With the empty name nothing is agreed, ever: while sharing is stopped a partner is answered like that one. */
CREATE OR REPLACE FUNCTION casesync_internal.sharing_partner(p casesync_internal.partner)
RETURNS casesync_internal.partner
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.sharing_begin(p.partner) THEN
		p.partner := '';
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.sharing_partner(casesync_internal.partner) IS
	'the partner, when something may leave to it until the end of this transaction; else nobody';

/* The one place where requests become answers; what it reads it may give until the transaction ends. */
CREATE OR REPLACE FUNCTION casesync_internal.request_answer(p casesync_internal.partner,
	action text, message jsonb, correlation_id text,
	until timestamptz)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Rendering may not take longer than searching, and both only what is left. */
	PERFORM set_config('casesync.render_timeout', least(
		nullif(casesync_internal.milliseconds_of('casesync.render_timeout'), 0),
		casesync_internal.milliseconds_left(until))::text, true);
	RETURN CASE action
		WHEN 'search' THEN casesync_internal.search_outcome(p, message, correlation_id, until)
		WHEN 'txn-status' THEN casesync_internal.status_outcome(p, message, correlation_id)
		WHEN 'enrolled' THEN casesync_internal.enrolment_outcome(p, message, correlation_id,
			until) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_answer(casesync_internal.partner, text, jsonb, text,
	timestamptz) IS
	'work a request that request_problem() found nothing wrong with';

/* Before the session's own statement_timeout strikes, which leaves no answer at all. */
CREATE OR REPLACE FUNCTION casesync_internal.request_deadline(searches integer)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN clock_timestamp() + least(searches::bigint * casesync_internal.milliseconds_of(
		'casesync.search_timeout'),
		nullif(casesync_internal.milliseconds_of('statement_timeout'),
			0) * 0.6) * interval '1 millisecond';
END
$$;
COMMENT ON FUNCTION casesync_internal.request_deadline(integer) IS
	'until when a request may be worked on that may take as long as so many searches';

CREATE OR REPLACE FUNCTION casesync_internal.reply_of(o casesync_internal.request_outcome,
	correlation_id text, partner text)
RETURNS casesync_internal.reply
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ROW(o.error_code, o.error_message, o.action, o.status, o.status_reason_code,
		left(o.status_reason_message, 999), o.total, o.total, correlation_id, o.message::text,
		(SELECT n.sender_id FROM casesync_internal.node n), partner,
		CASE WHEN o.error_code IS NULL THEN casesync_internal.encryption_key(
			partner) END)::casesync_internal.reply
$$;
COMMENT ON FUNCTION casesync_internal.reply_of(casesync_internal.request_outcome, text, text) IS
	'an outcome as the bridge sends it';

/*
 * A repeated message_id is computed anew: nothing but the record of disclosure comes of answering,
 * and what was given a minute ago may not be agreed any more.
 */
CREATE OR REPLACE FUNCTION casesync_internal.answer_now(partner text, message_id text, raw bytea,
	token_client text, kid text,
	plain bytea DEFAULT NULL)
RETURNS SETOF casesync_internal.reply
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p casesync_internal.partner;
	m record := casesync_internal.read_message($3, $6);
	action constant text := casesync_internal.request_action(m.header->>'action', m.message);
	correlation constant text := gen_random_uuid()::text;
	problem record;
	o casesync_internal.request_outcome;
BEGIN
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = $1;
	IF NOT FOUND THEN
		o := casesync_internal.request_error('err.sender_id.invalid',
			'sender_id is not registered here');
	ELSIF NOT casesync_internal.may_speak() THEN
		o := casesync_internal.request_error('err.service.unavailable',
			'this node is paused: try again later');
	ELSIF jsonb_typeof(m.header) IS DISTINCT FROM 'object'
		OR jsonb_typeof(m.message) IS DISTINCT FROM 'object'
		OR $2 IS NULL OR length($2) NOT BETWEEN 1 AND 255
	THEN
		o := casesync_internal.request_error('err.request.bad',
			'the body must be UTF-8 JSON with the objects header and message, without the character '
			'\u0000, and header.message_id of 1 to 255 characters');
	ELSIF action IS NULL THEN
		o := casesync_internal.request_error('err.request.bad',
			format('action "%s" has no synchronous answer: send search, txn-status or '
			'enrollementstatus: rjct.action.not_supported', left(m.header->>'action', 40)));
	ELSIF (m.header->'is_msg_encrypted' IS NOT DISTINCT FROM 'true') <> ($6 IS NOT NULL) THEN
		o := casesync_internal.request_error('err.encryption.invalid',
			'header.is_msg_encrypted must be true when message is encrypted, and only then');
	ELSIF casesync_internal.encryption_problem($1, $6 IS NOT NULL) IS NOT NULL THEN
		o := casesync_internal.request_error('err.encryption.invalid',
			casesync_internal.encryption_problem($1, $6 IS NOT NULL));
	ELSIF casesync_internal.encryption_is_missing($1) THEN
		o := casesync_internal.request_error('err.service.unavailable',
			'the answer must be encrypted, and no encryption key of yours is registered here: send '
			'us one');
	END IF;
	IF o.error_code IS NULL THEN
		problem := casesync_internal.request_problem(action, m.header, m.message);
		o := casesync_internal.request_error(problem.code, problem.why);
	END IF;
	IF o.error_code IS NULL THEN
		p := casesync_internal.sharing_partner(p);
		o := casesync_internal.request_answer(p, action, m.message, correlation,
			casesync_internal.request_deadline(1));
		IF action <> 'txn-status' THEN
			INSERT INTO casesync_internal.request_in (partner, action, message_id, transaction_id,
				correlation_id, reference_ids,
				claims, state, status, reason, answers, error_code, answered_at)
			VALUES ($1, action, $2, m.message->>'transaction_id', correlation,
				casesync_internal.request_references(action, m.message),
				casesync_internal.request_claims(m.message), 'answered', o.status,
					o.status_reason_message,
				coalesce(o.answers, '[]'), o.failed, clock_timestamp());
		END IF;
	END IF;
	RETURN NEXT casesync_internal.reply_of(o, correlation, $1);
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_now(text, text, bytea, text, text, bytea) IS
	'the answer to a verified synchronous request, with what it gives on record; or why there is '
	'none (HTTP 400)';

/*
 * Taking a request is a transaction of its own: work that ends the server's process, or the server,
 * has been counted, and is not tried for ever. Who was answered longest ago comes first: a partner
 * that asks much keeps only itself waiting.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_claim()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.request_in r SET state = 'claimed', worker = pg_backend_pid(),
		tries = r.tries + 1,
		next_try = clock_timestamp() + interval '2 minutes'
	 WHERE r.id = (
		SELECT o.id FROM casesync_internal.partner p
		 CROSS JOIN LATERAL (
			SELECT t.id FROM casesync_internal.request_in t
			 WHERE t.partner = p.partner AND t.state IN ('new', 'claimed')
			   AND (t.next_try IS NULL OR t.next_try <= clock_timestamp()
				OR t.state = 'claimed' AND NOT EXISTS (SELECT FROM pg_stat_activity a
					WHERE a.pid = t.worker))
			 ORDER BY t.id LIMIT 1 FOR UPDATE SKIP LOCKED) o
		 ORDER BY (SELECT max(a.answered_at) FROM casesync_internal.request_in a
					WHERE a.partner = p.partner AND a.outgoing IS NOT NULL) NULLS FIRST, o.id
		 LIMIT 1);
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_claim() IS
	'take the oldest request of a partner that is due, for two minutes or as long as this process '
	'lives; false when there is none';

CREATE OR REPLACE FUNCTION casesync_internal.request_finish(r casesync_internal.request_in,
	p casesync_internal.partner, o casesync_internal.request_outcome)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* Disclosures bear the same one, so that their outcome is known when this is delivered or refused. */
	given constant uuid := coalesce(o.given, gen_random_uuid());
BEGIN
	INSERT INTO casesync_internal.outgoing (reference_id, lane, action, url, status, message,
		must_encrypt)
	VALUES (given, casesync_internal.lane_for(r.partner, 'control', r.callback_url),
		CASE r.action WHEN 'search' THEN 'on-search' ELSE 'txn-on-status' END, r.callback_url,
			o.status, o.message,
		casesync_internal.encryption_rule(r.partner) = 'required');
	UPDATE casesync_internal.request_in t SET state = CASE WHEN o.failed IS NULL THEN 'answered'
		ELSE 'failed' END,
		status = o.status, reason = o.status_reason_message, answers = coalesce(o.answers, '[]'),
		agreements = coalesce(o.agreements, '{}'), outgoing = given, error_code = o.failed,
			worker = NULL,
		next_try = NULL, answered_at = clock_timestamp()
	 WHERE t.id = r.id;
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.request_finish(casesync_internal.request_in,
	casesync_internal.partner, casesync_internal.request_outcome) IS
	'a request is answered: its callback and its state, in one transaction';

/* In a subtransaction of its own: what fails leaves no disclosure behind. */
CREATE OR REPLACE FUNCTION casesync_internal.request_try(r casesync_internal.request_in,
	p casesync_internal.partner, OUT o casesync_internal.request_outcome)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	o := casesync_internal.request_answer(p, r.action, r.message, r.correlation_id,
		casesync_internal.request_deadline(10));
	IF o.failed IS NOT NULL AND r.tries < 5 THEN
		PERFORM casesync_internal.raise_error(errcode => o.failed);
	END IF;
EXCEPTION WHEN OTHERS THEN
	o := NULL;
	o.failed := SQLSTATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_try(casesync_internal.request_in,
	casesync_internal.partner) IS
	'work a request; with nothing but failed set when it must be tried again';

CREATE OR REPLACE FUNCTION casesync_internal.work_requests()
RETURNS TABLE (requests integer, more boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r casesync_internal.request_in;
	p casesync_internal.partner;
	o casesync_internal.request_outcome;
BEGIN
	requests := 0; more := false;
	IF NOT casesync_internal.may_speak() THEN
		RETURN NEXT;
		RETURN;
	END IF;
	SELECT * INTO r FROM casesync_internal.request_in t
	 WHERE t.state = 'claimed' AND t.worker = pg_backend_pid() AND t.next_try > clock_timestamp()
	 ORDER BY t.id LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		more := casesync_internal.request_claim();
		RETURN NEXT;
		RETURN;
	END IF;
	more := true;
	requests := 1;
	SELECT * INTO p FROM casesync_internal.partner t WHERE t.partner = r.partner;
	p := casesync_internal.sharing_partner(p);
	IF r.tries <= 5 THEN
		o := casesync_internal.request_try(r, p);
	ELSE
		o.failed := 'XX000';
	END IF;
	IF o.status IS NULL AND r.tries < 5 THEN
		UPDATE casesync_internal.request_in t SET state = 'new', worker = NULL,
			error_code = o.failed,
			next_try = clock_timestamp() + least(300, 2 ^ r.tries) * interval '1 second'
		 WHERE t.id = r.id;
	ELSE
		IF o.status IS NULL THEN
			o := casesync_internal.request_apology(r, o.failed);
		END IF;
		PERFORM casesync_internal.request_finish(r, p, o);
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.work_requests() IS
	'take a stored request, or answer the one taken; more: call again. One that fails five times is '
	'answered with rjct';

CREATE OR REPLACE FUNCTION casesync_internal.request_apology(r casesync_internal.request_in,
	error_code text)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	why constant text :=
		'this could not be answered here; nothing is wrong with the request: send it again later';
	o casesync_internal.request_outcome;
BEGIN
	o.status := 'rjct';
	o.status_reason_message := why;
	o.failed := request_apology.error_code;
	o.message := jsonb_build_object('transaction_id', r.transaction_id, 'correlation_id',
		r.correlation_id);
	IF r.action = 'search' THEN
		o.answers := (
			SELECT jsonb_agg(casesync_internal.search_refusal(i, 'rjct.search_criteria.invalid',
			why))
			FROM jsonb_array_elements(casesync_internal.list_of(r.message->'search_request')) i);
		o.message := o.message || jsonb_build_object('search_response', o.answers);
	ELSE
		o.message := o.message || jsonb_build_object('txnstatus_response',
			jsonb_build_object('txn_type', 'search',
			'txn_status', o.message || '{"search_response": []}'));
	END IF;
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_apology(casesync_internal.request_in, text) IS
	'the answer to a request that we failed to work: every item refused, and why';

CREATE OR REPLACE FUNCTION casesync_internal.answering_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical', format('%s requests of %s wait for their answers since %s%s', count(*),
		r.partner,
			to_char(min(r.received_at), 'YYYY-MM-DD HH24:MI:SS'), ' (' || max(r.error_code) || ')'),
		'-- start a bridge: systemctl start casesync-bridge'
	  FROM casesync_internal.request_in r
	 WHERE r.state IN ('new', 'claimed') AND r.received_at < now() - interval '5 minutes'
		GROUP BY r.partner
	UNION ALL
	SELECT 'warning',
		format('%s requests of %s could not be answered since yesterday (SQLSTATE %s)', count(*),
		r.partner, r.error_code),
		'SELECT * FROM casesync.quarantined;  -- or try the search as the view''s owner: the view '
		'may be broken or too slow'
	  FROM casesync_internal.request_in r
	 WHERE r.error_code IS NOT NULL AND r.state IN ('answered', 'failed')
		AND r.answered_at > now() - interval '1 day'
	 GROUP BY r.partner, r.error_code
	UNION ALL
	SELECT 'warning', format('%s requests of ours to %s are not answered for more than a day',
		count(*), m.partner),
		format('SELECT * FROM casesync.my_requests WHERE partner = %L AND state = ''requested'';',
			m.partner)
	  FROM casesync_internal.my_request m
	 WHERE m.state = 'requested' AND m.requested_at BETWEEN now() - interval '30 days'
		AND now() - interval '1 day'
	 GROUP BY m.partner
$$;
COMMENT ON FUNCTION casesync_internal.answering_problems() IS
	'requests that wait too long, or failed';
