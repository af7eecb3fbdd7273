-- Sharing is stopped and resumed, for a partner, an agreement, everybody; lookups are counted.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/delivery.sql
SET timezone = 'UTC';
CREATE TABLE app.person (id integer PRIMARY KEY, status text, consents boolean DEFAULT true);
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, p.consents, jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object(
		'identifier_type', 'UIN', 'identifier_value', 'U' || p.id)), 'employment_status', p.status) AS record
	  FROM app.person p;
CREATE VIEW app.houses AS SELECT p.id AS subject_key, jsonb_build_object('group_identifier', jsonb_build_array(jsonb_build_object(
		'identifier_type', 'UIN', 'identifier_value', 'H' || p.id)), 'group_type', p.status) AS record FROM app.person p;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', time_zone => 'UTC', four_eyes => false);
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT * FROM casesync.publish('houses', 'app.houses', 'Group');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people,houses}', 'id', on_insert => 'enrolment', on_update => 'enrolment', on_delete => 'enrolment')) x;
SELECT casesync.set_partner(n, 'https://' || n || '.test') FROM unnest('{p,q}'::text[]) n;
SELECT casesync.set_agreement(a, lower(left(a, 1)), registries => ARRAY[r], event_types => '{enrolment}', fields => '{employment_status,group_type}',
	identifier_types => '{UIN}', subjects => CASE r WHEN 'people' THEN 'consents' ELSE 'true' END, valid_from => '2020-01-01', legal_basis => 'law',
	on_leave => 'identifier_only', services => '{notify,search}')
  FROM (VALUES ('P1', 'people'), ('P2', 'houses'), ('Q1', 'people')) v(a, r);
SELECT casesync.activate(a) FROM unnest('{P1,P2,Q1}'::text[]) a;
SELECT v.partner, v.type, casesync.subscribe(v.partner, 'enrolment', v.type) <> '' AS subscribed FROM (VALUES ('p', 'Member'), ('p', 'Group'), ('q', 'Member')) v(partner, type);
-- delivers all that is due to a partner; what of whom arrived
CREATE FUNCTION app.deliver(whose text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(a.said, ', ' ORDER BY a.said), '')
	  FROM app.send($1) p CROSS JOIN LATERAL jsonb_array_elements(p.message::jsonb->'notify_event') e
	 CROSS JOIN LATERAL (SELECT concat_ws(' ', coalesce(e #>> '{data,reg_records,member_identifier,0,identifier_value}', e #>> '{data,reg_records,group_identifier,0,identifier_value}'),
		coalesce(e #>> '{data,reg_records,employment_status}', e #>> '{data,reg_records,group_type}'), e #>> '{data,reg_records,additional_attributes,0}')) a(said)
$$;
INSERT INTO app.person SELECT i, 'Active' FROM generate_series(1, 3) i;
SELECT notifications AS route, app.deliver('p'), app.deliver('q') FROM app.route();

-- what cannot be stopped or resumed
SELECT app.try($$SELECT * FROM casesync.stop_sharing('')$$);
SELECT app.try($$SELECT * FROM casesync.stop_sharing('x', 'nobody')$$);
SELECT app.try($$SELECT * FROM casesync.stop_sharing('x', agreement => 'nothing')$$);
SELECT app.try($$SELECT * FROM casesync.stop_sharing('x', 'q', 'P1')$$);
SELECT app.try($$SELECT casesync.resume_sharing('nobody')$$);
SELECT app.try($$SELECT casesync.resume_sharing(agreement => 'P1')$$);

-- one agreement: the partner's other one goes on; what was waiting, and what changes, is remembered and not rendered
UPDATE app.person SET status = 'Suspended' WHERE id IN (1, 2);
SELECT notifications AS route FROM app.route();
SELECT sent_to, subjects FROM casesync.stop_sharing('a leak', agreement => 'P1');
SELECT agreement, state, stop_scope, stop_reason FROM casesync.agreements ORDER BY 1;
SELECT app.deliver('p'), app.deliver('q');
UPDATE app.person SET status = 'Inactive' WHERE id = 3;
UPDATE app.person SET consents = false WHERE id = 2;
SELECT notifications AS route, app.deliver('p'), app.deliver('q') FROM app.route();
SELECT * FROM (SELECT agreement, registry, key, event_type FROM casesync_internal.missed) m ORDER BY key;
SELECT casesync_internal.is_stopped('p'), casesync_internal.lookup_limit('p') > 0 AS may_ask;
SELECT severity, regexp_replace(problem, '\d\d\d\d-\S+ \S+:\d\d', '(time)'), mend FROM casesync.health WHERE problem ~ 'suspended|stopped';
SELECT app.try($$SELECT casesync.unpublish('people')$$);
SELECT app.try($$SELECT casesync.drop_partner('p')$$);
-- resumed: today's state of who changed; nothing of what was withheld; who does not consent any more is told as gone
SELECT casesync.resume_sharing(agreement => 'P1');
SELECT notifications AS route, app.deliver('p'), app.deliver('q') FROM app.route();
SELECT count(*) FROM casesync_internal.missed;

-- one partner: everything to it
UPDATE app.person SET status = 'Active';
SELECT notifications AS route FROM app.route();
SELECT sent_to, subjects FROM casesync.stop_sharing('they were broken into', 'p') ORDER BY subjects;
SELECT lane IS NULL AS nothing FROM casesync_internal.lanes() JOIN casesync.lane_status USING (lane) WHERE partner = 'p';
SELECT app.deliver('p'), app.deliver('q'), casesync_internal.sharing_begin('p'), casesync_internal.sharing_begin('q'), casesync_internal.sharing_begin('nobody');
SELECT count(*) FROM (SELECT casesync.subscribe_to('p', 'enrolment', 'Member')) x;
SELECT count(*) FROM casesync_internal.take((SELECT lane FROM casesync_internal.lane WHERE partner = 'p' AND kind = 'control'));
SELECT app.try($$SELECT casesync.subscribe('p', 'enrolment', 'Member', '{"type": "UIN", "value": "U1"}')$$);
SELECT app.try($$SELECT casesync.resume_sharing('p', 'P1')$$);
SELECT severity, regexp_replace(replace(problem, session_user, '(me)'), '\d\d\d\d-\S+ \S+:\d\d', '(time)'), mend FROM casesync.health WHERE problem ~ 'suspended|stopped';
DELETE FROM app.person WHERE id = 3;
SELECT notifications AS route FROM app.route();
SELECT casesync.resume_sharing('p');
SELECT notifications AS route, app.deliver('p'), app.deliver('q') FROM app.route();
SELECT action, state FROM casesync_internal.outgoing;

-- everybody; partners and agreements that were stopped for themselves stay so
SELECT count(*) FROM casesync.stop_sharing('P2 alone', 'p', 'P2');
SELECT count(*) FROM casesync.stop_sharing('q alone', 'q');
SELECT count(*) > 0 AS sent FROM casesync.stop_sharing('everything');
SELECT agreement, state, stop_scope, stop_reason FROM casesync.agreements ORDER BY 1;
SELECT casesync.set_partner('r', 'https://r.test');
SELECT casesync_internal.is_stopped('p') AS p, casesync_internal.is_stopped('q') AS q, casesync_internal.is_stopped('r') AS r;
SELECT app.try($$SELECT casesync.resume_sharing('q')$$);
SELECT casesync.resume_sharing();
SELECT agreement, state, stop_scope FROM casesync.agreements ORDER BY 1;
SELECT casesync_internal.is_stopped('p') AS p, casesync_internal.is_stopped('q') AS q, casesync_internal.is_stopped('r') AS r;
SELECT casesync.resume_sharing('p');
SELECT agreement, state, stop_scope FROM casesync.agreements ORDER BY 1;
SELECT casesync.resume_sharing('q'), casesync.resume_sharing('p', 'P2');
SELECT agreement, state, stop_scope FROM casesync.agreements ORDER BY 1;
SELECT casesync.resume_sharing();
-- a narrower version may be activated while the old one is suspended; then nothing is left to resume
SELECT count(*) FROM casesync.stop_sharing('too much', agreement => 'Q1');
UPDATE app.person SET status = 'Exited' WHERE id = 1;
SELECT notifications AS route FROM app.route();
SELECT casesync.set_agreement('Q1', 'q', fields => '{}');
SELECT app.try($$SELECT casesync.activate('Q1')$$);
SELECT casesync.set_agreement('Q1', 'q', fields => '{nothing}');
SELECT casesync.activate('Q1');
SELECT app.try($$SELECT casesync.resume_sharing(agreement => 'Q1')$$);
SELECT notifications AS route, app.deliver('q') FROM app.route();
-- or another agreement takes its place
SELECT count(*) FROM casesync.stop_sharing('too much', agreement => 'P1');
SELECT casesync.set_agreement('P3', 'p', registries => '{people}', event_types => '{enrolment}', fields => '{nothing}', identifier_types => '{UIN}',
	subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.activate('P3');
SELECT app.try($$SELECT casesync.resume_sharing(agreement => 'P1')$$);
SELECT casesync.end_agreement('P1', 'replaced by P3');
SELECT what, about, detail - 'subscriptions' AS detail FROM casesync.audit WHERE what ~ 'sharing' ORDER BY id;

-- lookups: so many a day, for each partner; not whom
SELECT casesync.set_agreement('P2', 'p', lookups_per_day => 10);
SELECT casesync.activate('P2');
SELECT state FROM casesync.end_agreement('P3', 'over') CROSS JOIN casesync.agreements WHERE agreement = 'P3';
SELECT casesync_internal.lookup_limit('p'), casesync_internal.lookup_limit('q'), casesync_internal.lookup_limit('r'), casesync_internal.lookup_limit('nobody');
SELECT n, casesync_internal.lookup_allowed('p', n) FROM unnest('{1,6,4,3,0,1,NULL}'::integer[]) n;
SELECT casesync_internal.lookup_allowed('q', 10000), casesync_internal.lookup_allowed('q', 1), casesync_internal.lookup_allowed('r', 1), casesync_internal.lookup_allowed('nobody', 1);
SELECT partner, day = current_date AS today, lookups, refused, lookups_per_day FROM casesync.lookups ORDER BY 1;
SELECT severity, problem FROM casesync.health WHERE problem ~ 'asked' ORDER BY 2;
UPDATE casesync_internal.lookup_day SET day = day - 1;
SELECT casesync_internal.lookup_allowed('p', 10), casesync_internal.lookup_allowed('p', 1);
SELECT app.try($$SELECT casesync.set_agreement('P2', 'p', lookups_per_day => -1)$$);
SELECT casesync.set_agreement('P2', 'p', valid_from => now() + interval '1 hour');
SELECT count(*) FROM casesync.stop_sharing('x', agreement => 'P2');
SELECT casesync_internal.lookup_allowed('p', 1), casesync_internal.lookup_limit('p');
SELECT * FROM casesync.prune('0') WHERE what ~ 'lookups|rehearsals';
-- an agreement says services and event types in words that we know
SELECT app.try($$SELECT casesync.set_agreement('P2', 'p', services => '{notify,sell}')$$);
SELECT app.try($$SELECT casesync.set_agreement('P2', 'p', services => '{NULL}')$$);
SELECT app.try($$SELECT casesync.set_agreement('P2', 'p', event_types => '{"not one word"}')$$);
SELECT app.try($$SELECT casesync.set_agreement('P2', 'p', event_types => '{NULL}')$$);
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
