/*
 * Crosswalk: an application's local words ('ACTIF') and the codes they mean. A word that nobody has
 * mapped is an error of the reader, never a silent NULL; nothing here runs in the application.
 */

/*
 * Read by whatever renders, to see that words have changed: with the extension's rights, since its
 * caller may read no table of ours.
 */
CREATE OR REPLACE FUNCTION casesync_internal.crosswalk_mark()
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'SELECT mark FROM casesync_internal.crosswalk_change';
COMMENT ON FUNCTION casesync_internal.crosswalk_mark() IS
	'a number that grows with every committed change of the crosswalk';

/*
 * By the clock, and always more than before: a dump that is restored must not come back to a mark
 * that somebody remembers.
 */
CREATE OR REPLACE FUNCTION casesync_internal.crosswalk_set_mark()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE casesync_internal.crosswalk_change
	   SET mark = greatest(mark + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.crosswalk_set_mark() IS
	'trigger of crosswalk_word: see crosswalk_mark()';

CREATE OR REPLACE TRIGGER crosswalk_set_mark AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
	ON casesync_internal.crosswalk_word FOR EACH STATEMENT EXECUTE FUNCTION
		casesync_internal.crosswalk_set_mark();
COMMENT ON TRIGGER crosswalk_set_mark ON casesync_internal.crosswalk_word IS 'see crosswalk_mark()';

CREATE OR REPLACE FUNCTION casesync_internal.check_mapping(list text, word text, code text,
	directory text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF list IS NULL OR word IS NULL OR code IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'list, word and code of a mapping must be given',
			detail => format('List %s, word %s, code %s.', coalesce(quote_literal(list), 'NULL'),
				coalesce(quote_literal(word), 'NULL'), coalesce(quote_literal(code), 'NULL')),
			hint => format(
				'To take a mapping away: SELECT casesync.unmap_code(%L, %L, NULL::casesync.%I);',
				coalesce(list, 'list'), coalesce(word, 'word'), coalesce(directory, 'directory')));
	END IF;
	IF list !~ E'\\S' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'the name of a list of words must not be empty',
			hint => 'Name it after the system whose words they are, as ''sp''.');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_mapping(text, text, text, text) IS
	'what map_code() was given can be, or an error';

/* Read by the type itself, which raises an error for what is no code of it. */
CREATE OR REPLACE FUNCTION casesync_internal.canonical_code(directory text, code text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	code_type regtype := to_regtype(format('casesync.%I', directory));
	canonical text;
BEGIN
	IF casesync_internal.code_type_directory(code_type) IS DISTINCT FROM directory THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('there is no code directory "%s"', directory),
			hint => 'SELECT DISTINCT directory FROM casesync.code_directory;');
	END IF;
	EXECUTE format('SELECT %L::%s::text', code, code_type) INTO canonical;
	RETURN canonical;
END
$$;
COMMENT ON FUNCTION casesync_internal.canonical_code(text, text) IS
	'a code as its type writes it; an error for what is none';

CREATE OR REPLACE FUNCTION casesync_internal.map_word_for(caller regrole, list text,
	directory text, word text, code text, preferred boolean)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	canonical text := casesync_internal.canonical_code(map_word_for.directory, map_word_for.code);
BEGIN
	PERFORM casesync_internal.check_mapping(list, word, canonical, directory);
	PERFORM casesync_internal.word_list_claim(caller, map_word_for.list);
	PERFORM casesync_internal.word_list_must_be_open(caller, map_word_for.list);
	/* Only one word can be written for a code. */
	IF map_word_for.preferred THEN
		UPDATE casesync_internal.crosswalk_word AS w SET preferred = NULL
		 WHERE w.list = map_word_for.list AND w.directory = map_word_for.directory
			AND w.code = canonical AND w.word <> map_word_for.word AND w.preferred;
	END IF;
	INSERT INTO casesync_internal.crosswalk_word AS w (list, directory, word, code, preferred)
	VALUES (map_word_for.list, map_word_for.directory, map_word_for.word, canonical,
		map_word_for.preferred)
	ON CONFLICT (list, directory, word) DO UPDATE
		SET code = excluded.code,
			preferred = CASE WHEN w.code = excluded.code
				THEN coalesce(excluded.preferred, w.preferred) ELSE excluded.preferred END,
			mapped = CASE WHEN w.code = excluded.code THEN w.mapped ELSE excluded.mapped END;
	PERFORM casesync_internal.audit_note('map_code', list, jsonb_build_object('word', word,
		'directory', directory, 'code', canonical));
	RETURN format('word "%s" of list %s means %s of %s', word, list, canonical, directory);
END
$$;
COMMENT ON FUNCTION casesync_internal.map_word_for(regrole, text, text, text, text, boolean) IS
	'see casesync.map_code()';

CREATE OR REPLACE FUNCTION casesync_internal.map_word(list text, directory text, word text,
	code text, preferred boolean)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.map_word(text, text, text, text, boolean) IS
	'part of map_code(): what is left when the caller''s type is read';

/*
 * With the caller's rights: its type may bring functions of its own along, the CHECK of a domain or
 * a cast. What goes on from here is text.
 */
CREATE OR REPLACE FUNCTION casesync.map_code(list text, word text, code anyelement,
	preferred boolean DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.map_word(list,
		casesync_internal.code_type_directory(pg_typeof(code)), word, code::text, preferred);
END
$$;
COMMENT ON FUNCTION casesync.map_code(text, text, anyelement, boolean) IS
	'say which code a local word means; the first word of a code is the one to_word() gives';

CREATE OR REPLACE FUNCTION casesync_internal.unmap_word_for(caller regrole, list text,
	directory text, word text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF casesync_internal.mapped_code(unmap_word_for.list, unmap_word_for.directory,
		unmap_word_for.word) IS NULL
	THEN
		RETURN false;
	END IF;
	PERFORM casesync_internal.word_list_must_be_open(caller, unmap_word_for.list);
	DELETE FROM casesync_internal.crosswalk_word w
	 WHERE w.list = unmap_word_for.list AND w.directory = unmap_word_for.directory
	   AND w.word = unmap_word_for.word;
	PERFORM casesync_internal.audit_note('unmap_code', unmap_word_for.list,
		jsonb_build_object('word', unmap_word_for.word));
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.unmap_word_for(regrole, text, text, text) IS
	'see casesync.unmap_code()';

CREATE OR REPLACE FUNCTION casesync_internal.unmap_word(list text, directory text, word text)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.unmap_word(text, text, text) IS
	'part of unmap_code(): what is left when the caller''s type is read';

CREATE OR REPLACE FUNCTION casesync.unmap_code(list text, word text, as_type anyelement)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.unmap_word(list,
		casesync_internal.code_type_directory(pg_typeof(as_type)), word);
END
$$;
COMMENT ON FUNCTION casesync.unmap_code(text, text, anyelement) IS
	'forget what a local word means; false if it meant nothing';

/*
 * The only parts of to_code() and to_word() that read what their caller may not: they take and give
 * nothing but text. A type that the caller chooses could bring code of its own along: the CHECK of
 * a domain, the function of a cast.
 */
CREATE OR REPLACE FUNCTION casesync_internal.mapped_code(list text, directory text, word text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'casesync_mapped_code';
COMMENT ON FUNCTION casesync_internal.mapped_code(text, text, text) IS
	'part of to_code(): what a word of a list means in a directory; NULL when nothing';

CREATE OR REPLACE FUNCTION casesync_internal.mapped_word(list text, directory text, code text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT w.word FROM casesync_internal.crosswalk_word w
		 WHERE w.list = mapped_word.list AND w.directory = mapped_word.directory
		   AND w.code = mapped_word.code AND w.preferred IS NOT FALSE
		 ORDER BY w.preferred NULLS LAST, w.mapped LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.mapped_word(text, text, text) IS
	'part of to_word(): the word of a list for a code of a directory; NULL when there is none';

CREATE OR REPLACE FUNCTION casesync.to_code(list text, word text, as_type anyelement)
RETURNS anyelement
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	directory_name text;
	found text;
BEGIN
	IF to_code.word IS NULL THEN
		RETURN NULL;
	END IF;
	directory_name := casesync_internal.code_type_directory(pg_typeof(as_type));
	found := casesync_internal.mapped_code(list, directory_name, word);
	IF found IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_text_representation',
			message => format('word "%s" of list "%s" is mapped to no code of directory %s',
				to_code.word,
							 to_code.list, directory_name),
			hint => format('SELECT casesync.map_code(%L, %L, ''...''::casesync.%I);', to_code.list,
						  to_code.word, directory_name));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION casesync.to_code(text, text, anyelement) IS
	'the code a local word means; NULL for NULL, an error for a word that is not mapped';

CREATE OR REPLACE FUNCTION casesync.to_word(list text, code anyelement)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.mapped_word(list,
		casesync_internal.code_type_directory(pg_typeof(code)), code::text);
END
$$;
COMMENT ON FUNCTION casesync.to_word(text, anyelement) IS
	'the preferred local word for a code; NULL if there is none';

/* With the extension's rights, and text only: see mapped_code(). */
CREATE OR REPLACE FUNCTION casesync.word_is_mapped(list text, directory text, word text)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM casesync_internal.crosswalk_word w
					WHERE w.list = word_is_mapped.list
					  AND w.directory = word_is_mapped.directory AND w.word = word_is_mapped.word)
$$;
COMMENT ON FUNCTION casesync.word_is_mapped(text, text, text) IS
	'does a list give a local word a code of this directory?';

/* Reads the relation with the rights of the caller, hence not SECURITY DEFINER. */
CREATE OR REPLACE FUNCTION casesync.unmapped_words(list text, relation regclass, col name,
	as_type anyelement)
RETURNS TABLE (word text, rows bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_attribute a
					WHERE a.attrelid = relation AND a.attname = col AND NOT a.attisdropped) THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_column',
			message => format('column "%s" of relation "%s" does not exist', col, relation),
			hint => 'Give the name of the column as it is stored, without quotes.');
	END IF;
	RETURN QUERY EXECUTE format(
		'SELECT q.word, q.rows FROM (SELECT r.%I::text AS word, count(*) AS rows FROM %s r '
		'WHERE r.%I IS NOT NULL GROUP BY r.%I::text) q '
		'WHERE NOT casesync.word_is_mapped($1, $2, q.word) ORDER BY q.rows DESC, q.word COLLATE '
		'"C"',
		col, relation, col, col)
		USING list, casesync_internal.code_type_directory(pg_typeof(as_type));
END
$$;
COMMENT ON FUNCTION casesync.unmapped_words(text, regclass, name, anyelement) IS
	'the words in a column that a list gives no code, and in how many rows they stand';

CREATE OR REPLACE VIEW casesync.crosswalk AS
	SELECT w.list, w.directory, w.word, w.code,
		   w.preferred IS NOT FALSE AND row_number() OVER (
			   PARTITION BY w.list, w.directory, w.code
			   ORDER BY w.preferred IS FALSE, w.preferred IS NULL, w.mapped) = 1 AS preferred
	  FROM casesync_internal.crosswalk_word w;
COMMENT ON VIEW casesync.crosswalk IS 'local words, the codes they mean, and which word is written';
COMMENT ON COLUMN casesync.crosswalk.list IS 'name of the list of local words';
COMMENT ON COLUMN casesync.crosswalk.directory IS 'the code directory';
COMMENT ON COLUMN casesync.crosswalk.word IS 'the local word';
COMMENT ON COLUMN casesync.crosswalk.code IS 'the code it means';
COMMENT ON COLUMN casesync.crosswalk.preferred IS 'is this the word that to_word() gives?';
