-- Being told how many is being told: who is counted is on record, and counts, however the question ends.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/message.sql
\i test/scene/request.sql
\i test/scene/delivery.sql
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, status text, region text, shared boolean DEFAULT true);
INSERT INTO app.person SELECT i, 'U' || i, (1 + i % 2)::text, 'r' || i % 3, i <> 9 FROM generate_series(1, 9) i;
CREATE FUNCTION app.told(x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM pg_sleep(coalesce(nullif(current_setting('app.sleep', true), '')::float, 0));
	RETURN x;
END
$$;
CREATE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.region, app.told(jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object(
		'identifier_type', 'UIN', 'identifier_value', p.uin)), 'employment_status', p.status, 'enrollment_status', p.status,
		'remarks', repeat('x', coalesce(nullif(current_setting('app.size', true), '')::integer, 0)))) AS record
	  FROM app.person p;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_update => 'enrolment_status_change')) x;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', 'https://dci.ess.test')) x;
CREATE FUNCTION app.allow(lookups integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
		fields => '{employment_status,enrollment_status,remarks}', filter_fields => '{region}', identifier_types => '{UIN}', subjects => 'shared',
		valid_from => '2020-01-01', legal_basis => 'law', services => '{notify,search,check_enrollment}', subscribing => 'auto', lookups_per_day => lookups);
	PERFORM casesync.activate('OUT');
	DELETE FROM casesync_internal.lookup_day;
	DELETE FROM casesync_internal.lookup_walk;
END
$$;
-- asks, and says what came of it: what was answered, and what has been counted and put on record for it
CREATE FUNCTION app.learn(query jsonb, page_size integer DEFAULT 100, page_number integer DEFAULT 1, sort jsonb DEFAULT NULL)
RETURNS TABLE (said text, given integer, total text, lookups bigint, refused bigint, on_record text) LANGUAGE plpgsql AS $$
DECLARE
	before record; after record; last bigint; r casesync_internal.reply; i jsonb;
BEGIN
	SELECT coalesce(sum(l.lookups), 0) AS lookups, coalesce(sum(l.refused), 0) AS refused INTO before FROM casesync.lookups l;
	last := coalesce((SELECT max(id) FROM casesync.disclosed), 0);
	r := app.ask(jsonb_build_array(app.item(query, criteria => jsonb_build_object('sort', sort,
		'pagination', jsonb_build_object('page_size', page_size, 'page_number', page_number)))));
	i := r.message::jsonb #> '{search_response,0}';
	SELECT coalesce(sum(l.lookups), 0) AS lookups, coalesce(sum(l.refused), 0) AS refused INTO after FROM casesync.lookups l;
	RETURN QUERY SELECT coalesce(r.error_code, i->>'status_reason_code', i->>'status'), jsonb_array_length(i #> '{data,reg_records}'), i #>> '{pagination,total_count}',
		(after.lookups - before.lookups)::bigint, (after.refused - before.refused)::bigint,
		(SELECT string_agg(x.way || ': ' || x.keys, ', ' ORDER BY x.way) FROM (SELECT d.way, string_agg(d.key, ' ' ORDER BY d.key) AS keys
			FROM casesync.disclosed d WHERE d.id > last GROUP BY d.way) x);
END
$$;
SELECT app.allow(1000);

-- a page behind the end tells that somebody is there: known, unknown, not shared
SELECT u, l.* FROM unnest('{U1,U99,U9}'::text[]) u CROSS JOIN LATERAL app.learn(jsonb_build_object('type', 'UIN', 'value', u), 1, 1000) l;
SELECT way, fields, outcome FROM casesync.disclosures('people', '1');
SELECT partner, fields FROM casesync.held_by('people', '1');
-- guessing what an agreed field says of her: each guess counts, the right one is on record
SELECT s, l.* FROM unnest('{1,2,3}'::text[]) s CROSS JOIN LATERAL app.learn(jsonb_build_object('$and', jsonb_build_array(
	'{"UIN": {"$eq": "U1"}}'::jsonb, jsonb_build_object('employment_status', jsonb_build_object('$eq', s)))), 1, 1000) l;
-- by what one may ask and is not told: that it holds is told
SELECT l.* FROM app.learn('{"region": {"$eq": "r1"}}', 2) l;
SELECT DISTINCT way, asked FROM casesync.disclosed WHERE asked && '{region}' ORDER BY 1;
SELECT DISTINCT fields FROM casesync.disclosures('people', '1') WHERE way = 'search';
-- the difference of two numbers tells as much as one: both count whom they count
SELECT q, l.* FROM unnest('{"{\"UIN\": {\"$ge\": \"U\"}}", "{\"UIN\": {\"$ne\": \"U3\"}}"}'::jsonb[]) q CROSS JOIN LATERAL app.learn(q, 1, 1000) l;

-- everybody counts as many as there are; who goes on page by page pays once, who asks again pays again
SELECT app.allow(1000);
SELECT p, l.* FROM generate_series(1, 4) p CROSS JOIN LATERAL app.learn('{}', 3, p) l ORDER BY p;
SELECT l.* FROM app.learn('{}', 3, 3) l;
SELECT l.* FROM app.learn('{}', 3, 1) l;
-- nor does another order, size or page go on from it; and what has come since counts
SELECT l.* FROM app.learn('{}', 3, 2, '[{"attribute_name": "region"}]') l;
SELECT l.* FROM app.learn('{}', 2, 2) l;
SELECT l.* FROM app.learn('{}', 3, 1) l;
INSERT INTO app.person VALUES (10, 'U10', '1', 'r1'), (11, 'U11', '1', 'r1');
SELECT l.* FROM app.learn('{}', 3, 2) l;
UPDATE casesync_internal.lookup_walk SET day = day - 1;
SELECT l.* FROM app.learn('{}', 3, 3) l;
SELECT count(*) AS walks FROM casesync_internal.lookup_walk;
DELETE FROM app.person WHERE id > 9;

-- more than is left: no number, no record, nothing on record
SELECT app.allow(5);
SELECT l.* FROM app.learn('{}', 1) l;
SELECT l.* FROM app.learn('{"type": "UIN", "value": "U1"}') l;
SELECT l.* FROM app.learn('{"UIN": {"$in": ["U1", "U2", "U3", "U4"]}}') l;
SELECT l.* FROM app.learn('{"type": "UIN", "value": "U1"}') l;
SELECT lookups, refused, lookups_per_day FROM casesync.lookups;

-- what fails counts all the same, and on record is whom the failure tells of
SELECT app.allow(1000);
INSERT INTO app.person SELECT 100 + i, 'U' || 100 + i, '1', 'big' FROM generate_series(1, 200) i;
SET app.size = 60000;
SELECT said, given, total, lookups, array_length(string_to_array(on_record, ' '), 1) - 1 AS on_record FROM app.learn('{"region": {"$eq": "big"}}', 200) l;
DELETE FROM app.person WHERE region = 'big';
-- somebody who is found and cannot be given
SET app.size = 70000;
SELECT l.* FROM app.learn('{"type": "UIN", "value": "U1"}') l;
RESET app.size;
SET casesync.search_timeout = '100ms';
SET app.sleep = 5;
SELECT l.* FROM app.learn('{"UIN": {"$in": ["U1", "U2", "U3"]}}') l;
RESET casesync.search_timeout;
SET statement_timeout = '1s';
SELECT error_code, error_message FROM app.ask(jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}'), app.item('{"type": "UIN", "value": "U2"}', 'r2')));
RESET statement_timeout;
RESET app.sleep;
SELECT lookups, refused FROM casesync.lookups;
-- whatever else ends the statement; what it disclosed has not left
SELECT app.allow(1000);
CREATE OR REPLACE FUNCTION app.told(x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE query_canceled; END $$;
SELECT l.* FROM app.learn('{"UIN": {"$in": ["U1", "U2", "U3"]}}') l;
CREATE OR REPLACE FUNCTION app.told(x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE deadlock_detected; END $$;
SELECT l.* FROM app.learn('{"type": "UIN", "value": "U1"}') l;
SELECT a.error_code FROM app.answer('enrollementstatus', '{"transaction_id": "t", "enrolled_criteria": {"query": {"UIN": {"eq": "U1"}}}}') a;
CREATE OR REPLACE FUNCTION app.told(x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE 'no'; END $$;
SELECT l.* FROM app.learn('{"type": "UIN", "value": "U1"}') l;
SELECT a.status FROM app.answer('enrollementstatus', '{"transaction_id": "t", "enrolled_criteria": {"query": {"UIN": {"eq": "U1"}}}}') a;
SELECT lookups, refused FROM casesync.lookups;
SELECT DISTINCT error_code FROM casesync_internal.request_in WHERE error_code IS NOT NULL ORDER BY 1;
-- a stored question that cannot be answered at last
SELECT ack FROM app.say('search', jsonb_build_object('transaction_id', 'late', 'search_request', jsonb_build_array(app.item('{"type": "UIN", "value": "U1"}'))), 'late');
CREATE OR REPLACE FUNCTION app.told(x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE deadlock_detected; END $$;
UPDATE casesync_internal.request_in SET tries = 4 WHERE transaction_id = 'late';
SELECT app.work();
SELECT sum(lookups) AS lookups FROM casesync.lookups;
SELECT state, status FROM casesync_internal.request_in WHERE transaction_id = 'late';
CREATE OR REPLACE FUNCTION app.told(x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN x; END $$;

-- an answer that waits and holds nothing but a number is found anew when it may not be told any more
SELECT app.allow(1000);
SELECT ack FROM app.say('search', jsonb_build_object('transaction_id', 'number', 'search_request', jsonb_build_array(
	app.item('{"type": "UIN", "value": "U1"}', criteria => '{"pagination": {"page_size": 1, "page_number": 2}}'))), 'number');
SELECT app.work();
SELECT regexp_replace(agreements::text, '\d+', 'n') AS agreements, answers->0 ? 'pagination' AS has_number FROM casesync_internal.request_in WHERE transaction_id = 'number';
SELECT message #> '{search_response,0,pagination}' AS pagination FROM casesync_internal.outgoing WHERE message->>'transaction_id' = 'number';
SELECT casesync.end_agreement('OUT', 'over') IS NOT NULL AS ended;
SELECT count(*) AS sent FROM app.send('ess.test', 'delivered', 'control');
SELECT app.work();
SELECT message #> '{search_response,0,pagination}' AS pagination FROM casesync_internal.outgoing WHERE message->>'transaction_id' = 'number' ORDER BY id;
-- a check of enrolment: one person, or several with the same identifier
SELECT app.allow(3);
INSERT INTO app.person VALUES (21, 'TWIN', '1', 'r1'), (22, 'TWIN', '2', 'r1');
SELECT u, jsonb_array_length(a.message::jsonb->'enrolled_response') AS told, a.status FROM unnest('{U1,TWIN,U1}'::text[]) u
 CROSS JOIN LATERAL app.answer('enrollementstatus', jsonb_build_object('transaction_id', 't', 'enrolled_criteria', jsonb_build_object('query', jsonb_build_object('UIN', jsonb_build_object('eq', u))))) a;
SELECT lookups, refused FROM casesync.lookups;
-- a wish with a filter counts what it tries, once; one of an identifier tells no more than it says
SELECT app.allow(3);
SELECT reference, status, message FROM app.subscribe(app.wish('two', '{"filter_type": "expression", "filter": {"UIN": {"$in": ["U1", "U2"]}}}'), app.wish('two', '{"filter_type": "expression", "filter": {"UIN": {"$in": ["U1", "U2"]}}}'),
	app.wish('more', '{"filter_type": "expression", "filter": {"UIN": {"$in": ["U3", "U4"]}}}'), app.wish('one', '{"filter_type": "idtype-value", "filter": {"type": "UIN", "value": "U5"}}'), app.wish('all'));
SELECT lookups, refused FROM casesync.lookups;
SELECT count(*) FROM (SELECT casesync.unsubscribe(code, 'test') FROM casesync.subscriptions) x;
-- what a filter of a subscription lets out: that it fits is told too
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"region": {"$eq": "r2"}}', 'expression') <> '' AS subscribed;
SELECT more FROM casesync_internal.route();
UPDATE app.person SET status = '1' WHERE id = 2;
UPDATE app.person SET region = 'r2' WHERE id = 3;
SELECT more FROM casesync_internal.route();
SELECT count(*) AS sent FROM app.send('ess.test');
SELECT key, way, asked FROM casesync.disclosed WHERE way = 'notify' AND outcome = 'attempted' ORDER BY 1;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
