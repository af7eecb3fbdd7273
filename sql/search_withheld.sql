-- Every withheld thing through every filter shape, sort, page and count: the answer is that for a name that does not exist.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/request.sql
\pset tuples_only on
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, passport text, status text, secret text, region text, wage integer, born date, shared boolean);
INSERT INTO app.person SELECT i, 'U' || i, 'P' || i, (1 + i % 2)::text, 'secret' || i, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END, 100 * i, date '1980-01-01' + i, i % 5 <> 0
	FROM generate_series(1, 20) i;
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, p.shared, p.secret, p.passport, p.region, p.wage, p.born, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin),
			jsonb_build_object('identifier_type', 'PASSPORT', 'identifier_value', p.passport)),
		'demographic_info', jsonb_build_object('birth_date', p.born, 'name', jsonb_build_object('surname', p.secret)),
		'employment_status', p.status, 'occupation', p.secret, 'income_level', p.wage,
		'additional_attributes', jsonb_build_array(jsonb_build_object('key', 'note', 'value', p.secret), jsonb_build_object('open', p.region))) AS record
	  FROM app.person p;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', 'https://dci.ess.test')) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status,additional_attributes.open}', filter_fields => '{region}', identifier_types => '{UIN}', subjects => 'shared',
	valid_from => '2020-01-01', legal_basis => 'law', services => '{search,check_enrollment}')) s;
SELECT casesync.activate('OUT');

-- every shape that can hold a name and a value; NAME and VALUE are put in
CREATE TABLE app.shape (n serial, criteria text);
INSERT INTO app.shape (criteria) SELECT format('{"query": {"NAME": {"%s": "VALUE"}}}', o) FROM unnest('{eq,$eq,ne,$ne,lt,le,gt,ge,gte,lte}'::text[]) o;
INSERT INTO app.shape (criteria) SELECT format('{"query": [{"seq_num": 1, "expression1": {"attribute_name": "NAME", "operator": "%s", "attribute_value": "VALUE"}}]}', o) FROM unnest('{eq,lt,le,gt,ge,in}'::text[]) o;
INSERT INTO app.shape (criteria) VALUES ('{"query": {"type": "NAME", "value": "VALUE"}, "query_type": "idtype-value"}'),
	('{"query": {"type": "NAME", "value": "VALUE"}}'), ('{"query": {"NAME": "VALUE"}}'), ('{"query": {"NAME": {"$in": ["VALUE", "other"]}}}'),
	('{"query": {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Member", "query": {"NAME": {"$eq": "VALUE"}}}}}, "query_type": "expression"}'),
	('{"query": {"$not": {"NAME": {"$eq": "VALUE"}}}}'), ('{"query": {"$not": {"NAME": {"$gt": "VALUE"}}}}'), ('{"query": {"$not": {"$not": {"NAME": {"$eq": "VALUE"}}}}}'),
	('{"query": {"$or": [{"NAME": {"$eq": "VALUE"}}, {"employment_status": {"$eq": "1"}}]}}'), ('{"query": {"$and": [{"$not": {"NAME": {"$eq": "VALUE"}}}, {"region": {"$eq": "south"}}]}}'),
	('{"query": {"$not": {"$and": [{"NAME": {"$eq": "VALUE"}}, {"region": {"$eq": "south"}}]}}}'), ('{"query": {"$or": [{"NAME": {"$ge": "VALUE"}}, {"UIN": {"$eq": "U1"}}]}}'),
	('{"query": [{"seq_num": 1, "expression1": {"attribute_name": "region", "operator": "eq", "attribute_value": "north"}, "condition": "or", "expression2": {"attribute_name": "NAME", "operator": "eq", "attribute_value": "VALUE"}}]}'),
	('{"query": {}, "sort": [{"attribute_name": "NAME", "sort_order": "desc"}]}'), ('{"query": {}, "sort": [{"attribute_name": "NAME"}, {"attribute_name": "employment_status", "sort_order": "desc"}]}'),
	('{"query": {}, "sort": [{"attribute_name": "NAME"}], "pagination": {"page_size": 2, "page_number": 3}}'), ('{"query": {"NAME": {"$ge": "VALUE"}}, "pagination": {"page_size": 1, "page_number": 1}}'),
	('{"query": {"NAME": {"$ne": "VALUE"}}, "pagination": {"page_size": 1, "page_number": 2}}');
-- what is withheld, under every name that leads to it; with a value that somebody has and one that nobody has
CREATE TABLE app.withheld (name text, has text, has_not text);
INSERT INTO app.withheld VALUES ('occupation', 'secret7', 'nosecret'), ('demographic_info.name.surname', 'secret7', NULL), ('demographic_info.birth_date', '1980-01-08', '1900-01-01'),
	('demographic_info', 'x', NULL), ('income_level', '700', NULL), ('additional_attributes.note', 'secret7', NULL), ('note', 'secret7', NULL), ('additional_attributes.key', 'note', NULL),
	('secret', 'secret7', 'nosecret'), ('wage', '700', NULL), ('born', '1980-01-08', NULL), ('shared', 'true', NULL), ('subject_key', '7', NULL), ('record', '7', NULL),
	('passport', 'P7', NULL), ('PASSPORT', 'P7', 'P99'), ('ctid', '(0,1)', NULL), ('people.secret', 'secret7', NULL), ('spdci:occupation', 'secret7', NULL),
	('record.occupation', 'secret7', NULL), ('"secret"', 'secret7', NULL), ('secret) OR (true', 'x', NULL), ('member.occupation', 'secret7', NULL);
CREATE FUNCTION app.said(criteria text, name text, value text) RETURNS text LANGUAGE sql AS $$
	SELECT concat(i - '{timestamp,status_reason_message}'::text[], replace(i->>'status_reason_message', name, 'NAME'))
	  FROM app.answers(jsonb_build_array(jsonb_build_object('reference_id', 'r', 'timestamp', '2026-01-01T08:00:00Z', 'search_criteria',
		replace(replace(criteria, 'NAME', regexp_replace(to_jsonb(name)::text, '^"|"$', '', 'g')), 'VALUE', value)::jsonb))) i
$$;
CREATE TABLE app.unknown AS
	SELECT s.n, v.value, app.said(s.criteria, 'nosuchname', v.value) AS answer
	  FROM app.shape s, (SELECT has FROM app.withheld UNION SELECT has_not FROM app.withheld WHERE has_not IS NOT NULL UNION VALUES ('north'), ('south'), ('1'), ('2'), ('U7')) v(value);
CREATE TABLE app.outcome AS
	SELECT s.n, w.name, v.value, app.said(s.criteria, w.name, v.value) AS answer FROM app.shape s, app.withheld w, LATERAL (VALUES (w.has), (w.has_not)) v(value)
	 WHERE v.value IS NOT NULL;
SELECT count(*) > 800 AS many, count(DISTINCT n) AS shapes, count(DISTINCT name) AS names FROM app.outcome;
-- none of them differs
SELECT o.name, o.value, o.n, o.answer, u.answer FROM app.outcome o JOIN app.unknown u USING (n, value) WHERE o.answer IS DISTINCT FROM u.answer ORDER BY 1, 2, 3 LIMIT 10;
-- nothing withheld is in any answer
SELECT count(*) FROM app.outcome WHERE answer ~ 'secret[0-9]|P[0-9]|birth|PASSPORT|income';
-- what is agreed does make a difference in every shape, so that the comparison above can fail
SELECT s.n, s.criteria FROM app.shape s WHERE NOT EXISTS (
	SELECT FROM app.unknown u, (VALUES ('region', 'north'), ('region', 'south'), ('employment_status', '1'), ('employment_status', '2'), ('UIN', 'U7'), ('additional_attributes.open', 'south')) a(name, value)
	 WHERE u.n = s.n AND u.value = a.value AND app.said(s.criteria, a.name, a.value) <> u.answer) ORDER BY s.n;
-- the same of checks of enrolment
CREATE FUNCTION app.enrolled(type text, value text) RETURNS text LANGUAGE sql AS $$
	SELECT a.message::jsonb->>'enrolled_response' || coalesce(a.status_reason_message, '') FROM app.answer('enrollementstatus',
		jsonb_build_object('transaction_id', 't1', 'enrolled_criteria', jsonb_build_object('query', jsonb_build_object(type, jsonb_build_object('eq', value))))) a
$$;
SELECT count(DISTINCT app.enrolled(w.name, v.value)) FROM app.withheld w, LATERAL (VALUES (w.has), (w.has_not)) v(value) WHERE v.value IS NOT NULL;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
