/*
 * Versions of fields: when each was changed, by whom, and what it replaced. The newest counts, here
 * and at every partner, so that all come to the same value whatever the order in which they hear of
 * it. A change here is newer than what stood here before, whatever the clocks say.
 */

/* As versions are written: numbers are compared alike everywhere, and JSON holds these. */
CREATE OR REPLACE FUNCTION casesync_internal.microseconds_of(at timestamptz)
RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;
COMMENT ON FUNCTION casesync_internal.microseconds_of(timestamptz) IS
	'a time in microseconds since 1970';

CREATE OR REPLACE FUNCTION casesync_internal.version_time(version jsonb)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT timestamptz '1970-01-01 00:00:00+00'
		+ (version->>1)::bigint * interval '1 microsecond'
$$;
COMMENT ON FUNCTION casesync_internal.version_time(jsonb) IS 'when a version of a field was made';

/* Not the name: it goes on to systems that need not know who else there is. */
CREATE OR REPLACE FUNCTION casesync_internal.version_mark(sender_id text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN left(encode(sha256(convert_to(sender_id, 'UTF8')), 'hex'), 16);
END
$$;
COMMENT ON FUNCTION casesync_internal.version_mark(text) IS
	'what stands for a system in versions; the same everywhere';

CREATE OR REPLACE FUNCTION casesync_internal.own_version_mark()
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT casesync_internal.version_mark(n.sender_id) FROM casesync_internal.node n);
END
$$;
COMMENT ON FUNCTION casesync_internal.own_version_mark() IS 'the mark of this system';

CREATE OR REPLACE FUNCTION casesync_internal.is_newer(version jsonb, other jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(((version->>1)::bigint, (version->>2) COLLATE "C")
		> ((other->>1)::bigint, (other->>2) COLLATE "C"), other IS NULL AND version IS NOT NULL)
$$;
COMMENT ON FUNCTION casesync_internal.is_newer(jsonb, jsonb) IS
	'whether a version is newer than another: by its time, then by the mark';

/* What nobody can tell us needs no version. */
CREATE OR REPLACE FUNCTION casesync_internal.fields_told(record_type text)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT array_agg(DISTINCT f)
		  FROM casesync_internal.agreement a CROSS JOIN unnest(a.fields) f
		 WHERE a.state = 'active' AND a.direction = 'in'
		   AND a.valid_from <= now() AND now() < a.valid_to
		   AND EXISTS (SELECT FROM casesync_internal.handler h
			WHERE lower(h.record_type) = lower(fields_told.record_type)
			  AND h.event_type = ANY (a.event_types)));
END
$$;
COMMENT ON FUNCTION casesync_internal.fields_told(text) IS
	'the fields that partners may tell us of records of a type, where an apply function takes '
	'them; NULL: none';

CREATE OR REPLACE FUNCTION casesync_internal.field_hashes(record jsonb, fields text[])
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(jsonb_object_agg(f.key, casesync_internal.field_hash(f.value)), '{}')
	  FROM jsonb_each(casesync_internal.record_fields(
		casesync_internal.project(record, fields, '{}'))) f
$$;
COMMENT ON FUNCTION casesync_internal.field_hashes(jsonb, text[]) IS
	'of the named fields of a record a hash each';

/* Types as searches take them: in any spelling. */
CREATE OR REPLACE FUNCTION casesync_internal.identities_of(record jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT coalesce(array_agg(DISTINCT casesync_internal.field_hash(jsonb_build_array(
				upper(casesync_internal.fold_identifier_type(i.identifier_type)),
				i.identifier_value))), '{}')
		  FROM (SELECT * FROM casesync.record_identifiers(record) LIMIT 20) i);
END
$$;
COMMENT ON FUNCTION casesync_internal.identities_of(jsonb) IS
	'a keyed hash of each of a record''s identifiers';

/*
 * A field that is gone was changed, too: its hash is null. A few values before are remembered. What
 * was noted as unchanged after the change that is looked at now may be what it changed.
 */
CREATE OR REPLACE FUNCTION casesync_internal.version_after(old casesync_internal.field_version,
	hashes jsonb, at bigint, by text)
RETURNS casesync_internal.field_version
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed jsonb;
BEGIN
	SELECT coalesce(jsonb_object_agg(p.field, jsonb_build_array(hashes->p.field,
			greatest(version_after.at, (v.version->>1)::bigint + 1), by,
			coalesce(v.version->1, 'null'))), '{}')
	  INTO changed
	  FROM (SELECT jsonb_object_keys(hashes) UNION SELECT jsonb_object_keys(old.fields)) p(field)
	 CROSS JOIN LATERAL (SELECT old.fields->p.field) v(version)
	 WHERE v.version IS NULL
		OR coalesce(hashes->p.field, 'null') IS DISTINCT FROM v.version->0
		OR v.version->>1 = '0'
			AND version_after.at < casesync_internal.microseconds_of(old.seeded_at);
	old.past := coalesce(old.past, '{}') || coalesce((
		SELECT jsonb_object_agg(c.field, jsonb_path_query_array(jsonb_build_array(
			old.fields->c.field) || coalesce(old.past->c.field, '[]'), '$[0 to 4]'))
		  FROM jsonb_object_keys(changed) c(field) WHERE old.fields ? c.field), '{}');
	old.fields := coalesce(old.fields, '{}') || changed;
	RETURN old;
END
$$;
COMMENT ON FUNCTION casesync_internal.version_after(casesync_internal.field_version, jsonb, bigint,
	text) IS
	'the versions of a subject''s fields when they are found to have these hashes: what differs '
	'was changed at that time';

CREATE OR REPLACE FUNCTION casesync_internal.version_store(
	versions casesync_internal.field_version[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.field_version AS f (registry, key, fields, past, identities)
	SELECT v.registry, v.key, v.fields, v.past, coalesce(v.identities, '{}')
	  FROM unnest(versions) v
	 ORDER BY v.registry, v.key COLLATE "C"
	ON CONFLICT (registry, key) DO UPDATE SET fields = excluded.fields, past = excluded.past,
			identities = excluded.identities
		WHERE (f.fields, f.identities) IS DISTINCT FROM (excluded.fields, excluded.identities);
END
$$;
COMMENT ON FUNCTION casesync_internal.version_store(casesync_internal.field_version[]) IS
	'keep versions of fields';

/* In the router's look: what it renders and what is known of it are of the same moment. */
CREATE OR REPLACE FUNCTION casesync_internal.versions_note(r casesync_internal.registry,
	keys text[], times timestamptz[], subjects casesync_internal.rendered[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told constant text[] := casesync_internal.fields_told(r.record_type);
	me constant text := casesync_internal.own_version_mark();
BEGIN
	IF told IS NULL OR cardinality(keys) = 0 THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.version_store(array_agg(x.version)) FROM (
		SELECT v.o, casesync_internal.version_after(
				ROW(r.registry, s.key, (v.o).fields, (v.o).past, (v.o).seeded_at,
					casesync_internal.identities_of(s.record))::casesync_internal.field_version,
				casesync_internal.field_hashes(s.record, told),
				casesync_internal.microseconds_of(t.at), me) AS version
		  FROM unnest(subjects) s
		  JOIN (SELECT u.key, max(u.at) AS at FROM unnest(keys, times) u(key, at)
				 GROUP BY u.key) t ON t.key = s.key
		  /* One by one by the key: there may be a million others. */
		  LEFT JOIN LATERAL (SELECT f FROM casesync_internal.field_version f
			WHERE f.registry = r.registry AND f.key = s.key OFFSET 0) v(o) ON true
		 WHERE s.state = 'found' OFFSET 0) x
	 WHERE (x.version).fields IS DISTINCT FROM (x.o).fields
		OR (x.version).identities IS DISTINCT FROM (x.o).identities HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION casesync_internal.versions_note(casesync_internal.registry, text[],
	timestamptz[], casesync_internal.rendered[]) IS
	'remember which fields of these subjects were changed here, and when, and who they are';

/* What is sent may be older than what stands here now: then it has the version that it had. */
CREATE OR REPLACE FUNCTION casesync_internal.versions_told(registry text, key text, record jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_object_agg(e.key, jsonb_build_array(p.version->1, p.version->2, p.version->3))
	  FROM casesync_internal.field_version v
	 CROSS JOIN LATERAL jsonb_each(casesync_internal.record_fields(record)) e
	 CROSS JOIN LATERAL (
		SELECT h.version FROM jsonb_array_elements(jsonb_build_array(v.fields->e.key)
			|| coalesce(v.past->e.key, '[]')) WITH ORDINALITY h(version, n)
		 WHERE h.version->>0 = casesync_internal.field_hash(e.value)
		 ORDER BY h.n LIMIT 1) p
	 WHERE v.registry = versions_told.registry AND v.key = versions_told.key
$$;
COMMENT ON FUNCTION casesync_internal.versions_told(text, text, jsonb) IS
	'of the fields of a record that is sent: when each was changed, by whom, and when what it '
	'replaced was; NULL where that is not known';

/*
 * From outside: only of fields that are there, in the form in which we write it (0 and nobody: not
 * changed since it was noted first), and not far in the future, or a clock that is set wrong would
 * have the last word for years.
 */
CREATE OR REPLACE FUNCTION casesync_internal.versions_said(changed jsonb, record jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Others than casesync say nothing of it. */
	IF jsonb_typeof(changed) IS DISTINCT FROM 'object' THEN
		RETURN NULL;
	END IF;
	RETURN (
		SELECT jsonb_object_agg(c.key, jsonb_build_array(least(
				casesync_internal.number_of(c.value->0),
				casesync_internal.microseconds_of(now()) + 86400000000::bigint), c.value->1,
				casesync_internal.number_of(c.value->2)))
		  FROM jsonb_each(changed) c
		  JOIN jsonb_each(casesync_internal.record_fields(record)) f ON f.key = c.key
		 WHERE jsonb_typeof(c.value) = 'array'
		   AND casesync_internal.number_of(c.value->0) IS NOT NULL
		   AND c.value->>1 ~ CASE c.value->>0 WHEN '0' THEN '^$' ELSE '^[0-9a-f]{16}$' END
		   AND jsonb_typeof(c.value->1) = 'string');
END
$$;
COMMENT ON FUNCTION casesync_internal.versions_said(jsonb, jsonb) IS
	'what a partner says of when and by whom the fields of its record were changed, as far as it '
	'can be read; NULL: nothing';
