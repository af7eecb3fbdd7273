/* The tables and types of outbox/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TABLE casesync_internal.event (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	at timestamptz NOT NULL,
	removal boolean NOT NULL
);
COMMENT ON TABLE casesync_internal.event IS
	'changes as partners see them, kept while a notification of them is';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.event', '');
CREATE SEQUENCE casesync_internal.notification_id;
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.notification_id', '');
/*
 * The empty parent of the leaves. A row keeps its lane also when the subscription gets another one:
 * what waits there goes first, see next_notifications(). Nothing here refers to event, agreement or
 * subscription by a foreign key: each is pruned by its own rule, and a leaf by TRUNCATE.
 */
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
	state text NOT NULL DEFAULT 'due' CHECK (
		state IN ('due', 'delivered', 'dead', 'withheld', 'discarded')),
	state_reason text,
	is_bulk boolean NOT NULL DEFAULT false,
	place smallint NOT NULL DEFAULT 0
);
/* Those of the leaves, all empty: where one has none, a plan would read all of the others. */
CREATE INDEX notification_due ON casesync_internal.notification (lane, place, is_bulk, id)
	WHERE state = 'due' AND place >= 0;
CREATE INDEX notification_reference ON casesync_internal.notification (reference_id);
CREATE INDEX notification_subject ON casesync_internal.notification (registry, key);
COMMENT ON TABLE casesync_internal.notification IS
	'one event for one subscription, with its projected record; rows are in the leaves';
COMMENT ON COLUMN casesync_internal.notification.reference_id IS
	'random, the same at every attempt, never reused';
COMMENT ON COLUMN casesync_internal.notification.seq IS
	'position in the subscription''s stream, given when first sent; NULL in a stream: nothing of '
	'its message had left';
COMMENT ON COLUMN casesync_internal.notification.prev_seq IS
	'the number that is told before it: those in between are not told, or later';
COMMENT ON COLUMN casesync_internal.notification.is_bulk IS
	'one of very many that wait for each other: others go before it in its lane';
COMMENT ON COLUMN casesync_internal.notification.place IS
	'where it waits in its lane: 0 in the order of ids, which is looked at from a mark on '
	'(lane_state.live_from); 1 before that, since newer ones of its subject do (is_bulk no more); '
	'2 it was tried before';
/* Of a notification what is known when it is written; the table may get more columns. */
CREATE TYPE casesync_internal.new_notification AS (lane integer, subscription bigint, event uuid,
	registry text, key text, event_type text, removal boolean, record jsonb, hmac bytea,
	agreement text, agreement_version integer, hops text[], at timestamptz, is_bulk boolean);
COMMENT ON TYPE casesync_internal.new_notification IS
	'one event for one subscription that is to be told';
DO $$
DECLARE
	leaf integer;
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format(
			'CREATE TABLE casesync_internal.notification_%s (LIKE casesync_internal.notification '
			'INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id)) INHERITS '
			'(casesync_internal.notification) WITH (fillfactor = 50)', leaf);
		/*
		 * What waits, whatever lies delivered before it: a lane costs what is due in it. Who asks
		 * by anything else says nothing of the place, so that no plan reads all of this for it. No
		 * index has a column that changes when an item is numbered, and there is room for that.
		 */
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s '
			'(lane, place, is_bulk, id) WHERE state = ''due'' AND place >= 0', leaf);
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (reference_id)', leaf);
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (registry, key)', leaf);
		/* What waits of a subject, whatever was told of it before. */
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (registry, key) '
			'WHERE state = ''due''', leaf);
		/* Few of many: whether they were answered is asked by health. */
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (id) '
			'WHERE event_type = ''referral''', leaf);
		EXECUTE format(
			'COMMENT ON TABLE casesync_internal.notification_%s IS ''one leaf of the ring of '
			'notifications''', leaf);
		PERFORM pg_extension_config_dump(
			format('casesync_internal.notification_%s', leaf)::regclass, '');
	END LOOP;
END
$$;
CREATE TABLE casesync_internal.open_number (
	item bigint PRIMARY KEY,
	subscription bigint NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	stream uuid NOT NULL,
	seq bigint NOT NULL,
	is_passed boolean NOT NULL DEFAULT false
);
CREATE INDEX open_number_of ON casesync_internal.open_number (subscription, registry, key);
CREATE INDEX open_number_seq ON casesync_internal.open_number (subscription, stream, seq);
COMMENT ON TABLE casesync_internal.open_number IS
	'notifications that were withheld after they had got their number: when their subject is told '
	'of again, the last of them is what tells it; what comes after them passes over their numbers';
COMMENT ON COLUMN casesync_internal.open_number.is_passed IS
	'a later one told what there was to tell: this one never will';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.open_number', '');
CREATE TABLE casesync_internal.notification_ring (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	leaf integer NOT NULL CHECK (leaf BETWEEN 0 AND 7)
);
COMMENT ON TABLE casesync_internal.notification_ring IS
	'the newest row names the leaf that notifications are appended to; none: leaf 0';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.notification_ring', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.notification_ring_id_seq', '');
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
CREATE INDEX outgoing_encrypted ON casesync_internal.outgoing (lane, must_encrypt)
	WHERE state = 'due';
COMMENT ON TABLE casesync_internal.outgoing IS
	'requests and callbacks: messages that are not notifications';
COMMENT ON COLUMN casesync_internal.outgoing.must_encrypt IS
	'encryption was required when it was written, so it never leaves without';
COMMENT ON COLUMN casesync_internal.outgoing.subscriptions IS
	'those that the partner knows of once this is acknowledged';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.outgoing', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.outgoing_id_seq', '');
CREATE INDEX outgoing_correlation ON casesync_internal.outgoing ((message->>'correlation_id'));
CREATE TABLE casesync_internal.push (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	note text,
	who name NOT NULL DEFAULT session_user,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	is_new boolean NOT NULL DEFAULT true,
	event uuid,
	dropped text
);
CREATE INDEX push_new ON casesync_internal.push (registry, id) WHERE is_new;
CREATE INDEX push_of_subject ON casesync_internal.push (registry, key);
CREATE INDEX push_event ON casesync_internal.push (event);
CREATE INDEX push_by ON casesync_internal.push (who, at);
COMMENT ON TABLE casesync_internal.push IS
	'what case workers have told partners by push(): the router makes notifications of it';
COMMENT ON COLUMN casesync_internal.push.is_new IS 'the router has not looked at it yet';
COMMENT ON COLUMN casesync_internal.push.event IS
	'that of its newest notification to the partner; NULL: none was made yet';
COMMENT ON COLUMN casesync_internal.push.dropped IS 'why none is made any more';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.push', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.push_id_seq', '');
CREATE TABLE casesync_internal.compacted (
	subscription bigint NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	items bigint NOT NULL,
	last_item bigint NOT NULL,
	is_waiting boolean NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (subscription, registry, key)
);
CREATE INDEX compacted_waiting ON casesync_internal.compacted (subscription) WHERE is_waiting;
CREATE INDEX compacted_looked ON casesync_internal.compacted (at) WHERE NOT is_waiting;
COMMENT ON TABLE casesync_internal.compacted IS
	'subjects of which older states were left out of a backlog that was too long, until their '
	'newest state has reached the partner';
COMMENT ON COLUMN casesync_internal.compacted.items IS 'how many states were left out';
COMMENT ON COLUMN casesync_internal.compacted.last_item IS
	'the newest item that was: an older one that was tried says nothing of it';
COMMENT ON COLUMN casesync_internal.compacted.is_waiting IS
	'the subject is to be looked at when the partner answers again; else an item tells it, or it '
	'was looked at';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.compacted', '');
