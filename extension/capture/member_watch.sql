/*
 * Triggers that PostgreSQL does not copy to partitions and children: made where they are missing,
 * by the event trigger that sees a new one, so that a new month's partition needs nobody.
 */

CREATE OR REPLACE FUNCTION casesync_internal.note_unseen()
RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'casesync_note_unseen';
COMMENT ON FUNCTION casesync_internal.note_unseen() IS
	'trigger of tracked tables: notes that something is written in the role of a replica';

/* Enabled for the role of a replica only: ENABLE TRIGGER ALL makes it fire for all others. */
CREATE OR REPLACE FUNCTION casesync_internal.unseen_missing(t casesync_internal.tracking)
RETURNS TABLE (member regclass, trigger name, is_made boolean, is_disabled boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.member, format('casesync_%s_unseen', t.id)::name, g.oid IS NOT NULL,
			g.oid IS NOT NULL AND g.tgenabled = 'D'
	  FROM casesync_internal.table_family(t.relation) f
	  LEFT JOIN pg_trigger g ON g.tgrelid = f.member
		AND g.tgname = format('casesync_%s_unseen', t.id)
	 WHERE t.enabled AND NOT t.removed AND f.kind IN ('r', 'p')
	   AND (g.oid IS NULL OR g.tgenabled <> 'R')
$$;
COMMENT ON FUNCTION casesync_internal.unseen_missing(casesync_internal.tracking) IS
	'tables of a tracking on which the role of a replica writes unnoticed';

/* What somebody has just disabled stays so until retrack(). */
CREATE OR REPLACE FUNCTION casesync_internal.unseen_attach(t casesync_internal.tracking,
	members oid[], fresh oid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed record;
BEGIN
	PERFORM casesync_internal.tables_lock(ARRAY(SELECT u.member
		FROM casesync_internal.unseen_missing(t) u));
	FOR needed IN SELECT * FROM casesync_internal.unseen_missing(t) m
		 WHERE members IS NULL OR m.member::oid = ANY (members) AND NOT m.is_disabled
			AND (m.is_made OR m.member::oid = ANY (fresh))
	LOOP
		IF NOT needed.is_made THEN
			EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
				'FOR EACH STATEMENT EXECUTE FUNCTION casesync_internal.note_unseen(%L)',
				needed.trigger, needed.member, t.id);
		END IF;
		EXECUTE format('ALTER TABLE ONLY %s ENABLE REPLICA TRIGGER %I', needed.member,
			needed.trigger);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.unseen_attach(casesync_internal.tracking, oid[], oid[]) IS
	'makes the triggers that notice what the role of a replica writes, where they are missing only '
	'on fresh members; if NULL, of all members';

/* Also from tables that are no part any more; on another's table such a trigger is the other's. */
CREATE OR REPLACE FUNCTION casesync_internal.unseen_detach(t casesync_internal.tracking)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_trigger record;
BEGIN
	FOR found_trigger IN
		SELECT g.tgrelid::regclass AS member, g.tgname FROM pg_trigger g
		 WHERE g.tgfoid = 'casesync_internal.note_unseen()'::regprocedure
		   AND g.tgname = format('casesync_%s_unseen', t.id)
		   AND casesync_internal.owns(g.tgrelid)
		   AND NOT (t.enabled AND EXISTS (
				SELECT FROM casesync_internal.table_family(t.relation) f
				 WHERE f.member = g.tgrelid))
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', found_trigger.tgname, found_trigger.member);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.unseen_detach(casesync_internal.tracking) IS
	'drops the triggers for the role of a replica that a tracking no longer needs, on tables of '
	'the caller';

/* Only where the row triggers are: a child without them is for retrack(), as drift says. */
CREATE OR REPLACE FUNCTION casesync_internal.guard_attach(t casesync_internal.tracking,
	members oid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	needed record;
BEGIN
	FOR needed IN
		SELECT n.member, n.trigger, n.event FROM casesync_internal.tracking_triggers(t) n
		  JOIN pg_class c ON c.oid = n.member AND c.relispartition AND c.relkind IN ('r', 'p')
		 WHERE n.event = 'truncate' AND t.enabled
		   AND (members IS NULL OR n.member::oid = ANY (members))
		   AND NOT EXISTS (SELECT FROM pg_trigger g
			WHERE g.tgrelid = n.member AND g.tgname = n.trigger)
	LOOP
		EXECUTE casesync_internal.trigger_statement(t, needed.member, needed.trigger,
			needed.event);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.guard_attach(casesync_internal.tracking, oid[]) IS
	'makes the triggers that refuse TRUNCATE of new partitions; if NULL, of all';

/*
 * What DDL has just made or joined, and its row triggers with it. Not what else lacks something:
 * pg_restore makes one trigger after the other, and would find ours in its way.
 */
CREATE OR REPLACE FUNCTION casesync_internal.members_made(t casesync_internal.tracking, made oid[])
RETURNS oid[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(f.member::oid), '{}')
	  FROM casesync_internal.table_family(t.relation) f
	 WHERE (f.member::oid = ANY (made) OR EXISTS (SELECT FROM pg_inherits i
			WHERE i.inhrelid = f.member AND i.inhparent = ANY (made)))
	   AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = f.member
			AND g.tgfoid = 'casesync_internal.capture_change()'::regprocedure)
$$;
COMMENT ON FUNCTION casesync_internal.members_made(casesync_internal.tracking, oid[]) IS
	'members of a tracking that a command has made or joined, and that are recorded already';

/* In the transaction of whoever made the partition, who has it locked anyway. */
CREATE OR REPLACE FUNCTION casesync_internal.member_watch(t casesync_internal.tracking,
	made oid[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	members oid[];
	fresh oid[];
BEGIN
	IF NOT casesync_internal.capture_is_here(t) THEN
		RETURN;
	END IF;
	/* What was seen without a trigger is being restored, or for retrack(). */
	IF made IS NOT NULL THEN
		members := casesync_internal.members_made(t, made);
		fresh := ARRAY(SELECT m FROM unnest(members) m WHERE NOT EXISTS (
			SELECT FROM casesync_internal.capture_seen s
			 WHERE s.tracking = t.id AND m = ANY (s.members)));
	END IF;
	/* What is made here is DDL too, and looked at only when all of it is made. */
	PERFORM casesync_internal.capture_mending(t.id);
	PERFORM casesync_internal.guard_attach(t, fresh);
	PERFORM casesync_internal.unseen_attach(t, members, fresh);
	UPDATE casesync_internal.capture_seen s SET mending_in = NULL WHERE s.tracking = t.id;
EXCEPTION WHEN OTHERS THEN
	RAISE DEBUG 'casesync made no triggers on the partitions of "%": %', t.relation, SQLERRM;
END
$$;
COMMENT ON FUNCTION casesync_internal.member_watch(casesync_internal.tracking, oid[]) IS
	'new partitions and children of a tracked table get what the others have';
