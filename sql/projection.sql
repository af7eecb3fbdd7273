-- What leaves of a record, in which form, and whom it is about.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
\pset null '(null)'
\pset format unaligned
CREATE SCHEMA projection_test;
CREATE TABLE projection_test.record (name text PRIMARY KEY, record jsonb);
INSERT INTO projection_test.record VALUES
('member', '{
	"@type": "Member", "@id": "https://example.org/WITHHELD",
	"member_identifier": [
		{"@type": "Identifier", "identifier_type": "UIN", "identifier_value": "4711"},
		{"@type": "Identifier", "identifier_type": "BRN", "identifier_value": "WITHHELD"}],
	"demographic_info": {
		"@type": "ESSPerson",
		"identifier": {"identifier_type": "uin", "identifier_value": 4711},
		"name": {"@type": "Name", "surname": "Okoro", "given_name": "Ada"},
		"sex": "female", "birth_date": "1990-05-20", "phone_number": ["+15550100"]},
	"related_person": [{
		"@type": "RelatedPerson", "relationship_type": "SPS",
		"related_member": {"@type": "Member", "@id": "https://example.org/WITHHELD",
			"member_identifier": "WITHHELD", "spdci:member_identifier": "WITHHELD",
			"demographic_info": {"name": {"surname": "Bello"},
				"identifier": [{"identifier_type": "MRN", "identifier_value": "WITHHELD"},
					{"identifier_type": "UIN", "identifier_value": "0815"}]}}}],
	"employment_status": "4", "is_disabled": false, "marital_status": null,
	"employment_info": [{"job_title": "mason", "employer": "Roads"}, {"job_title": "cook"}],
	"additional_attributes": [{"extra_work": "volunteer"}, {"removed": "true", "hours": "3"},
		{"key": "shift", "value": "night"}, {"name": "union", "value": {"local": "12"}}]}'),
('beneficiary', '{
	"@type": "Beneficiary",
	"member": {"@type": "Member",
		"member_identifier": [{"identifier_type": "UIN", "identifier_value": "4711"}],
		"demographic_info": {"identifier": [{"identifier_type": "DRN", "identifier_value": "9"}],
			"name": {"surname": "Okoro"}}},
	"group": {"group_identifier": [{"identifier_type": "UIN", "identifier_value": "HOUSEHOLD"}],
		"group_size": 4},
	"programme_identifier": [
		{"@type": "Programme", "programme_name": "Cash", "programme_identifier": "C-1"},
		{"@type": "Programme", "programme_name": "Works", "programme_identifier": "W-1",
			"benefit": [{"benefit_type": "1"}]}],
	"enrollment_status": "1", "enrolment_status": "2"}'),
('group', '{
	"group_identifier": [{"identifier_type": "UIN", "identifier_value": "H-1"}],
	"group_head_info": {"member_identifier": [{"identifier_type": "UIN", "identifier_value": "4711"}]},
	"member_list": [{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "4712"}],
		"demographic_info": {"birth_date": "2020-01-01"}}], "group_size": 2}');

CREATE FUNCTION projection_test.projected(which text, fields text[], types text[] DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS
	'SELECT casesync_internal.project(record, fields, types) FROM projection_test.record WHERE name = which';

-- nothing agreed, nothing leaves; with identifier types at least whom it is about
SELECT projection_test.projected('member', '{}');
SELECT projection_test.projected('member', NULL, NULL);
SELECT projection_test.projected('member', '{}', '{UIN}');
SELECT projection_test.projected('member', '{}', '{uin,NOSUCH,NULL}');
SELECT projection_test.projected('beneficiary', '{}', '{UIN,DRN}');
SELECT projection_test.projected('group', '{}', '{UIN}');
SELECT casesync_internal.project(NULL, '{a}', '{UIN}');

-- fields: single, nested, through lists, whole objects
SELECT projection_test.projected('member', '{employment_status}');
SELECT projection_test.projected('member', '{demographic_info.name.surname,demographic_info.sex}');
SELECT projection_test.projected('member', '{employment_info.job_title}');
SELECT projection_test.projected('member', '{employment_info,is_disabled,marital_status}');
SELECT projection_test.projected('member', '{demographic_info.name,demographic_info.name.surname}');
SELECT projection_test.projected('beneficiary',
	'{programme_identifier.programme_name,enrollment_status}', '{UIN}');
SELECT projection_test.projected('beneficiary', '{enrolment_status}');

-- attributes: by name, in every way they are written
SELECT projection_test.projected('member', '{additional_attributes.extra_work}');
SELECT projection_test.projected('member', '{additional_attributes.hours,additional_attributes.shift}');
SELECT projection_test.projected('member', '{additional_attributes.union.local}');
SELECT projection_test.projected('member', '{additional_attributes.key,additional_attributes.value,additional_attributes.name}');
SELECT projection_test.projected('member', '{additional_attributes}');

-- a whole part never takes identifiers of other types along, nor untyped ones, nor @id
SELECT projection_test.projected('member', '{related_person}', '{UIN}');
SELECT projection_test.projected('member', '{related_person}', '{}');
SELECT projection_test.projected('member', '{related_person.related_member.member_identifier}', '{UIN}');
SELECT projection_test.projected('member', '{related_person.related_member.demographic_info.identifier.identifier_type}', '{UIN}');
SELECT projection_test.projected('group', '{member_list}', '{}');
SELECT projection_test.projected('group', '{member_list.demographic_info.birth_date}', '{UIN}');

-- a withheld value survives no agreement: same names elsewhere, prefixes, case, lists of lists
CREATE TABLE projection_test.hostile (record jsonb, fields text[]);
INSERT INTO projection_test.hostile VALUES
('{"ab": "WITHHELD", "a": "kept"}', '{a}'),
('{"a": "WITHHELD", "ab": "kept"}', '{ab}'),
('{"A": "WITHHELD", "a": "kept", "spdci:a": "WITHHELD"}', '{a}'),
('{"x": {"a": "WITHHELD"}, "a": "kept"}', '{a}'),
('{"a": {"b": "kept"}, "b": "WITHHELD", "x": {"a": {"b": "WITHHELD"}}}', '{a.b}'),
('{"a": {"c": "WITHHELD", "b": "kept", "bc": "WITHHELD"}}', '{a.b}'),
('{"a": [[{"b": "kept", "c": "WITHHELD"}, ["WITHHELD"]], "WITHHELD", [[["WITHHELD"]]]]}', '{a.b}'),
('{"a": "WITHHELD"}', '{a.b}'),
('{"a.b": "WITHHELD", "a": {"b": "kept"}}', '{a.b}'),
('{"a": {"b": {"c": "WITHHELD"}, "c": "kept"}}', '{a.c}'),
('{"a": {"c": {"c": "WITHHELD", "b": "kept"}}}', '{a.c.b}'),
('{"a": {"identifier_value": "WITHHELD"}}', '{a}'),
('{"a": {"identifier_type": "BRN", "identifier_value": "WITHHELD", "name": "WITHHELD"}}', '{a}'),
('{"a": {"Identifier_Type": "BRN", "x:IDENTIFIER_VALUE": "WITHHELD"}}', '{a}'),
('{"a": {"identifier_type": "UIN", "Identifier_type": "BRN", "identifier_value": "WITHHELD"}}', '{a}'),
('{"a": {"identifier_type": "UIN", "identifier_value": {"identifier_value": "WITHHELD"}}}', '{a}'),
('{"a": {"identifier_type": ["UIN"], "identifier_value": "WITHHELD"}}', '{a}'),
('{"a": {"identifier_type": "UIN", "identifier_value": "kept", "more": {"identifier_type": "BRN", "identifier_value": "WITHHELD"}}}', '{a}'),
('{"a": {"identifier_type": null, "identifier_value": "WITHHELD"}}', '{a}'),
('{"a": {"Member_Identifier": "WITHHELD", "spdci:identifier": ["WITHHELD"], "group_identifier": 4711}}', '{a}'),
('{"a": {"identifier": {"number": "WITHHELD", "deeper": [{"x": "WITHHELD"}]}}}', '{a}'),
('{"a": [[{"identifier": [["WITHHELD"], [{"identifier_type": "BRN", "identifier_value": "WITHHELD"}]]}]]}', '{a}'),
('{"member_identifier": "WITHHELD"}', '{member_identifier}'),
('{"member_identifier": {"identifier_type": "BRN", "identifier_value": "WITHHELD"}}', '{member_identifier.identifier_value}'),
('{"@id": "WITHHELD", "a": {"@id": "WITHHELD", "b": "kept"}}', '{a,@id}'),
('{"@type": {"x": "WITHHELD"}, "a": "kept"}', '{a}'),
('{"additional_attributes": [{"key": "a", "value": "WITHHELD"}, {"key": "b", "value": "kept"}]}', '{additional_attributes.b,additional_attributes.value,additional_attributes.key}'),
('{"additional_attributes": [[{"key": "a", "value": "WITHHELD"}]]}', '{additional_attributes.value}'),
('{"additional_attributes": {"a": "WITHHELD", "b": "kept"}}', '{additional_attributes.b}'),
('{"additional_attributes": ["WITHHELD", {"b": "kept"}]}', '{additional_attributes.b}'),
('{"additional_attributes": [{"identifier": "WITHHELD"}, {"key": "identifier", "value": "WITHHELD"}]}', '{additional_attributes.identifier}'),
('{"additional_attributes": [{"key": "b", "name": "WITHHELD", "value": "kept", "note": "WITHHELD"}]}', '{additional_attributes.b}'),
('{"group": {"group_identifier": [{"identifier_type": "UIN", "identifier_value": "WITHHELD"}]}, "member": {}}', '{enrollment_status}'),
('{"member_list": [{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "WITHHELD"}]}]}', '{group_size}'),
('{"related_person": [{"related_member": {"identifier": [{"identifier_type": "UIN", "identifier_value": "WITHHELD"}]}}]}', '{related_person.relationship_type}'),
('{"demographic_info": {"spouse": {"identifier": [{"identifier_type": "UIN", "identifier_value": "WITHHELD"}]}}}', '{a}');
SELECT casesync_internal.project(record, fields, '{UIN}') AS projected, record
  FROM projection_test.hostile
 WHERE casesync_internal.project(record, fields, '{UIN}')::text LIKE '%WITHHELD%';
-- what was agreed of those records is still there
SELECT fields, casesync_internal.project(record, fields, '{UIN}') AS projected
  FROM projection_test.hostile WHERE record::text LIKE '%kept%' ORDER BY record::text COLLATE "C";
-- every subset of fields of a record gives no more than its union, and projecting twice changes nothing
WITH path(p) AS (VALUES ('employment_status'), ('demographic_info.name'), ('related_person'),
		('additional_attributes.hours'), ('employment_info.job_title')),
choice AS (SELECT n, array(SELECT p FROM (SELECT p, row_number() OVER (ORDER BY p) - 1 AS i FROM path) x
		WHERE n & (1 << i::int) <> 0) AS fields FROM generate_series(0, 31) n)
SELECT count(*) AS subsets,
	count(*) FILTER (WHERE casesync_internal.project(casesync_internal.project(record, fields, '{UIN}'), fields, '{UIN}')
		= casesync_internal.project(record, fields, '{UIN}')) AS stable,
	count(*) FILTER (WHERE record @> casesync_internal.project(record, fields, '{UIN}')) AS contained,
	count(DISTINCT casesync_internal.project(record, fields, '{UIN}')) AS different
  FROM choice, projection_test.record WHERE name = 'member';

-- random records whose every leaf is its own path, random fields: out comes what is agreed, all of it, nothing else
CREATE FUNCTION projection_test.random_value(path text, depth integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	dice float := random();
	key text;
	result jsonb;
BEGIN
	IF depth = 0 OR (dice < 0.25 AND path <> '') THEN
		RETURN to_jsonb(path);
	ELSIF dice < 0.4 AND path <> '' THEN
		RETURN jsonb_build_array(projection_test.random_value(path, depth - 1), projection_test.random_value(path, depth - 1));
	END IF;
	result := '{}';
	FOREACH key IN ARRAY ARRAY['a', 'ab', 'A', 'b', 'a b', 'name', 'value', 'key', 'member', 'group', '@x'] LOOP
		IF random() < 0.2 THEN
			result := result || jsonb_build_object(key, projection_test.random_value(concat_ws('.', nullif(path, ''), key), depth - 1));
		END IF;
	END LOOP;
	RETURN result;
END
$$;
CREATE FUNCTION projection_test.leaves(record jsonb) RETURNS SETOF text LANGUAGE sql AS
	$$ SELECT leaf #>> '{}' FROM jsonb_path_query(record, 'strict $.**') leaf WHERE jsonb_typeof(leaf) = 'string' $$;
SELECT setseed(0.4711) IS NOT NULL AS seeded;
CREATE TABLE projection_test.random AS
SELECT n, projection_test.random_value('', 5) AS record FROM generate_series(1, 200) n;
ALTER TABLE projection_test.random ADD fields text[];
UPDATE projection_test.random r SET fields = array(SELECT DISTINCT array_to_string((string_to_array(leaf, '.'))[:1 + (n + length(leaf)) % 4], '.')
	FROM projection_test.leaves(record) leaf WHERE random() < 0.05);
SELECT count(*) FILTER (WHERE agreed) > 200 AS many_agreed, count(*) FILTER (WHERE NOT agreed) > 200 AS many_withheld,
	count(*) FILTER (WHERE agreed AND NOT kept) AS lost, count(*) FILTER (WHERE kept AND NOT agreed) AS leaked
  FROM (SELECT n, leaf, EXISTS (SELECT FROM unnest(fields) f WHERE leaf = f OR starts_with(leaf, f || '.')) AS agreed,
		leaf IN (SELECT projection_test.leaves(casesync_internal.project(record, fields, '{UIN}'))) AS kept
	  FROM projection_test.random, projection_test.leaves(record) leaf) x;
-- the same with every object below an identifier key, or of an identifier's shape: nothing of it comes out
SELECT count(*) AS records, count(casesync_internal.project(r, fields, '{UIN}')) AS not_empty
  FROM projection_test.random,
	unnest(ARRAY[jsonb_build_object('a', jsonb_build_object('Identifier', record)),
		jsonb_build_object('a', jsonb_build_object('x:member_identifier', jsonb_build_array(record))),
		jsonb_build_object('a', record || '{"identifier_type": "BRN", "identifier_value": "1"}')]) r
 WHERE casesync_internal.project(r, fields || '{a}', '{UIN}') IS NOT NULL;

-- wrong paths and records say so
SELECT left(path, 30) AS path, casesync.is_field_path(path) FROM unnest(ARRAY['a', 'a.b',
	'additional_attributes.x-1', '', '.', 'a.', '.a', 'a..b', '*', 'a.*', 'a b', E'a\tb',
	'additional_attributes.hours per week']) path ORDER BY path COLLATE "C";
\set VERBOSITY terse
DO $$
DECLARE
	call text;
	state text;
	message text;
	hint text;
BEGIN
	FOREACH call IN ARRAY ARRAY[
		$c$casesync_internal.project('{}', '{a..b}', '{}')$c$,
		$c$casesync_internal.project('{}', '{*}', '{}')$c$,
		$c$casesync_internal.project('[1]', '{a}', '{}')$c$,
		$c$casesync_internal.project('"x"', '{a}', '{}')$c$,
		$c$casesync_internal.wire('[]')$c$,
		$c$casesync_internal.wire('"x"')$c$,
		$c$casesync_internal.wire('{"a": {"prénom": 1}}')$c$,
		$c$casesync_internal.wire(jsonb_build_object('a', repeat('x', 65537)))$c$,
		$c$casesync_internal.wire(jsonb_build_object(repeat('x', 65537), 1))$c$,
		$c$casesync_internal.wire('{"a": 1e70000}')$c$,
		$c$casesync_internal.wire(('{"a":' || repeat('[', 27) || repeat(']', 27) || '}')::jsonb)$c$,
		$c$casesync_internal.wire((repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb)$c$,
		$c$casesync_internal.keyed_hash('\x00', '{}')$c$]
	LOOP
		BEGIN
			EXECUTE 'SELECT ' || call;
			RAISE INFO '% passed', call;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
			RAISE INFO '%: % % [%]', left(call, 50), state, message, hint;
		END;
	END LOOP;
END
$$;
\set VERBOSITY default

-- the form on the wire
SELECT casesync_internal.wire('{"a": 1, "b": 1.5, "c": 9007199254740991, "d": 9007199254740992, "e": -9007199254740991,
	"f": -9007199254740992, "g": 1.0, "h": 1e3, "i": 0.00, "j": -0, "k": true, "l": null, "m": "é\n",
	"n": [1.25, {"o": []}], "p": {}, "q": 1e-7}');
SELECT casesync_internal.wire('{}'), casesync_internal.wire(NULL);
SELECT length(casesync_internal.wire(jsonb_build_object('a', repeat('x', 65536)))::text);
SELECT jsonb_typeof(casesync_internal.wire(('{"a":' || repeat('[', 26) || repeat(']', 26) || '}')::jsonb));
SELECT bool_and(casesync_internal.wire(casesync_internal.wire(record)) = casesync_internal.wire(record)) FROM projection_test.record;

-- keyed hash: RFC 2104 against the server's own sha256; equal records, equal hashes
SELECT casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', '{"b": 1, "a": 2}')
	= casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', '{"a":2,"b":1}') AS equal_records,
	casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', '{"a": 2}')
	<> casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', '{"a": 3}') AS other_record,
	casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', '{"a": 2}')
	<> casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e10', '{"a": 2}') AS other_key,
	casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', NULL) AS no_record;
WITH pad AS (SELECT string_agg(set_byte('\x00', 0, i # 54), ''::bytea ORDER BY n) AS inner_pad,
		string_agg(set_byte('\x00', 0, i # 92), ''::bytea ORDER BY n) AS outer_pad
	FROM (SELECT n, CASE WHEN n < 16 THEN n ELSE 0 END AS i FROM generate_series(0, 63) n) b)
SELECT casesync_internal.keyed_hash('\x000102030405060708090a0b0c0d0e0f', '{"a": 2}')
	= sha256(outer_pad || sha256(inner_pad || convert_to('{"a": 2}', 'UTF8'))) AS is_hmac FROM pad;

-- whom a record is about: its subject, not its relatives, not the other members
SELECT name, i.* FROM projection_test.record, casesync.record_identifiers(record) i
 ORDER BY 1, 2, 3;
SELECT r, i.* FROM unnest(ARRAY['{}', '[]', '"x"', 'null',
	'{"identifier": "plain"}', '{"identifier": {"identifier_type": "", "identifier_value": "1"}}',
	'{"identifier": {"identifier_type": "UIN", "identifier_value": ""}}',
	'{"identifier": {"identifier_type": "UIN", "identifier_value": true}}',
	'{"identifier": [[{"identifier_type": "uin", "identifier_value": 12}], {"identifier_type": "UIN", "identifier_value": "12"}]}',
	'{"identifier": {"identifier_type": "NATIONAL_ID", "identifier_value": "1"}}',
	'{"group": {"group_identifier": {"identifier_type": "BRN", "identifier_value": "G"}}}',
	'{"group": {"group_identifier": {"identifier_type": "BRN", "identifier_value": "G"}}, "member": null}',
	'{"group": {"group_identifier": {"identifier_type": "BRN", "identifier_value": "G"}}, "member": {}}']::jsonb[]) r
  LEFT JOIN casesync.record_identifiers(r) i ON true ORDER BY r::text COLLATE "C";
SELECT count(*) FROM casesync.record_identifiers(NULL);
-- a hostile list of identifiers is no reason to stop, nor to slow down
SELECT count(*) FROM casesync.record_identifiers((SELECT jsonb_build_object('identifier', jsonb_agg(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', n % 30000))) FROM generate_series(1, 60000) n));
SELECT casesync_internal.fold_identifier_type('uin'), casesync_internal.fold_identifier_type('National_ID');

DROP EXTENSION casesync CASCADE;
DROP SCHEMA projection_test CASCADE;
