-- A registry is told of by its owner's tables, and by those of roles that its owner has let.
\set ECHO none
\i test/scene/try.sql
CREATE EXTENSION casesync;
CREATE ROLE regress_a;
CREATE ROLE regress_b;
CREATE ROLE regress_member;
SELECT count(casesync.grant_access(r::regrole, 'publisher')) FROM unnest('{regress_a,regress_b,regress_member}'::text[]) r;
CREATE SCHEMA a AUTHORIZATION regress_a;
CREATE SCHEMA b AUTHORIZATION regress_b;
GRANT ALL ON SCHEMA app TO regress_a, regress_b, regress_member;
GRANT USAGE ON SCHEMA a TO regress_b;
SELECT count(*) FROM (SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false), casesync.set_partner('p', 'https://p.example')) x;
SET ROLE regress_a;
CREATE TABLE a.person (id integer PRIMARY KEY, name text);
INSERT INTO a.person SELECT i, 'name ' || i FROM generate_series(1, 9) i;
CREATE VIEW a.shared AS SELECT id AS subject_key, jsonb_build_object('name', name) AS record FROM a.person;
SELECT * FROM casesync.publish('person', 'a.shared', 'Member');
RESET ROLE;
DO $$ BEGIN
	PERFORM casesync.set_agreement('A', 'p', registries => '{person}', event_types => '{enrolment}', fields => '{name}', identifier_types => '{UIN}',
		subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
	PERFORM casesync.activate('A');
	PERFORM casesync.subscribe('p', 'enrolment', 'Member');
END $$;
-- routes all there is; of whom the partner is told
CREATE FUNCTION app.told() RETURNS TABLE (key text) LANGUAGE plpgsql AS $$
BEGIN
	WHILE (SELECT r.more OR r.changes > 0 FROM casesync_internal.route() r) LOOP NULL; END LOOP;
	RETURN QUERY WITH gone AS (DELETE FROM casesync_internal.notification n RETURNING n.key) SELECT g.key FROM gone g ORDER BY 1;
	DELETE FROM casesync_internal.told;
END $$;

-- the owner's own table needs nobody's consent; another's does, and it is not the caller's word whose it is
SET ROLE regress_a;
SELECT casesync.track('a.person', '{person}', 'id', on_insert => 'enrolment', on_update => 'enrolment');
SET ROLE regress_b;
CREATE TABLE b.forge (id integer PRIMARY KEY);
SELECT app.try($$SELECT casesync.track('b.forge', '{person}', 'id', on_insert => 'enrolment')$$);
CREATE VIEW b.own AS SELECT id AS subject_key, '{}'::jsonb AS record FROM b.forge;
SELECT * FROM casesync.publish('forge', 'b.own', 'Member');
SELECT casesync.track('b.forge', '{forge}', 'id', on_insert => 'enrolment');
SELECT app.try($$SELECT casesync_internal.tracking_store(jsonb_populate_record(t, '{"registries": ["person"]}')) FROM casesync_internal.tracking t WHERE t.relation = 'b.forge'::regclass$$);
SELECT app.try($$SELECT casesync_internal.tracking_store(jsonb_populate_record(t, '{"id": null, "author": "regress_a", "registries": ["forge", "person"]}')) FROM casesync_internal.tracking t WHERE t.relation = 'b.forge'::regclass$$);
SELECT app.try($$SELECT casesync.grant_registry('person', 'regress_b')$$);
SELECT app.try($$SELECT casesync.revoke_registry('person', 'regress_a')$$);
SELECT app.try($$INSERT INTO casesync_internal.registry_grant VALUES ('person', 'regress_b')$$);
SELECT app.try($$SELECT casesync_internal.registry_let('person', 'regress_b')$$);
SELECT app.try($$SELECT casesync_internal.grant_registry_for('regress_a', 'person', 'regress_b')$$);
INSERT INTO b.forge VALUES (1);
RESET ROLE;
SELECT * FROM app.told();

-- consent
SET ROLE regress_a;
SELECT casesync.grant_registry('person', 'regress_b');
SELECT app.try($$SELECT casesync.grant_registry('person', '4000000000')$$);
SELECT registry, owner, granted FROM casesync.registries ORDER BY 1;
SET ROLE regress_b;
CREATE TABLE b.fed (id integer PRIMARY KEY);
SELECT casesync.track('b.fed', '{person,forge}', 'id', on_insert => 'enrolment');
INSERT INTO b.fed VALUES (2);
RESET ROLE;
SELECT * FROM app.told();
-- taken back: what changes from now on is not routed, and it is said; of what was open, nothing is kept
SET ROLE regress_a;
SELECT casesync.revoke_registry('person', 'regress_b');
SET ROLE regress_b;
INSERT INTO b.fed VALUES (3);
INSERT INTO b.fed VALUES (4);
RESET ROLE;
SELECT * FROM app.told();
SELECT relation, registries, reason, who, state FROM casesync.gaps;
SELECT severity, regexp_replace(problem, 'since \S+ \S+:', 'since (time):') AS problem, mend FROM casesync.health WHERE problem ~ 'b\.fed' ORDER BY 2;
-- once for all that follows
INSERT INTO b.fed VALUES (5);
SELECT * FROM app.told();
SELECT count(*) FROM casesync.gaps;
-- the owner of the table can make its triggers anew, which gives it nothing, and untrack it
SET ROLE regress_b;
SELECT casesync.retrack('b.fed');
INSERT INTO b.fed VALUES (6);
RESET ROLE;
SELECT * FROM app.told();
-- when the consent is there again, all is looked at
SET ROLE regress_a;
SELECT casesync.grant_registry('person', 'regress_b') <> '' AS granted;
RESET ROLE;
INSERT INTO b.fed VALUES (7);
SELECT * FROM app.told();
SELECT casesync.fill_gap(gap) FROM casesync.gaps;
SELECT count(*) FROM app.told();
SELECT count(*) FROM casesync.health WHERE problem ~ 'b\.fed';

-- a table that is gone before its changes are routed: those count if its owner was let, and only then
SET ROLE regress_b;
BEGIN;
INSERT INTO b.fed VALUES (8);
SELECT casesync.untrack('b.fed');
DROP TABLE b.fed;
COMMIT;
RESET ROLE;
SELECT * FROM app.told();
SET ROLE regress_b;
CREATE TABLE b.fed (id integer PRIMARY KEY);
SELECT casesync.track('b.fed', '{person}', 'id', on_insert => 'enrolment') <> '' AS tracked;
SET ROLE regress_a;
SELECT casesync.revoke_registry('person', 'regress_b') <> '' AS revoked;
SET ROLE regress_b;
INSERT INTO b.fed VALUES (9);
DROP TABLE b.fed;
RESET ROLE;
SELECT * FROM app.told();
SELECT registries, reason, who, state FROM casesync.gaps ORDER BY gap DESC LIMIT 1;

-- who may not feed it does not keep it published either: only the agreement and the owner's own tracking do
SET ROLE regress_a;
SELECT app.try($$SELECT casesync.unpublish('person')$$);
RESET ROLE;

-- membership is consent; so is being tracked by the registry's owner, or a superuser
GRANT regress_a TO regress_member;
SET ROLE regress_member;
CREATE TABLE app.third (id integer PRIMARY KEY);
SELECT casesync.track('app.third', '{person}', 'id', on_insert => 'enrolment') <> '' AS tracked;
INSERT INTO app.third VALUES (1);
RESET ROLE;
SELECT * FROM app.told();
SELECT casesync.track('b.forge', '{person}', 'id', on_insert => 'enrolment') <> '' AS tracked;
INSERT INTO b.forge VALUES (2);
SELECT * FROM app.told();
SELECT registry, owner, granted FROM casesync.registries ORDER BY 1;

-- another owner has let nobody
CREATE VIEW app.newer AS SELECT * FROM a.shared;
SELECT * FROM casesync.publish('person', 'app.newer', 'Member');
SELECT registry, owner = current_user AS mine, granted FROM casesync.registries WHERE registry = 'person';
SET ROLE regress_a;
SELECT app.try($$SELECT casesync.publish('person', 'a.shared', 'Member')$$);
SELECT app.try($$SELECT casesync.unpublish('person')$$);
RESET ROLE;

-- a row of a registry is what publish() makes: of a view of one's own, with the type that its key has
CREATE TABLE app.forge AS SELECT * FROM casesync_internal.registry WHERE registry = 'forge';
GRANT SELECT ON app.forge TO regress_b;
SET ROLE regress_b;
SELECT app.try($$SELECT casesync_internal.publish_store(jsonb_populate_record(NULL::casesync_internal.registry, to_jsonb(r) || '{"registry": "stolen", "view": "a.shared"}')) FROM app.forge r$$);
SELECT app.try($$SELECT casesync_internal.publish_store(jsonb_populate_record(NULL::casesync_internal.registry, to_jsonb(r) || '{"registry": "stolen", "view": "4000000000"}')) FROM app.forge r$$);
SELECT app.try($$SELECT casesync_internal.publish_store(jsonb_populate_record(NULL::casesync_internal.registry, to_jsonb(r) || '{"registry": "stolen", "view": "pg_catalog.pg_authid"}')) FROM app.forge r$$);
SELECT app.try($$SELECT casesync_internal.publish_store(jsonb_populate_record(NULL::casesync_internal.registry, to_jsonb(r) || '{"record_column": "subject_key"}')) FROM app.forge r$$);
SELECT app.try($$SELECT casesync_internal.publish_store(jsonb_populate_record(NULL::casesync_internal.registry, to_jsonb(r) || '{"key_type": "pg_catalog.oid", "registry": "typed"}')) FROM app.forge r$$);
SELECT app.try($$SELECT casesync_internal.publish_store(NULL)$$);
SELECT app.try($$SELECT registry FROM casesync_internal.registry$$);
SELECT app.try($$UPDATE casesync_internal.registry SET key_type = 'oid'$$);
SELECT app.try($$DELETE FROM casesync_internal.registry$$);
RESET ROLE;
SELECT registry, key_type FROM casesync_internal.registry WHERE author = 'regress_b' ORDER BY 1;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA a CASCADE;
DROP SCHEMA b CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_a, regress_b, regress_member;
DROP ROLE regress_a, regress_b, regress_member;
