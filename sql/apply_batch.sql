-- Several received items are applied in one transaction: each for itself, in order, nobody held up for long, and again one by one after it was lost.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
CREATE FUNCTION app.hear(VARIADIC uins text[]) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM unnest(uins) u
	 CROSS JOIN LATERAL app.say('notify', app.notify(app.event(gen_random_uuid()::text, app.record(u, '1', '{}')))) s WHERE s.ack = 'ACK'
$$;
CREATE TABLE app.heard (n integer GENERATED ALWAYS AS IDENTITY, uin text, xid xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	uin constant text := e.record #>> '{member_identifier,0,identifier_value}';
BEGIN
	INSERT INTO app.heard (uin) VALUES (uin);
	CASE WHEN uin ^@ 'BAD' THEN RAISE EXCEPTION 'no such person';
		WHEN uin ^@ 'LATER' THEN RAISE EXCEPTION USING errcode = 'serialization_failure';
		WHEN uin ^@ 'ASK' THEN RETURN 'review: who is it?';
		ELSE RETURN 'applied'; END CASE;
END
$$;
-- as apply_inbox(), but however slow the machine is
CREATE FUNCTION app.apply_inbox() RETURNS integer LANGUAGE sql AS $$
	SELECT casesync_internal.inbox_apply_due(casesync_internal.inbox_due(casesync_internal.apply_batch()), '1 hour')
$$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
CREATE VIEW app.came AS SELECT string_agg(format('%s %s', regexp_replace(subject, '^UIN:', ''), state), ', ' ORDER BY id) AS items FROM casesync_internal.inbox_item;
CREATE VIEW app.together AS SELECT string_agg(uins, ' | ' ORDER BY n) AS transactions FROM (SELECT min(n) AS n, string_agg(uin, ' ' ORDER BY n) AS uins FROM app.heard GROUP BY xid) t;

-- one, then twice as many each time that the transaction is kept; who cannot be applied is undone alone
SELECT app.hear('U1', 'U2', 'BAD3', 'U4', 'ASK5', 'U6', 'U7', 'U8');
SELECT app.apply_inbox();
SELECT app.apply_inbox();
SELECT app.apply_inbox();
SELECT app.apply_inbox();
SELECT app.apply_inbox();
TABLE app.came;
TABLE app.together;
TRUNCATE app.heard;

-- one of a subject: what the router has not seen of it is waited for
SELECT app.hear('U11', 'U12', 'U11', 'U13');
SELECT app.apply_inbox();
SELECT app.apply_inbox();
TABLE app.together;
TRUNCATE app.heard;

-- behind one that is tried again later nothing goes that may have to wait for it, and nothing before it is undone
SELECT app.hear('U21', 'LATER22', 'U23');
SELECT app.apply_inbox(), casesync_internal.inbox_next_try() > now() AS waits;
SELECT app.apply_inbox(), casesync_internal.inbox_next_try() > now() AS waits;
TABLE app.together;
UPDATE casesync_internal.inbox_item SET state = 'rejected' WHERE state = 'new' AND next_try IS NOT NULL;
SELECT app.apply_inbox(), casesync_internal.inbox_next_try() > now() AS waits;
TABLE app.together;
TRUNCATE app.heard;

-- no more is begun when the time is over, but the first is applied whatever it takes
SELECT app.hear('U24', 'U25');
SELECT casesync_internal.inbox_apply_due(casesync_internal.inbox_due(2), '0 ms');
SELECT items, more FROM casesync_internal.apply_inbox();
SELECT items, more FROM casesync_internal.apply_inbox();
TABLE app.together;
TRUNCATE app.heard;

-- a transaction that is lost takes all of it back, and the next has one again
SELECT app.hear('U31', 'U32', 'U33', 'U34');
BEGIN;
SELECT app.apply_inbox();
ROLLBACK;
SELECT app.apply_inbox();
SELECT app.apply_inbox();
SELECT app.apply_inbox();
TABLE app.together;
-- what else happens in the session says nothing about it
BEGIN;
SELECT count(*) FROM app.heard;
ROLLBACK;
SELECT casesync_internal.apply_batch();
SELECT current_setting('lock_timeout') AS lock_timeout;

-- a look costs no more for what waits for a later time
INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, subject, agreement, agreement_version, mode, state, tries, next_try)
SELECT 'ess.test', 'm' || n, 1, '', 'enrolment', 'Loan', 'UIN:W' || n, 'IN', 1, 'auto', 'new', 1, now() + interval '1 hour' + n * interval '1 ms' FROM generate_series(1, 20000) n;
CREATE FUNCTION app.blocks(call text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT ' || call INTO plan;
	RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::integer + (plan #>> '{0,Plan,Shared Read Blocks}')::integer;
END
$$;
SELECT app.blocks('casesync_internal.inbox_next_try()') < 100 AS cheap;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
