/* Forgetting a person who is to be looked at again. */
CREATE OR REPLACE FUNCTION casesync_internal.look_again_erase(p casesync_internal.person)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM casesync_internal.look_again_entry l
	 WHERE l.registry = p.registry AND l.key = p.key;
	DELETE FROM casesync_internal.look_again_note n
	 WHERE n.registry = p.registry AND n.key = p.key;
$$;
COMMENT ON FUNCTION casesync_internal.look_again_erase(casesync_internal.person) IS
	'part of erase(): the queue of subjects to look at again';
