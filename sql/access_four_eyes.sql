-- Four eyes: whoever has both accesses, writes and puts into force by no trick alone what he wrote.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
DO $$ BEGIN
	PERFORM casesync.set_node('sp.test', four_eyes => true);
	PERFORM casesync.set_partner('p', 'https://p.test');
END $$;
GRANT ALL ON SCHEMA app TO PUBLIC;
CREATE ROLE regress_eve LOGIN;
CREATE ROLE regress_app LOGIN;
CREATE ROLE regress_officer LOGIN;
CREATE ROLE regress_group;
SELECT casesync.grant_access('regress_eve', 'admin'), casesync.grant_access('regress_eve', 'approver');
SELECT casesync.grant_access('regress_group', 'admin'), casesync.grant_access('regress_group', 'approver');
SELECT casesync.grant_access('regress_officer', 'approver');
GRANT regress_group TO regress_eve;
CREATE FUNCTION app.write_sql(agreement text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT casesync.set_agreement(%L, ''p'', registries => ''{people}'', event_types => ''{enrolment}'', fields => ''{employment_status}'',
		identifier_types => ''{UIN}'', subjects => ''true'', valid_from => ''2020-01-01'', legal_basis => ''law'')', agreement) $$;
-- functions that run anything as their owner, in whoever's session they are called: of hers, of her group's, of a superuser's
CREATE FUNCTION app.trap_eve(statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE r text; BEGIN EXECUTE statement INTO r; RETURN r; END $$;
CREATE FUNCTION app.trap_group(statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE r text; BEGIN EXECUTE statement INTO r; RETURN r; END $$;
CREATE FUNCTION app.trap_boss(statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE r text; BEGIN EXECUTE statement INTO r; RETURN r; END $$;
ALTER FUNCTION app.trap_eve(text) OWNER TO regress_eve;
ALTER FUNCTION app.trap_group(text) OWNER TO regress_group;
-- who writes, by what; who activates, by what; and what comes of it
CREATE TABLE app.tried (n serial, writer text, writes_by text, activates_by text, outcome text);
INSERT INTO app.tried (writer, writes_by, activates_by) SELECT w.login, w.how, a.how
  FROM (VALUES (1, 'regress_eve', 'self'), (2, 'regress_eve', 'group role'), (3, 'regress_eve', 'trap_eve'), (4, 'regress_app', 'trap_eve'), (5, 'regress_app', 'trap_group'),
	(6, 'regress_app', 'trap_boss')) w(n, login, how)
 CROSS JOIN (VALUES (1, 'regress_eve self'), (2, 'regress_eve group role'), (3, 'regress_app trap_eve'), (4, 'regress_officer trap_eve'), (5, 'regress_officer trap_group'),
	(6, 'regress_app trap_boss'), (7, 'regress_officer self')) a(n, how) ORDER BY a.n, w.n;
CREATE FUNCTION app.run(login name, how text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text;
BEGIN
	EXECUTE format('SET SESSION AUTHORIZATION %I', login);
	BEGIN
		IF how = 'group role' THEN SET ROLE regress_group; END IF;
		IF how ~ 'trap' THEN EXECUTE format('SELECT app.%I(%L)', how, statement) INTO outcome; ELSE EXECUTE statement INTO outcome; END IF;
		outcome := 'done';
	EXCEPTION WHEN OTHERS THEN
		outcome := regexp_replace(SQLERRM, 'agreement "\d+" must be activated by someone else than its author', 'author');
	END;
	RESET SESSION AUTHORIZATION;
	RETURN outcome;
END
$$;
DO $$
DECLARE
	t app.tried;
BEGIN
	FOR t IN SELECT * FROM app.tried ORDER BY n LOOP
		ASSERT app.run(t.writer, t.writes_by, app.write_sql(t.n::text)) = 'done', 'written';
		UPDATE app.tried SET outcome = app.run(split_part(t.activates_by, ' ', 1), substr(t.activates_by, strpos(t.activates_by, ' ') + 1), format('SELECT casesync.activate(%L)', t.n)) WHERE n = t.n;
		PERFORM casesync.end_agreement(t.n::text, 'next');
	END LOOP;
END
$$;
SELECT activates_by, string_agg(outcome, ', ' ORDER BY n) AS "by eve: self, group, trap_eve; by app: trap_eve, _group, _boss" FROM app.tried GROUP BY activates_by ORDER BY min(n);
-- not by what activate() and set_agreement() are made of
SET SESSION AUTHORIZATION regress_eve;
SELECT app.try($$SELECT casesync_internal.activate_for('regress_officer', '1', NULL)$$);
SELECT app.try($$SELECT casesync_internal.agreement_draft(NULL)$$);
RESET SESSION AUTHORIZATION;
-- another version than the one that was looked at
SELECT app.run('regress_app', 'trap_boss', app.write_sql('V')), app.run('regress_eve', 'self', app.write_sql('V'));
SET SESSION AUTHORIZATION regress_officer;
SELECT app.try($$SELECT casesync.activate('V', 1)$$);
SELECT app.try($$SELECT casesync.activate('V', version => 2)$$);
RESET SESSION AUTHORIZATION;
SELECT version, state, author, activated_by FROM casesync.agreements WHERE agreement = 'V' ORDER BY version;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_eve, regress_app, regress_officer, regress_group;
DROP ROLE regress_eve, regress_app, regress_officer, regress_group;
