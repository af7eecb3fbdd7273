-- The inbox: apply functions, their answers and failures, order, people's decisions, echo; what is pruned.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
-- a partner tells us of one person
CREATE FUNCTION app.hear(uin text, status text, more jsonb DEFAULT '{}', hops jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT s.ack FROM app.say('notify', app.notify(app.event(gen_random_uuid()::text, app.record($1, $2, '{"secret": "s"}' || $3))),
		header => jsonb_build_object('meta', jsonb_build_object('items', jsonb_build_array(jsonb_build_object('hops', $4))))) s
$$;
CREATE FUNCTION app.apply_all() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	r record; n integer := 0;
BEGIN
	LOOP
		SELECT * INTO r FROM casesync_internal.apply_inbox();
		n := n + r.items;
		EXIT WHEN NOT r.more OR n > 50;
	END LOOP;
	RETURN n;
END
$$;
CREATE VIEW app.items AS SELECT id, record->>'employment_status' AS says, state, reason, error_code, tries FROM casesync.inbox ORDER BY id;

-- on_notify: what cannot be an apply function
CREATE FUNCTION app.wrong_argument(e text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = app AS 'SELECT ''applied''';
CREATE FUNCTION app.wrong_result(e casesync.inbound) RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = app AS 'SELECT 1';
CREATE FUNCTION app.invoker(e casesync.inbound) RETURNS text LANGUAGE sql SET search_path = app AS 'SELECT ''applied''';
CREATE FUNCTION app.pathless(e casesync.inbound) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ''applied''';
SELECT split_part(app.try(format('SELECT casesync.on_notify(%L, %L, %L)', 'Member', 'enrolment_status_change', f)), E'\n', 1) FROM unnest(ARRAY[
	'app.wrong_argument(text)', 'app.wrong_result(casesync.inbound)', 'app.invoker(casesync.inbound)', 'app.pathless(casesync.inbound)', 'app.nothing(casesync.inbound)', NULL]) f;
-- nobody applies yet: a person sees it
SELECT app.hear('U0', '1'), app.apply_all();
SELECT * FROM app.items;

-- the apply function of a role that is no superuser, on tables that only it may write
CREATE ROLE regress_inbox_owner;
CREATE ROLE regress_inbox_other;
SELECT casesync.grant_access(r, 'publisher') FROM unnest(ARRAY['regress_inbox_owner', 'regress_inbox_other']::regrole[]) r;
GRANT USAGE, CREATE ON SCHEMA app TO regress_inbox_owner, regress_inbox_other;
ALTER TABLE app.person OWNER TO regress_inbox_owner;
ALTER VIEW app.people OWNER TO regress_inbox_owner;
SET ROLE regress_inbox_owner;
CREATE TABLE app.allowed (status text PRIMARY KEY);
INSERT INTO app.allowed VALUES ('1'), ('2'), ('3'), ('4');
ALTER TABLE app.person ADD CONSTRAINT status_allowed FOREIGN KEY (status) REFERENCES app.allowed DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE app.seen (inbox_id bigint, event casesync.inbound, who name);
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
DECLARE
	says text := e.record->>'employment_status';
BEGIN
	INSERT INTO seen VALUES (e.inbox_id, e, current_user);
	CASE
		WHEN says = 'ignore' THEN RETURN 'ignored';
		WHEN says = 'review' THEN RETURN 'review: who is this?';
		WHEN says = 'garbage' THEN RETURN 'done';
		WHEN says = 'null' THEN RETURN NULL;
		WHEN says = 'divide' THEN RETURN 1 / (length(says) - 6);
		WHEN says = 'busy' THEN RAISE EXCEPTION USING errcode = 'serialization_failure', message = 'busy';
		ELSE NULL;
	END CASE;
	INSERT INTO person VALUES (substr(e.record #>> '{member_identifier,0,identifier_value}', 2)::integer, e.record #>> '{member_identifier,0,identifier_value}', says)
	ON CONFLICT (id) DO UPDATE SET status = excluded.status;
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
RESET ROLE;
SELECT * FROM casesync_internal.handler;
-- another publisher can neither replace it nor see it, nor register a function that is not its own
SET ROLE regress_inbox_other;
CREATE FUNCTION app.apply_other(e casesync.inbound) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = app AS 'SELECT ''applied''';
SELECT app.try($$SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply_other(casesync.inbound)')$$);
SELECT app.try($$SELECT casesync.on_notify('Group', 'enrolment', 'app.apply(casesync.inbound)')$$);
SELECT app.try('SELECT FROM casesync_internal.handler');
RESET ROLE;

-- every answer; what is not applied leaves no trace; only agreed fields are handed on
SELECT app.hear('U' || n, s) FROM (VALUES (1, '1'), (2, 'ignore'), (3, 'review'), (4, 'garbage'), (5, 'null'), (6, 'divide'), (7, 'not allowed')) v(n, s);
SELECT app.apply_all();
SELECT * FROM app.items WHERE id > 1;
SELECT id, uin, status FROM app.person ORDER BY id;
SELECT inbox_id, who, (event).partner, (event).event_type, (event).record_type, (event).record, (event).sent_at = '2026-01-01T08:00:00Z' AS sent FROM app.seen ORDER BY inbox_id;
SELECT severity, problem FROM casesync.health WHERE problem ~ 'items of' ORDER BY 2;
-- mended and tried again
INSERT INTO app.allowed VALUES ('not allowed');
SELECT casesync.retry_inbox(id) FROM app.items WHERE error_code = '23503';
SELECT app.apply_all();
SELECT says, state, reason, error_code FROM app.items WHERE says = 'not allowed';

-- a passing trouble: tried again, in order; others of the partner wait so long
SELECT app.hear('U8', 'busy'), app.hear('U8', '1'), app.hear('U9', '1');
SELECT items, more, wait_ms BETWEEN 0 AND 100 AS waits FROM casesync_internal.apply_inbox();
SELECT items, more FROM casesync_internal.apply_inbox();
SELECT says, state, reason, error_code, tries FROM app.items ORDER BY id DESC LIMIT 3;
UPDATE casesync_internal.inbox_item SET record = jsonb_set(record, '{employment_status}', '"2"'), next_try = clock_timestamp() WHERE error_code = '40001';
SELECT app.apply_all();
SELECT says, state, error_code, tries FROM app.items ORDER BY id DESC LIMIT 3;
SELECT id, status FROM app.person WHERE id IN (8, 9) ORDER BY id;

-- order per person: what is newer waits for a decision about what is older; other people do not wait
SELECT app.hear('U10', 'review'), app.hear('U10', '2'), app.hear('U11', '2');
SELECT app.apply_all();
SELECT id, status FROM app.person WHERE id IN (10, 11);
SELECT says, state FROM app.items ORDER BY id DESC LIMIT 3;
-- one that is accepted, and what waits, say for what
SELECT app.hear('U10', 'review');
SELECT app.apply_all();
UPDATE casesync_internal.inbox_item SET state = 'review' WHERE subject = 'UIN:U10' AND record->>'employment_status' = '2';
SELECT regexp_replace(casesync.accept(id), '\d+', 'N', 'g') FROM casesync_internal.inbox_item WHERE subject = 'UIN:U10' AND record->>'employment_status' = '2';
SELECT record->>'employment_status' AS says, state, regexp_replace(waits_for, '\d+', 'N', 'g') AS waits_for FROM casesync.inbox
 WHERE record->'member_identifier'->0->>'identifier_value' = 'U10' ORDER BY id;
DELETE FROM casesync_internal.inbox_item WHERE id = (SELECT max(id) FROM casesync_internal.inbox_item);
SELECT app.try($$SELECT casesync.reject(0, ' ')$$), app.try($$SELECT casesync.reject(NULL, NULL)$$);
SELECT casesync.reject(max(id), 'nobody of that name') FROM app.items WHERE state = 'review';
SELECT app.apply_all();
SELECT id, status FROM app.person WHERE id IN (10, 11);

-- deaths and other identifiers wait for a person, unless the agreement says otherwise
SELECT app.hear('U12', '1', '{"demographic_info": {"death_date": "2026-01-01"}}');
SELECT app.hear('U13', '1', '{"enrollment_status": "Deceased"}');
SELECT app.hear('U1', '2', '{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "U1"}, {"identifier_type": "PASSPORT", "identifier_value": "A1"}]}');
SELECT subject, mode, state, reason FROM casesync_internal.inbox_item ORDER BY id DESC LIMIT 3;
SELECT app.apply_all();
SELECT casesync.accept(id, 'seen the certificate') FROM casesync_internal.inbox_item WHERE subject = 'UIN:U12';
SELECT app.apply_all();
SELECT state, decided_by = session_user AS by_us, note FROM casesync.inbox WHERE record ? 'demographic_info';
SELECT app.try($$SELECT casesync.accept(max(id)) FROM casesync.inbox WHERE state = 'applied'$$);
SELECT app.try($$SELECT casesync.reject(0, 'x')$$);
SELECT count(*) FROM casesync.audit WHERE detail::text ~ 'certificate|nobody';
CREATE FUNCTION app.mode(apply_mode text, record jsonb, is_solicited boolean DEFAULT true, previous jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT casesync_internal.apply_mode_of(jsonb_populate_record((SELECT a FROM casesync_internal.agreement a WHERE agreement = 'IN'), jsonb_build_object('apply_mode', $1)), 'enrolment_status_change', $2, $3, $4) $$;
SELECT m, app.mode(m, '{"employment_status": "1"}') AS plain, app.mode(m, '{"demographic_info": {"death_date": "2026-01-01"}}') AS death,
	app.mode(m, '{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "2"}]}', true, '{"member_identifier": [{"identifier_type": "UIN", "identifier_value": "1"}]}') AS identifier,
	app.mode(m, '{"employment_status": "1"}', false) AS unsolicited
  FROM unnest(ARRAY['review', 'auto', 'observe', 'auto,death=auto', 'auto,identifier=auto', 'auto,death=auto,identifier=auto', 'auto,employment_status=review',
	'auto,enrolment_status_change=observe', 'auto,enrolment=review', 'review,death=auto', 'auto,death=observe']) m;
SELECT app.mode('auto,death=auto', '{"additional_attributes": [{"enrolment_status": "77"}]}') AS unknown_status,
	app.mode('auto,death=auto', '{"demographic_info": {"death_date": "soon"}}') AS unreadable_date;
-- wherever a death may stand and however it is written; what cannot be read is looked at too
SELECT casesync_internal.reports_death(r) AS death, app.mode('auto', r) AS mode, r FROM unnest(ARRAY[
	'{"enrollment_status": "1", "enrolment_status": "2"}', '{"enrollment_status": "2", "enrolment_status": "1"}', '{"enrollment_status": ["1", "2"]}', '{"enrollment_status": ["1", ["Deceased"]]}',
	'{"enrollment_status": {"code": "2"}}', '{"enrollment_status": "1", "member": {"enrollment_status": "2"}}', '{"additional_attributes": [{"key": "enrolment_status", "value": "1"}, {"key": "Enrolment Status", "value": ["2"]}]}',
	'{"dci:Enrollment_Status": "Deceased"}', '{"enrollmentStatus": 2}', '{"enrollement_status": "DECEASED"}', '{"enrollment_status": " dci:deceased "}', '{"programme_identifier": [{"enrolment_status": "1"}, {"enrolment_status": "2"}]}',
	'{"group_members": [{"member": {"enrollment_status": "1"}}, {"member": {"enrollment_status": "2"}}]}', '{"member": [{"demographic_info": {"death_date": "2026-01-01"}}]}', '{"demographic_info": {"Death-Date": ["2026-01-01"]}}',
	'{"x": {"y": [{"dateOfDeath": "2026"}]}}', '{"is_deceased": true}', '{"deceased": "yes"}', '{"deceased": "perhaps"}', '{"vital_status": "dead"}', '{"enrollment_status": true}', '{"enrollment_status": {"code": "1", "note": "gone"}}',
	'{"enrollment_status": ["1", "4"], "member": {"enrolment_status": "3"}}', '{"enrollment_status": null, "death_date": ""}', '{"deceased": false, "vital_status": "alive"}', '{"birth_date": "1980-01-01", "marital_status": "7", "status": "2"}', '{}']::jsonb[]) r;
-- a field that the agreement names is that field in any spelling and shape
SELECT app.mode('auto,member.demographic_info.birth_date=review', r) AS mode, r FROM unnest(ARRAY['{"member": {"demographic_info": {"birth_date": "2000-01-01"}}}', '{"member": [{"demographic_info": [{"birth_date": "2000-01-01"}]}]}',
	'{"dci:Member": {"demographicInfo": {"Birth-Date": "x"}}}', '{"group": {"member": {"demographic_info": {"birth_date": "x"}}}}', '{"member": {"demographic_info": [{"key": "birth_date", "value": "x"}]}}',
	'{"member": {"demographic_info": {"birth_date": null}}}', '{"demographic_info": {"birth_date": "x"}}', '{"member": {"birth_date": "x"}}']::jsonb[]) r;

-- the function changes under us
SET ROLE regress_inbox_owner;
ALTER FUNCTION app.apply(casesync.inbound) SECURITY INVOKER;
RESET ROLE;
SELECT app.hear('U14', '1'), app.apply_all();
SELECT says, state, reason, error_code FROM app.items ORDER BY id DESC LIMIT 1;
ALTER FUNCTION app.apply(casesync.inbound) SECURITY DEFINER;
SELECT casesync.retry_inbox(max(id)) FROM app.items;
SELECT app.apply_all();
SELECT says, state, reason, error_code FROM app.items WHERE id = (SELECT max(id) FROM app.items);
SELECT who FROM app.seen ORDER BY inbox_id DESC LIMIT 1;
ALTER FUNCTION app.apply(casesync.inbound) RENAME TO applied_before;
SELECT app.hear('U15', '1'), app.apply_all();
SELECT says, state, reason FROM app.items ORDER BY id DESC LIMIT 1;
ALTER FUNCTION app.applied_before(casesync.inbound) RENAME TO apply;
SELECT casesync.accept(max(id)) FROM app.items;
SELECT app.apply_all();
SELECT says, state, reason FROM app.items ORDER BY id DESC LIMIT 1;

-- echo: what a partner told us does not go back; a consequence does, with the way it came
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') <> '' AS subscribed;
SELECT sum(r.changes) > 0 AS routed FROM casesync_internal.route() r;
UPDATE casesync_internal.notification SET state = 'delivered';
SELECT app.hear('U20', '1'), app.apply_all();
SELECT changes, notifications FROM casesync_internal.route();
-- of the way only whom we know goes on, each once
SELECT casesync.set_partner('far.test', 'https://dci.far.test') <> '' AS known;
SELECT app.hear('U20', '2', hops => jsonb_build_array('far.test', '<script>', 'far.test', 7, '{}'::jsonb, 'sp.test', repeat('x', 60000), 'FAR.TEST', 'far.test ', 'ess.test'));
SELECT hops FROM casesync_internal.inbox_item ORDER BY id DESC LIMIT 1;
CREATE FUNCTION app.consequence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.uin = 'U20' AND NEW.status = '2' THEN NEW.status := '3'; END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER consequence BEFORE UPDATE ON app.person FOR EACH ROW EXECUTE FUNCTION app.consequence();
SELECT app.apply_all();
SELECT changes, notifications FROM casesync_internal.route();
SELECT record->>'employment_status' AS says, hops FROM casesync_internal.notification WHERE key = '20';
-- our own change of the same person goes out as ever
UPDATE app.person SET status = '4' WHERE id = 20;
SELECT changes, notifications FROM casesync_internal.route();
SELECT record->>'employment_status' AS says, hops FROM casesync_internal.notification WHERE key = '20' ORDER BY id DESC LIMIT 1;

-- prune and tidy: only what is settled and old
SELECT app.try($$SELECT casesync.prune(NULL)$$);
SELECT app.try($$SELECT casesync.prune('-1 day')$$);
SELECT * FROM casesync.prune();
SELECT app.hear('U21', 'review'), app.hear('U22', '1');
CREATE TABLE app.kept AS SELECT (SELECT count(*) FROM casesync.disclosed) AS disclosures, (SELECT count(*) FROM casesync_internal.notification WHERE state IN ('due', 'dead')) AS due,
	(SELECT count(*) FROM casesync.inbox WHERE state IN ('new', 'review', 'failed')) AS open, (SELECT count(*) FROM casesync.inbox) AS items, (SELECT count(*) FROM casesync_internal.message_in) AS messages;
SELECT what, rows > 0 AS some FROM casesync.prune('0');
SELECT (SELECT count(*) FROM casesync.disclosed) = k.disclosures AS disclosures, (SELECT count(*) FROM casesync_internal.notification WHERE state IN ('due', 'dead')) = k.due AS due,
	(SELECT count(*) FROM casesync_internal.inbox_item WHERE state IN ('new', 'review', 'failed') AND pruned_at IS NULL AND record ? 'employment_status') = k.open AS open,
	(SELECT count(*) FROM casesync.inbox) = k.items AS items, (SELECT count(*) FROM casesync_internal.message_in) = k.messages AS messages FROM app.kept k;
SELECT count(*) FROM casesync_internal.notification WHERE state NOT IN ('due', 'dead');
SELECT count(*) AS events_without FROM casesync_internal.event e WHERE NOT EXISTS (SELECT FROM casesync_internal.notification n WHERE n.event = e.id);
SELECT DISTINCT state, (SELECT array_agg(k) FROM jsonb_object_keys(record) k) AS left_of_record FROM casesync_internal.inbox_item WHERE pruned_at IS NOT NULL ORDER BY 1, 2;
SELECT count(*) AS bytes_of_open FROM casesync_internal.message_in m WHERE m.raw <> '' AND EXISTS (SELECT FROM casesync_internal.inbox_item i
	WHERE i.partner = m.partner AND i.message_id = m.message_id AND i.state IN ('new', 'review', 'failed'));
SELECT count(*) AS bytes_of_settled FROM casesync_internal.message_in m WHERE m.raw <> '' AND m.action = 'notify' AND NOT EXISTS (SELECT FROM casesync_internal.inbox_item i
	WHERE i.partner = m.partner AND i.message_id = m.message_id AND i.pruned_at IS NULL);
SELECT * FROM casesync.prune('0');
SELECT count(*) > 0 AS has_log FROM casesync_internal.change;
SELECT rotated, emptied FROM casesync_internal.tidy(0);
SELECT rotated, emptied FROM casesync_internal.tidy(0);
SELECT count(*) FROM casesync_internal.change;
-- what is not routed stays
UPDATE app.person SET status = '1' WHERE id = 20;
SELECT rotated, emptied FROM casesync_internal.tidy(0);
SELECT rotated, emptied FROM casesync_internal.tidy(0);
SELECT count(*) FROM casesync_internal.change;
SELECT changes, notifications FROM casesync_internal.route();
SELECT emptied FROM casesync_internal.tidy(0);
SELECT emptied, (SELECT count(*) FROM casesync_internal.notification WHERE state = 'due') AS due FROM casesync_internal.tidy(0);
SELECT count(*) FROM casesync_internal.change;
SELECT count(*) FROM casesync_internal.notification WHERE key = '20' AND state = 'due';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_inbox_owner, regress_inbox_other;
DROP ROLE regress_inbox_owner, regress_inbox_other;
