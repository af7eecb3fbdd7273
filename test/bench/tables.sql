-- One table for each way of capture, all alike but for their trigger. Variables: rows, floor_library.
CREATE TABLE bare (id integer PRIMARY KEY, status text NOT NULL, amount integer NOT NULL, note text NOT NULL)
  WITH (fillfactor = 80);
INSERT INTO bare SELECT n, 'ACTIF', n % 100, repeat('n', 60) FROM generate_series(1, :rows) n;

CREATE TABLE tracked (LIKE bare INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO tracked TABLE bare;
CREATE VIEW shared AS SELECT id AS subject_key, casesync.beneficiary(
    identifiers => ARRAY[casesync.identifier('NATIONAL_ID', id::text)]) AS record FROM tracked;
SELECT * FROM casesync.publish('shared', 'shared', 'Beneficiary', 'ESS');
SELECT casesync.track('tracked', '{shared}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
    on_delete => 'enrolment_status_change');

-- The floor: a C function that does nothing but insert one row with the same facts.
CREATE TABLE floor_log (id bigint NOT NULL, xid xid8 NOT NULL, era integer NOT NULL, cid bigint NOT NULL, relation oid NOT NULL,
    op "char" NOT NULL, tracking integer NOT NULL, key text, old_key text, changed jsonb, actor text, channel text,
    "session_user" name NOT NULL, origin bigint, at timestamptz NOT NULL, PRIMARY KEY (xid, id));
CREATE FUNCTION floor_capture() RETURNS trigger LANGUAGE c AS :'floor_library', 'floor_capture';
CREATE TABLE floor (LIKE bare INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO floor TABLE bare;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON floor FOR EACH ROW EXECUTE FUNCTION floor_capture('floor_log');

-- contrib's, which tells of each row by NOTIFY and keeps nothing
CREATE EXTENSION tcn;
CREATE TABLE tcn (LIKE bare INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO tcn TABLE bare;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON tcn FOR EACH ROW EXECUTE FUNCTION triggered_change_notification();

-- what most would write themselves, without and with a wake-up for whoever reads it
CREATE TABLE outbox_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    relation text NOT NULL, op text NOT NULL, old_row jsonb, new_row jsonb);
CREATE FUNCTION outbox_capture() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox_log (relation, op, old_row, new_row) VALUES (TG_TABLE_NAME, TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END
$$;
CREATE TABLE outbox (LIKE bare INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO outbox TABLE bare;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION outbox_capture();

CREATE FUNCTION outbox_notify_capture() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox_log (relation, op, old_row, new_row) VALUES (TG_TABLE_NAME, TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END
$$;
CREATE TABLE outbox_notify (LIKE bare INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO outbox_notify TABLE bare;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON outbox_notify
    FOR EACH ROW EXECUTE FUNCTION outbox_notify_capture();

-- Debian's package is not everywhere
SELECT count(*) > 0 AS has_pgq FROM pg_available_extensions WHERE name = 'pgq' \gset
\if :has_pgq
CREATE EXTENSION pgq;
SELECT pgq.create_queue('bench');
CREATE TABLE pgq (LIKE bare INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO pgq TABLE bare;
CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON pgq FOR EACH ROW EXECUTE FUNCTION pgq.logutriga('bench');
\endif
VACUUM ANALYZE;
