-- Health, check, views of readers; which access may do what.
CREATE EXTENSION casesync;
\i test/scene/try.sql
CREATE VIEW app.health AS SELECT severity, problem FROM casesync.health;
CREATE FUNCTION app.checked() RETURNS text LANGUAGE sql AS 'SELECT status FROM casesync.check()';
-- every problem appears and disappears with its cause
SELECT * FROM app.health;
SELECT status, message FROM casesync.check();
\i test/scene/person.sql
\i test/scene/partner.sql
SELECT * FROM app.health;
UPDATE casesync_internal.node SET four_eyes = true;
SELECT * FROM app.health;
SELECT count(casesync.add_key('ess.test', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'));
SELECT * FROM app.health;
SELECT * FROM casesync.check();
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', signature => 'unsigned_accepted')) s;
SELECT *, app.checked() FROM app.health;
SELECT count(*) FROM (SELECT casesync.set_partner('ess.test', signature => 'required')) s;
UPDATE casesync_internal.node SET paused = true, paused_reason = 'test';
SELECT *, app.checked() FROM app.health;
UPDATE casesync_internal.node SET paused = false, paused_reason = NULL;
UPDATE casesync_internal.agreement SET valid_to = now() + interval '3 days';
SELECT severity, problem ~ '^agreement OUT ends on' AS ends, app.checked() FROM app.health;
UPDATE casesync_internal.agreement SET valid_to = now() - interval '1 second';
SELECT severity, problem ~ '^agreement OUT ends on' AS ends, app.checked() FROM app.health;
UPDATE casesync_internal.agreement SET valid_to = 'infinity';
INSERT INTO casesync_internal.lane_state (lane, attempt, reason) SELECT lane, 3, 'HTTP 503' FROM casesync_internal.lane WHERE kind = 'notify';
SELECT *, app.checked() FROM app.health;
UPDATE casesync_internal.lane_state SET is_stopped = true, reason = 'HTTP 410';
SELECT *, app.checked() FROM app.health;
SELECT casesync.resume_sharing('ess.test');
ALTER TABLE app.person DISABLE TRIGGER ALL;
SELECT severity, problem ~ '^tracking 1 of app.person' AS drift, app.checked() FROM app.health;
ALTER TABLE app.person ENABLE TRIGGER ALL;
SELECT casesync.fill_gap(gap) FROM casesync.gaps;
INSERT INTO casesync_internal.quarantine_entry (registry, key, event_type, reason, error_code) VALUES ('people', '1', 'enrolment', 'Jane Doe', '22P02');
SELECT severity, regexp_replace(problem, 'since .*', 'since …') FROM app.health;
DELETE FROM casesync_internal.quarantine_entry;
INSERT INTO casesync_internal.inbox_item (partner, message_id, item, content_hash, event_type, record_type, record, agreement, agreement_version, mode, state, reason, error_code)
	VALUES ('ess.test', 'm', 1, '', 'enrolment', 'Member', '{"name": "Jane Doe"}', 'IN', 1, 'review', 'review', 'Jane Doe', NULL),
	('ess.test', 'm', 2, '', 'enrolment', 'Member', '{"name": "Jane Doe"}', 'IN', 1, 'review', 'failed', 'Jane Doe', '22012');
SELECT * FROM app.health;
SELECT casesync.reject(id, 'test') FROM casesync.inbox;
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member', '{"type": "UIN", "value": "Jane Doe"}') <> '' AS subscribed;
INSERT INTO app.person VALUES (1, 'Jane Doe', 'Jane Doe');
SELECT changes, notifications FROM casesync_internal.route();
UPDATE casesync_internal.notification SET state = 'dead', state_reason = 'HTTP 400';
SELECT *, app.checked() FROM app.health;
SELECT casesync.discard(reference_id, 'test') FROM casesync.dead_letter;
INSERT INTO app.person VALUES (2, 'Jane Doe', 'x');
UPDATE casesync_internal.change_0 SET at = now() - interval '1 hour';
SELECT severity, regexp_replace(problem, 'since .*', 'since …'), app.checked() FROM app.health;
SELECT sum(changes) FROM casesync_internal.route();
UPDATE casesync_internal.notification SET at = now() - interval '10 minutes' WHERE state = 'due';
SELECT status, regexp_replace(message, '\d\d:\d\d:\d\d', '(time)') FROM casesync.check();
SELECT status FROM casesync.check('1 hour', '2 hours');
SELECT status FROM casesync.check('1 min', '5 min');
SELECT * FROM app.health;

-- rights: every name in the lists exists (what everybody may do, and what is dumped, is in house_rules)
SELECT access, object FROM casesync_internal.access_right r WHERE CASE WHEN object ~ ' ON '
	THEN coalesce(to_regclass('casesync.' || quote_ident(split_part(object, ' ON ', 2))),
		to_regclass('casesync_internal.' || quote_ident(split_part(object, ' ON ', 2)))) IS NULL
	ELSE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND p.proname = object) END ORDER BY 1, 2;

-- one role per access
DO $$
DECLARE
	a text;
BEGIN
	FOR a IN SELECT DISTINCT access FROM casesync_internal.access_right LOOP
		EXECUTE format('CREATE ROLE regress_grants_%s', a);
		PERFORM casesync.grant_access(format('regress_grants_%s', a)::regrole, a);
	END LOOP;
	CREATE ROLE regress_grants_none;
	GRANT USAGE ON SCHEMA app TO PUBLIC;
END
$$;
CREATE FUNCTION app.as_role(access text, sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE regress_grants_%s', access);
	EXECUTE sql;
	RESET ROLE;
	RETURN 'y';
EXCEPTION WHEN insufficient_privilege THEN
	RESET ROLE;
	RETURN '.';
WHEN OTHERS THEN
	RESET ROLE;
	RETURN 'y';
END
$$;
-- y: may call it (whatever comes of that), . : permission denied
SELECT w, string_agg(app.as_role(a, w), ' ' ORDER BY n) AS "none types publisher admin approver bridge reviewer auditor reader"
  FROM unnest(ARRAY['SELECT casesync.code(''Active''::casesync.enrolment_status)', 'SELECT casesync.map_code(NULL, NULL, NULL::casesync.sex)', 'SELECT casesync.publish(NULL, NULL, NULL)',
	'SELECT casesync.on_notify(NULL, NULL, NULL)', 'SELECT casesync.set_node(NULL)', 'SELECT casesync.resume()', 'SELECT casesync.set_partner(NULL)',
	'SELECT casesync.add_key(NULL, NULL)', 'SELECT casesync.drop_partner(NULL)', 'SELECT casesync.set_agreement(NULL, NULL)', 'SELECT casesync.activate(NULL)',
	'SELECT casesync.end_agreement(NULL, NULL)', 'SELECT casesync.preview(NULL)', 'SELECT casesync.subscribe(NULL, NULL, NULL)', 'SELECT casesync.unsubscribe(NULL)',
	'SELECT casesync.approve(NULL)', 'SELECT casesync.refuse(NULL, NULL)', 'SELECT casesync.subscribe_to(NULL, NULL, NULL)', 'SELECT casesync.unsubscribe_at(NULL, NULL)',
	'SELECT casesync.retry(NULL)', 'SELECT casesync.discard(NULL, NULL)', 'SELECT casesync.retry_inbox(0)', 'SELECT casesync.retry_quarantine()', 'SELECT casesync.resume_sharing(NULL)',
	'SELECT casesync.prune(NULL)', 'SELECT casesync.grant_access(NULL, NULL)', 'SELECT casesync.check()', 'SELECT casesync_internal.bridge_start(NULL, NULL)', 'SELECT casesync_internal.lock_router()',
	'SELECT casesync_internal.route(0)', 'SELECT casesync_internal.apply_inbox()', 'SELECT casesync_internal.lanes()', 'SELECT casesync_internal.take(NULL)', 'SELECT casesync_internal.record_outcome(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)',
	'SELECT casesync_internal.authenticate(NULL, NULL, NULL)', 'SELECT casesync_internal.receive(NULL, NULL, NULL, NULL, NULL)', 'SELECT casesync_internal.tidy()', 'SELECT casesync.accept(0)', 'SELECT casesync.reject(0, NULL)',
	'SELECT casesync.disclosures(NULL, NULL)', 'SELECT casesync_internal.set_origin(1)', 'SELECT casesync_internal.pause_node(NULL)',
	'SELECT casesync_internal.audit_note(NULL, NULL)', 'SELECT casesync_internal.enqueue(NULL, NULL, NULL, NULL, NULL)', 'SELECT casesync_internal.take_outgoing(NULL, NULL, NULL)']) WITH ORDINALITY u(w, i)
 CROSS JOIN unnest(ARRAY['none', 'types', 'publisher', 'admin', 'approver', 'bridge', 'reviewer', 'auditor', 'reader']) WITH ORDINALITY r(a, n)
 GROUP BY i, w ORDER BY i;
SELECT count(*) AS users_of_owners_rights FROM pg_proc p CROSS JOIN pg_roles r WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
	AND p.proname IN ('apply_call', 'owner_query', 'set_origin', 'lock_for_transaction', 'lane_set', 'store_item') AND r.rolname ~ '^regress_grants' AND has_function_privilege(r.oid, p.oid, 'EXECUTE');
SELECT c.relname, string_agg(app.as_role(a, format('SELECT FROM %s LIMIT 0', c.oid::regclass)), ' ' ORDER BY n) AS "none types publisher admin approver bridge reviewer auditor reader"
  FROM pg_class c CROSS JOIN unnest(ARRAY['none', 'types', 'publisher', 'admin', 'approver', 'bridge', 'reviewer', 'auditor', 'reader']) WITH ORDINALITY r(a, n)
 WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND c.relkind IN ('r', 'v')
 GROUP BY c.relname HAVING string_agg(app.as_role(a, format('SELECT FROM %s LIMIT 0', c.oid::regclass)), '' ORDER BY n) ~ 'y' ORDER BY c.relname COLLATE "C";
-- whoever may read a view may use the functions in it: not one is left over
INSERT INTO casesync_internal.lookup_day (partner, day, worker, lookups) VALUES ('ess.test', current_date, 0, 1);
INSERT INTO casesync_internal.client_failure (kind, bucket, failures, last_at) VALUES ('client', 0, 1, now());
SELECT c.relname, a AS cannot_read_it
  FROM pg_class c CROSS JOIN unnest(ARRAY['publisher', 'admin', 'approver', 'reviewer', 'auditor', 'reader']) a
 WHERE c.relnamespace = 'casesync'::regnamespace AND c.relkind = 'v' AND has_table_privilege('regress_grants_' || a, c.oid, 'SELECT')
	AND app.as_role(a, format('SELECT * FROM %s', c.oid::regclass)) <> 'y' ORDER BY c.relname COLLATE "C", a;
DELETE FROM casesync_internal.lookup_day; DELETE FROM casesync_internal.client_failure;
-- nothing that a reader can read names a person (all content here says Jane Doe)
CREATE FUNCTION app.leaks(relation regclass) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	found boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE t::text ~ ''Jane Doe'')', relation) INTO found;
	RETURN found;
END
$$;
INSERT INTO casesync_internal.quarantine_entry (registry, key, event_type, reason, error_code) VALUES ('people', 'Jane Doe', 'enrolment', 'Jane Doe', '22P02');
SELECT count(casesync.subscribe_to('ess.test', 'enrolment', 'Member', '{"type": "UIN", "value": "Jane Doe"}'));
UPDATE casesync_internal.my_subscription SET reason = 'rjct.notify_details.invalid: no such person Jane Doe';
SELECT c.oid::regclass AS leaks_to_readers FROM pg_class c WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND c.relkind IN ('r', 'v')
	AND has_table_privilege('regress_grants_reader', c.oid, 'SELECT') AND app.leaks(c.oid) ORDER BY 1;
SELECT count(*) > 0 AS test_can_fail FROM pg_class c WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND c.relkind IN ('r', 'v')
	AND has_table_privilege('regress_grants_auditor', c.oid, 'SELECT') AND app.leaks(c.oid);
-- accesses overlap: taking one leaves the other whole; the last one takes the schema with it
SELECT app.try($$SELECT casesync.grant_access('regress_grants_none', 'everything')$$);
SELECT app.try($$SELECT casesync.grant_access(NULL, 'reader')$$);
SELECT casesync.grant_access('regress_grants_none', 'admin'), casesync.grant_access('regress_grants_none', 'approver');
SELECT casesync.revoke_access('regress_grants_none', 'admin');
SELECT app.as_role('none', 'SELECT casesync.approve(NULL)') AS approve, app.as_role('none', 'SELECT casesync.set_node(NULL)') AS set_node,
	app.as_role('none', 'SELECT FROM casesync.partners') AS partners, app.as_role('none', 'SELECT FROM casesync.health') AS health;
SELECT casesync.revoke_access('regress_grants_none', 'approver');
SELECT app.as_role('none', 'SELECT casesync.approve(NULL)') AS approve, has_schema_privilege('regress_grants_none', 'casesync', 'USAGE') AS schema;
-- a role of that name that was dropped and made anew, maybe for somebody else, does not get it back
SELECT casesync.grant_access('regress_grants_none', 'admin');
DROP OWNED BY regress_grants_none;
DROP ROLE regress_grants_none;
CREATE ROLE regress_grants_none;
SELECT casesync.grant_access('regress_grants_none', 'types');
SELECT casesync.revoke_access('regress_grants_none', 'types');
SELECT app.as_role('none', 'SELECT casesync.set_node(NULL)') AS set_node, has_schema_privilege('regress_grants_none', 'casesync', 'USAGE') AS schema;
-- the owner keeps what is its own, whose rights are revoked that it was never given
SELECT casesync.revoke_access(current_user::regrole, 'types') IS NOT NULL AS revoked;
SELECT count(*) AS functions, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = p.proowner)) AS lost
  FROM pg_proc p WHERE p.oid = 'casesync.label(anyelement)'::regprocedure;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DO $$
DECLARE
	a text;
BEGIN
	FOREACH a IN ARRAY '{none,types,publisher,admin,approver,bridge,reviewer,auditor,reader}'::text[] LOOP
		EXECUTE format('DROP OWNED BY regress_grants_%1$s; DROP ROLE regress_grants_%1$s', a);
	END LOOP;
END
$$;
