-- Subscriptions to filters: who comes in, who stays, who leaves; each is told what is news to it.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
CREATE FUNCTION app.predicate(name text, value text, operator text DEFAULT 'eq') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_build_object('expression1', jsonb_build_object('attribute_name', $1, 'operator', $3, 'attribute_value', $2))) $$;
CREATE FUNCTION app.want(reference text, filter jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', $2, reference_id => $1);
	SELECT s.state FROM casesync.subscriptions s JOIN casesync_internal.subscription t USING (code) WHERE t.reference_id = $1 $$;
-- routes; what each subscription is told since the last look
CREATE TABLE app.seen (id bigint);
CREATE FUNCTION app.told() RETURNS TABLE (subscription text, key text, says text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casesync_internal.route();
	RETURN QUERY SELECT s.reference_id, n.key, n.record->>'employment_status' FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription
		WHERE n.id > coalesce((SELECT max(id) FROM app.seen), 0) AND n.state <> 'withheld' ORDER BY n.key, s.reference_id, n.id;
	INSERT INTO app.seen SELECT max(n.id) FROM casesync_internal.notification n;
END
$$;
CREATE VIEW app.inside AS SELECT s.reference_id, i.key, i.hmac IS NOT NULL AS known FROM casesync_internal.filter_inside i JOIN casesync_internal.subscription s ON s.id = i.subscription ORDER BY 1, 2;

-- by an attribute of the record: tells_who_comes_in, who stays and changed; tells_who_leaves_once_more, and not again
SELECT app.want('worker', app.predicate('employment_status', '1'));
INSERT INTO app.person VALUES (1, 'U1', '1', true, 'north', 's1'), (2, 'U2', '2', true, 'north', 's2');
SELECT * FROM app.told();
SELECT * FROM app.inside;
-- nothing that is shared changed: nothing is told
UPDATE app.person SET secret = 's3' WHERE id = 1;
SELECT * FROM app.told();
UPDATE app.person SET status = '3' WHERE id = 1;
SELECT * FROM app.told();
SELECT * FROM app.inside;
UPDATE app.person SET status = '4' WHERE id = 1;
SELECT * FROM app.told();
-- tells_who_comes_back
UPDATE app.person SET status = '1';
SELECT * FROM app.told();
SELECT * FROM app.inside;

-- by an agreed column that is not in the record
SELECT app.want('south', app.predicate('district', 'south'));
UPDATE app.person SET district = 'south' WHERE id = 1;
-- the partner knows this record already; the subscription does not
SELECT * FROM app.told();
-- left without a change of the record: nothing to say, and later changes are none of its business
UPDATE app.person SET district = 'north' WHERE id = 1;
SELECT * FROM app.told();
SELECT * FROM app.inside;
UPDATE app.person SET status = '5' WHERE id = 1;
SELECT * FROM app.told();
-- left together with a change of the record
UPDATE app.person SET district = 'south' WHERE id = 2;
SELECT * FROM app.told();
UPDATE app.person SET district = 'north', status = '6' WHERE id = 2;
SELECT * FROM app.told();
SELECT * FROM app.inside;

-- learns_nothing_of_what_is_not_agreed: neither a field nor a column that is withheld, nor one that does not exist, also under not
SELECT app.want('phone', app.predicate('phone_number', 's3')), app.want('secret', app.predicate('secret', 's3')), app.want('none', app.predicate('no_such', 's3')),
	app.want('not', '{"type": "x", "value": {"expression": {"query": {"$not": {"secret": {"$eq": "zzz"}}}}}}');
UPDATE app.person SET status = '7';
SELECT * FROM app.told();
UPDATE app.person SET status = '8', secret = 'zzz';
SELECT * FROM app.told();
SELECT count(casesync.unsubscribe(app.code(r))) FROM unnest(ARRAY['phone', 'secret', 'none', 'not']) r;

-- beside a subscription to everybody and one to a person: each gets its own, once
SELECT app.want('all', NULL), app.want('one', '{"type": "UIN", "value": "U1"}');
UPDATE app.person SET status = '1';
SELECT * FROM app.told();
UPDATE app.person SET status = '2';
SELECT * FROM app.told();
UPDATE app.person SET status = '3';
SELECT * FROM app.told();
-- another event type of the same change
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', event_types => '{enrolment,enrolment_status_change}')) s;
SELECT count(*) FROM (SELECT casesync.activate('OUT')) s;
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_update => 'enrolment', columns => '{status}')) s;
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member', app.predicate('employment_status', '1'), reference_id => 'enrol') <> '' AS subscribed;
UPDATE app.person SET status = '1' WHERE id = 1;
SELECT * FROM app.told();

-- what was not sent is told once more: withheld, refused by the partner
SELECT count(casesync.unsubscribe(app.code(r))) FROM unnest(ARRAY['all', 'one', 'enrol']) r;
SELECT count(casesync_internal.withhold(ARRAY[n.reference_id], 'a test')) FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE s.reference_id = 'worker' AND n.state = 'due';
SELECT * FROM app.inside;
UPDATE app.person SET secret = 'x' WHERE id = 1;
SELECT * FROM app.told();
-- what left, was told so, and did not arrive
UPDATE app.person SET status = '9' WHERE id = 1;
SELECT * FROM app.told();
SELECT * FROM app.inside WHERE reference_id = 'worker';
SELECT count(casesync_internal.withhold(ARRAY[n.reference_id], 'a test')) FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE s.reference_id = 'worker' AND n.state = 'due';
SELECT * FROM app.inside WHERE reference_id = 'worker';
UPDATE app.person SET secret = 'y' WHERE id = 1;
SELECT * FROM app.told();
UPDATE app.person SET secret = 'z' WHERE id = 1;
SELECT * FROM app.told();

-- leaving the agreement is told as the agreement says: silently, or by identifier
UPDATE app.person SET status = '1', district = 'north';
SELECT * FROM app.told();
UPDATE app.person SET shared = false WHERE id = 1;
SELECT * FROM app.told();
SELECT * FROM app.inside WHERE reference_id = 'worker';
SELECT count(*) FROM (SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only')) s;
SELECT count(*) FROM (SELECT casesync.activate('OUT')) s;
UPDATE app.person SET shared = true WHERE id = 1;
SELECT * FROM app.told();
SELECT count(p.message_id) FROM casesync_internal.take((SELECT lane FROM casesync_internal.lane WHERE partner = 'ess.test' AND kind = 'notify')) p;
UPDATE app.person SET shared = false WHERE id = 1;
SELECT * FROM app.told();
SELECT n.removal, n.record FROM casesync_internal.notification n WHERE n.removal;
SELECT * FROM app.inside WHERE reference_id = 'worker' AND key = '1';

-- a column that cannot be read: the subject waits in quarantine, others do not
SELECT count(casesync.unsubscribe(app.code(r))) FROM unnest(ARRAY['worker', 'south']) r;
SELECT count(*) FROM app.inside;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, CASE WHEN p.district = 'bad' THEN (1 / (p.id - p.id))::text ELSE p.district END AS district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status) AS record
	  FROM app.person p;
SELECT app.want('far', app.predicate('district', 'a', 'ge'));
UPDATE app.person SET shared = true, status = '2', district = CASE id WHEN 1 THEN 'bad' ELSE 'c' END;
SELECT * FROM app.told();
SELECT key, error_code FROM casesync.quarantine;
UPDATE app.person SET district = 'd' WHERE id = 1;
SELECT * FROM app.told();
SELECT count(*) FROM casesync.quarantine;

-- after a restore all is told again; a partner that is dropped leaves nothing behind
UPDATE casesync_internal.node SET paused = true;
SELECT count(*) FROM casesync.resume();
SELECT known, count(*) FROM app.inside GROUP BY known;
UPDATE app.person SET secret = 'w' WHERE id = 2;
SELECT * FROM app.told();
SELECT count(*) FROM (SELECT casesync.set_partner('new.test', 'https://new.test')) s;
INSERT INTO casesync_internal.subscription (partner, event_type, record_type, transaction_id, state) VALUES ('new.test', 'enrolment', 'Member', 't', 'active');
INSERT INTO casesync_internal.filter_inside SELECT 'people', '1', id FROM casesync_internal.subscription WHERE partner = 'new.test';
SELECT casesync.drop_partner('new.test');
SELECT count(*) FROM casesync_internal.filter_inside i WHERE NOT EXISTS (SELECT FROM casesync_internal.subscription s WHERE s.id = i.subscription);

-- who is inside when a subscription begins is not told, but told of when it leaves
SELECT count(casesync.unsubscribe(code)) FROM casesync_internal.subscription WHERE state = 'active';
UPDATE app.person SET status = '1', district = 'north';
SELECT * FROM app.told();
SELECT app.want('old', app.predicate('employment_status', '1')), app.want('hidden', app.predicate('phone_number', 's1'));
SELECT * FROM app.told();
SELECT * FROM app.inside;
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.told();
UPDATE app.person SET status = '3' WHERE id = 1;
SELECT * FROM app.told();
-- one that cannot be looked up begins all the same
ALTER TABLE app.person ADD odd integer DEFAULT 1;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district || (1 / p.odd)::text AS district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status) AS record
	  FROM app.person p;
UPDATE app.person SET odd = 0 WHERE id = 2;
SELECT app.want('odd', app.predicate('district', 'n', 'ge'));
SELECT count(*) FROM casesync_internal.route();
SELECT reference_id, is_seeded FROM casesync_internal.subscription WHERE reference_id IN ('old', 'odd') ORDER BY 1;

-- many subscriptions to persons: their number is of no account to a chunk of changes
INSERT INTO casesync_internal.subscription (partner, event_type, record_type, id_type, id_value, transaction_id, state)
SELECT 'ess.test', 'enrolment_status_change', 'Member', 'UIN', 'V' || i, 't', 'active' FROM generate_series(1, 20000) i;
ANALYZE casesync_internal.subscription;
CREATE FUNCTION app.plan(sql text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || sql LOOP
		RETURN QUERY SELECT (regexp_matches(line, '(?:Index|Seq|Bitmap).* on \w+'))[1];
	END LOOP;
END
$$;
SELECT DISTINCT p FROM app.plan($$SELECT t.id FROM casesync.record_identifiers('{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "V7"}]}') i
	JOIN casesync_internal.subscription t ON t.id_value = i.identifier_value AND t.partner = 'ess.test' AND t.event_type = 'enrolment_status_change' AND t.state = 'active' AND t.id_type IS NOT NULL$$) p;
SELECT DISTINCT p FROM app.plan($$SELECT s.id FROM casesync_internal.subscription s WHERE s.partner = 'ess.test' AND s.state = 'active' AND s.id_type IS NULL AND s.tree IS NOT NULL
	AND s.event_type = ANY ('{enrolment_status_change}')$$) p;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
