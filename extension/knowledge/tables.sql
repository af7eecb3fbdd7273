/* The tables and types of knowledge/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TABLE casesync_internal.filter_inside (
	registry text NOT NULL,
	key text NOT NULL,
	subscription bigint NOT NULL,
	hmac bytea,
	PRIMARY KEY (registry, key, subscription)
);
CREATE INDEX filter_inside_of ON casesync_internal.filter_inside (subscription);
COMMENT ON TABLE casesync_internal.filter_inside IS
	'subjects that were told as inside the filter of a subscription, with a keyed hash of the '
	'record that was told; NULL: it is open';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.filter_inside', '');
/*
 * One row for a partner and a subject, updated: a million subjects are a million rows whatever
 * happens to them. A hash and no record: what was sent need not be kept to know what is news.
 */
CREATE TABLE casesync_internal.told (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	hmac bytea,
	identifiers jsonb,
	at timestamptz NOT NULL,
	told_to bigint[],
	owed bigint[] NOT NULL DEFAULT '{}',
	leaving bigint[],
	PRIMARY KEY (partner, registry, key)
);
COMMENT ON TABLE casesync_internal.told IS
	'what a partner knows, or is about to know, of a subject: a keyed hash; NULL: it is open';
COMMENT ON COLUMN casesync_internal.told.told_to IS
	'the subscriptions that were told it; NULL: nobody is left out';
COMMENT ON COLUMN casesync_internal.told.owed IS
	'subscriptions that are to be told of the subject whatever the partner knows, because they did '
	'not get an item of it';
COMMENT ON COLUMN casesync_internal.told.leaving IS
	'the subscriptions that are still to be told that it left; NULL: all who were told of it';
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
	outcome text NOT NULL CHECK (outcome IN ('attempted', 'delivered', 'refused', 'not_sent')),
	asked text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX disclosure_of_subject ON casesync_internal.disclosure (registry, key);
CREATE INDEX disclosure_of_item ON casesync_internal.disclosure (reference_id);
COMMENT ON TABLE casesync_internal.disclosure IS
	'append-only: attempted before the first sending of an item, then its outcome; the key becomes '
	'a keyed hash by erase()';
COMMENT ON COLUMN casesync_internal.disclosure.way IS
	'notify, search, count, check_enrollment or push';
COMMENT ON COLUMN casesync_internal.disclosure.asked IS
	'what the partner asked or wished by, beyond the agreed fields: it learns that this holds';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.disclosure', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.disclosure_id_seq', '');
/* One thing that a partner knows, as the functions of this room are told of it. */
CREATE TYPE casesync_internal.known AS (partner text, registry text, key text, hmac bytea,
	identifiers jsonb, subscription bigint);
COMMENT ON TYPE casesync_internal.known IS
	'what a partner was told of a subject: a keyed hash of the record, whom it was about where a '
	'removal may have to say so, and the subscription by which, where that matters';
/* One record that leaves, as disclosure_begin() is told of it. */
CREATE TYPE casesync_internal.disclosing AS (partner text, registry text, key text, hmac bytea,
	agreement text, agreement_version integer, reference_id uuid, asked text[]);
COMMENT ON TYPE casesync_internal.disclosing IS
	'a record of a subject that a partner gets, or somebody whom it is told the number of; the '
	'agreement that says so, the item or answer that carries it, and what it was asked by';
