-- One person is changed here and at a partner: what counts, what people see of it and decide, and whose word counts whatever is newer.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
\i test/scene/delivery.sql
\i test/scene/two_way.sql
CREATE VIEW app.conflicts AS SELECT key, field, ours, theirs, winner, why, state FROM casesync.conflicts ORDER BY id;
CREATE VIEW app.ill AS SELECT severity, problem FROM casesync.health WHERE problem ~ 'items of|value counts' ORDER BY 2;
INSERT INTO app.person SELECT n, 'U' || n, 'a' FROM generate_series(1, 12) n;
SELECT * FROM app.route();
SELECT count(*) FROM app.told();

-- a partner that says no versions: what it changed knowing ours is applied
SELECT app.hear('U1', 'b'), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U1';
SELECT * FROM app.route();
SELECT * FROM app.conflicts;

-- both at once, ours is newer: it stays, the partner is told it once more, and people can see both
UPDATE app.person SET status = 'ours' WHERE uin = 'U2';
SELECT * FROM app.route();
SELECT app.hear('U2', 'theirs', ago => 60), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U2';
SELECT * FROM app.route();
SELECT * FROM app.told();
SELECT * FROM app.conflicts;
SELECT * FROM app.ill;
-- it says so again: not to be told for ever
SELECT app.hear('U2', 'theirs', ago => 60), app.apply_all();
SELECT * FROM app.route();
SELECT * FROM app.told();

-- both at once, theirs is newer: it is applied, and told to the partner, which may hold ours by now
UPDATE app.person SET status = 'ours' WHERE uin = 'U3';
SELECT * FROM app.route();
SELECT app.hear('U3', 'theirs'), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U3';
SELECT * FROM app.route();
-- what we told comes back, as if it were new, before it has what counts: nothing
SELECT app.hear('U3', 'ours'), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U3';
SELECT count(*) FROM app.route();
SELECT * FROM app.told();
SELECT * FROM app.conflicts WHERE key = '3';
-- said knowing what counts, it is a change like any other
SELECT app.hear('U3', 'ours'), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U3';

-- out of order: what is older than what it told before is not applied
SELECT app.hear('U4', 'second'), app.hear('U4', 'first', ago => 3600), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U4';
SELECT state, reason FROM casesync.inbox WHERE record->>'employment_status' = 'first';

-- a partner's clock is an hour ahead of ours, as it says itself: its change is not newer for that
UPDATE app.person SET status = 'ours' WHERE uin = 'U5';
SELECT * FROM app.route();
SELECT s.ack FROM app.say('notify', app.notify(app.event('ahead', app.record('U5', 'theirs')) || jsonb_build_object('timestamp', clock_timestamp() + interval '59 min')),
	header => jsonb_build_object('message_ts', clock_timestamp() + interval '1 hour')) s;
SELECT app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U5';
-- a partner that does not say when: nobody can tell, and a person decides
UPDATE app.person SET status = 'ours' WHERE uin = 'U6';
SELECT * FROM app.route();
SELECT s.ack FROM app.say('notify', app.notify(app.event('timeless', app.record('U6', 'theirs')) - 'timestamp')) s;
SELECT app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U6';
SELECT * FROM app.conflicts WHERE key = '6';
SELECT * FROM app.ill;
SELECT app.try($$SELECT casesync.decide_conflict(0, 'theirs')$$), regexp_replace(app.try($$SELECT casesync.decide_conflict(id, 'nobody') FROM casesync.conflicts WHERE key = '6'$$), '\(\d+', '(id');
SELECT casesync.decide_conflict(id, 'theirs', 'seen') LIKE 'the value of ess.test counts in conflict %' AS decided FROM casesync.conflicts WHERE key = '6';
SELECT app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U6';
SELECT winner, why, state, decided_by IS NOT NULL AS by_a_person, note FROM casesync.conflicts WHERE key = '6';
SELECT * FROM app.ill;
SELECT count(*) FROM app.route();
SELECT * FROM app.told() WHERE uin = 'U6';
SELECT app.try($$SELECT casesync.decide_conflict(id, 'ours') FROM casesync.conflicts WHERE key = '6'$$) LIKE '%is decided%' AS once;
-- ours after all, where it stands: it is said anew
SELECT casesync.decide_conflict(id, 'ours') LIKE 'our value counts in conflict %' AS decided FROM casesync.conflicts WHERE key = '2';
SELECT count(*) FROM app.route();
SELECT * FROM app.told();

-- with versions: the newest counts, on both sides; what replaced ours is no conflict
UPDATE app.person SET status = 'ours' WHERE uin IN ('U7', 'U8');
SELECT * FROM app.route();
SELECT app.hear('U7', 'newer', 0, true, over => 0), app.hear('U8', 'older', 3600, true, over => 7200), app.apply_all();
SELECT * FROM app.statuses WHERE uin IN ('U7', 'U8');
SELECT * FROM app.conflicts WHERE key IN ('7', '8');
-- far in the future: a day at most, and a change here counts after it all the same
SELECT app.hear('U7', 'of 2100', -2400000000, true, over => 0), app.apply_all();
UPDATE app.person SET status = 'after 2100' WHERE uin = 'U7';
SELECT * FROM app.route();
SELECT app.hear('U7', 'now', 0, true, over => 0), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U7';

-- nobody has changed it on either side since they began: neither is newer, and people are to know
CREATE FUNCTION app.hear_unchanged(uin text, status text) RETURNS text LANGUAGE sql AS $$
	SELECT s.ack FROM app.say('notify', app.notify(app.event(gen_random_uuid()::text, app.record($1, $2))),
		header => '{"meta": {"items": [{"changed": {"employment_status": [0, "", null]}}]}}') s
$$;
ALTER TABLE app.person DISABLE TRIGGER USER;
INSERT INTO app.person VALUES (14, 'U14', 'a'), (15, 'U15', 'a');
ALTER TABLE app.person ENABLE TRIGGER USER;
DELETE FROM casesync_internal.version_seed;
SELECT * FROM app.route();
SELECT (fields->'employment_status') - 0 AS changed FROM casesync_internal.field_version WHERE key IN ('14', '15');
SELECT app.hear_unchanged('U14', 'theirs'), app.hear_unchanged('U15', 'a'), app.apply_all();
SELECT * FROM app.statuses WHERE uin IN ('U14', 'U15');
SELECT * FROM app.conflicts WHERE key IN ('14', '15');
SELECT (fields->'employment_status') - 0 AS changed FROM casesync_internal.field_version WHERE key IN ('14', '15');
-- what anybody has changed since counts, whenever that is told
SELECT app.hear('U15', 'theirs', 3600, true, over => 1000000000), app.hear_unchanged('U15', 'a'), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U15';
SELECT * FROM app.conflicts WHERE key = '15';
SELECT casesync.decide_conflict(id, 'ours') LIKE 'our value counts in conflict %' AS decided FROM casesync.conflicts WHERE key = '14';
SELECT * FROM app.route();
SELECT * FROM app.told();
DELETE FROM app.person WHERE id > 12;

-- authority: what it may not change is not changed, however new, and it is told what counts
SELECT app.try($$SELECT casesync.set_authority('nothing', 'employment_status', 'sp.test')$$), app.try($$SELECT casesync.set_authority('people', 'a..b', 'sp.test')$$),
	app.try($$SELECT casesync.set_authority('people', 'employment_status', 'nobody.test')$$);
SELECT casesync.set_authority('people', 'employment_status', 'sp.test');
SELECT * FROM app.told() WHERE false;
SELECT app.hear('U9', 'theirs'), app.hear('U10', 'theirs', 0, true, over => 0), app.apply_all();
SELECT * FROM app.statuses WHERE uin IN ('U9', 'U10');
SELECT * FROM app.conflicts WHERE key IN ('9', '10');
SELECT count(*) FROM app.route();
SELECT * FROM app.told() ORDER BY 1;
-- it claims it as well: people must end that
SELECT app.hear('U10', 'theirs', 0, true, over => 100000), app.hear('U10', 'theirs', -60, true, over => 100000), app.apply_all();
SELECT * FROM app.conflicts WHERE key = '10';
SELECT * FROM app.ill;
-- theirs is the word: it counts also when ours is newer
SELECT casesync.set_authority('people', 'employment_status', 'ess.test');
UPDATE app.person SET status = 'ours' WHERE uin = 'U11';
SELECT * FROM app.route();
SELECT app.hear('U11', 'theirs', 60), app.apply_all();
SELECT * FROM app.statuses WHERE uin = 'U11';
SELECT * FROM app.conflicts WHERE key = '11';
SELECT registry, field, owner FROM casesync.authorities;
SELECT casesync.set_authority('people', 'employment_status', NULL);

-- two of ours have its identifiers: a person says who it is
INSERT INTO app.person VALUES (13, 'U12', 'a');
SELECT * FROM app.route();
SELECT app.hear('U12', 'b'), app.apply_all();
SELECT state, reason FROM casesync.inbox ORDER BY id DESC LIMIT 1;

-- forgotten with the person, and when it was settled long ago
SELECT count(*) FROM casesync_internal.conflict WHERE key = '6';
SELECT count(*) FROM casesync.erase('people', '6', 'asked to be forgotten');
SELECT count(*) FROM casesync_internal.conflict WHERE key = '6';
SELECT count(*) FROM casesync_internal.field_version WHERE key = '6';
SELECT count(*) FROM casesync.prune('0');
SELECT * FROM app.conflicts;
SET client_min_messages = warning;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
