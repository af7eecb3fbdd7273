-- Who we are: the node's row, its identity, the pause and the way out of it.
CREATE EXTENSION casesync;
\i test/scene/try.sql

SELECT highest AS version FROM casesync_internal.bridge_versions() \gset

-- nothing works before the node has a name, and says so
SELECT app.try($$SELECT casesync_internal.this_node()$$);
SELECT app.try(format($$SELECT casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', %L)$$, :'version'));
SELECT app.try($$SELECT casesync.resume()$$);
SELECT app.try($$SELECT casesync.start_as_copy()$$);
SELECT casesync_internal.may_speak();
SELECT severity, problem FROM casesync.health;

-- set_node: what it refuses
SELECT app.try($$SELECT casesync.set_node('')$$);
SELECT app.try($$SELECT casesync.set_node(NULL)$$);
SELECT app.try($$SELECT casesync.set_node(repeat('x', 256))$$);
SELECT app.try($$SELECT casesync.set_node('a"b')$$);
SELECT app.try($$SELECT casesync.set_node('a|b')$$);
SELECT app.try($$SELECT casesync.set_node('sp.test', 'ftp://dci.sp.test')$$);
SELECT app.try($$SELECT casesync.set_node('sp.test', 'https://user@dci.sp.test')$$);
SELECT app.try($$SELECT casesync.set_node('sp.test', 'https://dci.sp.test/?a=b')$$);
SELECT app.try($$SELECT casesync.set_node('sp.test', locale => 'en')$$);
SELECT app.try($$SELECT casesync.set_node('sp.test', time_zone => 'Mars/Olympus')$$);
SELECT count(*) FROM casesync_internal.node;

-- set_node: defaults the first time, later what is left out stays
SET TimeZone = 'Africa/Nairobi';
SELECT casesync.set_node('sp.test', 'https://dci.sp.test/');
SELECT sender_id, base_url, key_ids, locale, time_zone, four_eyes, paused, era FROM casesync.this_node;
RESET TimeZone;
SELECT casesync.set_node('sp.test', key_ids => '{one}', locale => 'fra', four_eyes => false);
SELECT sender_id, base_url, key_ids, locale, time_zone, four_eyes, era FROM casesync.this_node;
SELECT casesync.set_node('sp2.test', time_zone => 'Europe/Berlin');
SELECT sender_id, base_url, key_ids, locale, time_zone, four_eyes, era FROM casesync.this_node;
SELECT count(*) AS nodes FROM casesync_internal.node;
SELECT octet_length(hash_key) AS hash_key_bytes FROM casesync_internal.node_secret;
SELECT what, about FROM casesync.audit ORDER BY id;
SELECT casesync_internal.may_speak();

-- a bridge that is new here is taken; from then on it is this one
SELECT app.try(format($$SELECT casesync_internal.bridge_start(NULL, %L)$$, :'version'));
SELECT sender_id, base_url, key_ids, paused, paused_reason, extension_version = (SELECT extversion FROM pg_extension WHERE extname = 'casesync') AS tells_version
  FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', :'version');
SELECT node_id FROM casesync_internal.node;
SELECT paused FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', :'version');
-- a node at work is not resumed by mistake: partners would see a break in the numbering
SELECT app.try($$SELECT casesync.resume()$$);
CREATE TABLE app.before AS SELECT era, stream FROM casesync.this_node;
-- a bridge with another node_id stands still, is asked for nothing that it has told, and health tells of it; the node goes on
SELECT sender_id, paused, paused_reason, asks FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000002', :'version', '{"name": "elsewhere"}');
SELECT app.try($$SELECT casesync_internal.bridge_start('00000000-0000-4000-8000-000000000002', '0.2.0')$$);
SELECT casesync_internal.may_speak(), (SELECT count(*) FROM casesync_internal.bridge_life) AS lives;
SELECT severity, regexp_replace(problem, 'since [-0-9: ]+:', 'since …:') AS problem, mend FROM casesync.health WHERE problem ~ 'node_id';
-- the right one goes on; while it routes nobody resumes the node by mistake, and what health says is over when the other has given up
SELECT sender_id, paused FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', :'version');
SELECT count(*) FROM casesync.health WHERE problem ~ 'node_id';
SELECT casesync_internal.lock_lane(1);
SELECT app.try($$SELECT casesync.resume()$$);
SELECT casesync_internal.unlock_lane(1);
UPDATE casesync_internal.turn_trouble_now SET at = at - interval '1 minute';
SELECT paused FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', :'version');
SELECT count(*) FROM casesync.health WHERE problem ~ 'node_id';
SELECT app.try($$SELECT casesync.resume()$$);
-- a paused node: everything stands still, and the right one does not undo it by itself
SELECT casesync_internal.pause_node('test');
SELECT paused, paused_reason FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', :'version');
SELECT casesync_internal.may_speak();
SELECT * FROM casesync_internal.route();
SELECT * FROM casesync_internal.lanes();
SELECT * FROM casesync_internal.take(1);
SELECT severity, problem, mend FROM casesync.health;
UPDATE casesync_internal.node SET paused = false, paused_reason = NULL;
-- a node that gets a new node_id: the bridge that has it has tried, and somebody says so
SELECT paused FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000002', :'version');
-- resume: a new stream; the same database, so the same era
CREATE VIEW app.people AS SELECT '1'::text AS subject_key, '{}'::jsonb AS record;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT * FROM casesync.resume();
SELECT n.paused, n.paused_reason, n.node_id, n.era - b.era AS eras, n.stream <> b.stream AS new_stream
  FROM casesync_internal.node n, app.before b;
SELECT paused FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000002', :'version');
SELECT node_id FROM casesync_internal.node;

-- another database of the same cluster, and another cluster: seen without any bridge
UPDATE casesync_internal.node SET database_oid = database_oid::bigint + 1;
SELECT casesync_internal.may_speak();
-- nothing that makes a second sender of it is offered as the mend, nor when a bridge has met it
SELECT severity, problem, mend FROM casesync.health;
SELECT paused, paused_reason FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000002', :'version');
SELECT mend FROM casesync.health WHERE problem ~ 'paused';
SELECT count(*) FROM casesync.resume();
SELECT n.paused, n.era - b.era AS eras FROM casesync.this_node n, app.before b;
UPDATE casesync_internal.node SET system_identifier = system_identifier + 1;
SELECT casesync_internal.may_speak();
SELECT count(*) FROM casesync.resume();
SELECT casesync_internal.may_speak(), n.era - b.era AS eras FROM casesync.this_node n, app.before b;

-- a copy stays silent until somebody says that it is the real one
SELECT casesync.start_as_copy();
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'paused';
SELECT paused, paused_reason FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000002', :'version');
SELECT * FROM casesync_internal.route();
SELECT what, detail FROM casesync.audit WHERE what <> 'set_node' ORDER BY id;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
