-- A node that others work with: what is attacked. Superuser's and two publishers' people, a partner that knows some
-- of them, things that wait for somebody. Run in the top of the tree; every attacker gets a copy of this database.
\set ON_ERROR_STOP on
CREATE EXTENSION casesync;
-- as databases that are older than PostgreSQL 15 have it
GRANT CREATE ON SCHEMA public TO PUBLIC;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
\i test/scene/request.sql
\i test/scene/delivery.sql
\set ECHO none
\o /dev/null
CREATE ROLE owner_a LOGIN;
CREATE ROLE owner_c LOGIN;
CREATE ROLE casesync_bridge LOGIN;
SELECT casesync.grant_access('owner_a', 'publisher');
SELECT casesync.grant_access('owner_c', 'publisher');
SELECT casesync.grant_access('casesync_bridge', 'bridge');
CREATE SCHEMA a AUTHORIZATION owner_a;
CREATE SCHEMA c AUTHORIZATION owner_c;

SET SESSION AUTHORIZATION owner_a;
CREATE TABLE a.citizen (id integer PRIMARY KEY, uin text, status text NOT NULL, secret text);
INSERT INTO a.citizen SELECT i, 'A' || i, 'A', 'secret of a ' || i FROM generate_series(1, 20) i;
SELECT casesync.map_code('words_of_a', w, c::casesync.employment_status) FROM (VALUES ('A', '1'), ('B', '2')) m(w, c);
CREATE VIEW a.shared AS SELECT id::text AS subject_key, true AS consents, jsonb_build_object('member_identifier',
		jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', uin)),
		'employment_status', casesync.to_code('words_of_a', status, NULL::casesync.employment_status)) AS record
	FROM a.citizen;
SELECT casesync.publish('citizens', 'a.shared', 'Member');
SELECT casesync.track('a.citizen', '{citizens}', 'id', on_insert => 'enrolment_status_change',
	on_update => 'enrolment_status_change', condition => 'status <> ''''');
CREATE FUNCTION a.apply(event casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE a.citizen SET status = 'B' WHERE uin = casesync.identifier_of(event.record, 'UIN');
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'a.apply(casesync.inbound)');

SET SESSION AUTHORIZATION owner_c;
CREATE TABLE c.household (id integer PRIMARY KEY, uin text, status text, secret text);
INSERT INTO c.household SELECT i, 'C' || i, '1', 'secret of c ' || i FROM generate_series(1, 20) i;
CREATE VIEW c.shared AS SELECT id::text AS subject_key, jsonb_build_object('member_identifier',
		jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', uin)),
		'employment_status', status) AS record
	FROM c.household;
SELECT casesync.publish('households', 'c.shared', 'Member');
SELECT casesync.track('c.household', '{households}', 'id', on_update => 'enrolment_status_change');
RESET SESSION AUTHORIZATION;
-- whose names all may say, and no more
GRANT USAGE ON SCHEMA app, a, c TO PUBLIC;

-- what partners were told, what waits, what failed
SELECT casesync.add_local_code('employment_status', 900, 'Waiting', 'Of this node.');
SELECT casesync.add_registry_type('Housing', '{habitat}');
SELECT casesync.add_event_type('moved', 'Housing', '{relocation}');
SELECT casesync.add_key('ess.test', '{"kty": "OKP", "crv": "Ed25519", "kid": "kid-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
SELECT casesync.set_partner('other.test', 'https://dci.other.test/dci');
SELECT casesync.set_agreement('OTHER', 'other.test', registries => '{citizens,households}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law',
	services => '{notify,push,search,check_enrollment}');
SELECT casesync.activate('OTHER');
-- one that only waits for a second person
SELECT casesync.set_agreement('DRAFT', 'other.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.issue_client('ess.test');
SELECT casesync.set_issuer('https://issuer.test', audience => 'sp.test', algorithms => '{EdDSA}', jwks => '{"keys": []}');
SELECT casesync.bind_client('ess.test', 'https://issuer.test', 'client-1');
INSERT INTO app.person SELECT i, 'U' || i, '1', i % 5 <> 0, 'North', 'secret of the superuser ' || i FROM generate_series(1, 20) i;
SELECT * FROM app.subscribe(app.wish('known'));
SELECT casesync.subscribe('other.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "U4"}', filter_type => 'idtype-value');
SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member');
UPDATE app.person SET status = '2' WHERE id < 8;
SELECT app.route_all();
SELECT app.send('ess.test');
SELECT casesync_internal.apply_inbox() FROM app.say('notify', app.notify(app.event('r1', app.record('U3', '2')), app.event('r2', app.record('A4', '2')),
	app.event('r3', app.record('U9', '2'))));
SELECT app.say('search', jsonb_build_object('transaction_id', 't1', 'search_request', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}'))));
UPDATE app.person SET status = '3' WHERE id < 5;
UPDATE a.citizen SET status = 'B' WHERE id < 5;
UPDATE c.household SET status = '3' WHERE id < 5;
SELECT app.route_all(1);
SELECT casesync.stop_capture('a rehearsal', 'app.person');
UPDATE app.person SET status = '4' WHERE id = 6;
-- what the partner will tell later is what was asked of it, also of kinds of records that nobody applies yet
INSERT INTO casesync_internal.my_subscription (partner, event_type, record_type, transaction_id, state, code)
	SELECT 'ess.test', 'enrolment_status_change', t, 'later-' || t, 'active', gen_random_uuid()::text
	  FROM unnest('{Person,Member}'::text[] || ARRAY(SELECT 'Odd' || i FROM generate_series(1, 15) i)) t;
-- from now on somebody else decides
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => true);

-- one login per access; none is a superuser, none is a member of anything
DO $$
DECLARE
	access text;
	me name;
BEGIN
	FOR access IN SELECT DISTINCT r.access FROM casesync_internal.access_right r LOOP
		me := 'mallory_' || access;
		EXECUTE format('CREATE ROLE %I LOGIN', me);
		EXECUTE format('CREATE SCHEMA %1$I AUTHORIZATION %1$I', me);
		PERFORM casesync.grant_access(me::regrole, access);
	END LOOP;
END
$$;
-- a casework schema, whose portal may be each of its people, but knows no token
CREATE SCHEMA w AUTHORIZATION owner_a;
SET SESSION AUTHORIZATION owner_a;
SELECT casesync.create_casework('w');
INSERT INTO w.person (id, surname, phone) VALUES (1, 'secret surname', 'secret phone'), (2, 'secret surname', 'secret phone');
INSERT INTO w.identifier VALUES (1, 'UIN', 'W1'), (2, 'UIN', 'W2');
INSERT INTO w.consent (person_id, purpose, given_on) VALUES (1, 'sharing', '2026-01-01'), (2, 'sharing', '2026-01-01');
SELECT casesync.grant_casework('w', 'mallory_portal', 'portal');
SELECT casesync.grant_casework('w', 'mallory_portal_login', 'portal_login');
RESET SESSION AUTHORIZATION;
