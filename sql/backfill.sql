-- A subscription's partner is told of all subjects as they are now, and nobody else is.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/state.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
DO $$ BEGIN
	PERFORM casesync.set_partner('other.test', 'https://dci.other.test/dci');
	PERFORM casesync.set_agreement('OTHER', 'other.test', registries => '{people}', event_types => '{enrolment_status_change}',
		fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
	PERFORM casesync.activate('OTHER');
END $$;
CREATE TABLE app.subscription (name text PRIMARY KEY, code text);
CREATE FUNCTION app.code(name text) RETURNS text LANGUAGE sql AS 'SELECT s.code FROM app.subscription s WHERE s.name = $1';
CREATE FUNCTION app.name_of(code text) RETURNS text LANGUAGE sql AS 'SELECT s.name FROM app.subscription s WHERE s.code = $1';
CREATE FUNCTION app.subscribe(name text, partner text DEFAULT 'ess.test', filter jsonb DEFAULT NULL, filter_type text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	INSERT INTO app.subscription VALUES (name, casesync.subscribe(partner, 'enrolment_status_change', 'Member', filter, filter_type))
$$;
-- what a bridge would send now, in its order: which subscription, whom, what, numbers
CREATE FUNCTION app.sent(whose text DEFAULT 'ess.test') RETURNS TABLE (told text, who text, says text, seq text, prev text) LANGUAGE sql AS $$
	SELECT app.name_of(i->>'code'), e #>> '{data,reg_records,member_identifier,0,identifier_value}', e #>> '{data,reg_records,employment_status}',
		i->>'seq', i->>'prev_seq'
	  FROM app.send(whose) p CROSS JOIN LATERAL jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n)
	 CROSS JOIN LATERAL (SELECT p.meta::jsonb #> ARRAY['items', (x.n - 1)::text]) m(i)
$$;
CREATE VIEW app.backfill AS SELECT app.name_of(b.code) AS told, b.is_initial AS initial, b.state, b.reason, b.registry, b.looked, b.told AS items,
	b.ended_at IS NOT NULL AS ended FROM casesync.backfills b ORDER BY b.id;
CREATE FUNCTION app.fails(sql text) RETURNS TABLE (code text, message text, detail text, hint text) LANGUAGE sql AS $$
	SELECT s.code, r.*  FROM app.state_of(sql) s CROSS JOIN LATERAL (SELECT
		replace(s.message, app.code('all'), 'CODE'), replace(s.detail, app.code('all'), 'CODE'), replace(s.hint, app.code('all'), 'CODE')) r
$$;
INSERT INTO app.person SELECT i, 'U' || i, '1', i <> 3, CASE WHEN i < 3 THEN 'North' ELSE 'South' END FROM generate_series(1, 5) i;
SELECT * FROM app.route();
DO $$ BEGIN
	PERFORM app.subscribe('all'); PERFORM app.subscribe('north', filter => '[{"seq_num": 1, "expression1": {"attribute_name": "district", "operator": "eq", "attribute_value": "North"}}]', filter_type => 'predicate');
	PERFORM app.subscribe('U4', filter => '{"type": "UIN", "value": "U4"}'); PERFORM app.subscribe('other', 'other.test');
END $$;
SELECT * FROM app.route();
SELECT count(*) AS told_at_once FROM casesync_internal.notification;

-- what is missing is said, with what to do
SELECT * FROM app.fails($$SELECT casesync.backfill('nobody')$$);
SELECT * FROM app.fails($$SELECT casesync.backfill(app.code('all'))$$);
SELECT * FROM app.fails($$SELECT casesync.set_agreement('OUT', 'ess.test', services => '{backfill}')$$);
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify,backfill}');
SELECT casesync.activate('OUT');
SELECT * FROM app.fails($$SELECT casesync.backfill(app.code('all'), subjects => 'nothing = 1')$$);
SELECT * FROM app.fails($$SELECT casesync.backfill(app.code('U4'), subjects => 'true')$$) s WHERE s.message NOT LIKE '%' || app.code('U4') || '%' OR s.code <> '22023';
SELECT * FROM app.fails($$SELECT casesync.stop_backfill(app.code('all'), 'no')$$);

-- everybody whom the agreement lets pass, in order, numbered without a hole; no other subscription hears of it
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM app.fails($$SELECT casesync.backfill(app.code('all'))$$);
SELECT * FROM app.backfill;
SELECT * FROM app.route();
SELECT * FROM app.backfill;
SELECT * FROM app.sent();
SELECT * FROM app.sent('other.test');
SELECT about = app.code('all') AS of_it, detail - 'backfill' AS detail FROM casesync.audit WHERE what = 'backfill';
SELECT way, outcome, agreement FROM casesync.disclosures('people', '1');
-- what the partner knows already it is told again: it has asked because it cannot rely on it
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM app.route();
SELECT * FROM app.sent();
-- but no change is told twice by it, and one that comes meanwhile goes to all who want it
UPDATE app.person SET status = '2' WHERE id = 1;
SELECT * FROM app.route();
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM app.route();
SELECT * FROM app.sent() ORDER BY seq, told;
SELECT * FROM app.sent('other.test');

-- a filter, one identifier, a condition of our own
SELECT casesync.backfill(app.code('north')) > 0 AND casesync.backfill(app.code('U4')) > 0 AND casesync.backfill(app.code('all'), subjects => 'district = ''South''') > 0 AS begun;
SELECT * FROM app.route();
SELECT * FROM app.sent() ORDER BY told, seq;
SELECT * FROM app.backfill OFFSET 3;
-- who leaves the filter afterwards is told so, since it was told that he is inside
UPDATE app.person SET district = 'South', status = '3' WHERE id = 2;
SELECT * FROM app.route();
SELECT * FROM app.sent();

-- a little in each turn, behind what is live; whoever dies in between leaves what is committed
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM casesync_internal.route(2);
BEGIN;
SELECT * FROM casesync_internal.route(2);
ROLLBACK;
SELECT * FROM app.backfill OFFSET 6;
SELECT * FROM app.sent();
-- stopped sharing is waited out
SELECT count(*) FROM casesync.stop_sharing('a question', 'ess.test');
SELECT * FROM casesync_internal.route(2);
SELECT * FROM app.backfill OFFSET 6;
UPDATE casesync_internal.backfill SET moved_at = now() - interval '11 minutes' WHERE state = 'running';
SELECT severity, regexp_replace(problem, '\d{4}-\S+ \d\d:\d\d', '(time)') AS problem FROM casesync.health WHERE problem LIKE '%of all subjects%';
SELECT casesync.resume_sharing('ess.test');
UPDATE casesync_internal.backfill SET next_at = now() WHERE state = 'running';
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT * FROM app.backfill OFFSET 6;
-- stopped by a person, by the end of the subscription, by an agreement without the service
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM casesync_internal.route(2);
SELECT casesync.stop_backfill(app.code('all'), 'too much');
SELECT * FROM app.route();
SELECT * FROM app.sent();
SELECT casesync.backfill(app.code('all')) > 0 AND casesync.backfill(app.code('north')) > 0 AS begun;
DO $$ BEGIN PERFORM casesync.unsubscribe(app.code('north')); END $$;
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify}');
SELECT casesync.activate('OUT');
SELECT * FROM app.route();
SELECT * FROM app.backfill OFFSET 7;
SELECT * FROM app.sent();

-- whoever cannot be rendered is told when that is mended
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify,backfill}');
SELECT casesync.activate('OUT');
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'phone_number', p.secret, 'rank', 1 / p.id, 'rate', 1 / (p.id - 4)) AS record
	  FROM app.person p;
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM app.route();
SELECT * FROM app.backfill OFFSET 10;
SELECT key, error_code FROM casesync.quarantine;
SELECT * FROM app.sent();
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)),
		'employment_status', p.status, 'phone_number', p.secret) AS record
	  FROM app.person p;
SELECT casesync.retry_quarantine();
SELECT * FROM app.route();
SELECT * FROM app.sent();

-- in pages, of keys that have another order as numbers than as texts; of everybody once
CREATE TABLE app.thing (id bigint PRIMARY KEY);
INSERT INTO app.thing SELECT 7 * i FROM generate_series(1, 25000) i;
CREATE VIEW app.things AS SELECT t.id AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', t.id::text))) AS record FROM app.thing t;
SELECT * FROM casesync.publish('things', 'app.things', 'Member');
CREATE FUNCTION app.page(after text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r casesync_internal.registry := (SELECT x FROM casesync_internal.registry x WHERE x.registry = 'things');
BEGIN
	RETURN QUERY SELECT q.key FROM casesync_internal.owner_query(r.author, r.view, casesync_internal.backfill_page_query(r, after IS NULL, false),
		jsonb_build_object('size', 10000, 'after', after)) q;
END
$$;
SELECT count(*), min(k::bigint), max(k::bigint) FROM app.page(NULL) k;
SELECT count(*), min(k::bigint), max(k::bigint) FROM app.page('70000') k;
SELECT count(*), min(k::bigint), max(k::bigint) FROM app.page('140000') k;
SELECT casesync.unpublish('things');

-- an agreement may give it to every new subscription, once its partner knows of it; the others are told nothing
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify}', initial_state => true);
SELECT casesync.activate('OUT');
SELECT * FROM app.route();
DO $$ BEGIN PERFORM casesync.unsubscribe(app.code('U4')); PERFORM app.subscribe('U2', filter => '{"type": "UIN", "value": "U2"}'); END $$;
SELECT * FROM app.backfill OFFSET 11;
SELECT * FROM app.route();
SELECT * FROM app.backfill OFFSET 11;
SELECT * FROM app.sent();
SELECT * FROM app.sent('other.test');
SELECT * FROM app.fails($$SELECT casesync.backfill(app.code('all'))$$);

-- erased while its page is under way: the rest is told, and the page does not remember it
SELECT casesync.set_agreement('OUT', 'ess.test', services => '{notify,backfill}');
SELECT casesync.activate('OUT');
SELECT casesync.backfill(app.code('all')) > 0 AS begun;
SELECT * FROM casesync_internal.route(1);
SELECT keys, place FROM casesync_internal.backfill WHERE state = 'running';
DELETE FROM app.person WHERE id = 1;
SELECT count(*) > 0 AS erased FROM casesync.erase('people', '1', 'asked');
SELECT keys, place FROM casesync_internal.backfill WHERE state = 'running';
SELECT * FROM app.route();
SELECT * FROM app.sent();

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
