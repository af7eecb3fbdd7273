/* The tables and types of quarantine/: state, made once; changed by the scripts of upgrade/ only. */
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
	again_at timestamptz
);
/* The key of an expression is JSON of any length, too long for an index. */
CREATE UNIQUE INDEX quarantine_entry_about ON casesync_internal.quarantine_entry (
	registry, tracking, md5(key), event_type);
/* The router looks many times a second: by these it finds what to try, whatever else is here. */
CREATE INDEX quarantine_entry_mark ON casesync_internal.quarantine_entry (registry, mark, id);
CREATE INDEX quarantine_entry_again ON casesync_internal.quarantine_entry (registry, again_at)
	WHERE again_at IS NOT NULL;
COMMENT ON TABLE casesync_internal.quarantine_entry IS
	'subjects that cannot be rendered now; with a tracking: a key whose subjects cannot be found';
COMMENT ON COLUMN casesync_internal.quarantine_entry.mark IS
	'what the view and the crosswalk looked like; another mark means try again, NULL: somebody asked '
	'for it';
COMMENT ON COLUMN casesync_internal.quarantine_entry.again_at IS
	'when it is tried again although nothing has changed; NULL: not by the clock';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.quarantine_entry', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.quarantine_entry_id_seq', '');
