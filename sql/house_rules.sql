-- Rules that every object of the extension keeps; each query lists those that break one.
CREATE EXTENSION casesync;
\pset tuples_only on
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
 WHERE d.deptype = 'e' AND e.extname = 'casesync';

-- there is something to judge
SELECT count(*) > 100 FROM member;

-- uncommented: tables, views, functions, types
SELECT object FROM member m
 WHERE obj_description(objid, classid::regclass::name) IS NULL
   AND (classid = 'pg_proc'::regclass
		OR classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c WHERE c.oid = objid AND relkind IN ('r', 'v', 'p'))
		OR classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid AND typtype IN ('b', 'd', 'e')
				AND typelem = 0))
 ORDER BY object COLLATE "C";

-- uncommented: columns of the views that people look at
SELECT a.attrelid::regclass AS view, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'casesync'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
   AND col_description(c.oid, a.attnum) IS NULL
 ORDER BY 1, a.attnum;

-- functions whose names are found in whatever schema the caller likes: only track(), which reads
-- the caller's texts and hands everything to a function that keeps the rule
SELECT p.oid::regprocedure AS function
  FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
  JOIN pg_language l ON l.oid = p.prolang
 WHERE (l.lanname = 'plpgsql' OR p.prosecdef OR l.lanname = 'sql' AND p.prosqlbody IS NULL)
   AND NOT coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}'
 ORDER BY p.oid::regprocedure::text COLLATE "C";

-- functions that know their caller without one that does the work, and such as are given to somebody
SELECT p.oid::regprocedure AS function FROM pg_proc p WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
   AND p.prosrc = 'casesync_known_caller' AND NOT EXISTS (SELECT FROM pg_proc w
	WHERE w.pronamespace = 'casesync_internal'::regnamespace AND w.proname = p.proname || '_for' AND w.prorettype = p.prorettype
	  AND w.proargtypes::text = concat_ws(' ', 'regrole'::regtype::oid, nullif(p.proargtypes::text, ''))) ORDER BY 1;
SELECT count(*) > 10 AS there_are FROM pg_proc WHERE prosrc = 'casesync_known_caller';
SELECT r.access, p.oid::regprocedure FROM casesync_internal.access_right r JOIN pg_proc p ON p.proname = r.object
 WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND p.proargtypes[0] = 'regrole'::regtype AND p.proargnames[1] = 'caller';
-- with rights that their caller lacks, and of a type that the caller chooses: it brings functions along
SELECT p.oid::regprocedure AS function FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
 WHERE p.prosecdef AND EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p');

-- given to everybody
SELECT object FROM member m
  JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass,
  aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
 WHERE a.grantee = 0
UNION
SELECT object FROM member m
  JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass,
  aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
 WHERE a.grantee = 0
UNION
SELECT 'schema ' || nspname FROM pg_namespace n, aclexplode(n.nspacl) a
 WHERE nspname ^@ 'casesync' AND a.grantee = 0
 ORDER BY 1;

-- what people call shows nothing of the inside, and can be read through in \df casesync.*
SELECT p.oid::regprocedure AS function, t.oid::regtype AS type
  FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
 CROSS JOIN LATERAL unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) a(type)
  JOIN pg_type t ON t.oid = a.type LEFT JOIN pg_type e ON e.oid = t.typelem
 WHERE p.pronamespace = 'casesync'::regnamespace
   AND 'casesync_internal'::regnamespace IN (t.typnamespace, e.typnamespace)
 ORDER BY 1, 2;
SELECT count(*) BETWEEN 50 AND 150 AS few_enough FROM pg_proc WHERE pronamespace = 'casesync'::regnamespace;

-- names that stand in both schemas: an access, which goes by name, would give both
SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v') AND c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
 GROUP BY c.relname HAVING count(*) > 1
UNION ALL
SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
 GROUP BY p.proname HAVING count(DISTINCT p.pronamespace) > 1
 ORDER BY 1;

-- tables without a primary key: not to be replicated by FOR ALL TABLES
SELECT c.oid::regclass AS relation
  FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
 ORDER BY c.oid::regclass::text COLLATE "C";

-- what pg_dump leaves behind: facts of the version (access_right, casework_part), what waits for a second person (pending_change), a mark that
-- follows the clock, the empty parent of the leaves, and what the bridge says of failures (turn_trouble_now, lane_note, partner_refusal); no other state
SELECT c.oid::regclass AS relation
  FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE c.relkind IN ('r', 'S')
   AND NOT (SELECT coalesce(extconfig, '{}') FROM pg_extension WHERE extname = 'casesync') @> ARRAY[c.oid]
 ORDER BY c.oid::regclass::text COLLATE "C";

-- owners of nothing outside the schema
SELECT object FROM member m LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
 WHERE p.pronamespace NOT IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) ORDER BY object COLLATE "C";

DROP VIEW member;
DROP EXTENSION casesync CASCADE;
-- nothing stays
SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname ^@ 'casesync');
