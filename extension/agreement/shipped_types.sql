/*
 * The registry types and event types that come with this version. Replayed by upgrades: the rows
 * that are marked as shipped are ours, whole; those that a site added stay as they are.
 */
DELETE FROM casesync_internal.registry_type WHERE is_shipped;
INSERT INTO casesync_internal.registry_type (reg_type, is_shipped, wire, spellings, description)
SELECT t.reg_type, true, 'ns:org:RegistryType:' || t.reg_type, lower(t.reg_type) || t.more::text[],
	t.description
  FROM (VALUES
	('ESS', '{employment}', 'employment support system'),
	('Social', '{sr,socialregistry,social_registry,social_member}', 'social registry'),
	('IBR', '{beneficiary_registry}', 'integrated beneficiary registry'),
	('Civil', '{crvs,birth,death,marriage,civil_registry}',
		'civil registration and vital statistics'),
	('FR', '{farmer,farmerregistry,farmer_registry}', 'farmer registry'),
	('DR', '{disability,disabilityregistry,disability_registry}', 'disability registry'),
	('SP', '{socialprotection,social_protection}', 'social protection system'),
	('EWS', '{earlywarning,early_warning}', 'early warning system'))
	t(reg_type, more, description);

DELETE FROM casesync_internal.event_type WHERE is_shipped;
INSERT INTO casesync_internal.event_type (reg_type, event_type, is_shipped, wire, spellings,
	description)
SELECT r.reg_type, t.event_type, true, coalesce(t.wire, t.event_type),
	lower(t.event_type) || t.more::text[], t.description
  FROM (VALUES
	('{ESS,SP}', 'enrolment', NULL, '{enrollment,enrollement}',
		'somebody is enrolled in, or referred to, a programme'),
	('{ESS,SP}', 'enrolment_status_change', NULL,
		'{enrollment_status_change,enrollement_status_change}',
		'the enrolment status, or what else is shared of somebody, changed'),
	('{ESS,SP,Social,IBR}', 'plan_change', NULL, '{}', 'somebody''s joint plan changed'),
	('{ESS,SP,Social,IBR}', 'referral', NULL, '{}',
		'somebody is referred to another organisation, or it answers'),
	('{IBR}', 'enrolment', 'enrollement', '{enrollment,enrollement}',
		'somebody is enrolled in a programme'),
	('{IBR}', 'enrolment_status_change', 'enrollement_status_change',
		'{enrollment_status_change,enrollement_status_change}',
		'the enrolment status of somebody changed'),
	('{Social,IBR,Civil,FR,DR}', 'REGISTER', NULL, '{}', 'somebody was registered'),
	('{Social,IBR,Civil,FR,DR}', 'UPDATE', NULL, '{}', 'what is registered of somebody changed'),
	('{Social,IBR,Civil,FR,DR}', 'DEREGISTER', NULL, '{}', 'somebody is no longer registered'),
	('{Social}', 'NewHouseHoldMember', NULL, '{new_household_member}',
		'a household has one more member'),
	('{Civil}', 'LiveBirth', NULL, '{live_birth}', 'a child was born'),
	('{Civil}', 'Death', NULL, '{}', 'somebody died'),
	('{Civil}', 'Marriage', NULL, '{}', 'two people married'),
	('{Civil}', 'Divorce', NULL, '{}', 'a marriage ended'),
	('{EWS}', 'Alert', NULL, '{}', 'a warning was given for a place'))
	t(reg_types, event_type, wire, more, description)
 CROSS JOIN unnest(t.reg_types::text[]) r(reg_type);
