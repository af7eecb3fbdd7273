-- Whether somebody is enrolled: every way to name a person, every status, and one answer for whom nobody may know.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/request.sql
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, passport text, status text, programme text, shared boolean DEFAULT true);
INSERT INTO app.person SELECT i, 'U' || i, 'P' || i, i::text, NULL FROM generate_series(1, 7) i;
INSERT INTO app.person VALUES (8, 'U8', 'P8', NULL, NULL, true), (9, 'U9', 'P9', 'local:900', NULL, true), (10, 'U10', 'P10', '1', NULL, false),
	(11, 'U11', 'P11', 'walking', NULL, true), (12, 'U12', 'U13', '1', NULL, true), (13, 'U13', 'P13', '2', NULL, true), (14, 'U14', 'P14', '3', '1', true);
-- the status as an attribute of a Member, and of a Beneficiary for whom there is a programme
CREATE VIEW app.members AS
	SELECT p.id::text AS subject_key, p.shared, jsonb_strip_nulls(jsonb_build_object('member_identifier', jsonb_build_array(
			jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin),
			jsonb_build_object('identifier_type', 'PASSPORT', 'identifier_value', p.passport)),
		'additional_attributes', CASE WHEN p.status IS NOT NULL THEN jsonb_build_array(jsonb_build_object('key', 'enrolment_status', 'value', p.status)) END)) AS record
	  FROM app.person p;
CREATE VIEW app.beneficiaries AS
	SELECT p.id::text AS subject_key, p.shared, jsonb_build_object('member', jsonb_build_object('member_identifier', jsonb_build_array(
			jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin))),
		'enrollment_status', p.programme) AS record
	  FROM app.person p WHERE p.programme IS NOT NULL;
CREATE VIEW app.households AS
	SELECT 'H1' AS subject_key, true AS shared, '{"group_identifier": [{"identifier_type": "UIN", "identifier_value": "H1"}],
		"additional_attributes": [{"enrolment_status": "4"}]}'::jsonb AS record;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT count(*) FROM casesync.publish('members', 'app.members', 'Member');
SELECT count(*) FROM casesync.publish('households', 'app.households', 'Group');
SELECT count(*) FROM casesync.publish('beneficiaries', 'app.beneficiaries', 'Beneficiary', 'Social');
SELECT count(*) FROM (SELECT casesync.set_partner(p, 'https://dci.' || p) FROM unnest('{ess.test,other.test,search.test,blind.test,few.test}'::text[]) p) s;
CREATE FUNCTION app.agree(partner text, services text[], fields text[] DEFAULT '{enrollment_status,additional_attributes}', lookups integer DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT casesync.set_agreement('OUT ' || partner, partner, registries => '{members,households,beneficiaries}', event_types => '{enrolment_status_change}',
		fields => fields, identifier_types => '{UIN,PASSPORT}', subjects => 'shared', valid_from => '2020-01-01', legal_basis => 'law', services => services,
		lookups_per_day => lookups);
	SELECT casesync.activate('OUT ' || partner)
$$;
SELECT app.agree('ess.test', '{check_enrollment}'), app.agree('search.test', '{search}'), app.agree('blind.test', '{check_enrollment}', '{employment_status}'),
	app.agree('few.test', '{check_enrollment}', lookups => 2);
-- asks for the status of somebody (app.ask of the scene searches)
CREATE FUNCTION app.check(criteria jsonb, partner text DEFAULT 'ess.test', action text DEFAULT 'enrollementstatus') RETURNS casesync_internal.reply LANGUAGE sql AS
	$$ SELECT app.answer(action, jsonb_build_object('transaction_id', 't1', 'enrolled_criteria', $1), $2) $$;
CREATE FUNCTION app.told(query jsonb, partner text DEFAULT 'ess.test', more jsonb DEFAULT '{}') RETURNS TABLE (status text, why text, answer text) LANGUAGE sql AS $$
	SELECT a.status, a.status_reason_message, (SELECT string_agg(concat_ws(' ', i->>'reference_id', i->>'status', i->>'enrolled_status', '(' || (i->>'status_reason_message') || ')'), ', ')
		FROM jsonb_array_elements(a.message::jsonb->'enrolled_response') i)
	  FROM app.check(jsonb_build_object('query', query) || more, partner) a
$$;

-- the whole answer: the standard's own spellings ---------------------------------------------------------------
SELECT a.error_code, a.action, a.status, a.status_reason_message, a.total_count, a.completed_count, a.correlation_id = a.message::jsonb->>'correlation_id' AS same_correlation,
	(a.message::jsonb - 'correlation_id') #- '{enrolled_response,0,timestamp}' AS message
  FROM app.check('{"query_type": "expression", "response_entity": "Member", "query": {"person_identifier": {"eq": "U1"}}}') a;
SELECT w, a.error_code, a.action FROM unnest('{enrollementstatus,enrollmentstatus,enrolmentstatus,enrolment-status,search,Enrollementstatus,enrolled}'::text[]) w
 CROSS JOIN LATERAL app.check('{"query": {"person_identifier": {"eq": "U1"}}}', action => w) a;
-- every status: the list of the answer has no Exited (A3), nor words of one's own
SELECT i, t.* FROM generate_series(1, 9) i CROSS JOIN LATERAL app.told(jsonb_build_object('person_identifier', jsonb_build_object('eq', 'U' || i))) t ORDER BY i;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', profile => 'extended')) s;
SELECT i, t.* FROM unnest('{3,9}'::integer[]) i CROSS JOIN LATERAL app.told(jsonb_build_object('person_identifier', jsonb_build_object('eq', 'U' || i))) t ORDER BY i;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', profile => 'spdci-1.0')) s;
-- every way to name a person
SELECT q, t.* FROM (VALUES ('{"person_identifier": {"eq": "U4"}}'), ('{"person_identifier": {"$eq": "U4"}}'), ('{"person_identifier": "U4"}'), ('{"person_identifier": {"eq": "P4"}}'),
	('{"UIN": {"eq": "U4"}}'), ('{"uin": "U4"}'), ('{"UIN": {"eq": "P4"}}'), ('{"type": "UIN", "value": "U4"}'), ('{"type": "ns:dci:uin", "value": "U4"}'),
	('{"identifier_type": "UIN", "identifier_value": "U4"}'), ('{"identifier_type": "UIN", "identifier_value": {"eq": "U4"}}'),
	('[{"seq_num": 1, "expression1": {"attribute_name": "UIN", "operator": "eq", "attribute_value": "U4"}}]'),
	('{"type": "ns:org:QueryType:expression", "value": {"expression": {"query": {"UIN": {"$eq": "U4"}}}}}')) v(q) CROSS JOIN LATERAL app.told(q::jsonb) t;
-- a Beneficiary and a Member of one person: what says most; two people of one value: each
SELECT * FROM app.told('{"UIN": {"eq": "U14"}}');
SELECT * FROM app.told('{"person_identifier": {"eq": "U13"}}');
-- groups when asked for, people else
SELECT * FROM app.told('{"UIN": {"eq": "H1"}}', more => '{"response_entity": "Group"}');
SELECT * FROM app.told('{"UIN": {"eq": "H1"}}', more => '{"response_entity": "Member"}');
SELECT * FROM app.told('{"UIN": {"eq": "H1"}}');
SELECT * FROM app.told('{"UIN": {"eq": "U1"}}', more => '{"response_entity": "Group"}');
-- on record, each subject once, and nothing else of the question
SELECT way, registry, key, count(DISTINCT reference_id) = count(*) AS distinct_references, min(outcome) FROM casesync.disclosed WHERE key IN ('1', '14', 'H1') GROUP BY way, registry, key ORDER BY registry, key;
SELECT DISTINCT action, state, message, claims, answers, reference_ids FROM casesync_internal.request_in;

-- unknown, withheld, without status, unreadable, not agreed: one answer ------------------------------------------
SELECT q, partner, t.* FROM (VALUES ('U99', 'ess.test'), ('U10', 'ess.test'), ('U8', 'ess.test'), ('U11', 'ess.test'),
	('U1', 'other.test'), ('U1', 'search.test'), ('U1', 'blind.test')) v(q, partner)
 CROSS JOIN LATERAL app.told(jsonb_build_object('person_identifier', jsonb_build_object('eq', q)), partner) t;
SELECT * FROM app.told('{"TAX_ID": {"eq": "U1"}}');
SELECT count(*) FROM casesync.disclosed WHERE partner <> 'ess.test' OR key IN ('8', '10', '11');
-- no more people a day than agreed
SELECT n, t.* FROM generate_series(1, 3) n CROSS JOIN LATERAL app.told(jsonb_build_object('UIN', 'U' || n), 'few.test') t ORDER BY n;
SELECT partner, lookups, refused FROM casesync.lookups WHERE partner = 'few.test';

-- what names nobody ----------------------------------------------------------------------------------------------
SELECT q, a.error_code, replace(a.error_message, 'enrolled_criteria.query must name one person, for example {"person_identifier": {"eq": "…"}} or {"type": "UIN", "value": "…"}', '(must name one person)') AS why,
	a.message IS NULL AS silent FROM (VALUES ('null'), ('[]'), ('{}'), ('7'), ('{"query": {}}'), ('{"query": null}'), ('{"query": []}'), ('{"query": "U1"}'),
	('{"query": {"person_identifier": {"ne": "U1"}}}'), ('{"query": {"person_identifier": {"in": ["U1", "U2"]}}}'), ('{"query": {"person_identifier": {"eq": ""}}}'),
	('{"query": {"person_identifier": {"eq": null}}}'), ('{"query": {"person_identifier": ["U1"]}}'), ('{"query": {"person_identifier": {"gt": "0"}}}'),
	('{"query": {"UIN": {"eq": "U1"}, "x": {"eq": "y"}}}'), ('{"query": {"$or": [{"UIN": {"eq": "U1"}}, {"UIN": {"eq": "U2"}}]}}'),
	('{"query": {"UIN": {"eq": "U1"}}, "response_entity": "Planet"}'), ('{"query": {"UIN": {"eq": "U1"}}, "response_entity": 7}'), ('{"query": {"UIN": {"eq": "U1"}}, "query_type": {}}'),
	('{"query": {"q": "{ person }"}, "query_type": "graphql"}')) v(q)
 CROSS JOIN LATERAL app.check(q::jsonb) a;
SELECT a.error_code, left(a.error_message, 60) FROM app.check(jsonb_build_object('query', jsonb_build_object('UIN', repeat('9', 256)))) a;
SELECT a.error_code, a.error_message FROM casesync_internal.answer_now('ess.test', 'm', '{"header": {"action": "enrollementstatus"}, "message": {"transaction_id": "t"}}', NULL, NULL) a;
-- a query that looks like SQL is a value like any other
SELECT * FROM app.told('{"UIN'' OR true --": {"eq": "'' OR true --"}}');
SELECT * FROM app.told('{"UIN": {"eq": "U1'' OR ''1''=''1"}}');
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
