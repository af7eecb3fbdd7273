/*
 * Walking a table by its pages: a step costs as much as it has pages, whatever lies in the table,
 * is dead in it, or is known of it, and needs no index.
 */
CREATE OR REPLACE FUNCTION casesync_internal.page_start(page bigint)
RETURNS tid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('(%s,0)', least(coalesce(page, 4294967294), 4294967294))::tid;
COMMENT ON FUNCTION casesync_internal.page_start(bigint) IS
	'where a page of a table begins; NULL: behind the last';

CREATE OR REPLACE FUNCTION casesync_internal.page_count(relation regclass)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN pg_relation_size(relation) / current_setting('block_size')::integer;
COMMENT ON FUNCTION casesync_internal.page_count(regclass) IS 'how many pages a table has now';
