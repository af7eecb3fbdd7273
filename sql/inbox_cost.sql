-- What it costs to take a message and to apply an item: not more for what came before it, or waits behind it.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN 'applied'; END $$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
\i test/scene/blocks.sql
-- a message about ten people, of whom nobody may be known yet, some times: what the last one cost, and to apply one of it
CREATE FUNCTION app.cost(named text, messages integer DEFAULT 6, OUT cheap boolean, OUT said text) LANGUAGE plpgsql AS $$
DECLARE
	receive integer; apply integer;
BEGIN
	FOR m IN 1 .. messages LOOP
		receive := app.blocks(format('app.say(''notify'', %L)', app.notify(VARIADIC ARRAY(SELECT app.event(gen_random_uuid()::text, app.record(named || m || n, '1', '{}'))
			FROM generate_series(1, 10) n))));
		apply := app.blocks('casesync_internal.inbox_apply_due(casesync_internal.inbox_due(1))');
	END LOOP;
	cheap := receive < 3000 AND apply < 600;
	said := CASE WHEN NOT cheap THEN format('receive %s, apply %s', receive, apply) END;
END
$$;
-- so many came
CREATE FUNCTION app.came(first integer, last integer, state text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO casesync_internal.inbox_item (partner, message_id, item, reference_id, content_hash, event_type, record_type, record, subject, agreement, agreement_version, mode, state, applied_at)
	SELECT 'ess.test', 'm' || n, 1, 'r' || n, sha256(n::text::bytea), 'enrolment_status_change', 'Member', app.record('W' || n), 'UIN:W' || n, 'IN', 1, 'auto', state, now()
	  FROM generate_series(first, last) n
$$;
-- to find what is next, with a plan that was made while there was nothing
CREATE FUNCTION app.finds() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	blocks constant integer := app.blocks('casesync_internal.inbox_due(32)');
BEGIN
	RETURN CASE WHEN blocks < 1000 THEN 'cheap' ELSE blocks::text END;
END
$$;
SELECT DISTINCT casesync_internal.inbox_due(32) FROM generate_series(1, 10);
SELECT * FROM app.cost('A');
-- plans were made while there was little, and nobody has counted since
SELECT app.came(1, 10000, 'applied');
SELECT * FROM app.cost('B');
SELECT app.finds();
SELECT app.came(10001, 20000, 'new');
SELECT * FROM app.cost('C');
SELECT app.finds();
ANALYZE casesync_internal.inbox_item;
SELECT * FROM app.cost('D');
SELECT app.finds();
-- one message after the other was applied since
UPDATE casesync_internal.inbox_item SET state = 'applied' WHERE state = 'new' AND id < (SELECT max(id) - 100 FROM casesync_internal.inbox_item);
SELECT app.finds();
SELECT app.came(20001, 20100, 'new');
SELECT app.finds();
-- one of them by its id, and a message by its name, of very many that came
INSERT INTO casesync_internal.message_in (partner, message_id, content_hash, raw, action, ack_status, correlation_id)
SELECT 'ess.test', 'many-' || n, sha256(n::text::bytea), '', 'notify', 'ACK', n FROM generate_series(1, 20000) n;
SELECT app.blocks(format('casesync_internal.inbox_new(%s, false)', (SELECT max(id) FROM casesync_internal.inbox_item))) < 100 AS item,
	app.blocks('casesync_internal.message_known(''ess.test'', ''nobody sent this'')') < 100 AS message;
-- known ones
SELECT * FROM app.cost('W');
-- who comes behind all of them in the index
SELECT * FROM app.cost('Z');
-- in a session that begins now
\c
SELECT * FROM app.cost('E');
SELECT * FROM app.cost('W');

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
