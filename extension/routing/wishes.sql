/* Which subscriptions of a partner want what is told of a registry's subjects. */

/* Not of what it is about. A plain expression, which a query has in its place. */
CREATE OR REPLACE FUNCTION casesync_internal.is_wish_of(s casesync_internal.subscription,
	r casesync_internal.registry)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN lower(s.record_type) = lower(r.record_type)
	AND (s.reg_type IS NULL OR s.reg_type = r.reg_type
		OR s.reg_type = casesync_internal.reg_type_name(r.reg_type))
	AND (s.registry IS NULL OR s.registry = r.registry)
	AND (s.starts IS NULL OR s.starts <= now()) AND (s.ends IS NULL OR now() < s.ends);
COMMENT ON FUNCTION casesync_internal.is_wish_of(casesync_internal.subscription,
	casesync_internal.registry) IS
	'whether an active subscription counts now, and for this registry';

/* Asked once for all events of a slice, by the index that has this order: see waiting_from(). */
CREATE OR REPLACE FUNCTION casesync_internal.wanted_by_all(a casesync_internal.agreement,
	r casesync_internal.registry, event_type text)
RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
	SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	RETURN ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE s.partner = ANY (ARRAY[a.partner])
		  AND s.event_type >= wanted_by_all.event_type
		  AND s.event_type <= wanted_by_all.event_type
		  AND s.state = 'active' AND s.id_type IS NULL AND s.tree IS NULL AND NOT s.is_push
		  AND casesync_internal.is_wish_of(s, r)
		ORDER BY s.partner, s.event_type);
END
$$;
COMMENT ON FUNCTION casesync_internal.wanted_by_all(casesync_internal.agreement,
	casesync_internal.registry, text) IS
	'subscriptions of a partner to everybody of a registry; not those to filters';

/*
 * There may be a million to single identifiers, so they are found from the record, one by one, by
 * the index that has this order, whatever is known of the table.
 */
CREATE OR REPLACE FUNCTION casesync_internal.wanted_by_one(a casesync_internal.agreement,
	r casesync_internal.registry, event_type text, record jsonb)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
	SET enable_incremental_sort = off SET jit = off
AS $$
BEGIN
	RETURN QUERY
	SELECT o.id
	  FROM casesync.record_identifiers(record) i
	 CROSS JOIN LATERAL (
		SELECT s.id FROM casesync_internal.subscription s
		 WHERE s.id_value = ANY (ARRAY[i.identifier_value]) AND s.partner = a.partner
		   AND upper(s.id_type) = upper(casesync_internal.fold_identifier_type(i.identifier_type))
		   AND s.event_type = wanted_by_one.event_type AND s.state = 'active'
		   AND s.id_type IS NOT NULL AND casesync_internal.is_wish_of(s, r)
		 ORDER BY s.id_value, s.id_type, s.partner) o;
END
$$;
COMMENT ON FUNCTION casesync_internal.wanted_by_one(casesync_internal.agreement,
	casesync_internal.registry, text, jsonb) IS
	'subscriptions of a partner to one of the record''s own agreed identifiers, by index';

/* Most partners have none: then no record is read for it. */
CREATE OR REPLACE FUNCTION casesync_internal.wants_any_one(a casesync_internal.agreement)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
	SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM casesync_internal.subscription s
		WHERE s.partner = a.partner AND s.state = 'active' AND s.id_type IS NOT NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.wants_any_one(casesync_internal.agreement) IS
	'whether wanted_by_one() can find anything of this partner';

CREATE OR REPLACE FUNCTION casesync_internal.wanted_by(a casesync_internal.agreement,
	r casesync_internal.registry, event_type text, record jsonb)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN QUERY SELECT unnest(casesync_internal.wanted_by_all(a, r, event_type))
		UNION ALL SELECT casesync_internal.wanted_by_one(a, r, event_type, record);
END
$$;
COMMENT ON FUNCTION casesync_internal.wanted_by(casesync_internal.agreement,
	casesync_internal.registry, text, jsonb) IS
	'subscriptions to everybody, and those to one of the record''s own agreed identifiers, by '
	'index; not those to filters';
