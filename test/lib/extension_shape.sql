-- The shape of the extension in a database, one line a fact: two databases that give the same lines
-- have the same extension, however they came by it. Knows no object by name except one table whose
-- row is a mark and not a fact. Run with psql -XAtq.
SET search_path = pg_catalog;
SET extra_float_digits = 1;

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'casesync';

-- what others than the owner may do; that the owner may all is not worth a line
CREATE FUNCTION pg_temp.rights(acl aclitem[], owner oid) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s:%s%s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type,
		CASE WHEN a.is_grantable THEN '*' ELSE '' END), ',' ORDER BY a.grantee::regrole::text, a.privilege_type)
	  FROM aclexplode(acl) a WHERE a.grantee <> owner
$$;
-- the rows that come with the version: of tables that pg_dump leaves out, and those that its condition leaves out
CREATE FUNCTION pg_temp.shipped(relation regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	condition text := (SELECT e.extcondition[array_position(e.extconfig, relation::oid)] FROM pg_extension e WHERE e.extname = 'casesync');
	listed boolean := (SELECT array_position(e.extconfig, relation::oid) IS NOT NULL FROM pg_extension e WHERE e.extname = 'casesync');
	found text;
BEGIN
	IF listed AND condition = '' THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C") FROM ONLY %s t %s', relation,
		CASE WHEN listed THEN 'WHERE NOT (' || regexp_replace(condition, '^WHERE', '') || ')' ELSE '' END) INTO found;
	RETURN found;
END
$$;

CREATE TEMP VIEW shape AS
SELECT pg_describe_object(classid, objid, 0) AS object, 'member' AS what,
	'comment: ' || coalesce(obj_description(objid, (SELECT relname FROM pg_class c WHERE c.oid = classid)), '-') AS fact
  FROM member
UNION ALL
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0), 'in the schema but no member', ''
  FROM pg_class c WHERE c.relnamespace::regnamespace::text IN ('casesync', 'casesync_internal') AND c.relkind NOT IN ('i', 'c')
   AND NOT EXISTS (SELECT FROM member m WHERE m.objid = c.oid)
   -- the sequence of an identity column belongs to its table
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'i')
UNION ALL
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0), 'in the schema but no member', ''
  FROM pg_proc p WHERE p.pronamespace::regnamespace::text IN ('casesync', 'casesync_internal')
   AND NOT EXISTS (SELECT FROM member m WHERE m.objid = p.oid)
UNION ALL
SELECT 'pg_dump', c.oid::regclass::text, e.extcondition[array_position(e.extconfig, c.oid)]
  FROM pg_extension e JOIN pg_class c ON c.oid = ANY (e.extconfig) WHERE e.extname = 'casesync'
UNION ALL
SELECT 'extension', 'version', extversion FROM pg_extension WHERE extname = 'casesync'
UNION ALL
SELECT 'schema ' || n.nspname, 'rights', pg_temp.rights(n.nspacl, n.nspowner) FROM pg_namespace n WHERE n.nspname ^@ 'casesync'
UNION ALL
SELECT c.oid::regclass::text, 'relation', concat_ws(' ', c.relkind, c.relpersistence, c.reloptions::text, 'rls', c.relrowsecurity, c.relforcerowsecurity,
	'identity', c.relreplident, 'rights', pg_temp.rights(c.relacl, c.relowner), 'parents',
	(SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid))
  FROM pg_class c JOIN member m ON m.objid = c.oid AND m.classid = 'pg_class'::regclass
UNION ALL
SELECT c.oid::regclass::text, format('column %s', row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum)), concat_ws(' ', a.attname,
	format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'default', pg_get_expr(d.adbin, d.adrelid), 'identity', a.attidentity,
	'generated', a.attgenerated, 'collation', nullif(a.attcollation, 0)::regcollation, 'storage', a.attstorage, 'inherited', a.attinhcount, a.attislocal,
	'rights', pg_temp.rights(a.attacl, c.relowner), 'comment', col_description(c.oid, a.attnum))
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.oid IN (SELECT m.objid FROM member m UNION SELECT t.typrelid FROM pg_type t JOIN member m ON m.objid = t.oid)
UNION ALL
SELECT k.conrelid::regclass::text, 'constraint ' || k.conname, concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated, k.coninhcount)
  FROM pg_constraint k JOIN member m ON m.objid = k.conrelid
UNION ALL
SELECT i.indrelid::regclass::text, 'index', concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid) FROM pg_index i JOIN member m ON m.objid = i.indrelid
UNION ALL
SELECT c.oid::regclass::text, 'view', pg_get_viewdef(c.oid) FROM pg_class c JOIN member m ON m.objid = c.oid WHERE c.relkind = 'v'
UNION ALL
SELECT s.seqrelid::regclass::text, 'sequence', concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, 'of',
	(SELECT pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) FROM pg_depend d
	  WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype IN ('a', 'i')))
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace::regnamespace::text IN ('casesync', 'casesync_internal')
UNION ALL
SELECT p.oid::regprocedure::text, 'function', CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
	|| ' rights ' || coalesce(pg_temp.rights(coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner), '-')
  FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
UNION ALL
SELECT t.tgrelid::regclass::text, 'trigger', concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger'))
  FROM pg_trigger t JOIN member m ON m.objid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT p.polrelid::regclass::text, 'policy ' || p.polname, concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
	pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p JOIN member m ON m.objid = p.polrelid
UNION ALL
SELECT t.oid::regtype::text, 'type', concat_ws(' ', t.typtype, t.typlen, t.typinput, t.typoutput, t.typdefault,
	(SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
	'rights', pg_temp.rights(coalesce(t.typacl, acldefault('T', t.typowner)), t.typowner))
  FROM pg_type t JOIN member m ON m.objid = t.oid AND m.classid = 'pg_type'::regclass
UNION ALL
SELECT o.oid::regoperator::text, 'operator', concat_ws(' ', o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash)
  FROM pg_operator o JOIN member m ON m.objid = o.oid AND m.classid = 'pg_operator'::regclass
UNION ALL
SELECT format('cast %s to %s', k.castsource::regtype, k.casttarget::regtype), 'cast', concat_ws(' ', nullif(k.castfunc, 0)::regprocedure, k.castcontext, k.castmethod)
  FROM pg_cast k JOIN member m ON m.objid = k.oid AND m.classid = 'pg_cast'::regclass
UNION ALL
-- rights that PostgreSQL takes for the extension's own are left out by pg_dump
SELECT pg_describe_object(i.classoid, i.objoid, i.objsubid), 'rights at birth', string_agg(a.grantee::regrole || ':' || a.privilege_type, ',' ORDER BY 1)
  FROM pg_init_privs i JOIN member m ON m.objid = i.objoid AND m.classid = i.classoid, aclexplode(i.initprivs) a
 WHERE a.grantee <> a.grantor GROUP BY 1
UNION ALL
SELECT c.oid::regclass::text, 'rows', pg_temp.shipped(c.oid::regclass) FROM pg_class c JOIN member m ON m.objid = c.oid
 WHERE c.relkind = 'r' AND c.relname NOT IN ('crosswalk_change', 'lane_note', 'partner_refusal');

SELECT line FROM (SELECT replace(format('%s | %s | %s', object, what, coalesce(fact, '-')), E'\n', '\n') AS line FROM shape) s
 ORDER BY line COLLATE "C";
