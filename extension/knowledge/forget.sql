/* Forgetting what partners know: of a partner, and of a person. */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.told t WHERE t.partner = knowledge_forget.partner;
	DELETE FROM casesync_internal.filter_inside i USING casesync_internal.subscription s
	 WHERE s.partner = knowledge_forget.partner AND i.subscription = s.id;
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_forget(text) IS
	'part of drop_partner(): what the partner knows; before its subscriptions go';

CREATE OR REPLACE FUNCTION casesync_internal.knowledge_erase(p casesync_internal.person,
	OUT told bigint, OUT disclosures bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM casesync_internal.filter_inside i WHERE i.registry = p.registry AND i.key = p.key;
	DELETE FROM casesync_internal.told t WHERE t.registry = p.registry AND t.key = p.key;
	GET DIAGNOSTICS told = ROW_COUNT;
	/* The one change that keep_disclosure() lets pass. */
	UPDATE casesync_internal.disclosure d SET key = p.erased
	 WHERE d.registry = p.registry AND d.key = p.key;
	GET DIAGNOSTICS disclosures = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_erase(casesync_internal.person) IS
	'part of erase(): what partners are known to know goes, disclosures stay without the key';

CREATE OR REPLACE FUNCTION casesync_internal.disclosure_prune(from_page bigint DEFAULT 0,
	to_page bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
	before constant timestamptz := now() - (casesync_internal.this_node()).keep_disclosures;
	pruned bigint;
BEGIN
	DELETE FROM casesync_internal.disclosure d
	 WHERE d.ctid >= first_row AND d.ctid < behind AND d.at < before;
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$$;
COMMENT ON FUNCTION casesync_internal.disclosure_prune(bigint, bigint) IS
	'disclosures that are older than the node keeps them, of these pages';
