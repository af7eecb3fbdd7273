-- A search is pushed down to the indexes of the tables below the view, whoever asks for whatever.
CREATE EXTENSION casesync;
SET client_min_messages = warning;
\pset null '(null)'
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_search_owner;
SELECT count(*) FROM (SELECT casesync.grant_access('regress_search_owner', 'publisher')) s;
CREATE SCHEMA app AUTHORIZATION regress_search_owner;
\i test/scene/request.sql
-- 50 000 people in a view of two tables, published by an owner who is no superuser
SET ROLE regress_search_owner;
CREATE TABLE app.area (id integer PRIMARY KEY, region text);
INSERT INTO app.area SELECT i, 'region ' || i FROM generate_series(1, 500) i;
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, area integer, status casesync.employment_status, born date, changed timestamptz, shared boolean);
INSERT INTO app.person SELECT i, 'U' || i, i % 500 + 1, (1 + i % 2)::text::casesync.employment_status, date '1950-01-01' + i % 20000,
	timestamptz '2026-01-01 00:00Z' + i * interval '1 minute', i % 100 <> 0 FROM generate_series(1, 50000) i;
CREATE UNIQUE INDEX person_uin ON app.person (uin);
CREATE INDEX person_area ON app.person (area);
CREATE INDEX person_born ON app.person (born);
CREATE INDEX person_changed ON app.person (changed);
CREATE INDEX area_region ON app.area (region);
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, p.shared, p.uin, a.region, p.born, p.changed AS last_updated, p.status, casesync.member(
		identifiers => ARRAY[casesync.identifier('UIN', p.uin)], employment_status => p.status) AS record
	  FROM app.person p JOIN app.area a ON a.id = p.area;
ANALYZE app.area, app.person;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
RESET ROLE;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', 'https://dci.ess.test')) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', filter_fields => '{region,born,last_updated,status}', identifier_types => '{UIN}',
	subjects => 'shared', valid_from => '2020-01-01', legal_basis => 'law', services => '{search}')) s;
SELECT casesync.activate('OUT');

-- how the very query of a search would read the table of people: by which indexes, or all of it
CREATE FUNCTION app.plan(query jsonb, sort jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	s casesync_internal.search_source; c record; line text; ways text[] := '{}';
BEGIN
	SELECT x.a, x.r INTO s.a, s.r FROM casesync_internal.agreements_for_search('ess.test', 'search', NULL, NULL) x;
	SELECT f.condition, f.arguments INTO c FROM casesync_internal.filter_parse(query, NULL) p, casesync_internal.filter_condition(p.tree, s.r, s.a) f;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || casesync_internal.search_query(s.r, s.a, c.condition, (casesync_internal.filter_order(sort, s.r, s.a)).clause, 10001) USING c.arguments, true LOOP
		ways := ways || substring(line from 'person_\w+') || CASE WHEN line ~ 'Seq Scan on person' THEN 'all of person' END;
	END LOOP;
	RETURN (SELECT string_agg(DISTINCT w, ', ' ORDER BY w) FROM unnest(ways) w);
END
$$;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
\echo an identifier that is a column of the view
SELECT app.plan('{"type": "UIN", "value": "U4711"}');
SELECT app.plan('[{"seq_num": 1, "expression1": {"attribute_name": "UIN", "operator": "eq", "attribute_value": "U4711"}}]');
\echo a column of a joined table
SELECT app.plan('{"region": {"$eq": "region 7"}}');
\echo a range, a list, and both
SELECT app.plan('{"last_updated": {"$ge": "2026-02-04T00:00:00Z"}}');
SELECT app.plan('{"born": {"$in": ["1980-01-01", "1980-01-02"]}}');
SELECT app.plan('{"$and": [{"born": {"$ge": "1980-01-01"}}, {"born": {"$lt": "1980-01-08"}}, {"employment_status": {"$eq": "1"}}]}');
\echo an attribute of the record has no index: all are read, within casesync.search_timeout
SELECT app.plan('{"employment_status": {"$eq": "1"}}');
\echo and what is found is right
CREATE FUNCTION app.found(query jsonb, criteria jsonb DEFAULT '{}') RETURNS TABLE (code text, total text, uins text) LANGUAGE sql AS $$
	SELECT i->>'status_reason_code', i #>> '{pagination,total_count}', (SELECT string_agg(r #>> '{member_identifier,0,identifier_value}', ' ' ORDER BY n) FROM jsonb_array_elements(i #> '{data,reg_records}') WITH ORDINALITY x(r, n))
	  FROM app.answers(jsonb_build_array(app.item($1, criteria => '{"pagination": {"page_size": 3}}'::jsonb || $2))) i
$$;
SELECT * FROM app.found('{"type": "UIN", "value": "U4711"}');
SELECT * FROM app.found('{"region": {"$eq": "region 7"}}');
SELECT * FROM app.found('{"last_updated": {"$ge": "2026-02-04T00:00:00Z"}}', '{"sort": [{"attribute_name": "last_updated", "sort_order": "desc"}]}');
SELECT * FROM app.found('{"$and": [{"born": {"$ge": "1980-01-01"}}, {"born": {"$lt": "1980-01-08"}}, {"employment_status": {"$eq": "1"}}]}');
SELECT * FROM app.found('{}');
\echo what is not agreed matches nobody, and reads nothing to find that out
SELECT q, f.* FROM (VALUES ('{"secret": {"$eq": "x"}}'), ('{"occupation": {"$eq": "x"}}'), ('{"$not": {"secret": {"$eq": "x"}}}'), ('{"$and": [{"employment_status": {"$eq": "1"}}, {"secret": {"$gt": "x"}}]}')) v(q)
 CROSS JOIN LATERAL app.found(q::jsonb) f;
SELECT q, casesync_internal.search_may_match(f.tree, x.a) FROM casesync_internal.agreements_for_search('ess.test', 'search', NULL, NULL) x, (VALUES ('{"secret": {"$eq": "x"}}'), ('{"$not": {"secret": {"$eq": "x"}}}'),
	('{"$not": {"$or": [{"secret": {"$eq": "x"}}, {"occupation": {"$eq": "x"}}]}}'), ('{"$and": [{"employment_status": {"$eq": "1"}}, {"secret": {"$gt": "x"}}]}'),
	('{"$or": [{"employment_status": {"$eq": "1"}}, {"secret": {"$gt": "x"}}]}'), ('{"$not": {"$and": [{"employment_status": {"$eq": "1"}}, {"secret": {"$gt": "x"}}]}}'),
	('{"region": {"$eq": "x"}}'), ('{"shared": {"$eq": "true"}}'), ('{"employment_status.x": {"$eq": "x"}}'), ('{"member_identifier.identifier_value": {"$eq": "x"}}'), ('{"type": "UIN", "value": "x"}'),
	('{"$not": {"UIN": {"$eq": "x"}}}'), ('{"additional_attributes.note": {"$eq": "x"}}'), ('{}')) v(q), casesync_internal.filter_parse(q::jsonb, NULL) f;
SELECT path, fields, casesync_internal.filter_path_may_exist(path, fields::text[]) FROM (VALUES ('a', '{a}'), ('a.b', '{a}'), ('a', '{a.b}'), ('a.b', '{a.c}'), ('ab', '{a}'), ('a', '{ab}'), ('note', '{additional_attributes}'),
	('note', '{additional_attributes.note}'), ('note', '{additional_attributes.other}'), ('x.note', '{additional_attributes.note}'), ('enrolment_status', '{enrollment_status}'), ('a', '{}'), ('', '{a}')) v(path, fields);
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_search_owner;
DROP ROLE regress_search_owner;
