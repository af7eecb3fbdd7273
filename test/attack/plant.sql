-- What an attacker leaves behind on purpose, to be run by others later; what it has no right to fails. @ME@ is the attacker.
-- As itself, as far as it may: a registry, a tracking, an apply function, an agreement of its own, with code in them.
SELECT casesync.publish('@ME@', '@ME@.shared', 'Member');
SELECT casesync.publish('@ME@_trap', '@ME@.trap', 'Member');
SELECT casesync.track('@ME@.own', '{@ME@}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.track('@ME@.own', '{@ME@_trap}', '@ME@.imm_text()', on_update => 'enrolment_status_change', condition => '@ME@.imm()');
SELECT casesync.track('@ME@.hidden', '{@ME@_trap}', 'id', on_update => 'enrolment_status_change', subjects => 'SELECT @ME@.many()');
SELECT casesync.track('@ME@.hidden', '{@ME@_trap}', 'id', on_update => 'enrolment_status_change', condition => 'uin OPERATOR(@ME@.=) ''H1''');
SELECT casesync.track('@ME@.parts', '{@ME@}', 'uin OPERATOR(@ME@.||) ''x''', on_insert => 'enrolment_status_change');
SELECT casesync.track('@ME@.own', '{citizens}', 'id', on_update => 'enrolment_status_change');
SELECT casesync.track('@ME@.own', '{citizens,@ME@,people}', 'id', on_insert => 'enrolment_status_change');
SELECT casesync.on_notify('Person', 'enrolment_status_change', '@ME@.apply(casesync.inbound)');
SELECT casesync.on_notify('Member', 'enrolment_status_change', '@ME@.apply(casesync.inbound)');
SELECT casesync.set_agreement('@ME@', 'other.test', registries => '{people,citizens,households}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => '@ME@.imm()', valid_from => '2020-01-01', legal_basis => 'law', services => '{notify,search,check_enrollment}');
SELECT casesync.set_agreement('@ME@ 2', 'other.test', registries => '{citizens}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => '(SELECT @ME@.vol() IS NULL)', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.set_agreement('@ME@ 3', 'other.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => 'district OPERATOR(@ME@.=) ''North'' AND (district::@ME@.d_text) IS NOT NULL', valid_from => '2020-01-01', legal_basis => 'law');
-- Rows by hand: names of functions by other spellings, of other kinds, of others; views of others.
UPDATE casesync_internal.handler SET handler = '@ME@.apply(casesync.inbound)';
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd1', 'enrolment_status_change', 'a.apply( casesync.inbound )');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd2', 'enrolment_status_change', ' a.apply(casesync.inbound)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd3', 'enrolment_status_change', '"a".apply(casesync.inbound)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd4', 'enrolment_status_change', 'a.apply(casesync."inbound")');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd5', 'enrolment_status_change', 'a.APPLY(casesync.inbound)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd6', 'enrolment_status_change', 'a.apply(inbound)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd7', 'enrolment_status_change', 'a.apply');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd8', 'enrolment_status_change', '@ME@.apply_text(text)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd9', 'enrolment_status_change', '@ME@.apply_invoker(casesync.inbound)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd10', 'enrolment_status_change', 'pg_catalog.pg_relation_size(regclass)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd11', 'enrolment_status_change', 'pg_catalog.int4um(integer)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd12', 'enrolment_status_change', 'pg_catalog.pg_typeof("any")');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd13', 'enrolment_status_change', '@ME@.future(casesync.inbound)');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd14', 'enrolment_status_change', '@ME@.imm()');
INSERT INTO casesync_internal.handler (record_type, event_type, handler) VALUES ('Odd15', 'enrolment_status_change', 'record_out(casesync.inbound)');
CREATE FUNCTION @ME@.future(event casesync.inbound) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM @ME@.harm('function made later'); RETURN 'applied'; END $$;
UPDATE casesync_internal.registry SET view = '@ME@.trap';
UPDATE casesync_internal.registry SET view = 'a.shared' WHERE registry LIKE '@ME@%';
INSERT INTO casesync_internal.registry (registry, view, record_type, reg_type, key_column, key_type, record_column)
	VALUES ('@ME@ of a', 'a.shared', 'Member', 'ESS', 'subject_key', 'text', 'record');
INSERT INTO casesync_internal.registry (registry, view, record_type, reg_type, key_column, key_type, record_column)
	VALUES ('@ME@ of nothing', 4000000000::oid::regclass, 'Member', 'ESS', 'subject_key', 'text', 'record');
DELETE FROM casesync_internal.handler WHERE record_type = 'Member';
DELETE FROM casesync_internal.registry WHERE registry IN ('people', 'citizens', 'households');
-- Others' words, and what everybody reads.
SELECT casesync.map_code('words_of_a', 'A', '2'::casesync.employment_status);
SELECT casesync.unmap_code('words_of_a', 'B', NULL::casesync.employment_status);
SELECT casesync.map_code('words_of_@ME@', 'A', '1'::casesync.employment_status);
SELECT casesync.drop_local_code('employment_status', 'local:900');
SELECT casesync.unpublish('citizens');
SELECT casesync.untrack('a.citizen');
-- More access, one pair of eyes.
SELECT casesync.grant_access('@ME@', access) FROM unnest('{types,publisher,admin,approver,bridge,reviewer,auditor,caseworker,portal,portal_login,reader}'::text[]) access;
SELECT casesync.grant_access('@ME@', 'bridge');
SELECT casesync.grant_access('@ME@', 'approver');
SELECT casesync.grant_access('@ME@', 'auditor');
SELECT casesync.grant_access('@ME@', 'reviewer');
SELECT casesync.grant_access('postgres', 'bridge');
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
SELECT casesync.activate('@ME@');
SELECT casesync.activate('DRAFT');
-- Changes of its own, for the router to look at.
UPDATE @ME@.own SET status = '2';
INSERT INTO @ME@.own VALUES (2000, 'M2000', '1');
UPDATE @ME@.hidden SET uin = 'H2';
INSERT INTO @ME@.parts VALUES (1, 'P1');
