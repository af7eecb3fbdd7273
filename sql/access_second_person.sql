-- What one administrator cannot do alone: give out accesses that see or decide, and switch off four eyes.
CREATE EXTENSION casesync;
\i test/scene/try.sql
GRANT ALL ON SCHEMA app TO PUBLIC;
CREATE ROLE regress_eve LOGIN;
CREATE ROLE regress_bob LOGIN;
CREATE ROLE regress_carol LOGIN;
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_group;
CREATE FUNCTION app.has() RETURNS TABLE (role name, accesses text) LANGUAGE sql SECURITY DEFINER AS
	$$ SELECT g.role, string_agg(g.access, ' ' ORDER BY g.access) FROM casesync_internal.access_given g GROUP BY g.role ORDER BY g.role $$;
SELECT casesync.set_node('sp.test', 'https://sp.test');
SELECT casesync.grant_access('regress_eve', 'admin');
SELECT casesync.grant_access('regress_bob', 'admin');
SELECT casesync.grant_access('regress_carol', 'approver');

-- alone: what is harmless at once, what is not waits, however often it is said
SET SESSION AUTHORIZATION regress_eve;
SELECT casesync.grant_access('regress_app', 'types'), casesync.grant_access('regress_eve', 'reader'), casesync.grant_access('regress_app', 'publisher');
SELECT a, casesync.grant_access('regress_eve', a) FROM unnest('{admin,approver,auditor,bridge,reviewer}'::text[]) a;
SELECT casesync.grant_access('regress_eve', 'approver'), casesync.grant_access('regress_app', 'admin');
SELECT casesync.set_node('sp.test', four_eyes => false);
SELECT app.try($$SELECT casesync.grant_access('regress_eve', 'everything')$$);
SELECT app.try($$SELECT casesync.grant_access(NULL, 'auditor')$$);
SELECT app.try($$SELECT casesync.grant_access('regress_eve', NULL)$$);
SELECT four_eyes FROM casesync.this_node;
SELECT * FROM app.has();
SELECT change, asked_by, waits_until - asked_at AS waits, agree, withdraw FROM casesync.pending_changes ORDER BY change;
SELECT problem, mend FROM casesync.health WHERE problem ~ 'regress_eve has asked' ORDER BY problem LIMIT 2;
-- not by what grant_access() is made of, nor by SET ROLE
SELECT app.try($$INSERT INTO casesync_internal.pending_change (what, role, access, asked_by) VALUES ('grant_access', 'regress_eve', 'approver', 'regress_bob')$$);
SELECT app.try($$UPDATE casesync_internal.pending_change SET asked_by = 'regress_bob'$$);
SELECT app.try('DELETE FROM casesync_internal.pending_change');
SELECT app.try($$SELECT casesync_internal.grant_access_for('postgres', 'regress_eve', 'approver')$$);
SELECT app.try($$SELECT casesync_internal.set_node_for('postgres', 'sp.test', NULL, NULL, NULL, NULL, false)$$);
SELECT app.try($$SELECT casesync_internal.change_agree('postgres', 'grant_access', 'regress_eve', 'approver', '')$$);
SELECT app.try($$SELECT casesync_internal.give_access('regress_eve', 'approver')$$);
SELECT app.try('SET ROLE regress_bob');
RESET SESSION AUTHORIZATION;
-- not by who may only approve
SET SESSION AUTHORIZATION regress_carol;
SELECT app.try($$SELECT casesync.grant_access('regress_carol', 'auditor')$$);
SELECT app.try($$SELECT casesync.set_node('sp.test', four_eyes => false)$$);
RESET SESSION AUTHORIZATION;
SELECT * FROM app.has();

-- a superuser, and another administrator, lend nothing to a function of hers that they call
SET SESSION AUTHORIZATION regress_eve;
CREATE FUNCTION app.trap(statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE r text; BEGIN EXECUTE statement INTO r; RETURN r; END $$;
RESET SESSION AUTHORIZATION;
SELECT app.try($$SELECT app.trap('SELECT casesync.grant_access(''regress_eve'', ''approver'')')$$);
SELECT app.try($$SELECT app.trap('SELECT casesync.set_node(''sp.test'', four_eyes => false)')$$);
-- nor to one that sets her role, or that an index of hers computes by
SET SESSION AUTHORIZATION regress_eve;
CREATE FUNCTION app.trap_role() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET role = 'regress_eve' AS
	$$ BEGIN RETURN casesync.grant_access('regress_eve', 'approver'); END $$;
CREATE TABLE app.bait (v text);
CREATE FUNCTION app.trap_index(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN RETURN casesync.grant_access('regress_eve', 'approver'); END $$;
CREATE INDEX ON app.bait (app.trap_index(v));
INSERT INTO app.bait VALUES ('x');
RESET SESSION AUTHORIZATION;
SELECT app.try('SELECT app.trap_role()');
SELECT app.try('REINDEX TABLE app.bait');
SELECT app.try($$SELECT app.trap('SET ROLE postgres')$$) ~ 'cannot set parameter' AS no_other_role;
SET SESSION AUTHORIZATION regress_bob;
SELECT app.try($$SELECT app.trap('SELECT casesync.grant_access(''regress_eve'', ''approver'')')$$);
SELECT app.try($$SELECT app.trap('SELECT casesync.set_node(''sp.test'', four_eyes => false)')$$);
-- what needs nobody else may be called by functions, as ever
SELECT app.trap($$SELECT casesync.grant_access('regress_eve', 'types')$$);
RESET SESSION AUTHORIZATION;
SELECT * FROM app.has();
SELECT four_eyes FROM casesync.this_node;

-- a second person, who is none of hers
CREATE ROLE regress_eve_2 LOGIN;
GRANT regress_eve TO regress_eve_2;
SET SESSION AUTHORIZATION regress_eve_2;
SELECT casesync.grant_access('regress_eve', 'approver');
RESET SESSION AUTHORIZATION;
REVOKE regress_eve FROM regress_eve_2;
GRANT regress_eve_2 TO regress_eve;
SELECT casesync.grant_access('regress_group', 'admin');
GRANT regress_group TO regress_eve_2;
SET SESSION AUTHORIZATION regress_eve_2;
SELECT casesync.grant_access('regress_eve', 'approver');
RESET SESSION AUTHORIZATION;
REVOKE regress_eve_2 FROM regress_eve;
GRANT regress_group TO regress_eve WITH ADMIN OPTION;
SET SESSION AUTHORIZATION regress_eve_2;
SELECT casesync.grant_access('regress_eve', 'approver');
RESET SESSION AUTHORIZATION;
SELECT problem, mend FROM casesync.health WHERE problem ~ 'by GRANT' ORDER BY problem;
REVOKE regress_group FROM regress_eve;
SELECT casesync.revoke_access('regress_eve', 'approver');
-- one who has it by a role counts, also with SET ROLE, and the first one by his login
SET SESSION AUTHORIZATION regress_eve;
SELECT casesync.grant_access('regress_eve', 'auditor') ~ 'waits' AS waits;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_eve_2 NOINHERIT;
REVOKE regress_group FROM regress_eve_2;
GRANT regress_group TO regress_eve_2;
SET SESSION AUTHORIZATION regress_eve_2;
SELECT app.try($$SELECT casesync.grant_access('regress_eve', 'auditor')$$);
SET ROLE regress_group;
SELECT casesync.grant_access('regress_eve', 'auditor');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_bob;
SELECT casesync.grant_access('regress_app', 'admin');
SELECT casesync.set_node('sp.test', four_eyes => false);
SELECT change FROM casesync.pending_changes ORDER BY change;
RESET SESSION AUTHORIZATION;
SELECT * FROM app.has();
SELECT four_eyes FROM casesync.this_node;
SELECT who, what, about, detail - '{era,one,locale,paused,stream,key_ids,base_url,sender_id,time_zone,database_oid,table_oid,timeline,paused_reason,system_identifier}'::text[] AS detail
	FROM casesync.audit WHERE detail ? 'asked_by' ORDER BY id;
-- who asked first, too
SELECT who, detail ->> 'four_eyes' AS four_eyes, detail ->> 'waits' AS waits FROM casesync.audit WHERE what = 'set_node' ORDER BY id;
SELECT severity, problem, mend FROM casesync.health WHERE problem !~ 'has asked' ORDER BY 2;
-- four eyes go on by one, and who is gone has no say
SET SESSION AUTHORIZATION regress_eve;
SELECT casesync.set_node('sp.test', four_eyes => true) ~ 'waits' AS waits, casesync.set_node('sp.test', four_eyes => false) ~ 'waits' AS waits;
SELECT casesync.set_node('sp.test', four_eyes => true) ~ 'waits' AS waits;
SELECT count(*) FROM casesync.pending_changes WHERE change ~ 'eyes';
SELECT casesync.set_node('sp.test', four_eyes => false) ~ 'waits' AS waits;
RESET SESSION AUTHORIZATION;
SELECT casesync.revoke_access('regress_eve', 'admin');
SET SESSION AUTHORIZATION regress_bob;
SELECT casesync.set_node('sp.test', four_eyes => false);
RESET SESSION AUTHORIZATION;
SELECT four_eyes FROM casesync.this_node;
-- after seven days nothing waits
UPDATE casesync_internal.pending_change SET asked_at = asked_at - interval '7 days';
SELECT count(*) FROM casesync.pending_changes;
SET SESSION AUTHORIZATION regress_eve_2;
SET ROLE regress_group;
SELECT casesync.set_node('sp.test', four_eyes => false);
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM casesync_internal.pending_change;
-- the owner of the database needs nobody; whoever calls a function of his is not he
SELECT current_database() AS database \gset
CREATE ROLE regress_owner LOGIN;
SELECT casesync.grant_access('regress_owner', 'admin'), casesync.grant_access('regress_eve', 'admin');
ALTER DATABASE :"database" OWNER TO regress_owner;
SET SESSION AUTHORIZATION regress_owner;
SELECT casesync.grant_access('regress_owner', 'auditor');
SELECT casesync.set_node('sp.test', four_eyes => false);
SELECT app.try($$SELECT app.trap('SELECT casesync.grant_access(''regress_eve'', ''approver'')')$$);
RESET SESSION AUTHORIZATION;
ALTER DATABASE :"database" OWNER TO CURRENT_USER;

-- taking away: at once; what it had not is said; what waited is withdrawn
SET SESSION AUTHORIZATION regress_bob;
SELECT casesync.revoke_access('regress_owner', 'auditor'), casesync.revoke_access('regress_owner', 'reviewer'), casesync.revoke_access('regress_owner', 'admin');
SELECT casesync.grant_access('regress_bob', 'reviewer') ~ 'waits' AS waits, casesync.revoke_access('regress_bob', 'reviewer');
SELECT app.try($$SELECT casesync.revoke_access(NULL, 'reviewer')$$);
RESET SESSION AUTHORIZATION;
SELECT * FROM app.has();
CREATE ROLE regress_boss SUPERUSER;
SELECT casesync.grant_access('regress_boss', 'reader');
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_eve, regress_bob, regress_carol, regress_app, regress_group, regress_eve_2, regress_owner, regress_boss;
DROP ROLE regress_eve, regress_bob, regress_carol, regress_app, regress_group, regress_eve_2, regress_owner, regress_boss;
