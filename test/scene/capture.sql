\set ECHO none
-- A registry for captured changes to belong to, and what was captured. The names below are those of schema app.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA app;
SET search_path = app;
CREATE VIEW people AS SELECT '1'::text AS subject_key, '{}'::jsonb AS record;
DO $$ BEGIN
	PERFORM casesync.publish('people', 'people', 'Member');
END $$;
-- what was captured since the last look, without what differs from run to run
CREATE TABLE looked (xid xid8, id bigint);
CREATE FUNCTION seen() RETURNS TABLE (cid bigint, tab text, op "char", key text, old_key text, changed jsonb)
	LANGUAGE sql AS $$
	WITH new AS (INSERT INTO app.looked SELECT xid, id FROM casesync_internal.change EXCEPT SELECT * FROM app.looked
		RETURNING *)
	SELECT c.cid, c.relation::regclass::text, c.op, c.key, c.old_key, c.changed
		FROM casesync_internal.change c JOIN new USING (xid, id) ORDER BY c.xid, c.cid, c.id
$$;
\set ECHO all
