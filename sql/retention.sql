-- What is settled is forgotten by itself once it is older than the node keeps it, some pages at a time; what somebody still needs never is.
CREATE EXTENSION casesync;
\i test/scene/try.sql
SELECT app.try($$SELECT casesync.set_retention(keep_inbox => '30 days')$$);
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
-- the settings: shown, bounded, disclosures longest
SELECT keep_delivered, keep_inbox, keep_attempts, keep_disclosures FROM casesync.this_node;
SELECT casesync.set_retention(keep_delivered => '20 days', keep_attempts => '10 days');
SELECT casesync.set_retention(keep_inbox => '30 days');
SELECT keep_delivered, keep_inbox, keep_attempts, keep_disclosures FROM casesync.this_node;
SELECT detail FROM casesync.audit WHERE what = 'set_retention' ORDER BY at;
SELECT app.try($$SELECT casesync.set_retention(keep_delivered => '1 hour')$$);
SELECT app.try($$SELECT casesync.set_retention(keep_attempts => '-1 day')$$);
SELECT app.try($$SELECT casesync.set_retention(keep_inbox => '101 years')$$);
SELECT app.try($$SELECT casesync.set_retention(keep_disclosures => '300 days')$$);
SELECT app.try($$SELECT casesync.set_retention(keep_inbox => '3 years', keep_disclosures => '2 years')$$);
SELECT casesync.set_retention(keep_disclosures => '2 years');

-- all walks that are to be made now, each step as the bridge asks for it: how many, and how much the largest forgot
CREATE FUNCTION app.prune(OUT steps integer, OUT forgotten bigint, OUT most bigint) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	steps := 0; forgotten := 0; most := 0;
	UPDATE casesync_internal.prune_mark SET next_at = now();
	LOOP
		SELECT * INTO r FROM casesync_internal.prune_step();
		steps := steps + 1; forgotten := forgotten + r.rows; most := greatest(most, r.rows);
		EXIT WHEN NOT r.more;
		ASSERT steps < 10000;
	END LOOP;
END
$$;
CREATE FUNCTION app.older(by interval) RETURNS void LANGUAGE sql AS $$
	UPDATE casesync_internal.notification SET at = at - by;
	UPDATE casesync_internal.event SET at = at - by;
	UPDATE casesync_internal.attempt SET ended_at = ended_at - by;
	UPDATE casesync_internal.outgoing SET created_at = created_at - by;
$$;
CREATE VIEW app.kept AS SELECT (SELECT string_agg(key || ' ' || state, ', ' ORDER BY key, id) FROM casesync_internal.notification) AS items,
	(SELECT count(*) FROM casesync_internal.event) AS events, (SELECT count(*) FROM casesync_internal.attempt) AS attempts,
	(SELECT count(*) FROM casesync_internal.disclosure) AS disclosures;

-- of five subjects: told; told long ago; refused; tried and withheld; waiting
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') IS NOT NULL AS subscribed;
SELECT count(*) > 0 AS answered FROM app.send('ess.test', kind => 'control');
INSERT INTO app.person SELECT i, 'U' || i, '1' FROM generate_series(1, 2) i;
SELECT * FROM app.route();
SELECT count(*) FROM app.send('ess.test');
INSERT INTO app.person VALUES (3, 'U3', '1');
SELECT * FROM app.route();
SELECT count(*) > 0 AS refused FROM app.send('ess.test', 'refused');
INSERT INTO app.person VALUES (4, 'U4', '1');
SELECT * FROM app.route();
SELECT lane AS l, message_id AS m FROM casesync_internal.lane x, casesync_internal.take(x.lane) WHERE kind = 'notify' \gset
SELECT casesync_internal.record_outcome(:l, :'m', 'retry', 0, NULL, NULL, NULL, NULL);
UPDATE app.person SET shared = false WHERE id = 4;
INSERT INTO app.person VALUES (5, 'U5', '1');
SELECT * FROM app.route();
SELECT * FROM app.kept;
SELECT steps > 15 AS each_part_once, forgotten FROM app.prune();
-- a walk that was made is not made again at once
SELECT * FROM casesync_internal.prune_step();
SELECT app.older('15 days');
SELECT forgotten FROM app.prune();
SELECT * FROM app.kept;
SELECT app.older('30 days');
UPDATE casesync_internal.notification SET at = now() WHERE key = '1';
SELECT forgotten FROM app.prune();
SELECT * FROM app.kept;
SELECT key, state, record IS NOT NULL AS has_record FROM casesync_internal.notification ORDER BY key;
-- the number that was withheld is told in the end, by the item itself, and what waits is sent
UPDATE app.person SET shared = true, status = '2' WHERE id = 4;
SELECT * FROM app.route();
SELECT jsonb_path_query_array(m.meta::jsonb, '$.items[*].seq') AS seq, jsonb_path_query_array(m.meta::jsonb, '$.items[*].prev_seq') AS prev_seq, jsonb_array_length(m.message::jsonb->'notify_event') AS told
  FROM app.send('ess.test') m;
SELECT reason, casesync.retry(reference_id) FROM casesync.dead_letter;
SELECT * FROM app.route();
SELECT count(*) FROM app.send('ess.test');
SELECT * FROM app.kept;

-- disclosures: by nobody within their time, and by themselves after it
SELECT app.try($$DELETE FROM casesync_internal.disclosure$$);
ALTER TABLE casesync_internal.disclosure DISABLE TRIGGER append_only;
UPDATE casesync_internal.disclosure SET at = at - interval '23 months' WHERE key = '1';
UPDATE casesync_internal.disclosure SET at = at - interval '25 months' WHERE key = '2';
ALTER TABLE casesync_internal.disclosure ENABLE TRIGGER append_only;
SELECT app.prune() IS NOT NULL;
SELECT key, count(*) FROM casesync_internal.disclosure WHERE key IN ('1', '2') GROUP BY 1;
-- an item that is tried again after its disclosure has gone is on record anew
UPDATE app.person SET status = '9' WHERE id = 1;
SELECT * FROM app.route();
SELECT message_id AS m FROM casesync_internal.take(:l) \gset
SELECT casesync_internal.record_outcome(:l, :'m', 'retry', 0, NULL, NULL, NULL, NULL);
ALTER TABLE casesync_internal.disclosure DISABLE TRIGGER append_only;
UPDATE casesync_internal.disclosure SET at = at - interval '25 months';
ALTER TABLE casesync_internal.disclosure ENABLE TRIGGER append_only;
SELECT app.prune() IS NOT NULL;
SELECT count(*) FROM casesync_internal.disclosure;
SELECT count(*) FROM app.send('ess.test');
SELECT key, outcome FROM casesync_internal.disclosure ORDER BY id;

-- a backlog goes in many steps, each of which forgets little; a leaf of which nothing is left gives its pages back
SELECT casesync_internal.rotate_notifications();
INSERT INTO casesync_internal.notification_0 (lane, subscription, event, registry, key, event_type, removal, record, agreement, agreement_version, at, state)
	SELECT :l, 1, gen_random_uuid(), 'people', 'old ' || i, 'enrolment_status_change', false, '{}', 'OUT', 1, now() - interval '21 days', 'delivered'
	  FROM generate_series(1, 20000) i;
INSERT INTO casesync_internal.event (id, registry, key, event_type, at, removal)
	SELECT event, registry, key, event_type, at, false FROM casesync_internal.notification_0 WHERE key ~ 'old';
INSERT INTO casesync_internal.attempt (lane, message_id, started_at, ended_at, items, verdict)
	SELECT :l, gen_random_uuid(), now(), now() - interval '11 days', 1, 'delivered' FROM generate_series(1, 20000);
SELECT steps > 30 AS many_steps, forgotten >= 60000 AS all_of_it, most BETWEEN 1000 AND 10000 AS not_at_once FROM app.prune();
SELECT count(*) FROM casesync_internal.notification WHERE key ~ 'old';
UPDATE casesync_internal.notification_0 SET at = at - interval '30 days' WHERE state = 'delivered';
SELECT app.prune() IS NOT NULL;
SELECT pg_relation_size('casesync_internal.notification_0') AS bytes;
-- what a person's open transaction holds is left for later: see test/isolation/specs/retention.spec

-- what was received: content goes, who it was about and that it came stay; what a person may still decide about stays whole
INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, record, agreement, agreement_version, mode, received_at, state)
	SELECT 'ess.test', 'm' || i, 1, '', x.event_type, 'Member', '{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "U1"}], "employment_status": "1"}', 'IN', 1, 'auto',
		now() - x.age::interval, x.state
	  FROM (VALUES (1, 'enrolment', 'applied', '31 days'), (2, 'enrolment', 'applied', '29 days'), (3, 'enrolment', 'review', '31 days'), (4, 'enrolment', 'failed', '31 days'),
		(5, 'referral', 'applied', '31 days'), (6, 'referral', 'applied', '370 days'), (7, 'enrolment', 'applied', '31 days')) x(i, event_type, state, age);
INSERT INTO casesync_internal.conflict (registry, key, field, partner, item, why, state, about, at)
	SELECT 'people', '1', 'employment_status', 'ess.test', id, 'test', 'open', 'a', now() - interval '31 days' FROM casesync_internal.inbox_item WHERE message_id = 'm7'
	UNION ALL SELECT 'people', '2', 'employment_status', 'ess.test', 0, 'test', 'settled', 'b', now() - interval '31 days';
INSERT INTO casesync_internal.message_in (partner, message_id, content_hash, raw, action, ack_status, correlation_id, at)
	SELECT 'ess.test', i.message_id, '', 'bytes', 'notify', 'ACK', 'c', i.received_at FROM casesync_internal.inbox_item i;
SELECT app.prune() IS NOT NULL;
SELECT event_type, state, left(message_id, 4) AS message_id, pruned_at IS NOT NULL AS pruned, record ? 'employment_status' AS has_content,
	(SELECT m.raw <> '' FROM casesync_internal.message_in m WHERE m.partner = i.partner AND m.message_id = i.message_id) AS has_bytes FROM casesync_internal.inbox_item i ORDER BY id;
SELECT key, state FROM casesync_internal.conflict;
-- that it came is known as long as there is a row
SELECT count(*) FROM casesync_internal.message_known('ess.test', 'm1') k WHERE k.partner IS NOT NULL;
-- how much room it takes, looked at once an hour, and said where it is much
SELECT count(*) AS looks FROM (SELECT DISTINCT at FROM casesync_internal.size_sample) s;
SELECT what, bytes > 0 AS some FROM casesync.sizes ORDER BY what COLLATE "C";
SELECT sum(bytes) FILTER (WHERE what <> 'the whole database') < sum(bytes) FILTER (WHERE what = 'the whole database') AS less FROM casesync.sizes;
SELECT count(*) FROM casesync.health WHERE problem ~ 'own tables have';
DELETE FROM casesync_internal.size_sample;
INSERT INTO casesync_internal.size_sample (at, what, bytes) SELECT now() - h.ago, w.what, w.before + (25 - extract(hour FROM h.ago)) / 24 * w.grown
  FROM (VALUES (interval '24 hours'), ('12 hours'), ('1 hour')) h(ago),
	(VALUES ('what is sent', 2e9, 5e9), ('disclosures', 3e9, 0), ('others', 1e6, 0), ('the whole database', 18e9, 5e9)) w(what, before, grown);
SELECT what, pg_size_pretty(bytes) AS bytes, pg_size_pretty(grown) AS grown FROM casesync.sizes ORDER BY bytes;
SELECT severity, regexp_replace(problem, 'since [-0-9: ]+,', 'since …,') AS problem, mend FROM casesync.health WHERE problem ~ 'own tables have';
UPDATE casesync_internal.size_sample SET bytes = bytes - 8e9 WHERE what = 'the whole database';
UPDATE casesync_internal.size_sample SET bytes = 7e9 WHERE what = 'what is sent';
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'own tables have';
UPDATE casesync_internal.size_sample SET at = at - interval '9 days';
SELECT app.prune() IS NOT NULL;
SELECT count(*) AS looks, bool_and(grown IS NULL) AS not_known_yet FROM casesync.sizes WHERE what = 'disclosures';
SELECT count(DISTINCT at) AS looks FROM casesync_internal.size_sample;
-- nothing of a copy is thrown away
SELECT casesync.start_as_copy();
SELECT app.older('300 days');
SELECT * FROM app.prune();
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
