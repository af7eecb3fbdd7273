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
CREATE TABLE casesync_internal.told (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	hmac bytea,
	identifiers jsonb,
	at timestamptz NOT NULL,
	PRIMARY KEY (partner, registry, key)
);
COMMENT ON TABLE casesync_internal.told IS
	'what a partner knows, or is about to know, of a subject: a keyed hash; NULL: it is open';
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
	'append-only: attempted before the first sending of an item, then its outcome; the key becomes '
	'a keyed hash by erase()';
COMMENT ON COLUMN casesync_internal.disclosure.way IS
	'notify, search, check_enrollment, push or backfill';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.disclosure', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.disclosure_id_seq', '');
