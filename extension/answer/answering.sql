/*
 * Requests of partners worked: one after the other, partner by partner, tried again when we fail.
 * It knows how requests travel, not what any kind of them means.
 */
/* With the empty name nothing is agreed, ever: so is who asks while sharing is stopped answered. */
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

/*
 * The only place where requests become answers. Limits are set for this transaction only: the
 * session goes on to other partners' requests.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_answer(p casesync_internal.partner,
	action text, message jsonb, correlation_id text, until timestamptz)
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
	'work a request that message_judge() found nothing wrong with';

/*
 * Before the session's own statement_timeout strikes, which leaves no answer at all. 0.6 of it, for
 * what comes after searching: rendering, wording, storing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_deadline(searches integer)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN clock_timestamp() + interval '1 millisecond' * least(
		searches::bigint * casesync_internal.milliseconds_of('casesync.search_timeout'),
		nullif(casesync_internal.milliseconds_of('statement_timeout'), 0) * 0.6);
END
$$;
COMMENT ON FUNCTION casesync_internal.request_deadline(integer) IS
	'until when a request may be worked on that may take as long as so many searches';

/*
 * Taking a request is a transaction of its own: work that ends the server's process, or the server,
 * has been counted, and is not tried for ever. Who was answered longest ago comes first: a partner
 * that asks much keeps only itself waiting, and has one at a time. FOR UPDATE SKIP LOCKED: several
 * bridges work side by side. A process that has gone gives its request back at once, one whose
 * number another process has by now after two minutes. Each order is that of one index alone: see
 * waiting_from().
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_claim()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	UPDATE casesync_internal.request_in r
	   SET state = 'claimed', worker = pg_backend_pid(), tries = r.tries + 1,
		next_try = clock_timestamp() + interval '2 minutes'
	 WHERE r.id = (
		SELECT o.id FROM casesync_internal.partner p
		 CROSS JOIN LATERAL (
			SELECT t.id FROM casesync_internal.request_in t
			 WHERE t.partner = ANY (ARRAY[p.partner]) AND t.state IN ('new', 'claimed')
			   AND (casesync_internal.rest_is_over(t.next_try)
				OR t.state = 'claimed' AND NOT EXISTS (
					SELECT FROM pg_stat_activity a WHERE a.pid = t.worker))
			 ORDER BY t.partner, t.id LIMIT 1 FOR UPDATE SKIP LOCKED) o
		 WHERE casesync_internal.storage_is_full(p, 0) IS NULL
		   AND NOT EXISTS (
			SELECT FROM (SELECT x.* FROM casesync_internal.request_in x
				 WHERE x.partner = ANY (ARRAY[p.partner]) AND x.state = 'claimed'
				 ORDER BY x.partner, x.id OFFSET 0) b
			  JOIN pg_stat_activity a ON a.pid = b.worker
			 WHERE b.worker <> pg_backend_pid()
			   AND NOT casesync_internal.rest_is_over(b.next_try))
		 ORDER BY (
			SELECT a.answered_at FROM casesync_internal.request_in a
			 WHERE a.partner = ANY (ARRAY[p.partner]) AND a.outgoing IS NOT NULL
			   AND a.answered_at IS NOT NULL
			 ORDER BY a.partner DESC, a.answered_at DESC LIMIT 1) NULLS FIRST, o.id
		 LIMIT 1);
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_claim() IS
	'take the oldest request of a partner that is due, for two minutes or as long as this process '
	'lives; false when there is none';

CREATE OR REPLACE FUNCTION casesync_internal.request_finish(r casesync_internal.request_in,
	o casesync_internal.request_outcome)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	/* Disclosures bear it too: so their outcome is known when this is delivered or refused. */
	given constant uuid := coalesce(o.given, gen_random_uuid());
BEGIN
	PERFORM casesync_internal.enqueue(r.partner,
		CASE r.action WHEN 'search' THEN 'on-search' ELSE 'txn-on-status' END, r.callback_url,
		o.message, o.status, reference_id => given);
	PERFORM casesync_internal.storage_charge(r.partner,
		casesync_internal.answer_bytes(o.message));
	UPDATE casesync_internal.request_in t
	   SET state = CASE WHEN o.failed IS NULL THEN 'answered' ELSE 'failed' END,
		status = o.status, reason = o.status_reason_message, answers = coalesce(o.answers, '[]'),
		agreements = coalesce(o.agreements, '{}'), outgoing = given, error_code = o.failed,
		worker = NULL, next_try = NULL, answered_at = clock_timestamp()
	 WHERE t.id = r.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_finish(casesync_internal.request_in,
	casesync_internal.request_outcome) IS
	'a request is answered: its callback and its state, in one transaction';

/*
 * In a subtransaction of its own: what fails leaves no disclosure behind. A fault of ours in one
 * item undoes the whole answer and all that it disclosed, as long as there are tries left; the last
 * one goes out with that item refused.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_try(r casesync_internal.request_in,
	p casesync_internal.partner, OUT o casesync_internal.request_outcome)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	o := casesync_internal.request_answer(p, r.action, r.message, r.correlation_id,
		casesync_internal.request_deadline(10));
	IF o.failed IS NOT NULL AND r.tries < casesync_internal.message_limit('request tries') THEN
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

/* At least one for each item: what was tried in it nobody knows any more. */
CREATE OR REPLACE FUNCTION casesync_internal.request_lookups(action text, message jsonb)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE action
		WHEN 'search' THEN
			jsonb_array_length(casesync_internal.list_of(message->'search_request'))
		WHEN 'enrolled' THEN 1
		ELSE 0 END
$$;
COMMENT ON FUNCTION casesync_internal.request_lookups(text, jsonb) IS
	'how many lookups a request counts for that ended without an answer';

/* Never a SQLSTATE or a message of the server: these may quote content. */
CREATE OR REPLACE FUNCTION casesync_internal.request_unanswered(r casesync_internal.request_in,
	failed text)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	verdict constant casesync_internal.verdict := casesync_internal.refused_for('request failed');
	o casesync_internal.request_outcome;
BEGIN
	o.status := 'rjct';
	o.status_reason_message := verdict.why;
	o.failed := failed;
	o.message := jsonb_build_object('transaction_id', r.transaction_id,
		'correlation_id', r.correlation_id);
	IF r.action = 'search' THEN
		o.answers := (SELECT jsonb_agg(casesync_internal.search_refusal(r.partner, i,
				verdict))
			FROM jsonb_array_elements(casesync_internal.list_of(r.message->'search_request')) i);
		o.message := o.message || jsonb_build_object('search_response', o.answers);
	ELSE
		o.message := o.message || jsonb_build_object('txnstatus_response', jsonb_build_object(
			'txn_type', 'search', 'txn_status', o.message || '{"search_response": []}'));
	END IF;
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_unanswered(casesync_internal.request_in, text) IS
	'the answer to a request that we failed to work: every item refused, and why';

/* By process number and time: a request that was taken too long ago is another's by now. */
CREATE OR REPLACE FUNCTION casesync_internal.request_taken()
RETURNS casesync_internal.request_in
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.request_in;
BEGIN
	SELECT t.* INTO r FROM casesync_internal.request_in t
	 WHERE t.state = 'claimed' AND t.worker = pg_backend_pid() AND t.next_try > clock_timestamp()
	 ORDER BY t.id LIMIT 1 FOR UPDATE SKIP LOCKED;
	RETURN r;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_taken() IS
	'the request that this process has taken';

/*
 * Partner and sharing first, in this transaction: from here on stop_sharing() waits until the
 * answer is stored.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_work(r casesync_internal.request_in)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('request tries');
	p casesync_internal.partner;
	o casesync_internal.request_outcome;
BEGIN
	SELECT t.* INTO p FROM casesync_internal.partner t WHERE t.partner = r.partner;
	p := casesync_internal.sharing_partner(p);
	/* Taken more often than it was given back: working it ends the process. */
	IF r.tries > most THEN
		o.failed := 'XX000';
	ELSE
		o := casesync_internal.request_try(r, p);
	END IF;
	IF o.status IS NULL AND r.tries < most THEN
		UPDATE casesync_internal.request_in t
		   SET state = 'new', worker = NULL, error_code = o.failed,
			next_try = clock_timestamp() + least(300, 2 ^ r.tries) * interval '1 second'
		 WHERE t.id = r.id;
		RETURN;
	END IF;
	IF o.status IS NULL THEN
		o := casesync_internal.request_unanswered(r, o.failed);
		PERFORM casesync_internal.lookup_allowed(p.partner,
			casesync_internal.request_lookups(r.action, r.message));
	END IF;
	PERFORM casesync_internal.request_finish(r, o);
END
$$;
COMMENT ON FUNCTION casesync_internal.request_work(casesync_internal.request_in) IS
	'answer a request, or put it off';

/*
 * Taking and working are two calls, and so two transactions: see request_claim(). With the
 * extension's rights; views are read as their owners.
 */
CREATE OR REPLACE FUNCTION casesync_internal.work_requests()
RETURNS TABLE (requests integer, more boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	r casesync_internal.request_in;
BEGIN
	requests := 0; more := false;
	IF casesync_internal.may_speak() THEN
		r := casesync_internal.request_taken();
		IF r.id IS NULL THEN
			more := casesync_internal.request_claim();
		ELSE
			PERFORM casesync_internal.request_work(r);
			requests := 1; more := true;
		END IF;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.work_requests() IS
	'take a stored request, or answer the one taken; more: call again. One that fails five times '
	'is answered with rjct';

/* How many and why, not what was asked. */
CREATE OR REPLACE FUNCTION casesync_internal.answering_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical',
		format('%s requests of %s wait for their answers since %s%s', count(*), r.partner,
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
	SELECT 'warning',
		format('%s requests of ours to %s are not answered for more than a day', count(*),
			m.partner),
		format('SELECT * FROM casesync.my_requests WHERE partner = %L AND state = ''requested'';',
			m.partner)
	  FROM casesync_internal.my_request m
	 WHERE m.state = 'requested'
	   AND m.requested_at BETWEEN now() - interval '30 days' AND now() - interval '1 day'
	 GROUP BY m.partner
$$;
COMMENT ON FUNCTION casesync_internal.answering_problems() IS
	'requests that wait too long, or failed';
