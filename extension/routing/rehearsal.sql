/*
 * What an agreement would let pass while it is rehearsed: routed, judged and counted, never sent.
 * Knows no lane, no subscription, no address.
 */

/*
 * Dates do not count, since it has not begun yet, and subscriptions neither: there are none. Known
 * is what this rehearsal has counted or, where it has nothing, what the partner was told in
 * earnest.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rehearse_events(a casesync_internal.agreement,
	r casesync_internal.registry, events casesync_internal.subject_event[],
	subjects casesync_internal.rendered[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.rehearsal_note(a, r.registry, ARRAY(
		SELECT ROW(j.key, j.event_type, j.outcome, j.record, j.hmac)::casesync_internal.rehearsed
		  FROM (SELECT DISTINCT ON (o.key) o.key, o.record, o.hmac, e.event_type, e.position,
				CASE WHEN o.state = 'keep' THEN 'quarantine' WHEN o.state <> 'pass' THEN 'withhold'
					WHEN coalesce(t.hmac, k.hmac) = o.hmac THEN 'known' ELSE 'send' END AS outcome
				  FROM casesync_internal.offers(a, r, subjects) o
				  JOIN unnest(events) e ON e.key = o.key AND e.event_type = ANY (a.event_types)
				  LEFT JOIN casesync_internal.rehearsal_told t
					ON t.agreement = a.agreement AND t.version = a.version
						AND t.registry = r.registry AND t.key = o.key
				  LEFT JOIN casesync_internal.told k ON k.partner = a.partner
					AND k.registry = r.registry AND k.key = o.key
				 ORDER BY o.key, e.position) j
		 ORDER BY j.position));
END
$$;
COMMENT ON FUNCTION casesync_internal.rehearse_events(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.subject_event[], casesync_internal.rendered[]) IS
	'what an agreement would do with rendered subjects, counted';

/* What goes wrong in a rehearsal must not disturb what is shared. */
CREATE OR REPLACE FUNCTION casesync_internal.route_unshared(r casesync_internal.registry,
	events casesync_internal.subject_event[], subjects casesync_internal.rendered[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
BEGIN
	PERFORM casesync_internal.note_missed(r.registry, events);
	FOR a IN
		SELECT g.* FROM casesync_internal.agreement g
		 WHERE g.state = 'rehearsed' AND g.direction = 'out' AND r.registry = ANY (g.registries)
		   AND now() < g.rehearsed_until AND 'notify' = ANY (g.services)
		 ORDER BY g.agreement
	LOOP
		/* In a subtransaction: what fails here is undone alone, and the others are routed. */
		BEGIN
			PERFORM casesync_internal.rehearse_events(a, r, events, subjects);
		EXCEPTION WHEN OTHERS THEN
			PERFORM casesync_internal.rehearsal_note(a, r.registry, ARRAY(
				SELECT DISTINCT ROW(e.key, e.event_type, 'failed', NULL,
					NULL)::casesync_internal.rehearsed
				  FROM unnest(events) e WHERE e.event_type = ANY (a.event_types)));
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.route_unshared(casesync_internal.registry,
	casesync_internal.subject_event[], casesync_internal.rendered[]) IS
	'agreements under which nothing is sent: suspended ones remember what they miss, rehearsed '
	'ones count';

/*
 * A draft that lacks something would count what it never lets pass. Bounded in time, because each
 * rehearsal costs the router as much as a partner does.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_rehearsal(a casesync_internal.agreement,
	until timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text := casesync_internal.agreement_gaps(a);
BEGIN
	IF a.direction <> 'out' OR a.state NOT IN ('draft', 'rehearsed') THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" version %s cannot be rehearsed', a.agreement,
				a.version),
			detail => format('It has direction %s and is %s; a draft of direction out can be.',
				a.direction, a.state),
			hint => format('SELECT casesync.set_agreement(%L, %L, …); writes a new version.',
				a.agreement, a.partner));
	END IF;
	IF missing IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" is not complete', a.agreement),
			detail => format('Missing: %s.', missing),
			hint => format('SELECT casesync.set_agreement(%L, %L, …);', a.agreement, a.partner));
	END IF;
	IF until IS NULL OR until <= now() OR until > now() + interval '1 year' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a rehearsal ends within a year from now',
			detail => format('until is %s.', coalesce(until::text, 'NULL')),
			hint => format('SELECT casesync.rehearse(%L, until => now() + interval ''7 days'');',
				a.agreement));
	END IF;
	PERFORM casesync_internal.check_subjects(a.registries, a.subjects);
END
$$;
COMMENT ON FUNCTION casesync_internal.check_rehearsal(casesync_internal.agreement, timestamptz) IS
	'whether this version may be rehearsed until then, or an error';

/* The lock of all who change agreements: the newest version is the one that is rehearsed. */
CREATE OR REPLACE FUNCTION casesync.rehearse(agreement text, until timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
BEGIN
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	a := casesync_internal.latest_agreement(agreement);
	PERFORM casesync_internal.check_rehearsal(a, until);
	PERFORM casesync_internal.agreement_rehearse(a, until);
	PERFORM casesync_internal.audit_note('rehearse', agreement,
		jsonb_build_object('version', a.version, 'until', until));
	RETURN format('agreement %s version %s is rehearsed and nothing is sent; next: SELECT * FROM '
		'casesync.rehearsals;', agreement, a.version);
END
$$;
COMMENT ON FUNCTION casesync.rehearse(text, timestamptz) IS
	'until then, route and count what the newest version would let pass, keep the last 100, send '
	'nothing';

CREATE OR REPLACE VIEW casesync.rehearsals AS
	SELECT a.agreement, a.version, a.partner, a.rehearsed_until AS until,
		a.state = 'rehearsed' AND now() < a.rehearsed_until AS is_running,
		c.registry, c.event_type, c.outcome, c.subjects
	  FROM casesync_internal.agreement a
	  LEFT JOIN casesync_internal.rehearsal_count c ON c.agreement = a.agreement
		AND c.version = a.version
	 WHERE a.rehearsed_until IS NOT NULL;
COMMENT ON VIEW casesync.rehearsals IS
	'rehearsed agreements and how often they would have sent, known it already (known), withheld, '
	'quarantined or failed';
COMMENT ON COLUMN casesync.rehearsals.agreement IS 'the agreement';
COMMENT ON COLUMN casesync.rehearsals.version IS 'the version that is rehearsed';
COMMENT ON COLUMN casesync.rehearsals.partner IS 'the partner: its sender_id';
COMMENT ON COLUMN casesync.rehearsals.until IS 'until when it is rehearsed';
COMMENT ON COLUMN casesync.rehearsals.is_running IS 'whether it is rehearsed now';
COMMENT ON COLUMN casesync.rehearsals.registry IS 'the registry';
COMMENT ON COLUMN casesync.rehearsals.event_type IS 'the event type';
COMMENT ON COLUMN casesync.rehearsals.outcome IS
	'what would have come of it: send, known, withheld, quarantined or failed';
COMMENT ON COLUMN casesync.rehearsals.subjects IS 'how often';

CREATE OR REPLACE VIEW casesync.rehearsal_samples AS
	SELECT s.id, s.agreement, s.version, s.registry, s.key, s.event_type, s.record, s.at
		FROM casesync_internal.rehearsal_sample s;
COMMENT ON VIEW casesync.rehearsal_samples IS
	'the last 100 notifications that each rehearsal would have made, with content: for auditors';
COMMENT ON COLUMN casesync.rehearsal_samples.id IS 'number of the sample';
COMMENT ON COLUMN casesync.rehearsal_samples.agreement IS 'the agreement';
COMMENT ON COLUMN casesync.rehearsal_samples.version IS 'the version that is rehearsed';
COMMENT ON COLUMN casesync.rehearsal_samples.registry IS 'the registry';
COMMENT ON COLUMN casesync.rehearsal_samples.key IS 'the subject key';
COMMENT ON COLUMN casesync.rehearsal_samples.event_type IS 'the event type';
COMMENT ON COLUMN casesync.rehearsal_samples.record IS 'the record as it would have been sent';
COMMENT ON COLUMN casesync.rehearsal_samples.at IS 'when';
