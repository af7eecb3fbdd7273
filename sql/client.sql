-- Clients of the token endpoint, outside issuers, and who a token speaks for.
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION casesync;

-- needs a node, a partner and a future
SELECT casesync.issue_client('ess.example.org');
SELECT casesync.set_node('sp.example.org', 'https://sp.example.org');
-- what is random is fixed here, so that nothing meets in one bucket by chance
UPDATE casesync_internal.node_secret SET hash_key = decode(repeat('2a', 32), 'hex');
SELECT casesync.issue_client('ess.example.org');
SELECT casesync.set_partner('ess.example.org', 'https://ess.example.org');
SELECT casesync.set_partner('far.example.org', 'https://far.example.org');
SELECT casesync.issue_client('ess.example.org', expires => '2001-01-01 00:00Z');

SELECT client_id AS ess, client_secret AS secret FROM casesync.issue_client('ess.example.org') \gset
SELECT client_id AS far, client_secret AS far_secret
  FROM casesync.issue_client('far.example.org', expires => now() + interval '1 day') \gset
SELECT count(*) FROM casesync.clients WHERE client_id IN (:'ess', :'far') AND client_id ~ '^[0-9a-f-]{36}$';
UPDATE casesync_internal.client SET client_id = split_part(partner, '.', 1);
\set ess ess
\set far far
SELECT partner, issuer, state, expires = 'infinity' AS for_ever FROM casesync.clients ORDER BY partner;
SELECT :'secret' ~ '^[A-Za-z0-9_-]{43}$' AS has_256_bits, :'secret' <> :'far_secret' AS is_random;
-- the secret is nowhere: not in the tables, not in the audit
SELECT count(*) FROM casesync_internal.client c WHERE c::text ~ :'secret'
	OR c.secret_hmac IN (sha256(convert_to(:'secret', 'UTF8')), convert_to(:'secret', 'UTF8'));
SELECT what, about, detail ? 'client_id' AS names_client, detail::text ~ :'secret' AS has_secret
  FROM casesync.audit WHERE what = 'issue_client' ORDER BY id;

-- the question of the token endpoint
CREATE FUNCTION pg_temp.ask(client text, secret text, address text) RETURNS text LANGUAGE sql AS
	$$ SELECT state || CASE WHEN wait_seconds > 0 THEN ' and has to wait' ELSE '' END
	     FROM casesync_internal.check_client(client, sha256(convert_to(secret, 'UTF8')), address) $$;
SELECT pg_temp.ask(:'ess', :'secret', '10.0.0.1');
SELECT pg_temp.ask(:'ess', :'far_secret', '10.0.0.9') AS anothers_secret;
SELECT pg_temp.ask('nobody', :'secret', '10.0.0.9') AS no_such_client;
SELECT pg_temp.ask(NULL, NULL, NULL) AS nothing;
SELECT state FROM casesync_internal.check_client(:'ess', NULL, '10.0.0.9');
SELECT partner, last_token_at IS NOT NULL AS has_had_a_token FROM casesync.clients ORDER BY partner;
-- brute force: five mistakes are free, whoever and whatever is tried
CREATE FUNCTION pg_temp.hold_the_clock() RETURNS void LANGUAGE sql AS
	$$ UPDATE casesync_internal.client_failure SET failures = failures + 10, last_at = clock_timestamp() WHERE failures > 5 $$;
SELECT pg_temp.ask(:'far', 'guess ' || n, '10.0.0.' || n) FROM generate_series(20, 25) n;
SELECT kind, subject, failures FROM casesync.client_failures
 WHERE subject IN ('far', '10.0.0.25') ORDER BY kind;
SELECT pg_temp.hold_the_clock();
SELECT pg_temp.ask(:'far', 'guess', '10.0.0.29') AS wrong;
SELECT pg_temp.ask(:'far', :'far_secret', '10.0.0.30') AS even_if_right;
SELECT failures FROM casesync.client_failures WHERE subject = 'far';
-- but not where the client has had a token before, unless that place itself guesses
SELECT count(pg_temp.ask(:'ess', 'guess ' || n, '10.0.1.' || n)) FROM generate_series(20, 25) n;
SELECT pg_temp.hold_the_clock();
SELECT pg_temp.ask(:'ess', :'secret', '10.0.1.9') AS new_place;
SELECT pg_temp.ask(:'ess', :'secret', '10.0.0.1') AS known_place;
SELECT pg_temp.ask(:'ess', 'guess', '10.0.1.99') AS a_good_one_forgives;
-- all behind one proxy: who guesses there is slowed, who knows goes on
SELECT count(pg_temp.ask('guess ' || n, 'guess', '10.0.0.1')) FROM generate_series(1, 6) n;
SELECT pg_temp.hold_the_clock();
SELECT pg_temp.ask(:'ess', 'guess', '10.0.0.1') AS wrong_at_the_proxy, pg_temp.ask('nobody', 'x', '10.0.0.1') AS nobody_there,
	pg_temp.ask(:'ess', :'secret', '10.0.0.1') AS right_at_the_proxy;
SELECT count(pg_temp.ask('guess ' || n, 'guess', '10.0.2.1')) FROM generate_series(1, 6) n;
SELECT pg_temp.hold_the_clock();
SELECT pg_temp.ask(:'ess', :'secret', '10.0.2.1') AS place_that_guesses;
SELECT pg_temp.ask('nobody', 'x', '10.0.2.1') AS whoever;
SELECT pg_temp.ask(:'ess', :'secret', '10.0.2.2') AS place_beside_it;
-- IPv6: the network; IPv4 in IPv6 is IPv4; anything else as it is
SELECT casesync_internal.address_place(a) FROM unnest(ARRAY['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1:2',
	'2001:db8:0:0:ffff::1', 'fe80::1%eth0', 'nonsense', repeat('x', 100)]) a;
-- the wait doubles, and ends
SELECT n AS failures, casesync_internal.failure_wait(ROW('client', 1, n, clock_timestamp(), NULL)::casesync_internal.client_failure)
  FROM unnest(ARRAY[1, 5, 6, 7, 8, 12, 16, 20, 1000000]) n;
SELECT casesync_internal.failure_wait(ROW('client', 1, 1000000, clock_timestamp() - interval '901 seconds', NULL)::casesync_internal.client_failure);
UPDATE casesync_internal.client_failure SET last_at = last_at - interval '1 hour';
SELECT count(*) AS shown FROM casesync.client_failures;
SELECT pg_temp.ask(:'far', 'guess', '10.0.0.30') AS after_an_hour;
SELECT failures FROM casesync.client_failures WHERE subject = :'far';
SELECT pg_temp.ask(:'far', :'far_secret', '10.0.0.30');

-- whom a token speaks for, and whom sender_id names
SELECT client_state, client_partner, partner, signature, keys, networks
  FROM casesync_internal.authenticate('sp.example.org', :'ess', 'ess.example.org');
SELECT client_state, client_partner, partner FROM casesync_internal.authenticate('sp.example.org', :'ess', 'far.example.org');
SELECT client_state, client_partner, partner FROM casesync_internal.authenticate('sp.example.org', :'ess', 'unknown');
SELECT partner, signature, keys, networks FROM casesync_internal.authenticate('sp.example.org', :'ess', NULL);
SELECT client_state, client_partner, partner FROM casesync_internal.authenticate('sp.example.org', 'nobody', NULL);
SELECT client_state FROM casesync_internal.authenticate('', :'ess', NULL);
SELECT client_state FROM casesync_internal.authenticate(NULL, NULL, NULL);
SELECT client_state FROM casesync_internal.authenticate('https://login.example.org', :'ess', NULL);

-- retired: no new token, and those it has are worth nothing
SELECT casesync.retire_client('nobody');
SELECT casesync.retire_client(:'ess');
SELECT client_state, client_partner FROM casesync_internal.authenticate('sp.example.org', :'ess', 'ess.example.org');
SELECT pg_temp.ask(:'ess', :'secret', '10.0.0.1');
SELECT casesync.retire_client(:'far', at => now() + interval '1 hour') ^@ 'a client of far.example.org counts until ' AS said;
SELECT state, expires < now() + interval '61 minutes' AS soon FROM casesync.clients WHERE client_id = :'far';

-- outside issuers
SELECT casesync.set_issuer('https://login.example.org');
SELECT casesync.set_issuer('https://login.example.org', jwks_url => 'https://login.example.org/jwks');
SELECT casesync.set_issuer('https://login.example.org', jwks_url => 'file:///etc/passwd', algorithms => '{RS256}');
SELECT casesync.set_issuer('https://login.example.org', jwks_url => 'https://x.org/jwks', jwks => '{"keys":[]}', algorithms => '{RS256}');
SELECT casesync.set_issuer('https://login.example.org', jwks => '[]', algorithms => '{RS256}');
SELECT casesync.set_issuer('https://login.example.org', jwks => '{"keys":[{"kty":"RSA","d":"x"}]}', algorithms => '{RS256}');
SELECT casesync.set_issuer('https://login.example.org', jwks => '{"keys":[{"kty":"oct","k":"x"}]}', algorithms => '{RS256}');
SELECT casesync.set_issuer('https://login.example.org', jwks => '{"keys":[]}', algorithms => '{HS256}');
SELECT casesync.set_issuer('https://login.example.org', jwks => '{"keys":[]}', algorithms => '{RS256,none}');
SELECT casesync.set_issuer('https://login.example.org', jwks => '{"keys":[]}', algorithms => '{RS256}', client_claim => 'a b');
SELECT casesync.set_issuer('sp.example.org', jwks => '{"keys":[]}', algorithms => '{RS256}');
SELECT casesync.set_issuer('', jwks => '{"keys":[]}', algorithms => '{RS256}');
SELECT casesync.set_issuer('https://login.example.org',
	jwks => '{"keys":[{"kty":"RSA","kid":"1","n":"x","e":"AQAB"}]}', algorithms => '{RS256,ES256}');
SELECT audience, algorithms, client_claim, scope_claim, jwks_url FROM casesync.issuers WHERE issuer = 'https://login.example.org';
SELECT casesync.set_issuer('https://login.example.org', client_claim => 'azp', audience => 'api://sp');
SELECT audience, client_claim, jwks FROM casesync_internal.issuer WHERE issuer = 'https://login.example.org';
SELECT casesync_internal.token_issuers();
SELECT casesync.set_issuer('https://login.example.org', jwks_url => 'https://login.example.org/jwks');
SELECT jwks_url, jwks FROM casesync_internal.issuer WHERE issuer = 'https://login.example.org';
SELECT issuer, keys FROM casesync.issuers;
SELECT casesync.bind_client('ess.example.org', 'https://other.example.org', 'ess-client');
SELECT casesync.bind_client('nobody', 'https://login.example.org', 'ess-client');
SELECT casesync.bind_client('ess.example.org', 'https://login.example.org', '');
SELECT casesync.bind_client('ess.example.org', 'https://login.example.org', 'ess-client');
SELECT casesync.bind_client('far.example.org', 'https://login.example.org', 'ess-client');
SELECT client_state, client_partner FROM casesync_internal.authenticate('https://login.example.org', 'ess-client', 'ess.example.org');
SELECT client_state, client_partner FROM casesync_internal.authenticate('sp.example.org', 'ess-client', 'ess.example.org');
SELECT client_state FROM casesync_internal.authenticate('https://login.example.org', 'far-client', 'ess.example.org');
-- it has no secret here
SELECT pg_temp.ask('ess-client', '', '10.0.3.1');
SELECT casesync.drop_issuer('https://login.example.org');
SELECT casesync.retire_client('ess-client', 'https://login.example.org');
SELECT client_state FROM casesync_internal.authenticate('https://login.example.org', 'ess-client', 'ess.example.org');
SELECT casesync.drop_issuer('https://login.example.org');
SELECT casesync.drop_issuer('https://login.example.org');
SELECT client_state FROM casesync_internal.authenticate('https://login.example.org', 'ess-client', 'ess.example.org');
SELECT count(*) AS of_outside_issuers FROM casesync.clients WHERE issuer IS NOT NULL;

-- clients go with their partner
SELECT casesync.drop_partner('far.example.org');
SELECT count(*) FROM casesync.clients WHERE partner = 'far.example.org';
SELECT what, about FROM casesync.audit WHERE what ~ 'client|issuer' AND what <> 'issue_client' ORDER BY id;

-- nobody but the extension reads the hashes; the bridge may ask, an administrator may look
CREATE ROLE regress_client_admin;
CREATE ROLE regress_client_bridge;
SELECT casesync.grant_access('regress_client_admin', 'admin'), casesync.grant_access('regress_client_bridge', 'bridge');
SET ROLE regress_client_admin;
SELECT count(*) FROM casesync.client_failures;
SELECT count(*) FROM casesync.clients;
SELECT secret_hmac FROM casesync_internal.client;
SELECT casesync_internal.client_secret_hash('');
SELECT casesync_internal.check_client('', '', '');
SET ROLE regress_client_bridge;
SELECT state FROM casesync_internal.check_client('', '', '10.0.4.1');
SELECT casesync_internal.token_issuers();
SELECT client_state FROM casesync_internal.authenticate('', '', '');
SELECT count(*) FROM casesync.clients;
SELECT casesync.issue_client('ess.example.org');
RESET ROLE;
SELECT casesync.revoke_access('regress_client_admin', 'admin'), casesync.revoke_access('regress_client_bridge', 'bridge');
DROP ROLE regress_client_admin, regress_client_bridge;
DROP EXTENSION casesync;
