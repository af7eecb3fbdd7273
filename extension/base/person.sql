/* By what a person is recognised in what is kept, and how that is taken out of it. */

/* A word, wherever it is a value of its own, becomes another; a long number becomes 0. */
CREATE OR REPLACE FUNCTION casesync_internal.json_without(document jsonb, words text[],
	substitute text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	text text := document::text;
	word text;
BEGIN
	FOREACH word IN ARRAY words LOOP
		text := replace(text, to_jsonb(word)::text, to_jsonb(substitute)::text);
		IF word ~ '^[1-9][0-9]{5,17}$' THEN
			text := regexp_replace(text, format('(?<=[[ ])%s(?=[],}])', word), '0', 'g');
		END IF;
	END LOOP;
	RETURN text::jsonb;
END
$$;
COMMENT ON FUNCTION casesync_internal.json_without(jsonb, text[], text) IS
	'a document in which none of these words is a value any more';
