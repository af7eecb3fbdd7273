/*
 * A subject's key as text: one text for each value, whatever a session has set. The log, and all
 * that is kept of a subject, has it as text; the view as a value of some type.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_base_type(type regtype)
RETURNS regtype
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	base record;
BEGIN
	LOOP
		SELECT t.oid::regtype AS type, t.typtype, t.typbasetype INTO base
		  FROM pg_type t WHERE t.oid = key_base_type.type;
		EXIT WHEN base.typtype IS DISTINCT FROM 'd';
		type := base.typbasetype;
	END LOOP;
	RETURN base.type;
END
$$;
COMMENT ON FUNCTION casesync_internal.key_base_type(regtype) IS
	'the type that lies beneath a domain; any other is its own';

/*
 * Types of extensions bring their operator with them: by its name alone PostgreSQL would take that
 * of text, and for example compare citext by the case of its letters.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_operator(type regtype)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	base constant regtype := casesync_internal.key_base_type(type);
BEGIN
	IF base::oid < 16384 OR EXISTS (SELECT FROM pg_type t
		WHERE t.oid = base AND t.typtype = 'e') THEN
		RETURN 'OPERATOR(pg_catalog.=)';
	END IF;
	RETURN (SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
		  FROM pg_opclass c
		  JOIN pg_am m ON m.oid = c.opcmethod AND m.amname IN ('btree', 'hash')
		  JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype
			AND a.amoprighttype = c.opcintype
			AND a.amopstrategy = CASE m.amname WHEN 'btree' THEN 3 ELSE 1 END
		  JOIN pg_operator o ON o.oid = a.amopopr
		  JOIN pg_namespace n ON n.oid = o.oprnamespace
		 WHERE c.opcintype = base AND c.opcdefault
		 ORDER BY m.amname LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_operator(regtype) IS
	'how keys of a type are compared, written with its schema; NULL when they cannot be';

/*
 * Whether no two equal values are written differently. By the name of PostgreSQL's types; of others
 * nobody knows.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_is_exact(r casesync_internal.registry)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT (b.type = ANY ('{boolean,smallint,integer,bigint,oid,text,varchar,bpchar,name,'
				'uuid,date,timestamp,timestamptz,time,timetz,bytea,inet,cidr,macaddr,macaddr8,bit,'
				'varbit,xid8,pg_lsn}'::regtype[]) OR t.typtype = 'e')
			AND NOT EXISTS (
				SELECT FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
				 WHERE a.attrelid = r.view AND a.attname = r.key_column
				   AND NOT c.collisdeterministic)
		  FROM casesync_internal.key_base_type(r.key_type) b(type)
		  JOIN pg_type t ON t.oid = b.type);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_is_exact(casesync_internal.registry) IS
	'whether equal keys of a registry have equal texts';

/*
 * The keys asked for are cast, never the column, or no index serves. To the type beneath a domain,
 * without its length: character is character(1), and bit is bit(1).
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_type_name(type regtype)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format_type(casesync_internal.key_base_type(type), -1);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_type_name(regtype) IS
	'the type that keys given as text are cast to';

CREATE OR REPLACE FUNCTION casesync_internal.key_among(r casesync_internal.registry,
	keys text DEFAULT '$1')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('%I %s ANY (%s::%s[])', r.key_column, casesync_internal.key_operator(r.key_type),
		keys, casesync_internal.key_type_name(r.key_type));
END
$$;
COMMENT ON FUNCTION casesync_internal.key_among(casesync_internal.registry, text) IS
	'the condition that a row of a registry''s view has one of these keys, given as texts';

/* All else that a text could depend on is set by whoever runs the query (owner_query()). */
CREATE OR REPLACE FUNCTION casesync_internal.key_text(r casesync_internal.registry)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format(CASE WHEN casesync_internal.key_base_type(r.key_type) = 'timestamptz'::regtype
		THEN '((%1$I AT TIME ZONE ''UTC'')::text || '
			'CASE WHEN isfinite(%1$I) THEN ''+00'' ELSE '''' END)'
		ELSE '%I::text' END, r.key_column);
END
$$;
COMMENT ON FUNCTION casesync_internal.key_text(casesync_internal.registry) IS
	'the expression over a registry''s view for the text of the key';

/*
 * What was captured may have another text than the view has for the same value, or for what the
 * view makes of it: 007 and 7, 2 and 2.00. Of somebody who is gone only the text is left to find
 * him by, so it is asked for as the view writes it. What the type does not take is left as it is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.keys_written(r casesync_internal.registry, keys text[])
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1
AS $$
DECLARE
	base constant regtype := casesync_internal.key_base_type(r.key_type);
	type text;
	written text[];
BEGIN
	IF base <> ALL ('{smallint,integer,bigint,numeric,real,double precision,uuid}'::regtype[])
		OR base IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) AND NOT EXISTS (
			SELECT FROM unnest(keys) k WHERE k !~ '^(0|-?[1-9][0-9]*)$') THEN
		RETURN keys;
	END IF;
	type := format_type(base, (SELECT CASE WHEN a.atttypmod <> -1 THEN a.atttypmod
			ELSE t.typtypmod END FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = r.view AND a.attname = r.key_column));
	BEGIN
		EXECUTE format('SELECT array_agg(u.k::%s::text ORDER BY u.n) '
			'FROM unnest($1) WITH ORDINALITY u(k, n)', type) INTO written USING keys;
		RETURN coalesce(written, '{}');
	EXCEPTION WHEN data_exception THEN
		IF cardinality(keys) = 1 THEN
			RETURN keys;
		END IF;
	END;
	RETURN ARRAY(SELECT (casesync_internal.keys_written(r, ARRAY[u.k]))[1]
		FROM unnest(keys) WITH ORDINALITY u(k, n) ORDER BY u.n);
END
$$;
COMMENT ON FUNCTION casesync_internal.keys_written(casesync_internal.registry, text[]) IS
	'keys as the registry''s view writes them, each in its place';

/*
 * Refused is what has no equality, what is written as a session likes (money), what names objects
 * and may be renamed, and what is made of parts that may be any of these.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_can_be(type regtype)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN t.typtype = 'e' THEN true
		WHEN t.typtype <> 'b' OR t.typelem <> 0 AND t.typlen = -1 THEN false
		WHEN t.oid < 16384 THEN t.oid = ANY ('{boolean,smallint,integer,bigint,oid,text,varchar,'
			'bpchar,name,uuid,date,timestamp,timestamptz,time,timetz,bytea,inet,cidr,macaddr,'
			'macaddr8,bit,varbit,xid8,pg_lsn,numeric,real,double precision}'::regtype[]::oid[])
		ELSE casesync_internal.key_operator(t.oid) IS NOT NULL AND NOT EXISTS (SELECT FROM pg_proc p
			WHERE p.oid IN (t.typinput, t.typoutput) AND p.provolatile <> 'i') END
	  FROM pg_type t WHERE t.oid = casesync_internal.key_base_type(type)
$$;
COMMENT ON FUNCTION casesync_internal.key_can_be(regtype) IS
	'whether values of a type can be subject keys';

CREATE OR REPLACE FUNCTION casesync_internal.key_must_be_text(relation regclass, column_name name,
	type regtype)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.key_can_be(type) THEN
		PERFORM casesync_internal.raise_error(errcode => 'datatype_mismatch',
			message => format('column "%s" of %s cannot be a subject key: it has type %s',
				column_name, relation, type),
			detail => 'A key is kept as text, and what was captured is compared with the view. '
				'Values of this type have no equality, or are written as a session likes.',
			hint => 'Use a number, a text, a uuid or a date: a column GENERATED ALWAYS AS (…) '
				'STORED, or in a view an expression.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.key_must_be_text(regclass, name, regtype) IS
	'an error unless a column''s values can be subject keys';
