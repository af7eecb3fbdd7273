/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{subscription,partner,message_in}');

/* Filters that cost too much are paused. */
ALTER TABLE casesync_internal.subscription ADD COLUMN paused_at timestamptz,
	ADD COLUMN pause_reason text;
CREATE INDEX subscription_paused ON casesync_internal.subscription (partner, paused_at)
	WHERE paused_at IS NOT NULL;
COMMENT ON COLUMN casesync_internal.subscription.paused_at IS
	'of a filter: since when it is not judged, because its partner''s filters took too long';
CREATE TABLE casesync_internal.filter_seed (
	partner text PRIMARY KEY,
	next_at timestamptz NOT NULL
);
COMMENT ON TABLE casesync_internal.filter_seed IS
	'when it is looked up next who is inside a new filter of a partner';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.filter_seed', '');
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

/* What a partner can make us store is bounded. */
ALTER TABLE casesync_internal.partner
	ADD COLUMN max_bytes_per_day bigint NOT NULL DEFAULT 536870912 CHECK (max_bytes_per_day >= 0),
	ADD COLUMN max_bytes bigint NOT NULL DEFAULT 21474836480 CHECK (max_bytes >= 0);
COMMENT ON COLUMN casesync_internal.partner.max_bytes_per_day IS
	'how many bytes it may have stored here on one day';
COMMENT ON COLUMN casesync_internal.partner.max_bytes IS
	'how many bytes it may have stored here in all, of what was not pruned';
CREATE TABLE casesync_internal.stored_day (
	partner text NOT NULL,
	day date NOT NULL,
	worker integer NOT NULL,
	bytes bigint NOT NULL,
	refused bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (partner, day, worker)
);
COMMENT ON TABLE casesync_internal.stored_day IS
	'how many bytes are kept of what a partner sent or asked for on a day';
COMMENT ON COLUMN casesync_internal.stored_day.worker IS
	'the backend that counted; 0: all of a day that is over';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.stored_day', '');
INSERT INTO casesync_internal.stored_day (partner, day, worker, bytes)
SELECT m.partner, (m.at AT TIME ZONE 'UTC')::date, 0, sum(octet_length(m.raw))
  FROM casesync_internal.message_in m WHERE m.raw <> '' GROUP BY 1, 2;
CREATE INDEX message_in_rejected ON casesync_internal.message_in (at) WHERE action = 'rejected';
DROP FUNCTION casesync.set_quota(text, integer, integer);
