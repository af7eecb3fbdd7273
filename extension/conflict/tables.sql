/* The tables and types of conflict/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TABLE casesync_internal.field_version (
	registry text NOT NULL,
	key text NOT NULL,
	fields jsonb NOT NULL,
	past jsonb NOT NULL DEFAULT '{}',
	seeded_at timestamptz,
	identities text[] NOT NULL DEFAULT '{}',
	PRIMARY KEY (registry, key)
);
CREATE INDEX field_version_identity ON casesync_internal.field_version USING gin (identities)
	WITH (fastupdate = off);
COMMENT ON TABLE casesync_internal.field_version IS
	'when each field that partners may tell us was changed last, and by whom; of registries whose '
	'records have an apply function';
COMMENT ON COLUMN casesync_internal.field_version.fields IS
	'for each field a keyed hash of its value, when it was changed (microseconds), the mark of who '
	'did, and when what it replaced was changed';
COMMENT ON COLUMN casesync_internal.field_version.past IS
	'the same of a few values before';
COMMENT ON COLUMN casesync_internal.field_version.seeded_at IS
	'when fields that nobody had changed were noted as they were: with the time 0';
COMMENT ON COLUMN casesync_internal.field_version.identities IS
	'a keyed hash of each of its identifiers, by which a partner''s record finds it';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.field_version', '');
CREATE TABLE casesync_internal.version_seed (
	registry text PRIMARY KEY,
	fields text[] NOT NULL,
	after_key text,
	is_done boolean NOT NULL
);
COMMENT ON TABLE casesync_internal.version_seed IS
	'registries whose subjects were noted as they were, with which fields, and how far';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.version_seed', '');
CREATE TABLE casesync_internal.authority (
	registry text NOT NULL,
	field text NOT NULL,
	owner text NOT NULL,
	set_by name NOT NULL DEFAULT session_user,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (registry, field)
);
COMMENT ON TABLE casesync_internal.authority IS
	'whose word on a field of a registry counts: a partner''s or our own; for other fields the '
	'newest';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.authority', '');
CREATE TABLE casesync_internal.conflict (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	key text NOT NULL,
	field text NOT NULL,
	partner text NOT NULL,
	item bigint NOT NULL,
	ours jsonb,
	theirs jsonb,
	ours_at timestamptz,
	theirs_at timestamptz,
	winner text CHECK (winner IN ('ours', 'theirs')),
	why text NOT NULL,
	state text NOT NULL CHECK (state IN ('open', 'settled')),
	about text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	decided_by name,
	decided_at timestamptz,
	note text,
	UNIQUE (registry, key, field, partner, about)
);
CREATE INDEX conflict_open ON casesync_internal.conflict (partner) WHERE state = 'open';
COMMENT ON TABLE casesync_internal.conflict IS
	'fields that were changed here and at a partner before either knew of the other, or that a '
	'partner may not change';
COMMENT ON COLUMN casesync_internal.conflict.about IS
	'what met: our version and a keyed hash of theirs, so that it is noted once';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.conflict', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.conflict_id_seq', '');
CREATE TABLE casesync_internal.retelling (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	about text NOT NULL,
	is_due boolean NOT NULL DEFAULT true,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (partner, registry, key)
);
CREATE INDEX retelling_due ON casesync_internal.retelling (registry, key) WHERE is_due;
COMMENT ON TABLE casesync_internal.retelling IS
	'subjects of which a partner (the empty name: every partner) is told once more, since it may '
	'hold the value that lost; and of which it was, so that nothing goes to and fro';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.retelling', '');
/* What a partner says of one subject, as merge() is told of it. */
CREATE TYPE casesync_internal.arrival AS (item bigint, partner text, record jsonb, changed jsonb,
	changed_at timestamptz, received_at timestamptz, came_by_us boolean, is_accepted boolean, decided text);
COMMENT ON TYPE casesync_internal.arrival IS
	'the agreed part of a received record, with what is known of when and by whom its fields were '
	'changed; or a person''s decision about one of its fields';
/* One subject of ours as it is before something is applied to it. */
CREATE TYPE casesync_internal.own_subject AS (r casesync_internal.registry, key text, fields jsonb,
	version casesync_internal.field_version, known_at timestamptz, seen pg_snapshot, won jsonb);
COMMENT ON TYPE casesync_internal.own_subject IS
	'a subject of ours that a received record is about: the values of its fields, their versions, '
	'when the partner was last told of it, and the versions of the fields that are to be applied';
/* What is to become of one field. */
CREATE TYPE casesync_internal.field_choice AS (field text, theirs jsonb, ours jsonb,
	their_version jsonb, our_version jsonb, choice text, why text, is_conflict boolean);
COMMENT ON TYPE casesync_internal.field_choice IS
	'one field of a received record: choice is same, past (known already), ours or theirs';
CREATE TYPE casesync_internal.merged AS (record jsonb, news integer,
	subjects casesync_internal.own_subject[]);
COMMENT ON TYPE casesync_internal.merged IS
	'what of a received record is to be applied: with our values where they count, and how many of '
	'its fields are news';
