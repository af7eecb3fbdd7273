-- casesync for the sandbox: four registries over the one table, and an integrator as partner.
-- base_url comes from the driver.
CREATE EXTENSION casesync;
SELECT casesync.grant_access('casesync_bridge', 'bridge');
SELECT casesync.set_node('casesync.sandbox.example', :'base_url', four_eyes => false);

CREATE VIEW casesync_sandbox.ess_member AS
SELECT p.id AS subject_key, p.uin, p.region, p.enrolment_status, p.birth_date, p.last_updated,
	casesync.member(
		identifiers => ARRAY[casesync.identifier('UIN', p.uin)],
		demographic_info => casesync.person(
			identifiers => ARRAY[casesync.identifier('UIN', p.uin)],
			name => casesync.name(p.surname, p.given_name), sex => p.sex::casesync.sex,
			birth_date => p.birth_date, death_date => p.death_date),
		marital_status => p.marital_status::casesync.marital_status,
		employment_status => p.employment_status::casesync.employment_status,
		enrolment_status => p.enrolment_status::casesync.enrolment_status,
		last_updated => p.last_updated) AS record
  FROM casesync_sandbox.person p;

CREATE VIEW casesync_sandbox.social_member AS
SELECT p.id AS subject_key, p.uin, p.region, p.enrolment_status, p.birth_date, p.last_updated,
	casesync.member(
		identifiers => ARRAY[casesync.identifier('UIN', p.uin)],
		demographic_info => casesync.person(
			identifiers => ARRAY[casesync.identifier('UIN', p.uin)],
			name => casesync.name(p.surname, p.given_name), sex => p.sex::casesync.sex,
			birth_date => p.birth_date, death_date => p.death_date,
			address => ARRAY[casesync.address(region_code => p.region)]),
		marital_status => p.marital_status::casesync.marital_status,
		enrolment_status => p.enrolment_status::casesync.enrolment_status,
		last_updated => p.last_updated) AS record
  FROM casesync_sandbox.person p;

CREATE VIEW casesync_sandbox.crvs_person AS
SELECT p.id AS subject_key, p.birth_reg_no, p.uin, p.birth_date, p.death_date, p.last_updated,
	casesync.person(
		identifiers => ARRAY[casesync.identifier('BIRTH_REG_NO', p.birth_reg_no), casesync.identifier('UIN', p.uin)],
		name => casesync.name(p.surname, p.given_name), sex => p.sex::casesync.sex,
		birth_date => p.birth_date, death_date => p.death_date, last_updated => p.last_updated) AS record
  FROM casesync_sandbox.person p;

-- The standard names the record type Farmer and leaves its attributes to the registry.
CREATE VIEW casesync_sandbox.farmer AS
SELECT p.id AS subject_key, p.farmer_id, p.uin, p.region, p.farm_size_ha, p.last_updated,
	jsonb_strip_nulls(casesync.member(
		identifiers => ARRAY[casesync.identifier('FARMER_ID', p.farmer_id), casesync.identifier('UIN', p.uin)],
		demographic_info => casesync.person(
			name => casesync.name(p.surname, p.given_name), sex => p.sex::casesync.sex, birth_date => p.birth_date),
		additional_attributes => jsonb_build_object('farm_size_ha', p.farm_size_ha),
		last_updated => p.last_updated) || '{"@type": "Farmer"}') AS record
  FROM casesync_sandbox.person p WHERE p.farmer_id IS NOT NULL;

SELECT * FROM casesync.publish('ess_member', 'casesync_sandbox.ess_member', 'Member', 'ESS');
SELECT * FROM casesync.publish('social_member', 'casesync_sandbox.social_member', 'Member', 'Social');
SELECT * FROM casesync.publish('crvs_person', 'casesync_sandbox.crvs_person', 'Person', 'CRVS');
SELECT * FROM casesync.publish('farmer', 'casesync_sandbox.farmer', 'Farmer', 'FR');
SELECT casesync.track('casesync_sandbox.person', '{ess_member}', 'id', on_insert => 'enrolment',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.track('casesync_sandbox.person', '{social_member}', 'id', on_insert => 'REGISTER',
	on_update => 'UPDATE', on_delete => 'DEREGISTER');
SELECT casesync.track('casesync_sandbox.person', '{crvs_person}', 'id', on_insert => 'LiveBirth',
	on_update => 'UPDATE', on_delete => 'DEREGISTER');
SELECT casesync.track('casesync_sandbox.person', '{crvs_person}', 'id', on_update => 'Death',
	columns => '{death_date}');
SELECT casesync.track('casesync_sandbox.person', '{farmer}', 'id', on_insert => 'REGISTER',
	on_update => 'UPDATE', on_delete => 'DEREGISTER');

-- Whoever tries this out: no signature needed, any receiver_id, called back anywhere on this machine.
SELECT casesync.set_partner('test-client', 'http://127.0.0.1:9999',
	callback_prefixes => '{http://127.0.0.1:*,http://localhost:*,http://[::1]:*}',
	networks => '{127.0.0.0/8,::1/128}', signature => 'unsigned_accepted', encryption => 'accepted');
SELECT casesync.set_agreement('sandbox', 'test-client',
	registries => '{ess_member,social_member,crvs_person,farmer}',
	event_types => (SELECT array_agg(DISTINCT event_type) FROM casesync_internal.event_type),
	services => '{notify,search,check_enrollment}', subjects => 'true', subscribing => 'auto',
	identifier_types => '{UIN,BIRTH_REG_NO,FARMER_ID}',
	fields => '{demographic_info,name,sex,birth_date,death_date,marital_status,employment_status,additional_attributes,last_updated}',
	filter_fields => '{uin,birth_reg_no,farmer_id,region,enrolment_status,birth_date,death_date,farm_size_ha,last_updated}',
	valid_from => '2026-01-01', legal_basis => 'invented people');
SELECT casesync.set_agreement('sandbox-in', 'test-client', direction => 'in',
	event_types => (SELECT array_agg(DISTINCT event_type) FROM casesync_internal.event_type),
	identifier_types => '{UIN,BIRTH_REG_NO,FARMER_ID}',
	fields => '{demographic_info,name,sex,birth_date,death_date,marital_status,employment_status,additional_attributes,last_updated}',
	apply_mode => 'observe', valid_from => '2026-01-01', legal_basis => 'invented people');
SELECT casesync.activate('sandbox');
SELECT casesync.activate('sandbox-in');

-- What the integrator would ask our DBA for: to register its public keys, to insist on encryption.
CREATE FUNCTION casesync_sandbox.add_key(jwk jsonb)
RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT casesync.add_key('test-client', jwk) $$;
COMMENT ON FUNCTION casesync_sandbox.add_key(jsonb) IS 'register a public key of test-client (JWK); gives its kid';
CREATE FUNCTION casesync_sandbox.set_encryption(mode text)
RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT casesync.set_partner('test-client', encryption => mode); SELECT mode $$;
COMMENT ON FUNCTION casesync_sandbox.set_encryption(text) IS 'whether messages of and to test-client are encrypted: off, accepted or required';
CREATE FUNCTION casesync_sandbox.set_signature(mode text)
RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT casesync.set_partner('test-client', signature => mode); SELECT mode $$;
COMMENT ON FUNCTION casesync_sandbox.set_signature(text) IS 'whether messages of test-client must be signed: unsigned_accepted or required';
CREATE FUNCTION casesync_sandbox.use_callback_token(is_used boolean)
RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT casesync.set_partner('test-client', secret_name => CASE WHEN is_used THEN 'callback' ELSE '' END); SELECT is_used $$;
COMMENT ON FUNCTION casesync_sandbox.use_callback_token(boolean) IS 'whether what is sent to test-client carries the bearer token callback_token, which does not change';
