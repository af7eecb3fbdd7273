/* Forgetting a partner: each room forgets its own. */

/*
 * Who was told something, or told us something, is never dropped: it must remain explainable to
 * whom it was about. Such a partner is silenced by ending its agreements, keys and clients.
 */
CREATE OR REPLACE FUNCTION casesync.drop_partner(partner text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	uses text;
BEGIN
	PERFORM casesync_internal.require_partner(drop_partner.partner);
	SELECT string_agg(format('%s (%s)', a.agreement, a.state), ', ') INTO uses
	  FROM casesync_internal.agreement a
	 WHERE a.partner = drop_partner.partner AND a.state IN ('rehearsed', 'active', 'suspended');
	IF uses IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'dependent_objects_still_exist',
			message => format('partner "%s" is in use', drop_partner.partner),
			detail => format('Agreements: %s.', uses),
			hint => 'SELECT casesync.end_agreement(agreement, reason);  -- first');
	END IF;
	IF EXISTS (SELECT FROM casesync_internal.disclosure d WHERE d.partner = drop_partner.partner)
		OR EXISTS (SELECT FROM casesync_internal.message_in m
			WHERE m.partner = drop_partner.partner)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'dependent_objects_still_exist',
			message => format('partner "%s" has a history', drop_partner.partner),
			detail => 'What was sent to and received from a partner must remain explainable.',
			hint => format(
				'SELECT casesync.retire_key(partner, kid) FROM casesync.partner_keys WHERE partner '
				'= %L;  -- keeps it silent', drop_partner.partner));
	END IF;
	PERFORM casesync_internal.hold_router();
	/* From the top: what is found through subscriptions, agreements and lanes goes before these. */
	PERFORM casesync_internal.answer_forget(drop_partner.partner);
	PERFORM casesync_internal.inbox_forget(drop_partner.partner);
	PERFORM casesync_internal.delivery_forget(drop_partner.partner);
	PERFORM casesync_internal.knowledge_forget(drop_partner.partner);
	PERFORM casesync_internal.subscription_forget(drop_partner.partner);
	PERFORM casesync_internal.agreement_forget(drop_partner.partner);
	PERFORM casesync_internal.outbox_forget(drop_partner.partner);
	PERFORM casesync_internal.party_forget(drop_partner.partner);
	PERFORM casesync_internal.audit_note('drop_partner', drop_partner.partner);
	PERFORM casesync_internal.ring();
	RETURN format('partner %s is forgotten', partner);
END
$$;
COMMENT ON FUNCTION casesync.drop_partner(text) IS
	'forget a partner that nothing was ever shared with';
