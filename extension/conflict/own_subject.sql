/* Our own subjects that a received record is about, as they are before it is applied. */

/* By agreed types of identifiers only. */
CREATE OR REPLACE FUNCTION casesync_internal.own_identities(g casesync_internal.agreement,
	record jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.identities_of(
		casesync_internal.project(record, '{}', g.identifier_types));
END
$$;
COMMENT ON FUNCTION casesync_internal.own_identities(casesync_internal.agreement, jsonb) IS
	'by what a partner''s record may be found to be about somebody of ours';

/* The index of identities is the only one that fits, whatever the planner knows of the table. */
CREATE OR REPLACE FUNCTION casesync_internal.own_noted_keys(r casesync_internal.registry,
	identities text[])
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN ARRAY(SELECT f.key FROM (
			SELECT v.registry, v.key FROM casesync_internal.field_version v
			 WHERE v.identities && own_noted_keys.identities OFFSET 0) f
		 WHERE f.registry = r.registry ORDER BY f.key COLLATE "C" LIMIT 100);
END
$$;
COMMENT ON FUNCTION casesync_internal.own_noted_keys(casesync_internal.registry, text[]) IS
	'the subjects of a registry that had one of these identifiers when they were looked at last';

/* What the apply function has written just now, nobody has looked at yet. */
CREATE OR REPLACE FUNCTION casesync_internal.own_written(r casesync_internal.registry,
	item bigint, OUT keys text[], OUT is_touched boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	SELECT coalesce(array_agg(DISTINCT w.key) FILTER (WHERE w.subjects IS NULL), '{}'),
		count(*) > 0
	  INTO keys, is_touched
	  FROM (SELECT c.key, t.subjects
			  FROM casesync_internal.change c
			  JOIN casesync_internal.tracking t ON t.id = c.tracking
			 WHERE c.xid = pg_current_xact_id() AND c.origin = item AND c.key IS NOT NULL
			   AND r.registry = ANY (t.registries) LIMIT 100) w;
END
$$;
COMMENT ON FUNCTION casesync_internal.own_written(casesync_internal.registry, bigint) IS
	'subjects of a registry that this transaction has changed for a received item, as far as the '
	'rows name them; is_touched: it has changed any';

/* As by a search, which reads every subject where the view has no column of that identifier. */
CREATE OR REPLACE FUNCTION casesync_internal.own_search(r casesync_internal.registry,
	g casesync_internal.agreement, record jsonb)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	i record;
	looked record;
	keys text[] := '{}';
	time_left constant integer := casesync_internal.milliseconds_of('casesync.render_timeout');
	until constant timestamptz := CASE WHEN time_left > 0
		THEN clock_timestamp() + time_left * interval '1 millisecond' ELSE 'infinity' END;
BEGIN
	g.subjects := 'true';
	FOR i IN SELECT * FROM casesync.record_identifiers(record) LIMIT 20 LOOP
		looked := casesync_internal.search_keys(
			ROW(g, r)::casesync_internal.search_source,
			(SELECT f.tree FROM casesync_internal.filter_parse(jsonb_build_object(
				'type', i.identifier_type, 'value', i.identifier_value), 'idtype-value') f),
			NULL, 10, until);
		IF looked.failed IS NOT NULL THEN
			RAISE EXCEPTION USING errcode = 'serialization_failure', message = format(
				'who it is about cannot be looked up in registry %s (%s)', r.registry,
				looked.failed);
		END IF;
		keys := keys || looked.keys;
	END LOOP;
	RETURN ARRAY(SELECT DISTINCT k COLLATE "C" FROM unnest(keys) k ORDER BY 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.own_search(casesync_internal.registry,
	casesync_internal.agreement, jsonb) IS
	'the subjects of a registry that have one of a record''s identifiers; what cannot be looked up '
	'now is tried again';

/*
 * Its versions are locked first, so that the router does not change them until we are done. Whoever
 * has none of the identifiers (any more) is somebody else.
 */
CREATE OR REPLACE FUNCTION casesync_internal.own_look(r casesync_internal.registry, key text,
	g casesync_internal.agreement, identities text[])
RETURNS casesync_internal.own_subject
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.own_subject;
	record jsonb;
BEGIN
	s.r := r; s.key := key; s.seen := pg_current_snapshot();
	SELECT v INTO s.version FROM casesync_internal.field_version v
	 WHERE v.registry = r.registry AND v.key = own_look.key FOR UPDATE;
	record := (SELECT x.record FROM casesync_internal.render(r, ARRAY[key]) x
		WHERE x.state = 'found');
	s.version.identities := casesync_internal.identities_of(record);
	IF NOT coalesce((s.version).identities && own_look.identities, false) THEN
		RETURN NULL;
	END IF;
	s.fields := casesync_internal.record_fields(casesync_internal.project(record,
		coalesce(casesync_internal.fields_told(r.record_type), g.fields), '{}'));
	s.known_at := (SELECT max(d.at) FROM casesync_internal.disclosure d
		WHERE d.registry = r.registry AND d.key = own_look.key AND d.partner = g.partner
		  AND d.way = 'notify' AND d.outcome = 'delivered');
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.own_look(casesync_internal.registry, text,
	casesync_internal.agreement, text[]) IS
	'a subject of ours as it is now, and when its partner had what we told of it; NULL: it is not '
	'there, or has none of these identities';

CREATE OR REPLACE FUNCTION casesync_internal.own_hashes(s casesync_internal.own_subject)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(jsonb_object_agg(f.key, casesync_internal.field_hash(f.value)), '{}')
	  FROM jsonb_each(s.fields) f
$$;
COMMENT ON FUNCTION casesync_internal.own_hashes(casesync_internal.own_subject) IS
	'a hash of each field';

/* Before anything is routed of a subject nothing is known of it, and all may be news. */
CREATE OR REPLACE FUNCTION casesync_internal.own_is_noted(s casesync_internal.own_subject)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT (s.version).key IS NOT NULL AND NOT EXISTS (
			SELECT FROM (SELECT jsonb_object_keys(h.hashes)
				UNION SELECT jsonb_object_keys((s.version).fields)) p(field)
			 WHERE coalesce(h.hashes->p.field, 'null')
				IS DISTINCT FROM coalesce((s.version).fields->p.field->0, 'null'))
		  FROM (SELECT casesync_internal.own_hashes(s) AS hashes) h);
END
$$;
COMMENT ON FUNCTION casesync_internal.own_is_noted(casesync_internal.own_subject) IS
	'whether a subject is as it was when it was looked at last';

CREATE OR REPLACE FUNCTION casesync_internal.own_looks(r casesync_internal.registry, keys text[],
	g casesync_internal.agreement, identities text[])
RETURNS casesync_internal.own_subject[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(s ORDER BY s.key), '{}')
	  FROM unnest(keys) k
	 CROSS JOIN LATERAL casesync_internal.own_look(r, k, g, identities) s WHERE s.key IS NOT NULL
$$;
COMMENT ON FUNCTION casesync_internal.own_looks(casesync_internal.registry, text[],
	casesync_internal.agreement, text[]) IS
	'those of these subjects that a record is about';

/*
 * Who it is about, in each registry of ours that has such records: nobody, or one; several are for
 * a person to tell apart. Searched for only where the router may not have looked at somebody yet,
 * or where rows that were written by the apply function do not name their subjects.
 */
CREATE OR REPLACE FUNCTION casesync_internal.own_subjects(a casesync_internal.arrival,
	g casesync_internal.agreement, record_type text, known casesync_internal.own_subject[],
	searches boolean, OUT subjects casesync_internal.own_subject[], OUT why text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	identities text[];
	r casesync_internal.registry;
	written record;
	keys text[];
	found_here casesync_internal.own_subject[];
BEGIN
	subjects := '{}';
	FOR r IN SELECT x.* FROM casesync_internal.registry x
			  WHERE lower(x.record_type) = lower(own_subjects.record_type)
			  ORDER BY x.registry COLLATE "C" LOOP
		identities := coalesce(identities, casesync_internal.own_identities(g, a.record));
		written := casesync_internal.own_written(r, a.item);
		keys := ARRAY(SELECT k.key FROM unnest(known) k WHERE (k.r).registry = r.registry);
		found_here := casesync_internal.own_looks(r, CASE WHEN keys <> '{}' THEN keys ELSE ARRAY(
			SELECT k FROM unnest(casesync_internal.own_noted_keys(r, identities)) k
			UNION SELECT k FROM unnest(written.keys) k) END, g, identities);
		IF cardinality(found_here) = 0 AND (searches OR written.is_touched) THEN
			found_here := casesync_internal.own_looks(r,
				casesync_internal.own_search(r, g, a.record), g, identities);
		END IF;
		IF cardinality(found_here) > 1 AND NOT a.is_accepted THEN
			why := format('%s subjects of registry %s have its identifiers',
				cardinality(found_here), r.registry);
			RETURN;
		END IF;
		subjects := subjects || CASE cardinality(found_here) WHEN 1 THEN found_here END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.own_subjects(casesync_internal.arrival,
	casesync_internal.agreement, text, casesync_internal.own_subject[], boolean) IS
	'our subjects that a received record is about, as they are now, in some registries the known '
	'ones; searches: also those that nobody has looked at yet; why: nobody can tell which';

/* What nobody has noted was changed here just now; of whom nothing was, nobody knows when. */
CREATE OR REPLACE FUNCTION casesync_internal.own_noted(s casesync_internal.own_subject,
	is_waiting boolean)
RETURNS casesync_internal.own_subject
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_changed constant boolean := (s.version).key IS NOT NULL OR is_waiting;
BEGIN
	IF NOT casesync_internal.own_is_noted(s) THEN
		s.version.registry := (s.r).registry; s.version.key := s.key;
		s.version := casesync_internal.version_after(s.version, casesync_internal.own_hashes(s),
			CASE WHEN is_changed THEN casesync_internal.microseconds_of(clock_timestamp())
				ELSE 0 END,
			CASE WHEN is_changed THEN casesync_internal.own_version_mark() ELSE '' END);
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.own_noted(casesync_internal.own_subject, boolean) IS
	'a subject with versions of what it is now; is_waiting: its changes wait to be routed';
