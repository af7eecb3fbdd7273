/*
 * What changed in a gap nobody knows, so all subjects of its registries are looked at again, those
 * too that partners were told of and that are gone. Partners get only what they do not know.
 */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_at(r casesync_internal.registry,
	reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told_as text := (SELECT coalesce(t.on_update, t.on_insert, t.on_delete)
		FROM casesync_internal.tracking t
		WHERE r.registry = ANY (t.registries) AND NOT t.removed ORDER BY t.id LIMIT 1);
	asked bigint;
BEGIN
	IF told_as IS NULL THEN
		RETURN 0;
	END IF;
	INSERT INTO casesync_internal.quarantine_entry AS q (registry, tracking, key, event_type,
		error_code, reason, is_requested)
	SELECT r.registry, 0, k, told_as, '00000', look_again_at.reason, true
	  FROM (SELECT unnest(casesync_internal.view_keys(r)) UNION SELECT t.key
		FROM casesync_internal.told t WHERE t.registry = r.registry) x(k)
	 WHERE octet_length(k) <= 1000
	ON CONFLICT (registry, tracking, md5(key), event_type) DO UPDATE SET is_requested = true;
	GET DIAGNOSTICS asked = ROW_COUNT;
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync_internal.look_again_at(casesync_internal.registry, text) IS
	'have every subject of a registry rendered and compared again; returns how many';

CREATE OR REPLACE FUNCTION casesync.look_again(registry text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint := casesync_internal.look_again_at(casesync_internal.require_registry(registry),
		'to be looked at again');
BEGIN
	PERFORM casesync_internal.audit_note('look_again', registry,
		jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.look_again(text) IS
	'look again at every subject of a registry; partners are told what they do not know; returns '
	'how many are looked at';

CREATE OR REPLACE FUNCTION casesync.fill_gap(gap bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	g casesync_internal.gap;
	asked bigint;
BEGIN
	SELECT * INTO g FROM casesync_internal.gap t WHERE t.id = $1 FOR UPDATE;
	IF NOT FOUND OR g.ended IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => CASE WHEN g.id IS NULL THEN format('there is no gap %s', $1)
				ELSE format('gap %s is still open', $1) END,
			detail => 'Only when changes are captured again can what was missed be made up for.',
			hint => CASE WHEN g.id IS NULL THEN 'SELECT * FROM casesync.gaps;'
				ELSE format('SELECT * FROM casesync.start_capture(%s);', $1) END);
	END IF;
	SELECT coalesce(
		sum(casesync_internal.look_again_at(r, format('gap %s: to be looked at again', g.id))), 0)
		INTO asked
	  FROM casesync_internal.registry r WHERE r.registry = ANY (g.registries);
	UPDATE casesync_internal.gap t SET filled = clock_timestamp() WHERE t.id = g.id;
	PERFORM casesync_internal.audit_note('fill_gap', $1::text,
		jsonb_build_object('subjects', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.fill_gap(bigint) IS
	'look again at every subject of a gap''s registries; partners are told what they do not know; '
	'returns how many are looked at';
