-- That a subject left is told once to each subscription: after a stop only to those that were not told yet.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', filter => '{"district": {"eq": "North"}}', filter_type => 'expression') IS NOT NULL
	AS subscribed;
-- another partner has something due of the same people all the time
SELECT casesync.set_partner('other.test', 'https://dci.other.test') IS NOT NULL AS added;
SELECT casesync.set_agreement('OTHER', 'other.test', registries => '{people}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
	identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law') IS NOT NULL AS written;
SELECT casesync.activate('OTHER') IS NOT NULL AS in_force;
SELECT casesync.subscribe('other.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
CREATE FUNCTION app.lane() RETURNS integer LANGUAGE sql AS $$ SELECT lane FROM casesync_internal.lane WHERE partner = 'ess.test' AND kind = 'notify' $$;
-- one message: to which subscription, what it says; it stays on its way, until app.answer() says what became of it
CREATE FUNCTION app.take() RETURNS TABLE (subscription text, says text) LANGUAGE sql AS $$
	SELECT CASE WHEN s.tree IS NULL THEN 'to all' ELSE 'to the filter' END,
		string_agg(coalesce(e #>> '{data,reg_records,employment_status}', 'removed'), ' ' ORDER BY n)
	  FROM casesync_internal.take(app.lane(), begins_within => 100) t, jsonb_array_elements(t.message::jsonb->'notify_event') WITH ORDINALITY x(e, n)
	  JOIN casesync_internal.notification i ON i.reference_id = (e->>'reference_id')::uuid
	  JOIN casesync_internal.subscription s ON s.id = i.subscription GROUP BY 1 $$;
CREATE FUNCTION app.answer(verdict text) RETURNS boolean LANGUAGE sql AS $$
	SELECT casesync_internal.record_outcome(app.lane(), s.message_id, verdict, 0, 200, 'ACK', NULL, NULL) IS NOT NULL FROM casesync_internal.lane_now(app.lane()) s $$;
CREATE VIEW app.waits AS
	SELECT n.state, n.removal, n.seq, n.state_reason FROM casesync_internal.notification n WHERE n.lane = app.lane() AND n.state <> 'delivered' ORDER BY n.id;
INSERT INTO app.person VALUES (1, 'U1', '1', true, 'North');
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();

-- one of two subscriptions is told before the stop, the other after it
UPDATE app.person SET shared = false;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT count(*) > 0 AS stopped FROM casesync.stop_sharing('test', 'ess.test');
SELECT * FROM app.waits;
SELECT casesync.resume_sharing('ess.test') > 0 AS resumed;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT count(*) AS known FROM casesync_internal.told WHERE partner = 'ess.test';
SELECT count(*) AS asked FROM casesync.look_again('people');
SELECT * FROM app.route();
SELECT * FROM app.take();

-- it was on its way when sharing was stopped, and arrived: nothing is left to tell, although another partner's item about the same person waits
UPDATE app.person SET shared = true, status = '2';
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT app.answer('delivered');
UPDATE app.person SET shared = false;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT count(*) > 0 AS stopped FROM casesync.stop_sharing('test', 'ess.test');
SELECT * FROM app.waits WHERE state_reason = 'sharing was stopped';
SELECT leaving IS NOT NULL AS is_to_be_told FROM casesync_internal.told WHERE partner = 'ess.test';
SELECT app.answer('delivered');
SELECT count(*) AS known FROM casesync_internal.told WHERE partner = 'ess.test';
SELECT casesync.resume_sharing('ess.test') > 0 AS resumed;
SELECT count(*) > 0 AS asked FROM casesync.look_again('people');
SELECT * FROM app.route();
SELECT * FROM app.take();

-- likewise a record
UPDATE app.person SET shared = true, status = '3';
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT count(*) > 0 AS stopped FROM casesync.stop_sharing('test', 'ess.test');
SELECT app.answer('delivered');
SELECT count(*) AS due FROM casesync_internal.notification n JOIN casesync_internal.lane l USING (lane) WHERE l.partner = 'other.test' AND n.state = 'due';
SELECT casesync.resume_sharing('ess.test') > 0 AS resumed;
SELECT casesync.look_again('people') > 0 AS asked;
SELECT * FROM app.route();
SELECT * FROM app.take();
UPDATE app.person SET status = '4';
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT app.answer('delivered');

-- taken back before it left, and then looked at for another event than the one it was for: it is told all the same
UPDATE app.person SET shared = false;
SELECT * FROM app.route();
SELECT count(*) > 0 AS stopped FROM casesync.stop_sharing('test', 'ess.test');
SELECT * FROM app.waits WHERE removal;
SELECT casesync.resume_sharing('ess.test') > 0 AS resumed;
UPDATE casesync_internal.look_again_entry SET event_type = 'enrolment';
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT app.answer('delivered');
SELECT * FROM app.take();
SELECT count(*) AS known FROM casesync_internal.told WHERE partner = 'ess.test';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
