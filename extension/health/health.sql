/* Health: all that needs somebody, for people and for monitoring systems. */

/* Who has it locked may be a person who sees to it: nothing is ended here. */
CREATE OR REPLACE FUNCTION casesync_internal.unread_problem(part text)
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT 'critical', format('a table of casesync is locked%s: health cannot say all '
				'(not read: %s)',
			(SELECT format(' (%s, by process %s)', k.relation::regclass, k.pid)
			  FROM pg_locks k
			  JOIN pg_class c ON c.oid = k.relation
			 WHERE k.granted AND k.mode = 'AccessExclusiveLock' AND k.pid <> pg_backend_pid()
			   AND k.database = (SELECT d.oid FROM pg_database d
					WHERE d.datname = current_database())
			   AND c.relnamespace = 'casesync_internal'::regnamespace
			 ORDER BY k.waitstart DESC NULLS FIRST, k.pid LIMIT 1), part),
		'SELECT pid, usename, state, xact_start, query FROM pg_stat_activity WHERE pid IN '
		'(SELECT pid FROM pg_locks WHERE granted AND mode = ''AccessExclusiveLock'');';
END
$$;
COMMENT ON FUNCTION casesync_internal.unread_problem(text) IS
	'part of problems(): what somebody keeps from being looked at';

/*
 * With the extension's rights, so that whoever watches needs none. What it says names partners,
 * tables and counts, and never content. Who watches is not kept waiting by who has locked a table:
 * all that can be said is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
AS $$
DECLARE
	part text;
	unread text[] := '{}';
BEGIN
	FOREACH part IN ARRAY ARRAY['node', 'bridge', 'held_up', 'capture', 'log', 'subjects',
		'delivery', 'access', 'rights', 'backfill', 'decision', 'replication', 'partner',
		'refused', 'sharing', 'subscription', 'encryption', 'answering', 'referral', 'review',
		'size']
	LOOP
		BEGIN
			RETURN QUERY EXECUTE format('SELECT p.* FROM casesync_internal.%I() p',
				part || '_problems');
		EXCEPTION WHEN lock_not_available THEN
			unread := unread || part;
			PERFORM set_config('lock_timeout', '100ms', true);
		END;
	END LOOP;
	IF unread <> '{}' THEN
		RETURN QUERY SELECT p.*
			FROM casesync_internal.unread_problem(array_to_string(unread, ', ')) p;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.problems() IS 'everything that needs somebody';

/*
 * Who watches is mostly not who may mend. A name of a role stands in a comment, so it must not be
 * able to end its line.
 */
CREATE OR REPLACE FUNCTION casesync_internal.mend_for(mend text, caller name)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH named AS (
		SELECT DISTINCT m[1] AS object FROM regexp_matches(mend, E'\\mcasesync[.]([a-z_]+)', 'g') m
	), lacked AS (
		SELECT n.object FROM named n
		  JOIN pg_proc f ON f.pronamespace = 'casesync'::regnamespace AND f.proname = n.object
		 WHERE NOT has_function_privilege(caller, f.oid, 'EXECUTE')
		UNION
		SELECT n.object FROM named n
		  JOIN pg_class c ON c.relnamespace = 'casesync'::regnamespace AND c.relname = n.object
		 WHERE c.relkind = 'v' AND NOT has_table_privilege(caller, c.oid, 'SELECT')
	), accesses AS (
		SELECT l.object, a.access, (SELECT string_agg(quote_ident(g.role), ', '
				ORDER BY g.role) FROM casesync_internal.access_given g
			 WHERE g.access = a.access) AS roles
		  FROM lacked l
		  JOIN casesync_internal.access_right a ON a.object IN (l.object, 'SELECT ON ' || l.object)
	)
	SELECT mend || coalesce('  -- not for you; ' || regexp_replace(string_agg(x.said, '; '
			ORDER BY x.said), '[[:cntrl:]]', '?', 'g'), '')
	  FROM (SELECT format('%s: access %s', string_agg(DISTINCT a.object, ', '),
			a.access || coalesce(' (' || a.roles || ')', ', which nobody has')) AS said
		  FROM accesses a GROUP BY a.access, a.roles) x
$$;
COMMENT ON FUNCTION casesync_internal.mend_for(text, name) IS
	'a mend of casesync.health as a role is shown it: with who else can do what it may not';

CREATE OR REPLACE VIEW casesync.health AS
	SELECT p.severity, p.problem, casesync_internal.mend_for(p.mend, current_user)
			COLLATE "default" AS mend
	  FROM casesync_internal.problems() p ORDER BY p.severity, p.problem;
COMMENT ON VIEW casesync.health IS
	'look here first: one row per problem, with the SQL that mends it; empty is well';
COMMENT ON COLUMN casesync.health.severity IS 'critical or warning';
COMMENT ON COLUMN casesync.health.problem IS 'what is wrong, in a sentence';
COMMENT ON COLUMN casesync.health.mend IS
	'the SQL to mend it, or to look closer; where you may not run it, who can';

/* Nobody says so while a table of it is locked: problems() does. */
CREATE OR REPLACE FUNCTION casesync_internal.longest_wait()
RETURNS interval
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
AS $$
BEGIN
	RETURN (SELECT greatest(now() - min(q.oldest), now() - casesync_internal.unrouted_since())
		FROM casesync.queue q);
EXCEPTION WHEN lock_not_available THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.longest_wait() IS
	'part of check(): how old the oldest is that is to be told';

/* With the extension's rights, as problems(): monitoring needs this one function and no table. */
CREATE OR REPLACE FUNCTION casesync.check(warn interval DEFAULT '5 min',
	crit interval DEFAULT '30 min')
RETURNS TABLE (status text, message text)
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH found AS MATERIALIZED (
		SELECT p.* FROM casesync_internal.problems() p
	), late AS MATERIALIZED (
		SELECT casesync_internal.longest_wait() AS age
	), worst AS (
		SELECT CASE WHEN l.age >= crit OR EXISTS (SELECT FROM found WHERE severity = 'critical')
				THEN 'CRITICAL'
			WHEN l.age >= warn OR EXISTS (SELECT FROM found) THEN 'WARNING'
				ELSE 'OK' END AS status, l.age
		  FROM late l
	)
	SELECT w.status,
		concat_ws('; ', CASE WHEN w.age >= warn
		THEN format('oldest waiting for %s', date_trunc('second', w.age)) END,
		(SELECT string_agg(p.problem, '; ' ORDER BY p.severity, p.problem) FROM found p))
	  FROM worst w
$$;
COMMENT ON FUNCTION casesync.check(interval, interval) IS
	'for monitoring systems: OK, WARNING or CRITICAL, and why';
