/* The tables and types of upkeep/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TABLE casesync_internal.prune_mark (
	part text PRIMARY KEY,
	page bigint NOT NULL DEFAULT 0,
	is_kept boolean NOT NULL DEFAULT false,
	next_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.prune_mark IS
	'how far the walks have come by which what was settled long ago is forgotten';
COMMENT ON COLUMN casesync_internal.prune_mark.page IS 'the page of the table that is next';
COMMENT ON COLUMN casesync_internal.prune_mark.is_kept IS
	'whether something was left on the pages before';
COMMENT ON COLUMN casesync_internal.prune_mark.next_at IS 'when the walk goes on, or begins anew';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.prune_mark', '');
CREATE TABLE casesync_internal.size_sample (
	at timestamptz NOT NULL,
	what text NOT NULL,
	bytes bigint NOT NULL,
	PRIMARY KEY (what, at)
);
COMMENT ON TABLE casesync_internal.size_sample IS
	'how many bytes our tables had, once an hour, for eight days';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.size_sample', '');
