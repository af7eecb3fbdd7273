/*
 * DDL is looked at when it is done: the minute's look would know only that something happened since
 * the last one. It must never fail because of us, nor wait for a retrack() that waits for it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.ddl_seen(relations oid[], trackings integer[],
	all_of_them boolean, made oid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
DECLARE
	family constant oid[] := relations || ARRAY(SELECT i.inhparent FROM pg_inherits i
		WHERE i.inhrelid = ANY (relations));
	names constant text[] := ARRAY(SELECT r::regclass::text FROM unnest(relations) r);
	t casesync_internal.tracking;
BEGIN
	FOR t IN
		SELECT g.* FROM casesync_internal.tracking g
		  LEFT JOIN casesync_internal.capture_seen s ON s.tracking = g.id
		 WHERE NOT g.removed AND (all_of_them OR g.id = ANY (trackings)
			OR g.relation::oid = ANY (family) OR g.relation_name = ANY (names)
			OR s.members && family)
		   AND (s.mending_in IS NULL OR s.mending_in <> pg_current_xact_id())
		 ORDER BY g.id
	LOOP
		BEGIN
			IF cardinality(made) > 0 THEN
				PERFORM casesync_internal.member_watch(t, made);
			END IF;
			PERFORM casesync_internal.capture_look(t.id);
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			PERFORM casesync_internal.capture_note_beside(t);
		END;
	END LOOP;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'casesync could not note what this changes for tracked tables: %', SQLERRM
		USING HINT = 'It is looked at again within a minute: SELECT * FROM casesync.health;';
END
$$;
COMMENT ON FUNCTION casesync_internal.ddl_seen(oid[], integer[], boolean, oid[]) IS
	'looks at the trackings that DDL on these tables may concern; made: tables that were made or '
	'altered, with new partitions or children perhaps';

/*
 * Schemas: another may take the name of one, with all its tables. Subscriptions: what they fill.
 * Types: the labels of an enum.
 */
CREATE OR REPLACE FUNCTION casesync_internal.ddl_ended()
RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relations oid[];
	made oid[];
	all_of_them boolean;
BEGIN
	SELECT array_agg(DISTINCT coalesce(g.tgrelid, c.objid)) FILTER (
			WHERE c.classid IN ('pg_class'::regclass, 'pg_trigger'::regclass)),
		array_agg(DISTINCT c.objid) FILTER (WHERE c.command_tag IN ('CREATE TABLE', 'ALTER TABLE')),
		bool_or(c.classid IN ('pg_namespace'::regclass, 'pg_subscription'::regclass,
			'pg_type'::regclass))
	  INTO relations, made, all_of_them
	  FROM pg_event_trigger_ddl_commands() c
	  LEFT JOIN pg_trigger g ON g.oid = c.objid AND c.classid = 'pg_trigger'::regclass
	 WHERE NOT c.in_extension AND c.schema_name IS DISTINCT FROM 'pg_temp';
	IF relations IS NOT NULL OR all_of_them THEN
		PERFORM casesync_internal.ddl_seen(coalesce(relations, '{}'), '{}', all_of_them,
			coalesce(made, '{}'));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.ddl_ended() IS
	'event trigger: looks at tracked tables that a command has altered';

CREATE OR REPLACE FUNCTION casesync_internal.ddl_dropped()
RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relations oid[];
	trackings integer[];
BEGIN
	SELECT array_agg(DISTINCT d.objid) FILTER (WHERE d.classid = 'pg_class'::regclass),
		array_agg(DISTINCT left(substring(d.address_names[3] FROM '^casesync_([0-9]+)_[a-z]+$'),
			9)::integer) FILTER (WHERE d.classid = 'pg_trigger'::regclass)
	  INTO relations, trackings
	  FROM pg_event_trigger_dropped_objects() d WHERE NOT d.is_temporary;
	trackings := array_remove(trackings, NULL);
	IF relations IS NOT NULL OR cardinality(trackings) > 0 THEN
		PERFORM casesync_internal.ddl_seen(coalesce(relations, '{}'), coalesce(trackings, '{}'),
			false, '{}');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.ddl_dropped() IS
	'event trigger: looks at tracked tables of which something was dropped';

/*
 * ALTER TYPE … USING and a new column with a volatile default give rows other values, and no
 * trigger fires. It runs before it is done, but what it makes nobody sees before that.
 */
CREATE OR REPLACE FUNCTION casesync_internal.ddl_rewrites()
RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rewritten constant oid := pg_event_trigger_table_rewrite_oid();
BEGIN
	IF pg_event_trigger_table_rewrite_reason() & 6 = 0
		OR NOT casesync_internal.has_rows(rewritten)
	THEN
		RETURN;
	END IF;
	PERFORM casesync_internal.hole_between(t, 'its rows were rewritten by ALTER TABLE')
	   FROM casesync_internal.tracking t
	   JOIN casesync_internal.capture_seen s ON s.tracking = t.id
	  WHERE NOT t.removed AND s.members @> ARRAY[rewritten]
	   AND casesync_internal.capture_is_here(t);
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'casesync could not note that the rows of "%" are rewritten: %',
		rewritten::regclass, SQLERRM
		USING HINT = 'Afterwards: SELECT casesync.look_again(…), for each registry of the table.';
END
$$;
COMMENT ON FUNCTION casesync_internal.ddl_rewrites() IS
	'event trigger: notes when the rows of a tracked table get other values';

/*
 * ALWAYS: they see DDL of a session in the role of a replica too. Outside of a script of the
 * extension a new one has to be told that it belongs to it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.event_triggers_make()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	e record;
BEGIN
	FOR e IN SELECT v.*, t.oid FROM (VALUES ('casesync_ddl', 'ddl_command_end', 'ddl_ended',
			'WHEN TAG IN (''ALTER TABLE'', ''ALTER TRIGGER'', ''CREATE TABLE'', '
			'''CREATE TRIGGER'', ''ALTER SCHEMA'', ''CREATE SUBSCRIPTION'', '
			'''ALTER SUBSCRIPTION'', ''ALTER TYPE'', ''CREATE FOREIGN TABLE'', '
			'''ALTER FOREIGN TABLE'')'),
		('casesync_drop', 'sql_drop', 'ddl_dropped', ''),
		('casesync_rewrite', 'table_rewrite', 'ddl_rewrites', '')) v(name, event, function, filter)
		LEFT JOIN pg_event_trigger t ON t.evtname = v.name
	LOOP
		IF e.oid IS NULL THEN
			EXECUTE format('CREATE EVENT TRIGGER %I ON %s %s EXECUTE FUNCTION '
				'casesync_internal.%I()', e.name, e.event, e.filter, e.function);
			EXECUTE format('COMMENT ON EVENT TRIGGER %I IS %L', e.name,
				'notes when changes of tracked tables go unseen');
		END IF;
		EXECUTE format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', e.name);
		IF NOT EXISTS (SELECT FROM pg_depend d JOIN pg_event_trigger t ON t.oid = d.objid
			WHERE d.classid = 'pg_event_trigger'::regclass AND d.deptype = 'e'
				AND t.evtname = e.name)
		THEN
			EXECUTE format('ALTER EXTENSION casesync ADD EVENT TRIGGER %I', e.name);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.event_triggers_make() IS
	'for a superuser: makes the event triggers that are missing, and enables them';
/* Where their maker may not make them, the minute's look is what there is, and health says so. */
DO $$
BEGIN
	PERFORM casesync_internal.event_triggers_make();
EXCEPTION WHEN insufficient_privilege THEN
	RAISE NOTICE 'casesync has no event triggers here: what DDL hides is noticed within a minute';
END
$$;
