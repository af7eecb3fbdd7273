-- Published keys: when they are fetched, what becomes of them, whom they concern.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset null '(null)'
SET client_min_messages = warning;
CREATE EXTENSION casesync;
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://sp.test', four_eyes => false)) s;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', 'https://ess.test', jwks_url => 'https://ess.test/keys',
	networks => '{10.0.0.0/8}', tls_name => 'ess')) s;
SELECT count(*) FROM (SELECT casesync.set_partner('far.test', 'https://far.test')) s;
SELECT count(*) FROM (SELECT casesync.set_issuer('login', jwks_url => 'https://login.test/keys', algorithms => '{RS256}')) s;
SELECT count(*) FROM (SELECT casesync.set_issuer('pasted', jwks => '{"keys":[]}', algorithms => '{RS256}')) s;

-- each due address once; nobody who has none
SELECT * FROM (SELECT (casesync_internal.next_jwks()).* FROM generate_series(1, 3)) s ORDER BY 1;
SELECT count(*) FROM casesync_internal.next_jwks();
-- a new address is due at once
SELECT casesync.set_partner('ess.test', jwks_url => 'https://ess.test/other');
SELECT jwks_url FROM casesync.partners WHERE partner = 'ess.test';
SELECT kind, name, url FROM casesync_internal.next_jwks();
SELECT count(*) FROM casesync_internal.next_jwks();

-- when next: after trouble, an issuer, a partner
CREATE VIEW pg_temp.plan AS SELECT kind, name, problem, fetched_at IS NOT NULL AS fetched,
	round(extract(epoch FROM next_at - clock_timestamp()) / 60) AS minutes FROM casesync_internal.jwks_source ORDER BY 1;
SELECT casesync_internal.record_jwks('issuer', 'login', 'https://login.test/keys', NULL, 'HTTP 500');
SELECT casesync_internal.record_jwks('partner', 'ess.test', 'https://ess.test/other', '{"keys":{}}', NULL);
SELECT * FROM pg_temp.plan;
SELECT severity, regexp_replace(problem, '\d{4}-\d\d-\d\d \d\d:\d\d', '(time)') AS problem, mend FROM casesync_internal.access_problems() ORDER BY 2;
SELECT casesync_internal.record_jwks('issuer', 'login', 'https://login.test/keys', '{"keys":[{"kty":"RSA","kid":"1"}]}', NULL);
SELECT casesync_internal.record_jwks('partner', 'ess.test', 'https://ess.test/other',
	'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}', NULL);
SELECT * FROM pg_temp.plan;
SELECT issuer, keys FROM casesync.issuers ORDER BY 1;
-- an answer to a question that nobody asks any more
SELECT casesync_internal.record_jwks('issuer', 'login', 'https://elsewhere.test', '{"keys":[]}', NULL),
	casesync_internal.record_jwks('partner', 'far.test', 'https://far.test/keys', '{"keys":[]}', NULL);
SELECT issuer, keys FROM casesync.issuers ORDER BY 1;

-- an unknown key is asked for at most once a minute
SELECT casesync_internal.want_jwks('login'), casesync_internal.want_jwks('pasted'), casesync_internal.want_jwks('nobody');
SELECT * FROM pg_temp.plan;
SELECT count(*) FROM casesync_internal.next_jwks();
UPDATE casesync_internal.jwks_source SET tried_at = tried_at - interval '1 minute', next_at = next_at + interval '1 hour';
SELECT casesync_internal.want_jwks('login');
SELECT kind, name FROM casesync_internal.next_jwks();

-- pinned: a key waits
SELECT partner, kid, use FROM casesync.offered_keys;
SELECT count(*) FROM casesync.partner_keys;
SELECT severity, regexp_replace(problem, '\d{4}-\d\d-\d\d \d\d:\d\d', '(time)') AS problem, mend FROM casesync_internal.access_problems();
SELECT casesync.accept_key('ess.test', 'b');
SELECT casesync.accept_key('ess.test', 'a');
SELECT casesync.accept_key('ess.test', 'a');
SELECT partner, kid, valid_to FROM casesync.partner_keys;
-- another key under a kid that is known is not taken, pinned or not; nor is a retired one revived
CREATE FUNCTION pg_temp.publish(keys jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT casesync_internal.record_jwks('partner', 'ess.test', 'https://ess.test/other', jsonb_build_object('keys', keys), NULL) $$;
SELECT pg_temp.publish('[{"kty":"OKP","crv":"Ed25519","x":"AAAAAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]');
SELECT casesync.retire_key('ess.test', 'a');
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', jwks_trust => 'follow')) s;
SELECT pg_temp.publish('[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]');
SELECT kid, valid_to > now() AS counts FROM casesync.partner_keys;
-- followed: taken over, and ended soon after it is gone; what cannot be used is passed by
SELECT pg_temp.publish('[{"kty":"OKP","crv":"Ed25519","x":"AAAAAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"c"}, 7, null, "x", {},
	{"kty":"RSA","use":"sig","n":"AQAB","e":"AQAB"}, {"kty":"oct","k":"x"},
	{"kty":"OKP","crv":"Ed25519","x":"BBBBAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"x","kid":"private"},
	{"kty":"OKP","crv":"Ed25519","x":"BBBBAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"bad|kid"}]');
SELECT kid, valid_to FROM casesync.partner_keys WHERE kid <> 'a';
SELECT pg_temp.publish('[{"kty":"oct","k":"x"}]');
SELECT kid, valid_to BETWEEN now() + interval '9 minutes' AND now() + interval '10 minutes' AS ends_soon FROM casesync.partner_keys WHERE kid <> 'a';
-- named by all that stands in a signature: its own part is the kid, of its own name only; it stays while it is published so
SELECT pg_temp.publish('[{"kty":"OKP","crv":"Ed25519","x":"DDDDAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ess.test|whole|ed25519"},
	{"kty":"OKP","crv":"Ed25519","x":"EEEEAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ess.test|whole|another"},
	{"kty":"OKP","crv":"Ed25519","x":"EEEEAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"far.test|theirs|ed25519"},
	{"kty":"OKP","crv":"Ed25519","x":"EEEEAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ess.test||ed25519"}]');
SELECT pg_temp.publish('[{"kty":"OKP","crv":"Ed25519","x":"DDDDAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ess.test|whole|ed25519"}]');
SELECT kid, left(jwk->>'x', 4) AS x, valid_to FROM casesync_internal.partner_key WHERE kid NOT IN ('a', 'c');
SELECT pg_temp.publish('[{"kty":"oct","k":"x"}]');
SELECT kid, valid_to < 'infinity' AS ends_soon FROM casesync.partner_keys WHERE kid = 'whole';
DELETE FROM casesync_internal.partner_key WHERE kid = 'whole';
-- one that was retired by a person while it was followed stays so when it is gone
SELECT pg_temp.publish('[{"kty":"OKP","crv":"Ed25519","x":"CCCCAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"stolen"}]');
SELECT casesync.retire_key('ess.test', 'stolen', now() - interval '1 second') IS NOT NULL AS retired;
SELECT pg_temp.publish('[{"kty":"oct","k":"x"}]');
SELECT kid, valid_to > now() AS counts FROM casesync.partner_keys WHERE kid = 'stolen';
SELECT count(*) FROM casesync.offered_keys;
SELECT what, about, detail->>'kid' AS kid FROM casesync.audit WHERE what ~ 'key' ORDER BY id;
-- of a set of very many keys fifty are looked at, when they come and when they are gone
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', jwks_trust => 'pin')) s;
SELECT pg_temp.publish(jsonb_agg(jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'x', 'CCCCAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
	'kid', 'many-' || i))) FROM generate_series(1, 60) i;
SELECT count(*) FROM casesync.offered_keys;
SET statement_timeout = '5s';
SELECT pg_temp.publish(jsonb_agg('{}'::jsonb)) FROM generate_series(1, 16000);
RESET statement_timeout;
SELECT count(*) FROM casesync.offered_keys;

-- a paused node asks nobody; an empty address takes it away
UPDATE casesync_internal.jwks_source SET next_at = now();
SELECT casesync.start_as_copy();
SELECT count(*) FROM casesync_internal.next_jwks();
UPDATE casesync_internal.node SET paused = false;
SELECT casesync.set_partner('ess.test', jwks_url => '');
SELECT jwks_url FROM casesync.partners WHERE partner = 'ess.test';
SELECT kind FROM casesync_internal.next_jwks();
SELECT count(*) FROM casesync_internal.next_jwks();
SELECT casesync.drop_partner('ess.test'), casesync.drop_issuer('login');
SELECT count(*) FROM casesync_internal.jwks_source;
SELECT count(*) FROM casesync_internal.published_key;
DROP EXTENSION casesync CASCADE;
