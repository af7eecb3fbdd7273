/*
 * What of a received record is to be applied. Decided before the apply function is called, field by
 * field, and it is handed a record with our own values where they count: so it need not know.
 */

/*
 * One field. With versions the newest counts, and both sides come to the same: it met ours when it
 * replaced something older than ours is, and ours something older than it is. A partner that tells
 * no versions is one that need not know any rule: what it says again of before is past; what it
 * says knowing ours is news; and only else do times decide, as far as they are said. What differed
 * before either side noted anything is for people to decide.
 */
CREATE OR REPLACE FUNCTION casesync_internal.choose(c casesync_internal.field_choice,
	a casesync_internal.arrival, s casesync_internal.own_subject)
RETURNS casesync_internal.field_choice
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_told constant boolean := coalesce(a.changed ? c.field, false);
	is_own constant boolean := c.our_version->>2 = casesync_internal.own_version_mark();
	is_past constant boolean := EXISTS (
		SELECT FROM jsonb_array_elements((s.version).past->c.field) p
		 WHERE CASE WHEN is_told THEN p->1 = c.their_version->1 AND p->2 = c.their_version->2
			ELSE p->0 = c.their_version->0 END);
	is_knowing constant boolean := coalesce(NOT is_told AND a.changed_at >= s.known_at
		AND s.known_at >= casesync_internal.version_time(c.our_version), false);
	is_newer constant boolean := casesync_internal.is_newer(c.their_version, c.our_version);
	is_old constant boolean := is_told AND c.their_version->>1 = '0' AND c.our_version->>1 = '0';
BEGIN
	c.why := CASE WHEN is_old THEN 'nobody knows when' ELSE 'newer' END; c.is_conflict := false;
	IF a.decided IS NOT NULL THEN
		c.choice := CASE WHEN c.field = a.decided THEN 'theirs' ELSE 'past' END;
	ELSIF c.our_version IS NULL OR a.is_accepted THEN
		c.choice := 'theirs';
	ELSIF is_past AND (is_told OR a.came_by_us OR NOT is_knowing) THEN
		c.choice := 'past';
	ELSIF is_told THEN
		c.choice := CASE WHEN is_newer THEN 'theirs'
			WHEN c.their_version->1 = c.our_version->1 AND c.their_version->2 = c.our_version->2
				AND NOT is_old THEN 'past'
			ELSE 'ours' END;
		c.is_conflict := is_old OR CASE WHEN is_newer
			THEN is_own
				AND (c.our_version->>1)::bigint > coalesce((c.their_version->>3)::bigint, 0)
			ELSE (c.their_version->>1)::bigint > coalesce((c.our_version->>3)::bigint, 0) END;
	ELSIF c.our_version->>2 = casesync_internal.version_mark(a.partner) THEN
		c.choice := CASE WHEN (c.their_version->>1)::bigint >= (c.our_version->>1)::bigint
			THEN 'theirs' ELSE 'past' END;
	ELSIF is_knowing THEN
		c.choice := 'theirs';
	ELSE
		c.choice := CASE WHEN is_newer AND a.changed_at IS NOT NULL THEN 'theirs' ELSE 'ours' END;
		c.is_conflict := is_own OR c.choice = 'ours';
		c.why := CASE WHEN a.changed_at IS NULL THEN 'the partner does not say when' ELSE c.why END;
	END IF;
	RETURN c;
END
$$;
COMMENT ON FUNCTION casesync_internal.choose(casesync_internal.field_choice,
	casesync_internal.arrival, casesync_internal.own_subject) IS
	'which of two values of a field counts, if nobody has the last word on it';

/* What may not be told us is not applied, however new; what its owner tells is, unless past. */
CREATE OR REPLACE FUNCTION casesync_internal.choose_by_authority(
	c casesync_internal.field_choice, a casesync_internal.arrival,
	s casesync_internal.own_subject)
RETURNS casesync_internal.field_choice
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner constant text := casesync_internal.authority_of((s.r).registry, c.field);
BEGIN
	c := casesync_internal.choose(c, a, s);
	IF owner IS NULL OR c.choice = 'past' OR a.decided IS NOT NULL THEN
		RETURN c;
	END IF;
	IF owner = a.partner THEN
		c.is_conflict := c.is_conflict OR c.choice = 'ours';
		c.choice := 'theirs';
	ELSE
		c.choice := 'ours';
		c.is_conflict := true;
	END IF;
	c.why := 'authority';
	RETURN c;
END
$$;
COMMENT ON FUNCTION casesync_internal.choose_by_authority(casesync_internal.field_choice,
	casesync_internal.arrival, casesync_internal.own_subject) IS
	'which of two values of a field counts';

/*
 * What a partner says as we have it, and has it from us, is an echo. Whatever else is equal is
 * handed on: the event may be new, though the record is not.
 */
CREATE OR REPLACE FUNCTION casesync_internal.choose_same(c casesync_internal.field_choice,
	a casesync_internal.arrival, s casesync_internal.own_subject)
RETURNS casesync_internal.field_choice
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_told constant boolean := coalesce(a.changed ? c.field, false);
BEGIN
	c.why := NULL; c.is_conflict := false;
	c.choice := CASE WHEN c.our_version IS NULL THEN 'same'
		WHEN is_told AND c.our_version->>1 <> '0'
			AND NOT casesync_internal.is_newer(c.their_version, c.our_version)
			THEN 'past'
		WHEN NOT is_told AND c.our_version->>2 <> casesync_internal.version_mark(a.partner)
			AND (a.came_by_us OR coalesce(s.known_at >= casesync_internal.version_time(
				c.our_version), false))
			THEN 'past'
		ELSE 'same' END;
	RETURN c;
END
$$;
COMMENT ON FUNCTION casesync_internal.choose_same(casesync_internal.field_choice,
	casesync_internal.arrival, casesync_internal.own_subject) IS
	'whether a value that is ours as well is only our own coming back';

/*
 * The time of the last change of a record is no fact of its own: it differs by what else does, and
 * a table that notes by itself when it was written would answer each message with a newer one.
 */
CREATE OR REPLACE FUNCTION casesync_internal.choices(a casesync_internal.arrival,
	s casesync_internal.own_subject, fields text[])
RETURNS casesync_internal.field_choice[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whole constant jsonb := casesync_internal.fields_record(s.fields);
	choices casesync_internal.field_choice[] := '{}';
	c casesync_internal.field_choice;
BEGIN
	FOR c.field, c.theirs IN SELECT * FROM jsonb_each(casesync_internal.record_fields(
		casesync_internal.project(a.record, fields, '{}'))) LOOP
		c.ours := s.fields->c.field;
		c.our_version := (s.version).fields->c.field;
		c.their_version := jsonb_build_array(casesync_internal.field_hash(c.theirs),
			coalesce(a.changed->c.field->0, to_jsonb(casesync_internal.microseconds_of(
				coalesce(a.changed_at, a.received_at)))),
			coalesce(a.changed->c.field->1, to_jsonb(CASE WHEN a.decided IS NULL
				THEN casesync_internal.version_mark(a.partner)
				ELSE casesync_internal.own_version_mark() END)),
			a.changed->c.field->2);
		IF c.field ~ '(^|[.])last_updated$' THEN
			c.choice := 'past'; c.why := NULL; c.is_conflict := false;
			CONTINUE;
		ELSIF c.ours = c.theirs OR casesync_internal.record_contains(whole,
			casesync_internal.record_with(NULL, string_to_array(c.field, '.'), c.theirs)) THEN
			c := casesync_internal.choose_same(c, a, s);
		ELSE
			c := casesync_internal.choose_by_authority(c, a, s);
		END IF;
		choices := choices || c;
	END LOOP;
	RETURN choices;
END
$$;
COMMENT ON FUNCTION casesync_internal.choices(casesync_internal.arrival,
	casesync_internal.own_subject, text[]) IS
	'what is to become of each field of a received record';

CREATE OR REPLACE FUNCTION casesync_internal.fields_record(fields jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f record;
	record jsonb := '{}';
BEGIN
	FOR f IN SELECT * FROM jsonb_each(fields) LOOP
		record := casesync_internal.record_with(record, string_to_array(f.key, '.'), f.value);
	END LOOP;
	RETURN record;
END
$$;
COMMENT ON FUNCTION casesync_internal.fields_record(jsonb) IS 'a record that has these fields';

/*
 * A value of ours that counts is said once more where it may not stand. By authority it is said as
 * new: so it counts there as well, and wherever theirs has gone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.insist(a casesync_internal.arrival,
	s casesync_internal.own_subject, choices casesync_internal.field_choice[])
RETURNS casesync_internal.own_subject
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	c casesync_internal.field_choice;
	about text;
	is_for_all boolean;
BEGIN
	SELECT string_agg(concat_ws(' ', (x.u).field, casesync_internal.conflict_about(x.u)), ', '
			ORDER BY (x.u).field), bool_or((x.u).why = 'authority' AND x.is_told)
	  INTO about, is_for_all
	  FROM (SELECT u, coalesce(a.changed ? u.field, false) AS is_told FROM unnest(choices) u) x
	 WHERE (x.u).ours IS DISTINCT FROM (x.u).theirs
	   AND ((x.u).choice = 'ours' AND (x.u).why = 'authority'
		OR NOT x.is_told AND ((x.u).choice IN ('ours', 'past') OR (x.u).is_conflict));
	IF a.decided IS NOT NULL OR about IS NULL OR NOT casesync_internal.retell(
		CASE WHEN is_for_all THEN '' ELSE a.partner END, (s.r).registry, s.key, about)
		OR NOT is_for_all THEN
		RETURN s;
	END IF;
	FOREACH c IN ARRAY choices LOOP
		CONTINUE WHEN c.choice <> 'ours' OR c.why <> 'authority';
		s.version.fields := (s.version).fields || jsonb_build_object(c.field,
			jsonb_build_array(casesync_internal.field_hash(c.ours), greatest(
				casesync_internal.microseconds_of(clock_timestamp()),
				(c.their_version->>1)::bigint + 1, (c.our_version->>1)::bigint + 1),
				casesync_internal.own_version_mark(), c.our_version->3));
	END LOOP;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.insist(casesync_internal.arrival,
	casesync_internal.own_subject, casesync_internal.field_choice[]) IS
	'have partners told once more what counts, where the one that told us may hold something else';

/* What it will have when it stands here: theirs, or newer than ours if that is not. */
CREATE OR REPLACE FUNCTION casesync_internal.version_won(c casesync_internal.field_choice,
	is_told boolean)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN casesync_internal.is_newer(c.their_version, c.our_version)
		THEN jsonb_set(c.their_version, '{3}', coalesce(c.our_version->1, 'null'))
		ELSE jsonb_build_array(c.their_version->0, (c.our_version->>1)::bigint + 1,
			CASE WHEN is_told THEN to_jsonb(casesync_internal.own_version_mark())
				ELSE c.their_version->2 END, c.our_version->1) END
$$;
COMMENT ON FUNCTION casesync_internal.version_won(casesync_internal.field_choice, boolean) IS
	'the version of a value of a partner''s that counts';

CREATE OR REPLACE FUNCTION casesync_internal.merge(a casesync_internal.arrival,
	g casesync_internal.agreement, subjects casesync_internal.own_subject[], is_waiting boolean)
RETURNS casesync_internal.merged
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m casesync_internal.merged;
	s casesync_internal.own_subject;
	c casesync_internal.field_choice;
	choices casesync_internal.field_choice[];
	is_told boolean;
BEGIN
	m.record := a.record; m.subjects := '{}';
	FOREACH s IN ARRAY subjects LOOP
		s := casesync_internal.own_noted(s, is_waiting);
		choices := casesync_internal.choices(a, s, g.fields);
		PERFORM casesync_internal.conflict_note(a, s, choices);
		s := casesync_internal.insist(a, s, choices);
		s.won := '{}'; m.news := coalesce(m.news, 0);
		FOREACH c IN ARRAY choices LOOP
			is_told := coalesce(a.changed ? c.field, false);
			IF c.choice IN ('same', 'theirs') THEN
				m.news := m.news + 1;
				s.won := s.won || jsonb_build_object(c.field,
					CASE WHEN c.choice = 'theirs' OR c.our_version IS NULL OR is_told
						AND casesync_internal.is_newer(c.their_version, c.our_version)
						THEN casesync_internal.version_won(c, is_told)
						ELSE c.our_version END);
			ELSIF c.ours IS DISTINCT FROM c.theirs THEN
				m.record := casesync_internal.record_with(m.record, string_to_array(c.field, '.'),
					c.ours);
			END IF;
		END LOOP;
		PERFORM casesync_internal.version_store(ARRAY[s.version]);
		m.subjects := m.subjects || s;
	END LOOP;
	RETURN m;
END
$$;
COMMENT ON FUNCTION casesync_internal.merge(casesync_internal.arrival,
	casesync_internal.agreement, casesync_internal.own_subject[], boolean) IS
	'the record to hand to the apply function: with our values where they count; news is 0 when '
	'there is nothing to apply, NULL when nothing of ours is there to compare with';

/* It was committed after we had looked, and what we have written stands over it. */
CREATE OR REPLACE FUNCTION casesync_internal.is_overwritten(seen pg_snapshot)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.change o
		  JOIN casesync_internal.change c ON c.tracking = o.tracking AND c.key = o.key
		 WHERE o.xid = pg_current_xact_id() AND c.xid >= pg_snapshot_xmin(seen)
		   AND c.xid <> o.xid AND NOT pg_visible_in_snapshot(c.xid, seen));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_overwritten(pg_snapshot) IS
	'whether this transaction has changed rows that others have changed since that look';

/*
 * What stands here now as the partner said it has its version; whatever else has changed came of
 * it here, and is news.
 */
CREATE OR REPLACE FUNCTION casesync_internal.merge_stands(s casesync_internal.own_subject,
	after casesync_internal.own_subject, record jsonb)
RETURNS casesync_internal.field_version
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	v casesync_internal.field_version := s.version;
	w record;
	whole constant jsonb := casesync_internal.fields_record(after.fields);
	handed constant jsonb := casesync_internal.record_fields(record);
BEGIN
	v.registry := (after.r).registry; v.key := after.key;
	v := casesync_internal.version_after(v, casesync_internal.own_hashes(after), greatest(
		casesync_internal.microseconds_of(clock_timestamp()),
		(SELECT max((x.value->>1)::bigint) + 1 FROM jsonb_each(s.won) x)),
		casesync_internal.own_version_mark());
	FOR w IN SELECT x.key AS field, x.value AS version FROM jsonb_each(s.won) x LOOP
		IF after.fields->w.field = handed->w.field OR casesync_internal.record_contains(whole,
			casesync_internal.record_with(NULL, string_to_array(w.field, '.'),
				handed->w.field)) THEN
			v.fields := v.fields || jsonb_build_object(w.field, jsonb_set(w.version, '{0}',
				coalesce(to_jsonb(casesync_internal.field_hash(after.fields->w.field)), 'null')));
		ELSIF (v.fields->w.field->>1)::bigint > (w.version->>1)::bigint THEN
			/* What came of it here was made knowing it. */
			v.fields := v.fields || jsonb_build_object(w.field, jsonb_set(v.fields->w.field, '{3}',
				to_jsonb(greatest((v.fields->w.field->>3)::bigint, (w.version->>1)::bigint))));
		END IF;
	END LOOP;
	RETURN v;
END
$$;
COMMENT ON FUNCTION casesync_internal.merge_stands(casesync_internal.own_subject,
	casesync_internal.own_subject, jsonb) IS
	'the versions of a subject''s fields after something was applied to it';

CREATE OR REPLACE FUNCTION casesync_internal.merge_done(a casesync_internal.arrival,
	g casesync_internal.agreement, m casesync_internal.merged, record_type text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	after casesync_internal.own_subject;
	before casesync_internal.own_subject;
	fresh casesync_internal.own_subject;
BEGIN
	IF EXISTS (SELECT FROM unnest(m.subjects) s WHERE casesync_internal.is_overwritten(s.seen))
	THEN
		RAISE EXCEPTION USING errcode = 'serialization_failure',
			message = 'it was changed here at the same time';
	END IF;
	FOREACH after IN ARRAY (casesync_internal.own_subjects(a, g, record_type,
		m.subjects, searches => false)).subjects LOOP
		SELECT s.* INTO before FROM unnest(m.subjects) s
		 WHERE (s.r).registry = (after.r).registry AND s.key = after.key;
		IF before.key IS NULL THEN
			before := after;
			before.won := (SELECT coalesce(jsonb_object_agg(c.field,
				casesync_internal.version_won(c, true)), '{}')
				FROM unnest(casesync_internal.choices(a, fresh, g.fields)) c);
		END IF;
		PERFORM casesync_internal.version_store(ARRAY[
			casesync_internal.merge_stands(before, after, m.record)]);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.merge_done(casesync_internal.arrival,
	casesync_internal.agreement, casesync_internal.merged, text) IS
	'keep the versions of what was applied; an error (40001) when something was changed here '
	'meanwhile, which is to be compared first';

/*
 * What counts by the versions and was not taken by the apply function, which knows whose word it
 * is: ours is said once more, as where a field has an owner.
 */
CREATE OR REPLACE FUNCTION casesync_internal.merge_kept(a casesync_internal.arrival,
	g casesync_internal.agreement, m casesync_internal.merged, record_type text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	after casesync_internal.own_subject;
	choices casesync_internal.field_choice[];
BEGIN
	FOREACH after IN ARRAY (casesync_internal.own_subjects(a, g, record_type,
		m.subjects, searches => false)).subjects LOOP
		SELECT array_agg(ROW(w.field, h.theirs, after.fields->w.field, w.version,
				(after.version).fields->w.field, 'ours', 'authority', true
			)::casesync_internal.field_choice)
		  INTO choices
		  FROM unnest(m.subjects) s CROSS JOIN LATERAL jsonb_each(s.won) w(field, version)
		 CROSS JOIN LATERAL (
			SELECT casesync_internal.record_fields(m.record)->w.field AS theirs) h
		 WHERE (s.r).registry = (after.r).registry AND s.key = after.key
		   AND after.fields ? w.field AND h.theirs <> after.fields->w.field
		   AND NOT casesync_internal.record_contains(
			casesync_internal.fields_record(after.fields), casesync_internal.record_with(NULL,
				string_to_array(w.field, '.'), h.theirs));
		CONTINUE WHEN choices IS NULL;
		PERFORM casesync_internal.conflict_note(a, after, choices);
		after := casesync_internal.insist(a, after, choices);
		PERFORM casesync_internal.version_store(ARRAY[after.version]);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.merge_kept(casesync_internal.arrival,
	casesync_internal.agreement, casesync_internal.merged, text) IS
	'have partners told what stands here in place of what the apply function did not take';
