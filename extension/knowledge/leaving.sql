/*
 * By what a subject is named when it leaves, of those that a partner was told of before its
 * agreement said that it is told of who leaves.
 */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_unnamed(from_page bigint, to_page bigint)
RETURNS TABLE (partner text, registry text, keys text[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	first_row constant tid := casesync_internal.page_start(from_page);
	behind constant tid := casesync_internal.page_start(to_page);
BEGIN
	RETURN QUERY
	SELECT t.partner, t.registry, array_agg(t.key) FROM casesync_internal.told t
	 WHERE t.ctid >= first_row AND t.ctid < behind AND t.identifiers IS NULL AND t.hmac IS NOT NULL
	 GROUP BY t.partner, t.registry;
END
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_unnamed(bigint, bigint) IS
	'whom partners know on these pages without it being kept by which identifiers';

/* Only of whom the partner has this very record: another it will be told, and then it is kept. */
CREATE OR REPLACE FUNCTION casesync_internal.knowledge_name(partner text, registry text, key text,
	hmac bytea, identifiers jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE casesync_internal.told t SET identifiers = knowledge_name.identifiers
	 WHERE t.partner = knowledge_name.partner AND t.registry = knowledge_name.registry
	   AND t.key = knowledge_name.key AND t.hmac = knowledge_name.hmac AND t.identifiers IS NULL
$$;
COMMENT ON FUNCTION casesync_internal.knowledge_name(text, text, text, bytea, jsonb) IS
	'keep by which identifiers a partner knows a subject';
