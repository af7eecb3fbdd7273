/* Code directories and local codes: what SQL may ask. The types themselves are generated. */
CREATE OR REPLACE FUNCTION casesync_internal.standard_codes(
	OUT directory text, OUT directory_id text, OUT number smallint, OUT code text,
	OUT canonical text, OUT label text, OUT description text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'casesync_standard_codes'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 600;
COMMENT ON FUNCTION casesync_internal.standard_codes() IS
	'every code of every directory of the standard';

CREATE OR REPLACE FUNCTION casesync_internal.standard_label(directory text, number smallint)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_standard_label'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.standard_label(text, smallint) IS
	'the label of a code of the standard, by number; NULL for others';

CREATE OR REPLACE FUNCTION casesync_internal.standard_description(directory text, number smallint)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_standard_description'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.standard_description(text, smallint) IS
	'the description of a code of the standard, by number; NULL for others';

CREATE OR REPLACE FUNCTION casesync_internal.find_code(directory text, spelling text)
RETURNS smallint
AS 'MODULE_PATHNAME', 'casesync_find_code'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.find_code(text, text) IS
	'the number of the code that a type would read from this text; NULL instead of an error';

CREATE OR REPLACE FUNCTION casesync_internal.code_type_directory(code_type regtype)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_code_type_directory'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_type_directory(regtype) IS
	'the directory of a code type or of a domain over one; an error for other types';

/*
 * With the extension's rights: an application that may use the types may read labels, one by one,
 * and not write them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.local_label(directory text, number smallint)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'SELECT c.label FROM casesync_internal.local_code c WHERE c.directory = $1 AND c.number = $2';
COMMENT ON FUNCTION casesync_internal.local_label(text, smallint) IS
	'the registered label of a local code; NULL if there is none';

CREATE OR REPLACE FUNCTION casesync_internal.local_description(directory text, number smallint)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'SELECT c.description FROM casesync_internal.local_code c WHERE c.directory = $1 AND c.number = '
	'$2';
COMMENT ON FUNCTION casesync_internal.local_description(text, smallint) IS
	'the registered description of a local code; NULL if there is none';

CREATE OR REPLACE VIEW casesync.code_directory AS
	SELECT s.directory, s.directory_id, s.number, s.code, s.canonical, s.label, s.description,
		   false AS local
	  FROM casesync_internal.standard_codes() s
	UNION ALL
	SELECT l.directory, NULL, l.number, 'local:' || l.number, 'local:' || l.number, l.label,
		   l.description, true
	  FROM casesync_internal.local_code l;
COMMENT ON VIEW casesync.code_directory IS
	'every code of the standard, and the local ones that are registered';
COMMENT ON COLUMN casesync.code_directory.directory IS 'name of the directory and of its type';
COMMENT ON COLUMN casesync.code_directory.directory_id IS 'id of the directory in the standard';
COMMENT ON COLUMN casesync.code_directory.number IS 'what is stored, compared and sorted by';
COMMENT ON COLUMN casesync.code_directory.code IS 'what goes over the wire';
COMMENT ON COLUMN casesync.code_directory.canonical IS 'what the type writes';
COMMENT ON COLUMN casesync.code_directory.label IS 'the label';
COMMENT ON COLUMN casesync.code_directory.description IS 'the meaning';
COMMENT ON COLUMN casesync.code_directory.local IS 'true for a local code';

CREATE OR REPLACE FUNCTION casesync.code(code anyelement)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_code'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.code(anyelement) IS
	'a code of any directory as it goes over the wire';

CREATE OR REPLACE FUNCTION casesync_internal.code_position(code anyelement)
RETURNS smallint
AS 'MODULE_PATHNAME', 'casesync_code_position'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_position(anyelement) IS
	'the number of a code of any directory; an error for other types';

CREATE OR REPLACE FUNCTION casesync.label(code anyelement)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(casesync_internal.standard_label(d.directory, d.number),
		casesync_internal.local_label(d.directory, d.number))
	  FROM (SELECT casesync_internal.code_type_directory(pg_typeof(code)) AS directory,
		casesync_internal.code_position(code) AS number) d
$$;
COMMENT ON FUNCTION casesync.label(anyelement) IS
	'the label of a code of any directory: the standard''s, or the registered one of a local code';

CREATE OR REPLACE FUNCTION casesync.description(code anyelement)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(casesync_internal.standard_description(d.directory, d.number),
		casesync_internal.local_description(d.directory, d.number))
	  FROM (SELECT casesync_internal.code_type_directory(pg_typeof(code)) AS directory,
		casesync_internal.code_position(code) AS number) d
$$;
COMMENT ON FUNCTION casesync.description(anyelement) IS
	'what a code of any directory means: the standard''s words, or the registered ones of a local '
	'code';

/* local:900, or 900, as a number. */
CREATE OR REPLACE FUNCTION casesync_internal.local_code_number(directory text, code text)
RETURNS smallint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found smallint := casesync_internal.find_code(
		directory, regexp_replace(code, E'^\\s*(\\d+)\\s*$', E'local:\\1'));
BEGIN
	IF found IS NULL OR found < 900 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_text_representation',
			message => format('"%s" is no local code', code),
			detail => 'Local codes run from local:900 to local:32767.',
			hint => format('SELECT casesync.add_local_code(%L, ''local:900'', ''label'');',
				directory));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION casesync_internal.local_code_number(text, text) IS
	'the number of a local code written local:900 or 900; an error for anything else';

CREATE OR REPLACE FUNCTION casesync_internal.local_code_must_be_own(caller regrole, directory text,
	number smallint)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	c casesync_internal.local_code;
BEGIN
	SELECT * INTO c FROM casesync_internal.local_code l
	 WHERE l.directory = local_code_must_be_own.directory
	   AND l.number = local_code_must_be_own.number;
	IF FOUND AND NOT casesync_internal.acts_as(caller, c.owner) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('code local:%s of %s is not yours', number, directory),
			detail => format('"%s" is the label that role "%s" gave it.', c.label, c.owner),
			hint => format('SET ROLE %I;  -- or to make it yours, that role runs SELECT '
				'casesync.drop_local_code(%L, %L); then you label it', c.owner, directory,
				'local:' || number));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.local_code_must_be_own(regrole, text, smallint) IS
	'an error when a local code has a label that is not the caller''s';

/* A label of its own, in whatever letters: what reads labels must not find two codes. */
CREATE OR REPLACE FUNCTION casesync_internal.check_local_code(directory text, number smallint,
	label text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	taken text;
BEGIN
	IF check_local_code.number IS NULL OR coalesce(check_local_code.label, '') !~ E'\\S' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'directory, code and label of a local code must be given',
			hint => 'SELECT casesync.add_local_code(''identifier_type'', ''local:900'', ''National '
				'ID'');');
	END IF;
	taken := casesync_internal.standard_label(check_local_code.directory,
		casesync_internal.find_code(check_local_code.directory, check_local_code.label));
	IF taken IS NULL THEN
		SELECT 'local:' || l.number INTO taken FROM casesync_internal.local_code l
		 WHERE l.directory = check_local_code.directory AND l.number <> check_local_code.number
		   AND lower(l.label) = lower(check_local_code.label);
	END IF;
	IF taken IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'unique_violation',
			message => format('"%s" already means %s in directory %s', check_local_code.label,
				taken, check_local_code.directory),
			hint => 'Choose a label of its own for the local code.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_local_code(text, smallint, text) IS
	'what add_local_code() was given can be, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.add_local_code_for(caller regrole, directory text,
	code text, label text, description text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	code_number smallint :=
		casesync_internal.local_code_number(add_local_code_for.directory, code);
BEGIN
	PERFORM casesync_internal.check_local_code(add_local_code_for.directory, code_number,
		add_local_code_for.label);
	PERFORM casesync_internal.local_code_must_be_own(caller, add_local_code_for.directory,
		code_number);
	INSERT INTO casesync_internal.local_code AS c (directory, number, label, description, owner)
		VALUES (add_local_code_for.directory, code_number, add_local_code_for.label,
			add_local_code_for.description, casesync_internal.role_name(caller))
		ON CONFLICT (directory, number) DO UPDATE
			SET label = excluded.label, description = excluded.description
			/* Also when another has committed it meanwhile. */
			WHERE casesync_internal.acts_as(caller, c.owner);
	IF NOT FOUND THEN
		PERFORM casesync_internal.local_code_must_be_own(caller, add_local_code_for.directory,
			code_number);
	END IF;
	PERFORM casesync_internal.audit_note('add_local_code', add_local_code_for.directory,
		jsonb_build_object('code', code_number, 'label', add_local_code_for.label));
	RETURN format('code local:%s of %s is labelled "%s"', code_number,
		add_local_code_for.directory, add_local_code_for.label);
END
$$;
COMMENT ON FUNCTION casesync_internal.add_local_code_for(regrole, text, text, text, text) IS
	'see casesync.add_local_code()';

CREATE OR REPLACE FUNCTION casesync.add_local_code(directory text, code text, label text,
	description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.add_local_code(text, text, text, text) IS
	'give a local code a label, or change its label and description';

CREATE OR REPLACE FUNCTION casesync.add_local_code(directory text, code integer, label text,
										description text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync.add_local_code(directory, code::text, label, description);
END
$$;
COMMENT ON FUNCTION casesync.add_local_code(text, integer, text, text) IS
	'give a local code a label, or change its label and description';

CREATE OR REPLACE FUNCTION casesync_internal.drop_local_code_for(caller regrole, directory text,
	code text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	code_number constant smallint := casesync_internal.local_code_number(directory, code);
BEGIN
	PERFORM casesync_internal.local_code_must_be_own(caller, directory, code_number);
	DELETE FROM casesync_internal.local_code c
	 WHERE c.directory = drop_local_code_for.directory AND c.number = code_number;
	IF FOUND THEN
		PERFORM casesync_internal.audit_note('drop_local_code', directory,
			jsonb_build_object('code', code));
		RETURN true;
	END IF;
	RETURN false;
END
$$;
COMMENT ON FUNCTION casesync_internal.drop_local_code_for(regrole, text, text) IS
	'see casesync.drop_local_code()';

CREATE OR REPLACE FUNCTION casesync.drop_local_code(directory text, code text)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.drop_local_code(text, text) IS
	'forget the label of a local code; false if there was none. Stored values stay as they are';
