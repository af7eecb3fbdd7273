/* The tables and types of subscription/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- subscription ---- */
CREATE TABLE casesync_internal.subscription (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text CHECK (length(code) <= 99),
	partner text NOT NULL,
	event_type text NOT NULL,
	record_type text NOT NULL,
	reg_type text,
	registry text,
	filter jsonb,
	filter_type text,
	tree jsonb,
	id_type text,
	id_value text,
	cron text,
	time_zone text,
	starts timestamptz,
	ends timestamptz,
	deliver text NOT NULL DEFAULT 'every' CHECK (deliver IN ('every', 'latest')),
	authorize_claim jsonb,
	reference_id text,
	transaction_id text NOT NULL,
	correlation_id text,
	callback_url text,
	lane integer,
	locale text NOT NULL DEFAULT 'eng',
	state text NOT NULL CHECK (state IN ('pending', 'active', 'ended', 'refused')),
	waits_for text CHECK (waits_for IN ('decision', 'agreement')),
	is_confirmed boolean NOT NULL DEFAULT false,
	is_seeded boolean NOT NULL DEFAULT false,
	note text,
	reason text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	decided_at timestamptz,
	ended_at timestamptz,
	paused_at timestamptz,
	pause_reason text,
	is_push boolean NOT NULL DEFAULT false,
	CHECK ((id_type IS NULL) = (id_value IS NULL)),
	CHECK (id_type IS NULL OR tree IS NULL),
	CHECK ((state = 'pending') = (waits_for IS NOT NULL))
);
CREATE UNIQUE INDEX subscription_reference ON casesync_internal.subscription (partner, reference_id)
	WHERE reference_id IS NOT NULL;
/* The living ones: of the whole agreement or a filter, of one identifier, and all of a partner. */
CREATE INDEX subscription_of_many ON casesync_internal.subscription (partner, event_type)
	WHERE state IN ('pending', 'active') AND id_type IS NULL;
CREATE INDEX subscription_of_one ON casesync_internal.subscription (id_value, id_type, partner)
	WHERE state IN ('pending', 'active') AND id_type IS NOT NULL;
CREATE INDEX subscription_living ON casesync_internal.subscription (partner, lane)
	WHERE state IN ('pending', 'active');
CREATE INDEX subscription_unconfirmed ON casesync_internal.subscription (partner)
	WHERE state = 'active' AND NOT is_confirmed;
CREATE INDEX subscription_waiting ON casesync_internal.subscription (waits_for, partner)
	WHERE state = 'pending';
CREATE INDEX subscription_scheduled ON casesync_internal.subscription (partner)
	WHERE state = 'active' AND cron IS NOT NULL;
CREATE INDEX subscription_ending ON casesync_internal.subscription (ends)
	WHERE state IN ('pending', 'active') AND ends IS NOT NULL;
CREATE INDEX subscription_unseeded ON casesync_internal.subscription (id)
	WHERE state = 'active' AND tree IS NOT NULL AND NOT is_seeded;
CREATE INDEX subscription_paused ON casesync_internal.subscription (partner, paused_at)
	WHERE paused_at IS NOT NULL;
CREATE UNIQUE INDEX subscription_push ON casesync_internal.subscription
	(partner, registry, event_type) WHERE state = 'active' AND is_push;
COMMENT ON TABLE casesync_internal.subscription IS
	'partners'' subscriptions; is_confirmed: they know that it exists';
COMMENT ON COLUMN casesync_internal.subscription.lane IS
	'that of the address it is told at; NULL: of the registered one';
COMMENT ON COLUMN casesync_internal.subscription.tree IS
	'the parsed filter; NULL: everybody the agreement allows or, with an identifier, this one';
COMMENT ON COLUMN casesync_internal.subscription.authorize_claim IS
	'what the partner says it is authorized by: shown to who decides, never trusted';
COMMENT ON COLUMN casesync_internal.subscription.waits_for IS
	'pending until somebody decides, or until the agreement begins';
COMMENT ON COLUMN casesync_internal.subscription.is_seeded IS
	'of a filter: who was inside when it began has been looked up';
COMMENT ON COLUMN casesync_internal.subscription.paused_at IS
	'of a filter: since when it is not judged, because its partner''s filters took too long';
COMMENT ON COLUMN casesync_internal.subscription.is_push IS
	'nobody''s wish: what case workers push to the partner is numbered by it';
COMMENT ON COLUMN casesync_internal.subscription.note IS
	'what was said with the answer, to say it again';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.subscription', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.subscription_id_seq', '');
CREATE TABLE casesync_internal.filter_seed (
	partner text PRIMARY KEY,
	next_at timestamptz NOT NULL
);
COMMENT ON TABLE casesync_internal.filter_seed IS
	'when it is looked up next who is inside a new filter of a partner';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.filter_seed', '');
/* ---- backfill_job ---- */
CREATE TABLE casesync_internal.backfill (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subscription bigint NOT NULL,
	is_initial boolean NOT NULL,
	subjects text,
	who name NOT NULL DEFAULT session_user,
	state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
	reason text,
	registry text,
	keys text[] NOT NULL DEFAULT '{}',
	place integer NOT NULL DEFAULT 0,
	is_last boolean NOT NULL DEFAULT false,
	looked bigint NOT NULL DEFAULT 0,
	told bigint NOT NULL DEFAULT 0,
	next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	waits_lane integer,
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	moved_at timestamptz,
	ended_at timestamptz
);
CREATE UNIQUE INDEX backfill_running ON casesync_internal.backfill (subscription)
	WHERE state = 'running';
CREATE INDEX backfill_due ON casesync_internal.backfill (next_at, id) WHERE state = 'running';
CREATE INDEX backfill_waiting ON casesync_internal.backfill (waits_lane)
	WHERE state = 'running' AND waits_lane IS NOT NULL;
CREATE INDEX backfill_of ON casesync_internal.backfill (subscription);
COMMENT ON TABLE casesync_internal.backfill IS
	'subscriptions whose partner is told of all subjects as they are now, and how far that is';
COMMENT ON COLUMN casesync_internal.backfill.is_initial IS
	'begun by itself with the subscription, since the agreement says so';
COMMENT ON COLUMN casesync_internal.backfill.subjects IS
	'only of whom this condition over the view''s columns holds; NULL: of all';
COMMENT ON COLUMN casesync_internal.backfill.reason IS
	'why it stands still, or has ended early';
COMMENT ON COLUMN casesync_internal.backfill.registry IS
	'the registry under way, in the order of names; NULL: none yet';
COMMENT ON COLUMN casesync_internal.backfill.keys IS
	'its page under way, in the order of keys: the next one begins behind the last of these';
COMMENT ON COLUMN casesync_internal.backfill.place IS 'so many of the page are done';
COMMENT ON COLUMN casesync_internal.backfill.is_last IS 'no page of the registry comes after this';
COMMENT ON COLUMN casesync_internal.backfill.next_at IS 'when the router goes on with it';
COMMENT ON COLUMN casesync_internal.backfill.waits_lane IS
	'the lane in which so much of it waits that no more is put there';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.backfill', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.backfill_id_seq', '');
/* ---- schedule ---- */
CREATE TABLE casesync_internal.scheduled_subject (
	registry text NOT NULL,
	key text NOT NULL,
	subscription bigint NOT NULL,
	due_at timestamptz NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (registry, key, subscription)
);
CREATE INDEX scheduled_subject_due ON casesync_internal.scheduled_subject (due_at, registry, key);
CREATE INDEX scheduled_subject_of ON casesync_internal.scheduled_subject (subscription);
COMMENT ON TABLE casesync_internal.scheduled_subject IS
	'subjects of which there is news for a subscription that is told at certain times';
COMMENT ON COLUMN casesync_internal.scheduled_subject.due_at IS
	'when it is told of them, as they are then';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.scheduled_subject', '');
/* ---- my_subscription ---- */
CREATE TABLE casesync_internal.my_subscription (
	reference_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	partner text NOT NULL,
	event_type text NOT NULL,
	record_type text NOT NULL,
	filter jsonb,
	filter_type text,
	frequency text,
	transaction_id text NOT NULL UNIQUE,
	code text,
	state text NOT NULL DEFAULT 'requested'
		CHECK (state IN ('requested', 'pending', 'active', 'ending', 'ended', 'refused',
			'unanswered')),
	reason text,
	requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	answered_at timestamptz
);
CREATE INDEX my_subscription_code ON casesync_internal.my_subscription (partner, code);
COMMENT ON TABLE casesync_internal.my_subscription IS 'what we have asked partners to tell us';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.my_subscription', '');
