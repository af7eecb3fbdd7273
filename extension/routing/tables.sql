/* The tables and types of routing/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- routing_window ---- */
CREATE TABLE casesync_internal.routing_state (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	era integer NOT NULL,
	last pg_snapshot NOT NULL,
	now pg_snapshot,
	done_xid xid8,
	done_id bigint
);
COMMENT ON TABLE casesync_internal.routing_state IS
	'appended; the newest row of an era tells what is routed: all that is visible in last, and of '
	'the open window (last, now] all up to done';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_state', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_state_id_seq', '');
CREATE TABLE casesync_internal.routing_turn_wanted (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.routing_turn_wanted IS
	'sessions of bridges that send nothing before a turn of the router that begins after this; '
	'mostly empty';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_turn_wanted', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_turn_wanted_id_seq', '');
CREATE TABLE casesync_internal.bulk_transaction (
	era integer NOT NULL,
	xid xid8 NOT NULL,
	done_id bigint NOT NULL,
	PRIMARY KEY (era, xid)
);
COMMENT ON TABLE casesync_internal.bulk_transaction IS
	'large transactions that the window has passed over, so that others need not wait for them; '
	'mostly empty';
COMMENT ON COLUMN casesync_internal.bulk_transaction.done_id IS
	'the last of its changes that counts as routed';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.bulk_transaction', '');
/* ---- routing_pace ---- */
CREATE TABLE casesync_internal.routing_pace (
	registry text NOT NULL,
	tracking integer NOT NULL DEFAULT 0,
	slice integer NOT NULL,
	rest_until timestamptz,
	PRIMARY KEY (registry, tracking)
);
COMMENT ON TABLE casesync_internal.routing_pace IS
	'registries whose views took long, and (with a tracking, and no registry) queries for subjects '
	'that did: so many subjects are looked at together';
COMMENT ON COLUMN casesync_internal.routing_pace.rest_until IS
	'slow even for few: others go first, and until then it has only what they leave; NULL: not slow';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_pace', '');
/* ---- expansion ---- */
CREATE TABLE casesync_internal.expansion (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tracking integer NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	origin bigint,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	after_key text COLLATE "C"
);
CREATE UNIQUE INDEX expansion_about ON casesync_internal.expansion (
	tracking, md5(key), event_type);
CREATE INDEX expansion_turn ON casesync_internal.expansion (tracking, id);
COMMENT ON TABLE casesync_internal.expansion IS
	'captured keys that stand for many subjects, which are read a page at a time';
COMMENT ON COLUMN casesync_internal.expansion.after_key IS
	'the last subject that was read; NULL: none yet';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.expansion', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.expansion_id_seq', '');
/* ---- routing_subject ---- */
/* One subject to look at: why, and how the change came here. */
CREATE TYPE casesync_internal.subject_event AS (
	event uuid, registry text, key text, event_type text, origin bigint, at timestamptz,
		position bigint, is_bulk boolean, since timestamptz, only_to bigint,
		is_scheduled boolean
);
COMMENT ON TYPE casesync_internal.subject_event IS
	'an event before it is known what the subject looks like; is_bulk: it waited with very many; '
	'since: when it may have happened, where that is not known (at); only_to: nothing happened, one '
	'subscription is told of the subject; is_scheduled: because its time has come';
/* A notification before it is written. */
CREATE TYPE casesync_internal.draft AS (event casesync_internal.subject_event,
	subscriptions bigint[], record jsonb,
	hmac bytea, removal boolean);
COMMENT ON TYPE casesync_internal.draft IS
	'one event for one partner: the subscriptions it goes to and what it says';
/* ---- routing_filter ---- */
CREATE TYPE casesync_internal.filter_move AS (event casesync_internal.subject_event,
	subscription bigint, record jsonb, hmac bytea,
	is_inside boolean, is_news boolean);
COMMENT ON TYPE casesync_internal.filter_move IS
	'a subject that is or was inside the filter of a subscription, and whether that is told';
CREATE TABLE casesync_internal.crossed_change (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	item bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (partner, registry, key)
);
COMMENT ON TABLE casesync_internal.crossed_change IS
	'subjects that were changed here and at a partner before either knew of the other: until the '
	'next change of each';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.crossed_change', '');
