/*
 * What is wrong with a configuration, before it costs a day: asked by people, said as warnings by
 * the functions that write it, and by health while it lasts.
 */

CREATE OR REPLACE FUNCTION casesync_internal.review_registry(r casesync_internal.registry,
	s casesync_internal.sampled)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.* FROM casesync_internal.registry_faults(r) f
	UNION ALL
	SELECT f.* FROM casesync_internal.key_faults(r, s) f
	UNION ALL
	SELECT f.* FROM casesync_internal.record_faults(r, s) f
	UNION ALL
	SELECT u.severity, format('registry %s', r.registry), u.problem, u.mend
	  FROM casesync_internal.untracked_faults(r.registry) u
$$;
COMMENT ON FUNCTION casesync_internal.review_registry(casesync_internal.registry,
	casesync_internal.sampled) IS
	'all that is wrong with a registry';

/* Of a key that is wrong already by its name no rows are asked. */
CREATE OR REPLACE FUNCTION casesync_internal.review_tracking(t casesync_internal.tracking,
	r casesync_internal.registry, until timestamptz)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH words AS MATERIALIZED (
		SELECT f.* FROM casesync_internal.tracking_faults(t, r) f
	)
	SELECT w.* FROM words w
	UNION ALL
	SELECT f.* FROM casesync_internal.tracking_row_faults(t, r, until) f
	 WHERE NOT casesync_internal.key_types_differ(t, r)
	   AND NOT EXISTS (SELECT FROM casesync_internal.key_named_otherwise(t, r))
	   AND casesync_internal.asks_for_key(t)
$$;
COMMENT ON FUNCTION casesync_internal.review_tracking(casesync_internal.tracking,
	casesync_internal.registry, timestamptz) IS
	'all that is wrong with a tracking, for one of its registries';

CREATE OR REPLACE FUNCTION casesync_internal.review_agreement(a casesync_internal.agreement,
	samples casesync_internal.sampled[])
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.* FROM casesync_internal.field_faults(a, samples) f
	UNION ALL
	SELECT f.* FROM casesync_internal.identifier_faults(a, samples) f
	UNION ALL
	SELECT f.* FROM casesync_internal.agreement_faults(a) f
	UNION ALL
	SELECT f.* FROM casesync_internal.idle_faults(a) f
$$;
COMMENT ON FUNCTION casesync_internal.review_agreement(casesync_internal.agreement,
	casesync_internal.sampled[]) IS
	'all that is wrong with an agreement to share';

/* A registry that nobody can be asked about any more is said by health. */
CREATE OR REPLACE FUNCTION casesync_internal.review_of(registries text[], until timestamptz)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.registry;
	s casesync_internal.sampled;
	samples casesync_internal.sampled[] := '{}';
BEGIN
	FOR r IN SELECT * FROM casesync_internal.registry x WHERE x.registry = ANY (registries)
		ORDER BY x.registry LOOP
		BEGIN
			s := casesync_internal.review_sample(r, until);
			samples := samples || s;
			RETURN QUERY SELECT f.* FROM casesync_internal.review_registry(r, s) f;
			RETURN QUERY SELECT f.* FROM casesync_internal.tracking t
				CROSS JOIN LATERAL casesync_internal.review_tracking(t, r, until) f
				WHERE NOT t.removed AND t.enabled AND r.registry = ANY (t.registries);
		EXCEPTION WHEN OTHERS THEN
			RETURN QUERY SELECT 'warning', format('registry %s', r.registry),
				format('it could not be reviewed (%s)', SQLSTATE),
				format('SELECT * FROM %s LIMIT 1;', r.view);
		END;
	END LOOP;
	RETURN QUERY SELECT f.* FROM casesync_internal.agreements_reviewed(registries) a
		CROSS JOIN LATERAL casesync_internal.review_agreement(a, ARRAY(
			SELECT x FROM unnest(samples) x WHERE x.registry = ANY (a.registries))) f;
END
$$;
COMMENT ON FUNCTION casesync_internal.review_of(text[], timestamptz) IS
	'all that is wrong with some registries, their trackings and agreements';

CREATE OR REPLACE FUNCTION casesync.review(registry text DEFAULT NULL)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	registries text[];
BEGIN
	IF registry IS NOT NULL THEN
		registries := ARRAY[(casesync_internal.require_registry(registry)).registry];
	ELSE
		registries := ARRAY(SELECT r.registry FROM casesync_internal.registry r);
	END IF;
	RETURN QUERY SELECT f.* FROM (
		SELECT x.* FROM casesync_internal.review_of(registries, clock_timestamp()
			+ casesync_internal.review_limit('review') * interval '1 ms') x
		UNION
		SELECT x.* FROM casesync_internal.agreement a
		 CROSS JOIN LATERAL casesync_internal.idle_faults(a) x
		 WHERE review.registry IS NULL AND a.direction = 'in' AND a.state <> 'ended'
		   AND NOT EXISTS (SELECT FROM casesync_internal.agreement n
			WHERE n.agreement = a.agreement AND n.version > a.version)) f
		ORDER BY f.severity = 'note', f.subject COLLATE "C", f.problem COLLATE "C";
END
$$;
COMMENT ON FUNCTION casesync.review(text) IS
	'what is wrong with registries, trackings and agreements before it costs a day, with the SQL '
	'that mends it; of one registry, or of all';

/* ---- warnings -------------------------------------------------------------------------------- */

/* It must not fail for what it looks for: whoever asked for something else has that. */
CREATE OR REPLACE FUNCTION casesync_internal.warn(subject text, problem text, mend text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE WARNING USING message = format('%s: %s', subject, problem), hint = mend;
END
$$;
COMMENT ON FUNCTION casesync_internal.warn(text, text, text) IS 'a warning with a hint';

/* Who gave his statement a time has what he asked for within it. */
CREATE OR REPLACE FUNCTION casesync_internal.warn_until()
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT clock_timestamp() + least(casesync_internal.review_limit('verb') * interval '1 ms',
		nullif(current_setting('statement_timeout')::interval, '0') / 4)
$$;
COMMENT ON FUNCTION casesync_internal.warn_until() IS
	'until when warnings may be looked for beside what somebody asked for';

/* A session that has the library of the version before does not know the setting. */
CREATE OR REPLACE FUNCTION casesync_internal.is_warning()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(current_setting('casesync.review', true), 'on')::boolean
$$;
COMMENT ON FUNCTION casesync_internal.is_warning() IS 'whether somebody wants to be warned';

/* Tables that nobody tracks yet are not said: the next call may be for them. */
CREATE OR REPLACE FUNCTION casesync_internal.registry_warn_for(caller regrole, registry text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r constant casesync_internal.registry := casesync_internal.require_registry(registry);
	s casesync_internal.sampled;
BEGIN
	PERFORM casesync_internal.registry_must_be_own(caller, registry);
	IF NOT casesync_internal.is_warning() THEN
		RETURN;
	END IF;
	BEGIN
		s := casesync_internal.review_sample(r, casesync_internal.warn_until());
		PERFORM casesync_internal.warn(f.subject, f.problem, f.mend)
		   FROM (SELECT n.* FROM casesync_internal.registry_faults(r) n
			UNION ALL
			SELECT k.* FROM casesync_internal.key_faults(r, s) k
			UNION ALL
			SELECT x.* FROM casesync_internal.record_faults(r, s) x) f
		  WHERE f.severity = 'warning';
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING 'registry % could not be reviewed: %', registry, SQLSTATE;
	END;
END
$$;
COMMENT ON FUNCTION casesync_internal.registry_warn_for(regrole, text) IS
	'see registry_warn()';

CREATE OR REPLACE FUNCTION casesync_internal.registry_warn(registry text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.registry_warn(text) IS
	'part of publish(): warnings about the types and rows of a registry of the caller''s own';

/*
 * Of a registry that is another's a tracking's owner learns no more than he could ask: no row of it
 * is looked at for him.
 */
CREATE OR REPLACE FUNCTION casesync_internal.tracking_warn_for(caller regrole, id integer)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t casesync_internal.tracking;
	own text[];
BEGIN
	SELECT * INTO t FROM casesync_internal.tracking g WHERE g.id = tracking_warn_for.id;
	PERFORM casesync_internal.tracking_must_be_own(caller, t);
	IF NOT casesync_internal.is_warning() THEN
		RETURN '';
	END IF;
	own := ARRAY(SELECT r.registry FROM casesync_internal.registry r
		WHERE r.registry = ANY (t.registries)
		  AND casesync_internal.acts_as(caller, casesync_internal.registry_owner(r)));
	BEGIN
		PERFORM casesync_internal.warn(f.subject, f.problem, f.mend)
		   FROM casesync_internal.registry r
		  CROSS JOIN LATERAL casesync_internal.review_tracking(t, r,
			casesync_internal.warn_until()) f
		  WHERE r.registry = ANY (own) AND f.severity = 'warning';
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING '% could not be reviewed: %', casesync_internal.tracking_name(t), SQLSTATE;
	END;
	RETURN coalesce((SELECT string_agg(format('; registry %s also reads %s, not '
			'tracked yet', x.registry, x.names),
			'' ORDER BY x.registry)
		  FROM (SELECT o.registry, string_agg(u.relation::text, ', ' ORDER BY u.relation::text)
			FROM unnest(own) o(registry)
			CROSS JOIN LATERAL casesync_internal.untracked_for(o.registry) u
			GROUP BY o.registry) x(registry, names)), '');
END
$$;
COMMENT ON FUNCTION casesync_internal.tracking_warn_for(regrole, integer) IS
	'see tracking_warn()';

CREATE OR REPLACE FUNCTION casesync_internal.tracking_warn(id integer)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.tracking_warn(integer) IS
	'part of track(): warnings about a tracking of the caller''s own; returns what its registries '
	'read that is not tracked yet';

/* What publish() said may be long ago, and the view another since. */
CREATE OR REPLACE FUNCTION casesync_internal.review_types_and_keys(
	samples casesync_internal.sampled[])
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.* FROM unnest(samples) s
	  JOIN casesync_internal.registry r ON r.registry = s.registry
	 CROSS JOIN LATERAL (SELECT x.* FROM casesync_internal.registry_faults(r) x
		UNION ALL
		SELECT x.* FROM casesync_internal.key_faults(r, s) x) f
$$;
COMMENT ON FUNCTION casesync_internal.review_types_and_keys(casesync_internal.sampled[]) IS
	'what is wrong with registries, as far as it is of all their subjects';

/* A draft may be written in pieces: what is missing is in the answer already. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_warn(a casesync_internal.agreement)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	until constant timestamptz := casesync_internal.warn_until();
	samples casesync_internal.sampled[];
BEGIN
	IF NOT casesync_internal.is_warning() THEN
		RETURN;
	ELSIF a.direction = 'in' THEN
		PERFORM casesync_internal.warn(f.subject, f.problem, f.mend)
		   FROM casesync_internal.idle_faults(a) f;
	ELSE
		samples := ARRAY(SELECT casesync_internal.review_sample(r, until)
			FROM casesync_internal.registry r WHERE r.registry = ANY (a.registries)
			ORDER BY r.registry);
		PERFORM casesync_internal.warn(f.subject, f.problem, f.mend)
		   FROM (SELECT x.* FROM casesync_internal.review_types_and_keys(samples) x
			UNION ALL
			SELECT x.* FROM casesync_internal.review_agreement(a, samples) x
			UNION ALL
			SELECT 'warning', casesync_internal.agreement_name(a), format('registry %s reads %s, '
				'which nobody tracks for it: what changes there is told to nobody', r,
				string_agg(u.relation::text, ', ')), format('SELECT * FROM casesync.review(%L);', r)
			  FROM unnest(a.registries) r
			 CROSS JOIN LATERAL casesync_internal.untracked_for(r) u
			 WHERE 'notify' = ANY (a.services) GROUP BY r) f
		  WHERE f.severity = 'warning';
	END IF;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING '% could not be reviewed: %', casesync_internal.agreement_name(a), SQLSTATE;
END
$$;
COMMENT ON FUNCTION casesync_internal.agreement_warn(casesync_internal.agreement) IS
	'part of set_agreement() and activate(): warnings about what is agreed';

/* ---- health ---------------------------------------------------------------------------------- */

/* Of words only: nobody's rows are looked at, and nothing is waited for. */
CREATE OR REPLACE FUNCTION casesync_internal.review_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.severity, format('%s: %s', f.subject, f.problem), f.mend FROM (
		SELECT x.* FROM casesync_internal.registry r
		 CROSS JOIN LATERAL casesync_internal.registry_faults(r) x
		 WHERE casesync_internal.is_told(r.registry)
		UNION
		SELECT x.* FROM casesync_internal.registry r
		  JOIN casesync_internal.tracking t ON r.registry = ANY (t.registries)
			AND NOT t.removed AND t.enabled
		 CROSS JOIN LATERAL casesync_internal.tracking_faults(t, r) x
		UNION
		SELECT x.* FROM casesync_internal.agreement a
		 CROSS JOIN LATERAL casesync_internal.agreement_faults(a) x
		 WHERE a.state = 'active' AND a.direction = 'out') f
	 WHERE f.severity = 'warning'
$$;
COMMENT ON FUNCTION casesync_internal.review_problems() IS
	'part of health: what review() finds without a look at rows, while it lasts';
