-- An item keeps its reference_id and its number from its first attempt to its end, whatever withholds it meanwhile.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
CREATE TABLE app.seen (n serial, reference_id text PRIMARY KEY);
-- takes and says what came of it; shows of each item who it is about, what it says, its number and its place among all reference_ids
CREATE FUNCTION app.take(verdict text DEFAULT 'delivered', http integer DEFAULT NULL)
RETURNS TABLE (who text, says text, seq text, prev text, item integer) LANGUAGE plpgsql AS $$
DECLARE
	p record;
BEGIN
	SELECT l.lane, t.message_id, t.message::jsonb AS message, t.meta::jsonb AS meta INTO p
	  FROM casesync_internal.lane l, casesync_internal.take(l.lane, begins_within => 100) t WHERE l.kind = 'notify';
	IF NOT FOUND THEN RETURN; END IF;
	INSERT INTO app.seen (reference_id) SELECT e->>'reference_id' FROM jsonb_array_elements(p.message->'notify_event') WITH ORDINALITY x(e, n) ORDER BY n
		ON CONFLICT DO NOTHING;
	IF verdict <> 'none' THEN PERFORM casesync_internal.record_outcome(p.lane, p.message_id, verdict, 0, http, NULL, NULL, 'test'); END IF;
	RETURN QUERY SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}',
		coalesce(e #>> '{data,reg_records,employment_status}', e #>> '{data,reg_records,additional_attributes,0}', e #>> '{data,reg_records}'),
		p.meta->'items'->(x.n::integer - 1)->>'seq', p.meta->'items'->(x.n::integer - 1)->>'prev_seq',
		(SELECT dense_rank FROM (SELECT s.reference_id, dense_rank() OVER (ORDER BY s.n) FROM app.seen s) r WHERE r.reference_id = e->>'reference_id')::integer
	  FROM jsonb_array_elements(p.message->'notify_event') WITH ORDINALITY x(e, n) ORDER BY x.n;
END
$$;
CREATE FUNCTION app.stop() RETURNS boolean LANGUAGE sql AS $$ SELECT count(*) > 0 FROM casesync.stop_sharing('test', 'ess.test') $$;
CREATE FUNCTION app.resume() RETURNS bigint LANGUAGE sql AS $$ SELECT casesync.resume_sharing('ess.test') $$;
CREATE FUNCTION app.version(VARIADIC more text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	PERFORM casesync.set_agreement('OUT', 'ess.test', fields => '{employment_status}'::text[] || more);
	RETURN casesync.activate('OUT'); END $$;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 9) i;
SELECT * FROM app.route();
SELECT count(*) FROM app.take();

-- the answer is lost, sharing is stopped and resumed: the same item
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT app.stop();
SELECT app.resume();
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();

-- the partner was busy, and meanwhile something changed: the same item says it
UPDATE app.person SET status = '3' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take('suspect', 503);
SELECT app.stop();
UPDATE app.person SET status = '4' WHERE id = 1;
SELECT * FROM app.route();
SELECT app.resume();
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();
-- both are on record as given
SELECT outcome, count(*) FROM casesync_internal.disclosure WHERE reference_id::text = (SELECT reference_id FROM app.seen ORDER BY n DESC LIMIT 1) GROUP BY 1 ORDER BY 1;

-- the answer was lost, and something changed: likewise, and who had it takes the other record for a newer one
UPDATE app.person SET status = '5' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT app.stop();
UPDATE app.person SET status = '6' WHERE id = 1;
SELECT * FROM app.route();
SELECT app.resume();
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();

-- a new version that lets pass the same, and more: at once again, the same item; then what is new
UPDATE app.person SET status = '9', secret = 'x' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT app.version('phone_number');
SELECT * FROM app.take('retry');
UPDATE app.person SET status = '9a' WHERE id = 3;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();
-- one that lets pass less: the same items with less; no greater number goes before them
UPDATE app.person SET status = '10' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take('suspect', 503);
UPDATE app.person SET status = '11' WHERE id = 3;
SELECT * FROM app.route();
SELECT app.version();
SELECT * FROM app.take();
UPDATE app.person SET status = '11' WHERE id = 4;
SELECT * FROM app.take();
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();

-- who leaves: the item says that
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only');
SELECT casesync.activate('OUT');
UPDATE app.person SET status = '12' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take();
UPDATE app.person SET status = '13' WHERE id IN (1, 2);
SELECT * FROM app.route();
SELECT * FROM app.take('suspect', 503);
UPDATE app.person SET shared = false WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();
UPDATE app.person SET shared = true WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();

-- several states of one subject, tried together: the last says it, once, and what comes later passes over the others
UPDATE app.person SET status = '14' WHERE id = 5;
SELECT * FROM app.route();
UPDATE app.person SET status = '15' WHERE id = 5;
SELECT * FROM app.route();
SELECT * FROM app.take('suspect', 503);
SELECT app.stop();
SELECT app.resume();
SELECT * FROM app.route();
SELECT * FROM app.take();

UPDATE app.person SET status = '15a' WHERE id = 5;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();

-- under way when it is withheld and told again: what comes of it says nothing of what it says now
UPDATE app.person SET status = '16' WHERE id IN (6, 7);
SELECT * FROM app.route();
SELECT * FROM app.take('none');
SELECT lane AS l, message_id AS m FROM casesync_internal.lane_state WHERE message_id IS NOT NULL \gset
SELECT casesync_internal.sharing_release(:l);
SELECT app.stop();
UPDATE app.person SET status = '17' WHERE id = 6;
SELECT app.resume();
SELECT * FROM app.route();
SELECT casesync_internal.record_outcome(:l, :'m', 'delivered', 0, 200, 'ACK', NULL, NULL);
SELECT * FROM app.take();
SELECT * FROM app.take();

-- it arrives while it is withheld: nothing of it is told again, but what else has changed
UPDATE app.person SET status = '17a' WHERE id IN (6, 7);
SELECT * FROM app.route();
SELECT count(*) FROM app.take('none');
SELECT lane AS l, message_id AS m FROM casesync_internal.lane_state WHERE message_id IS NOT NULL \gset
SELECT casesync_internal.sharing_release(:l);
SELECT app.stop();
SELECT casesync_internal.record_outcome(:l, :'m', 'delivered', 0, 200, 'ACK', NULL, NULL);
UPDATE app.person SET status = '17b' WHERE id = 6;
SELECT app.resume();
SELECT * FROM app.route();
SELECT who, says FROM app.take();
SELECT * FROM app.take();

-- the partner knows by another subscription what the subject is now: the item is told all the same
UPDATE app.person SET status = '18' WHERE id = 8;
SELECT * FROM app.route();
SELECT * FROM app.take('suspect', 503);
SELECT app.stop();
UPDATE casesync_internal.told t SET hmac = n.hmac FROM casesync_internal.notification n WHERE n.key = '8' AND t.key = '8' AND n.record->>'employment_status' = '18';
SELECT app.resume();
SELECT * FROM app.route();
SELECT * FROM app.take();

-- every number was used, each by one item; all were told but the one that another went before
SELECT count(*) AS numbers, max(seq), count(DISTINCT seq), count(*) FILTER (WHERE state <> 'delivered') AS open FROM casesync_internal.notification WHERE seq IS NOT NULL;
SELECT count(*) FROM casesync_internal.open_number;
-- a removal that was given up can be tried again
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
UPDATE app.person SET shared = true, status = '19' WHERE id = 9;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take();
UPDATE app.person SET shared = false WHERE id = 9;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take('refused');
SELECT casesync.retry(reference_id) ~ 'again' AS tried_again FROM casesync.dead_letter;
SELECT who, says FROM app.take();

-- what waits for another subscription, and is older, is not told after it: it says what is so as well
SELECT casesync.set_agreement('OUT', 'ess.test', event_types => '{enrolment,enrolment_status_change}') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change') IS NULL AS tracked;
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member') IS NOT NULL AS subscribed;
UPDATE app.person SET shared = true, status = '20' WHERE id = 9;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take('suspect', 503);
DELETE FROM app.person WHERE id = 9;
INSERT INTO app.person VALUES (9, 'U9', '21');
SELECT count(*) FROM app.route();
SELECT cardinality(casesync_internal.withhold(ARRAY(SELECT reference_id FROM casesync_internal.notification WHERE key = '9' AND state = 'due' AND seq IS NOT NULL), 'test'));
UPDATE app.person SET status = '22' WHERE id = 9;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take();
SELECT who, says FROM app.take();
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take();

-- what is thrown away as old does not begin anew: the item keeps its name and number, and not what it said
UPDATE app.person SET status = '23' WHERE id = 9;
SELECT count(*) FROM app.route();
SELECT * FROM app.take('retry');
SELECT app.stop();
SELECT casesync.prune('0 s') IS NOT NULL AS pruned;
SELECT state, seq, record FROM casesync_internal.notification WHERE key = '9' AND state = 'withheld';
SELECT app.resume();
SELECT count(*) FROM app.route();
SELECT * FROM app.take();

-- a new version that is about other subjects: what was tried is not sent again as it was, which that may not be about
UPDATE app.person SET status = '24' WHERE id = 9;
SELECT count(*) FROM app.route();
SELECT * FROM app.take('retry');
SELECT casesync.set_agreement('OUT', 'ess.test', subjects => 'shared AND district IS NULL') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
UPDATE app.person SET status = '25' WHERE id = 9;
SELECT * FROM app.take();
SELECT count(*) FROM app.route();
SELECT * FROM app.take();

-- a dead letter is tried again while the same waits to be told anew: it is told once, by the dead letter
UPDATE app.person SET status = '26' WHERE id = 8;
SELECT count(*) FROM app.route();
SELECT who, says, seq FROM app.take('refused');
UPDATE app.person SET secret = 'y' WHERE id = 8;
SELECT * FROM app.route();
SELECT casesync.retry(reference_id) FROM casesync.dead_letter;
SELECT notifications FROM app.route();
SELECT who, says, seq FROM app.take();
SELECT who, says, seq FROM app.take();
SELECT state, seq IS NOT NULL AS numbered, state_reason FROM casesync_internal.notification WHERE key = '8' AND record->>'employment_status' = '26' ORDER BY id;

-- a refused removal is tried again, and all that seems newer was withheld for it: it is told, for the partner has the subject still
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only', subjects => 'shared') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
UPDATE app.person SET status = '27' WHERE id = 8;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take();
UPDATE app.person SET status = '28' WHERE id = 8;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take('suspect', 503);
UPDATE app.person SET status = '29' WHERE id = 8;
SELECT count(*) FROM app.route();
UPDATE app.person SET shared = false WHERE id = 8;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take('refused');
SELECT casesync.retry(reference_id) FROM casesync.dead_letter;
SELECT count(*) FROM app.route();
SELECT who, says FROM app.take();
SELECT count(*) FROM casesync_internal.told WHERE key = '8';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
