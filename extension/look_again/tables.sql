/* The tables and types of look_again/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TABLE casesync_internal.look_again_entry (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	reason text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	origin bigint,
	happened timestamptz,
	CONSTRAINT look_again_entry_about UNIQUE (registry, key, event_type)
);
CREATE INDEX look_again_entry_turn ON casesync_internal.look_again_entry (registry, id);
COMMENT ON TABLE casesync_internal.look_again_entry IS
	'subjects that the router is to look at once more, although no change of them was captured, or '
	'that wait for others because they are very many';
COMMENT ON COLUMN casesync_internal.look_again_entry.event_type IS
	'as what partners are told of it, where they do not know it yet';
COMMENT ON COLUMN casesync_internal.look_again_entry.at IS
	'when it was last asked for: what is asked for while it is being looked at is looked at once more';
COMMENT ON COLUMN casesync_internal.look_again_entry.origin IS
	'the received item that all of it comes from';
COMMENT ON COLUMN casesync_internal.look_again_entry.happened IS
	'when the first of what it is looked at for happened: a subscription that was not told of it, '
	'when others were told later, is to be told; NULL: when it was asked for';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_entry', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_entry_id_seq', '');
CREATE TABLE casesync_internal.look_again_registry (
	registry text PRIMARY KEY,
	reason text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.look_again_registry IS
	'registries whose subjects are all to be looked at again, whatever partners were told of them';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_registry', '');
CREATE TABLE casesync_internal.look_again_note (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	reason text NOT NULL,
	error_code text,
	mark text,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX look_again_note_about ON casesync_internal.look_again_note (registry, key);
COMMENT ON TABLE casesync_internal.look_again_note IS
	'what senders found at the door, on its way to look_again_entry: they wait for nobody, so there '
	'is no key here that two could meet at';
COMMENT ON COLUMN casesync_internal.look_again_note.error_code IS
	'nobody could say whether the subject may pass: it goes into quarantine';
COMMENT ON COLUMN casesync_internal.look_again_note.mark IS 'as in quarantine_entry, of then';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_note', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_note_id_seq', '');
