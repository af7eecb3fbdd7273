-- What a tracking says means the same whatever is renamed: labels, types, collations, functions, schemas, tables, columns.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS set;
CREATE SCHEMA words;
CREATE SCHEMA extra;
CREATE EXTENSION citext SCHEMA extra;
CREATE TYPE words.colour AS ENUM ('red', 'green');
CREATE COLLATION words.plain FROM "C";
CREATE FUNCTION words.number_of(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'P' || $1 $$;
CREATE TABLE app.person (id integer PRIMARY KEY, colour words.colour, name text, nick extra.citext, flag boolean, uin text);
CREATE TABLE app.link (programme_id integer, person_id integer);
CREATE VIEW app.people AS SELECT id AS subject_key, '{}'::jsonb AS record FROM app.person;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
DO $$ BEGIN
	PERFORM casesync.track('app.person', '{people}', 'id', on_update => 'enrolment',
		condition => $c$colour = 'red' AND (name COLLATE words.plain) > 'a' AND lower(nick::text) IN ('x', 'y') AND flag$c$);
	PERFORM casesync.track('app.person', '{people}', $c$words.number_of(uin)$c$, on_update => 'enrolment',
		subjects => $c$SELECT l.person_id FROM app.link l WHERE l.programme_id = length($1)$c$);
END $$;
CREATE VIEW app.says AS SELECT id, condition, key, subjects FROM casesync_internal.tracking ORDER BY id;
SELECT * FROM app.says;
CREATE FUNCTION app.captured() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM casesync_internal.change WHERE tracking = 1);
BEGIN
	UPDATE app.person SET uin = uin || 'x';
	RETURN format('%s of 2', (SELECT count(*) FROM casesync_internal.change WHERE tracking = 1) - before);
END $$;
INSERT INTO app.person VALUES (1, 'red', 'b', 'X', true, 'u1'), (2, 'green', 'b', 'X', true, 'u2');
SELECT app.captured();

-- renames_are_followed by retrack()
ALTER TYPE words.colour RENAME VALUE 'red' TO 'rouge';
SELECT casesync.retrack('app.person');
SELECT * FROM app.says;
ALTER TYPE words.colour RENAME TO couleur;
ALTER COLLATION words.plain RENAME TO simple;
ALTER FUNCTION words.number_of(text) RENAME TO numero;
SELECT casesync.retrack('app.person');
ALTER SCHEMA words RENAME TO mots;
ALTER EXTENSION citext SET SCHEMA public;
ALTER TABLE app.link RENAME TO lien;
ALTER TABLE app.lien RENAME COLUMN person_id TO personne;
ALTER TABLE app.person RENAME COLUMN flag TO drapeau;
SELECT casesync.retrack('app.person');
SELECT * FROM app.says;
SELECT app.captured();
-- a label that takes another's name does not take its meaning
ALTER TYPE mots.couleur RENAME VALUE 'rouge' TO 'bleu';
ALTER TYPE mots.couleur RENAME VALUE 'green' TO 'rouge';
SELECT casesync.retrack('app.person');
SELECT condition FROM app.says WHERE id = 1;
SELECT app.captured();
-- written_anew every minute, so that a dump has the names of today
ALTER TYPE mots.couleur RENAME TO coul;
ALTER TABLE app.lien RENAME TO l2;
SELECT emptied >= 0 AS tidied FROM casesync_internal.tidy();
SELECT * FROM app.says;
-- by whoever's path: another type of the same name changes nothing
CREATE SCHEMA decoy;
CREATE TYPE decoy.coul AS ENUM ('bleu', 'rouge');
SET search_path = decoy, app, public;
SELECT casesync.retrack('app.person');
RESET search_path;
SELECT condition FROM app.says WHERE id = 1;
SELECT app.captured();
-- trackings of an earlier version have no trees: they get them, those whose reading runs code by retrack() only
UPDATE casesync_internal.tracking SET trees = NULL;
SELECT emptied >= 0 AS tidied FROM casesync_internal.tidy();
SELECT id, trees[1] IS NOT NULL AS condition, trees[2] IS NOT NULL AS key, trees[3] IS NOT NULL AS subjects FROM casesync_internal.tracking ORDER BY id;
SELECT casesync.retrack('app.person');
SELECT id, trees[1] IS NOT NULL AS condition, trees[2] IS NOT NULL AS key, trees[3] IS NOT NULL AS subjects FROM casesync_internal.tracking ORDER BY id;
-- what is gone is said, and the rest goes on
DROP TABLE app.l2;
SELECT emptied >= 0 AS tidied FROM casesync_internal.tidy();
SELECT casesync.retrack('app.person');
SELECT subjects FROM app.says WHERE id = 2;
ALTER TABLE app.person DROP COLUMN name CASCADE;
SELECT app.try($$SELECT casesync.retrack('app.person')$$);
SELECT emptied >= 0 AS tidied FROM casesync_internal.tidy();
-- nobody hands over a tree
CREATE ROLE regress_tree LOGIN;
SELECT casesync.grant_access('regress_tree', 'publisher');
GRANT USAGE ON SCHEMA app TO regress_tree;
SET ROLE regress_tree;
SELECT app.try($$SELECT casesync_internal.tracking_tree_written(1, 1)$$);
SELECT app.try($$SELECT casesync_internal.expression_tree('pg_class', 'condition', 'true')$$);
RESET ROLE;
DROP OWNED BY regress_tree;
DROP ROLE regress_tree;
-- conditions of citext are refused: they would be compared by the case of letters
CREATE TABLE app.other (id integer, status citext);
SELECT app.try(format($$SELECT casesync.track('app.other', '{people}', 'id', on_insert => 'enrolment', condition => %L)$$, c))
  FROM unnest(ARRAY[$$CASE status WHEN 'employed' THEN true ELSE false END$$, $$status IS DISTINCT FROM 'unknown'$$, $$status IN ('a', 'b')$$, $$nullif(status, 'a') IS NULL$$,
	$$status = ANY ('{a}')$$, $$greatest(status, 'a') = 'a'$$, $$status BETWEEN 'a' AND 'b'$$, $$status LIKE 'a%'$$]) c;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app, mots, extra, decoy CASCADE;
DROP EXTENSION citext;
