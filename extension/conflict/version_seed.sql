/*
 * What fields were before anybody changed them. Without it the first change of a subject would
 * make all its fields new, also those that were left alone, and what was changed elsewhere would be
 * lost.
 */

CREATE OR REPLACE FUNCTION casesync_internal.version_seed_due(OUT r casesync_internal.registry,
	OUT told text[], OUT begun casesync_internal.version_seed)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due record;
BEGIN
	SELECT g AS registry, t.told, s AS begun INTO due
	  FROM casesync_internal.registry g
	  JOIN (SELECT lower(h.record_type) AS record_type, array_agg(DISTINCT f) AS told
			  FROM casesync_internal.agreement a
			  JOIN casesync_internal.handler h ON h.event_type = ANY (a.event_types)
			 CROSS JOIN unnest(a.fields) f
			 WHERE a.state = 'active' AND a.direction = 'in'
			   AND a.valid_from <= now() AND now() < a.valid_to
			 GROUP BY 1) t ON t.record_type = lower(g.record_type)
	  LEFT JOIN casesync_internal.version_seed s ON s.registry = g.registry
	 WHERE s.registry IS NULL OR s.fields <> t.told OR NOT s.is_done
	 ORDER BY g.registry COLLATE "C" LIMIT 1;
	r := due.registry; told := due.told; begun := due.begun;
END
$$;
COMMENT ON FUNCTION casesync_internal.version_seed_due() IS
	'a registry whose subjects are not all noted with the fields that partners may tell of them; '
	'NULL: none';

CREATE OR REPLACE FUNCTION casesync_internal.versions_are_seeded(record_type text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN NOT EXISTS (SELECT FROM casesync_internal.registry r
		 WHERE lower(r.record_type) = lower(versions_are_seeded.record_type)
		   AND NOT EXISTS (SELECT FROM casesync_internal.version_seed s
			WHERE s.registry = r.registry AND s.is_done));
END
$$;
COMMENT ON FUNCTION casesync_internal.versions_are_seeded(text) IS
	'whether all subjects of registries with such records were looked at once';

/* In the order of the key's own type, which an index may have. */
CREATE OR REPLACE FUNCTION casesync_internal.version_seed_page(r casesync_internal.registry,
	told text[], after_key text, most integer, OUT keys text[], OUT records jsonb[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT array_agg(q.key ORDER BY q.n), array_agg(q.record ORDER BY q.n) INTO keys, records
	  FROM casesync_internal.owner_query(r.author, r.view, format(
		'SELECT %1$s, %2$I FROM %3$s WHERE %4$I %5$s ORDER BY %4$I LIMIT %6$s',
		casesync_internal.key_text(r), r.record_column, r.view, r.key_column,
		CASE WHEN after_key IS NULL THEN 'IS NOT NULL'
			ELSE format('> $1::%s', casesync_internal.key_type_name(r.key_type)) END, most),
		coalesce(after_key, ''), casesync_internal.milliseconds_of('casesync.render_timeout'))
		WITH ORDINALITY q(key, record, n);
END
$$;
COMMENT ON FUNCTION casesync_internal.version_seed_page(casesync_internal.registry, text[], text,
	integer) IS
	'the next subjects of a registry after one of them';

/* A view that cannot be walked through is left: its fields are known from their first change on. */
CREATE OR REPLACE FUNCTION casesync_internal.version_seed_next(r casesync_internal.registry,
	told text[], begun casesync_internal.version_seed, most integer)
RETURNS casesync_internal.version_seed
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	now_at constant timestamptz := clock_timestamp();
	page record;
BEGIN
	page := casesync_internal.version_seed_page(r, told, begun.after_key, most);
	INSERT INTO casesync_internal.field_version AS f (registry, key, fields, seeded_at,
		identities)
	SELECT DISTINCT ON (p.key) r.registry, p.key, x.versions, now_at,
		casesync_internal.identities_of(casesync_internal.wire(p.record))
	  FROM unnest(page.keys, page.records) p(key, record)
	 CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(h.key,
			jsonb_build_array(h.value, 0, '', NULL)), '{}') AS versions
		FROM jsonb_each(casesync_internal.field_hashes(casesync_internal.wire(p.record), told)) h) x
	 WHERE p.key IS NOT NULL AND octet_length(p.key) <= 1000
	 ORDER BY p.key
	ON CONFLICT (registry, key) DO UPDATE SET fields = excluded.fields || f.fields,
		identities = excluded.identities;
	begun.after_key := page.keys[cardinality(page.keys)];
	begun.is_done := coalesce(cardinality(page.keys), 0) < most;
	RETURN begun;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	begun.is_done := true;
	RETURN begun;
END
$$;
COMMENT ON FUNCTION casesync_internal.version_seed_next(casesync_internal.registry, text[],
	casesync_internal.version_seed, integer) IS
	'note some more subjects of a registry as they are, not changed by anybody yet';

CREATE OR REPLACE FUNCTION casesync_internal.version_seeds()
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	due record;
	begun casesync_internal.version_seed;
BEGIN
	SELECT * INTO due FROM casesync_internal.version_seed_due();
	IF (due.r).registry IS NULL THEN
		RETURN false;
	END IF;
	begun := due.begun;
	IF begun.registry IS NULL OR begun.fields <> due.told THEN
		begun := ROW((due.r).registry, due.told, NULL, false)::casesync_internal.version_seed;
	END IF;
	begun := casesync_internal.version_seed_next(due.r, due.told, begun,
		casesync_internal.turn_limit('slice'));
	INSERT INTO casesync_internal.version_seed (registry, fields, after_key, is_done)
	VALUES (begun.registry, begun.fields, begun.after_key, begun.is_done)
	ON CONFLICT (registry) DO UPDATE SET fields = excluded.fields,
		after_key = excluded.after_key, is_done = excluded.is_done;
	RETURN NOT begun.is_done;
END
$$;
COMMENT ON FUNCTION casesync_internal.version_seeds() IS
	'part of route(): some subjects are noted as they are; whether there are more';
