/*
 * Messages of partners that are answered at once, and not stored: of what was found only who was
 * told is kept.
 */

/*
 * The key is asked for last: it raises an error when it is missing, and then nothing of the answer
 * leaves and no disclosure stays.
 */
CREATE OR REPLACE FUNCTION casesync_internal.reply_of(o casesync_internal.request_outcome,
	correlation_id text, partner text)
RETURNS casesync_internal.reply
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reply casesync_internal.reply;
BEGIN
	reply.error_code := o.error_code;
	reply.error_message := casesync_internal.reason_text(o.error_message);
	reply.action := o.action;
	reply.status := o.status;
	reply.status_reason_code := o.status_reason_code;
	reply.status_reason_message := casesync_internal.reason_text(o.status_reason_message);
	reply.total_count := o.total;
	reply.completed_count := o.total;
	reply.correlation_id := correlation_id;
	reply.message := o.message::text;
	reply.sender_id := (SELECT n.sender_id FROM casesync_internal.node n);
	reply.receiver_id := partner;
	IF o.error_code IS NULL THEN
		reply.encrypt := casesync_internal.encryption_key(partner);
	END IF;
	RETURN reply;
END
$$;
COMMENT ON FUNCTION casesync_internal.reply_of(casesync_internal.request_outcome, text, text) IS
	'an outcome as the bridge sends it';

/*
 * What ends it, the time of the statement too, ends it here: so that it counts as a lookup all the
 * same, and only that. With the error nothing that it disclosed stays, and nothing leaves.
 */
CREATE OR REPLACE FUNCTION casesync_internal.answer_try(m casesync_internal.incoming,
	p casesync_internal.partner, correlation_id text)
RETURNS casesync_internal.request_outcome
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o casesync_internal.request_outcome;
BEGIN
	RETURN casesync_internal.request_answer(p, m.action, m.message, correlation_id,
		casesync_internal.request_deadline(1));
EXCEPTION WHEN query_canceled OR OTHERS THEN
	SELECT r.code, r.why, SQLSTATE INTO o.error_code, o.error_message, o.failed
	  FROM casesync_internal.refused_for('not answered') r;
	PERFORM casesync_internal.lookup_allowed((m.partner).partner,
		casesync_internal.request_lookups(m.action, m.message));
	RETURN o;
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_try(casesync_internal.incoming,
	casesync_internal.partner, text) IS
	'the answer to a request that nothing was found wrong with, or that there is none';

/* Without begins_within: a bridge of the release before, which does not tell when it has left. */
CREATE OR REPLACE FUNCTION casesync_internal.answer_hold(p casesync_internal.partner,
	o casesync_internal.request_outcome, begins_within integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lane constant integer := casesync_internal.answer_lane(p.partner);
BEGIN
	IF begins_within IS NULL OR lane IS NULL OR o.error_code IS NOT NULL OR o.status = 'rjct' THEN
		RETURN NULL;
	END IF;
	/* Who drains the lane waits for this transaction: nobody can have it. */
	IF NOT casesync_internal.answer_keep(lane, begins_within) THEN
		PERFORM casesync_internal.raise_error(errcode => 'lock_not_available');
	END IF;
	RETURN lane;
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_hold(casesync_internal.partner,
	casesync_internal.request_outcome, integer) IS
	'an answer is under way until answer_left() of this lane; NULL: nothing is disclosed';

/*
 * A repeated message_id is computed anew: nothing but the record of disclosure comes of answering,
 * and what was given a minute ago may not be agreed any more. With the extension's rights: all that
 * the bridge may call for this.
 */
CREATE OR REPLACE FUNCTION casesync_internal.answer_now(partner text, message_id text, raw bytea,
	token_client text, kid text, plain bytea DEFAULT NULL, begins_within integer DEFAULT NULL,
	mended bytea DEFAULT NULL, odd jsonb DEFAULT NULL)
RETURNS SETOF casesync_internal.reply
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	m constant casesync_internal.incoming := casesync_internal.message_admit(partner, message_id,
		raw, plain, mended, at_once => true);
	correlation constant text := gen_random_uuid()::text;
	p casesync_internal.partner;
	o casesync_internal.request_outcome;
	reply casesync_internal.reply;
BEGIN
	PERFORM casesync_internal.commit_durably();
	IF (m.refused).code IS NOT NULL THEN
		o.error_code := (m.refused).code;
		o.error_message := (m.refused).why;
	ELSE
		p := casesync_internal.sharing_partner(m.partner);
		o := casesync_internal.answer_try(m, p, correlation);
		/* Who asks what became of a request asks about others, not about this. */
		IF m.action <> 'txn-status' THEN
			PERFORM casesync_internal.request_note_answered(m.partner, m.action, message_id,
				m.message, correlation, o);
		END IF;
	END IF;
	reply := casesync_internal.reply_of(o, correlation, partner);
	reply.lane := casesync_internal.answer_hold(p, o, begins_within);
	IF odd IS NOT NULL AND o.error_code IS NULL THEN
		PERFORM casesync_internal.deviation_note(partner, odd);
	END IF;
	RETURN NEXT reply;
END
$$;
COMMENT ON FUNCTION casesync_internal.answer_now(text, text, bytea, text, text, bytea, integer,
	bytea, jsonb) IS
	'the answer to a verified synchronous request, with what it gives on record; or why there is '
	'none (HTTP 400)';
