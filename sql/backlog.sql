-- A partner that does not answer may have so much waiting and no more: beyond that only the newest state of a subject is kept for it, which it is told, with what was left out.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT app.try($$SELECT casesync.set_quota('ess.test', backlog => 0)$$);
SELECT max_backlog FROM casesync.partners;
SELECT casesync.set_quota('ess.test', backlog => 20);
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only') IS NOT NULL AS written;
SELECT casesync.activate('OUT') IS NOT NULL AS in_force;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
-- one message and what comes of it: of each item who it is about, what it says, its numbers, what was left out before it
CREATE TABLE app.seen (reference_id text PRIMARY KEY, says text);
CREATE FUNCTION app.take(verdict text DEFAULT 'delivered') RETURNS TABLE (who text, says text, seq text, prev text, left_out text) LANGUAGE plpgsql AS $$
DECLARE
	p record;
BEGIN
	SELECT l.lane, t.message_id, t.message::jsonb AS message, t.meta::jsonb AS meta INTO p
	  FROM casesync_internal.lane l, casesync_internal.take(l.lane, begins_within => 100) t WHERE l.kind = 'notify';
	IF NOT FOUND THEN RETURN; END IF;
	PERFORM casesync_internal.record_outcome(p.lane, p.message_id, verdict, 0, NULL, NULL, NULL, 'test', true);
	RETURN QUERY SELECT e #>> '{data,reg_records,member_identifier,0,identifier_value}',
		coalesce(e #>> '{data,reg_records,employment_status}', 'left'), m->>'seq', m->>'prev_seq', m->>'left_out'
	  FROM jsonb_array_elements(p.message->'notify_event') WITH ORDINALITY x(e, n)
	  JOIN jsonb_array_elements(p.meta->'items') WITH ORDINALITY y(m, n) USING (n) ORDER BY n;
END
$$;
-- what the bridge does each minute, ten minutes later
CREATE FUNCTION app.upkeep(OUT steps integer) LANGUAGE plpgsql AS $$
DECLARE
	more boolean := true;
BEGIN
	steps := 0;
	UPDATE casesync_internal.backlog SET looked_at = now() - interval '11 minutes';
	UPDATE casesync_internal.prune_mark SET next_at = CASE part WHEN 'backlog' THEN now() ELSE 'infinity' END;
	WHILE more LOOP
		SELECT p.more INTO more FROM casesync_internal.prune_step() p;
		steps := steps + 1;
		ASSERT steps < 1000;
	END LOOP;
END
$$;
CREATE VIEW app.due AS SELECT key, string_agg(coalesce(record->>'employment_status', 'left') || coalesce('#' || seq, ''), ' ' ORDER BY id) AS states
	FROM casesync_internal.notification WHERE state = 'due' GROUP BY key ORDER BY key::integer;
CREATE VIEW app.marks AS SELECT key, items, is_waiting FROM casesync_internal.compacted ORDER BY key::integer;
CREATE VIEW app.health AS SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'left out';

-- a partner that is slow, and answers, has as much waiting as there is
SELECT app.upkeep() > 0 AS asked;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 5) i;
INSERT INTO app.person SELECT 100 + i, 'U' || 100 + i, '1' FROM generate_series(1, 25) i;
SELECT * FROM app.route();
SELECT app.upkeep() > 0 AS asked;
SELECT count(*) FROM app.take();
SELECT count(*) FROM app.take();
-- one that does not: what was tried stays as it is
UPDATE app.person SET status = '2' WHERE id <= 2;
SELECT * FROM app.route();
SELECT * FROM app.take('retry');
SELECT count(*) FROM app.take('retry') UNION ALL SELECT count(*) FROM app.take('retry');
UPDATE app.person SET status = '3' WHERE id <= 5;
SELECT * FROM app.route();
UPDATE app.person SET status = '4' WHERE id <= 5;
SELECT * FROM app.route();
SELECT app.upkeep() > 0 AS asked;
-- not too many yet
SELECT * FROM app.due;
SELECT * FROM app.marks;
UPDATE app.person SET status = '5' WHERE id <= 3;
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(6, 11) i;
SELECT * FROM app.route();
SELECT app.upkeep() > 0 AS asked;
-- the oldest were left out, one of each subject waits
SELECT * FROM app.due;
SELECT * FROM app.marks;
SELECT * FROM app.health;
-- very few may wait: the rest is one mark a subject, and no record is kept for it
SELECT casesync.set_quota('ess.test', backlog => 1) IS NOT NULL AS less;
UPDATE app.person SET shared = false WHERE id = 101;
SELECT * FROM app.route();
UPDATE app.person SET shared = false WHERE id = 4;
UPDATE app.person SET status = '6' WHERE id = 5;
UPDATE app.person SET status = '7' WHERE id = 5;
SELECT * FROM app.route();
SELECT app.upkeep() > 0 AS asked;
SELECT * FROM app.due;
SELECT * FROM app.marks;
SELECT * FROM app.health;
SELECT kind, due, compacted FROM casesync.queue WHERE kind = 'notify';
-- nothing of it is looked at as long as the partner does not answer
SELECT count(*) FROM casesync_internal.look_again_entry;
SELECT * FROM app.take('retry');
-- meanwhile: one changes again and waits as ever; one goes back to what the partner knows; one is erased; one comes back
SELECT casesync.set_quota('ess.test', backlog => 20) IS NOT NULL AS more;
UPDATE app.person SET status = '8' WHERE id = 6;
UPDATE app.person SET status = '1' WHERE id = 3;
SELECT count(*) > 0 AS erased FROM casesync.erase('people', '11', 'asked for');
SELECT * FROM app.route();
SELECT * FROM app.due;
-- it answers: what was tried under its number, then what waits, then the newest of each subject once, without a hole
SELECT * FROM app.take();
SELECT * FROM app.take();
SELECT app.upkeep() > 0 AS asked;
SELECT count(*) FROM casesync_internal.look_again_entry;
SELECT * FROM app.route();
SELECT * FROM app.take();
SELECT * FROM app.take();
SELECT key, items, is_waiting FROM app.marks;
-- what is to be told next says nothing of it any more
UPDATE app.person SET status = '9' WHERE id = 1;
SELECT * FROM app.route();
SELECT * FROM app.take();
UPDATE casesync_internal.compacted SET at = at - interval '2 days';
SELECT app.upkeep() > 0 AS asked;
SELECT * FROM app.marks;
SELECT * FROM app.health;
-- many: in some steps, and each is told once
SELECT casesync.set_quota('ess.test', backlog => 1000) IS NOT NULL AS less;
UPDATE app.person SET status = '10' WHERE id = 1;
SELECT * FROM app.route();
SELECT count(*) FROM app.take('retry') UNION ALL SELECT count(*) FROM app.take('retry') UNION ALL SELECT count(*) FROM app.take('retry');
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1001, 4500) i;
SELECT notifications FROM app.route();
SELECT app.upkeep() BETWEEN 3 AND 10 AS a_few_steps;
SELECT count(*) FILTER (WHERE state = 'due') AS due, (SELECT count(*) FROM casesync_internal.compacted WHERE is_waiting) AS compacted FROM casesync_internal.notification;
SELECT count(*) FROM app.send('ess.test');
SELECT app.upkeep() > 3 AS a_few_steps;
SELECT notifications FROM app.route();
SELECT sum((SELECT count(*) FROM jsonb_array_elements(m.meta::jsonb->'items') i WHERE i ? 'left_out')) FROM app.send('ess.test') m;
SELECT count(*) AS told FROM casesync_internal.told WHERE key::integer > 1000 AND hmac IS NOT NULL;
SELECT count(*) FROM casesync_internal.compacted;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
