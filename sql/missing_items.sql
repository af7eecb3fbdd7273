-- A partner numbers what it sends: what never came is noticed, asked for once, and told; what comes late is missing no more.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
CREATE FUNCTION app.hear(uin text, seq integer, prev integer, stream text DEFAULT 's') RETURNS text LANGUAGE sql AS $$
	SELECT s.ack FROM app.say('notify', app.notify(app.event(gen_random_uuid()::text, app.record($1))),
		header => jsonb_build_object('meta', jsonb_build_object('stream', $4, 'items', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('seq', $2, 'prev_seq', $3)))))) s
$$;
CREATE VIEW app.gaps AS SELECT g.seq, i.subject, g.asked_at IS NOT NULL AS is_asked, g.request IS NOT NULL AS has_request
	FROM casesync_internal.inbox_gap g JOIN casesync_internal.inbox_item i ON i.id = g.item ORDER BY g.seq;
CREATE VIEW app.ill AS SELECT severity, regexp_replace(problem, 'since [0-9: -]+', 'since then') AS problem FROM casesync.health WHERE problem ~ 'never came';
SELECT count(casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member'));
SELECT app.hear('U1', 1, NULL), app.hear('U2', 2, 1), app.hear('U3', 4, 3), app.hear('U4', 8, 7);
SELECT * FROM app.gaps;
-- another stream has numbers of its own
SELECT app.hear('U5', 9, 8, 'other');
SELECT * FROM app.gaps;
-- for a minute it may be late
SELECT count(*) FROM casesync_internal.tidy();
SELECT app.hear('U3', 3, 2);
SELECT * FROM app.gaps;
SELECT * FROM app.ill;
-- without an agreement about searches it can only be told
UPDATE casesync_internal.inbox_gap SET at = at - interval '2 minutes';
SELECT count(*) FROM casesync_internal.tidy();
SELECT * FROM app.gaps;
SELECT * FROM app.ill;
SELECT casesync.dismiss_missing('ess.test');
SELECT * FROM app.ill;
-- with one, it is asked: once, about whom the next item told
SELECT casesync.set_agreement('IN2', 'ess.test', 'in', event_types => '{search}', fields => '{employment_status}', identifier_types => '{UIN}',
	apply_mode => 'review', valid_from => '2020-01-01', legal_basis => 'law') IS NOT NULL AS said, casesync.activate('IN2') IS NOT NULL AS active;
SELECT app.hear('U6', 12, 11);
UPDATE casesync_internal.inbox_gap SET at = at - interval '2 minutes';
SELECT count(*) FROM casesync_internal.tidy();
SELECT count(*) FROM casesync_internal.tidy();
SELECT * FROM app.gaps;
SELECT action, record_type, state FROM casesync.my_requests;
SELECT message #> '{search_request,0,search_criteria,query}' AS query FROM casesync_internal.outgoing WHERE action = 'search';
SELECT * FROM app.ill;
-- it is answered
UPDATE casesync_internal.my_request SET state = 'answered';
SELECT * FROM app.ill;
SET client_min_messages = warning;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
