-- A subject's key is one text, in the log, in the view and in what is kept; or the type is refused.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS set;
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test/dci') <> '' AS set;
CREATE EXTENSION citext SCHEMA public;
CREATE COLLATION app.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE app.colour AS ENUM ('red', 'green');
CREATE TYPE app.pair AS (a integer, b text);
CREATE DOMAIN app.number AS char(6) CHECK (VALUE ~ '^[A-Z0-9 ]+$');
CREATE DOMAIN app.short_number AS app.number;

-- what a partner is told of a subject whose key has this type: inserted, updated, looked at again, deleted, by sessions with odd
-- settings; the view has it as it is, or as text
CREATE PROCEDURE app.tell(n integer, type text, value text, as_text boolean) LANGUAGE plpgsql AS $$
DECLARE
	t constant text := format('keyed_%s%s', n, CASE WHEN as_text THEN '_text' END);
BEGIN
	EXECUTE format('CREATE TABLE app.%I (id %s PRIMARY KEY, status text)', t, type);
	EXECUTE format($v$CREATE VIEW app.%I AS SELECT %s AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
		jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'U1')), 'employment_status', status) AS record FROM app.%I$v$,
		t || '_view', CASE WHEN as_text THEN 'id::text' ELSE 'id' END, t);
	PERFORM casesync.publish(t, format('app.%I', t || '_view')::regclass, 'Member');
	PERFORM casesync.track(format('app.%I', t)::regclass, ARRAY[t], 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change',
		on_delete => 'enrolment_status_change');
	PERFORM casesync.set_agreement(t, 'ess.test', registries => ARRAY[t], event_types => '{enrolment_status_change}', fields => '{employment_status}',
		identifier_types => '{UIN}', subjects => 'true', on_leave => 'identifier_only', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate(t);
	PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', registry => t);
	COMMIT;
	SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German'; SET bytea_output = 'escape'; SET extra_float_digits = -5;
	EXECUTE format('INSERT INTO app.%I VALUES (%s, %L)', t, value, 'a');
	COMMIT;
	RESET timezone; RESET datestyle; RESET bytea_output; RESET extra_float_digits;
	PERFORM app.route_all();
	PERFORM app.send('ess.test');
	COMMIT;
	SET timezone = 'America/St_Johns';
	EXECUTE format('UPDATE app.%I SET status = %L', t, 'b');
	COMMIT;
	RESET timezone;
	PERFORM app.route_all();
	PERFORM app.send('ess.test');
	COMMIT;
	PERFORM casesync.look_again(t);
	PERFORM app.route_all();
	EXECUTE format('DELETE FROM app.%I', t);
	COMMIT;
	PERFORM app.route_all();
END
$$;
CREATE TABLE app.key_type (n integer PRIMARY KEY, type text, value text);
INSERT INTO app.key_type VALUES (1, 'smallint', '7'), (2, 'bigint', '7'), (3, 'text', $$'É 1'$$), (4, 'varchar(5)', $$'ab '$$), (5, 'char(8)', $$'AB'$$),
	(6, 'app.number', $$'AB12'$$), (7, 'app.short_number', $$'AB12'$$), (8, '"char"', $$'x'$$), (9, 'name', $$'x'$$), (10, 'boolean', 'true'),
	(11, 'bit(5)', $$B'10110'$$), (12, 'bit varying', $$B'10110'$$), (13, 'uuid', $$'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'$$), (14, 'date', $$'2026-02-01'::date$$),
	(15, 'timestamp', $$make_timestamp(2026, 2, 1, 8, 0, 0.5)$$), (16, 'timestamptz', $$make_timestamptz(2026, 2, 1, 8, 0, 0.5, 'UTC')$$), (17, 'time', $$'08:00'$$),
	(18, 'interval', $$'1 day'$$), (19, 'numeric', '7.50'), (20, 'numeric(9,2)', '7.5'), (21, 'double precision', '0.1'), (22, 'money', $$'7'$$),
	(23, 'inet', $$'10.0.0.1'$$), (24, 'cidr', $$'10.0.0.0/8'$$), (25, 'macaddr', $$'08:00:2b:01:02:03'$$), (26, 'bytea', $$decode('41ff', 'hex')$$),
	(27, 'app.colour', $$'red'$$), (28, 'public.citext', $$'aB'$$), (29, 'text COLLATE app.any_case', $$'aB'$$), (30, 'app.pair', $$ROW(1, 'a')::app.pair$$),
	(31, 'integer[]', $$'{1}'$$), (32, 'int4range', $$'[1,2)'$$), (33, 'jsonb', $$'1'$$), (34, 'regclass', $$'pg_class'$$), (35, 'oid', '7');
-- refuses what is written as a session likes, or made of such parts
CREATE TABLE app.refused (n integer, shape text, why text);
SELECT format('CREATE TABLE app.try_%1$s (id %2$s); CREATE VIEW app.try_%1$s_view AS SELECT id AS subject_key, id::text AS as_text, ''{}''::jsonb AS record FROM app.try_%1$s', n, type)
  FROM app.key_type ORDER BY n \gexec
SELECT app.try(format($$SELECT casesync.publish('other', 'app.try_%s_view', 'Member', key => 'as_text')$$, 1));
INSERT INTO app.refused SELECT n, 'publish', split_part(app.try(format($$SELECT casesync.publish('try_%1$s', 'app.try_%1$s_view', 'Member')$$, n)), E'\n', 1) FROM app.key_type;
INSERT INTO app.refused SELECT n, 'track', split_part(app.try(format($$SELECT casesync.track('app.try_%1$s', '{other}', 'id', on_insert => 'enrolment')$$, n)), E'\n', 1)
  FROM app.key_type;
SELECT n, shape, why FROM app.refused WHERE why <> 'ok' ORDER BY n, shape;
SELECT app.try($$SELECT casesync.track('app.try_16', '{other}', 'id', on_insert => 'enrolment')$$);
DELETE FROM app.refused WHERE n = 16;
-- tells the others
SELECT format('CALL app.tell(%s, %L, %L, %L)', n, type, value, as_text) FROM app.key_type CROSS JOIN unnest('{f,t}'::boolean[]) as_text
 WHERE n NOT IN (SELECT n FROM app.refused WHERE why <> 'ok') AND (n <> 16 OR NOT as_text) ORDER BY n, as_text \gexec
SELECT t.type, r.shape, coalesce((SELECT string_agg(CASE WHEN removal THEN 'removed' ELSE record->>'employment_status' END, ', ' ORDER BY id)
				|| ' <' || string_agg(DISTINCT key, '> <') || '>' FROM casesync_internal.notification n WHERE n.registry = r.registry),
		(SELECT 'quarantine: ' || string_agg(reason, ', ') FROM casesync.quarantine q WHERE q.registry = r.registry), 'NOTHING') AS told
  FROM app.key_type t CROSS JOIN LATERAL (VALUES ('as it is', 'keyed_' || t.n), ('as text', 'keyed_' || t.n || '_text')) r(shape, registry)
 WHERE EXISTS (SELECT FROM casesync.agreements a WHERE a.agreement = r.registry) ORDER BY t.n, shape;
SELECT count(*) FROM casesync.quarantine;

-- the same value written otherwise: by another table's column, or by another case
CREATE TABLE app.citizen (nin public.citext PRIMARY KEY, status text);
CREATE TABLE app.job (nin public.citext, employer text);
CREATE VIEW app.citizens AS SELECT c.nin AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', upper(c.nin::text))), 'employment_status', (SELECT j.employer FROM app.job j WHERE j.nin = c.nin)) AS record
  FROM app.citizen c;
SELECT count(*) FROM casesync.publish('citizens', 'app.citizens', 'Member');
DO $$ BEGIN
	PERFORM casesync.track(t, '{citizens}', 'nin', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change')
	   FROM unnest('{app.citizen,app.job}'::regclass[]) t;
	PERFORM casesync.set_agreement('C', 'ess.test', registries => '{citizens}', event_types => '{enrolment_status_change}', fields => '{employment_status}',
		identifier_types => '{UIN}', subjects => 'true', on_leave => 'identifier_only', valid_from => '2020-01-01', legal_basis => 'law', subscribing => 'auto');
	PERFORM casesync.activate('C');
	PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', registry => 'citizens');
END $$;
INSERT INTO app.citizen VALUES ('Ab1', 'x'), ('Cd2', 'x');
INSERT INTO app.job VALUES ('aB1', 'a');
SELECT notifications FROM app.route();
SELECT count(*) FROM app.send('ess.test');
UPDATE app.job SET employer = 'b';
SELECT notifications FROM app.route();
-- who is written otherwise has not left
UPDATE app.citizen SET nin = 'CD2' WHERE nin = 'cd2';
SELECT notifications FROM app.route();
SELECT casesync.look_again('citizens');
SELECT notifications FROM app.route();
SELECT key, record->>'employment_status' AS employer, removal FROM casesync_internal.notification WHERE registry = 'citizens' ORDER BY id;
SELECT subject_key, outcome FROM casesync.preview('C', key => 'ab1');
SELECT count(*) FROM casesync.quarantine;
SELECT app.try($$SELECT casesync.erase('citizens', 'ab1', 'asked for it')$$);

-- the view makes another type of it: told, and told that it is gone, under the view's text
CREATE TABLE app.made (n integer PRIMARY KEY, type text, value text, made text);
INSERT INTO app.made VALUES (1, 'integer', '2', 'id::numeric(10,2)'), (2, 'text', $$'007'$$, 'id::integer'), (3, 'text', $$' -8'$$, 'id::bigint'),
	(4, 'text', $$'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'$$, 'id::uuid'), (5, 'double precision', '0.123456789', 'id::real'), (6, 'text', $$'2.50'$$, 'id::numeric'),
	(7, 'numeric', '2.004', 'id::numeric(10,2)');
DO $$
DECLARE
	m app.made; t text;
BEGIN
	FOR m IN SELECT * FROM app.made ORDER BY n LOOP
		t := 'made_' || m.n;
		EXECUTE format('CREATE TABLE app.%I (id %s PRIMARY KEY, status text)', t, m.type);
		EXECUTE format($v$CREATE VIEW app.%I AS SELECT %s AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object(
			'identifier_type', 'UIN', 'identifier_value', 'U1')), 'employment_status', status) AS record FROM app.%I$v$, t || '_view', m.made, t);
		PERFORM casesync.publish(t, format('app.%I', t || '_view')::regclass, 'Member');
		PERFORM casesync.track(format('app.%I', t)::regclass, ARRAY[t], 'id', on_insert => 'enrolment_status_change', on_delete => 'enrolment_status_change');
		PERFORM casesync.set_agreement(t, 'ess.test', registries => ARRAY[t], event_types => '{enrolment_status_change}', fields => '{employment_status}',
			identifier_types => '{UIN}', subjects => 'true', on_leave => 'identifier_only', valid_from => '2020-01-01', legal_basis => 'law');
		PERFORM casesync.activate(t);
		PERFORM casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', registry => t);
	END LOOP;
END $$;
SELECT format('INSERT INTO app.made_%s VALUES (%s, ''a'')', n, value) FROM app.made ORDER BY n \gexec
SELECT notifications FROM app.route();
SELECT count(*) FROM app.send('ess.test');
SELECT format('DELETE FROM app.made_%s', n) FROM app.made ORDER BY n \gexec
-- what its type does not take hides nobody
INSERT INTO app.made_1 VALUES (2000000000, 'too large for the view');
DELETE FROM app.made_1;
SELECT notifications FROM app.route();
SELECT m.type, m.value, m.made, string_agg(concat_ws(' ', n.key, CASE WHEN n.removal THEN 'removed' ELSE 'told' END), ', ' ORDER BY n.id) AS told
  FROM app.made m LEFT JOIN casesync_internal.notification n ON n.registry = 'made_' || m.n GROUP BY m.n ORDER BY m.n;
SELECT registry, key, error_code FROM casesync_internal.quarantine_entry ORDER BY 1, 2;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP EXTENSION citext;
