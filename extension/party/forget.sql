/* Forgetting a partner: addresses, lanes, keys, clients. */
CREATE OR REPLACE FUNCTION casesync_internal.party_forget(partner text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.lane_state s USING casesync_internal.lane l
	 WHERE l.partner = party_forget.partner AND s.lane = l.lane;
	DELETE FROM casesync_internal.lane_note n USING casesync_internal.lane l
	 WHERE l.partner = party_forget.partner AND n.lane = l.lane;
	DELETE FROM casesync_internal.partner_refusal r WHERE r.partner = party_forget.partner;
	DELETE FROM casesync_internal.lane l WHERE l.partner = party_forget.partner;
	DELETE FROM casesync_internal.partner_key k WHERE k.partner = party_forget.partner;
	DELETE FROM casesync_internal.published_key o WHERE o.partner = party_forget.partner;
	DELETE FROM casesync_internal.jwks_source s
	 WHERE s.kind = 'partner' AND s.name = party_forget.partner;
	DELETE FROM casesync_internal.deviation v WHERE v.partner = party_forget.partner;
	DELETE FROM casesync_internal.stored_day d WHERE d.partner = party_forget.partner;
	DELETE FROM casesync_internal.client c WHERE c.partner = party_forget.partner;
	DELETE FROM casesync_internal.partner p WHERE p.partner = party_forget.partner;
$$;
COMMENT ON FUNCTION casesync_internal.party_forget(text) IS
	'part of drop_partner(), and its last: the partner and its lanes, by which others find theirs';
