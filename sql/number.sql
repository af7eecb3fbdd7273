-- Numbers of a subscription: none is left open by what never left, and they are told in their order.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
-- takes and says what came of it, and whether something of it left; shows of each item who it is about and its numbers
CREATE FUNCTION app.take(verdict text DEFAULT 'delivered', has_left boolean DEFAULT true)
RETURNS TABLE (who text, says text, seq text, prev text) LANGUAGE plpgsql AS $$
DECLARE
	p record;
BEGIN
	SELECT l.lane, t.message_id, t.message::jsonb AS message, t.meta::jsonb AS meta INTO p
	  FROM casesync_internal.lane l, casesync_internal.take(l.lane, begins_within => 100) t WHERE l.kind = 'notify';
	IF NOT FOUND THEN RETURN; END IF;
	IF verdict <> 'none' THEN PERFORM casesync_internal.record_outcome(p.lane, p.message_id, verdict, 0, NULL, NULL, NULL, 'test', has_left); END IF;
	RETURN QUERY SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}', e #>> '{data,reg_records,employment_status}',
		p.meta->'items'->(x.n::integer - 1)->>'seq', p.meta->'items'->(x.n::integer - 1)->>'prev_seq'
	  FROM jsonb_array_elements(p.message->'notify_event') WITH ORDINALITY x(e, n) ORDER BY x.n;
END
$$;
CREATE FUNCTION app.stop() RETURNS boolean LANGUAGE sql AS $$ SELECT count(*) > 0 FROM casesync.stop_sharing('test', 'ess.test') $$;
CREATE FUNCTION app.resume() RETURNS bigint LANGUAGE sql AS $$ SELECT casesync.resume_sharing('ess.test') $$;
CREATE FUNCTION app.disclosed(who integer) RETURNS TABLE (outcome text) LANGUAGE sql AS $$ SELECT d.outcome FROM casesync.disclosures('people', $1::text) d $$;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 3) i;
SELECT * FROM app.route();

-- nobody listens: the numbers are given anew, and nothing is on record twice
SELECT * FROM app.take('retry', false);
SELECT * FROM app.take('retry', false);
SELECT * FROM casesync_internal.subscription_seq WHERE seq > 0;
SELECT * FROM app.disclosed(1);
-- of those that are not sent any more the numbers are others'
UPDATE app.person SET shared = false WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.disclosed(2);
SELECT partner, fields FROM casesync.held_by('people', '2');
SELECT partner FROM casesync.held_by('people', '3');

-- what left, if only perhaps, keeps its number; what was put beside it gives its own back
UPDATE app.person SET shared = true, status = '2' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
UPDATE app.person SET status = '2' WHERE id = 3;
SELECT * FROM app.route();
SELECT * FROM app.take('retry', false);
SELECT key, seq, prev_seq FROM casesync_internal.notification WHERE state = 'due' ORDER BY id;
UPDATE app.person SET shared = true, status = '2' WHERE id = 2;
UPDATE app.person SET shared = false WHERE id = 3;
SELECT * FROM app.route();
SELECT * FROM app.take();
-- a bridge of the version before says nothing: it may have left
UPDATE app.person SET status = '3' WHERE id = 1;
SELECT * FROM app.route();
SELECT lane AS l, message_id AS m FROM casesync_internal.lane x, casesync_internal.take(x.lane) WHERE kind = 'notify' \gset
SELECT casesync_internal.record_outcome(:l, :'m', 'retry', 0, NULL, NULL, NULL, NULL);
SELECT key, seq FROM casesync_internal.notification WHERE state = 'due';
SELECT * FROM app.take();

-- withheld while it was taken, and it never left: no number is open
UPDATE app.person SET status = '4' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take('none');
SELECT lane AS l, message_id AS m FROM casesync_internal.lane_state WHERE message_id IS NOT NULL \gset
SELECT casesync_internal.sharing_release(:l);
SELECT app.stop();
SELECT key FROM casesync_internal.open_number ORDER BY item;
SELECT casesync_internal.record_outcome(:l, :'m', 'unsent', 0, NULL, NULL, NULL, NULL, false);
SELECT count(*) FROM casesync_internal.open_number;
SELECT count(*) AS attempts FROM casesync_internal.attempt WHERE message_id = :'m';
-- told again by then: it gives its number back all the same
SELECT app.resume();
SELECT * FROM app.route();
SELECT * FROM app.take('none');
SELECT lane AS l, message_id AS m FROM casesync_internal.lane_state WHERE message_id IS NOT NULL \gset
SELECT casesync_internal.sharing_release(:l);
SELECT app.stop();
UPDATE app.person SET status = '5' WHERE id = 1;
UPDATE app.person SET shared = false WHERE id = 2;
SELECT app.resume();
SELECT * FROM app.route();
SELECT casesync_internal.record_outcome(:l, :'m', 'retry', 0, NULL, NULL, NULL, NULL, false);
SELECT * FROM app.take();
SELECT key, state, seq FROM casesync_internal.notification WHERE state <> 'delivered' AND seq IS NOT NULL;
-- it says so when somebody else has taken over: that counts no more
UPDATE app.person SET status = '6' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take('none');
SELECT message_id AS m FROM casesync_internal.lane_state WHERE message_id IS NOT NULL \gset
SELECT * FROM app.take('retry', false);
SELECT casesync_internal.record_outcome(:l, :'m', 'unsent', 0, NULL, NULL, NULL, NULL, false);
SELECT key, seq FROM casesync_internal.notification WHERE state = 'due';
SELECT * FROM app.take();

-- a new stream: what may have left in the one before is not said not to be sent
UPDATE app.person SET status = '7' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT casesync_internal.node_new_stream();
SELECT * FROM app.take('retry', false);
SELECT key, seq FROM casesync_internal.notification WHERE state = 'due';
SELECT * FROM app.take();

-- somebody whose row is locked is passed over, and the one behind him gets the number: which goes first from then on
CREATE TABLE app.gate (id integer);
CREATE FUNCTION app.gate(id integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN
	IF EXISTS (SELECT FROM app.gate g WHERE g.id = gate.id) THEN RAISE lock_not_available USING MESSAGE = 'locked'; END IF; RETURN true; END $$;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared AND app.gate(p.id) AS shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status) AS record
	  FROM app.person p;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(11, 13) i;
SELECT * FROM app.route();
INSERT INTO app.gate VALUES (11);
SELECT * FROM app.take('retry');
DELETE FROM app.gate;
SELECT * FROM app.take('retry');
INSERT INTO app.gate VALUES (12);
-- nobody waits for one that cannot be asked about
SELECT * FROM app.take('retry');
DELETE FROM app.gate;
-- the order of numbers is kept when they are withheld, and when only one goes at a time
SELECT app.stop();
SELECT app.resume();
SELECT * FROM app.route();
UPDATE casesync_internal.lane_state SET batch_limit = 1;
SELECT * FROM app.take();
UPDATE casesync_internal.lane_state SET batch_limit = 1;
SELECT * FROM app.take();
SELECT * FROM app.take();
-- somebody has the subject of a number for a moment, when he is looked at: the others wait
UPDATE app.person SET status = '2' WHERE id IN (11, 12);
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT app.stop();
SELECT app.resume();
SELECT casesync_internal.quarantine_add('people', 0, '{11}', 'enrolment_status_change', '55P03', 'test');
DELETE FROM casesync_internal.look_again_entry WHERE key = '11';
SELECT * FROM app.route();
SELECT * FROM app.take();
UPDATE casesync_internal.quarantine_entry SET again_at = now();
SELECT * FROM app.route();
SELECT * FROM app.take();
-- the partner is not told that somebody left of whom it was never told
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(21, 22) i;
SELECT * FROM app.route();
SELECT * FROM app.take('retry', false);
UPDATE app.person SET shared = false WHERE id = 21;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
UPDATE app.person SET shared = false WHERE id = 22;
SELECT * FROM app.route();
SELECT * FROM app.take();
-- whose number may have left, and who is not told of any more: the next ones pass over it, and he is told by it when he is told of
UPDATE app.person SET shared = true, status = '3' WHERE id IN (1, 2, 3, 11);
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'silent') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
UPDATE app.person SET shared = false WHERE id IN (2, 3);
UPDATE app.person SET status = '3' WHERE id = 12;
SELECT * FROM app.take('retry');
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
UPDATE app.person SET shared = true WHERE id = 3;
SELECT * FROM app.route();
SELECT * FROM app.take('retry', false);
SELECT * FROM app.take();
-- nobody is told what the numbers of the erased were for, nor misses them
UPDATE app.person SET status = '4' WHERE id IN (1, 11);
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT count(*) > 0 AS erased FROM casesync.erase('people', '1', 'asked for');
SELECT * FROM casesync.prune('0');
SELECT * FROM app.take();
UPDATE app.person SET status = '5' WHERE id = 12;
SELECT * FROM app.route();
SELECT * FROM app.take();
-- who is refused at the door has all that waits withheld, in other subscriptions too: back again, nothing older comes after what is told then
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', filter => '{"district": {"eq": "North"}}', filter_type => 'expression') IS NOT NULL AS subscribed;
SELECT * FROM app.route();
INSERT INTO app.person (id, uin, status, district) VALUES (31, 'U31', '1', 'North');
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
UPDATE app.person SET shared = false WHERE id = 31;
SELECT * FROM app.take();
UPDATE app.person SET shared = true, status = '2' WHERE id = 31;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();
SELECT * FROM app.take();
-- every number was used once
SELECT stream = (SELECT stream FROM casesync_internal.node) AS now, count(*), max(seq), count(DISTINCT seq), count(*) FILTER (WHERE state <> 'delivered') AS open
  FROM casesync_internal.notification WHERE seq IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT seq FROM casesync_internal.open_number ORDER BY seq;

-- a bridge's journal knows them: another number than the database has was given by one that has lost some of what it did
CREATE FUNCTION app.lost(seq bigint) RETURNS record LANGUAGE sql AS $$
	SELECT casesync_internal.journal_lost(jsonb_build_array(jsonb_set(casesync_internal.journal_entry(ARRAY[n.id], n.stream)::jsonb, '{items,0,seq}', to_jsonb($1))))
	  FROM casesync_internal.notification n JOIN casesync_internal.node x ON x.stream = n.stream WHERE n.seq = 15 $$;
SELECT * FROM app.lost(15) AS x(any_life boolean, this_life boolean);
SELECT * FROM app.lost(14) AS x(any_life boolean, this_life boolean);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
