-- Partners: addresses, keys, and what keeps one from being dropped.
CREATE EXTENSION casesync;
\i test/scene/try.sql
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;

-- set_partner: defaults, then only what is named changes
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test/dci/');
SELECT partner, base_url, notify_url, callback_prefixes, jwks_trust, networks, signature, profile FROM casesync.partners WHERE partner = 'ess.test';
SELECT casesync.set_partner('ess.test', notify_url => 'https://dci.ess.test/in?x=1', networks => '{10.0.0.0/8}',
	callback_prefixes => '{https://dci.ess.test/dci,https://[2001:db8::1]:8443/cb/}', signature => 'unsigned_accepted');
SELECT partner, base_url, notify_url, callback_prefixes, jwks_trust, networks, signature, profile FROM casesync.partners WHERE partner = 'ess.test';
SELECT casesync.set_partner('ess.test', signature => 'required');
SELECT base_url, networks, signature FROM casesync.partners WHERE partner = 'ess.test';
SELECT partner, kind FROM casesync.lane_status ORDER BY lane;
SELECT partner, valid_keys FROM casesync.partners;

SELECT casesync.set_partner('ess.test', tls_name => 'ess-1.test_x');
SELECT tls_name FROM casesync.partners WHERE partner = 'ess.test';
SELECT casesync.set_partner('ess.test', tls_name => '');
SELECT tls_name FROM casesync.partners WHERE partner = 'ess.test';

-- what it refuses
SELECT t AS tls_name, split_part(app.try(format($$SELECT casesync.set_partner('x', tls_name => %L)$$, t)), ':', 1) AS try
  FROM unnest(ARRAY['..', '../x', '/x', '.x', '-x', 'a b', E'a\n', 'ä', repeat('x', 65)]) t;
SELECT app.try($$SELECT casesync.set_partner('')$$);
SELECT app.try($$SELECT casesync.set_partner(NULL)$$);
SELECT app.try($$SELECT casesync.set_partner(E'a\nb')$$);
SELECT app.try($$SELECT casesync.set_partner('a"b')$$);
SELECT app.try($$SELECT casesync.set_partner('x', profile => 'spdci-9')$$);
SELECT app.try($$SELECT casesync.set_partner('x', signature => 'optional')$$);
SELECT app.try($$SELECT casesync.set_partner('x', jwks_trust => 'always')$$);
SELECT app.try($$SELECT casesync.set_partner('x', callback_prefixes => '{https://a.test,NULL}')$$);
SELECT app.try($$SELECT casesync.set_partner('x', callback_prefixes => '{https://a.test/?q=}')$$);
SELECT app.try($$SELECT casesync.set_partner('x', networks => '{10.0.0.1/8}')$$);
-- addresses, one a line
SELECT left(u, 40) AS url, split_part(app.try(format('SELECT casesync_internal.check_url(%L, %L)', 'base_url', u)), ':', 1) AS try FROM unnest(ARRAY[
	'https://a.test', 'http://a.test:8080/x/y', 'https://[::1]/x', 'https://192.0.2.1/', 'https://a', NULL,
	'', 'a.test', '//a.test', 'ftp://a.test', 'https:///x', 'https://', 'https://a.test:', 'https://a.test:999999/',
	'https://user@a.test/', 'https://user:word@a.test/', 'https://a.test/#x', 'https://a.test/a b', E'https://a.test/a\tb',
	'https://a.test/x/../y', 'https://a.test/..', 'https://a.test/%2e%2e/y', 'https://a.test/x\y', 'https://a.test?x',
	'https://a..test/', 'https://-a.test/', 'https://a.test-/', 'https://ä.test/', 'javascript:alert(1)', 'file:///etc/passwd',
	'HTTPS://a.test', 'https://a.test/@', 'https://' || repeat('a', 2000)]) u;

-- keys: the thumbprint of RFC 8037, appendix A.3
SELECT casesync_internal.key_thumbprint('{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')
	= 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' AS is_as_published;
SELECT casesync.add_key('ess.test', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","note":"x"}');
SELECT casesync.add_key('ess.test', '{"kid":"next","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
	valid_from => '2999-01-01 00:00+00');
SELECT partner, kid, jwk FROM casesync_internal.partner_key ORDER BY kid COLLATE "C";
SELECT partner, signature, keys FROM casesync_internal.authenticate(NULL, NULL, 'ess.test');
SELECT partner, signature, keys FROM casesync_internal.authenticate(NULL, NULL, 'nobody.test');
-- a private key, and other things that are no public Ed25519 key
SELECT app.try(format('SELECT casesync.add_key(%L, %L)', 'ess.test', k)) FROM unnest(ARRAY[
	'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}',
	'{"kty":"OKP","crv":"Ed25519"}', '{"kty":"OKP","crv":"Ed25519","x":"short"}', '{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
	'{"kty":"RSA","n":"AQAB","e":"AQAB"}', '{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}', '[]', '"x"', NULL,
	'{"kid":"","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
	'{"kid":"a|b","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}']) k;
-- Points of small order, and bytes that are none: anybody could sign for them.
SELECT app.try($$SELECT casesync.add_key('ess.test', '{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}')$$) ~ 'not a public key' AS refused;
SELECT k, casesync_internal.key_has_form(jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'x', k)) AS is_taken FROM unnest(ARRAY[
	'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA',
	'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU',
	'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU', 'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o',
	'7P_______________________________________38', '7P________________________________________8',
	'7f_______________________________________38', '7________________________________________38',
	'6________________________________________38']) k;
SELECT app.try($$SELECT casesync.add_key('nobody.test', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')$$);
SET TimeZone = 'UTC';
SELECT app.try($$SELECT casesync.add_key('ess.test', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
	'2030-01-01 00:00+00', '2029-01-01 00:00+00')$$);
-- an ended key does not count; one not begun can be taken back
SELECT casesync.retire_key('ess.test', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
SELECT casesync.retire_key('ess.test', 'next');
SELECT kid, valid_to - valid_from < interval '1 day' AS short FROM casesync.partner_keys ORDER BY kid COLLATE "C";
SELECT partner, signature, keys FROM casesync_internal.authenticate(NULL, NULL, 'ess.test');
SELECT app.try($$SELECT casesync.retire_key('ess.test', 'no such key')$$);
SELECT app.try($$SELECT casesync.retire_key('nobody.test', 'x')$$);

-- a callback prefix may name every port of a host, and no other host
SELECT app.try($$SELECT casesync.set_partner('ess.test', base_url => 'http://127.0.0.1:*')$$);
SELECT app.try($$SELECT casesync.set_partner('ess.test', callback_prefixes => '{http://127.0.0.1:*1}')$$);
SELECT casesync.set_partner('ess.test', callback_prefixes => '{http://127.0.0.1:*,"http://[::1]:*/dci"}');
SELECT callback_prefixes FROM casesync.partners WHERE partner = 'ess.test';
SELECT url, casesync_internal.is_within('https://cb.test/here' || url, 'https://cb.test/here') FROM unnest('{/x,/x?y=1,/..,/..?y,"/..;y",/.?y,/...,/..x,/x/../y}'::text[]) url;
SELECT url, casesync_internal.is_within(url, 'http://127.0.0.1:*') AS any_port, casesync_internal.is_within(url, 'http://[::1]:*/dci') AS below_dci
  FROM unnest('{http://127.0.0.1:9000/on-search,http://127.0.0.1,http://127.0.0.1/x,http://127.0.0.1:9000,http://127.0.0.11:80/x,
		http://127.0.0.1:80@evil.test/x,http://127.0.0.1.evil.test/x,http://127.0.0.1:x/y,https://127.0.0.1:1/x,
		http://[::1]:9000/dci/on-search,http://[::1]/dci,http://[::1]:9000/dcix,http://[::1]:9000/dci/../x,http://[::2]:9000/dci/x}'::text[]) url;

-- dropping: not while an agreement counts, not with a history, else with all that hangs on it
CREATE VIEW app.people AS SELECT '1'::text AS subject_key, '{}'::jsonb AS record;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.set_agreement('A', 'ess.test', registries => '{people}', event_types => '{enrolment}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.activate('A');
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member') <> '' AS subscribed;
SELECT app.try($$SELECT casesync.drop_partner('ess.test')$$);
SELECT app.try($$SELECT casesync.drop_partner('nobody.test')$$);
SELECT casesync.end_agreement('A', 'over');
SELECT count(casesync.subscribe_to('ess.test', 'enrolment', 'Member'));
INSERT INTO casesync_internal.lane_state (lane) SELECT lane FROM casesync_internal.lane;
INSERT INTO casesync_internal.disclosure (partner, registry, key, way, agreement, agreement_version, reference_id, outcome)
	VALUES ('ess.test', 'people', '1', 'notify', 'A', 1, gen_random_uuid(), 'attempted');
SELECT app.try($$SELECT casesync.drop_partner('ess.test')$$);
SELECT app.try($$DELETE FROM casesync_internal.disclosure$$);
TRUNCATE casesync_internal.disclosure;
INSERT INTO casesync_internal.message_in (partner, message_id, content_hash, raw, action, ack_status, correlation_id)
	VALUES ('ess.test', 'm', '', '', 'notify', 'ACK', 'c');
SELECT app.try($$SELECT casesync.drop_partner('ess.test')$$);
TRUNCATE casesync_internal.message_in;
SELECT casesync.drop_partner('ess.test');
SELECT (SELECT count(*) FROM casesync_internal.partner) AS partners, (SELECT count(*) FROM casesync_internal.lane) AS lanes,
	(SELECT count(*) FROM casesync_internal.partner_key) AS keys, (SELECT count(*) FROM casesync_internal.subscription) AS subscriptions,
	(SELECT count(*) FROM casesync_internal.agreement) AS agreements, (SELECT count(*) FROM casesync_internal.my_subscription) AS ours,
	(SELECT count(*) FROM casesync_internal.outgoing) AS outgoing, (SELECT count(*) FROM casesync_internal.lane_state) AS lane_states;
SELECT what, CASE what WHEN 'subscribe' THEN '(code)' ELSE about END AS about FROM casesync.audit ORDER BY id;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
