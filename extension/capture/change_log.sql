/* The log of captured changes: a ring of plain tables that only C code writes to. */
CREATE OR REPLACE FUNCTION casesync_internal.cache_reset()
RETURNS trigger
LANGUAGE c SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_cache_reset';
COMMENT ON FUNCTION casesync_internal.cache_reset() IS
	'statement trigger: tells all sessions that a table which they cache was written';

CREATE OR REPLACE TRIGGER cache_reset
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON casesync_internal.change_ring
	FOR EACH STATEMENT EXECUTE FUNCTION casesync_internal.cache_reset();

/*
 * Each leaf has the same one index, so that a search goes through all of them by index. A name
 * would fill 64 bytes of each row.
 */
CREATE OR REPLACE VIEW casesync_internal.change AS
	SELECT l.id, l.xid, l.era, l.cid, l.relation, l.op, l.tracking, l.key, l.old_key, l.changed,
		l.actor, l.channel, l."session_user"::name COLLATE "C" AS "session_user", l.origin, l.at
	  FROM (SELECT * FROM casesync_internal.change_0
		UNION ALL SELECT * FROM casesync_internal.change_1
		UNION ALL SELECT * FROM casesync_internal.change_2
		UNION ALL SELECT * FROM casesync_internal.change_3
		UNION ALL SELECT * FROM casesync_internal.change_4
		UNION ALL SELECT * FROM casesync_internal.change_5
		UNION ALL SELECT * FROM casesync_internal.change_6
		UNION ALL SELECT * FROM casesync_internal.change_7) l;
COMMENT ON VIEW casesync_internal.change IS
	'captured changes of tracked tables; order in a transaction is (cid, id)';
COMMENT ON COLUMN casesync_internal.change.id IS 'rising within a session; order within a command';
COMMENT ON COLUMN casesync_internal.change.xid IS 'the top transaction';
COMMENT ON COLUMN casesync_internal.change.era IS
	'which life of the cluster wrote it: higher after each restore';
COMMENT ON COLUMN casesync_internal.change.cid IS
	'the command of the transaction that wrote the row';
COMMENT ON COLUMN casesync_internal.change.relation IS
	'the table that was written, maybe a partition';
COMMENT ON COLUMN casesync_internal.change.op IS
	'I, U, D; G = gap: rows were written while capture was off';
COMMENT ON COLUMN casesync_internal.change.key IS
	'text of the key column, or JSON of the columns that the key expression names';
COMMENT ON COLUMN casesync_internal.change.old_key IS 'the key before, when it changed';
COMMENT ON COLUMN casesync_internal.change.changed IS
	'of an update: {"column": [old, new]}, null for long values';
COMMENT ON COLUMN casesync_internal.change.actor IS 'who acted, as the application claims';
COMMENT ON COLUMN casesync_internal.change.channel IS 'through what, as the application claims';
COMMENT ON COLUMN casesync_internal.change.origin IS
	'the received message whose application made the change';
COMMENT ON COLUMN casesync_internal.change.at IS 'the clock when the row was written';

/* casesync_internal.node tells the era of a change, and sessions remember it. */
CREATE OR REPLACE TRIGGER cache_reset AFTER INSERT OR UPDATE
	OR DELETE OR TRUNCATE ON casesync_internal.node
	FOR EACH STATEMENT EXECUTE FUNCTION casesync_internal.cache_reset();

/*
 * Writers learn of it when this commits and never wait for it: they read the ring in a lock that
 * this one leaves free. One that had the old leaf open goes on there, and others while somebody
 * keeps theirs locked: see change_leaf.c. Only to an empty leaf: it is emptied whole, so what is
 * old there must be gone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rotate_changes()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last_leaf integer;
	next_leaf integer;
	is_used boolean;
BEGIN
	LOCK TABLE casesync_internal.change_ring IN SHARE ROW EXCLUSIVE MODE;
	SELECT coalesce(max(leaf), 0) INTO last_leaf FROM casesync_internal.change_ring;
	FOR i IN 1 .. 7 LOOP
		next_leaf := (last_leaf + i) % 8;
		EXECUTE format('SELECT EXISTS (SELECT FROM casesync_internal.change_%s)', next_leaf)
			INTO is_used;
		IF NOT is_used THEN
			INSERT INTO casesync_internal.change_ring (id, leaf) VALUES (1, next_leaf)
				ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf;
			RETURN next_leaf;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.rotate_changes() IS
	'lets writers go on with the next empty leaf of the log; gives its number, NULL when none is '
	'empty';

/* By size, since a leaf goes only whole: a small one is free again the sooner. */
CREATE OR REPLACE FUNCTION casesync_internal.change_ring_turn(leaf_limit bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	leaf constant integer := coalesce((SELECT g.leaf FROM casesync_internal.change_ring g), 0);
BEGIN
	RETURN casesync_internal.leaf_is_full(
			format('casesync_internal.change_%s', leaf)::regclass, leaf_limit)
		AND casesync_internal.rotate_changes() IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.change_ring_turn(bigint) IS
	'part of tidy(): changes go to the next leaf once this one has leaf_limit bytes; whether they '
	'do';

/*
 * Looked at before the lock is asked for: else every minute writers would find a leaf locked that
 * cannot go yet. lock_timeout is for the table with its long values, which a vacuum may hold.
 */
CREATE OR REPLACE FUNCTION casesync_internal.empty_change_leaf(leaf integer, routed pg_snapshot,
	era integer, earlier_routed boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
	/* Rows of another era cannot be compared with the snapshot at all. */
	unrouted CONSTANT text := format($query$
		SELECT EXISTS (SELECT FROM casesync_internal.change_%s c
			WHERE c.era > $2 OR c.era < $2 AND NOT $3
			OR c.era = $2 AND NOT pg_visible_in_snapshot(c.xid, $1))$query$, leaf);
	keeps_rows boolean;
BEGIN
	EXECUTE unrouted INTO keeps_rows USING routed, era, earlier_routed;
	IF keeps_rows THEN
		RETURN false;
	END IF;
	/* Behind this lock nobody is left who could still write here; so look again. */
	IF NOT casesync_internal.leaf_lock(format('casesync_internal.change_%s', leaf)::regclass) THEN
		RETURN false;
	END IF;
	EXECUTE unrouted INTO keeps_rows USING routed, era, earlier_routed;
	IF keeps_rows THEN
		RETURN false;
	END IF;
	EXECUTE format('TRUNCATE casesync_internal.change_%s', leaf);
	RETURN true;
EXCEPTION
	WHEN lock_not_available OR deadlock_detected THEN
		RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.empty_change_leaf(integer, pg_snapshot, integer, boolean) IS
	'part of empty_change_leaves(): one leaf';

/*
 * Under the router's lock (tidy()): routed stays true meanwhile. A removed tracking goes with the
 * last row that names it, since routing needs to know what such a row means.
 */
CREATE OR REPLACE FUNCTION casesync_internal.empty_change_leaves(routed pg_snapshot, era integer,
	earlier_routed boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	current_leaf integer;
	emptied integer := 0;
	is_used boolean;
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		PERFORM casesync_internal.raise_error(errcode => 'active_sql_transaction',
			message => 'casesync_internal.empty_change_leaves must run in a read committed '
				'transaction',
			detail => 'An older snapshot would not see rows that were written since.',
			hint => 'BEGIN ISOLATION LEVEL READ COMMITTED;');
	END IF;
	/* The ring must not come round to a leaf that is being emptied. */
	LOCK TABLE casesync_internal.change_ring IN SHARE ROW EXCLUSIVE MODE;
	SELECT coalesce(max(leaf), 0) INTO current_leaf FROM casesync_internal.change_ring;
	FOR i IN 0..7 LOOP
		CONTINUE WHEN i = current_leaf;
		EXECUTE format('SELECT EXISTS (SELECT FROM casesync_internal.change_%s)', i) INTO is_used;
		IF is_used AND casesync_internal.empty_change_leaf(i, routed, era, earlier_routed) THEN
			emptied := emptied + 1;
		END IF;
	END LOOP;
	/* Its owner may keep it locked: then it stays until the next time. */
	DELETE FROM casesync_internal.tracking g WHERE g.id IN (
		SELECT t.id FROM casesync_internal.tracking t
		 WHERE t.removed AND t.stopped_gap IS NULL
		   AND NOT EXISTS (SELECT FROM casesync_internal.change c WHERE c.tracking = t.id)
		   FOR UPDATE SKIP LOCKED);
	RETURN emptied;
END
$$;
COMMENT ON FUNCTION casesync_internal.empty_change_leaves(pg_snapshot, integer, boolean) IS
	'empties the leaves that are not written to and hold only rows visible in the snapshot; gives '
	'their number';

/* Served, but row by row as a statement: see row_insert_by_server() in change_log.c. */
CREATE OR REPLACE FUNCTION casesync_internal.leaf_additions()
RETURNS TABLE (leaf regclass, what text, mend text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH leaf AS MATERIALIZED (
		SELECT c.oid, c.oid::regclass AS name FROM pg_class c
		 WHERE c.relnamespace = 'casesync_internal'::regnamespace AND c.relname ~ '^change_[0-7]$'
	)
	SELECT l.name, format('index %s', i.indexrelid::regclass),
		format('DROP INDEX IF EXISTS %s;', i.indexrelid::regclass)
	  FROM leaf l JOIN pg_index i ON i.indrelid = l.oid WHERE NOT i.indisprimary
		AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
	UNION ALL
	SELECT l.name, format('constraint %I', c.conname),
		format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I;', l.name, c.conname)
	  FROM leaf l JOIN pg_constraint c ON c.conrelid = l.oid WHERE c.contype NOT IN ('p', 'n', 't')
	UNION ALL
	SELECT l.name, format('trigger %I', t.tgname),
		format('DROP TRIGGER IF EXISTS %I ON %s;', t.tgname, l.name)
	  FROM leaf l JOIN pg_trigger t ON t.tgrelid = l.oid WHERE NOT t.tgisinternal
	UNION ALL
	SELECT l.name, format('rule %I', r.rulename),
		format('DROP RULE IF EXISTS %I ON %s;', r.rulename, l.name)
	  FROM leaf l JOIN pg_rewrite r ON r.ev_class = l.oid
	UNION ALL
	SELECT l.name, format('column %I', a.attname),
		format('ALTER TABLE %s DROP COLUMN IF EXISTS %I;', l.name, a.attname)
	  FROM leaf l JOIN pg_attribute a ON a.attrelid = l.oid AND a.attnum > 0 AND NOT a.attisdropped
	 WHERE NOT EXISTS (SELECT FROM pg_attribute v WHERE v.attname = a.attname
		AND v.attrelid = 'casesync_internal.change'::regclass)
	UNION ALL
	SELECT c.oid, 'UNLOGGED, so that a crash empties it',
		format('ALTER TABLE %s SET LOGGED;', c.oid::regclass)
	  FROM pg_class c WHERE c.relnamespace = 'casesync_internal'::regnamespace
		AND c.relkind = 'r' AND c.relpersistence <> 'p'
$$;
COMMENT ON FUNCTION casesync_internal.leaf_additions() IS
	'what somebody has put on leaves of the log, or has taken from any table of casesync, and how '
	'that is undone';

CREATE OR REPLACE FUNCTION casesync_internal.log_problems()
RETURNS TABLE (severity text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN bool_or(a.what LIKE 'UNLOGGED%') THEN 'critical' ELSE 'warning' END,
		format('table %s has what is not casesync''s: %s', a.leaf,
			string_agg(a.what, ', ' ORDER BY a.what)),
		string_agg(a.mend, ' ' ORDER BY a.what)
	  FROM casesync_internal.leaf_additions() a GROUP BY a.leaf
$$;
COMMENT ON FUNCTION casesync_internal.log_problems() IS
	'what health says of tables of casesync that somebody has altered';
