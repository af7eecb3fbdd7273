/* What came of rehearsing an agreement: counts, what partners would know, the last samples. */

/*
 * Records are kept for a hundred subjects only, of whatever length the rehearsal: they are content,
 * read by auditors.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rehearsal_note(a casesync_internal.agreement,
	registry text, items casesync_internal.rehearsed[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.rehearsal_told AS t (agreement, version, registry, key, hmac)
	SELECT a.agreement, a.version, rehearsal_note.registry, i.key, i.hmac
	  FROM unnest(items) i WHERE i.outcome = 'send'
	ON CONFLICT ON CONSTRAINT rehearsal_told_pkey DO UPDATE SET hmac = excluded.hmac;
	INSERT INTO casesync_internal.rehearsal_sample (agreement, version, registry, key, event_type,
		record)
	SELECT a.agreement, a.version, rehearsal_note.registry, x.key, x.event_type, x.record
	  FROM (SELECT i.* FROM unnest(items) WITH ORDINALITY
				i(key, event_type, outcome, record, hmac, n)
			 WHERE i.outcome = 'send' ORDER BY i.n DESC LIMIT 100) x
	 ORDER BY x.n;
	DELETE FROM casesync_internal.rehearsal_sample s
	 WHERE s.agreement = a.agreement AND s.version = a.version AND s.id <= (
		SELECT x.id FROM casesync_internal.rehearsal_sample x
		 WHERE x.agreement = a.agreement AND x.version = a.version
		 ORDER BY x.id DESC OFFSET 100 LIMIT 1);
	INSERT INTO casesync_internal.rehearsal_count AS c (agreement, version, registry, event_type,
		outcome, subjects)
	SELECT a.agreement, a.version, rehearsal_note.registry, i.event_type, i.outcome, count(*)
	  FROM unnest(items) i GROUP BY i.event_type, i.outcome
	ON CONFLICT ON CONSTRAINT rehearsal_count_pkey DO UPDATE
		SET subjects = c.subjects + excluded.subjects;
END
$$;
COMMENT ON FUNCTION casesync_internal.rehearsal_note(casesync_internal.agreement, text,
	casesync_internal.rehearsed[]) IS
	'count what would have been done about these subjects of a registry, and keep the last 100 '
	'that would have been sent';

/* One version at a time: counts of two could not be told apart by who looks. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_rehearse(a casesync_internal.agreement,
	until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.agreement t SET state = 'ended', ended_at = clock_timestamp(),
		end_reason = format('version %s is rehearsed', a.version)
	 WHERE t.agreement = a.agreement AND t.version <> a.version AND t.state = 'rehearsed';
	IF FOUND THEN
		PERFORM casesync_internal.rehearsal_forget(a.agreement);
	END IF;
	UPDATE casesync_internal.agreement t SET state = 'rehearsed', rehearsed_until = until
	 WHERE t.agreement = a.agreement AND t.version = a.version;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_rehearse(casesync_internal.agreement,
	timestamptz) IS
	'this version is rehearsed until then, and no other';
