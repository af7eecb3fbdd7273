-- Names that end a quotation or are those of our own aliases: in the view, its columns, the question.
CREATE EXTENSION casesync;
SET client_min_messages = warning;
\pset format unaligned
CREATE SCHEMA "evil""s";
CREATE TABLE "evil""s".p (id int primary key, "q" text, "known" text, "?key?" text, "x""; drop table casesync_internal.partner; --" text, "p" text, "c" text, uin text, ok boolean default true);
INSERT INTO "evil""s".p SELECT i, 'q'||i, 'k'||i, (100-i)::text, 'x'||i, 'p'||i, 'c'||i, 'U'||i FROM generate_series(1,30) i;
CREATE VIEW "evil""s"."the view'; --" AS SELECT id AS "the ""key", "q", "known", "?key?", "x""; drop table casesync_internal.partner; --", p, c, ok, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type','UIN','identifier_value',uin)), 'employment_status', q) AS "rec'ord" FROM "evil""s".p;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;
SELECT * FROM casesync.publish('people', '"evil""s"."the view''; --"', 'Member', key=>'the "key', record=>'rec''ord');
SELECT count(*) FROM (SELECT casesync.set_partner('b.test','https://b.test')) s;
SELECT count(*) FROM (SELECT casesync.set_agreement('B','b.test', registries => '{people}', event_types => '{enrolment}', fields => '{employment_status}', filter_fields => '{q,known,p,c}', identifier_types => '{UIN}', subjects => 'ok AND "q" <> ''q3''', valid_from => '2020-01-01', legal_basis => 'law', services => '{notify,search,check_enrollment}')) s;
-- names that set_agreement() would not take, in case others find a way
UPDATE casesync_internal.agreement SET filter_fields = filter_fields || ARRAY['?key?','x"; drop table casesync_internal.partner; --'];
SELECT casesync.activate('B');
CREATE SCHEMA app;
\i test/scene/request.sql
-- what a partner finds: outcome, total and records
CREATE FUNCTION app.f(c jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', i->>'status', i->>'status_reason_message', i #>> '{pagination,total_count}',
		(SELECT string_agg(r->>'employment_status', ',') FROM jsonb_array_elements(i #> '{data,reg_records}') r))
	  FROM app.answers(jsonb_build_array(jsonb_build_object('reference_id', 'r1', 'timestamp', '2026-01-01T00:00:00Z', 'search_criteria', $1)), 'b.test') i
$$;
SELECT n, app.f(jsonb_build_object('query', n::jsonb)) FROM unnest(ARRAY['{"q":{"in":["q1","q2","q3","q''; --"]}}','{"known":{"eq":"k1"}}','{"p":{"eq":"p4"}}','{"c":{"eq":"c5"}}','{"?key?":{"lt":"73"}}','{"x\"; drop table casesync_internal.partner; --":{"eq":"x7"}}','{"type":"UIN","value":"U3"}','{"type":"UIN","value":"U4"}','{"ok":{"eq":true}}','{"rec''ord":{"eq":"x"}}','{"$1":{"eq":"x"}}', '{"ctid":{"eq":"(0,1)"}}','{"xmin":{"gt":0}}','{"tableoid":{"gt":0}}','{"p":{"eq":"\u0027); select 1"}}']) n;
SELECT app.f('{"query":{"p":{"in":["p1","p2","p10"]}},"sort":[{"attribute_name":"q","sort_order":"desc"},{"attribute_name":"x\"; drop table casesync_internal.partner; --"}]}');
SELECT app.f('{"query":{"p":{"in":["p1","p2","p10"]}},"sort":[{"attribute_name":"1; drop","sort_order":"desc"}]}');
SELECT app.f('{"query":{"p":{"in":["p1","p2","p10"]}},"sort":[{"attribute_name":"employment_status","sort_order":"desc"}]}');
SELECT count(*) FROM casesync.partners;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP SCHEMA "evil""s" CASCADE;
