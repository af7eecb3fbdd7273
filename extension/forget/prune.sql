/* Forgetting what was settled long ago: each room forgets its own. */

/*
 * Each room knows itself what of its own is settled; nothing that is due, dead or in review ever
 * is.
 */
CREATE OR REPLACE FUNCTION casesync.prune(keep interval DEFAULT '90 days')
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	before timestamptz := now() - keep;
	sent record;
	attempts bigint;
	asked bigint;
	agreed record;
	received record;
	wishes bigint;
BEGIN
	IF keep IS NULL OR keep < interval '0' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'keep must not be negative',
			hint => 'SELECT * FROM casesync.prune(keep => ''90 days'');');
	END IF;
	sent := casesync_internal.outbox_prune(before);
	attempts := casesync_internal.delivery_prune(before);
	asked := casesync_internal.answer_prune(before);
	agreed := casesync_internal.agreement_prune(before);
	received := casesync_internal.inbox_prune(before);
	PERFORM casesync_internal.conflict_prune(before);
	PERFORM casesync_internal.retelling_prune(before);
	wishes := casesync_internal.subscription_prune(before);
	RETURN QUERY VALUES ('notifications', sent.notifications), ('events', sent.events),
		('requests and callbacks', sent.messages), ('attempts', attempts),
		('requests of partners', asked), ('samples of rehearsals', agreed.samples),
		('counts of lookups', agreed.lookups), ('content of received items', received.items),
		('bytes of received messages', received.messages),
		('filters of ended subscriptions', wishes);
	PERFORM casesync_internal.audit_note('prune', NULL, jsonb_build_object('keep', keep));
END
$$;
COMMENT ON FUNCTION casesync.prune(interval) IS
	'forget what was settled longer ago than this; never what is due, dead, in review or '
	'quarantined, nor disclosures and audit';
