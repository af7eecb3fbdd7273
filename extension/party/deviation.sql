/*
 * What partners send in forms that the standard does not have, and is taken all the same: counted,
 * so that whoever speaks with their engineers knows what to ask for.
 */

/*
 * The last thing that a transaction does: what a partner asks side by side waits here for one
 * another, and has nothing to do any more but to commit. By code, so that nobody waits in a circle.
 * More codes than any bridge has are not kept.
 */
CREATE OR REPLACE FUNCTION casesync_internal.deviation_note(partner text, odd jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.deviation AS d (partner, code, messages, first_seen, last_seen,
		place)
	SELECT deviation_note.partner, o.key, 1, now(), now(), left(o.value, 120)
	  FROM jsonb_each_text(odd) o
	 WHERE o.key ~ '^[a-z_]{1,40}$' AND o.value ~ E'^[A-Za-z_.-]+(\\[[0-9]{1,4}\\][A-Za-z_.]*)*$'
	   AND (100 > (SELECT count(*) FROM casesync_internal.deviation k
			WHERE k.partner = deviation_note.partner)
		OR EXISTS (SELECT FROM casesync_internal.deviation k
			WHERE k.partner = deviation_note.partner AND k.code = o.key))
	 ORDER BY o.key COLLATE "C" LIMIT 100
	ON CONFLICT ON CONSTRAINT deviation_pkey DO UPDATE SET messages = d.messages + 1,
		last_seen = greatest(d.last_seen, excluded.last_seen)
$$;
COMMENT ON FUNCTION casesync_internal.deviation_note(text, jsonb) IS
	'count the forms that a message had: a code each, and the names of the members where it stands';

CREATE OR REPLACE VIEW casesync.deviations AS
	SELECT d.partner, d.code, d.messages, d.first_seen, d.last_seen, d.place
	  FROM casesync_internal.deviation d;
COMMENT ON VIEW casesync.deviations IS
	'forms that are not the standard''s, in which partners sent us messages that were taken';
COMMENT ON COLUMN casesync.deviations.partner IS 'whose messages';
COMMENT ON COLUMN casesync.deviations.code IS 'which form: doc/standard.md has what each means';
COMMENT ON COLUMN casesync.deviations.messages IS 'how many messages had it';
COMMENT ON COLUMN casesync.deviations.first_seen IS 'since when';
COMMENT ON COLUMN casesync.deviations.last_seen IS 'when last';
COMMENT ON COLUMN casesync.deviations.place IS
	'where it stood in the first of them: names of members, nothing of what they hold';
