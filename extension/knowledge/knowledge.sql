/*
 * What a partner knows of a subject, or is about to know, as a keyed hash: of the last record that
 * it was told (told), and of what each of its subscriptions to a filter was told (filter_inside).
 * NULL stands for *open*: nobody can say what the partner has, so the next event is sent whatever
 * it holds. Nobody else writes these tables. Items come as sets, since a backlog may be long.
 *
 * A partner that knows a record is not told it again, also by another subscription: else it would
 * learn that something has changed that it may not see. Two of its subscriptions are told all the
 * same: one whose event was in the record already when another one was told it (told_to says which
 * were), and one to which an item was lost (owed).
 */
CREATE OR REPLACE FUNCTION casesync_internal.still_owed(t casesync_internal.told, told_to bigint[])
RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN told_to IS NULL OR t.owed <@ told_to THEN '{}' ELSE ARRAY(
		SELECT s.id FROM casesync_internal.subscription s
		 WHERE s.id = ANY (t.owed) AND s.id <> ALL (told_to) AND s.state = 'active'
		 ORDER BY s.id) END
$$;
COMMENT ON FUNCTION casesync_internal.still_owed(casesync_internal.told, bigint[]) IS
	'subscriptions that an item is owed to after these have been told; NULL: all have been';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_note(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* An event may carry no identifiers; whom a removal is about must be known all the same. */
	INSERT INTO casesync_internal.told AS t (partner, registry, key, hmac, identifiers, at,
		told_to)
	SELECT i.partner, i.registry, i.key, (array_agg(i.hmac))[1],
		(array_agg(i.identifiers))[1], clock_timestamp(),
		CASE WHEN bool_and(i.subscription IS NOT NULL) THEN array_agg(DISTINCT i.subscription) END
	  FROM unnest(items) i
	 WHERE i.partner IS NOT NULL /* a removal that is retried tells nothing */
	 GROUP BY i.partner, i.registry, i.key
	 ORDER BY i.partner, i.registry, i.key
	ON CONFLICT (partner, registry, key) DO UPDATE
		SET hmac = excluded.hmac, identifiers = coalesce(excluded.identifiers, t.identifiers),
			at = excluded.at, told_to = CASE
				WHEN t.hmac IS DISTINCT FROM excluded.hmac THEN excluded.told_to
				WHEN t.told_to IS NOT NULL AND excluded.told_to IS NOT NULL
				THEN ARRAY(SELECT DISTINCT s FROM unnest(t.told_to || excluded.told_to) s)
				END,
			owed = CASE WHEN t.owed = '{}' THEN '{}'
				ELSE casesync_internal.still_owed(t, excluded.told_to) END, leaving = NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_note(casesync_internal.known[]) IS
	'partners know this of these subjects, or are about to know it: each told to the subscription, '
	'or, where that is NULL, to nobody in particular, so that none of them is to be told';

/*
 * Senders of two lanes, and who stops sharing, may be at the same subjects: locked in one order,
 * first what filters were told and then the partner.
 */
CREATE OR REPLACE FUNCTION casesync_internal.filter_inside_lock(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	PERFORM FROM casesync_internal.filter_inside f
	  WHERE (f.registry, f.key, f.subscription) IN (
		SELECT i.registry, i.key, i.subscription FROM unnest(items) i)
	  ORDER BY f.registry, f.key, f.subscription FOR UPDATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.filter_inside_lock(casesync_internal.known[]) IS
	'lock which of these subjects are inside which filters';

CREATE OR REPLACE FUNCTION casesync_internal.told_lock(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	PERFORM FROM casesync_internal.told t
	  WHERE (t.partner, t.registry, t.key) IN (
		SELECT i.partner, i.registry, i.key FROM unnest(items) i)
	  ORDER BY t.partner, t.registry, t.key FOR UPDATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.told_lock(casesync_internal.known[]) IS
	'lock what partners were told of these subjects; behind filter_inside_lock()';

/*
 * A subscription that was told something newer since has lost nothing. When nobody else was told
 * the same, nobody knows it. In a subscription to a filter the subject counts as inside, so that
 * its leaving is told once more.
 */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_open(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	PERFORM casesync_internal.filter_inside_lock(items);
	UPDATE casesync_internal.filter_inside f SET hmac = NULL
	  FROM unnest(items) i
	 WHERE f.subscription = i.subscription AND f.registry = i.registry AND f.key = i.key
		AND f.hmac = i.hmac;
	INSERT INTO casesync_internal.filter_inside (registry, key, subscription)
	SELECT i.registry, i.key, i.subscription
	  FROM unnest(items) i JOIN casesync_internal.subscription s ON s.id = i.subscription
	 WHERE s.tree IS NOT NULL AND s.state = 'active' AND i.identifiers IS NULL
	 ORDER BY i.registry, i.key, i.subscription
	ON CONFLICT DO NOTHING;
	/* A removal that is not sent is still to be told: whom it is about must be known then. */
	INSERT INTO casesync_internal.told AS t (partner, registry, key, identifiers, at, leaving)
	SELECT i.partner, i.registry, i.key, (array_agg(i.identifiers ORDER BY i.n DESC))[1],
		clock_timestamp(),
		CASE WHEN bool_and(i.subscription IS NOT NULL) THEN array_agg(DISTINCT i.subscription) END
	  FROM unnest(items) WITH ORDINALITY
		i(partner, registry, key, hmac, identifiers, subscription, n)
	 WHERE i.identifiers IS NOT NULL
	 GROUP BY i.partner, i.registry, i.key
	 ORDER BY i.partner, i.registry, i.key
	ON CONFLICT (partner, registry, key) DO UPDATE
		SET leaving = ARRAY(SELECT DISTINCT s FROM unnest(t.leaving || excluded.leaving) s)
		WHERE t.leaving IS NOT NULL AND excluded.leaving IS NOT NULL;
	PERFORM casesync_internal.knowledge_owe(items);
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_open(casesync_internal.known[]) IS
	'partners did not get this after all, oldest first: it is owed to the subscriptions, but to '
	'none (NULL) that gets something newer; of a removal, with identifiers, it is kept whom it is '
	'about and which subscription is still to be told (NULL: all)';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_owe(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	PERFORM casesync_internal.told_lock(items);
	UPDATE casesync_internal.told t
	   SET hmac = CASE WHEN x.others IS DISTINCT FROM '{}' THEN t.hmac END, told_to = x.others,
		   owed = ARRAY(SELECT DISTINCT s FROM unnest(t.owed || x.lost) s ORDER BY s)
	  FROM (SELECT k.partner, k.registry, k.key, array_agg(i.subscription) AS lost,
				ARRAY(SELECT s FROM unnest(k.told_to) s
					WHERE s <> ALL (array_agg(i.subscription))) AS others
			  FROM unnest(items) i
			  JOIN casesync_internal.told k ON k.partner = i.partner AND k.registry = i.registry
				AND k.key = i.key
			 WHERE i.subscription IS NOT NULL AND i.identifiers IS NULL
			   AND (k.hmac = i.hmac OR i.subscription <> ALL (k.told_to))
			 GROUP BY k.partner, k.registry, k.key) x
	 WHERE t.partner = x.partner AND t.registry = x.registry AND t.key = x.key;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_owe(casesync_internal.known[]) IS
	'part of knowledge_open(): these subscriptions are to be told of these subjects, whatever '
	'their partners know';

/* Whoever knows nothing of them is told as soon as there is something to tell. */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_owe_to(partner text, registry text,
	keys text[], subscription bigint)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.filter_inside f SET hmac = NULL
	 WHERE f.registry = knowledge_owe_to.registry AND f.key = ANY (keys)
	   AND f.subscription = knowledge_owe_to.subscription AND f.hmac IS NOT NULL;
	UPDATE casesync_internal.told t SET owed = t.owed || knowledge_owe_to.subscription
	 WHERE t.partner = knowledge_owe_to.partner AND t.registry = knowledge_owe_to.registry
	   AND t.key = ANY (keys) AND knowledge_owe_to.subscription <> ALL (t.owed);
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_owe_to(text, text, text[], bigint) IS
	'a subscription is to be told of these subjects at the next look, whatever its partner knows';

/* Only what is not open already: a second call after a restore of millions must cost little. */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_open_all()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.told SET hmac = NULL, told_to = '{}', owed = owed || told_to
	 WHERE hmac IS NOT NULL;
	UPDATE casesync_internal.filter_inside SET hmac = NULL WHERE hmac IS NOT NULL;
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_open_all() IS
	'partners may have been told newer states than this database remembers';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_open_registry(registry text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.told t SET hmac = NULL, told_to = '{}', owed = t.owed || t.told_to
	 WHERE t.registry = knowledge_open_registry.registry AND t.hmac IS NOT NULL;
	UPDATE casesync_internal.filter_inside f SET hmac = NULL
	 WHERE f.registry = knowledge_open_registry.registry AND f.hmac IS NOT NULL;
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_open_registry(text) IS
	'partners may have been told other states of this registry than this database remembers';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_open_subjects(partner text, registry text,
	keys text[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.filter_inside f SET hmac = NULL
	  FROM casesync_internal.subscription s
	 WHERE f.registry = knowledge_open_subjects.registry AND f.key = ANY (keys)
	   AND s.id = f.subscription AND s.partner = knowledge_open_subjects.partner
	   AND f.hmac IS NOT NULL;
	UPDATE casesync_internal.told t SET hmac = NULL, told_to = '{}'
	 WHERE t.partner = knowledge_open_subjects.partner
	   AND t.registry = knowledge_open_subjects.registry AND t.key = ANY (keys)
	   AND t.hmac IS NOT NULL;
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_open_subjects(text, text, text[]) IS
	'a partner may hold something else of these subjects than it was told: the next event is sent, '
	'whatever it holds';

/*
 * Rows that say the same are left alone: most looks change nothing, and each version is a dead row.
 */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_enter(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.filter_inside AS f (registry, key, subscription, hmac)
	SELECT i.registry, i.key, i.subscription, i.hmac FROM unnest(items) i
	ON CONFLICT (registry, key, subscription) DO UPDATE SET hmac = excluded.hmac
		WHERE f.hmac IS DISTINCT FROM excluded.hmac;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_enter(casesync_internal.known[]) IS
	'these subjects are told as inside the filters of subscriptions';

/* Who was inside a filter when an item was lost stayed there. */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_arrived(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.filter_inside_lock(items);
	UPDATE casesync_internal.filter_inside f SET hmac = i.hmac
	  FROM unnest(items) i
	 WHERE f.registry = i.registry AND f.key = i.key AND f.subscription = i.subscription
	   AND f.hmac IS NULL;
	PERFORM casesync_internal.knowledge_note(items);
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_arrived(casesync_internal.known[]) IS
	'what was counted as not told of these subjects has arrived after all';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_leave(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.filter_inside f USING unnest(items) i
	 WHERE f.registry = i.registry AND f.key = i.key AND f.subscription = i.subscription;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_leave(casesync_internal.known[]) IS
	'these subjects are not inside the filters of subscriptions any more';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_seed(subscription bigint, registry text,
	keys text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* Whoever was told meanwhile stays as told. Longer keys are never routed. */
	INSERT INTO casesync_internal.filter_inside (registry, key, subscription)
	SELECT DISTINCT knowledge_seed.registry, k, knowledge_seed.subscription
	  FROM unnest(keys) k WHERE octet_length(k) <= 1000
	ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_seed(bigint, text, text[]) IS
	'these subjects are inside a new subscription''s filter, and it was told nothing of them yet';

/*
 * By the partner's own subscriptions, since another's may have the same subject inside. Should it
 * come back, it is told as somebody new.
 */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_forget_subjects(partner text, registry text,
	keys text[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.told t
	 WHERE t.partner = knowledge_forget_subjects.partner
		AND t.registry = knowledge_forget_subjects.registry AND t.key = ANY (keys);
	DELETE FROM casesync_internal.filter_inside f USING casesync_internal.subscription s
	 WHERE f.registry = knowledge_forget_subjects.registry AND f.key = ANY (keys)
		AND s.id = f.subscription AND s.partner = knowledge_forget_subjects.partner;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_forget_subjects(text, text, text[]) IS
	'a partner may not see these subjects any more: what it was told of them counts no longer';

/* Also of its own subscriptions to filters, when the last of them knows. */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_left(items casesync_internal.known[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.told_lock(items);
	UPDATE casesync_internal.told t SET leaving = ARRAY(
			SELECT s FROM unnest(t.leaving) s WHERE s <> ALL (x.told))
	  FROM (SELECT i.partner, i.registry, i.key, array_agg(i.subscription) AS told
			  FROM unnest(items) i GROUP BY i.partner, i.registry, i.key) x
	 WHERE t.partner = x.partner AND t.registry = x.registry AND t.key = x.key
		AND t.hmac IS NULL AND t.leaving IS NOT NULL;
	PERFORM casesync_internal.knowledge_forget_subjects(t.partner, t.registry, array_agg(t.key))
	   FROM casesync_internal.told t
	   JOIN (SELECT DISTINCT i.partner, i.registry, i.key FROM unnest(items) i) x
		 USING (partner, registry, key)
	  WHERE t.leaving = '{}' GROUP BY t.partner, t.registry;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_left(casesync_internal.known[]) IS
	'partners know by these subscriptions that these subjects left';

/*
 * What the router has locked, or writes beside this, is left: nobody asks for it any more, and
 * prune() finds it. To wait for it could be in a circle.
 */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_forget_subscriptions(subscriptions bigint[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.filter_inside f
	 WHERE (f.registry, f.key, f.subscription) IN (
		SELECT x.registry, x.key, x.subscription FROM casesync_internal.filter_inside x
		 WHERE x.subscription = ANY (subscriptions) FOR UPDATE SKIP LOCKED);
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_forget_subscriptions(bigint[]) IS
	'what these subscriptions were told counts no longer: they have ended';
