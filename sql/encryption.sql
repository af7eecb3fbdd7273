-- Encryption: whom we can encrypt for, what must be, and what is refused or held back.
CREATE EXTENSION casesync;
CREATE SCHEMA app;
CREATE FUNCTION app.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE command INTO message;
	RETURN 'ok: ' || coalesce(message, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(hint, ''));
END
$$;
SELECT sender_id FROM casesync.set_node('sp.example.org', 'https://sp.example.org', four_eyes => false, time_zone => 'UTC');
SELECT partner, encryption FROM casesync.set_partner('ess.test', 'https://ess.test');
SELECT app.try($$SELECT casesync.set_partner('ess.test', encryption => 'sometimes')$$);

-- thumbprints: RFC 7638's own RSA key, and the P-256 key of RFC 7517, A.1 (its name by OpenSSL and Python)
SELECT casesync_internal.key_thumbprint('{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}')
	= 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' AS is_as_published;
SELECT casesync_internal.key_thumbprint('{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}');

-- keys, one a line: what can be used, then what cannot
CREATE TABLE app.key (name text, jwk text);
INSERT INTO app.key VALUES
	('P-256', '{"use":"enc","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('P-384', '{"use":"enc","alg":"ECDH-ES+A256KW","kty":"EC","crv":"P-384","x":"qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3","y":"NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"}'),
	('P-521', '{"alg":"ECDH-ES","kty":"EC","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}'),
	('RSA', '{"use":"enc","kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}'),
	('x and y exchanged: no point', '{"use":"enc","kty":"EC","crv":"P-256","y":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","x":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('zero', '{"use":"enc","kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'),
	('of another curve', '{"use":"enc","kty":"EC","crv":"P-384","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('of Bitcoin''s curve', '{"use":"enc","kty":"EC","crv":"secp256k1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('without y', '{"use":"enc","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}'),
	('y no text', '{"use":"enc","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":7}'),
	('private', '{"use":"enc","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}'),
	('private RSA without d', '{"use":"enc","kty":"RSA","e":"AQAB","n":"AQAB","p":"AQAB"}'),
	('a shared secret', '{"use":"enc","kty":"oct","k":"AQAB"}'),
	('short RSA', '{"use":"enc","kty":"RSA","e":"AQAB","n":"' || repeat('7', 340) || '"}'),
	('RSA with a zero in front', '{"use":"enc","kty":"RSA","e":"AQAB","n":"A' || repeat('7', 341) || '"}'),
	('RSA that is too long', '{"use":"enc","kty":"RSA","e":"AQAB","n":"' || repeat('7', 1368) || '"}'),
	('RSA with exponent 1', '{"use":"enc","kty":"RSA","e":"AQ","n":"' || repeat('7', 342) || '"}'),
	('X25519', '{"use":"enc","kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'),
	('Ed25519 to encrypt', '{"use":"enc","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'),
	('EC that does not say what for', '{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('EC for signatures', '{"use":"sig","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('EC by ES256', '{"alg":"ES256","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'),
	('EC by RSA-OAEP-256', '{"use":"enc","alg":"RSA-OAEP-256","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}');
SELECT name, app.try(format('SELECT casesync.add_key(%L, %L)', 'ess.test', jwk)) FROM app.key;
SELECT use, kid, jwk->>'alg' AS alg, (SELECT string_agg(m, ' ' ORDER BY m) FROM jsonb_object_keys(jwk) m) AS members
  FROM casesync_internal.partner_key ORDER BY jwk->>'kty', jwk->>'crv';

-- one name for a key that signs and one that encrypts: two keys
SELECT casesync.add_key('ess.test', '{"kid":"1","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
SELECT casesync.add_key('ess.test', (SELECT jwk::jsonb || '{"kid":"1"}' FROM app.key WHERE name = 'RSA'), valid_from => now() - interval '1 day');
SELECT use, kid FROM casesync.partner_keys WHERE kid = '1' ORDER BY use;
-- only keys for signatures verify them
SELECT k->>'kid' AS kid FROM casesync_internal.authenticate('x', 'x', 'ess.test') a, jsonb_array_elements(a.keys) k;
SELECT jsonb_array_length(keys) FROM casesync_internal.authenticate(NULL, NULL, 'ess.test');

-- EC before RSA, then the newest that counts; a key retired or to come is not taken
CREATE FUNCTION app.chosen() RETURNS text LANGUAGE sql AS $$ SELECT k->>'crv' FROM CAST(casesync_internal.encryption_key_now('ess.test') AS jsonb) k $$;
UPDATE casesync_internal.partner_key SET valid_from = now() - CASE jwk->>'crv' WHEN 'P-256' THEN interval '3 days' WHEN 'P-384' THEN interval '2 days' ELSE interval '1 day' END WHERE use = 'enc' AND kid <> '1';
SELECT app.chosen();
SELECT casesync.retire_key('ess.test', kid, now()) FROM casesync_internal.partner_key WHERE jwk->>'crv' = 'P-521';
SELECT app.chosen();
UPDATE casesync_internal.partner_key SET valid_from = now() + interval '1 day' WHERE jwk->>'crv' = 'P-384';
SELECT app.chosen();
DELETE FROM casesync_internal.partner_key WHERE jwk->>'crv' = 'P-256';
SELECT casesync_internal.encryption_key_now('ess.test')::jsonb->>'kty';
DELETE FROM casesync_internal.partner_key WHERE use = 'enc';
SELECT casesync_internal.encryption_key_now('ess.test') IS NULL AS none;

-- the rule: off, accepted, required; an active agreement that must be encrypted requires it
CREATE VIEW app.people AS SELECT '1'::text AS subject_key, casesync.member(identifiers => ARRAY[casesync.identifier('UIN', '1')], employment_status => '1') AS record;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync_internal.encryption_rule('ess.test'), casesync_internal.encryption_rule('nobody.test');
SELECT encryption FROM casesync.set_partner('ess.test', encryption => 'accepted');
SELECT encryption FROM casesync.set_partner('ess.test');
SELECT casesync_internal.encryption_rule('ess.test'), casesync_internal.encryption_key('ess.test') IS NULL AS plain;
SELECT must_encrypt FROM casesync.set_agreement('A', 'ess.test', registries => '{people}', event_types => '{enrolment}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law',
	must_encrypt => true);
SELECT casesync_internal.encryption_rule('ess.test') AS while_draft;
SELECT state FROM casesync.activate('A');
SELECT casesync_internal.encryption_rule('ess.test') AS while_active;
SELECT app.try($$SELECT casesync_internal.encryption_key('ess.test')$$);
SELECT encryption FROM casesync_internal.authenticate('x', 'x', 'ess.test');

-- the sheet for the partner tells of it
SELECT line FROM string_to_table(casesync.onboarding('ess.test'), E'\n') line WHERE line LIKE '%encrypt%';
-- nothing is taken for sending while there is no key, and health says so; then it goes on by itself
SELECT state FROM casesync.subscribe('ess.test', 'enrolment', 'Member');
SELECT casesync_internal.enqueue('ess.test', 'on-subscribe', 'https://ess.test/x', '{"transaction_id": "t"}', 'succ');
SELECT count(*) FROM casesync_internal.bridge_versions() v, casesync_internal.bridge_start('6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0001', v.highest);
SELECT count(*) FROM casesync_internal.lanes();
SELECT count(*) FROM casesync_internal.lane l, casesync_internal.take(l.lane);
SELECT * FROM casesync.health WHERE problem LIKE '%encrypt%';
SELECT casesync.add_key('ess.test', (SELECT jwk::jsonb FROM app.key WHERE name = 'P-256'), valid_to => now() + interval '3 days');
SELECT count(*) FROM casesync_internal.lanes();
SELECT action, encrypt::jsonb - '{x,y}'::text[] AS encrypt FROM casesync_internal.lane l, casesync_internal.take(l.lane);
SELECT severity, left(problem, 48) AS problem, left(mend, 40) AS mend FROM casesync.health WHERE problem LIKE '%encrypt%';
SELECT casesync.end_agreement('A', 'over');
SELECT casesync_internal.encryption_rule('ess.test') AS when_ended;
-- what was written while encryption was required never leaves without; what comes after it may
SELECT action, encrypt IS NULL AS plain FROM casesync_internal.lane l, casesync_internal.take(l.lane);
SELECT casesync.retire_key('ess.test', kid) FROM casesync_internal.partner_key WHERE use = 'enc';
SELECT count(*) FROM casesync_internal.lane l, casesync_internal.take(l.lane);
SELECT problem FROM casesync.health WHERE problem LIKE '%encrypt%';
UPDATE casesync_internal.outgoing SET state = 'delivered';
SELECT casesync_internal.enqueue('ess.test', 'on-unsubscribe', 'https://ess.test/x', '{"transaction_id": "t"}', 'succ');
SELECT action, encrypt IS NULL AS plain FROM casesync_internal.lane l, casesync_internal.take(l.lane);

-- received: the database refuses what is not as agreed, whatever a bridge says
CREATE FUNCTION app.receive(id text, is_encrypted boolean, flag boolean, plain text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', r.ack_status, r.error_code, r.error_message)
	  FROM casesync_internal.receive('ess.test', id, convert_to(jsonb_build_object('header', jsonb_build_object('message_id', id, 'action', 'unsubscribe',
		'is_msg_encrypted', flag), 'message', CASE WHEN is_encrypted THEN '{"ciphertext": "x"}' ELSE '{"transaction_id": "t", "timestamp": "2026-01-01T00:00:00Z", "subscription_codes": ["x"]}' END::jsonb)::text, 'UTF8'),
		NULL, NULL, convert_to(plain, 'UTF8')) r
$$;
\set message '\'{"transaction_id": "t", "timestamp": "2026-01-01T00:00:00Z", "subscription_codes": ["x"], "meta": {"x": 1}}\''
SELECT app.receive('a1', false, false), app.receive('a2', true, true, :message);
SELECT app.receive('a3', true, true), app.receive('a4', false, false, :message);
SELECT encryption FROM casesync.set_partner('ess.test', encryption => 'required');
SELECT app.receive('r1', false, false);
SELECT app.receive('r2', true, true, :message);
-- the same message encrypted anew is the same message: no second effect
SELECT app.receive('r2', true, true, :message);
SELECT app.receive('r2', true, true, '{"transaction_id": "other", "subscription_codes": ["x"]}');
SELECT encryption FROM casesync.set_partner('ess.test', encryption => 'off');
SELECT app.receive('o1', true, true, :message);
SELECT message_id, count(*) FROM casesync_internal.message_in GROUP BY 1 ORDER BY 1;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
