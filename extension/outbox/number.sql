/* The numbers of notifications in their subscription's stream. Who gives them: take(). */
/* Numbers are given when an item is first sent: what is never sent must not look like a gap. */
CREATE OR REPLACE FUNCTION casesync_internal.notification_number(items bigint[], stream uuid,
	last_seq bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	UPDATE casesync_internal.notification n SET stream = notification_number.stream,
		seq = last_seq + array_position(items, n.id),
		prev_seq = nullif(last_seq + array_position(items, n.id) - 1, 0) /* see numbers_follow() */
	 WHERE n.id = ANY (items);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_number(bigint[], uuid, bigint) IS
	'these are the next items of their subscription''s stream, after the last number given there';

CREATE OR REPLACE FUNCTION casesync_internal.number_before(subscription bigint, stream uuid,
	seq bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before bigint := seq - 1;
BEGIN
	WHILE EXISTS (SELECT FROM casesync_internal.open_number o
		WHERE o.subscription = number_before.subscription AND o.stream = number_before.stream
		  AND o.seq = before) LOOP
		before := before - 1;
	END LOOP;
	RETURN nullif(before, 0);
END
$$;
COMMENT ON FUNCTION casesync_internal.number_before(bigint, uuid, bigint) IS
	'the number that is told before this one: the next lower that is not open';

/*
 * Asked anew at each sending. A number whose item was withheld, and may never be told, is passed
 * over: else the partner would take it for lost.
 */
CREATE OR REPLACE FUNCTION casesync_internal.numbers_follow(items bigint[], subscription bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM casesync_internal.open_number o
		WHERE o.subscription = numbers_follow.subscription) THEN
		UPDATE casesync_internal.notification n SET prev_seq = b.seq
		  FROM (SELECT m.id, casesync_internal.number_before(m.subscription, m.stream, m.seq) AS seq
				  FROM casesync_internal.notification m WHERE m.id = ANY (items) OFFSET 0) b
		 WHERE n.id = b.id AND n.prev_seq IS DISTINCT FROM b.seq;
	ELSE
		UPDATE casesync_internal.notification n SET prev_seq = nullif(n.seq - 1, 0)
		 WHERE n.id = ANY (items) AND n.prev_seq IS DISTINCT FROM nullif(n.seq - 1, 0);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.numbers_follow(bigint[], bigint) IS
	'these numbered items of a subscription, about to be sent, say which number comes before '
	'theirs';

/* The stream stays: that it was about to be sent is on record (give_seq()). */
CREATE OR REPLACE FUNCTION casesync_internal.notification_unnumber(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.notification n SET seq = NULL, prev_seq = NULL
	 WHERE n.id = ANY (items);
	DELETE FROM casesync_internal.open_number o WHERE o.item = ANY (items);
	PERFORM casesync_internal.notification_not_sent(items);
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_unnumber(bigint[]) IS
	'these locked items were not sent after all: their numbers are nobody''s';

CREATE OR REPLACE FUNCTION casesync_internal.notification_not_sent(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	PERFORM casesync_internal.disclosure_complete(ARRAY(SELECT n.reference_id
		FROM unnest(items) u(id) JOIN casesync_internal.notification n ON n.id = u.id
		WHERE n.state = 'withheld' AND n.stream IS NOT NULL AND n.seq IS NULL), 'not_sent');
END
$$;
COMMENT ON FUNCTION casesync_internal.notification_not_sent(bigint[]) IS
	'those of these that were withheld after their messages had not left: that they were not sent '
	'is on record';
