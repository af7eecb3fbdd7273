/* Forgetting what a partner, or we at a partner, wished to be told; and of whom. */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.scheduled_subject x USING casesync_internal.subscription s
	 WHERE s.id = x.subscription AND s.partner = subscription_forget.partner;
	DELETE FROM casesync_internal.backfill b USING casesync_internal.subscription s
	 WHERE s.id = b.subscription AND s.partner = subscription_forget.partner;
	DELETE FROM casesync_internal.subscription s WHERE s.partner = subscription_forget.partner;
	DELETE FROM casesync_internal.filter_seed f WHERE f.partner = subscription_forget.partner;
	DELETE FROM casesync_internal.my_subscription m
	 WHERE m.partner = subscription_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.subscription_forget(text) IS
	'part of drop_partner(): subscriptions of the partner here, and ours there';

/* An address that names somebody goes: what is due is then sent to the registered one. */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_texts_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.subscription s
	   SET reference_id = casesync_internal.text_without(s.reference_id, p),
		transaction_id = casesync_internal.text_without(s.transaction_id, p),
		callback_url = CASE WHEN NOT casesync_internal.text_names(s.callback_url, p)
			THEN s.callback_url END,
		filter_type = casesync_internal.text_without(s.filter_type, p),
		note = casesync_internal.text_without(s.note, p),
		reason = casesync_internal.text_without(s.reason, p),
		authorize_claim = casesync_internal.json_without(s.authorize_claim, p)
	 WHERE casesync_internal.text_names(concat_ws(chr(10), s.reference_id, s.transaction_id,
			s.callback_url, s.filter_type, s.note, s.reason), p)
		OR s.authorize_claim <> casesync_internal.json_without(s.authorize_claim, p);
	UPDATE casesync_internal.backfill b
	   SET subjects = casesync_internal.text_without(b.subjects, p),
		reason = casesync_internal.text_without(b.reason, p)
	 WHERE b.state <> 'running'
		AND casesync_internal.text_names(concat_ws(chr(10), b.subjects, b.reason), p);
	UPDATE casesync_internal.my_subscription m
	   SET reason = casesync_internal.text_without(m.reason, p),
		code = casesync_internal.text_without(m.code, p)
	 WHERE casesync_internal.text_names(concat_ws(chr(10), m.reason, m.code), p);
$$;
COMMENT ON FUNCTION casesync_internal.subscription_texts_erase(casesync_internal.person) IS
	'part of subscription_erase(): texts that partners chose beside their filters';

/*
 * One to a filter lives on without the person's identifiers in it; the erased key in their place
 * fits nobody, so it does not become a filter that fits more people than before. Names and dates
 * stay in it: a filter that goes by them is about everybody who has them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_erase(p casesync_internal.person,
	OUT subscriptions bigint, OUT own bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	q casesync_internal.person := p;
BEGIN
	q.said := '{}';
	PERFORM casesync_internal.end_subscriptions(
		ARRAY(SELECT s.id FROM casesync_internal.subscription s
			WHERE concat(upper(s.id_type), ':', s.id_value) = ANY (p.names)),
		'its subject was erased');
	/* A filter that is only this identifier goes whole: a short number in it may be it too. */
	UPDATE casesync_internal.subscription s
	   SET filter = CASE WHEN concat(upper(s.id_type), ':', s.id_value) = ANY (p.names) THEN NULL
			ELSE casesync_internal.json_without(s.filter, q, true) END,
		tree = casesync_internal.json_without(s.tree, q, true),
		id_value = CASE WHEN concat(upper(s.id_type), ':', s.id_value) = ANY (p.names)
			THEN p.erased ELSE s.id_value END
	 WHERE concat(upper(s.id_type), ':', s.id_value) = ANY (p.names)
		OR s.filter <> casesync_internal.json_without(s.filter, q, true)
		OR s.tree <> casesync_internal.json_without(s.tree, q, true);
	GET DIAGNOSTICS subscriptions = ROW_COUNT;
	UPDATE casesync_internal.my_subscription m
	   SET filter = casesync_internal.json_without(m.filter, q, true)
	 WHERE m.filter <> casesync_internal.json_without(m.filter, q, true);
	GET DIAGNOSTICS own = ROW_COUNT;
	PERFORM casesync_internal.subscription_texts_erase(p);
	DELETE FROM casesync_internal.scheduled_subject x
	 WHERE x.registry = p.registry AND x.key = p.key;
	/* The one before is where the next page begins, should this have been the last of its page. */
	UPDATE casesync_internal.backfill b SET keys = array_remove(b.keys, p.key),
		place = b.place - (p.key = ANY (b.keys[1:b.place]))::integer
	 WHERE b.registry = p.registry AND p.key = ANY (b.keys);
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_erase(casesync_internal.person) IS
	'part of erase(): subscriptions that name a subject; one to it alone ends';

/* The row stays: its reference_id names one wish for ever. */
CREATE OR REPLACE FUNCTION casesync_internal.subscription_prune(before timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pruned bigint;
BEGIN
	PERFORM casesync_internal.knowledge_forget_subscriptions(ARRAY(
		SELECT s.id FROM casesync_internal.subscription s
		 WHERE s.state = 'ended' AND s.ended_at < before AND s.tree IS NOT NULL));
	UPDATE casesync_internal.subscription s SET filter = NULL, tree = NULL, authorize_claim = NULL
	 WHERE s.state IN ('ended', 'refused') AND coalesce(s.ended_at, s.decided_at) < before
	   AND num_nonnulls(s.filter, s.tree, s.authorize_claim) > 0;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	DELETE FROM casesync_internal.backfill b WHERE b.ended_at < before AND NOT b.is_initial;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.subscription_prune(timestamptz) IS
	'part of prune(): what subscriptions that ended before a time said of whom they wanted';
