-- The sheet for a partner: complete, and with nothing in it that is not for the partner's eyes.
CREATE EXTENSION casesync;
\i test/scene/try.sql
SET timezone = 'UTC';
\pset tuples_only on
CREATE TABLE app.person (id integer PRIMARY KEY, uin text, secret_list boolean);
CREATE VIEW app.people AS SELECT id::text AS subject_key, secret_list, casesync.beneficiary(identifiers => ARRAY[casesync.identifier('UIN', uin)]) AS record FROM app.person;
SELECT * FROM casesync.publish('people', 'app.people', 'Beneficiary', 'ESS');
SELECT app.try($$SELECT casesync.onboarding('ess.test')$$);
SELECT casesync.set_node('sp.test', four_eyes => false);
SELECT app.try($$SELECT casesync.onboarding('ess.test')$$);
-- a partner of whom nothing is known yet
SELECT casesync.set_partner('ess.test');
SELECT app.try($$SELECT casesync.onboarding('ess.test')$$);
SELECT casesync.set_node('sp.test', 'https://dci.sp.test');
SELECT casesync.onboarding('ess.test');
-- one with all there is
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test', token_url => 'https://idp.ess.test/token', client_id => 'TOP-SECRET-1',
	secret_name => 'TOP-SECRET-2', tls_name => 'TOP-SECRET-3', networks => '{10.99.0.0/16}');
SELECT casesync.add_key('ess.test', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
CREATE TABLE app.client AS SELECT * FROM casesync.issue_client('ess.test');
SELECT casesync.set_agreement('SP-ESS', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change,enrolment}',
	fields => '{enrollment_status}', filter_fields => '{region}', identifier_types => '{UIN}', subjects => 'NOT secret_list',
	services => '{notify,search,check_enrollment}', lookups_per_day => 250, valid_from => '2026-01-01', valid_to => '2027-01-01',
	purpose => 'case management', legal_basis => 'Act 12/2024 s. 7', document_uri => 'https://docs.test/1');
SELECT casesync.activate('SP-ESS');
SELECT casesync.set_agreement('SP-ESS', 'ess.test', fields => '{not.agreed.yet}');
SELECT casesync.set_agreement('ESS-SP', 'ess.test', direction => 'in', event_types => '{enrolment_status_change}', fields => '{enrollment_status}',
	identifier_types => '{UIN}', valid_from => '2026-01-01', legal_basis => 'Act 12/2024 s. 7', must_encrypt => true);
SELECT replace(casesync.onboarding('ess.test'), client_id, '(client id)') FROM app.client;
-- nothing that only we may know
SELECT word FROM casesync.onboarding('ess.test') o CROSS JOIN (SELECT client_secret FROM app.client
	UNION ALL VALUES ('TOP-SECRET'), ('10.99'), ('secret_list'), ('not.agreed.yet')) w(word) WHERE strpos(o, word) > 0;
-- the example is a message that we would take
SELECT (regexp_match(casesync.onboarding('ess.test'), E'\n(\\{\n.*\n\\})\n'))[1]::jsonb #>> '{message,subscribe_request,0,subscribe_criteria,reg_event_type}';
SELECT what, about FROM casesync.audit WHERE what = 'onboarding' LIMIT 1;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
