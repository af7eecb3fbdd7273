-- What health says of accesses: one login with two that are for two, the bridge's role, roles under other names.
CREATE EXTENSION casesync;
\i test/scene/try.sql
SELECT casesync.set_node('sp.test', 'https://sp.test');
CREATE VIEW app.health AS SELECT problem, mend FROM casesync.health ORDER BY problem COLLATE "C";
-- every pair
DO $$
DECLARE
	accesses constant text[] := '{admin,approver,auditor,bridge,publisher,reader,reviewer,types}';
	one text; other text;
BEGIN
	FOREACH one IN ARRAY accesses LOOP
		FOREACH other IN ARRAY accesses LOOP
			IF one < other THEN
				EXECUTE format('CREATE ROLE regress_%s_%s LOGIN', one, other);
				PERFORM casesync.grant_access(format('regress_%s_%s', one, other)::regrole, one);
				PERFORM casesync.grant_access(format('regress_%s_%s', one, other)::regrole, other);
			END IF;
		END LOOP;
	END LOOP;
END
$$;
SELECT problem FROM app.health;
SELECT count(*) FROM pg_roles WHERE rolname ~ '^regress_' AND rolcanlogin;
-- none for a superuser, or a role that nobody logs in as
ALTER ROLE regress_admin_approver SUPERUSER;
ALTER ROLE regress_admin_auditor NOLOGIN;
SELECT count(*) FROM app.health WHERE problem ~ 'admin_approver|admin_auditor';
DO $$
DECLARE
	r name;
BEGIN
	FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '^regress_' LOOP
		EXECUTE format('DROP OWNED BY %1$I; DROP ROLE %1$I', r);
	END LOOP;
END
$$;
-- by membership, also where it is not inherited; what mends it does
CREATE ROLE regress_admins;
CREATE ROLE regress_ops NOINHERIT IN ROLE regress_admins;
CREATE ROLE "regress Eve" LOGIN IN ROLE regress_ops;
SELECT casesync.grant_access('regress_admins', 'admin'), casesync.grant_access('"regress Eve"', 'approver');
SELECT * FROM app.health;
SELECT casesync.revoke_access('"regress Eve"', 'approver');
CREATE ROLE regress_officers;
GRANT regress_officers TO "regress Eve";
SELECT casesync.grant_access('regress_officers', 'approver');
SELECT * FROM app.health;
REVOKE regress_officers FROM "regress Eve";
SELECT * FROM app.health;
-- who can make others administrators
GRANT regress_ops TO "regress Eve" WITH ADMIN OPTION;
SELECT * FROM app.health;
REVOKE ADMIN OPTION FOR regress_ops FROM "regress Eve";
SELECT * FROM app.health;

-- the bridge's role
CREATE ROLE regress_bridge LOGIN;
SELECT casesync.grant_access('regress_bridge', 'bridge');
SELECT * FROM app.health;
CREATE TABLE app.secret (v text);
GRANT SELECT ON app.secret TO regress_bridge;
SELECT * FROM app.health;
GRANT EXECUTE ON FUNCTION casesync_internal.problems() TO regress_bridge;
GRANT regress_officers TO regress_bridge;
ALTER ROLE regress_bridge CREATEDB BYPASSRLS;
ALTER TABLE app.secret OWNER TO regress_bridge;
SELECT problem FROM app.health;
ALTER TABLE app.secret OWNER TO CURRENT_USER;
REVOKE ALL ON app.secret FROM regress_bridge;
REVOKE EXECUTE ON FUNCTION casesync_internal.problems() FROM regress_bridge;
REVOKE regress_officers FROM regress_bridge;
ALTER ROLE regress_bridge NOCREATEDB NOBYPASSRLS;
-- a login of its own for each bridge, by membership
CREATE ROLE regress_bridge_2 LOGIN IN ROLE regress_bridge;
SELECT * FROM app.health;
GRANT SELECT ON app.secret TO regress_bridge_2;
SELECT problem FROM app.health;
REVOKE ALL ON app.secret FROM regress_bridge_2;

-- a role that was renamed; one that was dropped is no problem
ALTER ROLE regress_officers RENAME TO regress_deciders;
SELECT * FROM app.health;
BEGIN;
CREATE ROLE regress_stranger;
GRANT USAGE ON SCHEMA casesync TO regress_stranger;
SELECT * FROM app.health;
ROLLBACK;
SELECT casesync.grant_access('regress_deciders', 'approver');
SELECT * FROM app.health;
SELECT role, access FROM casesync_internal.access_given ORDER BY role;
DROP OWNED BY regress_deciders;
DROP ROLE regress_deciders;
SELECT * FROM app.health;

-- four eyes
SELECT casesync.set_node('sp.test', four_eyes => false) <> '' AS set;
SELECT * FROM app.health;
SELECT status FROM casesync.check();
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_admins, regress_ops, "regress Eve", regress_bridge, regress_bridge_2;
DROP ROLE regress_admins, regress_ops, "regress Eve", regress_bridge, regress_bridge_2;
