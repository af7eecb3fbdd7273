-- Registry types and event types are data: what ships, how it is spelled, what a DBA adds.
CREATE EXTENSION casesync;
\i test/scene/try.sql
SELECT count(*) FROM (SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false)) s;

-- what ships
SELECT reg_type, wire, spellings FROM casesync.registry_types ORDER BY reg_type COLLATE "C";
SELECT reg_type, event_type, wire, spellings FROM casesync.event_types ORDER BY reg_type COLLATE "C", event_type COLLATE "C";
-- every shipped spelling, wire form and name is read as the type that it belongs to, in any case, with any prefix
SELECT e.event_type, s FROM casesync_internal.event_type e CROSS JOIN LATERAL unnest(e.spellings || e.wire || e.event_type || ('a:b:' || upper(e.wire))) s
 WHERE casesync_internal.event_name(s) <> e.event_type;
SELECT t.reg_type, s FROM casesync_internal.registry_type t CROSS JOIN LATERAL unnest(t.spellings || t.wire || t.reg_type || ('ns:org:RegistryType:' || upper(t.reg_type))) s
 WHERE casesync_internal.reg_type_name(s) <> t.reg_type;
-- reads_any_case_and_prefix, keeps_what_it_does_not_know
SELECT n, casesync_internal.event_name(n) FROM unnest(ARRAY['Enrollement', 'ns:x:ENROLLMENT_STATUS_CHANGE', 'spdci-common:RegistryEventType:livebirth',
	'newhouseholdmember', 'Something_Else', 'x:Something_Else', '', ':', NULL]) n;
SELECT n, casesync_internal.reg_type_name(n), casesync_internal.reg_type_wire(n) FROM unnest(ARRAY['ns:org:RegistryType:Social', 'SOCIAL', 'sr', 'ess', 'crvs', 'Other', 'a:Other', NULL]) n;
-- ESS words to ESS peers, IBR words to IBR peers
SELECT r, e, casesync_internal.event_wire(r, casesync_internal.event_name(e)) FROM (VALUES ('ESS', 'enrollement'), ('IBR', 'enrolment'), ('ibr', 'enrolment_status_change'),
	('Social', 'register'), ('Other', 'enrolment'), (NULL, 'enrolment')) v(r, e);

-- one's own
SELECT casesync.add_registry_type('Housing', '{habitat,HOUSE}', 'social housing');
SELECT reg_type, wire, spellings, is_shipped FROM casesync.registry_types WHERE reg_type = 'Housing';
SELECT casesync.add_event_type('flat_given', 'ns:org:RegistryType:habitat', '{Logement}', 'a flat was given', 'x:EventType:FlatGiven');
SELECT reg_type, event_type, wire, spellings, is_shipped FROM casesync.event_types WHERE event_type = 'flat_given';
SELECT casesync_internal.reg_type_name('HABITAT'), casesync_internal.reg_type_wire('house'), casesync_internal.event_name('LOGEMENT'), casesync_internal.event_name('FlatGiven'), casesync_internal.event_wire('Housing', 'flat_given');
SELECT casesync.add_event_type('Adoption', 'Civil', wire => 'Adoption');
-- other spellings for a shipped one: both count
SELECT casesync.add_event_type('enrolment', 'ESS', '{inscription}');
SELECT casesync_internal.event_name('Inscription'), casesync_internal.event_name('enrollement'), casesync_internal.event_wire('ESS', 'enrolment'), casesync_internal.event_wire('IBR', 'enrolment');
SELECT casesync.add_registry_type('ESS', wire => 'ns:org:RegistryType:Employment');
SELECT casesync_internal.reg_type_wire('ess'), casesync_internal.reg_type_name('employment');
-- track() and set_agreement() take any spelling too
CREATE TABLE app.person (id integer PRIMARY KEY, record jsonb);
CREATE VIEW app.people AS SELECT id::text AS subject_key, record FROM app.person;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'inscription', on_update => 'x:enrollement_status_change');
SELECT on_insert, on_update, on_delete FROM casesync.tracked ORDER BY tracking DESC LIMIT 1;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', 'https://dci.ess.test/dci')) s;
SELECT casesync.set_agreement('IN', 'ess.test', 'in', event_types => '{DEATH,logement,enrollment,death}');
SELECT event_types FROM casesync.agreements WHERE agreement = 'IN' ORDER BY version DESC LIMIT 1;
SELECT casesync.set_agreement('IN', 'ess.test', 'in', fields => '{employment_status}');
SELECT event_types FROM casesync.agreements WHERE agreement = 'IN' ORDER BY version DESC LIMIT 1;

-- refuses_what_cannot_be_a_name
SELECT app.try(format('SELECT casesync.add_registry_type(%L)', n)) FROM unnest(ARRAY['', 'a b', '1a', NULL, repeat('a', 64)]) n;
SELECT app.try(format('SELECT casesync.add_event_type(%L)', n)) FROM unnest(ARRAY['', 'a b', 'a:b', NULL, repeat('a', 100)]) n;
SELECT app.try($$SELECT casesync.add_event_type('moved', 'nowhere')$$);
SELECT app.try($$SELECT casesync.add_event_type('moved', NULL)$$);
SELECT app.try($$SELECT casesync.add_event_type('moved', wire => '')$$);
SELECT app.try($$SELECT casesync.add_event_type('moved', spellings => '{"a:b"}')$$);
SELECT app.try($$SELECT casesync.add_event_type('moved', spellings => '{NULL}')$$);
SELECT app.try($$SELECT casesync.add_event_type('moved', spellings => ARRAY(SELECT 'x' || i FROM generate_series(1, 50) i))$$);
-- refuses_a_spelling_with_two_meanings
SELECT app.try($$SELECT casesync.add_event_type('moved', spellings => '{Enrollement}')$$);
SELECT app.try($$SELECT casesync.add_event_type('register')$$);
SELECT app.try($$SELECT casesync.add_registry_type('Farm', '{farmer}')$$);

-- dropping: only one's own, and not while in use
SELECT app.try($$SELECT casesync.drop_event_type('DEREGISTER', 'Social')$$);
SELECT app.try($$SELECT casesync.drop_event_type(NULL)$$);
SELECT app.try($$SELECT casesync.drop_registry_type('Civil')$$);
SELECT app.try($$SELECT casesync.drop_registry_type('Housing')$$);
SELECT app.try($$SELECT casesync.drop_event_type('enrolment')$$);
SELECT casesync_internal.event_name('Inscription');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_delete => 'flat_given')) t;
SELECT app.try($$SELECT casesync.drop_event_type('flat_given', 'Housing')$$);
SELECT casesync.untrack('app.person');
SELECT app.try($$SELECT casesync.drop_event_type('flat_given', 'Housing')$$);
SELECT app.try($$SELECT casesync.drop_registry_type('Housing')$$);
SELECT app.try($$SELECT casesync.drop_registry_type('ESS')$$);
SELECT casesync_internal.reg_type_wire('ess');
SELECT what, count(*) FROM casesync.audit WHERE what ~ '_type$' GROUP BY what ORDER BY what;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
