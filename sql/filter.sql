-- Filters: every shape, every bound and message, what comparing means, indexes, and what is withheld.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset null '(null)'
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
CREATE SCHEMA filter_test;

-- everybody
SELECT f, t, p.* FROM (VALUES (NULL::jsonb), ('{}'), ('[]'), ('null')) f(f), (VALUES (NULL), ('predicate')) t(t),
	casesync_internal.filter_parse(f, t) p;
SELECT casesync_internal.filter_matches(NULL, '{}', NULL);

-- idtype-value; the identifier is for the index
SELECT p.*, i.* FROM unnest(ARRAY['{"type": "UIN", "value": "4711"}', '{"type": "ns:org:IdType:uin", "value": 4711}',
	'{"type": "HOUSE_NO", "value": "12a"}']::jsonb[]) f, casesync_internal.filter_parse(f, NULL) p, casesync_internal.filter_identifier(p.tree) i;

-- expression, with all that is put around it
SELECT p.* FROM unnest(ARRAY[
	'{"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Group", "query": {"$and": [{"poverty_score": {"$lt": 5}}, {"location": {"$eq": "central_region"}}, {"group_size": {"$lt": 5}}]}}}}',
	'{"expression": {"query": {"sex": "F"}}}', '{"query": {"sex": {"ne": "F"}}}', '{"value": {"query": {"a": true}}}',
	'{"person_identifier": {"eq": "ABC451123"}}', '{"UIN": {"$eq": "4711"}}', '{"brn": {"$in": "1, 2,3"}}',
	'{"a": {"$gte": "1", "$lte": 2}, "b.c": {"in": ["x", 1, false]}}', '{"spdci:a": {"$not": {"$gt": 1}}}',
	'{"$not": {"$or": [{"a": 1}, {"b": 2, "c": 3}]}}']::jsonb[]) f, casesync_internal.filter_parse(f, 'expression') p;
-- predicates: seq_num gives the order, from left to right; not
SELECT p.* FROM unnest(ARRAY[
	'[{"seq_num": 1, "expression1": {"attribute_name": "YOB", "operator": "eq", "attribute_value": 1980}}]',
	'[{"seq_num": 2, "expression1": {"attribute_name": "c", "operator": "le", "attribute_value": "3"}, "condition": "or"},
	  {"seq_num": 1, "expression1": {"attribute_name": "a", "operator": "gt", "attribute_value": "1"}, "condition": "and", "expression2": {"attribute_name": "b", "operator": "lt", "attribute_value": "2"}},
	  {"expression1": {"attribute_name": "d", "operator": "in", "attribute_value": "4,5"}, "condition": "or"}]',
	'[{"expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "1"}, "condition": "not", "expression2": {"attribute_name": "b", "operator": "eq", "attribute_value": "2"}}]',
	'[{"seq_num": "1", "expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "1"}, "condition": "not"},
	  {"seq_num": 1.5, "expression1": {"attribute_name": "b", "operator": "$ge", "attribute_value": "2"}, "condition": "or"},
	  {"seq_num": 10, "expression1": {"attribute_name": "c", "operator": "eq", "attribute_value": "3"}, "condition": "and"},
	  {"seq_num": 11, "expression1": {"attribute_name": "d", "operator": "eq", "attribute_value": "4"}}]']::jsonb[]) f, casesync_internal.filter_parse(f, NULL) p;

-- what is refused, each with its sentence
CREATE FUNCTION filter_test.problem(filter jsonb, filter_type text DEFAULT NULL) RETURNS text LANGUAGE sql AS
	'SELECT p.problem FROM casesync_internal.filter_parse(filter, filter_type) p WHERE p.tree IS NULL';
SELECT f, filter_test.problem(f, t) FROM (VALUES
	('{"type": "graphql", "value": {"expression": "query {member}"}}'::jsonb, NULL), ('{}', 'graphql'), ('{"a": 1}', 'ns:org:QueryType:GraphQL'),
	('{"expression": "query {member}"}', 'expression'), ('{"a": 1}', 'sql'), ('7', NULL), ('"a"', 'expression'),
	('[{"expression1": {}}]', 'expression'), ('{"a": 1}', 'predicate'), ('[]', 'sql'),
	('{"type": "UIN"}', 'idtype-value'), ('{"type": 1, "value": "1"}', 'idtype-value'), ('{"type": "UIN", "value": true}', 'idtype-value'),
	('{"type": "UIN", "value": {"expression": {}}}', 'idtype-value'), ('{"type": "", "value": "1"}', 'idtype-value'), ('{"type": "UIN", "value": ""}', 'idtype-value'),
	('{"a": {"$regex": "x"}}', NULL), ('{"a": {"b": {"$eq": 1}}}', NULL), ('{"a": {}}', NULL), ('{"a": null}', NULL), ('{"a": [1]}', NULL),
	('{"a": {"$lt": [1]}}', NULL), ('{"a": {"$in": []}}', NULL), ('{"a": {"$in": " , "}}', NULL), ('{"a": {"$in": [null]}}', NULL), ('{"a": {"$in": [[1]]}}', NULL),
	('{"$and": []}', NULL), ('{"$and": {"a": 1}}', NULL), ('{"$or": [1]}', NULL), ('{"$or": [{}]}', NULL), ('{"$not": [{"a": 1}]}', NULL), ('{"$where": "1"}', NULL), ('{"a$": {"x": 1}}', NULL),
	('{"a..b": 1}', NULL), ('{".a": 1}', NULL), ('{"a.": 1}', NULL), ('{"": 1}', NULL), ('{"a\u0007": 1}', NULL), ('{"secret value 4711": {"$foo": 1}}', NULL),
	('[1]', NULL), ('[{"condition": "and"}]', NULL), ('[{"expression1": 1}]', NULL), ('[{"expression1": {"attribute_name": "a", "operator": "eq"}}]', NULL),
	('[{"expression1": {"attribute_name": "a", "operator": "like", "attribute_value": "b"}}]', NULL),
	('[{"expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": {"b": 1}}}]', NULL),
	('[{"seq_num": "first", "expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "b"}}]', NULL),
	('[{"condition": "xor", "expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "b"}}]', NULL),
	('[{"condition": "and", "expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "b"}, "expression2": 5}]', NULL)) v(f, t);
-- bounds: the last that is taken, the first that is not
SELECT filter_test.problem(jsonb_build_object('a', repeat('x', 1000))), filter_test.problem(jsonb_build_object('a', repeat('x', 1001)));
SELECT filter_test.problem(jsonb_build_object(repeat('x', 500), 1)), filter_test.problem(jsonb_build_object(repeat('x', 501), 1));
SELECT filter_test.problem(jsonb_build_object(repeat('a.', 15) || 'a', 1)), filter_test.problem(jsonb_build_object(repeat('a.', 16) || 'a', 1));
SELECT filter_test.problem(jsonb_build_object('type', repeat('x', 255), 'value', 1)), filter_test.problem(jsonb_build_object('type', repeat('x', 256), 'value', 1));
SELECT filter_test.problem(jsonb_build_object('a', jsonb_build_object('$in', (SELECT jsonb_agg(i) FROM generate_series(1, n) i)))) FROM (VALUES (1000), (1001)) n(n);
SELECT filter_test.problem(jsonb_build_object('a', jsonb_build_object('$in', repeat('1,', n) || '1'))) FROM (VALUES (999), (1000)) n(n);
SELECT filter_test.problem(jsonb_build_object('$or', (SELECT jsonb_agg('{"a": {"$in": "1,2,3"}}'::jsonb) FROM generate_series(1, n)))) FROM (VALUES (333), (334)) n(n);
SELECT filter_test.problem(jsonb_build_object('$or', (SELECT jsonb_agg('{"a": 1}'::jsonb) FROM generate_series(1, n)))) FROM (VALUES (499), (500), (501)) n(n);
SELECT filter_test.problem((SELECT jsonb_object_agg('a' || i, 1) FROM generate_series(1, n) i)) FROM (VALUES (500), (501)) n(n);
SELECT filter_test.problem((SELECT jsonb_agg('{"expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "b"}}'::jsonb) FROM generate_series(1, n))) FROM (VALUES (499), (500), (501)) n(n);
SELECT filter_test.problem((repeat('{"$not": ', n) || '{"a": 1}' || repeat('}', n))::jsonb) FROM (VALUES (15), (16), (3000)) n(n);
SELECT filter_test.problem(('{"a": ' || repeat('{"$not": ', n) || '{"$eq": 1}' || repeat('}', n) || '}')::jsonb) FROM (VALUES (14), (15), (3000)) n(n);
-- a tree is only what filter_parse makes
SELECT casesync_internal.filter_matches(t, '{}', NULL) FROM (VALUES ('{}'::jsonb)) v(t);
SELECT casesync_internal.filter_matches('{"op": "not", "of": [{"op": "and", "of": []}]}', '{}', NULL);
SELECT casesync_internal.filter_matches('{"op": "lt", "attribute": "a", "values": ["1", "2"]}', '{}', NULL);
SELECT casesync_internal.filter_matches('7', '{}', NULL);

-- comparing: codes by code, padded code or label; dates and numbers as such; else texts by their bytes
CREATE FUNCTION filter_test.fits(filter jsonb, record jsonb) RETURNS boolean LANGUAGE sql AS
	'SELECT casesync_internal.filter_matches(p.tree, record, NULL) FROM casesync_internal.filter_parse(filter, NULL) p WHERE p.problem IS NULL';
SELECT f, filter_test.fits(f, '{
	"enrollment_status": "1", "sex": "female", "marital_status": "zz", "birth_date": "1990-05-20", "last_updated": "2026-11-22T10:00:00+02:00",
	"poverty_score": "12.50", "group_size": 4, "postal_code": "01234", "is_disabled": false, "nothing": null,
	"member_identifier": [{"identifier_type": "UIN", "identifier_value": "4711"}, {"identifier_type": "house_no", "identifier_value": 12}],
	"related_person": [{"related_member": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": "0815"}], "sex": "male"}}],
	"employment_info": [{"job_title": "mason"}, {"job_title": "cook", "start_date": "2020-01-01"}],
	"additional_attributes": [{"hours": "5"}, {"key": "shift", "value": "night"}, {"name": "union", "value": {"local": "12"}}]}')
FROM unnest(ARRAY['{"enrollment_status": "Active"}', '{"enrolment_status": "01"}', '{"enrolment_status": {"$in": "4,active"}}', '{"enrollment_status": "2"}', '{"enrollment_status": {"$lt": "Suspended"}}',
	'{"sex": "F"}', '{"sex": 2}', '{"sex": {"$ne": "F"}}', '{"marital_status": "zz"}', '{"marital_status": "M"}',
	'{"birth_date": "1990-05-20T00:00:00Z"}', '{"birth_date": {"$lt": "1990-05-20T02:00:00+03:00"}}', '{"birth_date": {"$gt": "1990-05-19"}}', '{"last_updated": "2026-11-22T08:00:00"}', '{"last_updated": {"$lt": "2026-11-22T09:00:00Z"}}',
	'{"last_updated": {"$lt": "2016-12-31T23:59:60Z"}}', '{"last_updated": {"$ge": "2016-12-31T23:59:60.5Z"}}', '{"poverty_score": 12.5}', '{"poverty_score": {"$lt": "9"}}', '{"group_size": {"$ge": "4.0"}}', '{"postal_code": "1234"}', '{"postal_code": "01234"}', '{"is_disabled": false}', '{"is_disabled": "true"}',
	'{"employment_info.job_title": "cook"}', '{"employment_info.job_title": {"$ne": "cook"}}', '{"employment_info.job_title": "baker"}', '{"employment_info.start_date": {"$ge": "2020"}}', '{"employment_info.start_date": {"$ge": "2020-01-01"}}',
	'{"additional_attributes.hours": {"$gt": 4}}', '{"additional_attributes.shift": "night"}', '{"shift": "night"}', '{"additional_attributes.union.local": "12"}', '{"additional_attributes.value": "night"}', '{"additional_attributes.key": "shift"}',
	'{"UIN": "4711"}', '{"UIN": "0815"}', '{"uin": {"$in": ["1", "4711"]}}', '{"HOUSE_NO": 12}', '{"UIN": {"$gt": "1"}}', '{"person_identifier": {"eq": "12"}}', '{"person_identifier": {"eq": "0815"}}', '{"member_identifier": "4711"}', '{"member_identifier": "13"}',
	'{"related_person.related_member.sex": "M"}', '{"employment_info": "cook"}', '{"nothing": "1"}', '{"unknown": 1}', '{"$not": {"unknown": 1}}', '{"$or": [{"unknown": 1}, {"sex": "F"}]}', '{"$or": [{"unknown": 1}, {"sex": "M"}]}',
	'{"$and": [{"unknown": 1}, {"sex": "M"}]}', '{"$not": {"$and": [{"unknown": 1}, {"sex": "M"}]}}', '{"$not": {"BRN": "1"}}']::jsonb[]) f;
-- as long as a record's text may be, and longer than a number is read
SELECT filter_test.fits('{"a": {"$gt": 0}}', jsonb_build_object('a', '0.' || repeat('1', 60000)));
-- how predicates combine: (a or b) and c, not a or (b and c)
SELECT n, filter_test.fits('[{"seq_num": 1, "expression1": {"attribute_name": "a", "operator": "eq", "attribute_value": "1"}, "condition": "or"},
	{"seq_num": 2, "expression1": {"attribute_name": "b", "operator": "eq", "attribute_value": "1"}, "condition": "and"},
	{"seq_num": 3, "expression1": {"attribute_name": "c", "operator": "eq", "attribute_value": "1"}}]',
	jsonb_build_object('a', n >> 2, 'b', n >> 1 & 1, 'c', n & 1)) FROM generate_series(0, 7) n;

-- columns have types: what does not fit is unknown, not an error
SELECT v, casesync_internal.filter_matches(p.tree, NULL, '{"n": {"type": "integer", "value": 5}, "d": {"type": "date", "value": "2020-01-01"}, "s": {"type": "code:sex", "value": "female"}, "plain": 5, "e": {"type": "text", "value": null}}')
  FROM unnest(ARRAY['{"n": "5"}', '{"n": "5.0"}', '{"n": "five"}', '{"$not": {"n": "five"}}', '{"n": {"$in": "five,5"}}', '{"n": {"$in": "five,6"}}', '{"n": {"$lt": "5.5"}}', '{"n": {"$lt": "1e300"}}',
	'{"d": "2020-01-01"}', '{"d": {"$lt": "2020-01-01T00:00:01Z"}}', '{"d": "soon"}', '{"s": "F"}', '{"s": "X"}', '{"plain": "5.0"}', '{"e": ""}', '{"$not": {"e": ""}}', '{"N": 5}']::jsonb[]) v, casesync_internal.filter_parse(v, NULL) p;

-- ---- over a view -----------------------------------------------------------------------------------
CREATE ROLE regress_filter_owner;
SELECT casesync.grant_access('regress_filter_owner', 'publisher');
GRANT CREATE, USAGE ON SCHEMA filter_test TO regress_filter_owner;
SET ROLE regress_filter_owner;
CREATE FUNCTION filter_test.spy(text) RETURNS boolean LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE 'the check of a domain runs as %', current_user; RETURN true; END $$;
CREATE DOMAIN filter_test.word AS text CHECK (filter_test.spy(VALUE));
CREATE TABLE filter_test.person (id bigint PRIMARY KEY, uin text UNIQUE, brn text, born date, seen timestamptz, status casesync.enrolment_status,
	score numeric, surname varchar(50), nick filter_test.word, secret integer);
INSERT INTO filter_test.person SELECT i, 'U' || i, 'B' || i, date '1950-01-01' + i, timestamptz '2020-01-01 00:00+00' + i * interval '1 hour',
	(ARRAY['Active', 'Suspended', 'Exited'])[1 + i % 3]::casesync.enrolment_status, i / 10.0, 'name' || i, NULL, i FROM generate_series(1, 20000) i;
CREATE INDEX person_born ON filter_test.person (born);
CREATE INDEX person_status ON filter_test.person (status, id);
CREATE INDEX person_score ON filter_test.person (score);
CREATE INDEX person_surname ON filter_test.person (surname);
CREATE INDEX person_seen ON filter_test.person (seen);
ANALYZE filter_test.person;
CREATE VIEW filter_test.share AS SELECT id AS subject_key, uin, brn, born, seen, status, score, surname, nick, secret,
	casesync.member(identifiers => ARRAY[casesync.identifier('UIN', uin), casesync.identifier('BRN', brn)],
		demographic_info => casesync.person(birth_date => born), enrolment_status => status) || jsonb_build_object('secret', secret, 'open', id % 7) AS record FROM filter_test.person;
SELECT * FROM casesync.publish('people', 'filter_test.share', 'Member');
RESET ROLE;
CREATE TABLE filter_test.terms AS SELECT r AS registry, jsonb_populate_record(NULL::casesync_internal.agreement,
	'{"fields": ["enrolment_status", "open", "additional_attributes"], "identifier_types": ["UIN"], "filter_fields": ["born", "seen", "status", "score", "surname", "nick"]}') AS agreement
  FROM casesync_internal.registry r;
SELECT c.* FROM filter_test.terms t, casesync_internal.filter_columns_of(t.registry, t.agreement) c;

CREATE FUNCTION filter_test.condition(filter jsonb) RETURNS TABLE (condition text, arguments text[]) LANGUAGE sql AS
	'SELECT c.* FROM casesync_internal.filter_parse(filter, NULL) p, filter_test.terms t, casesync_internal.filter_condition(p.tree, t.registry, t.agreement) c';
-- runs as a search does: as the view's owner
CREATE FUNCTION filter_test.search(filter jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c record := filter_test.condition(filter);
BEGIN
	RETURN (SELECT format('%s found, first %s', count(*), min(q.key::integer)) FROM casesync_internal.owner_query(session_user, 'filter_test.share',
		'SELECT subject_key::text, NULL::jsonb FROM filter_test.share WHERE ' || c.condition, c.arguments) q);
END
$$;
-- the index that finds the rows, if any
CREATE FUNCTION filter_test.plan(filter jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c record := filter_test.condition(filter);
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) SELECT subject_key FROM filter_test.share WHERE ' || replace(c.condition, '$1', format('(%L::text[])', c.arguments)) LOOP
		line := substring(line FROM '(?:Seq Scan|Index Only Scan|Index Scan|Bitmap Index Scan) (?:using|on) \w+');
		CONTINUE WHEN line IS NULL;
		RETURN NEXT line;
	END LOOP;
END
$$;
SELECT f, filter_test.search(f), string_agg(p, ', ') FROM unnest(ARRAY[
	'{"type": "UIN", "value": "U77"}', '{"UIN": {"$in": ["U1", "U2", "nobody"]}}', '{"person_identifier": {"eq": "U5"}}',
	'{"born": "1970-01-01"}', '{"born": {"$ge": "1970-01-01", "$lt": "1970-02-01T00:00:00Z"}}', '{"seen": {"$lt": "2020-01-02"}}', '{"surname": "name5"}', '{"score": {"$lt": "0.5"}}', '{"score": {"$in": [1, "2.0", "x"]}}',
	'{"$and": [{"status": "Suspended"}, {"open": 3}, {"UIN": "U3"}]}',
	'[{"expression1": {"attribute_name": "born", "operator": "le", "attribute_value": "1950-01-08"}, "condition": "and", "expression2": {"attribute_name": "open", "operator": "eq", "attribute_value": 0}}]',
	'{"nick": {"$eq": "x"}}', '{"score": "abc"}', '{"$not": {"score": "abc"}}', '{"enrolment_status": "Active"}', '{"open": {"$lt": 1}}']::jsonb[])
	WITH ORDINALITY u(f, n) LEFT JOIN LATERAL filter_test.plan(f) p ON true GROUP BY f, n ORDER BY n;
-- a domain's check is its owner's code: it is not asked, whoever filters
SET client_min_messages = notice;
SELECT filter_test.search('{"nick": "x"}');
SET client_min_messages = warning;
-- what was sent is in the arguments and nowhere else
SELECT c.condition, c.arguments FROM unnest(ARRAY['{"surname": "x'' OR true --"}', '{"surname\" OR true --": "1"}', '{"$not": {"UIN": "U1"}}', '{"$or": [{"born": "1970-01-01"}, {"open": 1}, {"secret": 2}, {"surname": {"$gt": "m"}}]}']::jsonb[]) f,
	filter_test.condition(f) c;
SELECT casesync_internal.filter_condition(NULL, t.registry, t.agreement) FROM filter_test.terms t;
SELECT casesync_internal.filter_columns(t.registry, t.agreement) FROM filter_test.terms t;

-- ---- what is withheld is what does not exist --------------------------------------------------------
-- few rows are enough here: each filter that names what is withheld reads them all
DELETE FROM filter_test.person WHERE id > 300;
CREATE TABLE filter_test.withheld AS SELECT * FROM (VALUES ('secret', '5'), ('brn', 'B5'), ('BRN', 'B5'), ('demographic_info.birth_date', '1950-01-06'),
	('subject_key', '5'), ('record', '5'), ('record.secret', '5'), ('id', '5'), ('nobody_has_this', '5')) v(name, value);
CREATE FUNCTION filter_test.every_shape(name text, value text) RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('type', name, 'value', value)
	UNION ALL SELECT jsonb_build_object('type', 'expression', 'value', jsonb_build_object('expression', jsonb_build_object('query', jsonb_build_object(name, jsonb_build_object(o, value)))))
		FROM unnest('{$eq,$ne,$lt,$le,$gt,$ge,$in}'::text[]) o
	UNION ALL SELECT jsonb_build_object('$not', jsonb_build_object(name, jsonb_build_object(o, value))) FROM unnest('{eq,ne,lt,le,gt,ge,in}'::text[]) o
	UNION ALL SELECT jsonb_build_object('$or', jsonb_build_array(jsonb_build_object(name, value), jsonb_build_object('$not', jsonb_build_object(name, value))))
	UNION ALL SELECT jsonb_build_array(jsonb_build_object('expression1', jsonb_build_object('attribute_name', name, 'operator', o, 'attribute_value', value), 'condition', c))
		FROM unnest('{eq,ne,lt,le,gt,ge,in}'::text[]) o, unnest('{and,or,not}'::text[]) c
$$;
SELECT w.name, count(*) AS filters, count(*) FILTER (WHERE filter_test.search(f) <> '0 found, first ') AS that_find_somebody
  FROM filter_test.withheld w, filter_test.every_shape(w.name, w.value) f GROUP BY w.name ORDER BY w.name COLLATE "C";
-- the same machinery finds what is agreed
SELECT count(*), count(*) FILTER (WHERE filter_test.search(f) <> '0 found, first ') FROM filter_test.every_shape('born', '1950-01-06') f;
-- not even the condition differs
SELECT count(*), count(DISTINCT replace(c.condition || c.arguments::text, w.name, '')) FROM filter_test.withheld w, filter_test.condition(jsonb_build_object(w.name, '5')) c
 WHERE w.name IN ('secret', 'subject_key', 'demographic_info.birth_date', 'nobody_has_this');

-- ---- sort --------------------------------------------------------------------------------------------
SELECT s, o.* FROM unnest(ARRAY[NULL, '[]', '{}', '[{"attribute_name": "born"}]', '[{"attribute_name": "score", "sort_order": "DESC"}, {"attribute_name": "spdci:surname", "sort_order": "asc"}]',
	'[{"attribute_name": "open", "sort_order": "desc"}]', '{"attribute_name": "secret"}', '[{"attribute_name": "nobody_has_this"}]', '[{"attribute_name": "brn"}]', '[{"attribute_name": "uin"}]', '[{"attribute_name": "born; DROP TABLE x"}]',
	'7', '[7]', '[{}]', '[{"attribute_name": 7}]', '[{"attribute_name": ""}]', '[{"attribute_name": "born", "sort_order": "up"}]', '[{"attribute_name": "born", "sort_order": 1}]']::jsonb[]) s, filter_test.terms t, casesync_internal.filter_order(s, t.registry, t.agreement) o;
SELECT o.problem FROM filter_test.terms t, casesync_internal.filter_order((SELECT jsonb_agg('{"attribute_name": "born"}'::jsonb) FROM generate_series(1, 9)), t.registry, t.agreement) o;
SELECT casesync_internal.filter_sort_key('{"a": "2", "b": "1990-05-20", "sex": "F", "c": [{"d": "x"}], "e": true, "f": null, "g": "2026-01-01T02:00:00+02:00", "postal_code": "0123"}', p) FROM unnest('{a,b,sex,c.d,e,f,g,postal_code,c,nothing}'::text[]) p;

DROP SCHEMA filter_test CASCADE;
DELETE FROM casesync_internal.registry;
DROP EXTENSION casesync CASCADE;
DROP OWNED BY regress_filter_owner;
DROP ROLE regress_filter_owner;
