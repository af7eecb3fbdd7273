-- What a partner finds: good, sloppy and hostile questions. Nothing but what the agreement covers.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/request.sql
-- an application: people of two regions, some not shared, one with nothing to say about
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, passport text, status text, region text, secret text,
	income integer, changed timestamptz, shared boolean DEFAULT true);
INSERT INTO app.person SELECT i, 'U' || i, 'P' || i, CASE WHEN i % 2 = 0 THEN '1' ELSE '2' END, CASE WHEN i <= 6 THEN 'north' ELSE 'south' END,
	'secret' || i, 100 * i, timestamptz '2026-01-01 00:00Z' + i * interval '1 day', i <> 5 FROM generate_series(1, 10) i;
INSERT INTO app.person VALUES (11, NULL, 'P11', NULL, 'north', 'secret11', 5, '2026-01-12 00:00Z', true);
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, p.shared, p.region, p.secret, p.income, p.changed AS last_updated, jsonb_strip_nulls(jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin),
			jsonb_build_object('identifier_type', 'PASSPORT', 'identifier_value', p.passport)),
		'employment_status', p.status, 'income_level', p.income, 'occupation', p.secret,
		'last_updated', CASE WHEN p.uin IS NOT NULL THEN to_char(p.changed AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
		'additional_attributes', jsonb_build_array(jsonb_build_object('key', 'note', 'value', p.secret)))) AS record
	  FROM app.person p;
CREATE VIEW app.households AS
	SELECT 'H' || h AS subject_key, true AS shared, jsonb_build_object('group_identifier', jsonb_build_array(
		jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'H' || h)), 'group_size', h) AS record FROM generate_series(1, 2) h;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM casesync.publish('households', 'app.households', 'Group', 'Social');
SELECT count(*) FROM (SELECT casesync.set_partner(p, 'https://dci.' || p) FROM unnest('{ess.test,other.test,late.test,notify.test}'::text[]) p) s;
CREATE FUNCTION app.agree(name text, partner text, services text[], since timestamptz DEFAULT '2020-01-01') RETURNS text LANGUAGE sql AS $$
	SELECT casesync.set_agreement(name, partner, registries => '{people,households}', event_types => '{enrolment_status_change}',
		fields => '{employment_status,last_updated,group_size}', filter_fields => '{region,last_updated}', identifier_types => '{UIN}',
		subjects => 'shared', valid_from => since, legal_basis => 'law', services => services);
	SELECT casesync.activate(name)
$$;
SELECT app.agree('OUT', 'ess.test', '{notify,search}'), app.agree('NOTIFY', 'notify.test', '{notify}'),
	app.agree('LATE', 'late.test', '{search}', '2999-01-01');

-- the items of an answer, without the time
CREATE FUNCTION app.found(items jsonb, partner text DEFAULT 'ess.test') RETURNS TABLE (reference text, status text, code text, why text, uins text, total text)
LANGUAGE sql AS $$
	SELECT i->>'reference_id', i->>'status', i->>'status_reason_code', i->>'status_reason_message',
		(SELECT coalesce(string_agg(coalesce(r #>> '{member_identifier,0,identifier_value}', r #>> '{group_identifier,0,identifier_value}', '-'), ' ' ORDER BY n), '')
		   FROM jsonb_array_elements(i #> '{data,reg_records}') WITH ORDINALITY x(r, n)), i #>> '{pagination,total_count}'
	  FROM app.answers($1, $2) i
$$;

-- one person by an identifier: the whole answer -------------------------------------------------------------
SELECT a.error_code, a.action, a.status, a.total_count, a.completed_count, a.sender_id, a.receiver_id, a.encrypt,
	a.correlation_id = a.message::jsonb->>'correlation_id' AS same_correlation,
	jsonb_pretty((a.message::jsonb - 'correlation_id') #- '{search_response,0,timestamp}') AS message
  FROM app.ask(jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}', criteria => '{"query_type": "idtype-value"}', more => '{"locale": "fra"}'))) a;
-- byte for byte what a notification would carry
SELECT (a.message::jsonb #> '{search_response,0,data,reg_records,0}')::text = p.record::text AS same
  FROM app.ask(jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}'))) a, casesync.preview('OUT', '2') p WHERE p.registry = 'people';
-- every shape
SELECT * FROM app.found(jsonb_build_array(
	app.item('{"type": "uin", "value": "U2"}', 'idtype', '{"query_type": "idtype-value"}'),
	app.item('{"type": "ns:org:QueryType:expression", "value": {"expression": {"query": {"$and": [{"employment_status": {"$eq": "1"}}, {"region": {"$eq": "south"}}]}}}}', 'expression', '{"query_type": "expression"}'),
	app.item('[{"seq_num": 1, "expression1": {"attribute_name": "region", "operator": "eq", "attribute_value": "north"}, "condition": "and", "expression2": {"attribute_name": "last_updated", "operator": "ge", "attribute_value": "2026-01-04T00:00:00Z"}}]', 'predicate', '{"query_type": "predicate"}'),
	app.item('{"region": {"eq": "south"}}', 'guessed'),
	app.item('{}', 'all'), app.item('[]', 'empty list'), app.item('null', 'null')));
-- catching up by last_updated, the newest first
SELECT * FROM app.found(jsonb_build_array(app.item('{"last_updated": {"gte": "2026-01-08T00:00:00Z"}}',
	criteria => '{"sort": [{"attribute_name": "last_updated", "sort_order": "desc"}]}')));

-- which registries: by name in any spelling; those of one type when not said, the first of the agreement; what it does not cover is refused
SELECT reference, status, uins, total FROM app.found(jsonb_build_array(
	app.item('{}', 'any case', '{"reg_type": "ess", "reg_record_type": "MEMBER"}'), app.item('{}', 'group', '{"reg_type": "SR", "reg_record_type": "group"}'),
	app.item('{}', 'both', '{"reg_type": null, "reg_record_type": null}'), app.item('{}', 'unknown', '{"reg_type": "Moon"}'), app.item('{}', 'mixed', '{"reg_type": "ESS", "reg_record_type": "Group"}')));
-- a type that is in no list, too: the same in any case, with any prefix and blanks around it; what only looks like it is another
UPDATE casesync_internal.registry SET reg_type = 'Housing' WHERE registry = 'households';
SELECT t, f.uins FROM unnest(ARRAY['Housing', 'housing', 'HOUSING', 'ns:org:RegistryType:Housing', 'x:y: housing ', E'\thousing\n', 'Hοusing', 'Ｈousing', 'hou sing', 'housing_', 'ESS', ' ess ']) WITH ORDINALITY x(t, n)
 CROSS JOIN LATERAL app.found(jsonb_build_array(app.item('{}', criteria => jsonb_build_object('reg_type', t, 'reg_record_type', NULL)))) f ORDER BY n;
UPDATE casesync_internal.registry SET reg_type = 'Social' WHERE registry = 'households';
SELECT i->>'reference_id', (i->'data') - 'reg_records' FROM app.answers(jsonb_build_array(
	app.item('{}', 'any case', '{"reg_type": "ess", "reg_record_type": "MEMBER"}'), app.item('{}', 'group', '{"reg_type": "SR", "reg_record_type": "group"}'),
	app.item('{}', 'both', '{"reg_type": null, "reg_record_type": null}'), app.item('{}', 'unknown', '{"reg_type": "Moon"}'))) i;

-- a number may be anybody's: it is looked for in one type after the other, and what is found is all of one type
SELECT reference, status, code, why, uins, total FROM app.found(jsonb_build_array(
	app.item('{"type": "UIN", "value": "U1"}', 'person', '{"reg_type": null, "reg_record_type": ""}'), app.item('{"type": "UIN", "value": "H1"}', 'household', '{"reg_type": "", "reg_record_type": null}'),
	app.item('{"type": "UIN", "value": "U1"}', 'not agreed', '{"reg_type": "Moon"}'), app.item('{}', 'other type', '{"reg_type": "ESS", "reg_record_type": "Group"}')));
SELECT i->>'reference_id', (i->'data') - 'reg_records' FROM app.answers(jsonb_build_array(app.item('{"type": "UIN", "value": "H1"}', 'household', '{"reg_type": null, "reg_record_type": null}'))) i;
-- pages: in the criteria or beside them; neither gaps nor overlaps
SELECT p, f.uins, f.total FROM generate_series(1, 5) p CROSS JOIN LATERAL app.found(jsonb_build_array(app.item('{}', criteria =>
	jsonb_build_object('reg_type', NULL, 'reg_record_type', NULL, 'pagination', jsonb_build_object('page_size', 4, 'page_number', p))))) f ORDER BY p;
SELECT uins, total FROM app.found(jsonb_build_array(app.item('{}', more => '{"pagination": {"page_size": 2, "page_number": 3}}')));
SELECT uins, total FROM app.found(jsonb_build_array(app.item('{}', criteria => '{"pagination": {"page_size": 2}}')));
SELECT reference, code, why FROM app.found(jsonb_build_array(
	app.item('{}', 'a', '{"pagination": {"page_size": 0}}'), app.item('{}', 'b', '{"pagination": {"page_size": -1}}'), app.item('{}', 'c', '{"pagination": {"page_size": 2001}}'),
	app.item('{}', 'd', '{"pagination": {"page_size": 1.5}}'), app.item('{}', 'e', '{"pagination": {"page_size": "10"}}'), app.item('{}', 'f', '{"pagination": {"page_size": 1e30}}'),
	app.item('{}', 'g', '{"pagination": {"page_number": 0}}'), app.item('{}', 'h', '{"pagination": {"page_number": 99999999999}}'), app.item('{}', 'i', '{"pagination": [1]}'),
	app.item('{}', 'j', more => '{"pagination": {"page_size": 0}}')));
SELECT uins, total FROM app.found(jsonb_build_array(app.item('{}', criteria => '{"pagination": {"page_size": 2000, "page_number": 1000000}}')));
-- sort
SELECT reference, code, why, uins FROM app.found(jsonb_build_array(
	app.item('{}', 'desc', '{"sort": [{"attribute_name": "region", "sort_order": "desc"}, {"attribute_name": "last_updated", "sort_order": "desc"}]}'),
	app.item('{}', 'record', '{"sort": [{"attribute_name": "employment_status", "sort_order": "desc"}]}'),
	app.item('{}', 'no list', '{"sort": 7}'), app.item('{}', 'no name', '{"sort": [{}]}'), app.item('{}', 'order', '{"sort": [{"attribute_name": "region", "sort_order": "up"}]}')));

-- items are answered one by one: what is wrong with one does not touch the others
SELECT reference, status, code, why, uins, total FROM app.found(jsonb_build_array(
	app.item('{"type": "UIN", "value": "U1"}', 'good'), app.item('{"type": "UIN", "value": "U1"}', 'good'),
	app.item('{}', 'no criteria', more => '{"search_criteria": null}'), app.item('{}', 'list', more => '{"search_criteria": []}'),
	app.item('{}', 'no query', more => '{"search_criteria": {"query_type": "expression"}}'), app.item('{}', 'types', '{"reg_type": {"a": 1}}'), app.item('{}', 'types 2', '{"reg_record_type": ["Member"]}'),
	app.item('{"q": 1}', 'graphql', '{"query_type": "graphql"}'), app.item('7', 'number'), app.item('"x"', 'text'), app.item('{"region": {"$like": "n%"}}', 'operator')));
-- all refused: the header says so
SELECT a.status, a.status_reason_message, a.total_count, a.completed_count, a.message::jsonb #> '{search_response,0,data}' AS data FROM app.ask(jsonb_build_array(app.item('7'))) a;

-- unknown, withheld, not agreed and another's: one answer; only a kind of identifier can be asked about where it is agreed
SELECT reference, status, code, why, uins, total FROM app.found(jsonb_build_array(
	app.item('{"type": "UIN", "value": "U99"}', 'nobody'), app.item('{"type": "UIN", "value": "U5"}', 'not shared'), app.item('{"type": "PASSPORT", "value": "P2"}', 'type not agreed'),
	app.item('{"occupation": {"eq": "secret2"}}', 'field not agreed'), app.item('{"secret": {"eq": "secret2"}}', 'column not agreed'), app.item('{"nothing": {"eq": "x"}}', 'no such field'),
	app.item('{"type": "UIN", "value": "U11"}', 'nothing to say')));
SELECT p, f.* FROM unnest('{other.test,late.test,notify.test}'::text[]) p CROSS JOIN LATERAL app.found(jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}')), p) f ORDER BY p;
SELECT DISTINCT partner, way FROM casesync.disclosed;
-- a consent is kept, and is no key
SELECT uins, total FROM app.found(jsonb_build_array(app.item('{"type": "UIN", "value": "U5"}', criteria => '{"consent": {"purpose": {"text": "yes"}}, "authorize": {"purpose": {"code": "all"}}}')));
SELECT claims FROM casesync_internal.request_in WHERE claims IS NOT NULL;

-- too many -------------------------------------------------------------------------------------------------
SET casesync.search_limit = 5;
SELECT reference, code, why, uins, total FROM app.found(jsonb_build_array(app.item('{}', 'all'), app.item('{"region": {"eq": "south"}}', 'south'), app.item('{}', 'page', '{"pagination": {"page_size": 1}}')));
RESET casesync.search_limit;
-- those of whom nothing is agreed do not stand in the way of who comes after them
INSERT INTO app.person SELECT i, NULL, 'P' || i, NULL, 'void', 'x', 5, '2026-01-12 00:00Z', true FROM generate_series(21, 29) i;
INSERT INTO app.person VALUES (30, 'U30', 'P30', '1', 'void', 'x', 5, '2026-01-12 00:00Z', true);
SET casesync.search_limit = 2;
SELECT * FROM app.found(jsonb_build_array(app.item('{"region": {"eq": "void"}}')));
RESET casesync.search_limit;
DELETE FROM app.person WHERE region = 'void';
-- what is read takes too long
CREATE FUNCTION app.slow(x jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN x; END $$;
CREATE OR REPLACE VIEW app.households AS
	SELECT 'H' || h AS subject_key, true AS shared, app.slow(jsonb_build_object('group_identifier', jsonb_build_array(
		jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'H' || h)), 'group_size', h)) AS record FROM generate_series(1, 2) h;
SET casesync.search_timeout = '200ms';
SELECT reference, status, code, why FROM app.found(jsonb_build_array(app.item('{}', 'slow', '{"reg_type": "Social", "reg_record_type": null}')));
-- nor does a request of many items end without an answer: what there was no time for is refused item by item
SET casesync.search_timeout = '40ms';
SELECT count(*), bool_or(late) AS some_late, bool_and(late) FILTER (WHERE n > first_late) AS from_then_on FROM (
	SELECT late, n, min(n) FILTER (WHERE late) OVER () AS first_late FROM (SELECT coalesce(why, '') ~ '^the search took longer' AS late, substr(reference, 2)::integer AS n
		FROM app.found((SELECT jsonb_agg(app.item('{"type": "UIN", "value": "U1"}', 'i' || i)) FROM generate_series(1, 1000) i))) f) x;
RESET casesync.search_timeout;
-- a record that cannot be read does not hide the others; when those are too many to look at, it is said
CREATE FUNCTION app.broken(id integer, x jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN IF id = 3 THEN RAISE EXCEPTION 'secret of %', id; END IF; RETURN x; END $$;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id AS subject_key, p.shared, p.region, p.secret, p.income, p.changed AS last_updated, app.broken(p.id, jsonb_strip_nulls(jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin),
			jsonb_build_object('identifier_type', 'PASSPORT', 'identifier_value', p.passport)),
		'employment_status', p.status))) AS record
	  FROM app.person p;
SELECT reference, status, code, why, uins, total FROM app.found(jsonb_build_array(app.item('{"employment_status": {"eq": "2"}}', 'attribute'), app.item('{"region": {"eq": "south"}}', 'column')));
SET casesync.search_limit = 5;
SELECT reference, status, code, why, uins, total FROM app.found(jsonb_build_array(app.item('{"employment_status": {"eq": "2"}}', 'attribute'), app.item('{"region": {"eq": "south"}}', 'column')));
RESET casesync.search_limit;
SELECT severity, problem FROM casesync.health WHERE problem LIKE '%answered%';
-- a view that is broken as a whole
ALTER TABLE app.person RENAME TO human;
DROP FUNCTION app.broken CASCADE;
SELECT status, code, why, uins, total FROM app.found(jsonb_build_array(app.item('{"type": "UIN", "value": "U2"}')));

-- bounded ---------------------------------------------------------------------------------------------------
SELECT a.error_code, a.error_message FROM app.ask((SELECT jsonb_agg(1) FROM generate_series(1, 1001))) a;
SELECT a.status, a.total_count FROM app.ask((SELECT jsonb_agg(app.item('{"type": "UIN", "value": "U2"}', 'r' || i, '{"reg_type": "Moon"}')) FROM generate_series(1, 1000) i)) a;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
