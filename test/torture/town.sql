-- The application of a history: people in a town, their consent, their stays in schemes. Each change of a
-- row takes a new number, so that no two states are alike.
CREATE SCHEMA town;
CREATE SEQUENCE town.number;
CREATE SEQUENCE town.moments;
CREATE TABLE town.scheme (id integer PRIMARY KEY, title text NOT NULL);
CREATE TABLE town.person (id integer PRIMARY KEY, area text NOT NULL, word text NOT NULL, v bigint NOT NULL, seen integer NOT NULL DEFAULT 0);
CREATE TABLE town.consent (person_id integer PRIMARY KEY, given boolean NOT NULL);
CREATE TABLE town.stay (id bigserial PRIMARY KEY, person_id integer NOT NULL, scheme_id integer NOT NULL, word text NOT NULL, v bigint NOT NULL,
	ended timestamptz);
CREATE UNIQUE INDEX ON town.stay (person_id, scheme_id) WHERE ended IS NULL;
CREATE INDEX ON town.stay (scheme_id);

-- What was true when: a person's whole state at each commit, written by the committing transaction itself.
CREATE TABLE town.moment (n bigint PRIMARY KEY, person_id integer NOT NULL, state jsonb NOT NULL, ops jsonb NOT NULL,
	xid xid8 NOT NULL DEFAULT pg_current_xact_id());
CREATE INDEX ON town.moment (person_id, n);
CREATE TABLE town.op (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), tab text NOT NULL, person_id integer NOT NULL, op "char" NOT NULL);
CREATE INDEX ON town.op (xid);

CREATE FUNCTION town.remember() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END);
BEGIN
	IF TG_OP <> 'UPDATE' OR NEW IS DISTINCT FROM OLD THEN
		INSERT INTO town.op (tab, person_id, op)
		SELECT TG_TABLE_NAME, o.one, left(TG_OP, 1)::"char"
		  FROM (SELECT coalesce(r->>'person_id', r->>'id')::integer AS one WHERE TG_TABLE_NAME <> 'scheme'
				UNION ALL
				SELECT s.person_id FROM town.stay s WHERE TG_TABLE_NAME = 'scheme' AND s.scheme_id = (r->>'id')::integer AND s.ended IS NULL) o;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON town.person FOR EACH ROW EXECUTE FUNCTION town.remember();
CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON town.consent FOR EACH ROW EXECUTE FUNCTION town.remember();
CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON town.stay FOR EACH ROW EXECUTE FUNCTION town.remember();
CREATE TRIGGER remember AFTER UPDATE ON town.scheme FOR EACH ROW EXECUTE FUNCTION town.remember();

/*
 * The last statement of every transaction. Whoever changes a person waits here for the others who do, until they
 * have ended, and then writes down what the person is like with its own changes: so a person's moments are in the
 * order in which they became visible, exactly, although the changes themselves were made side by side. A scheme's
 * title is part of many people, so its change waits for everybody.
 */
CREATE FUNCTION town.done(people integer[], is_all boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one integer;
BEGIN
	IF is_all THEN
		PERFORM pg_advisory_xact_lock(70, 0);
	ELSE
		PERFORM pg_advisory_xact_lock_shared(70, 0);
	END IF;
	FOREACH one IN ARRAY people LOOP
		PERFORM pg_advisory_xact_lock(71, one);
	END LOOP;
	INSERT INTO town.moment (n, person_id, state, ops)
	SELECT nextval('town.moments'), u.one, jsonb_build_object(
			'person', (SELECT jsonb_build_object('area', p.area, 'word', p.word, 'v', p.v) FROM town.person p WHERE p.id = u.one),
			'consent', coalesce((SELECT c.given FROM town.consent c WHERE c.person_id = u.one), false),
			'stays', (SELECT coalesce(jsonb_agg(jsonb_build_array(s.title || '#' || s.id, t.v, t.word) ORDER BY s.id), '[]')
				FROM town.stay t JOIN town.scheme s ON s.id = t.scheme_id WHERE t.person_id = u.one AND t.ended IS NULL)),
		coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_array(o.tab, o.op)) FROM town.op o
			WHERE o.xid = pg_current_xact_id() AND o.person_id = u.one), '[]')
	  FROM unnest(people) u(one);
	DELETE FROM town.op o WHERE o.xid = pg_current_xact_id();
END $$;

CREATE EXTENSION casesync;
CREATE ROLE casesync_bridge LOGIN;
SELECT casesync.grant_access('casesync_bridge', 'bridge');
SELECT casesync.map_code('town', w, c::casesync.enrolment_status)
  FROM (VALUES ('act', 'Active'), ('sus', 'Suspended'), ('exi', 'Exited'), ('ina', 'Inactive')) m (w, c);

-- Real views take their time, in which others commit.
CREATE FUNCTION town.slowly(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN $1; END $$;
CREATE SCHEMA shared;
CREATE VIEW shared.person AS
SELECT p.id AS subject_key, p.area, coalesce(c.given, false) AS consent, casesync.member(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', 'N' || p.id), casesync.identifier('UIN', 'U' || p.id)],
	enrolment_status => casesync.to_code('town', p.word, NULL::casesync.enrolment_status),
	additional_attributes => jsonb_build_object('pv', p.v::text, 'area', p.area, 'secret', town.slowly('HIDDEN-' || p.id))) AS record
  FROM town.person p LEFT JOIN town.consent c ON c.person_id = p.id;
CREATE VIEW shared.works AS
SELECT p.id AS subject_key, p.area, coalesce(c.given, false) AS consent, casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', 'N' || p.id), casesync.identifier('UIN', 'U' || p.id)],
	programmes => array_agg(casesync.enrolment(g.title || '#' || g.id, casesync.to_code('town', s.word, NULL::casesync.enrolment_status),
		'E' || s.v) ORDER BY g.id),
	additional_attributes => jsonb_build_object('pv', p.v::text, 'area', p.area, 'secret', town.slowly('HIDDEN-' || p.id))) AS record
  FROM town.person p JOIN town.stay s ON s.person_id = p.id AND s.ended IS NULL JOIN town.scheme g ON g.id = s.scheme_id
  LEFT JOIN town.consent c ON c.person_id = p.id
 GROUP BY p.id, c.given;
INSERT INTO town.scheme SELECT n, 'T' FROM generate_series(1, 4) n;
SELECT * FROM casesync.publish('person', 'shared.person', 'Member', 'ESS');
SELECT * FROM casesync.publish('works', 'shared.works', 'Beneficiary', 'ESS');
SELECT casesync.track('town.person', '{person,works}', 'id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change');
SELECT casesync.track('town.consent', '{person,works}', 'person_id', on_insert => 'enrolment_status_change',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.track('town.stay', '{works}', 'person_id', on_insert => 'enrolment', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change');
SELECT casesync.track('town.scheme', '{works}', 'id', on_update => 'enrolment_status_change',
	subjects => 'SELECT person_id FROM town.stay WHERE scheme_id = $1::integer AND ended IS NULL');
