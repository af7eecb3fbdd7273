/* How a message ended, as the bridge reports it, and what its lane does next. */
/* What a lane does after an outcome; the only place where its state changes on one. */
CREATE OR REPLACE FUNCTION casesync_internal.lane_after(s casesync_internal.lane_state,
	verdict text, wait_ms bigint,
	http_status integer, why text)
RETURNS casesync_internal.lane_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	count integer := cardinality(s.items);
	item bigint := CASE WHEN count = 1 THEN s.items[1] END;
BEGIN
	s.message_id := NULL;
	s.items := '{}';
	s.reason := CASE WHEN verdict <> 'delivered' THEN why END;
	IF verdict = 'delivered' THEN
		s.attempt := 0; s.server_errors := 0; s.refusals := 0; s.next_attempt := NULL;
		s.batch_limit := least(100, s.batch_limit * 2);
		s.others_pass := s.suspect IS NOT NULL AND item IS DISTINCT FROM s.suspect;
		s.suspect := CASE WHEN s.others_pass THEN s.suspect END;
	ELSIF verdict = 'refused' THEN
		s.attempt := 0; s.next_attempt := NULL;
		s.batch_limit := greatest(1, count / 2);
		s.suspect := NULL; s.others_pass := false; s.server_errors := 0;
		s.refusals := s.refusals + CASE count WHEN 1 THEN 1 ELSE 0 END;
		IF s.refusals >= 10 THEN
			s.is_stopped := true;
			s.reason := format('%s items were refused one after another; the last: %s', s.refusals,
				why);
		END IF;
	ELSIF verdict = 'retry' THEN
		s.attempt := s.attempt + 1;
		s.next_attempt := clock_timestamp() + least(greatest(wait_ms, 0),
			86400000) * interval '1 millisecond';
		IF http_status >= 500 THEN
			s.server_errors := s.server_errors + 1;
			IF s.suspect IS NOT NULL THEN
				/* The other one fares no better: it is the partner. */
				s.suspect := NULL; s.others_pass := false; s.server_errors := 0;
			ELSIF s.server_errors >= 3 AND count > 1 THEN
				s.batch_limit := greatest(1, count / 2);
			ELSIF s.server_errors >= 3 THEN
				s.suspect := item;
			END IF;
		END IF;
	ELSE
		s.is_stopped := true;
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.lane_after(casesync_internal.lane_state, text, bigint,
	integer, text) IS
	'the state of a lane after an outcome: delivered, retry, refused or stop';

CREATE OR REPLACE FUNCTION casesync_internal.record_outcome(lane integer, message_id uuid,
	verdict text, wait_ms bigint,
	http_status integer, ack_status text, error_code text, detail text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	s casesync_internal.lane_state;
	verdict text := $3;
	kind text := (SELECT l.kind FROM casesync_internal.lane l WHERE l.lane = $1);
	/* What the partner wrote is kept only in the form of a code, never as free text. */
	ack text := CASE WHEN $6 IN ('ACK', 'NACK', 'ERR') THEN $6 END;
	code text := CASE WHEN $7 ~ '^[A-Za-z][A-Za-z0-9_.-]{0,98}$' THEN $7 END;
	why text := left(concat_ws(' ', 'HTTP ' || $5, ack, code, $8), 500);
BEGIN
	IF $3 IS NULL OR $3 NOT IN ('delivered', 'retry', 'refused', 'stop') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('verdict "%s" is not known', $3));
	END IF;
	IF NOT casesync_internal.lock_for_transaction(2, $1) THEN
		PERFORM casesync_internal.sharing_release($1);
		RETURN false;
	END IF;
	s := casesync_internal.lane_now($1);
	IF s.message_id IS NULL OR s.message_id IS DISTINCT FROM $2 THEN
		PERFORM casesync_internal.sharing_release($1);
		RETURN false;
	END IF;
	IF verdict = 'retry' AND $5 >= 500 AND s.others_pass AND s.items = ARRAY[s.suspect] THEN
		verdict := 'refused';
		why := why || '; others were accepted in between';
	END IF;
	INSERT INTO casesync_internal.attempt (lane, message_id, started_at, items, verdict,
		http_status, ack_status,
		error_code, detail)
	VALUES ($1, $2, s.at, cardinality(s.items), verdict, $5, ack, code, left($8, 300));
	IF verdict = 'delivered' OR (verdict = 'refused' AND cardinality(s.items) = 1) THEN
		IF kind = 'notify' THEN
			PERFORM casesync_internal.settle_notifications(s.items, verdict, CASE verdict
				WHEN 'refused' THEN why END);
		ELSE
			PERFORM casesync_internal.settle_outgoing(s.items, verdict, CASE verdict WHEN 'refused'
				THEN why END);
		END IF;
	END IF;
	PERFORM casesync_internal.lane_set(casesync_internal.lane_after(s, verdict, $4, $5, why));
	PERFORM casesync_internal.sharing_release($1);
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.record_outcome(integer, uuid, text, bigint, integer, text,
	text, text) IS
	'how the message in flight ended; false when another bridge has taken over since';
