\set ECHO none
-- The agreement under which a partner tells us of people, and how it does. After partner.sql and message.sql.
DO $$ BEGIN
	PERFORM casesync.set_agreement('IN', 'ess.test', 'in', event_types => '{enrolment_status_change}',
		fields => '{employment_status,demographic_info.death_date}', identifier_types => '{UIN,PASSPORT}', apply_mode => 'auto',
		valid_from => '2020-01-01', legal_basis => 'law');
	PERFORM casesync.activate('IN');
END $$;
CREATE FUNCTION app.record(uin text, status text DEFAULT '1', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', $1)), 'employment_status', $2) || $3
$$;
-- one event: the record of one person, or a list of such
CREATE FUNCTION app.event(reference text, records jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('reference_id', $1, 'timestamp', '2026-01-01T08:00:00Z', 'data', '{"version": "1.0.0", "reg_type": "ns:org:RegistryType:ESS",
		"reg_event_type": "enrolment_status_change", "reg_record_type": "Member"}' || jsonb_build_object('reg_records', $2) || $3)
$$;
-- a message notify, for our subscription where we have one
CREATE FUNCTION app.notify(VARIADIC events jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('transaction_id', coalesce((SELECT transaction_id FROM casesync_internal.my_subscription), 'theirs'), 'notify_event', to_jsonb($1))
$$;
\set ECHO all
