/*
 * Search answers that wait to be sent, perhaps for days: what is not agreed any more, or may have
 * changed, is found anew; the question is forgotten when its answer has arrived.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_anew(items bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	anew bigint[];
BEGIN
	/* Only of a search is the question kept until then. */
	WITH asked AS (
		UPDATE casesync_internal.request_in r
		   SET state = 'new', outgoing = NULL, tries = 0, next_try = NULL
		  FROM casesync_internal.outgoing o
		 WHERE o.id = ANY (items) AND o.action = 'on-search' AND r.outgoing = o.reference_id
		   AND r.message IS NOT NULL
		RETURNING o.id)
	SELECT array_agg(a.id) INTO anew FROM asked a;
	RETURN casesync_internal.outgoing_withdraw(anew);
END
$$;
COMMENT ON FUNCTION casesync_internal.request_anew(bigint[]) IS
	'search answers are taken back from the outbox and worked anew; returns how many';

/*
 * Asked by take() before an answer leaves: it may have waited for days. An answer without records
 * names no agreement, and leaves as it is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_withdraw(o casesync_internal.outgoing)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF o.action <> 'on-search' OR NOT EXISTS (
		SELECT FROM casesync_internal.request_in r CROSS JOIN unnest(r.agreements) g
		 WHERE r.outgoing = o.reference_id AND NOT EXISTS (
			SELECT FROM casesync_internal.agreement a
			 WHERE format('%s %s', a.version, a.agreement) = g AND a.partner = r.partner
			   AND a.state = 'active' AND a.valid_from <= now() AND now() < a.valid_to))
		OR casesync_internal.request_anew(ARRAY[o.id]) = 0
	THEN
		RETURN false;
	END IF;
	PERFORM casesync_internal.ring();
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_withdraw(casesync_internal.outgoing) IS
	'whether a search answer was taken back, because an agreement that it was given under counts '
	'no more; it is worked anew';

/*
 * Called when sharing is resumed: what was found before the stop may not be agreed any more, or not
 * be true.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_anew_for(partners text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.request_anew(ARRAY(
		SELECT o.id FROM casesync_internal.outgoing o
		  JOIN casesync_internal.lane l ON l.lane = o.lane
		 WHERE o.action = 'on-search' AND o.state = 'due'
		   AND (l.partner = ANY (partners) OR '' = ANY (partners))));
END
$$;
COMMENT ON FUNCTION casesync_internal.request_anew_for(text[]) IS
	'search answers that wait for these partners (the empty name: for all) are worked anew';

/*
 * Until then it is kept, since the answer may have to be found anew; whom somebody asked for is
 * itself something about a person.
 */
CREATE OR REPLACE FUNCTION casesync_internal.request_answered(reference_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.request_in r SET message = NULL
	 WHERE r.outgoing = request_answered.reference_id;
END
$$;
COMMENT ON FUNCTION casesync_internal.request_answered(uuid) IS
	'the answer of this reference_id has arrived: whom it was about is not kept any longer';
