-- Which life of a database this is: what bridges say that they have told decides whether it goes on.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA life;
CREATE SCHEMA app;
\i test/scene/delivery.sql
SET search_path = life, public;
SELECT casesync.set_node('sp.example.org', 'https://sp.example.org', four_eyes => false);
CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL);
CREATE VIEW people AS
	SELECT id::text AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', 'U' || id)],
		additional_attributes => jsonb_build_object('alias', name)) AS record FROM person;
SELECT * FROM casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment_status_change');
SELECT casesync.set_partner('ess.example.org', 'https://ess.example.org');
\set a '00000000-0000-4000-8000-00000000000a'
\set b '00000000-0000-4000-8000-00000000000b'
-- A bridge starts with this of its journal; how it went, and whether the stream is another one.
CREATE TABLE was (stream uuid);
INSERT INTO was SELECT stream FROM casesync.this_node;
CREATE FUNCTION start(told jsonb) RETURNS TABLE (asks boolean, paused boolean, lost boolean, is_new boolean, speaks boolean)
LANGUAGE plpgsql AS $$
BEGIN
	SELECT s.asks, s.paused, s.lost INTO asks, paused, lost
	  FROM casesync_internal.bridge_versions() v,
		casesync_internal.bridge_start('6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0001', v.highest, told) s;
	SELECT n.stream <> w.stream, casesync_internal.may_speak() INTO is_new, speaks
	  FROM casesync_internal.node n, was w;
	RETURN NEXT;
END
$$;
CREATE FUNCTION journal(bridge text, stream uuid, reference_id uuid) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('bridge', bridge, 'messages', CASE WHEN reference_id IS NULL THEN '[]' ELSE
		jsonb_build_array(jsonb_build_object('stream', stream, 'items', jsonb_build_array(jsonb_build_object(
			'reference_id', reference_id, 'partner', 'ess.example.org', 'registry', 'people', 'key', '9', 'agreement', 'A', 'version', 1,
			'identifiers', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'U9')))))) END)
$$;
-- A bridge without a journal is believed; one with a journal is asked for it first.
SELECT * FROM start(NULL);
SELECT * FROM start(jsonb_build_object('bridge', :'a'));
SELECT * FROM start(journal(:'a', NULL, NULL));
SELECT * FROM start(jsonb_build_object('bridge', :'a', 'settled', true));
SELECT * FROM start(journal(:'b', NULL, NULL));

-- Another server: each bridge answers for itself, and the other one is waited for.
UPDATE casesync_internal.node SET timeline = timeline + 7;
UPDATE casesync_internal.bridge_life SET timeline = timeline + 7;
SELECT casesync_internal.may_speak();
SELECT severity, problem FROM casesync.health WHERE problem LIKE 'what partners%';
SELECT * FROM start(jsonb_build_object('bridge', :'a', 'settled', true));
SELECT * FROM start(journal(:'a', NULL, NULL));
SELECT * FROM start(journal(:'b', NULL, NULL));
-- One that does not come back may have told anything.
UPDATE casesync_internal.node SET timeline = timeline + 7;
UPDATE casesync_internal.bridge_life SET timeline = timeline + 7;
SELECT * FROM start(journal(:'a', NULL, NULL));
UPDATE casesync_internal.bridge_life SET vouched_at = vouched_at - interval '1 minute';
SELECT * FROM start(journal(:'a', NULL, NULL));
SELECT what, detail FROM casesync.audit WHERE what = 'new_stream';
SELECT registry, reason FROM casesync_internal.look_again_registry;
SELECT casesync_internal.look_again_due();
SELECT count(*) FROM casesync_internal.look_again_registry;
-- So may a bridge that keeps no journal.
UPDATE was SET stream = n.stream FROM casesync_internal.node n;
UPDATE casesync_internal.node SET timeline = timeline + 7;
SELECT * FROM start('{"messages": []}');

-- What was told and is not known begins a new stream, once; the journal is handed over until it is known.
UPDATE was SET stream = n.stream FROM casesync_internal.node n;
SELECT journal(:'a', stream, '11111111-1111-4111-8111-111111111111') AS told FROM was \gset
SELECT * FROM start(:'told');
UPDATE was SET stream = n.stream FROM casesync_internal.node n;
SELECT * FROM start(:'told');
SELECT casesync_internal.journal_take(:'told'::jsonb->'messages');
SELECT casesync_internal.journal_take(:'told'::jsonb->'messages');
SELECT partner, registry, key, agreement, outcome FROM casesync.disclosed;
SELECT registry, key, event_type, reason FROM casesync_internal.look_again_entry;
SELECT partner, key, hmac, identifiers FROM casesync_internal.told;
SELECT * FROM start(:'told');
-- A dump that was restored over all of it.
UPDATE casesync_internal.node SET table_oid = 1;
SELECT * FROM start(NULL);
SELECT detail ->> 'reason' AS reason FROM casesync.audit WHERE what = 'new_stream' ORDER BY id;
-- A standby that is not there has nothing.
SELECT casesync_internal.standby_wait('nobody', 1);
DROP EXTENSION casesync CASCADE;
SET client_min_messages = error;
DROP SCHEMA life, app CASCADE;
