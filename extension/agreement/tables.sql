/* The tables and types of agreement/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- event_type ---- */
CREATE TABLE casesync_internal.registry_type (
	reg_type text NOT NULL CHECK (reg_type ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
	is_shipped boolean NOT NULL DEFAULT false,
	wire text NOT NULL CHECK (length(wire) <= 255),
	spellings text[] NOT NULL,
	description text,
	PRIMARY KEY (reg_type, is_shipped)
);
COMMENT ON TABLE casesync_internal.registry_type IS
	'kinds of registries; a row of one''s own counts before the shipped one of that name';
COMMENT ON COLUMN casesync_internal.registry_type.wire IS 'how it is sent';
COMMENT ON COLUMN casesync_internal.registry_type.spellings IS
	'what is read as it, in lower case, without prefix';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.registry_type',
	'WHERE NOT is_shipped');
CREATE TABLE casesync_internal.event_type (
	reg_type text NOT NULL,
	event_type text NOT NULL CHECK (event_type ~ '^[A-Za-z][A-Za-z0-9_.-]{0,98}$'),
	is_shipped boolean NOT NULL DEFAULT false,
	wire text NOT NULL CHECK (length(wire) <= 255),
	spellings text[] NOT NULL,
	description text,
	PRIMARY KEY (reg_type, event_type, is_shipped)
);
COMMENT ON TABLE casesync_internal.event_type IS
	'what can happen in a registry of some kind; a row of one''s own counts before the shipped one '
	'of that name';
COMMENT ON COLUMN casesync_internal.event_type.wire IS
	'how it is sent about registries of this type';
COMMENT ON COLUMN casesync_internal.event_type.spellings IS
	'what is read as it, in lower case, without prefix; the same event type in all registry types';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.event_type', 'WHERE NOT is_shipped');
/* ---- registry ---- */
CREATE TABLE casesync_internal.registry (
	registry text PRIMARY KEY CHECK (registry ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
	view regclass NOT NULL,
	record_type text NOT NULL CHECK (record_type ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
	reg_type text NOT NULL CHECK (reg_type ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
	key_column name NOT NULL,
	key_type regtype NOT NULL,
	record_column name NOT NULL,
	author name
);
/* No row level security: pg_dump by a role that may read all data would stop at it. */
COMMENT ON TABLE casesync_internal.registry IS
	'published views; written and read by casesync''s own functions only';
COMMENT ON COLUMN casesync_internal.registry.author IS
	'whose the view was when it was published; it is not read while it is another''s';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.registry', '');
CREATE TABLE casesync_internal.registry_grant (
	registry text NOT NULL,
	role name NOT NULL,
	PRIMARY KEY (registry, role)
);
COMMENT ON TABLE casesync_internal.registry_grant IS
	'roles whose tables may make events of another''s registry; written by grant_registry()';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.registry_grant', '');
CREATE TYPE casesync.problem AS (severity text, problem text, hint text);
COMMENT ON TYPE casesync.problem IS 'something to look at: warning or note, what, and what to do';
/* ---- agreement ---- */
CREATE TABLE casesync_internal.agreement (
	agreement text NOT NULL CHECK (agreement <> '' AND length(agreement) <= 99),
	version integer NOT NULL,
	partner text NOT NULL,
	direction text NOT NULL CHECK (direction IN ('out', 'in')),
	registries text[] NOT NULL DEFAULT '{}',
	event_types text[] NOT NULL DEFAULT '{}',
	fields text[] NOT NULL DEFAULT '{}',
	filter_fields text[] NOT NULL DEFAULT '{}',
	identifier_types text[] NOT NULL DEFAULT '{}',
	subjects text,
	services text[] NOT NULL DEFAULT '{notify}',
	apply_mode text NOT NULL DEFAULT 'review',
	valid_from timestamptz,
	valid_to timestamptz NOT NULL DEFAULT 'infinity',
	purpose text,
	legal_basis text,
	document_uri text,
	document_sha256 bytea,
	must_encrypt boolean NOT NULL DEFAULT false,
	subscribing text NOT NULL DEFAULT 'approve' CHECK (subscribing IN ('approve', 'auto')),
	initial_state boolean NOT NULL DEFAULT false,
	on_leave text NOT NULL DEFAULT 'silent' CHECK (on_leave IN ('silent', 'identifier_only')),
	lookups_per_day integer NOT NULL DEFAULT 10000 CHECK (lookups_per_day >= 0),
	state text NOT NULL DEFAULT 'draft'
		CHECK (state IN ('draft', 'rehearsed', 'active', 'suspended', 'ended')),
	author name NOT NULL DEFAULT session_user,
	written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	activated_by name,
	activated_at timestamptz,
	ended_at timestamptz,
	end_reason text,
	rehearsed_until timestamptz,
	stopped_at timestamptz,
	stop_reason text,
	stop_scope text CHECK (stop_scope IN ('agreement', 'partner', 'everybody')),
	written_as name,
	PRIMARY KEY (agreement, version),
	CHECK (valid_from < valid_to)
);
CREATE UNIQUE INDEX agreement_active ON casesync_internal.agreement (agreement)
	WHERE state = 'active';
CREATE INDEX agreement_of_partner ON casesync_internal.agreement (partner, direction)
	WHERE state = 'active';
CREATE UNIQUE INDEX agreement_rehearsed ON casesync_internal.agreement (agreement)
	WHERE state = 'rehearsed';
COMMENT ON TABLE casesync_internal.agreement IS 'data-sharing agreements, every version of each';
COMMENT ON COLUMN casesync_internal.agreement.lookups_per_day IS
	'how many people the partner may ask for in a day, by search and check-enrollment';
COMMENT ON COLUMN casesync_internal.agreement.rehearsed_until IS
	'routed and counted until then, with nothing sent';
COMMENT ON COLUMN casesync_internal.agreement.stop_scope IS
	'while suspended: what stop_sharing() was asked to stop';
COMMENT ON COLUMN casesync_internal.agreement.written_as IS
	'the owner of the SECURITY DEFINER function that wrote it in the author''s session; NULL: none';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.agreement', '');
/* ---- sharing ---- */
CREATE TABLE casesync_internal.sharing_stop (
	partner text PRIMARY KEY,
	reason text NOT NULL,
	who name NOT NULL DEFAULT session_user,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.sharing_stop IS
	'partners to whom nothing leaves; the empty name: to nobody';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.sharing_stop', '');
CREATE TABLE casesync_internal.missed (
	agreement text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (agreement, registry, key, event_type)
);
COMMENT ON TABLE casesync_internal.missed IS
	'subjects that changed while an agreement was suspended, or its partner''s filters were paused: '
	'looked at again when they go on';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.missed', '');
/* A row for each server process, so that no question waits for another one's answer. */
CREATE TABLE casesync_internal.lookup_day (
	partner text NOT NULL,
	day date NOT NULL,
	worker integer NOT NULL,
	lookups bigint NOT NULL,
	refused bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (partner, day, worker)
);
COMMENT ON TABLE casesync_internal.lookup_day IS
	'how many people a partner has asked for in a day; whom is not kept';
COMMENT ON COLUMN casesync_internal.lookup_day.worker IS 'the backend that counted';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lookup_day', '');
CREATE TABLE casesync_internal.lookup_walk (
	partner text NOT NULL,
	question bytea NOT NULL,
	page_size integer NOT NULL,
	page_number integer NOT NULL,
	people integer NOT NULL,
	day date NOT NULL,
	PRIMARY KEY (partner, question)
);
COMMENT ON TABLE casesync_internal.lookup_walk IS
	'questions that were answered today, by a keyed hash: the page that was given last and how '
	'many people were counted for it, so that the next page does not count them once more';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lookup_walk', '');
/* ---- rehearsal ---- */
CREATE TABLE casesync_internal.rehearsal_count (
	agreement text NOT NULL,
	version integer NOT NULL,
	registry text NOT NULL,
	event_type text NOT NULL,
	outcome text NOT NULL CHECK (outcome IN ('send', 'known', 'withhold', 'quarantine', 'failed')),
	subjects bigint NOT NULL,
	PRIMARY KEY (agreement, version, registry, event_type, outcome)
);
COMMENT ON TABLE casesync_internal.rehearsal_count IS
	'how often a rehearsed agreement would have done what';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.rehearsal_count', '');
CREATE TABLE casesync_internal.rehearsal_told (
	agreement text NOT NULL,
	version integer NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	hmac bytea NOT NULL,
	PRIMARY KEY (agreement, version, registry, key)
);
COMMENT ON TABLE casesync_internal.rehearsal_told IS
	'what a partner would know by now: keyed hashes';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.rehearsal_told', '');
CREATE TABLE casesync_internal.rehearsal_sample (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	agreement text NOT NULL,
	version integer NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	record jsonb NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX rehearsal_sample_newest ON casesync_internal.rehearsal_sample (agreement, version, id);
COMMENT ON TABLE casesync_internal.rehearsal_sample IS
	'the last 100 notifications that a rehearsed agreement would have made, until it is activated '
	'or ends';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.rehearsal_sample', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.rehearsal_sample_id_seq', '');
/* One subject under a rehearsed agreement, as rehearsal_note() is told of it. */
CREATE TYPE casesync_internal.rehearsed AS (key text, event_type text, outcome text, record jsonb,
	hmac bytea);
COMMENT ON TYPE casesync_internal.rehearsed IS
	'what would have been done about a subject; with what would have been sent';
