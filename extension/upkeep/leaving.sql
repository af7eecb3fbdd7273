/*
 * Agreements by which partners are told of who leaves (on_leave): for that it is kept by which
 * identifiers they know somebody. Of those whom they were told of before that was agreed it is made
 * up for, behind all else, once after each such agreement has come into force, and then daily for
 * who could not be looked up.
 */
CREATE OR REPLACE FUNCTION casesync_internal.leaving_agreements()
RETURNS SETOF casesync_internal.agreement
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.* FROM casesync_internal.agreement a
	 WHERE a.state = 'active' AND a.direction = 'out' AND a.on_leave = 'identifier_only'
$$;
COMMENT ON FUNCTION casesync_internal.leaving_agreements() IS
	'agreements in force by which a partner is told of who leaves';

/* A view that fails, or is too slow, is nothing to stop for: its subjects have their turn again. */
CREATE OR REPLACE FUNCTION casesync_internal.leaving_name(a casesync_internal.agreement,
	r casesync_internal.registry, keys text[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT count(casesync_internal.knowledge_name(a.partner, r.registry, o.key, o.hmac,
			i.identifiers) IS NULL)
		  FROM casesync_internal.offers(a, r, ARRAY(
			SELECT s FROM casesync_internal.render(r, keys) s)) o
		 CROSS JOIN LATERAL (SELECT jsonb_agg(to_jsonb(x)) AS identifiers
			FROM casesync.record_identifiers(o.record) x) i
		 WHERE o.state = 'pass' AND i.identifiers IS NOT NULL);
EXCEPTION WHEN OTHERS THEN
	RETURN 0;
END
$$;
COMMENT ON FUNCTION casesync_internal.leaving_name(casesync_internal.agreement,
	casesync_internal.registry, text[]) IS
	'part of leaving_step(): subjects of one registry that a partner knows';

CREATE OR REPLACE FUNCTION casesync_internal.leaving_step(from_page bigint, to_page bigint)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sum(casesync_internal.leaving_name(a, r, k.keys)), 0)::bigint
	  FROM casesync_internal.knowledge_unnamed(from_page, to_page) k
	  JOIN casesync_internal.leaving_agreements() a ON a.partner = k.partner
		AND k.registry = ANY (a.registries)
	  JOIN casesync_internal.registry r ON r.registry = k.registry
$$;
COMMENT ON FUNCTION casesync_internal.leaving_step(bigint, bigint) IS
	'part of prune_step(): whom partners know on these pages can be named when he leaves';

CREATE OR REPLACE FUNCTION casesync_internal.leaving_begins()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.prune_mark m SET page = 0, next_at = clock_timestamp()
	 WHERE m.part = 'told';
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.leaving_begins() IS
	'trigger of agreement: from now on its partner is told of who leaves';

/* A trigger, since the table stands below and must not know of this. */
CREATE OR REPLACE TRIGGER leaving_begins
	AFTER UPDATE OF state ON casesync_internal.agreement FOR EACH ROW
	WHEN (NEW.state = 'active' AND NEW.on_leave = 'identifier_only'
		AND OLD.state IS DISTINCT FROM NEW.state)
	EXECUTE FUNCTION casesync_internal.leaving_begins();
COMMENT ON TRIGGER leaving_begins ON casesync_internal.agreement IS 'see leaving_begins()';
