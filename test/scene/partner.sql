\set ECHO none
-- A partner and the agreement under which it may hear of the people. After person.sql.
DO $$ BEGIN
	PERFORM casesync.set_partner('ess.test', 'https://dci.ess.test/dci');
	PERFORM casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
		fields => '{employment_status}', filter_fields => '{district}', identifier_types => '{UIN}',
		subjects => 'shared', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('OUT');
END $$;
\set ECHO all
