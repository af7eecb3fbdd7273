/* A person says which of two values that met counts. */

/*
 * What stands here gets a new version and is told to all. What does not is applied as if the
 * partner had told it now: by the same function, as a decision and no echo.
 */
CREATE OR REPLACE FUNCTION casesync_internal.conflict_apply(c casesync_internal.conflict,
	wanted jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash,
		transaction_id, event_type, record_type, record, subject, agreement, agreement_version,
		mode, sent_at, changed_at, changed, state, decided_by, decided_at)
	SELECT i.partner, format('conflict %s', c.id), coalesce((
			SELECT max(o.item) FROM casesync_internal.inbox_item o
			 WHERE o.partner = i.partner AND o.message_id = format('conflict %s', c.id)), 0) + 1,
		i.content_hash, i.transaction_id, i.event_type, i.record_type,
		casesync_internal.record_with(i.record, string_to_array(c.field, '.'), wanted),
		i.subject, i.agreement, i.agreement_version, 'decision', now(), greatest(
			clock_timestamp(), c.ours_at + interval '1 us', c.theirs_at + interval '1 us'),
		to_jsonb(c.field), 'new', session_user, now()
	  FROM casesync_internal.inbox_item i
	 WHERE i.id = c.item AND i.pruned_at IS NULL AND wanted IS NOT NULL;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('what counts in conflict %s cannot be applied from here', c.id),
			detail => 'It is no value, or what the partner told is not kept any more.',
			hint => 'Change it in the application.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.conflict_apply(casesync_internal.conflict, jsonb) IS
	'part of decide_conflict(): have a value applied that does not stand here';

CREATE OR REPLACE FUNCTION casesync_internal.conflict_require(conflict bigint, winner text)
RETURNS casesync_internal.conflict
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	c casesync_internal.conflict;
	waiting constant text := 'SELECT id, registry, key, field, ours, theirs, winner, why '
		'FROM casesync.conflicts WHERE state = ''open'';';
BEGIN
	SELECT x.* INTO c FROM casesync_internal.conflict x
	 WHERE x.id = conflict_require.conflict FOR UPDATE;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('there is no conflict %s', coalesce(conflict::text, 'NULL')),
			hint => waiting);
	ELSIF winner IS NULL OR winner NOT IN ('ours', 'theirs') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'the winner must be ours or theirs',
			hint => format('SELECT casesync.decide_conflict(%s, ''ours'', ''as the file says'');',
				conflict));
	ELSIF c.decided_at IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('conflict %s is decided', conflict),
			detail => format('By %s, for %s.', c.decided_by, c.winner), hint => waiting);
	END IF;
	RETURN c;
END
$$;
COMMENT ON FUNCTION casesync_internal.conflict_require(bigint, text) IS
	'a conflict that may be decided so, or an error';

CREATE OR REPLACE FUNCTION casesync.decide_conflict(conflict bigint, winner text,
	note text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	c casesync_internal.conflict := casesync_internal.conflict_require(conflict, winner);
	wanted constant jsonb := CASE winner WHEN 'ours' THEN c.ours ELSE c.theirs END;
BEGIN
	PERFORM casesync_internal.conflict_decided(c.id, winner, note);
	IF casesync_internal.version_renew(c.registry, c.key, c.field, wanted) THEN
		PERFORM casesync_internal.retell('', c.registry, c.key, format('conflict %s', c.id));
	ELSE
		PERFORM casesync_internal.conflict_apply(c, wanted);
	END IF;
	PERFORM casesync_internal.audit_note('decide_conflict', c.id::text,
		jsonb_build_object('winner', winner, 'registry', c.registry, 'field', c.field));
	PERFORM casesync_internal.ring();
	RETURN format('%s counts in conflict %s', CASE winner WHEN 'ours' THEN 'our value'
		ELSE format('the value of %s', c.partner) END, c.id);
END
$$;
COMMENT ON FUNCTION casesync.decide_conflict(bigint, text, text) IS
	'say which of two values counts, ours or theirs: it is applied where it does not stand, and '
	'told to all partners';
