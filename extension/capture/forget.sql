/* Forgetting a person in captured changes. */

/*
 * Old and new values, and the key once it is routed: until then routing needs it. Which rows of a
 * tracking by expression or query are about the subject cannot be told any more, so all give up
 * what routing does not need. What is routed: of the era all that upto shows, of earlier eras all
 * or nothing. Of an era without any upto nothing counts as routed: the key stays rather than that a
 * removal is lost. Compared without padding, which captured keys of char(n) have.
 */
CREATE OR REPLACE FUNCTION casesync_internal.capture_erase(p casesync_internal.person, era integer,
	upto pg_snapshot, earlier_routed boolean, OUT changes bigint, OUT unrouted bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain integer[];
	others integer[];
	counted bigint;
	waiting bigint;
BEGIN
	SELECT array_agg(t.id) FILTER (WHERE t.key_is_column AND t.subjects IS NULL),
		array_agg(t.id) FILTER (WHERE NOT (t.key_is_column AND t.subjects IS NULL))
	  INTO plain, others FROM casesync_internal.tracking t WHERE p.registry = ANY (t.registries);
	changes := 0; unrouted := 0;
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format($query$
			WITH done AS (
				UPDATE casesync_internal.change_%s c SET changed = NULL,
					key = CASE WHEN NOT x.is_routed THEN c.key
						WHEN c.tracking = ANY ($2) THEN NULL
						WHEN rtrim(c.key, ' ') = rtrim($3, ' ') THEN $4 ELSE c.key END,
					old_key = CASE WHEN NOT x.is_routed THEN c.old_key
						WHEN c.tracking = ANY ($2) THEN NULL
						WHEN rtrim(c.old_key, ' ') = rtrim($3, ' ') THEN $4 ELSE c.old_key END
				  FROM (SELECT i.xid, i.id, CASE WHEN i.era = $5
							THEN coalesce(pg_visible_in_snapshot(i.xid, $6), false)
							ELSE $7 END AS is_routed
						  FROM casesync_internal.change_%1$s i) x
				 WHERE x.xid = c.xid AND x.id = c.id
				   AND (c.tracking = ANY ($2) AND num_nonnulls(c.key, c.old_key, c.changed) > 0
						OR c.tracking = ANY ($1)
							AND rtrim($3, ' ') IN (rtrim(c.key, ' '), rtrim(c.old_key, ' ')))
				RETURNING x.is_routed)
			SELECT count(*), count(*) FILTER (WHERE NOT d.is_routed) FROM done d$query$, leaf)
		   INTO counted, waiting
		  USING plain, others, p.key, p.erased, era, upto, earlier_routed;
		changes := changes + counted;
		unrouted := unrouted + waiting;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.capture_erase(casesync_internal.person, integer, pg_snapshot,
	boolean) IS
	'part of erase(): captured changes; unrouted: those that keep the key until they are routed';
