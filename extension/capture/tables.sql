/* The tables and types of capture/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- change_log ---- */
CREATE TABLE casesync_internal.change_ring (
	id integer PRIMARY KEY CHECK (id = 1),
	leaf integer NOT NULL CHECK (leaf BETWEEN 0 AND 7)
);
COMMENT ON TABLE casesync_internal.change_ring IS
	'which leaf of the log is written now; without a row it is leaf 0';
/* Plain tables and not partitions: emptying one must never make writers to the others wait. */
DO $$
BEGIN
	FOR i IN 0..7 LOOP
		EXECUTE format($table$
			CREATE TABLE casesync_internal.change_%s (
				id bigint NOT NULL,
				xid xid8 NOT NULL,
				era integer NOT NULL,
				cid bigint NOT NULL,
				relation oid NOT NULL,
				op "char" NOT NULL,
				tracking integer NOT NULL,
				key text,
				old_key text,
				changed jsonb,
				actor text,
				channel text,
				"session_user" text NOT NULL,
				origin bigint,
				at timestamptz NOT NULL,
				PRIMARY KEY (xid, id)
			)$table$, i);
		EXECUTE format('COMMENT ON TABLE casesync_internal.change_%s IS %L', i,
			'captured changes, leaf ' || i
			|| ' of the ring; read the view casesync_internal.change');
		PERFORM pg_extension_config_dump(format('casesync_internal.change_%s', i)::regclass, '');
	END LOOP;
END
$$;
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.change_ring', '');
/* ---- tracking ---- */
CREATE SEQUENCE casesync_internal.tracking_id AS integer;
COMMENT ON SEQUENCE casesync_internal.tracking_id IS 'numbers of trackings';
/*
 * A number, and no name, stands in triggers and in the log: both outlive renames, dump and restore.
 * Columns are kept by number (true in one place only) and by name (true until they are renamed).
 */
CREATE TABLE casesync_internal.tracking (
	id integer PRIMARY KEY,
	relation regclass NOT NULL,
	registries text[] NOT NULL,
	key text NOT NULL,
	key_columns name[] NOT NULL,
	key_is_column boolean NOT NULL,
	on_insert text,
	on_update text,
	on_delete text,
	columns name[] NOT NULL CHECK (cardinality(columns) > 0),
	condition text,
	subjects text,
	replicated boolean NOT NULL DEFAULT false,
	enabled boolean NOT NULL DEFAULT true,
	stopped_gap bigint,
	removed boolean NOT NULL DEFAULT false,
	key_query text,
	key_labels name[] NOT NULL,
	key_numbers smallint[] NOT NULL,
	column_numbers smallint[] NOT NULL,
	ignored name[],
	relation_name text NOT NULL,
	place text NOT NULL,
	author name,
	trees text[]
);
COMMENT ON TABLE casesync_internal.tracking IS
	'tracked tables: what makes which event of which registries';
COMMENT ON COLUMN casesync_internal.tracking.key IS 'a column, or an expression over key_labels';
COMMENT ON COLUMN casesync_internal.tracking.key_query IS
	'for an expression: the query that makes the subject key of a change''s key ($1)';
COMMENT ON COLUMN casesync_internal.tracking.subjects IS
	'query giving subject keys for a key ($1, text), to be run as the table''s owner';
COMMENT ON COLUMN casesync_internal.tracking.enabled IS
	'false: untracked, but the definition is kept';
COMMENT ON COLUMN casesync_internal.tracking.removed IS
	'untracked for good; the row stays until the log has no change that needs it';
COMMENT ON COLUMN casesync_internal.tracking.stopped_gap IS
	'the gap of stop_capture(), until start_capture()';
COMMENT ON COLUMN casesync_internal.tracking.ignored IS
	'the columns left out of a tracking of whole rows; NULL when columns were named';
COMMENT ON COLUMN casesync_internal.tracking.place IS
	'cluster, database and table in which the column numbers are true';
COMMENT ON COLUMN casesync_internal.tracking.author IS
	'whose table it was when the tracking was written';
COMMENT ON COLUMN casesync_internal.tracking.trees IS
	'condition, key and subjects as the server keeps expressions, true in the same place';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.tracking_id', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.tracking', '');
/* ---- gap ---- */
CREATE SEQUENCE casesync_internal.gap_id;
COMMENT ON SEQUENCE casesync_internal.gap_id IS 'numbers of gaps';
CREATE TABLE casesync_internal.gap (
	id bigint PRIMARY KEY DEFAULT nextval('casesync_internal.gap_id'),
	tracking integer,
	relation regclass,
	registries text[] NOT NULL,
	reason text NOT NULL,
	who name NOT NULL,
	started timestamptz NOT NULL,
	ended timestamptz,
	filled timestamptz,
	hole boolean NOT NULL DEFAULT false,
	again boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE casesync_internal.gap IS
	'times in which changes of tracked tables were not recorded';
COMMENT ON COLUMN casesync_internal.gap.filled IS
	'when partners were given again what the gap had hidden';
COMMENT ON COLUMN casesync_internal.gap.hole IS
	'nobody asked for it: it was noticed that rows came, changed or went unseen';
COMMENT ON COLUMN casesync_internal.gap.again IS
	'of a hole that retrack() mended: the router looks again by itself';
CREATE INDEX gap_again ON casesync_internal.gap (id) WHERE again AND filled IS NULL;
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.gap_id', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.gap', '');
/* ---- capture_hole ---- */
CREATE TABLE casesync_internal.capture_seen (
	tracking integer PRIMARY KEY,
	members oid[] NOT NULL,
	labels text[] NOT NULL,
	well timestamptz NOT NULL,
	place text NOT NULL,
	hole_in xid8,
	written text,
	mending_in xid8
);
COMMENT ON TABLE casesync_internal.capture_seen IS
	'each tracking as it was last looked at: what differs now went unseen since then';
COMMENT ON COLUMN casesync_internal.capture_seen.members IS
	'the table and its partitions or children, by number';
COMMENT ON COLUMN casesync_internal.capture_seen.labels IS
	'the labels of its columns that are enums, each behind the number of its type';
COMMENT ON COLUMN casesync_internal.capture_seen.well IS
	'when it was last seen that every change was recorded';
COMMENT ON COLUMN casesync_internal.capture_seen.place IS
	'cluster and database in which the numbers are true';
COMMENT ON COLUMN casesync_internal.capture_seen.hole_in IS
	'the transaction that made the last hole; one that is mended in it before anything was written '
	'was none';
COMMENT ON COLUMN casesync_internal.capture_seen.written IS
	'what that transaction had written to the members until then';
COMMENT ON COLUMN casesync_internal.capture_seen.mending_in IS
	'the transaction in which track() or retrack() is making triggers: what lacks them is no hole';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.capture_seen', '');
/* ---- untracked ---- */
CREATE TABLE casesync_internal.left_untracked (
	registry text NOT NULL REFERENCES casesync_internal.registry ON DELETE CASCADE,
	relation regclass NOT NULL,
	reason text NOT NULL,
	who name NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (registry, relation)
);
COMMENT ON TABLE casesync_internal.left_untracked IS
	'tables that a registry reads and that need no tracking, as somebody has said';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.left_untracked', '');
