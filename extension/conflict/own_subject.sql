/* Our own subjects that a received record is about, as they are before it is applied. */

/* As by a search, by agreed types of identifiers only. */
CREATE OR REPLACE FUNCTION casesync_internal.own_keys(r casesync_internal.registry,
	a casesync_internal.agreement, record jsonb)
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
	a.subjects := 'true';
	FOR i IN SELECT * FROM casesync.record_identifiers(record) LIMIT 20 LOOP
		looked := casesync_internal.search_keys(
			ROW(a, r)::casesync_internal.search_source,
			(SELECT f.tree FROM casesync_internal.filter_parse(jsonb_build_object(
				'type', i.identifier_type, 'value', i.identifier_value), 'idtype-value') f),
			NULL, 10, until);
		IF looked.failed IS NOT NULL THEN
			PERFORM casesync_internal.raise_error(errcode => looked.failed,
				message => format('who it is about cannot be looked up in registry %s',
					r.registry));
		END IF;
		keys := keys || looked.keys;
	END LOOP;
	RETURN ARRAY(SELECT DISTINCT k COLLATE "C" FROM unnest(keys) k ORDER BY 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.own_keys(casesync_internal.registry,
	casesync_internal.agreement, jsonb) IS
	'the subjects of a registry that have one of a record''s identifiers';

/* Its versions are locked first, so that the router does not change them until we are done. */
CREATE OR REPLACE FUNCTION casesync_internal.own_look(r casesync_internal.registry, key text,
	a casesync_internal.agreement)
RETURNS casesync_internal.own_subject
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s casesync_internal.own_subject;
BEGIN
	s.r := r; s.key := key; s.seen := pg_current_snapshot();
	SELECT v INTO s.version FROM casesync_internal.field_version v
	 WHERE v.registry = r.registry AND v.key = own_look.key FOR UPDATE;
	s.fields := (SELECT casesync_internal.record_fields(
			casesync_internal.project(x.record, f.fields, '{}'))
		  FROM casesync_internal.render(r, ARRAY[key]) x
		 CROSS JOIN (SELECT coalesce(casesync_internal.fields_told(r.record_type), a.fields)
			AS fields) f
		 WHERE x.state = 'found');
	s.known_at := (SELECT max(d.at) FROM casesync_internal.disclosure d
		WHERE d.registry = r.registry AND d.key = own_look.key AND d.partner = a.partner
		  AND d.way = 'notify' AND d.outcome = 'delivered');
	RETURN s;
END
$$;
COMMENT ON FUNCTION casesync_internal.own_look(casesync_internal.registry, text,
	casesync_internal.agreement) IS
	'a subject of ours as it is now, and when its partner had what we told of it';

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
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (s.version).key IS NOT NULL AND NOT EXISTS (
		SELECT FROM (SELECT jsonb_object_keys(h.hashes)
			UNION SELECT jsonb_object_keys((s.version).fields)) p(field)
		 WHERE coalesce(h.hashes->p.field, 'null')
			IS DISTINCT FROM coalesce((s.version).fields->p.field->0, 'null'))
	  FROM (SELECT casesync_internal.own_hashes(s) AS hashes) h
$$;
COMMENT ON FUNCTION casesync_internal.own_is_noted(casesync_internal.own_subject) IS
	'whether a subject is as it was when it was looked at last';

/*
 * Who it is about, in each registry of ours that has such records: nobody, or one; several are for
 * a person to tell apart.
 */
CREATE OR REPLACE FUNCTION casesync_internal.own_subjects(a casesync_internal.arrival,
	g casesync_internal.agreement, record_type text, known casesync_internal.own_subject[],
	OUT subjects casesync_internal.own_subject[], OUT why text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.registry;
	s casesync_internal.own_subject;
	keys text[];
BEGIN
	subjects := '{}';
	FOR r IN SELECT x.* FROM casesync_internal.registry x
			  WHERE lower(x.record_type) = lower(own_subjects.record_type)
			  ORDER BY x.registry COLLATE "C" LOOP
		keys := ARRAY(SELECT k.key FROM unnest(known) k WHERE (k.r).registry = r.registry);
		IF keys = '{}' THEN
			keys := casesync_internal.own_keys(r, g, a.record);
		END IF;
		IF cardinality(keys) > 1 AND NOT a.is_accepted THEN
			why := format('%s subjects of registry %s have its identifiers', cardinality(keys),
				r.registry);
			RETURN;
		END IF;
		CONTINUE WHEN cardinality(keys) <> 1;
		s := casesync_internal.own_look(r, keys[1], g);
		IF s.fields IS NOT NULL THEN
			subjects := subjects || s;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.own_subjects(casesync_internal.arrival,
	casesync_internal.agreement, text, casesync_internal.own_subject[]) IS
	'our subjects that a received record is about, as they are now, in some registries the known '
	'ones; why: nobody can tell which';

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
