/* The tables and types of outbox/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- subscription ---- */
CREATE TABLE casesync_internal.filter_inside (
	registry text NOT NULL,
	key text NOT NULL,
	subscription bigint NOT NULL,
	hmac bytea,
	PRIMARY KEY (registry, key, subscription)
);
CREATE INDEX filter_inside_of ON casesync_internal.filter_inside (subscription);
COMMENT ON TABLE casesync_internal.filter_inside IS
	'subjects that were told as inside the filter of a subscription, with a keyed hash of the record that was told; NULL: it is open';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.filter_inside', '');
/* ---- notification ---- */
CREATE TABLE casesync_internal.event (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	at timestamptz NOT NULL,
	removal boolean NOT NULL
);
COMMENT ON TABLE casesync_internal.event IS 'changes as partners see them, kept while a notification of them is';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.event', '');
CREATE SEQUENCE casesync_internal.notification_id;
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.notification_id', '');
CREATE TABLE casesync_internal.notification (
	id bigint NOT NULL DEFAULT nextval('casesync_internal.notification_id') PRIMARY KEY,
	reference_id uuid NOT NULL DEFAULT gen_random_uuid(),
	lane integer NOT NULL,
	subscription bigint NOT NULL,
	event uuid NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	removal boolean NOT NULL,
	record jsonb,
	hmac bytea,
	agreement text NOT NULL,
	agreement_version integer NOT NULL,
	hops text[] NOT NULL DEFAULT '{}',
	at timestamptz NOT NULL,
	stream uuid,
	seq bigint,
	prev_seq bigint,
	state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'dead', 'withheld', 'discarded')),
	state_reason text
);
COMMENT ON TABLE casesync_internal.notification IS 'one event for one subscription, with its projected record; rows are in the leaves';
COMMENT ON COLUMN casesync_internal.notification.reference_id IS 'random, the same at every attempt, never reused';
COMMENT ON COLUMN casesync_internal.notification.seq IS 'position in the subscription''s stream, given when first sent';
DO $$
DECLARE
	leaf integer;
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('CREATE TABLE casesync_internal.notification_%s (LIKE casesync_internal.notification INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id)) INHERITS (casesync_internal.notification)', leaf);
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (lane, id) WHERE state = ''due''', leaf);
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (reference_id)', leaf);
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (registry, key)', leaf);
		EXECUTE format('COMMENT ON TABLE casesync_internal.notification_%s IS ''one leaf of the ring of notifications''', leaf);
		PERFORM pg_extension_config_dump(format('casesync_internal.notification_%s', leaf)::regclass, '');
	END LOOP;
END
$$;
CREATE TABLE casesync_internal.notification_ring (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	leaf integer NOT NULL CHECK (leaf BETWEEN 0 AND 7)
);
COMMENT ON TABLE casesync_internal.notification_ring IS 'the newest row names the leaf that notifications are appended to; none: leaf 0';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.notification_ring', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.notification_ring_id_seq', '');
CREATE TABLE casesync_internal.told (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	hmac bytea,
	identifiers jsonb,
	at timestamptz NOT NULL,
	PRIMARY KEY (partner, registry, key)
);
COMMENT ON TABLE casesync_internal.told IS 'what a partner knows, or is about to know, of a subject: a keyed hash; NULL: it is open';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.told', '');
CREATE TABLE casesync_internal.disclosure (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	way text NOT NULL,
	hmac bytea,
	agreement text NOT NULL,
	agreement_version integer NOT NULL,
	reference_id uuid NOT NULL,
	outcome text NOT NULL CHECK (outcome IN ('attempted', 'delivered', 'refused'))
);
CREATE INDEX disclosure_of_subject ON casesync_internal.disclosure (registry, key);
CREATE INDEX disclosure_of_item ON casesync_internal.disclosure (reference_id);
COMMENT ON TABLE casesync_internal.disclosure IS
	'append-only: attempted before the first sending of an item, then its outcome; the key becomes a keyed hash by erase()';
COMMENT ON COLUMN casesync_internal.disclosure.way IS 'notify, search, check_enrollment, push or backfill';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.disclosure', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.disclosure_id_seq', '');
/* ---- routing_subject ---- */
CREATE TABLE casesync_internal.quarantine_entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	tracking integer NOT NULL DEFAULT 0,
	key text NOT NULL,
	event_type text NOT NULL,
	reason text NOT NULL,
	error_code text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	tries integer NOT NULL DEFAULT 1,
	mark text,
	is_requested boolean NOT NULL DEFAULT false
);
/* The key of an expression is JSON of any length, too long for an index. */
CREATE UNIQUE INDEX quarantine_entry_about ON casesync_internal.quarantine_entry (registry, tracking, md5(key), event_type);
COMMENT ON TABLE casesync_internal.quarantine_entry IS
	'subjects that cannot be rendered now; with a tracking: a key whose subjects cannot be found';
COMMENT ON COLUMN casesync_internal.quarantine_entry.mark IS 'what the view and the crosswalk looked like; another mark means try again';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.quarantine_entry', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.quarantine_entry_id_seq', '');
/* ---- delivery ---- */
CREATE TABLE casesync_internal.outgoing (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	reference_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
	lane integer NOT NULL,
	action text NOT NULL,
	url text NOT NULL,
	status text NOT NULL,
	message jsonb NOT NULL,
	subscriptions bigint[] NOT NULL DEFAULT '{}',
	state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'dead', 'discarded')),
	state_reason text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	must_encrypt boolean NOT NULL DEFAULT false
);
CREATE INDEX outgoing_due ON casesync_internal.outgoing (lane, id) WHERE state = 'due';
COMMENT ON TABLE casesync_internal.outgoing IS 'requests and callbacks: messages that are not notifications';
COMMENT ON COLUMN casesync_internal.outgoing.must_encrypt IS 'encryption was required when it was written, so it never leaves without';
COMMENT ON COLUMN casesync_internal.outgoing.subscriptions IS 'those that the partner knows of once this is acknowledged';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.outgoing', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.outgoing_id_seq', '');
/* ---- transaction_status ---- */
CREATE INDEX outgoing_correlation ON casesync_internal.outgoing ((message->>'correlation_id'));
