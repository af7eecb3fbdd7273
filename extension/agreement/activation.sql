/* From a draft to an agreement that counts, and its end: who may, and what is missing. */

/*
 * A draft may be written in pieces; what counts may leave nothing to a default: an empty list must
 * not be read as everything by anybody.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_gaps(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(what, ', ') FROM (VALUES
		('registries', a.direction = 'out' AND a.registries = '{}'),
		('event_types', a.event_types = '{}'),
		('fields', a.fields = '{}'),
		('identifier_types', a.identifier_types = '{}'),
		('subjects (write ''true'' for everybody)', a.direction = 'out' AND a.subjects IS NULL),
		('valid_from', a.valid_from IS NULL),
		('legal_basis', coalesce(a.legal_basis, '') = '')) v(what, is_missing)
	 WHERE is_missing
$$;
COMMENT ON FUNCTION casesync_internal.agreement_gaps(casesync_internal.agreement) IS
	'what an agreement must say before it can be activated and does not; NULL when complete';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_next(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN a.state = 'draft' AND casesync_internal.agreement_gaps(a) IS NOT NULL
			THEN format(
				' and does not say yet: %s; next: SELECT casesync.set_agreement(%L, %L, %s…);',
				casesync_internal.agreement_gaps(a), a.agreement, a.partner,
				CASE a.direction WHEN 'in' THEN 'direction => ''in'', ' ELSE '' END)
		WHEN a.state = 'draft' THEN format('; next%s: SELECT casesync.activate(%L);',
			CASE WHEN a.author = session_user
				AND (SELECT n.four_eyes FROM casesync_internal.node n)
				THEN ', by another login' ELSE '' END, a.agreement)
		WHEN a.valid_from > now() THEN format(' and begins at %s', a.valid_from)
		WHEN a.direction = 'out' AND 'notify' = ANY (a.services)
			AND NOT EXISTS (SELECT FROM casesync_internal.subscription s
				WHERE s.partner = a.partner AND s.state IN ('pending', 'active')
				  AND NOT s.is_push)
			THEN (SELECT format('; next the partner subscribes (casesync there: '
				'SELECT casesync.subscribe_to(%L, %L, %L);), or, instead of it, you: '
				'SELECT casesync.subscribe(%L, %2$L, %3$L);%5$s',
				n.sender_id, a.event_types[1], r.record_type, a.partner,
				' and likewise for ' || nullif(array_to_string(a.event_types[2:], ', '), ''))
				  FROM casesync_internal.this_node() n
				  LEFT JOIN casesync_internal.registry r ON r.registry = a.registries[1])
		ELSE '' END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_next(casesync_internal.agreement) IS
	'the next step with an agreement, to be read after its state; empty when there is none';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_said(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('agreement %s version %s is %s%s', a.agreement, a.version,
		CASE a.state WHEN 'draft'
			THEN 'a draft' || casesync_internal.unknown_events(a.event_types) ELSE a.state END,
		casesync_internal.agreement_next(a))
$$;
COMMENT ON FUNCTION casesync_internal.agreement_said(casesync_internal.agreement) IS
	'what set_agreement() and activate() answer';

/*
 * With two at a time for one registry, what leaves would depend on which of them was looked at
 * first. A suspended one is none: its place may be taken, and resume_agreements() then refuses it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_rival(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.agreement FROM casesync_internal.agreement t
	 WHERE t.partner = a.partner AND t.direction = a.direction AND t.state = 'active'
	   AND t.agreement <> a.agreement
	   AND CASE a.direction WHEN 'out' THEN t.registries && a.registries
			ELSE t.event_types && a.event_types END
	   AND tstzrange(t.valid_from, t.valid_to) && tstzrange(a.valid_from, a.valid_to)
	 LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.agreement_rival(casesync_internal.agreement) IS
	'another active agreement that would decide about the same things';

/*
 * The login (session_user): SET ROLE makes no second pair of eyes. Nor does a SECURITY DEFINER
 * function of the author's that somebody else calls: its owner is held against the author too, and
 * all who could use his rights.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_author(a casesync_internal.agreement,
	lent_by name)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	who name;
BEGIN
	IF NOT (SELECT n.four_eyes FROM casesync_internal.this_node() n) THEN
		RETURN;
	END IF;
	SELECT w.who INTO who FROM (VALUES (session_user, false), (lent_by, true)) x(who, is_lent)
	 CROSS JOIN (VALUES (a.author, false), (a.written_as, true)) w(who, is_lent)
	 WHERE x.who = w.who OR (x.is_lent OR w.is_lent)
		AND casesync_internal.is_same_person(to_regrole(quote_ident(x.who)),
			to_regrole(quote_ident(w.who))) LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('agreement "%s" must be activated by someone else than its author',
				a.agreement),
			detail => format('Version %s was written by %s.', a.version, who),
			hint => format(
				'Another login with the access "approver" runs SELECT casesync.activate(%L);',
				a.agreement));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_author(casesync_internal.agreement, name) IS
	'four eyes: an error for the version''s own author, unless the node does without';

/* Else an author could write another version while somebody looks at this one. */
CREATE OR REPLACE FUNCTION casesync_internal.check_version(a casesync_internal.agreement,
	version integer)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF a.version <> check_version.version THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('version %s is not the newest of agreement "%s"',
				check_version.version, a.agreement),
			detail => format('Version %s was written by %s.', a.version, a.author),
			hint => format('SELECT * FROM casesync.agreements WHERE agreement = %L AND version = '
				'%s;', a.agreement, a.version));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_version(casesync_internal.agreement, integer) IS
	'an error where the newest version is not the one that was meant';

/* The condition is parsed again: views may have changed since the draft was written. */
CREATE OR REPLACE FUNCTION casesync_internal.check_activation(a casesync_internal.agreement,
	lent_by name)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text := casesync_internal.agreement_gaps(a);
	rival text := casesync_internal.agreement_rival(a);
BEGIN
	IF a.state NOT IN ('draft', 'rehearsed') THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" version %s is %s', a.agreement, a.version, a.state),
			hint => format('SELECT casesync.set_agreement(%L, %L, …); writes a new version.',
				a.agreement, a.partner));
	END IF;
	IF missing IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" is not complete', a.agreement),
			detail => format('Missing: %s.', missing),
			hint => format('SELECT casesync.set_agreement(%L, %L, direction => %L, …);',
				a.agreement, a.partner, a.direction));
	END IF;
	PERFORM casesync_internal.check_author(a, lent_by);
	IF rival IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('agreement "%s" already decides about this', rival),
			detail => 'Two agreements with one partner may not cover the same registry (in: event '
				'type) at the same time.',
			hint => format('SELECT casesync.end_agreement(%L, reason);', rival));
	END IF;
	IF a.valid_from > now() AND EXISTS (SELECT FROM casesync_internal.agreement t
			WHERE t.agreement = a.agreement AND t.state = 'active' AND t.valid_to > now()) THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('version %s of agreement "%s" begins only at %s', a.version,
				a.agreement, a.valid_from),
			detail => 'The version before it would end now, and nothing could be shared until '
				'then.',
			hint => 'Activate it when it begins, or write it with an earlier valid_from.');
	END IF;
	PERFORM casesync_internal.check_subjects(a.registries, a.subjects);
END
$$;
COMMENT ON FUNCTION casesync_internal.check_activation(casesync_internal.agreement, name) IS
	'whether this version may be activated now by the current login, or an error';

/*
 * The lock excludes its like and all that write agreements, not those that read them: two that are
 * activated at the same moment see each other, and lane_add() stays out meanwhile. What leaves next
 * is held against the new version by whoever takes it; what was taken before is waited for.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_activate(caller regrole, agreement text,
	version integer)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	a casesync_internal.agreement;
BEGIN
	/* missed_requeue() and a turn of the router would write the same queue. */
	IF EXISTS (SELECT FROM casesync_internal.missed m
		WHERE m.agreement = agreement_activate.agreement) THEN
		PERFORM casesync_internal.hold_router();
	END IF;
	/* The newest version must still be it, and no rival active, when this commits. */
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	a := casesync_internal.latest_agreement(agreement);
	PERFORM casesync_internal.check_version(a, agreement_activate.version);
	PERFORM casesync_internal.check_activation(a, casesync_internal.lent_by(caller));
	UPDATE casesync_internal.agreement t SET state = 'ended', ended_at = clock_timestamp(),
		end_reason = format('replaced by version %s', a.version)
	 WHERE t.agreement = agreement_activate.agreement AND t.version <> a.version
		AND t.state IN ('active', 'suspended', 'rehearsed');
	UPDATE casesync_internal.agreement t SET state = 'active', activated_by = session_user,
		activated_at = clock_timestamp()
	 WHERE t.agreement = a.agreement AND t.version = a.version RETURNING t.* INTO a;
	IF a.direction = 'out' AND a.version > 1 THEN
		PERFORM casesync_internal.outlast_messages(a.partner,
			format('version %s is active', a.version));
	END IF;
	PERFORM casesync_internal.rehearsal_forget(agreement);
	PERFORM casesync_internal.missed_requeue(ARRAY[agreement]);
	PERFORM casesync_internal.audit_note('activate', agreement,
		jsonb_build_object('version', a.version));
	PERFORM casesync_internal.ring();
	RETURN a;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_activate(regrole, text, integer) IS
	'what activate() does: the newest version counts from now, and those before it have ended';

/*
 * No four eyes here, and approvers may do it as well as administrators: whatever stops data must
 * not wait for a second person. What waits is withheld in the same transaction, so nothing is sent
 * under an agreement that has ended.
 */
CREATE OR REPLACE FUNCTION casesync.end_agreement(agreement text, reason text)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	a casesync_internal.agreement := casesync_internal.latest_agreement(agreement);
	waiting uuid[];
	withheld integer;
BEGIN
	LOCK TABLE casesync_internal.agreement IN SHARE ROW EXCLUSIVE MODE;
	UPDATE casesync_internal.agreement t SET state = 'ended', ended_at = clock_timestamp(),
		end_reason = end_agreement.reason
	 WHERE t.agreement = end_agreement.agreement AND t.state <> 'ended';
	IF a.direction = 'out' THEN
		PERFORM casesync_internal.outlast_messages(a.partner,
			format('agreement %s has ended', agreement));
	END IF;
	PERFORM casesync_internal.rehearsal_forget(agreement);
	DELETE FROM casesync_internal.missed m WHERE m.agreement = end_agreement.agreement;
	/* What waits was projected under this agreement and must not leave without it. */
	waiting := ARRAY(SELECT n.reference_id FROM casesync_internal.notification n
		WHERE n.agreement = end_agreement.agreement AND n.state = 'due');
	withheld := cardinality(casesync_internal.withhold(waiting, 'agreement ended'));
	PERFORM casesync_internal.audit_note('end_agreement', agreement,
		jsonb_build_object('reason', reason, 'withheld', withheld));
	RETURN withheld;
END
$$;
COMMENT ON FUNCTION casesync.end_agreement(text, text) IS
	'nothing more passes under this agreement; returns how many waiting notifications were '
	'withheld';

/*
 * Only what is active at this moment: a partner whose agreement is over is answered like one that
 * never had any.
 */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_in(partner text, event_type text)
RETURNS casesync_internal.agreement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer casesync_internal.agreement;
BEGIN
	SELECT a.* INTO answer FROM casesync_internal.agreement a
	 WHERE a.state = 'active' AND a.direction = 'in' AND a.partner = agreement_in.partner
		AND agreement_in.event_type = ANY (a.event_types)
		AND a.valid_from <= now() AND now() < a.valid_to
	 LIMIT 1;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_in(text, text) IS
	'the agreement under which a partner may tell us of an event now; NULL when there is none';

/*
 * Before anything is looked at: a view may have lost a column, and what 0.2.0 took as a condition
 * this version may refuse.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subjects_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'critical', format('nothing passes by agreement %s: its subjects cannot be read: %s',
			a.agreement, f.fault),
		format('SELECT casesync.set_agreement(%L, %L, subjects => ''…'');  -- of columns of the '
			'view; then SELECT casesync.activate(%L);', a.agreement, a.partner, a.agreement)
	  FROM casesync_internal.agreement a
	 CROSS JOIN casesync_internal.subjects_fault(a.registries, a.subjects) f(fault)
	 WHERE a.state = 'active' AND f.fault IS NOT NULL
	   AND NOT EXISTS (SELECT FROM casesync_internal.registry r
		WHERE r.registry = ANY (a.registries) AND casesync_internal.relation_owner(r.view) IS NULL)
	UNION ALL
	SELECT 'critical', format('registry %s is not read: its view is gone', r.registry),
		format('SELECT * FROM casesync.publish(%L, ''schema.view'', %L, %L, %L, %L);',
			r.registry, r.record_type, r.reg_type, r.key_column, r.record_column)
	  FROM casesync_internal.registry r
	 WHERE casesync_internal.relation_owner(r.view) IS NULL
$$;
COMMENT ON FUNCTION casesync_internal.subjects_problems() IS
	'agreements in force whose condition, and registries whose view, this database cannot read';
