/*
 * Which records that partners send are applied without a person. Whatever may say that somebody has
 * died, or may be a field that the agreement names, is taken for it, wherever and however it is
 * written: an apply function may read it there, too.
 */

/* As peers spell it: with a prefix, in any case, with or without lines between its words. */
CREATE OR REPLACE FUNCTION casesync_internal.name_folded(name text)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_name_folded' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.name_folded(text) IS
	'a member''s name without what two peers may write differently';

/* Lists are walked through; a pair of key (or name) and value is a member of that name. */
CREATE OR REPLACE FUNCTION casesync_internal.record_members(record jsonb)
RETURNS TABLE (path text, value jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
		WITH RECURSIVE node(path, value) AS (
			SELECT '', record_members.record
			UNION ALL
			SELECT n.path || coalesce('.' || casesync_internal.name_folded(m.name), ''), m.value
			  FROM node n CROSS JOIN LATERAL (
				SELECT e.key, e.value
				  FROM jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value END) e
				UNION ALL
				SELECT NULL, a.value
				  FROM jsonb_array_elements(
					CASE jsonb_typeof(n.value) WHEN 'array' THEN n.value END) a
				UNION ALL
				SELECT k.value #>> '{}', v.value
				  FROM jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value END) k
				  JOIN jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value END) v
					ON casesync_internal.name_folded(v.key) = 'value'
				 WHERE casesync_internal.name_folded(k.key) IN ('key', 'name')
				   AND jsonb_typeof(k.value) = 'string') m(name, value)
		)
		SELECT n.path, n.value FROM node n WHERE n.path <> '';
END
$$;
COMMENT ON FUNCTION casesync_internal.record_members(jsonb) IS
	'all members of a record, however deep, with the names that lead there, each folded';

/* At the place named, or deeper, as within a member of a group. */
CREATE OR REPLACE FUNCTION casesync_internal.record_says(record jsonb, path text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM casesync_internal.record_members(record) m
		  CROSS JOIN (
			SELECT string_agg('.' || casesync_internal.name_folded(s.name), '' ORDER BY s.n) AS path
			  FROM string_to_table(record_says.path, '.') WITH ORDINALITY s(name, n)) wanted
		 WHERE right(m.path, length(wanted.path)) = wanted.path)
$$;
COMMENT ON FUNCTION casesync_internal.record_says(jsonb, text) IS
	'whether a record says anything at a path, in whatever spelling and shape';

/*
 * What a member of this name says in one word of its value: NULL when nobody can read it. Members
 * that tell of nobody's death say nothing.
 */
CREATE OR REPLACE FUNCTION casesync_internal.says_deceased(path text, word jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name constant text := regexp_replace(path, '^.*[.]', '');
	said constant text := lower(btrim(casesync_internal.plain_name(word #>> '{}')));
BEGIN
	IF name ~ '^(((ibr)?enroll?e?(ment|d))|vital|life|living)status$' THEN
		RETURN CASE WHEN coalesce(said, '') = '' THEN false
			WHEN said IN ('deceased', 'dead', 'died') THEN true
			WHEN name ~ '^(vital|life|living)' AND said IN ('alive', 'living') THEN false
			ELSE casesync.code(casesync.enrolment_status_of(
				jsonb_build_object('enrolment_status', word))) = '2' END;
	ELSIF name ~ '^((date|day|time)of)?(death|decease)(date|day|time|datetime)?$' THEN
		RETURN CASE WHEN coalesce(said, '') = '' THEN false
			WHEN said ~ '^[0-9]{4}(-|$)' THEN true END;
	ELSIF name ~ '^(is|has|was)?(dead|deceased|died)$' THEN
		RETURN CASE WHEN coalesce(said, '') IN ('', 'false', 'no', '0') THEN false
			WHEN said IN ('true', 'yes', '1') THEN true END;
	END IF;
	RETURN false;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.says_deceased(text, jsonb) IS
	'whether a word of a member''s value says that somebody has died';

CREATE OR REPLACE FUNCTION casesync_internal.death_words(record jsonb)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'casesync_death_words' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.death_words(jsonb) IS
	'what a record says in members that may tell of a death: a list of their names, folded, each '
	'with one word of its value';

/*
 * Of several statuses any: which of them counts is for a person to say. NULL when the record says
 * something there that nobody can read: then a person looks, too. What is written as a list, or as
 * an object of code and text, is looked through.
 */
CREATE OR REPLACE FUNCTION casesync_internal.reports_death(record jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words constant jsonb := casesync_internal.death_words(record);
BEGIN
	IF coalesce(words, '[]') = '[]' THEN
		RETURN false;
	END IF;
	RETURN (
		SELECT CASE WHEN bool_or(x.is_death IS NULL) THEN NULL
			ELSE coalesce(bool_or(x.is_death), false) END
		  FROM (SELECT casesync_internal.says_deceased(w.pair->>0, w.pair->1) AS is_death
				  FROM jsonb_array_elements(words) w(pair)) x);
END
$$;
COMMENT ON FUNCTION casesync_internal.reports_death(jsonb) IS
	'whether a record may say that its subject, or anybody in it, has died; NULL when it cannot be '
	'read';

CREATE OR REPLACE FUNCTION casesync_internal.names_another(record jsonb, previous jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN previous IS NOT NULL AND EXISTS (
		SELECT FROM casesync.record_identifiers(record) i
		 WHERE NOT EXISTS (
			SELECT FROM casesync.record_identifiers(previous) p
			 WHERE upper(p.identifier_type) = upper(i.identifier_type)
			   AND p.identifier_value = i.identifier_value));
END
$$;
COMMENT ON FUNCTION casesync_internal.names_another(jsonb, jsonb) IS
	'whether a record has an identifier of its subject that the one before had not';

/* How an item is to be handled: the strictest of what the agreement says about its parts. */
CREATE OR REPLACE FUNCTION casesync_internal.apply_mode_of(a casesync_internal.agreement,
	event_type text, record jsonb, is_solicited boolean, previous jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	word text;
	subject text;
	modes text[] := ARRAY[split_part(a.apply_mode, ',', 1)];
	is_death boolean := casesync_internal.reports_death(record);
	is_other_person boolean := previous IS NOT NULL
		AND casesync_internal.names_another(record, previous);
	written text[] := '{}';
BEGIN
	IF modes[1] = 'observe' THEN
		RETURN 'observe';
	END IF;
	FOREACH word IN ARRAY (string_to_array(a.apply_mode, ','))[2:] LOOP
		subject := split_part(word, '=', 1);
		written := written || subject;
		IF subject = event_type OR (subject = 'death' AND is_death)
			OR (subject = 'identifier' AND is_other_person)
			OR casesync_internal.record_says(record, subject)
		THEN
			modes := modes || split_part(word, '=', 2);
		END IF;
	END LOOP;
	IF NOT is_solicited OR is_death IS NULL OR (is_death AND 'death' <> ALL (written))
		OR (is_other_person AND 'identifier' <> ALL (written)) OR 'review' = ANY (modes)
	THEN
		RETURN 'review';
	END IF;
	RETURN CASE WHEN 'observe' = ANY (modes) THEN 'observe' ELSE 'auto' END;
END
$$;
COMMENT ON FUNCTION casesync_internal.apply_mode_of(casesync_internal.agreement, text, jsonb,
	boolean, jsonb) IS
	'auto, review or observe; deaths, changed identifiers and what we did not subscribe to wait '
	'for a person unless the agreement says otherwise';

/* For whoever decides. What the agreement lets pass alone is no reason. */
CREATE OR REPLACE FUNCTION casesync_internal.review_reason(a casesync_internal.agreement,
	record jsonb, previous jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words constant text[] := string_to_array(a.apply_mode, ',');
	is_death constant boolean := casesync_internal.reports_death(record);
BEGIN
	RETURN coalesce(nullif(concat_ws('; ',
		CASE WHEN is_death IS NULL THEN 'nobody can read in it whether somebody died'
			WHEN is_death AND 'death=auto' <> ALL (words) THEN 'a death' END,
		CASE WHEN casesync_internal.names_another(record, previous)
			AND 'identifier=auto' <> ALL (words) THEN 'an identifier that was not known' END),
		''), 'the agreement asks for a person');
END
$$;
COMMENT ON FUNCTION casesync_internal.review_reason(casesync_internal.agreement, jsonb, jsonb) IS
	'why an item waits for a person that we have subscribed to';
