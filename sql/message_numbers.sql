-- Numbers that are short and become very long: refused before anything writes them out.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
-- what is bounded: a double, written in any way, but not what is in strings
SELECT j AS json, casesync_internal.numbers_are_bounded(convert_to(j, 'UTF8')) AS bounded
  FROM unnest(ARRAY['', '{}', '0', '-1.5e3', '1e308', '1E+308', '1e-308', '[9007199254740991]', '{"a": "1e999999", "1e999999": 1}', '{"a": "\"", "b": 1e9}',
	'1e309', '1e-309', '[1, 1e-16383]', '{"a": "x\"", "b": 1e999}', '{"a\\": 1e999}', '1e99999999999999999999', '"1e999', '"\', 'e999', '1e', '1e+', '1ee999', '-1e999', 'true1e999']) j;
SELECT casesync_internal.numbers_are_bounded(convert_to(repeat('1', 350), 'UTF8')) AS digits, casesync_internal.numbers_are_bounded(convert_to(repeat('1', 351), 'UTF8')) AS more,
	casesync_internal.numbers_are_bounded(convert_to('0.' || repeat('1', 349), 'UTF8')) AS fraction,
	casesync_internal.numbers_are_bounded(convert_to('[' || repeat('1,', 500000) || '""]', 'UTF8')) AS many, casesync_internal.numbers_are_bounded(convert_to('[' || repeat('1,', 500001) || '""]', 'UTF8')) AS too_many,
	casesync_internal.numbers_are_bounded(convert_to('[' || repeat('1e-300,', 1600) || '""]', 'UTF8')) AS small, casesync_internal.numbers_are_bounded(convert_to('[' || repeat('1e-300,', 1700) || '""]', 'UTF8')) AS too_small;
SELECT left(j::text, 20) AS json, casesync_internal.json_numbers_are_bounded(j) AS bounded
  FROM unnest(ARRAY['0', '"1e999"', '[1e308, -1e308, 1e-308]', '{"a": {"b": [1e309]}}', '[-1e309]', '{"a": 1e-351}', '{"a": 1e-350}']::jsonb[]) j;
SELECT left(j::text, 20) AS json, casesync_internal.json_numbers_are_bounded(j) AS bounded FROM unnest(ARRAY['1e131071', '-1e-16383', '[[1e-16383]]']::jsonb[]) j;

-- a message with them is refused as a whole, received or answered at once, in the open or decrypted, known partner or not
CREATE FUNCTION app.body(numbers text, action text DEFAULT 'unsubscribe') RETURNS bytea LANGUAGE sql AS $$
	SELECT convert_to(format('{"signature": "x", "header": {"action": "%s", "message_id": "m"}, "message": {"transaction_id": "t", "subscription_codes": ["x"], "a": %s}}', $2, $1), 'UTF8') $$;
SELECT n, r.ack_status, r.error_code, r.error_message FROM unnest(ARRAY['1', '1e-16383', '[1, 2, 1e131071]', '{"b": {"c": -1e-16383}}']) n
 CROSS JOIN LATERAL casesync_internal.receive('ess.test', 'm-' || n, app.body(n), NULL, NULL) r;
SELECT ack_status, error_code FROM casesync_internal.receive('ess.test', 'm2', app.body('[' || repeat('1e-16383,', 20000) || '1]'), NULL, NULL);
SELECT ack_status, error_code FROM casesync_internal.receive('nobody.test', 'm3', app.body('1e-16383'), NULL, NULL);
SELECT ack_status, error_code FROM casesync_internal.receive('ess.test', 'm4', app.body('1'), NULL, NULL, convert_to('{"transaction_id": "t", "subscription_codes": ["x"], "a": 1e-16383}', 'UTF8'));
SELECT error_code FROM casesync_internal.answer_now('ess.test', 'm5', app.body('1e-16383', 'search'), NULL, NULL);
SELECT count(*) FROM casesync_internal.message_in;
-- so is what a partner publishes as its keys
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', jwks_url => 'https://dci.ess.test/jwks')) s;
SELECT casesync_internal.record_jwks('partner', 'ess.test', 'https://dci.ess.test/jwks', '{"keys": [{"kid": "k", "n": 1e-16383}]}', NULL);
SELECT casesync_internal.record_jwks('partner', 'ess.test', 'https://dci.ess.test/jwks', '{"keys": []}', NULL);
SELECT casesync_internal.record_jwks('partner', 'ess.test', 'https://dci.ess.test/jwks', jsonb_build_object('keys', '[]'::jsonb, 'more', repeat('x', 70000)), NULL);
-- in a filter a number is a value as it is written: what is none of a column's type is unknown
SELECT p.problem, casesync_internal.filter_matches(p.tree, '{"employment_status": "1"}', '{"n": {"type": "number", "value": 1}}')
  FROM unnest(ARRAY['{"n": {"$lt": "1e-16383"}}', '{"n": {"$gt": "1e-400"}}', '{"n": {"$in": ["1e131071", "1"]}}']::jsonb[]) f CROSS JOIN LATERAL casesync_internal.filter_parse(f, NULL) p;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
