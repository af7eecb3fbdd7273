-- Mends of health for who may run them, and who else can; a bridge that is missed while nothing changes; who has decided.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
SELECT count(casesync.add_key('ess.test', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'));
CREATE ROLE regress_mends_watcher;
CREATE ROLE "regress_mends_ama
SELECT 1";
CREATE ROLE regress_mends_reviewer;
SELECT casesync.grant_access('regress_mends_watcher', 'reader');
INSERT INTO casesync_internal.lane_state (lane, is_stopped, reason) SELECT lane, true, 'HTTP 410' FROM casesync_internal.lane WHERE kind = 'notify';
INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, record, agreement, agreement_version, mode, state)
	SELECT 'ess.test', 'm', n, '', 'enrolment', 'Member', '{}', 'IN', 1, 'review', 'review' FROM generate_series(1, 2) n;
-- who may do all that is needed reads nothing more
SELECT mend FROM casesync.health ORDER BY mend COLLATE "C";
-- who may not reads who could, if there is anybody
SET ROLE regress_mends_watcher;
SELECT mend FROM casesync.health ORDER BY mend COLLATE "C";
RESET ROLE;
SELECT count(casesync.grant_access(role, 'admin')) FROM unnest(ARRAY[quote_ident(E'regress_mends_ama\nSELECT 1')::regrole]) role;
SELECT casesync.grant_access('regress_mends_reviewer', 'reviewer');
SET ROLE regress_mends_watcher;
SELECT mend FROM casesync.health ORDER BY mend COLLATE "C";
RESET ROLE;
-- a copy is never offered to become a second sender: of it, and of one that a bridge has met
UPDATE casesync_internal.node SET system_identifier = system_identifier + 1;
SELECT problem, mend FROM casesync.health WHERE problem ~ 'copy';
SELECT paused_reason FROM casesync_internal.bridge_start('6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0001', '0.3.0');
SELECT problem, mend FROM casesync.health WHERE problem ~ 'copy' OR mend ~ 'resume\(' AND problem !~ 'stopped';
SELECT casesync.start_as_copy() <> '' AS copy;
SELECT problem, mend FROM casesync.health WHERE problem ~ 'copy';
SELECT count(*) >= 0 AS real_one FROM casesync.resume();

-- a bridge that is missed: not in the first minutes, not while one works; and then since when
CREATE FUNCTION app.missing() RETURNS text LANGUAGE sql AS $$SELECT string_agg(severity || ' ' || regexp_replace(problem, 'since .*', 'since …'), ' ') FROM casesync.health WHERE problem ~ 'no bridge'$$;
SELECT app.missing() AS at_first;
UPDATE casesync_internal.agreement SET activated_at = now() - interval '4 minutes' WHERE state = 'active';
SELECT app.missing() AS none_yet;
INSERT INTO casesync_internal.prune_mark (part, next_at) SELECT part, now() FROM casesync_internal.prune_parts();
SELECT app.missing() AS one_works;
UPDATE casesync_internal.prune_mark SET next_at = now() - interval '2 minutes 30 s';
SELECT app.missing() AS one_is_gone;
-- one that has the router's lock may be at something long
SELECT casesync_internal.lock_router();
SELECT app.missing() AS one_is_busy;
UPDATE casesync_internal.prune_mark SET next_at = now() - interval '15 minutes';
SELECT app.missing() AS one_stands_still;
UPDATE casesync_internal.node SET paused = true, paused_reason = 'test';
SELECT app.missing() AS paused;
UPDATE casesync_internal.node SET paused = false, paused_reason = NULL;
-- what the bridge does by itself is enough
SELECT rows >= 0 AS worked FROM casesync_internal.prune_step();
SELECT app.missing() AS one_is_back;

UPDATE casesync_internal.prune_mark SET next_at = now() - interval '1 day';
SELECT app.missing() AS one_is_gone;
SELECT emptied >= 0 AS worked FROM casesync_internal.tidy();
SELECT app.missing() AS one_of_another_version;

-- who decides may be somebody whom the login names
SET SESSION AUTHORIZATION regress_mends_reviewer;
SELECT casesync.accept((SELECT min(id) FROM casesync.inbox), 'seen', decided_by => ' Ama Mensah ') ~ 'will be applied' AS accepted;
SELECT casesync.reject((SELECT max(id) FROM casesync.inbox), 'another person', decided_by => repeat('x', 300)) ~ 'is rejected' AS rejected;
SELECT decided_by, length(decider), left(decider, 10) AS decider, note FROM casesync.inbox ORDER BY id;
RESET SESSION AUTHORIZATION;
SELECT what, who, left(detail->>'decided_by', 10) AS decided_by FROM casesync.audit WHERE what ~ '^inbox' ORDER BY at;
SELECT app.try($$SELECT casesync.reject(1, ' ', 'Ama')$$);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DO $$
DECLARE
	r name;
BEGIN
	FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '^regress_mends' LOOP
		EXECUTE format('DROP OWNED BY %1$I; DROP ROLE %1$I', r);
	END LOOP;
END
$$;
