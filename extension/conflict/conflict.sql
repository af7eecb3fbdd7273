/* Values that met, what became of them, and who is told so. */
CREATE OR REPLACE VIEW casesync.conflicts AS
	SELECT c.id, c.registry, c.key, c.field, c.partner, c.ours, c.theirs, c.ours_at, c.theirs_at,
		c.winner, c.why, c.state, c.at, c.item AS inbox_id, c.decided_by, c.decided_at, c.note
	  FROM casesync_internal.conflict c;
COMMENT ON VIEW casesync.conflicts IS
	'fields that were changed here and at a partner before either knew of the other, or that a '
	'partner may not change: both values, and which one counts';
COMMENT ON COLUMN casesync.conflicts.id IS 'what decide_conflict() calls it by';
COMMENT ON COLUMN casesync.conflicts.registry IS 'the registry of ours';
COMMENT ON COLUMN casesync.conflicts.key IS 'its subject';
COMMENT ON COLUMN casesync.conflicts.field IS 'the path of the field';
COMMENT ON COLUMN casesync.conflicts.partner IS 'who told us the other value';
COMMENT ON COLUMN casesync.conflicts.ours IS 'the value that stood here; NULL: none';
COMMENT ON COLUMN casesync.conflicts.theirs IS 'the value that the partner told';
COMMENT ON COLUMN casesync.conflicts.ours_at IS 'when ours was changed; NULL: not known';
COMMENT ON COLUMN casesync.conflicts.theirs_at IS 'when theirs was changed, as the partner says';
COMMENT ON COLUMN casesync.conflicts.winner IS 'ours or theirs; while it is open, what stands here';
COMMENT ON COLUMN casesync.conflicts.why IS
	'newer, authority, decided (by a person), or why nobody can tell';
COMMENT ON COLUMN casesync.conflicts.state IS 'settled, or open: a person is to decide';
COMMENT ON COLUMN casesync.conflicts.at IS 'when the two met';
COMMENT ON COLUMN casesync.conflicts.inbox_id IS 'the received item';
COMMENT ON COLUMN casesync.conflicts.decided_by IS 'the login of who decided';
COMMENT ON COLUMN casesync.conflicts.decided_at IS 'when a person decided';
COMMENT ON COLUMN casesync.conflicts.note IS 'what was noted with the decision';

CREATE OR REPLACE VIEW casesync.own_conflicts AS
	SELECT c.id, c.registry, r.view, c.key, c.field, c.partner, c.why, c.state, c.at
	  FROM casesync_internal.conflict c
	  JOIN casesync_internal.registry r ON r.registry = c.registry
	  JOIN pg_class v ON v.oid = r.view
	 WHERE pg_has_role(v.relowner, 'USAGE');
COMMENT ON VIEW casesync.own_conflicts IS
	'conflicts about records of views that are yours, without the values: for lists of what waits';
COMMENT ON COLUMN casesync.own_conflicts.id IS 'what decide_conflict() calls it by';
COMMENT ON COLUMN casesync.own_conflicts.registry IS 'the registry of ours';
COMMENT ON COLUMN casesync.own_conflicts.view IS 'the view whose rows are its records';
COMMENT ON COLUMN casesync.own_conflicts.key IS 'its subject';
COMMENT ON COLUMN casesync.own_conflicts.field IS 'the path of the field';
COMMENT ON COLUMN casesync.own_conflicts.partner IS 'who told us the other value';
COMMENT ON COLUMN casesync.own_conflicts.why IS
	'newer, authority, decided (by a person), or why nobody can tell';
COMMENT ON COLUMN casesync.own_conflicts.state IS 'settled, or open: a person is to decide';
COMMENT ON COLUMN casesync.own_conflicts.at IS 'when the two met';

/*
 * The same about the same: who insists on a value that we do not take hears of ours once, unless he
 * had taken ours meanwhile.
 */
CREATE OR REPLACE FUNCTION casesync_internal.conflict_about(c casesync_internal.field_choice)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT concat_ws(' ', coalesce(c.our_version->>0, '-'), c.their_version->>0, CASE
		WHEN c.why <> 'authority' THEN c.our_version->>1
		WHEN (c.their_version->>3)::bigint >= (c.our_version->>1)::bigint
			THEN c.their_version->>1 END)
$$;
COMMENT ON FUNCTION casesync_internal.conflict_about(casesync_internal.field_choice) IS
	'what met, by which it is known again';

/* The same two values once more: two systems both claim the field, and only people can end that. */
CREATE OR REPLACE FUNCTION casesync_internal.conflict_note(a casesync_internal.arrival,
	s casesync_internal.own_subject, choices casesync_internal.field_choice[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO casesync_internal.conflict AS k (registry, key, field, partner, item, ours, theirs,
		ours_at, theirs_at, winner, why, state, about)
	SELECT (s.r).registry, s.key, c.field, a.partner, a.item, c.ours, c.theirs,
		casesync_internal.version_time(c.our_version),
		casesync_internal.version_time(c.their_version), c.choice, c.why,
		CASE WHEN c.why IN ('newer', 'authority') THEN 'settled' ELSE 'open' END,
		casesync_internal.conflict_about(c)
	  FROM unnest(choices) c WHERE c.is_conflict AND c.choice IN ('ours', 'theirs')
	ON CONFLICT (registry, key, field, partner, about) DO UPDATE
		SET item = excluded.item, ours_at = excluded.ours_at, theirs_at = excluded.theirs_at,
			winner = excluded.winner, at = clock_timestamp(),
			why = CASE WHEN k.why = 'authority' AND excluded.winner = 'ours'
				THEN 'both claim this field' ELSE excluded.why END,
			state = CASE WHEN k.why = 'authority' AND excluded.winner = 'ours'
				THEN 'open' ELSE excluded.state END
$$;
COMMENT ON FUNCTION casesync_internal.conflict_note(casesync_internal.arrival,
	casesync_internal.own_subject, casesync_internal.field_choice[]) IS
	'keep what a received record and a subject of ours disagree about';

/*
 * Once about the same thing: who insists would be told for ever. Whoever is told hears it as an
 * event of ours, whose content it may have told us itself.
 */
CREATE OR REPLACE FUNCTION casesync_internal.retell(partner text, registry text, key text,
	about text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	INSERT INTO casesync_internal.retelling AS t (partner, registry, key, about)
	VALUES (partner, registry, key, about)
	ON CONFLICT ON CONSTRAINT retelling_pkey DO UPDATE
		SET about = excluded.about, is_due = true, at = excluded.at
		WHERE t.about <> excluded.about;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM casesync_internal.look_again_add(registry, ARRAY[key], e.event_type,
		'a partner may hold a value that does not count')
	   FROM (SELECT DISTINCT w.event_type FROM casesync_internal.agreement a
		  CROSS JOIN unnest(a.event_types) w(event_type)
		 WHERE a.state = 'active' AND a.direction = 'out' AND registry = ANY (a.registries)
		   AND (partner = '' OR a.partner = partner)) e;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.retell(text, text, text, text) IS
	'have a partner (the empty name: every partner) told of a subject once more, whatever it '
	'knows; whether it is: once about the same thing';

CREATE OR REPLACE FUNCTION casesync_internal.retellings_due(partner text, registry text,
	keys text[])
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT t.key FROM casesync_internal.retelling t
		WHERE t.is_due AND t.registry = retellings_due.registry
		  AND t.key = ANY (retellings_due.keys) AND t.partner IN ('', retellings_due.partner));
END
$$;
COMMENT ON FUNCTION casesync_internal.retellings_due(text, text, text[]) IS
	'of which of these subjects a partner is to be told once more';

CREATE OR REPLACE FUNCTION casesync_internal.retellings_done(registry text, keys text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.retelling t SET is_due = false
	 WHERE t.is_due AND t.registry = retellings_done.registry
	   AND t.key = ANY (retellings_done.keys);
END
$$;
COMMENT ON FUNCTION casesync_internal.retellings_done(text, text[]) IS
	'all partners were told of these subjects once more';

/* For a person's decision: newer than all that anybody has said of it until now. */
CREATE OR REPLACE FUNCTION casesync_internal.version_renew(registry text, key text, field text,
	value jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.field_version v
	   SET fields = v.fields || jsonb_build_object(version_renew.field, jsonb_build_array(
		v.fields->version_renew.field->0, greatest(
			casesync_internal.microseconds_of(clock_timestamp()),
			(v.fields->version_renew.field->>1)::bigint + 1,
			(SELECT max(casesync_internal.microseconds_of(c.theirs_at)) + 1
			   FROM casesync_internal.conflict c WHERE c.registry = version_renew.registry
				AND c.key = version_renew.key AND c.field = version_renew.field)),
		casesync_internal.own_version_mark(), v.fields->version_renew.field->1))
	 WHERE v.registry = version_renew.registry AND v.key = version_renew.key
	   AND coalesce(v.fields->version_renew.field->>0, '')
		= coalesce(casesync_internal.field_hash(value), '');
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casesync_internal.version_renew(text, text, text, jsonb) IS
	'make the value of a field new, if it is this one; whether it is';

CREATE OR REPLACE FUNCTION casesync_internal.conflict_decided(conflict bigint, winner text,
	note text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.conflict c SET state = 'settled', why = 'decided',
		winner = conflict_decided.winner, decided_by = session_user,
		decided_at = clock_timestamp(), note = left(conflict_decided.note, 2000)
	 WHERE c.id = conflict_decided.conflict
$$;
COMMENT ON FUNCTION casesync_internal.conflict_decided(bigint, text, text) IS
	'a person has decided';
