-- Who was told of before it was agreed that the partner is told of who leaves is named to it all the same when he leaves.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/delivery.sql
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member') <> '' AS subscribed;
UPDATE casesync_internal.subscription SET is_confirmed = true;
CREATE FUNCTION app.tell() RETURNS TABLE (says text) LANGUAGE plpgsql AS $$
DECLARE
	t casesync_internal.parcel;
BEGIN
	PERFORM casesync_internal.route();
	SELECT x.* INTO t FROM casesync_internal.lane l CROSS JOIN LATERAL casesync_internal.take(l.lane) x WHERE l.kind = 'notify' AND x.message_id IS NOT NULL;
	PERFORM casesync_internal.record_outcome(l.lane, t.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL) FROM casesync_internal.lane l WHERE l.kind = 'notify';
	RETURN QUERY SELECT concat_ws(' ', i #>> '{identifier_value}', e #>> '{data,reg_records,employment_status}', e #>> '{data,reg_records,additional_attributes,0,removed}')
	  FROM jsonb_array_elements(t.message::jsonb->'notify_event') e CROSS JOIN LATERAL jsonb_path_query(e, '$.data.reg_records.member_identifier[0]') i ORDER BY 1;
END $$;
CREATE FUNCTION app.upkeep() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	step record;
	steps bigint := 0;
BEGIN
	LOOP
		step := casesync_internal.prune_step();
		steps := steps + 1;
		EXIT WHEN NOT step.more OR steps > 1000;
	END LOOP;
	RETURN (SELECT count(*) FROM casesync_internal.told t WHERE t.identifiers IS NOT NULL);
END $$;
INSERT INTO app.person SELECT i, 'U' || i, '1', true, 'North' FROM generate_series(1, 4) i;
SELECT * FROM app.tell();
SELECT app.upkeep() AS named_while_silent;
UPDATE app.person SET shared = false WHERE id = 1;
SELECT * FROM app.tell();
-- switched on: what the bridge does in between is enough
SELECT casesync.set_agreement('OUT', 'ess.test', on_leave => 'identifier_only') <> '' AS written;
SELECT casesync.activate('OUT') <> '' AS in_force;
SELECT app.upkeep() AS named;
UPDATE app.person SET shared = false WHERE id = 2;
SELECT * FROM app.tell();
-- who left before is not told; who changed meanwhile is told anew, and named by that
SELECT count(*) AS known FROM casesync_internal.told;
UPDATE casesync_internal.told SET identifiers = NULL;
UPDATE app.person SET status = '2' WHERE id = 3;
UPDATE casesync_internal.prune_mark SET next_at = now() WHERE part = 'told';
SELECT app.upkeep() AS named_of_whom_it_has_the_record;
SELECT * FROM app.tell();
SELECT count(*) AS named FROM casesync_internal.told WHERE identifiers IS NOT NULL;
UPDATE app.person SET shared = false;
SELECT * FROM app.tell();
-- a view that fails stops nothing
UPDATE app.person SET shared = true, status = '5';
SELECT * FROM app.tell();
UPDATE casesync_internal.told SET identifiers = NULL;
ALTER TABLE app.person DISABLE TRIGGER USER;
UPDATE app.person SET status = 'x' WHERE id = 4;
CREATE OR REPLACE VIEW app.people AS
	SELECT p.id::text AS subject_key, p.shared, p.district, p.secret, jsonb_build_object('n', CASE p.status WHEN 'x' THEN 1 / (p.id - 4) END,
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.uin)), 'employment_status', p.status) AS record
	  FROM app.person p;
UPDATE casesync_internal.prune_mark SET next_at = now() WHERE part = 'told';
SELECT app.upkeep() AS named_but_one;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
