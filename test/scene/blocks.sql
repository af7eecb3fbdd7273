\set ECHO none
-- What a call costs: how many blocks of the database it looks at. Wants a schema app.
CREATE FUNCTION app.blocks(call text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM ' || call INTO plan;
	RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::integer + (plan #>> '{0,Plan,Shared Read Blocks}')::integer;
END
$$;
\set ECHO all
