/* How much a partner may ask for. */

/* Lowering it ends nothing: who has more already keeps them, and gets no more. */
CREATE OR REPLACE FUNCTION casesync.set_quota(partner text, subscriptions integer DEFAULT NULL,
	filters integer DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.partner := casesync_internal.require_partner(partner);
BEGIN
	IF subscriptions < 0 OR filters < 0 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a quota must not be negative');
	END IF;
	UPDATE casesync_internal.partner t
	   SET max_subscriptions = coalesce(subscriptions, t.max_subscriptions),
		max_filters = coalesce(filters, t.max_filters)
	 WHERE t.partner = set_quota.partner RETURNING t.* INTO p;
	PERFORM casesync_internal.audit_note('set_quota', partner,
		jsonb_build_object('subscriptions', p.max_subscriptions, 'filters', p.max_filters));
	RETURN format('%s may have %s subscriptions, %s of them not of one identifier', p.partner,
		p.max_subscriptions, p.max_filters);
END
$$;
COMMENT ON FUNCTION casesync.set_quota(text, integer, integer) IS
	'how many living subscriptions a partner may ask for, and how many of them not of one '
	'identifier';
