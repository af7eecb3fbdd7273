CREATE EXTENSION casesync;
\i test/scene/capture.sql

CREATE ROLE regress_writer;
GRANT USAGE ON SCHEMA app TO regress_writer;
CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer);
GRANT SELECT, INSERT, UPDATE, DELETE ON enrolment TO regress_writer;
SELECT casesync.track('enrolment', '{people}', 'person_id', on_insert => 'enrolment');
-- what a DBA puts on a leaf of the log is served as on any other table --------------------------------------
CREATE FUNCTION put(id integer, has_person boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	more text; what text;
BEGIN
	INSERT INTO app.enrolment VALUES (id, CASE WHEN has_person THEN id END);
	RETURN 'written';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS more = PG_EXCEPTION_CONTEXT, what = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLERRM, substring(more FROM 'casesync''s log[^\n]*'), nullif(what, ''));
END $$;
GRANT EXECUTE ON FUNCTION put TO regress_writer;
SET ROLE regress_writer;
SET search_path = app;
SELECT put(1);
RESET ROLE;
CREATE INDEX by_time ON casesync_internal.change_0 (at);
CREATE INDEX by_lower_key ON casesync_internal.change_0 (lower(key));
CREATE INDEX deletions ON casesync_internal.change_0 (key) WHERE op = 'D';
SET ROLE regress_writer;
SELECT put(2);
RESET ROLE;
SET enable_seqscan = off;
SELECT lower(key) FROM casesync_internal.change_0 WHERE lower(key) = '2';
SELECT count(*) FROM casesync_internal.change_0 WHERE key IS NOT NULL AND op = 'D';
RESET enable_seqscan;
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'has what is not';
DROP INDEX casesync_internal.by_time, casesync_internal.by_lower_key, casesync_internal.deletions;
-- columns
ALTER TABLE casesync_internal.change_0 ADD COLUMN tenant text NOT NULL DEFAULT 'x', ADD COLUMN twice text GENERATED ALWAYS AS (key || key) STORED;
SET ROLE regress_writer;
SELECT put(3);
RESET ROLE;
SELECT key, tenant, twice FROM casesync_internal.change_0 ORDER BY key;
ALTER TABLE casesync_internal.change_0 ALTER COLUMN tenant DROP DEFAULT;
SELECT put(4);
ALTER TABLE casesync_internal.change_0 DROP COLUMN tenant, DROP COLUMN twice;
-- constraints
ALTER TABLE casesync_internal.change_0 ADD CONSTRAINT few CHECK (key::integer < 5);
SELECT put(4);
SELECT put(5);
ALTER TABLE casesync_internal.change_0 DROP CONSTRAINT few, ALTER COLUMN key SET NOT NULL;
SELECT put(6);
SELECT put(60, false);
ALTER TABLE casesync_internal.change_0 ALTER COLUMN key DROP NOT NULL;
ALTER TABLE casesync_internal.change_0 ADD CONSTRAINT once EXCLUDE USING btree (key WITH =);
SELECT put(7);
DELETE FROM enrolment WHERE id = 7;
SELECT put(7);
ALTER TABLE casesync_internal.change_0 DROP CONSTRAINT once;
ALTER TABLE casesync_internal.change_0 DROP CONSTRAINT change_0_pkey;
SELECT put(8);
CREATE UNIQUE INDEX ON casesync_internal.change_0 (xid, (id + 0));
SELECT put(9);
DROP INDEX casesync_internal.change_0_xid_expr_idx;
ALTER TABLE casesync_internal.change_0 ADD PRIMARY KEY (xid, id) DEFERRABLE INITIALLY DEFERRED;
SELECT put(10);
ALTER TABLE casesync_internal.change_0 DROP CONSTRAINT change_0_pkey, ADD PRIMARY KEY (xid, id);
-- triggers and rules
CREATE TABLE noted (who name, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.noted VALUES (current_user, TG_WHEN || ' ' || NEW.key); RETURN NEW; END $$;
CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER noting AFTER INSERT ON casesync_internal.change_0 FOR EACH ROW EXECUTE FUNCTION note();
SET ROLE regress_writer;
SELECT put(11);
RESET ROLE;
SELECT who = current_user AS as_the_owner, what FROM noted;
CREATE TRIGGER keeping_out BEFORE INSERT ON casesync_internal.change_0 FOR EACH ROW EXECUTE FUNCTION keep_out();
SELECT put(12);
ALTER TABLE casesync_internal.change_0 SET UNLOGGED, ADD COLUMN more integer, ADD CHECK (more > 1), ADD UNIQUE (more);
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'has what is not';
SELECT mend FROM casesync.health WHERE problem ~ 'has what is not' \gset
:mend
SELECT severity, problem FROM casesync.health WHERE problem ~ 'has what is not';
-- what partners know is no less needed after a crash
ALTER TABLE casesync_internal.told SET UNLOGGED;
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'has what is not';
ALTER TABLE casesync_internal.told SET LOGGED;
CREATE RULE nothing AS ON INSERT TO casesync_internal.change_0 DO INSTEAD NOTHING;
SELECT put(13);
DROP RULE nothing ON casesync_internal.change_0;
-- row security: what we write down for them is not theirs to do
ALTER TABLE casesync_internal.change_0 ENABLE ROW LEVEL SECURITY;
SET ROLE regress_writer;
SELECT put(14);
RESET ROLE;
ALTER TABLE casesync_internal.change_0 DISABLE ROW LEVEL SECURITY;
-- as it was
SET ROLE regress_writer;
SELECT put(15);
RESET ROLE;
SELECT string_agg(coalesce(key, 'null'), ' ' ORDER BY id) FROM casesync_internal.change;
-- tables that are only read, with columns of another type
ALTER TABLE casesync_internal.change_ring ALTER COLUMN leaf TYPE text, DROP CONSTRAINT change_ring_leaf_check;
INSERT INTO casesync_internal.change_ring VALUES (1, '0');
SELECT put(16);
DELETE FROM casesync_internal.change_ring;
ALTER TABLE casesync_internal.change_ring ALTER COLUMN leaf TYPE integer USING leaf::integer;
SELECT put(16);
-- another primary key, or none; and what stands in a leaf's place
ALTER TABLE casesync_internal.tracking DROP CONSTRAINT tracking_pkey, ADD PRIMARY KEY (relation_name);
SELECT put(17);
ALTER TABLE casesync_internal.tracking DROP CONSTRAINT tracking_pkey, ADD PRIMARY KEY (id);
ALTER TABLE casesync_internal.change_0 RENAME TO change_00;
SELECT put(18);
CREATE SEQUENCE casesync_internal.change_0;
SELECT put(18);
DROP SEQUENCE casesync_internal.change_0;
ALTER TABLE casesync_internal.change_00 RENAME TO change_0;
SELECT put(18);

RESET search_path;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP ROLE regress_writer;
