/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{subscription}');

/* Filters that cost too much are paused. */
ALTER TABLE casesync_internal.subscription ADD COLUMN paused_at timestamptz,
	ADD COLUMN pause_reason text;
CREATE INDEX subscription_paused ON casesync_internal.subscription (partner, paused_at)
	WHERE paused_at IS NOT NULL;
COMMENT ON COLUMN casesync_internal.subscription.paused_at IS
	'of a filter: since when it is not judged, because its partner''s filters took too long';
DROP FUNCTION casesync_internal.subscription_room(casesync_internal.partner);
DROP FUNCTION casesync_internal.wish_over_quota(casesync_internal.partner,
	casesync_internal.subscription, integer, integer);
DROP FUNCTION casesync_internal.wish_refusal(casesync_internal.partner, record,
	casesync_internal.subscription, integer, integer);
DROP FUNCTION casesync_internal.receive_wish(casesync_internal.partner,
	casesync_internal.subscription, jsonb, integer, integer);
DROP FUNCTION casesync_internal.filters_of(casesync_internal.agreement,
	casesync_internal.registry);
COMMENT ON TABLE casesync_internal.missed IS
	'subjects that changed while an agreement was suspended, or its partner''s filters were paused: '
	'looked at again when they go on';
