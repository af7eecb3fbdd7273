/* The tables and types of code/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- crosswalk ---- */
CREATE SEQUENCE casesync_internal.crosswalk_order;
COMMENT ON SEQUENCE casesync_internal.crosswalk_order IS 'order in which words were mapped';
CREATE TABLE casesync_internal.crosswalk_word (
	list text NOT NULL CHECK (list ~ '\S'),
	directory text NOT NULL,
	word text NOT NULL,
	code text NOT NULL,
	preferred boolean,
	mapped bigint NOT NULL DEFAULT pg_catalog.nextval('casesync_internal.crosswalk_order'),
	PRIMARY KEY (list, directory, word)
);
ALTER SEQUENCE casesync_internal.crosswalk_order OWNED BY casesync_internal.crosswalk_word.mapped;
CREATE INDEX crosswalk_word_code ON casesync_internal.crosswalk_word (list, directory, code);
CREATE UNIQUE INDEX crosswalk_word_preferred ON casesync_internal.crosswalk_word (list, directory,
	code)
	WHERE preferred;
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.crosswalk_word', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.crosswalk_order', '');
COMMENT ON TABLE casesync_internal.crosswalk_word IS
	'local words and their codes; written by map_code()';
COMMENT ON COLUMN casesync_internal.crosswalk_word.list IS 'name of the list of local words';
COMMENT ON COLUMN casesync_internal.crosswalk_word.directory IS
	'the code directory: the name of its type';
COMMENT ON COLUMN casesync_internal.crosswalk_word.word IS
	'the local word, exactly as it is stored';
COMMENT ON COLUMN casesync_internal.crosswalk_word.code IS 'the code, as its type writes it';
COMMENT ON COLUMN casesync_internal.crosswalk_word.preferred IS
	'true: the word to write for this code; false: never; NULL: the first one mapped';
COMMENT ON COLUMN casesync_internal.crosswalk_word.mapped IS 'order in which words were mapped';
/*
 * By name, as a dump has it: one that is restored where a role is missing must bring the lists all
 * the same. A role that is gone or was renamed has no list; then a superuser says whose it is.
 */
CREATE TABLE casesync_internal.word_list (
	list text PRIMARY KEY CHECK (list ~ '\S'),
	owner name NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.word_list', '');
COMMENT ON TABLE casesync_internal.word_list IS
	'whose a list of words is; written by the first map_code() of it';
CREATE TABLE casesync_internal.word_list_grant (
	list text NOT NULL,
	role name NOT NULL,
	PRIMARY KEY (list, role)
);
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.word_list_grant', '');
COMMENT ON TABLE casesync_internal.word_list_grant IS
	'roles that may change another''s list of words; written by grant_word_list()';
/*
 * A word not found quarantines a subject; whoever retries compares this mark. It is a row, not a
 * sequence: a mark must become visible together with the words it stands for. It follows the
 * clock, so that a restored database does not repeat a mark that was seen before.
 */
CREATE TABLE casesync_internal.crosswalk_change (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	mark bigint NOT NULL
);
INSERT INTO casesync_internal.crosswalk_change (mark) VALUES (0);
COMMENT ON TABLE casesync_internal.crosswalk_change IS
	'one row: the mark of the last change of the crosswalk';
COMMENT ON COLUMN casesync_internal.crosswalk_change.only_row IS 'there is one row';
COMMENT ON COLUMN casesync_internal.crosswalk_change.mark IS 'see crosswalk_mark()';
/*
 * A country's own codes. The types accept local:900 to local:32767 with or without a row here:
 * DEFAULT, CHECK and partition bounds are restored before any data.
 */
CREATE TABLE casesync_internal.local_code (
	directory text NOT NULL,
	number smallint NOT NULL CHECK (number >= 900),
	label text NOT NULL CHECK (label ~ '\S'),
	description text,
	owner name NOT NULL DEFAULT current_user,
	PRIMARY KEY (directory, number)
);
CREATE UNIQUE INDEX local_code_label ON casesync_internal.local_code (directory, lower(label));
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.local_code', '');
COMMENT ON TABLE casesync_internal.local_code IS
	'labels of local codes; written by add_local_code()';
COMMENT ON COLUMN casesync_internal.local_code.directory IS
	'the code directory: the name of its type';
COMMENT ON COLUMN casesync_internal.local_code.number IS '900 for local:900';
COMMENT ON COLUMN casesync_internal.local_code.label IS 'what people read';
COMMENT ON COLUMN casesync_internal.local_code.description IS 'what it means';
COMMENT ON COLUMN casesync_internal.local_code.owner IS 'the role whose label it is';
