/*
 * Referrals and whether they were answered, as far as events of type referral tell: what the tables
 * of either side hold is not known here. A referral is ours when we said "requested".
 */
CREATE OR REPLACE FUNCTION casesync_internal.referral_is_answered(status text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(status IN ('accepted', 'rejected', 'in_progress', 'completed', 'cancelled'),
		false)
$$;
COMMENT ON FUNCTION casesync_internal.referral_is_answered(text) IS
	'whether nobody waits for the other organisation any more';

CREATE OR REPLACE FUNCTION casesync_internal.referrals_said()
RETURNS TABLE (is_ours boolean, partner text, registry text, key text, item bigint, at timestamptz,
	referral_id text, status text, respond_by timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.is_ours, x.partner, x.registry, x.key, x.id, x.at, x.referral->>'referral_id',
		lower(casesync_internal.plain_name(x.referral->>'referral_status')),
		casesync_internal.time_of(x.referral->>'respond_by')
	  FROM (
		SELECT true AS is_ours, l.partner, n.registry, n.key, n.id, n.at,
			casesync.referral_of(n.record) AS referral
		  FROM casesync_internal.notification n JOIN casesync_internal.lane l ON l.lane = n.lane
		 WHERE n.event_type = 'referral' AND n.state IN ('due', 'delivered')
		UNION ALL
		SELECT false, i.partner, NULL, NULL, i.id, i.received_at, casesync.referral_of(i.record)
		  FROM casesync_internal.inbox_item i
		 WHERE i.event_type = 'referral' AND i.state <> 'rejected') x
	 WHERE x.referral->>'referral_id' IS NOT NULL
$$;
COMMENT ON FUNCTION casesync_internal.referrals_said() IS
	'what we have told partners of referrals (is_ours), and they us, while it is kept';

/* The newest of whoever referred counts: it may have been changed, or taken back. */
CREATE OR REPLACE VIEW casesync.open_referrals AS
	WITH said AS MATERIALIZED (SELECT * FROM casesync_internal.referrals_said()),
	asked AS (
		SELECT DISTINCT ON (s.is_ours, s.partner, s.referral_id) s.*
		  FROM said s
		 WHERE EXISTS (SELECT FROM said q WHERE q.is_ours = s.is_ours AND q.partner = s.partner
			AND q.referral_id = s.referral_id AND q.status = 'requested')
		 ORDER BY s.is_ours, s.partner, s.referral_id, s.item DESC)
	SELECT CASE WHEN a.is_ours THEN 'out' ELSE 'in' END AS direction, a.partner, a.registry, a.key,
		a.referral_id, a.at AS said_at, a.respond_by,
		coalesce(a.respond_by < now(), false) AS is_late
	  FROM asked a
	 WHERE NOT casesync_internal.referral_is_answered(a.status)
	   AND NOT EXISTS (SELECT FROM said q WHERE q.is_ours <> a.is_ours AND q.partner = a.partner
		AND q.referral_id = a.referral_id AND casesync_internal.referral_is_answered(q.status));
COMMENT ON VIEW casesync.open_referrals IS
	'referrals to partners (out), and of partners to us (in), that are not answered; without '
	'content';
COMMENT ON COLUMN casesync.open_referrals.direction IS 'out: ours, in: the partner''s';
COMMENT ON COLUMN casesync.open_referrals.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.open_referrals.registry IS 'of ours: the registry';
COMMENT ON COLUMN casesync.open_referrals.key IS 'of ours: the subject';
COMMENT ON COLUMN casesync.open_referrals.referral_id IS 'what both call it by';
COMMENT ON COLUMN casesync.open_referrals.said_at IS 'when it was sent last, or came';
COMMENT ON COLUMN casesync.open_referrals.respond_by IS 'until when it was to be answered';
COMMENT ON COLUMN casesync.open_referrals.is_late IS 'whether that has passed';

CREATE OR REPLACE FUNCTION casesync_internal.referral_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', CASE o.direction WHEN 'out'
			THEN format('%s referrals to %s are not answered, though they were to be by %s',
				count(*), o.partner, to_char(min(o.respond_by), 'YYYY-MM-DD HH24:MI'))
			ELSE format('%s referrals of %s wait for our answer, which was to come by %s',
				count(*), o.partner, to_char(min(o.respond_by), 'YYYY-MM-DD HH24:MI')) END,
		format('SELECT * FROM casesync.open_referrals WHERE partner = %L AND is_late;', o.partner)
	  FROM casesync.open_referrals o WHERE o.is_late GROUP BY o.direction, o.partner
$$;
COMMENT ON FUNCTION casesync_internal.referral_problems() IS
	'referrals of which respond_by has passed';
