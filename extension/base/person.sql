/* By what a person is recognised in what is kept, and how that is taken out of it. */

/*
 * As it is, in a URL, as hex and as base64, which says it in three ways by what stands before it. A
 * value of less than four characters is not looked for within texts: it would be found everywhere.
 */
CREATE OR REPLACE FUNCTION casesync_internal.word_marks(word text)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH content AS (SELECT convert_to(word, 'UTF8') AS bytes WHERE length(word) >= 4)
	SELECT lower(word) FROM content
	UNION
	SELECT lower(string_agg(CASE WHEN get_byte(c.bytes, i) < 128
			AND chr(greatest(get_byte(c.bytes, i), 1)) ~ '[A-Za-z0-9_.~-]'
		THEN chr(get_byte(c.bytes, i)) ELSE '%' || encode(substr(c.bytes, i + 1, 1), 'hex') END,
		'' ORDER BY i))
	  FROM content c CROSS JOIN generate_series(0, octet_length(c.bytes) - 1) i
	HAVING count(*) > 0
	UNION
	SELECT encode(c.bytes, 'hex') FROM content c
	UNION
	SELECT lower(translate(substr(x.text, x.skip + 1, length(x.text) - x.skip
		- CASE (x.before + octet_length(c.bytes)) % 3 WHEN 0 THEN 0 ELSE 1 END), '+/', y.signs))
	  FROM content c
	 CROSS JOIN LATERAL (
		SELECT b.before, CASE b.before WHEN 0 THEN 0 ELSE b.before + 1 END AS skip,
			translate(encode(decode(repeat('00', b.before), 'hex') || c.bytes, 'base64'),
				E'=\n', '') AS text
		  FROM generate_series(0, 2) b(before)) x
	 CROSS JOIN (VALUES ('+/'), ('-_')) y(signs)
	 WHERE octet_length(c.bytes) >= 6
$$;
COMMENT ON FUNCTION casesync_internal.word_marks(text) IS
	'how a value may be written within a text, in lower case';

CREATE OR REPLACE FUNCTION casesync_internal.text_names(content text, p casesync_internal.person)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain constant text := lower(content);
BEGIN
	RETURN coalesce(EXISTS (SELECT FROM unnest(p.marks) m WHERE strpos(plain, m) > 0)
		OR plain = ANY (SELECT lower(w) FROM unnest(p.words) w)
		OR 2 <= (SELECT count(*) FROM unnest(p.said) s WHERE strpos(plain, s) > 0), false);
END
$$;
COMMENT ON FUNCTION casesync_internal.text_names(text, casesync_internal.person) IS
	'whether a text is about a person: it holds an identifier, or two of the words that together '
	'are';

/*
 * Another's number may begin alike: where more than a name of something is lost by it, an
 * identifier must stand for itself, with no letter or digit beside it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.text_tells(content text, p casesync_internal.person)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain constant text := lower(content);
	q casesync_internal.person := p;
BEGIN
	q.marks := ARRAY(SELECT m FROM unnest(p.marks) m
		WHERE m <> ALL (SELECT lower(w) FROM unnest(p.words) w));
	RETURN casesync_internal.text_names(content, q) OR EXISTS (
		SELECT FROM unnest(p.words) w
		 WHERE length(w) >= 4 AND strpos(plain, lower(w)) > 0
		   AND plain ~ format('(^|[^[:alnum:]])%s($|[^[:alnum:]])',
			regexp_replace(lower(w), '([^[:alnum:]])', E'\\\\\\1', 'g')));
END
$$;
COMMENT ON FUNCTION casesync_internal.text_tells(text, casesync_internal.person) IS
	'whether a text is about a person and, as far as one can tell, about nobody else';

/* A number that is an identifier becomes 0. Keys are texts too. */
CREATE OR REPLACE FUNCTION casesync_internal.json_replace(document jsonb,
	p casesync_internal.person, is_exact boolean)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	value constant text := document #>> '{}';
BEGIN
	RETURN CASE jsonb_typeof(document)
		WHEN 'object' THEN (
			SELECT coalesce(jsonb_object_agg(
					casesync_internal.json_replace(to_jsonb(e.key), p, is_exact) #>> '{}',
					casesync_internal.json_replace(e.value, p, is_exact)), '{}')
			  FROM jsonb_each(document) e)
		WHEN 'array' THEN (
			SELECT coalesce(jsonb_agg(casesync_internal.json_replace(e.value, p, is_exact)
					ORDER BY e.n), '[]')
			  FROM jsonb_array_elements(document) WITH ORDINALITY e(value, n))
		WHEN 'string' THEN CASE
			WHEN CASE WHEN is_exact THEN casesync_internal.text_tells(value, p)
					ELSE casesync_internal.text_names(value, p) END
				OR EXISTS (SELECT FROM unnest(p.said) s WHERE strpos(lower(value), s) > 0)
			THEN to_jsonb(p.erased) ELSE document END
		WHEN 'number' THEN CASE WHEN value = ANY (p.words) AND length(value) >= 6
			THEN '0' ELSE document END
		ELSE document END;
END
$$;
COMMENT ON FUNCTION casesync_internal.json_replace(jsonb, casesync_internal.person, boolean) IS
	'part of json_without(): a document that is about a person, without what says so';

/* Most documents are about somebody else: they are not taken apart. */
CREATE OR REPLACE FUNCTION casesync_internal.json_without(document jsonb,
	p casesync_internal.person, is_exact boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	content constant text := document::text;
	q casesync_internal.person := p;
BEGIN
	IF NOT casesync_internal.text_names(content, p) AND NOT EXISTS (
		SELECT FROM unnest(p.words) w
		 WHERE strpos(lower(content), lower(to_jsonb(w)::text)) > 0) THEN
		RETURN document;
	END IF;
	IF 2 > (SELECT count(*) FROM unnest(p.said) s WHERE strpos(lower(content), s) > 0) THEN
		q.said := '{}';
	END IF;
	RETURN casesync_internal.json_replace(document, q, is_exact);
END
$$;
COMMENT ON FUNCTION casesync_internal.json_without(jsonb, casesync_internal.person, boolean) IS
	'a document in which no text is about a person any more; is_exact: one that may be about '
	'another, whose number holds this one, stays';
