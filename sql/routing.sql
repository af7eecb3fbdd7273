CREATE EXTENSION casesync;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA app;
\i test/scene/delivery.sql
CREATE SCHEMA share;
SET search_path = app;

-- what routing made since the last look: nothing that differs from run to run -----------------------------
CREATE TABLE looked (id bigint PRIMARY KEY);
CREATE FUNCTION news() RETURNS TABLE (partner text, key text, event_type text, removal boolean, record text)
	LANGUAGE sql AS $$
	WITH new AS (INSERT INTO app.looked SELECT n.id FROM casesync_internal.notification n
		 WHERE n.id NOT IN (SELECT l.id FROM app.looked l) RETURNING *)
	SELECT l.partner, n.key, n.event_type, n.removal,
			CASE WHEN length(n.record::text) > 400 THEN left(n.record::text, 400) || '…' ELSE n.record::text END
		FROM casesync_internal.notification n JOIN new USING (id) JOIN casesync_internal.lane l USING (lane) ORDER BY l.partner, n.id
$$;
CREATE FUNCTION deliver(partner_name text) RETURNS TABLE (seq text, reference text, records jsonb) LANGUAGE sql AS $$
	SELECT x.m->>'seq', x.e->>'reference_id', x.e #> '{data,reg_records}' FROM app.send($1) p
	 CROSS JOIN LATERAL ROWS FROM (jsonb_array_elements(p.message::jsonb->'notify_event'), jsonb_array_elements(p.meta::jsonb->'items')) x(e, m)
$$;

CREATE TABLE person (id integer PRIMARY KEY, national_id text, name text);
CREATE TABLE programme (id integer PRIMARY KEY, code text, name text);
CREATE TABLE enrolment (id integer PRIMARY KEY, person_id integer REFERENCES person, programme_id integer REFERENCES programme,
	status text, note text, updated_at timestamptz DEFAULT '2026-01-01');
CREATE INDEX ON enrolment (person_id);
CREATE TABLE consent (person_id integer, purpose text, given boolean, PRIMARY KEY (person_id, purpose));
INSERT INTO person SELECT i, 'N-' || i, 'Person ' || i FROM generate_series(4711, 4720) i;
INSERT INTO programme VALUES (3, 'CASH', 'Cash transfer'), (7, 'PWP', 'Public works'), (9, 'SECRET', 'Third programme');
INSERT INTO enrolment (id, person_id, programme_id, status) SELECT i, i, 3, 'ACTIF' FROM generate_series(4711, 4720) i;
INSERT INTO consent SELECT i, 'ESS', true FROM generate_series(4711, 4720) i;

-- a first day, as sql-interface.md types it out ---------------------------------------------------------------
SELECT casesync.set_node('sp.social.gov.xx', 'https://dci.social.gov.xx');
SELECT sender_id, base_url, locale FROM casesync.this_node;
SELECT casesync.map_code('sp', w, c::casesync.enrolment_status)
  FROM (VALUES ('ACTIF','Active'),('SUSPENDU','Suspended'),('SORTI','Exited'),('RADIE','Exited')) m(w,c);
SELECT * FROM casesync.unmapped_words('sp', 'enrolment', 'status', NULL::casesync.enrolment_status);
CREATE VIEW share.ess_member AS
SELECT p.id::text AS subject_key, bool_or(c.given) AS consents, max(e.updated_at) AS last_updated,
       casesync.beneficiary(
         identifiers => ARRAY[casesync.identifier('NATIONAL_ID', p.national_id)],
         programmes  => array_agg(casesync.enrolment(pr.name, casesync.to_code('sp', e.status, NULL::casesync.enrolment_status)))) AS record
  FROM person p JOIN enrolment e ON e.person_id = p.id JOIN programme pr ON pr.id = e.programme_id
  LEFT JOIN consent c ON c.person_id = p.id AND c.purpose = 'ESS'
 WHERE pr.code IN ('CASH','PWP') GROUP BY p.id;
SELECT count(*) > 0 AS warned FROM casesync.publish('ess_two_programmes', 'share.ess_member', 'Beneficiary', 'Social');
SELECT casesync.track('enrolment', '{ess_two_programmes}', 'person_id',
         on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change',
         columns => '{status,programme_id,person_id}', condition => 'programme_id IN (3, 7)');
SELECT casesync.track('consent', '{ess_two_programmes}', 'person_id',
         on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.track('programme', '{ess_two_programmes}', 'id', on_update => 'enrolment_status_change', columns => '{name}',
         subjects => 'SELECT person_id FROM enrolment WHERE programme_id = $1::integer');
SELECT casesync.set_partner('ess.labour.gov.xx', 'https://dci.labour.gov.xx/dci', networks => '{10.20.0.0/16}',
         jwks_url => 'https://dci.labour.gov.xx/.well-known/jwks.json');
SELECT partner, notify_url, networks FROM casesync.partners WHERE partner = 'ess.labour.gov.xx';
SELECT casesync.set_agreement('SP-ESS-2026', 'ess.labour.gov.xx', registries => '{ess_two_programmes}',
         event_types => '{enrolment_status_change}', identifier_types => '{NATIONAL_ID}',
         fields => '{programme_identifier.programme_name,enrollment_status}', subjects => 'consents',
         valid_from => '2026-01-01 00:00+01', legal_basis => 'Act 12/2024 s. 7');
SELECT * FROM casesync.preview_summary('SP-ESS-2026', at => '2026-01-01 08:00+01');
SELECT * FROM casesync.preview('SP-ESS-2026', key => '4711', at => '2026-01-01 08:00+01');
CREATE ROLE regress_officer LOGIN;
SELECT casesync.grant_access('regress_officer', 'approver');
SET SESSION AUTHORIZATION regress_officer;
SELECT casesync.activate('SP-ESS-2026');
SELECT state, activated_by FROM casesync.agreements WHERE agreement = 'SP-ESS-2026' ORDER BY version DESC LIMIT 1;
RESET SESSION AUTHORIZATION;
SELECT casesync.subscribe('ess.labour.gov.xx', 'enrolment_status_change', 'Beneficiary') <> '' AS subscribed;
SELECT * FROM route_all();

-- what such a day must survive -------------------------------------------------------------------------------
-- a status set by a BEFORE trigger
CREATE FUNCTION end_of_year() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.note = 'end' THEN NEW.status := 'SORTI'; END IF; RETURN NEW; END $$;
CREATE TRIGGER end_of_year BEFORE UPDATE ON enrolment FOR EACH ROW EXECUTE FUNCTION end_of_year();
UPDATE enrolment SET note = 'end' WHERE id = 4711;
SELECT * FROM route_all();
SELECT * FROM news();
-- a person merged: two subjects, one of which has no enrolment any more and leaves silently
UPDATE enrolment SET person_id = 4713 WHERE id = 4712;
SELECT * FROM route_all();
SELECT * FROM news();
-- a programme renamed: one row, all its persons
UPDATE programme SET name = 'Cash transfers' WHERE id = 3;
SELECT * FROM route_all();
SELECT partner, count(*), count(DISTINCT key), min(record) FROM news() GROUP BY partner;
-- a word that no code knows: nothing but this subject waits, nothing fails in the application
UPDATE enrolment SET status = 'PERDU' WHERE id = 4714;
UPDATE enrolment SET status = 'SUSPENDU' WHERE id IN (4715, 4716);
SELECT * FROM route_all();
SELECT * FROM news();
SELECT registry, key, event_type, error_code, reason, tries FROM casesync.quarantine;
SELECT * FROM route_all();
SELECT casesync.map_code('sp', 'PERDU', 'Inactive'::casesync.enrolment_status);
SELECT * FROM route_all();
SELECT * FROM news();
SELECT count(*) FROM casesync.quarantine;
-- consent withdrawn while a notification is still due: it is withheld
UPDATE enrolment SET status = 'SORTI' WHERE id = 4715;
SELECT * FROM route_all();
SELECT key, record FROM news();
UPDATE consent SET given = false WHERE person_id = 4715;
SELECT * FROM route_all();
SELECT key, state, state_reason, count(*) FROM casesync_internal.notification WHERE key = '4715' GROUP BY 1, 2, 3;
SELECT count(*) FILTER (WHERE records::text LIKE '%N-4715%') AS withdrawn, count(*) > 10 AS others FROM deliver('ess.labour.gov.xx');
-- a third programme's change: nothing may leave, and nothing is even captured
INSERT INTO enrolment (id, person_id, programme_id, status) VALUES (1, 4717, 9, 'ACTIF');
UPDATE enrolment SET status = 'SORTI' WHERE id = 1;
SELECT * FROM route_all();
-- event types that are not agreed stay here
INSERT INTO enrolment (id, person_id, programme_id, status) VALUES (2, 4718, 7, 'ACTIF');
SELECT * FROM route_all();
SELECT * FROM news();

-- unchanged content is not sent; a way there and back while the first is due is told in order ------------------
UPDATE enrolment SET status = 'SORTI' WHERE id = 4716;
SELECT * FROM route_all();
UPDATE enrolment SET status = 'RADIE' WHERE id = 4716;
SELECT * FROM route_all();
SELECT count(*) FROM deliver('ess.labour.gov.xx');
SELECT count(*) FROM news();
UPDATE enrolment SET status = 'ACTIF' WHERE id = 4719;
UPDATE enrolment SET status = 'SUSPENDU' WHERE id = 4719;
SELECT * FROM route_all();
UPDATE enrolment SET status = 'ACTIF' WHERE id = 4719;
SELECT * FROM route_all();
UPDATE enrolment SET status = 'SUSPENDU' WHERE id = 4719;
SELECT * FROM route_all();
SELECT key, record::jsonb->>'enrollment_status' AS status FROM news();
SELECT seq, records->>'enrollment_status' AS status FROM deliver('ess.labour.gov.xx');

-- fold: delete and insert in one transaction are an update ------------------------------------------------------
BEGIN;
DELETE FROM enrolment WHERE id = 4720;
INSERT INTO enrolment (id, person_id, programme_id, status) VALUES (4720, 4720, 3, 'SUSPENDU');
COMMIT;
SELECT * FROM route_all();
SELECT key, event_type, removal FROM news();
-- the same in two chunks
BEGIN;
DELETE FROM enrolment WHERE id = 4720;
INSERT INTO enrolment (id, person_id, programme_id, status) VALUES (4720, 4720, 3, 'SORTI');
COMMIT;
SELECT * FROM route_all(1);
SELECT key, event_type, removal FROM news();

-- windows in chunks: many transactions, none lost, none twice ---------------------------------------------------
CREATE TABLE item (id integer PRIMARY KEY, v integer, part text DEFAULT 'a');
CREATE VIEW share.item AS SELECT id::text AS subject_key, part, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'v', v, 'secret', 'x' || v) AS record FROM item;
SELECT count(*) FROM casesync.publish('items', 'share.item', 'Member', 'Social');
SELECT casesync.track('item', '{items}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.set_node('sp.social.gov.xx', four_eyes => false);
SELECT four_eyes FROM casesync.this_node;
SELECT casesync.set_partner('b', 'https://b.example');
SELECT casesync.set_agreement('B', 'b', registries => '{items}', event_types => '{enrolment,enrolment_status_change}',
	identifier_types => '{UIN}', fields => '{v,secret}', subjects => $$part <> 'hidden'$$, valid_from => '2026-01-01', legal_basis => 'x', on_leave => 'identifier_only');
SELECT casesync.activate('B');
SELECT casesync.subscribe('b', 'enrolment', 'Member') <> '' AS subscribed;
SELECT casesync.subscribe('b', 'enrolment_status_change', 'Member') <> '' AS subscribed;
SELECT format('INSERT INTO item VALUES (%s, 0)', i) FROM generate_series(1, 40) i \gexec
SELECT * FROM route_all(1);
SELECT count(*), count(DISTINCT key) FROM news();
SELECT format('UPDATE item SET v = %s WHERE id %% 4 = %s', i, i % 4) FROM generate_series(1, 12) i \gexec
SELECT * FROM route_all(3);
SELECT key, (array_agg(record::jsonb->'v' ORDER BY record))[1] = to_jsonb(i.v) AS is_last
	FROM news() n JOIN item i ON i.id::text = n.key GROUP BY key, i.v HAVING count(*) <> 1;
SELECT * FROM route_all(2);

-- a row that moves to another partition is an update, a changed key two subjects -------------------------------
CREATE TABLE part (id text, region text, v integer) PARTITION BY LIST (region);
CREATE TABLE part_n PARTITION OF part FOR VALUES IN ('north');
CREATE TABLE part_s PARTITION OF part FOR VALUES IN ('south');
CREATE VIEW share.parts AS SELECT id AS subject_key, region AS part, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id)), 'v', v, 'region', region) AS record FROM part;
SELECT count(*) FROM casesync.publish('parts', 'share.parts', 'Member', 'Social');
SELECT casesync.track('part', '{parts}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change');
SELECT casesync.set_agreement('B', 'b', registries => '{items,parts}', fields => '{v,secret,region}');
SELECT casesync.activate('B');
SELECT count(*) FROM deliver('b');
SELECT notifications FROM route_all();
SELECT count(*) FROM deliver('b');
SELECT count(*) FROM news();
INSERT INTO part VALUES ('Zoë-中-1', 'north', 1), ('b', 'north', 1);
SELECT * FROM route_all();
SELECT key, event_type, record FROM news();
UPDATE part SET region = 'south' WHERE id = 'Zoë-中-1';
SELECT * FROM route_all();
SELECT key, event_type, record FROM news();
SELECT count(*) FROM deliver('b');
UPDATE part SET id = 'c' WHERE id = 'b';
SELECT * FROM route_all();
SELECT key, event_type, removal, record FROM news();
-- on_delete is not asked for: a pure delete says nothing
DELETE FROM part WHERE id = 'c';
SELECT * FROM route_all();

-- a removal where the agreement says so: who it was, and that it is removed -------------------------------------
SELECT casesync.set_agreement('B', 'b', registries => '{items}', subjects => $$part <> 'hidden'$$);
SELECT casesync.activate('B');
UPDATE item SET part = 'hidden' WHERE id = 1;
DELETE FROM item WHERE id = 2;
-- never sent to anybody: no removal
INSERT INTO item VALUES (100, 1);
SELECT * FROM route_all();
DELETE FROM item WHERE id = 100;
SELECT * FROM route_all();
SELECT key, event_type, removal, record FROM news() ORDER BY key COLLATE "C", removal;
SELECT key, state, state_reason FROM casesync_internal.notification WHERE key = '100';
-- delivered, changed, and gone before the change was sent: the partner knows the old state and must be told
SELECT count(*) FROM deliver('b');
UPDATE item SET v = 77 WHERE id = 3;
SELECT * FROM route_all();
DELETE FROM item WHERE id = 3;
SELECT * FROM route_all();
SELECT key, removal, record FROM news();
SELECT records FROM deliver('b');
-- back again: told anew
INSERT INTO item VALUES (3, 77);
SELECT * FROM route_all();
SELECT key, removal, record FROM news();

-- an agreement with fewer fields while notifications are due: nothing of the withdrawn field leaves ---------------
UPDATE item SET v = 500 WHERE id BETWEEN 10 AND 14;
SELECT * FROM route_all();
SELECT count(*) FROM news() WHERE record LIKE '%secret%';
SELECT casesync.set_agreement('B', 'b', fields => '{v}');
SELECT casesync.activate('B');
SELECT count(*) AS sent FROM deliver('b');
SELECT * FROM route_all();
SELECT count(*) AS sent, count(*) FILTER (WHERE records::text LIKE '%secret%') AS withdrawn, min(records->>'v'), max(records->>'v') FROM deliver('b');
SELECT state, state_reason, count(*) FROM casesync_internal.notification WHERE state <> 'delivered' GROUP BY 1, 2 ORDER BY 2;
-- an agreement that is over: nothing is made, nothing is sent
UPDATE item SET v = 501 WHERE id = 10;
SELECT * FROM route_all();
SELECT casesync.end_agreement('B', 'over');
UPDATE item SET v = 502 WHERE id = 10;
SELECT * FROM route_all();
SELECT count(*) FROM deliver('b');
SELECT casesync.set_agreement('B', 'b', valid_to => now() - interval '1 second');
SELECT casesync.activate('B');
UPDATE item SET v = 503 WHERE id = 10;
SELECT * FROM route_all();
SELECT count(*) FROM deliver('b');
SELECT casesync.set_agreement('B', 'b', valid_to => 'infinity');
SELECT casesync.activate('B');
UPDATE item SET v = 504 WHERE id = 10;
SELECT * FROM route_all();
SELECT records FROM deliver('b');

-- a subscription to one identifier ------------------------------------------------------------------------------
SELECT casesync.set_partner('one', 'https://one.example');
SELECT casesync.set_agreement('ONE', 'one', registries => '{items}', event_types => '{enrolment_status_change}',
	identifier_types => '{UIN}', fields => '{v}', subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
SELECT casesync.activate('ONE');
SELECT casesync.subscribe('one', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "12"}', 'idtype-value') <> '' AS subscribed;
UPDATE item SET v = 600 WHERE id IN (11, 12, 13);
SELECT * FROM route_all();
SELECT partner, key FROM news() WHERE partner = 'one';
SELECT count(*) FROM casesync.quarantine;

-- what cannot be rendered, one way after the other; the others go on --------------------------------------------
CREATE TABLE odd (id integer PRIMARY KEY, way text, long_key text);
CREATE VIEW share.odd AS SELECT o.id::text AS subject_key, CASE o.way WHEN 'null' THEN NULL WHEN 'scalar' THEN '5' WHEN 'array' THEN '[1]'
	WHEN 'zero' THEN to_jsonb(1 / (o.id - o.id))
	ELSE jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', o.id::text)), 'v', o.way) END AS record
	FROM odd o JOIN generate_series(1, 2) twice ON twice = 1 OR o.way = 'twice';
SELECT count(*) FROM casesync.publish('odd', 'share.odd', 'Member');
SELECT casesync.track('odd', '{odd}', 'id', on_insert => 'enrolment', on_update => 'enrolment');
SELECT casesync.set_agreement('ODD', 'b', registries => '{odd}', event_types => '{enrolment}',
	identifier_types => '{UIN}', fields => '{v}', subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
SELECT casesync.activate('ODD');
INSERT INTO odd VALUES (1, 'fine'), (2, 'null'), (3, 'twice'), (4, 'zero'), (5, 'fine'), (6, 'array'), (7, 'scalar'), (8, 'fine');
SELECT * FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT key, error_code, reason FROM casesync.quarantine ORDER BY key;
-- the row changes: only that subject comes out
UPDATE odd SET way = 'mended' WHERE id = 4;
SELECT * FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT key FROM casesync.quarantine ORDER BY key;
-- the view changes: all are tried again
CREATE OR REPLACE VIEW share.odd AS SELECT o.id::text AS subject_key,
	jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', o.id::text)), 'v', 'view mended') AS record FROM odd o;
SELECT notifications FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT key FROM casesync.quarantine;
-- the view fails whatever it is asked: found out at once, tried again when what it reads changes
CREATE FUNCTION share.broken() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN 'x' || (SELECT word FROM app.not_there); END $$;
CREATE OR REPLACE VIEW share.odd AS SELECT o.id::text AS subject_key, jsonb_build_object('v', share.broken()) AS record FROM odd o;
INSERT INTO odd VALUES (9, 'x'), (10, 'x');
SELECT * FROM route_all();
SELECT key, error_code FROM casesync.quarantine ORDER BY id;
CREATE OR REPLACE FUNCTION share.broken() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'whole'::text $$;
SELECT * FROM route_all();
SELECT key FROM casesync.quarantine;
SELECT key, record FROM news() WHERE partner = 'b';
-- a cancel and an assertion raised in a view are errors like others
CREATE OR REPLACE FUNCTION share.broken() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE EXCEPTION USING errcode = 'query_canceled', message = 'as if cancelled'; END $$;
CREATE OR REPLACE VIEW share.odd AS SELECT o.id::text AS subject_key,
	jsonb_build_object('v', CASE WHEN o.way = 'cancel' THEN share.broken() ELSE o.way END) AS record FROM odd o;
INSERT INTO odd VALUES (11, 'cancel'), (12, 'passes');
SELECT * FROM route_all();
SELECT key, error_code, reason FROM casesync.quarantine;
SELECT key, record FROM news() WHERE partner = 'b';
-- a view that hangs for one subject
CREATE OR REPLACE FUNCTION share.broken() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(3600); RETURN 'late'; END $$;
SET casesync.render_timeout = '300ms';
INSERT INTO odd VALUES (13, 'cancel'), (14, 'passes too');
SELECT * FROM route_all();
SELECT key, error_code, reason FROM casesync.quarantine ORDER BY key;
SELECT key, record FROM news() WHERE partner = 'b';
RESET casesync.render_timeout;
CREATE OR REPLACE FUNCTION share.broken() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'whole again'::text $$;
SELECT * FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT casesync.retry_quarantine();
-- a condition that no longer fits the view stops nobody else
ALTER TABLE odd ADD COLUMN flag boolean DEFAULT true;
CREATE OR REPLACE VIEW share.odd AS SELECT o.id::text AS subject_key, jsonb_build_object('v', o.way) AS record, o.flag FROM odd o;
SELECT casesync.set_agreement('ODD', 'b', subjects => 'flag');
SELECT casesync.activate('ODD');
DROP VIEW share.odd;
CREATE VIEW share.odd AS SELECT o.id::text AS subject_key, jsonb_build_object('v', o.way) AS record FROM odd o;
SELECT count(*) FROM casesync.publish('odd', 'share.odd', 'Member');
UPDATE odd SET way = 'conditioned' WHERE id = 1;
UPDATE item SET v = 700 WHERE id = 20;
SELECT * FROM route_all();
SELECT key, error_code, reason FROM casesync.quarantine;
SELECT partner, key, record FROM news() ORDER BY 1, 2;
UPDATE odd SET way = 'again' WHERE id = 1;
SELECT changes, notifications FROM route_all();
SELECT key, tries FROM casesync.quarantine;
SELECT casesync.set_agreement('ODD', 'b', subjects => 'true');
SELECT casesync.activate('ODD');
SELECT * FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT count(*) FROM casesync.quarantine;

-- keys: expressions, char(n), too long, of another type than the view's ----------------------------------------
CREATE TABLE keyed (code char(8), doc text, v integer);
CREATE VIEW share.keyed AS SELECT lower(code::text) AS subject_key, jsonb_build_object('v', v) AS record FROM keyed;
SELECT count(*) FROM casesync.publish('keyed', 'share.keyed', 'Member');
SELECT casesync.set_agreement('KEYED', 'b', registries => '{keyed}', event_types => '{enrolment}',
	identifier_types => '{UIN}', fields => '{v}', subjects => 'true', valid_from => '2026-01-01', legal_basis => 'x');
SELECT casesync.activate('KEYED');
SELECT casesync.track('keyed', '{keyed}', 'lower(code::text)', on_insert => 'enrolment', on_update => 'enrolment');
SELECT key, key_is_column FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
INSERT INTO keyed VALUES ('ABC', 'd', 1);
SELECT * FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT casesync.untrack('keyed');
SELECT casesync.track('keyed', '{keyed}', 'code', on_insert => 'enrolment', on_update => 'enrolment');
SELECT key, key_is_column FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
INSERT INTO keyed VALUES ('xyz', 'd', 2);
SELECT * FROM route_all();
SELECT key, record FROM news() WHERE partner = 'b';
SELECT casesync.untrack('keyed');
SELECT casesync.track('keyed', '{keyed}', $$doc || (1 / (v - 1))$$, on_insert => 'enrolment');
SELECT key, key_is_column FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
INSERT INTO keyed VALUES ('long', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i), 1),
	('long2', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i), 3), ('fine', 'd', 4);
UPDATE item SET v = 800 WHERE id = 20;
SELECT changes FROM route_all();
SELECT partner, key FROM news();
SELECT registry, length(key), tracking IS NOT NULL AS of_tracking, error_code, reason FROM casesync.quarantine ORDER BY id;
SELECT casesync.retry_quarantine();
SELECT changes FROM route_all();
SELECT registry, length(key), tries FROM casesync.quarantine ORDER BY length(key);
SELECT casesync.untrack('keyed');

-- thousands of subjects for one row ------------------------------------------------------------------------------
INSERT INTO item SELECT i, 0 FROM generate_series(1001, 4000) i;
SELECT changes, notifications FROM route_all();
CREATE TABLE theme (id integer PRIMARY KEY, title text);
INSERT INTO theme VALUES (1, 'a');
SELECT casesync.track('theme', '{items}', 'id', on_update => 'enrolment_status_change', subjects => 'SELECT id FROM item WHERE $1 IS NOT NULL');
UPDATE item SET v = v + 1000;
UPDATE theme SET title = 'b';
SELECT notifications FROM route_all(100000);
SELECT partner, count(*), count(DISTINCT key) FROM news() WHERE partner = 'b' GROUP BY 1;

-- misuse --------------------------------------------------------------------------------------------------------
SELECT * FROM casesync_internal.route(0);
SELECT * FROM casesync_internal.route(NULL);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM casesync_internal.route();
ROLLBACK;
-- a copy of the database does not route; after resume() it does, in a new era and stream
UPDATE casesync_internal.node SET system_identifier = 1;
UPDATE item SET v = -1 WHERE id = 20;
SELECT * FROM casesync_internal.route();
SELECT registry FROM casesync.resume();
UPDATE item SET v = -2 WHERE id = 21;
DO $$ BEGIN WHILE casesync_internal.look_again_due() LOOP END LOOP; END $$;
SELECT notifications > 3000 AS all_again FROM route_all();
SELECT partner, key, record FROM news() WHERE partner = 'b' AND key IN ('20', '21') ORDER BY key;
SELECT count(*) FROM casesync_internal.routing_state;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA share, app CASCADE;
DROP OWNED BY regress_officer;
DROP ROLE regress_officer;
