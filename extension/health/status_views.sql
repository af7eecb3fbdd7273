/*
 * Views run with the extension's rights on its tables, which nobody else may read: what a view
 * leaves out, its readers never see. Records, filters and subject keys are in none that "reader"
 * gets.
 */
CREATE OR REPLACE VIEW casesync.queue AS
	SELECT l.partner, l.kind, q.due, q.oldest, l.in_flight, l.failed_attempts, l.next_attempt,
		l.is_stopped, l.reason,
		l.address, CASE WHEN l.kind = 'notify' AND l.address = '' THEN (SELECT count(*)
			FROM casesync_internal.compacted c
			JOIN casesync_internal.subscription s ON s.id = c.subscription
		   WHERE s.partner = l.partner AND c.is_waiting) END AS compacted
	  FROM casesync.lane_status l
	 CROSS JOIN LATERAL (
		SELECT count(*) AS due, min(n.at) AS oldest FROM casesync_internal.notification n
		 WHERE l.kind = 'notify' AND n.lane = l.lane AND n.state = 'due' AND n.place >= 0
		HAVING l.kind = 'notify'
		UNION ALL
		SELECT count(*), min(o.created_at) FROM casesync_internal.outgoing o
		 WHERE l.kind = 'control' AND o.lane = l.lane AND o.state = 'due'
		HAVING l.kind = 'control') q;
COMMENT ON VIEW casesync.queue IS 'what waits for each partner';
COMMENT ON COLUMN casesync.queue.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.queue.kind IS 'notify, or control: requests and callbacks';
COMMENT ON COLUMN casesync.queue.due IS 'how many items wait';
COMMENT ON COLUMN casesync.queue.oldest IS 'since when the oldest of them has waited';
COMMENT ON COLUMN casesync.queue.in_flight IS 'whether a message is under way';
COMMENT ON COLUMN casesync.queue.failed_attempts IS 'how often in a row the message has failed';
COMMENT ON COLUMN casesync.queue.next_attempt IS 'when it is tried again';
COMMENT ON COLUMN casesync.queue.is_stopped IS 'whether it waits for resume_sharing()';
COMMENT ON COLUMN casesync.queue.reason IS 'why the last attempt failed, or why it is stopped';
COMMENT ON COLUMN casesync.queue.address IS
	'scheme, host and port that the messages go to; empty: the registered ones';
COMMENT ON COLUMN casesync.queue.compacted IS
	'of the registered address: how many subjects more wait at any of the partner''s, of which '
	'only the newest state will be told, since too many waited';

/*
 * detail is the bridge's own: a partner's words may quote a record. They are for who may read them
 * where they are kept (access "admin"), and not for readers.
 */
CREATE OR REPLACE VIEW casesync.attempts AS
	SELECT l.partner, l.kind, a.message_id, a.started_at, a.ended_at, a.items, a.verdict,
		a.http_status,
		a.ack_status, a.error_code,
		coalesce(n.cause || coalesce(' (' || nullif(a.detail, n.cause) || ')', ''), a.detail)
			AS detail,
		CASE WHEN has_table_privilege('casesync_internal.lane_note', 'SELECT') THEN n.answer END
			AS answer
	  FROM casesync_internal.attempt a
	  JOIN casesync_internal.lane l ON l.lane = a.lane
	  LEFT JOIN LATERAL (SELECT x.cause, x.answer FROM casesync_internal.lane_note x
		WHERE x.lane = a.lane AND x.message_id = a.message_id ORDER BY x.id DESC LIMIT 1) n ON true;
COMMENT ON VIEW casesync.attempts IS 'every POST and how it ended';
COMMENT ON COLUMN casesync.attempts.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.attempts.kind IS 'notify, or control: requests and callbacks';
COMMENT ON COLUMN casesync.attempts.message_id IS 'the message''s id';
COMMENT ON COLUMN casesync.attempts.started_at IS 'when it was sent';
COMMENT ON COLUMN casesync.attempts.ended_at IS 'when it was answered, or given up';
COMMENT ON COLUMN casesync.attempts.items IS 'how many items were in it';
COMMENT ON COLUMN casesync.attempts.verdict IS
	'what came of it: delivered, retry, refused or stop';
COMMENT ON COLUMN casesync.attempts.http_status IS 'the answer''s status; NULL: there was none';
COMMENT ON COLUMN casesync.attempts.ack_status IS 'the answer''s acknowledgement: ACK, NACK or ERR';
COMMENT ON COLUMN casesync.attempts.error_code IS 'the standard''s code, or what failed on the way';
COMMENT ON COLUMN casesync.attempts.detail IS
	'what failed, and what came of it, in the bridge''s words';
COMMENT ON COLUMN casesync.attempts.answer IS
	'of the last twenty at an address that did not arrive: what the partner wrote, at most 500 '
	'characters; for the access admin only, since it may quote a record';

CREATE OR REPLACE VIEW casesync.dead_letter AS
	SELECT n.reference_id, l.partner, n.registry, n.event_type, n.at, n.state_reason AS reason,
		s.code
	  FROM casesync_internal.notification n
	  JOIN casesync_internal.lane l ON l.lane = n.lane
	  JOIN casesync_internal.subscription s ON s.id = n.subscription
	 WHERE n.state = 'dead'
	UNION ALL
	SELECT o.reference_id, l.partner, NULL, o.action, o.created_at, o.state_reason, NULL
	  FROM casesync_internal.outgoing o JOIN casesync_internal.lane l ON l.lane = o.lane
	 WHERE o.state = 'dead';
COMMENT ON VIEW casesync.dead_letter IS
	'notifications, and requests and callbacks (no registry), that a partner refused for good: '
	'retry() or discard() them';
COMMENT ON COLUMN casesync.dead_letter.reference_id IS 'for retry() and discard()';
COMMENT ON COLUMN casesync.dead_letter.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.dead_letter.registry IS
	'the registry of a notification; NULL: a request or callback';
COMMENT ON COLUMN casesync.dead_letter.event_type IS
	'the event type of a notification, or the action of a message';
COMMENT ON COLUMN casesync.dead_letter.at IS 'since when it waits';
COMMENT ON COLUMN casesync.dead_letter.reason IS 'why it was refused';
COMMENT ON COLUMN casesync.dead_letter.code IS 'the subscription of a notification';

CREATE OR REPLACE VIEW casesync.quarantine AS
	SELECT q.id, q.registry, q.key, nullif(q.tracking, 0) AS tracking, q.event_type, q.error_code,
		q.reason, q.at,
		q.tries, q.mark IS NULL AS is_requested
	  FROM casesync_internal.quarantine_entry q;
COMMENT ON VIEW casesync.quarantine IS
	'subjects that cannot be rendered now, and why; for auditors, since reasons may quote content';
COMMENT ON COLUMN casesync.quarantine.id IS 'number of the entry';
COMMENT ON COLUMN casesync.quarantine.registry IS 'the registry';
COMMENT ON COLUMN casesync.quarantine.key IS
	'the subject key, or the row''s key while the subjects are not known';
COMMENT ON COLUMN casesync.quarantine.tracking IS
	'the tracking whose subjects cannot be found; NULL: the subject is known';
COMMENT ON COLUMN casesync.quarantine.event_type IS 'the event that waits';
COMMENT ON COLUMN casesync.quarantine.error_code IS 'SQLSTATE';
COMMENT ON COLUMN casesync.quarantine.reason IS 'the error''s text, which may quote content';
COMMENT ON COLUMN casesync.quarantine.at IS 'since when';
COMMENT ON COLUMN casesync.quarantine.tries IS 'how often it was tried';
COMMENT ON COLUMN casesync.quarantine.is_requested IS 'whether somebody asked to try it again';

/*
 * For everybody who watches; the view before it is for auditors, since reasons quote what could not
 * be read.
 */
CREATE OR REPLACE VIEW casesync.quarantined AS
	SELECT q.registry, q.error_code, count(*) AS subjects, min(q.at) AS oldest
	  FROM casesync_internal.quarantine_entry q
	 GROUP BY q.registry, q.error_code;
COMMENT ON VIEW casesync.quarantined IS 'how many subjects of each registry cannot be rendered now';
COMMENT ON COLUMN casesync.quarantined.registry IS 'the registry';
COMMENT ON COLUMN casesync.quarantined.error_code IS 'SQLSTATE';
COMMENT ON COLUMN casesync.quarantined.subjects IS 'how many subjects wait';
COMMENT ON COLUMN casesync.quarantined.oldest IS 'since when the first of them has waited';

CREATE OR REPLACE VIEW casesync.inbox AS
	SELECT i.id, i.partner, i.event_type, i.record_type, i.record, i.state, i.reason, i.error_code,
		i.mode,
		i.reference_id, i.sent_at, i.received_at, i.tries, i.next_try, i.decided_by, i.decided_at,
			i.note, i.applied_at, CASE WHEN i.state = 'new'
			THEN casesync_internal.inbox_waits_for(i.id) END AS waits_for, i.decider
	  FROM casesync_internal.inbox_item i;
COMMENT ON VIEW casesync.inbox IS 'what partners told us, with content: for reviewers and auditors';
COMMENT ON COLUMN casesync.inbox.id IS 'for accept() and reject()';
COMMENT ON COLUMN casesync.inbox.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.inbox.event_type IS 'what it tells of';
COMMENT ON COLUMN casesync.inbox.record_type IS 'the record''s type';
COMMENT ON COLUMN casesync.inbox.record IS 'the agreed part of the record';
COMMENT ON COLUMN casesync.inbox.state IS
	'new, applied, ignored, observed, review, rejected or failed';
COMMENT ON COLUMN casesync.inbox.reason IS 'why it is in this state';
COMMENT ON COLUMN casesync.inbox.error_code IS 'SQLSTATE of the apply function''s error';
COMMENT ON COLUMN casesync.inbox.mode IS
	'what the agreement says is done with it: auto, review or observe';
COMMENT ON COLUMN casesync.inbox.reference_id IS 'the partner''s id of the notification';
COMMENT ON COLUMN casesync.inbox.sent_at IS 'when the partner says it was sent';
COMMENT ON COLUMN casesync.inbox.received_at IS 'when it came';
COMMENT ON COLUMN casesync.inbox.tries IS 'how often it was applied without success';
COMMENT ON COLUMN casesync.inbox.next_try IS 'when it is tried again';
COMMENT ON COLUMN casesync.inbox.decided_by IS 'the login that accepted or rejected it';
COMMENT ON COLUMN casesync.inbox.decided_at IS 'when';
COMMENT ON COLUMN casesync.inbox.note IS 'what was noted with it';
COMMENT ON COLUMN casesync.inbox.applied_at IS 'when it was applied';
COMMENT ON COLUMN casesync.inbox.waits_for IS
	'of a new one: what is done first: an older item of its subject, its next try, or the bridge';
COMMENT ON COLUMN casesync.inbox.decider IS
	'who decided, as that login said: of one that several persons share';

CREATE OR REPLACE VIEW casesync.received AS
	SELECT i.partner, i.event_type, i.state, count(*) AS items, max(i.received_at) AS newest
	  FROM casesync_internal.inbox_item i GROUP BY i.partner, i.event_type, i.state;
COMMENT ON VIEW casesync.received IS 'how many items partners sent us, and what became of them';
COMMENT ON COLUMN casesync.received.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.received.event_type IS 'what it told of';
COMMENT ON COLUMN casesync.received.state IS
	'what became of it: new, applied, ignored, observed, review, rejected or failed';
COMMENT ON COLUMN casesync.received.items IS 'how many';
COMMENT ON COLUMN casesync.received.newest IS 'when the newest came';

CREATE OR REPLACE VIEW casesync.disclosed AS
	SELECT d.id, d.partner, d.registry, d.key, d.at, d.way, d.agreement, d.agreement_version,
		d.reference_id, d.outcome, d.asked
	  FROM casesync_internal.disclosure d;
COMMENT ON VIEW casesync.disclosed IS 'who was told about whom, when, under which agreement';
COMMENT ON COLUMN casesync.disclosed.id IS 'number of the entry';
COMMENT ON COLUMN casesync.disclosed.partner IS 'who was told';
COMMENT ON COLUMN casesync.disclosed.registry IS 'the registry';
COMMENT ON COLUMN casesync.disclosed.key IS
	'the subject key; a keyed hash once the person is erased';
COMMENT ON COLUMN casesync.disclosed.at IS 'when it was sent first';
COMMENT ON COLUMN casesync.disclosed.way IS
	'notify, search, check_enrollment, or count: told that it is one of so many, without a record';
COMMENT ON COLUMN casesync.disclosed.agreement IS 'under which agreement';
COMMENT ON COLUMN casesync.disclosed.agreement_version IS 'and which version';
COMMENT ON COLUMN casesync.disclosed.reference_id IS 'the id of the notification or answer';
COMMENT ON COLUMN casesync.disclosed.outcome IS
	'attempted, delivered, refused, or not_sent: it never left';
COMMENT ON COLUMN casesync.disclosed.asked IS
	'what the partner asked or wished by, beyond the fields of a record: that this holds is told';

/* How many, never whom: what a partner asks for is about people too. */
CREATE OR REPLACE VIEW casesync.lookups AS
	SELECT d.partner, d.day, sum(d.lookups)::bigint AS lookups, sum(d.refused)::bigint AS refused,
		casesync_internal.lookup_limit(d.partner) AS lookups_per_day
	  FROM casesync_internal.lookup_day d GROUP BY d.partner, d.day;
COMMENT ON VIEW casesync.lookups IS
	'how many people each partner has asked for in a day, and how often it was refused more';
COMMENT ON COLUMN casesync.lookups.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.lookups.day IS 'the day';
COMMENT ON COLUMN casesync.lookups.lookups IS 'how many people it asked for';
COMMENT ON COLUMN casesync.lookups.refused IS 'how many it asked for beyond what it may';
COMMENT ON COLUMN casesync.lookups.lookups_per_day IS 'how many it may ask for';

CREATE OR REPLACE VIEW casesync.stored AS
	SELECT d.partner, d.day, sum(d.bytes)::bigint AS bytes, sum(d.refused)::bigint AS refused,
		p.max_bytes_per_day,
		(SELECT sum(k.bytes)::bigint FROM casesync_internal.stored_day k
		  WHERE k.partner = d.partner AND k.day <= d.day) AS kept, p.max_bytes
	  FROM casesync_internal.stored_day d
	  JOIN casesync_internal.partner p ON p.partner = d.partner
	 GROUP BY d.partner, d.day, p.partner;
COMMENT ON VIEW casesync.stored IS
	'how many bytes are kept of what each partner sent or asked for on a day';
COMMENT ON COLUMN casesync.stored.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.stored.day IS 'the day, in UTC';
COMMENT ON COLUMN casesync.stored.bytes IS
	'bytes that came in and are kept, less those of answers that it has taken';
COMMENT ON COLUMN casesync.stored.refused IS 'how many messages were refused for their bytes';
COMMENT ON COLUMN casesync.stored.max_bytes_per_day IS 'how many it may have stored on one day';
COMMENT ON COLUMN casesync.stored.kept IS 'bytes kept of this day and those before it';
COMMENT ON COLUMN casesync.stored.max_bytes IS 'how many it may have stored in all';

/* It must not make a second sender of the copy: two of one name contradict each other. */
CREATE OR REPLACE FUNCTION casesync_internal.copy_mend()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'SELECT casesync.start_as_copy();  -- unless the original is gone for good and this one '
	'takes its place: doc/operating.md, After a restore';
COMMENT ON FUNCTION casesync_internal.copy_mend() IS 'what to do with a copy of a node';

/* A change that waits is told after a minute: a bridge that is being restarted is no problem. */
CREATE OR REPLACE FUNCTION casesync_internal.node_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical', 'this node has no name yet',
		'SELECT casesync.set_node(''sp.example.org'', ''https://…'');'
	 WHERE NOT EXISTS (SELECT FROM casesync_internal.node)
	UNION ALL
	SELECT 'critical', format('this node is paused: %s', n.paused_reason),
		CASE WHEN casesync_internal.is_declared_copy(n)
				THEN '-- nothing: it stays silent, as somebody has said'
			WHEN casesync_internal.identity_matches(n) THEN 'SELECT * FROM casesync.resume();'
			ELSE casesync_internal.copy_mend() END
	  FROM casesync_internal.node n WHERE n.paused
	UNION ALL
	SELECT 'critical', 'this database is a copy of the one that was set up',
		casesync_internal.copy_mend()
	  FROM casesync_internal.node n WHERE NOT n.paused AND NOT casesync_internal.identity_matches(n)
	UNION ALL
	SELECT 'critical',
		format('changes wait for routing since %s', to_char(u.at, 'YYYY-MM-DD HH24:MI:SS')),
		'-- start a bridge: systemctl start casesync-bridge'
	  FROM casesync_internal.unrouted_since() u(at) WHERE u.at < now() - interval '1 minute'
	UNION ALL
	SELECT 'critical', format('no bridge has worked for this node since %s', to_char(b.since,
			'YYYY-MM-DD HH24:MI:SS')),
		'-- start it: systemctl start casesync-bridge; casesync-bridge --config=FILE '
		'--check-config says what is wrong with one'
	  FROM casesync_internal.bridge_missing() b
	 WHERE b.since IS NOT NULL AND EXISTS (SELECT FROM casesync_internal.node n
		WHERE NOT n.paused AND casesync_internal.identity_matches(n))
$$;
COMMENT ON FUNCTION casesync_internal.node_problems() IS 'what is wrong with this node';

/* Three failures before it is said: partners restart their systems too. */
CREATE OR REPLACE FUNCTION casesync_internal.delivery_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical', format('sending to %s (%s) has stopped: %s', l.partner, l.kind, l.reason),
		format('SELECT casesync.resume_sharing(%L);', l.partner)
	  FROM casesync.lane_status l WHERE l.is_stopped
	UNION ALL
	SELECT 'warning', format('%s: nothing has reached %s in %s attempts', l.reason, l.partner,
		l.failed_attempts),
		format('SELECT * FROM casesync.attempts WHERE partner = %1$L ORDER BY ended_at DESC '
			'LIMIT 10;  -- when that is mended: SELECT casesync.wake(%1$L);', l.partner)
	  FROM casesync.lane_status l WHERE l.failed_attempts >= 3 AND NOT l.is_stopped
	UNION ALL
	SELECT 'warning', format('more than %s notifications waited for %s: %s states of %s subjects '
			'were left out; of each the newest is sent when it answers again', p.max_backlog,
			p.partner, sum(c.items), count(*)),
		format('SELECT * FROM casesync.queue WHERE partner = %1$L;  -- perhaps '
			'casesync.set_quota(%1$L, backlog => …)', p.partner)
	  FROM casesync_internal.compacted c
	  JOIN casesync_internal.subscription s ON s.id = c.subscription
	  JOIN casesync_internal.partner p ON p.partner = s.partner
	 WHERE c.is_waiting GROUP BY p.partner
	UNION ALL
	SELECT 'critical', format('subscriptions of %s are still sent to %s, which is none of its '
			'addresses now', p.partner, l.address),
		format('SELECT casesync.move_subscriptions(%L);', p.partner)
	  FROM casesync_internal.partner p
	 CROSS JOIN LATERAL casesync_internal.lanes_left_behind(p) l
	UNION ALL
	SELECT 'warning', format('%s messages were refused by %s', count(*), d.partner),
		format('SELECT * FROM casesync.dead_letter WHERE partner = %L;  -- then '
			'casesync.retry(reference_id) or casesync.discard(reference_id, reason)', d.partner)
	  FROM casesync.dead_letter d GROUP BY d.partner
$$;
COMMENT ON FUNCTION casesync_internal.delivery_problems() IS 'what does not reach partners';

/*
 * What failed is critical and what waits for a person is not: the one holds up all that follows
 * about somebody, and nobody expects it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.decision_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('%s items of %s wait for a decision', count(*), i.partner),
		'SELECT * FROM casesync.inbox WHERE state = ''review'';  -- then casesync.accept(id) or '
		'casesync.reject(id, reason)'
	  FROM casesync_internal.inbox_item i WHERE i.state = 'review' GROUP BY i.partner
	UNION ALL
	SELECT 'warning', format('%s fields differ here and at %s and nobody can tell which '
			'value counts (%s)', count(*), c.partner, c.why),
		'SELECT * FROM casesync.conflicts WHERE state = ''open'';  -- then casesync.'
		'decide_conflict(id, ''ours''), or ''theirs'''
	  FROM casesync_internal.conflict c WHERE c.state = 'open' GROUP BY c.partner, c.why
	UNION ALL
	SELECT 'warning', format('%s items that %s says it has sent never came, since %s%s', count(*),
			g.partner, to_char(min(g.at), 'YYYY-MM-DD HH24:MI'), CASE WHEN bool_or(g.request IS
			NOT NULL) THEN ': it was asked about whom the next ones told' ELSE '' END),
		format('-- ask %s; then SELECT casesync.dismiss_missing(%L);', g.partner, g.partner)
	  FROM casesync_internal.inbox_gap g
	 WHERE g.at < now() - interval '1 minute' AND NOT EXISTS (
		SELECT FROM casesync_internal.my_request m
		 WHERE m.reference_id = g.request AND m.state = 'answered') GROUP BY g.partner
	UNION ALL
	SELECT 'critical', format('%s items of %s could not be applied', count(*), i.partner)
			|| coalesce(' (' || i.error_code || ')', ''),
		'SELECT * FROM casesync.inbox WHERE state = ''failed'';  -- mend, then SELECT '
		'casesync.retry_inbox();'
	  FROM casesync_internal.inbox_item i WHERE i.state = 'failed' GROUP BY i.partner, i.error_code
	UNION ALL
	SELECT 'warning', format('%s subscriptions of %s wait for a decision', count(*), s.partner),
		'SELECT * FROM casesync.pending_subscriptions;  -- then casesync.approve(code) or '
		'casesync.refuse(code, reason)'
	  FROM casesync_internal.subscription s WHERE s.state = 'pending' AND s.waits_for = 'decision'
	 GROUP BY s.partner
$$;
COMMENT ON FUNCTION casesync_internal.decision_problems() IS 'what waits for a person';

/* Ten minutes: most of what one waits for passes by itself, or has a row of its own here. */
CREATE OR REPLACE FUNCTION casesync_internal.backfill_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('telling %s of all subjects stands still since %s, after %s: %s',
			b.partner, to_char(coalesce(b.moved_at, b.started_at), 'YYYY-MM-DD HH24:MI'),
			b.looked, coalesce(b.reason, 'the router has had no time for it')),
		format('SELECT * FROM casesync.backfills WHERE code = %1$L;  -- or '
			'casesync.stop_backfill(%1$L, reason)', b.code)
	  FROM casesync.backfills b
	 WHERE b.state = 'running'
	   AND coalesce(b.moved_at, b.started_at) < now() - interval '10 minutes'
$$;
COMMENT ON FUNCTION casesync_internal.backfill_problems() IS 'backfills that do not go on';

/*
 * Logical replication FOR ALL TABLES takes ours along: another database's log, partners and
 * identity arrive in the subscriber's. Nothing here can refuse them without ending the whole
 * subscription.
 */
CREATE OR REPLACE FUNCTION casesync_internal.replication_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('publication %s sends casesync''s own tables to its subscribers',
			p.pubname),
		format('CREATE PUBLICATION … FOR TABLES IN SCHEMA …;  -- the application''s, instead of %I',
			p.pubname)
	  FROM (SELECT DISTINCT x.pubname FROM pg_publication_tables x
		WHERE x.schemaname IN ('casesync', 'casesync_internal')) p
	UNION ALL
	SELECT 'critical', format('subscription %s writes another database''s rows into casesync''s '
			'own tables', s.subname),
		format('ALTER SUBSCRIPTION %I SET PUBLICATION …;  -- one without schema casesync_internal',
			s.subname)
	  FROM pg_subscription s
	 WHERE EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
		WHERE r.srsubid = s.oid AND c.relnamespace = 'casesync_internal'::regnamespace)
$$;
COMMENT ON FUNCTION casesync_internal.replication_problems() IS
	'logical replication that takes casesync''s own tables along';

/*
 * Choices that somebody has made stand here as long as they last, so that nobody can say he did not
 * know: a signature that is not asked for, above all.
 */
CREATE OR REPLACE FUNCTION casesync_internal.partner_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', format('unsigned messages of %s are accepted', p.partner),
		format('SELECT casesync.set_partner(%L, signature => ''required'');', p.partner)
	  FROM casesync_internal.partner p WHERE p.signature = 'unsigned_accepted'
	UNION ALL
	SELECT 'warning', format('partner %s has no key that counts: nothing of it is accepted',
		p.partner),
		format('SELECT casesync.add_key(%L, ''{"kty": "OKP", …}'');', p.partner)
	  FROM casesync_internal.partner p WHERE p.signature = 'required' AND NOT EXISTS (
		SELECT FROM casesync_internal.partner_key k WHERE k.partner = p.partner AND k.use = 'sig'
			AND now() >= k.valid_from AND now() < k.valid_to)
	UNION ALL
	SELECT 'warning', format('%s subscriptions of %s to filters are paused since %s: %s', count(*),
			s.partner, to_char(s.paused_at, 'YYYY-MM-DD HH24:MI'), s.pause_reason),
		format('SELECT casesync.resume_filters(%L);  -- when it has narrower ones, or '
			'casesync.filter_timeout allows more', s.partner)
	  FROM casesync_internal.subscription s
	 WHERE s.paused_at IS NOT NULL AND s.state IN ('pending', 'active')
	 GROUP BY s.partner, s.paused_at, s.pause_reason
	UNION ALL
	SELECT 'warning', format('%s may store %s a day here and %s in all: %s messages were refused '
		'today', s.partner, pg_size_pretty(s.max_bytes_per_day), pg_size_pretty(s.max_bytes),
			s.refused),
		format('SELECT * FROM casesync.stored WHERE partner = %1$L;  -- then casesync.prune(), or '
			'casesync.set_quota(%1$L, bytes_per_day => …, bytes => …)', s.partner)
	  FROM casesync.stored s WHERE s.day = casesync_internal.storage_day() AND s.refused > 0
	UNION ALL
	SELECT 'warning', format('what is kept of %s, %s, is nearly as much as it may have (%s)',
			p.partner, pg_size_pretty(u.kept), pg_size_pretty(p.max_bytes)),
		format('SELECT * FROM casesync.prune();  -- or casesync.set_quota(%L, bytes => …)',
			p.partner)
	  FROM casesync_internal.partner p
	 CROSS JOIN LATERAL casesync_internal.storage_used(p.partner) u
	 WHERE u.kept > 0 AND u.kept >= 0.8 * p.max_bytes
	UNION ALL
	SELECT 'warning',
		format('%s has asked for more people today than the %s it may: %s were refused', d.partner,
			d.lookups_per_day, d.refused),
		format('SELECT * FROM casesync.lookups WHERE partner = %L;  -- then perhaps '
			'casesync.set_agreement(…, lookups_per_day => …)', d.partner)
	  FROM casesync.lookups d WHERE d.day = casesync_internal.lookup_today() AND d.refused > 0
$$;
COMMENT ON FUNCTION casesync_internal.partner_problems() IS
	'partners that are trusted too far, that nothing is accepted from, or that ask for too much';

/*
 * Thirty days, since a new version of an agreement needs signatures. What is suspended for a
 * partner or for everybody is one stop, and said once.
 */
CREATE OR REPLACE FUNCTION casesync_internal.sharing_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN a.valid_to <= now() THEN 'critical' ELSE 'warning' END,
		format('agreement %s ends on %s', a.agreement, a.valid_to::date),
		/* A name stands in no comment: it may hold a line feed, and what follows would be run. */
		format('SELECT casesync.set_agreement(%L, %L, direction => %L, valid_to => …);  -- or '
			'casesync.end_agreement(agreement, reason)', a.agreement, a.partner, a.direction)
	  FROM casesync_internal.agreement a WHERE a.state = 'active'
		AND a.valid_to < now() + interval '30 days'
	UNION ALL
	SELECT 'warning', format('sharing with %s has been stopped by %s since %s: %s',
		coalesce(nullif(s.partner, ''), 'everybody'), s.who,
			to_char(s.at, 'YYYY-MM-DD HH24:MI'), s.reason),
		format('SELECT casesync.resume_sharing(%s);', quote_literal(nullif(s.partner, '')))
	  FROM casesync_internal.sharing_stop s
	UNION ALL
	SELECT 'warning', format('agreement %s has been suspended since %s: %s', a.agreement,
			to_char(a.stopped_at, 'YYYY-MM-DD HH24:MI'), a.stop_reason),
		format('SELECT casesync.resume_sharing(agreement => %L);', a.agreement)
	  FROM casesync_internal.agreement a WHERE a.state = 'suspended' AND a.stop_scope = 'agreement'
$$;
COMMENT ON FUNCTION casesync_internal.sharing_problems() IS
	'agreements that end, and what somebody has stopped';
