/* How long what is settled is kept here. */

/*
 * Disclosures answer who was told what, perhaps in court: nobody can be rid of them within a year,
 * and they outlive what they tell of.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_retention(n casesync_internal.node)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hint constant text := 'SELECT casesync.set_retention(keep_delivered => ''90 days'', '
		'keep_disclosures => ''10 years'');';
	x record;
BEGIN
	FOR x IN SELECT * FROM (VALUES ('keep_delivered', n.keep_delivered, interval '1 day'),
			('keep_inbox', n.keep_inbox, '1 day'), ('keep_attempts', n.keep_attempts, '1 day'),
			('keep_disclosures', n.keep_disclosures, '1 year')) v(name, value, least_value)
	LOOP
		IF x.value < x.least_value OR x.value > interval '100 years' THEN
			PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
				message => format('%s must be between %s and 100 years', x.name, x.least_value),
				hint => hint);
		ELSIF x.value > n.keep_disclosures THEN
			PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
				message => format('%s must not be longer than keep_disclosures', x.name),
				detail => 'Who was told what is on record at least as long as what was told.',
				hint => hint);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_retention(casesync_internal.node) IS
	'what set_retention() was given can be, or an error';

CREATE OR REPLACE FUNCTION casesync.set_retention(keep_delivered interval DEFAULT NULL,
	keep_inbox interval DEFAULT NULL, keep_attempts interval DEFAULT NULL,
	keep_disclosures interval DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n casesync_internal.node := casesync_internal.this_node();
BEGIN
	n.keep_delivered := coalesce(set_retention.keep_delivered, n.keep_delivered);
	n.keep_inbox := coalesce(set_retention.keep_inbox, n.keep_inbox);
	n.keep_attempts := coalesce(set_retention.keep_attempts, n.keep_attempts);
	n.keep_disclosures := coalesce(set_retention.keep_disclosures, n.keep_disclosures);
	PERFORM casesync_internal.check_retention(n);
	UPDATE casesync_internal.node t SET keep_delivered = n.keep_delivered,
		keep_inbox = n.keep_inbox, keep_attempts = n.keep_attempts,
		keep_disclosures = n.keep_disclosures;
	PERFORM casesync_internal.audit_note('set_retention', NULL, jsonb_build_object(
		'keep_delivered', n.keep_delivered, 'keep_inbox', n.keep_inbox,
		'keep_attempts', n.keep_attempts, 'keep_disclosures', n.keep_disclosures));
	RETURN format('kept here once settled: what was sent for %s, what was received for %s, how '
		'sending went for %s, disclosures for %s', n.keep_delivered, n.keep_inbox,
		n.keep_attempts, n.keep_disclosures);
END
$$;
COMMENT ON FUNCTION casesync.set_retention(interval, interval, interval, interval) IS
	'how long what is settled is kept: notifications and messages that were sent, records and '
	'bytes that were received, attempts, disclosures; parameters left out keep their value';
