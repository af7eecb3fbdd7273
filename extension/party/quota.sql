/* How much a partner may ask for, have stored here, and have waiting. */

/* Lowering it ends nothing: who has more already keeps them, and gets no more. */
CREATE OR REPLACE FUNCTION casesync.set_quota(partner text, subscriptions integer DEFAULT NULL,
	filters integer DEFAULT NULL, bytes_per_day bigint DEFAULT NULL, bytes bigint DEFAULT NULL,
	backlog bigint DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner(partner);
BEGIN
	IF least(subscriptions, filters, bytes_per_day, bytes) < 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a quota must not be negative');
	ELSIF backlog < 1 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a backlog must be at least 1');
	END IF;
	UPDATE casesync_internal.partner t
	   SET max_subscriptions = coalesce(subscriptions, t.max_subscriptions),
		max_filters = coalesce(filters, t.max_filters),
		max_bytes_per_day = coalesce(bytes_per_day, t.max_bytes_per_day),
		max_bytes = coalesce(bytes, t.max_bytes),
		max_backlog = coalesce(backlog, t.max_backlog)
	 WHERE t.partner = set_quota.partner RETURNING t.* INTO p;
	PERFORM casesync_internal.audit_note('set_quota', partner,
		jsonb_build_object('subscriptions', p.max_subscriptions, 'filters', p.max_filters,
			'bytes_per_day', p.max_bytes_per_day, 'bytes', p.max_bytes,
			'backlog', p.max_backlog));
	RETURN format('%s may have %s subscriptions, %s of them not of one identifier, and store %s '
		'a day here, %s in all', p.partner, p.max_subscriptions, p.max_filters,
		pg_size_pretty(p.max_bytes_per_day), pg_size_pretty(p.max_bytes));
END
$$;
COMMENT ON FUNCTION casesync.set_quota(text, integer, integer, bigint, bigint, bigint) IS
	'how many living subscriptions a partner may ask for, how many of them not of one identifier, '
	'how many bytes it may have stored here on one day and in all, and how much may wait for one '
	'of its addresses while it does not answer';
