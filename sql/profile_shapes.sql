-- What a notify looks like to partners whose profile calls its parts otherwise.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') AS code \gset
SELECT casesync.set_partner('ess.test', profile => 'openimis');
INSERT INTO app.person VALUES (1, 'U1', '1'), (2, 'U2', '1');
SELECT * FROM app.route();
SELECT p.message::jsonb AS m, p.meta::jsonb AS meta, coalesce(p.forms, 'none') AS forms FROM app.send('ess.test') p \gset
SELECT :'forms' AS forms;
SELECT k FROM jsonb_object_keys(:'m') k;
SELECT e->'subscription_id' = to_jsonb(:'code'::text) AS is_named, jsonb_pretty(e - '{reference_id,timestamp,subscription_id}'::text[])
  FROM jsonb_array_elements(:'m'::jsonb->'notify_request') e;
SELECT jsonb_array_length(:'meta'::jsonb->'items') AS items;
-- what is not there is no list and no null; the order is kept; others are not touched
\set two '{"transaction_id": "t", "notify_event": [{"reference_id": "b", "data": {"reg_event_type": "2", "reg_records": null}}, {"reference_id": "a", "data": {"reg_event_type": "1", "reg_records": {"x": 1.50}}}]}'
SELECT casesync_internal.notify_shape(:'two', 'SUB', 'openimis');
SELECT profile, casesync_internal.notify_shape(:'two', 'SUB', profile) = :'two' AS is_same FROM unnest('{spdci-1.0,openspp2,openg2p,opencrvs,extended}'::text[]) profile;
-- searches
\set asked '{"version": "1.0.0", "reg_type": "CRVS", "reg_record_type": "person", "query_type": "idtype-value", "query": {"type": "DRN", "value": "D-1"}}'
SELECT jsonb_pretty(casesync_internal.search_shape(:'asked', 'opencrvs'));
SELECT q, casesync_internal.search_shape(jsonb_set(:'asked', '{query}', q::jsonb), 'opencrvs') #>> '{reg_event_type,value}' AS event
  FROM unnest(ARRAY['{"type": "BRN", "value": "B"}', '{"type": "MRN", "value": "M"}', '[]', 'null']) q;
SELECT casesync_internal.search_shape(jsonb_set(:'asked', '{query_type}', '"predicate"'), 'opencrvs')->'query' = :'asked'::jsonb->'query' AS is_as_given;
SELECT profile, casesync_internal.search_shape(:'asked', profile) = :'asked'::jsonb AS is_same FROM unnest('{spdci-1.0,openspp2,openg2p,openimis}'::text[]) profile;
-- a profile is told to the bridge in words of its own
SELECT p, casesync_internal.profile_forms(p) FROM (SELECT DISTINCT profile COLLATE "C" AS p FROM casesync.profiles) x ORDER BY p;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
