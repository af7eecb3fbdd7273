/* Expressions and queries of users: parsed and written out with full names, never run here. */
/*
 * Only for who owns the relation. old_row and new_row are for the SQL of 0.2.0, whose triggers have
 * a WHEN.
 */
CREATE OR REPLACE FUNCTION casesync_internal.row_expression(relation regclass, what text,
	expression text, path text,
		OUT plain text, OUT old_row text, OUT new_row text, OUT columns name[])
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_row_expression';
COMMENT ON FUNCTION casesync_internal.row_expression(regclass, text, text, text) IS
	'parses a key or condition over a table''s columns and writes it out with full names';

CREATE OR REPLACE FUNCTION casesync_internal.renamed_condition(relation regclass, condition text,
	names name[],
		numbers smallint[])
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_renamed_condition';
COMMENT ON FUNCTION casesync_internal.renamed_condition(regclass, text, name[], smallint[]) IS
	'a condition written when these columns had these names, with the names they have now';

/* Only for who owns the relation, and as its owner. */
CREATE OR REPLACE FUNCTION casesync_internal.subjects_query(relation regclass, query text,
	path text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_subjects_of';
COMMENT ON FUNCTION casesync_internal.subjects_query(regclass, text, text) IS
	'parses a query for subject keys and writes it out with full names';

/* Of a stored condition, key or query for subjects, read as the owner of the relation. */
CREATE OR REPLACE FUNCTION casesync_internal.expression_tree(relation regclass, what text,
	source text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_expression_tree';
COMMENT ON FUNCTION casesync_internal.expression_tree(regclass, text, text) IS
	'a stored text about rows as the server''s own tree, which names things by number';
