-- Which bridges are refused, and which side is then to be updated.
CREATE EXTENSION casesync;
SET client_min_messages = warning;
\pset format unaligned
-- the messages with words for the numbers of this version
CREATE FUNCTION pg_temp.worded(message text) RETURNS text LANGUAGE sql AS $$
	SELECT replace(replace(replace(message, v.extension, 'EXTENSION'), v.highest || '.x', 'HIGHEST.x'),
		v.lowest || '.x', 'LOWEST.x') FROM casesync_internal.bridge_versions() v
$$;
SELECT extension ^@ highest AS is_own_series, casesync_internal.version_series(lowest)
	<= casesync_internal.version_series(highest) AS is_range FROM casesync_internal.bridge_versions();

-- no versions
SELECT v, casesync_internal.version_series(v) FROM unnest(ARRAY['0.2.0', '0.2', '10.20.30', '0.3.0rc1', '1', '0.2.', 'x', '', '-1.0', '0.2 ', NULL,
	'0.2.0'' OR true', repeat('9', 20) || '.1.1']) v;

-- bridges of every series that is worked with
SELECT casesync_internal.bridge_refusal(v.lowest), casesync_internal.bridge_refusal(v.highest), casesync_internal.bridge_refusal(v.extension),
	casesync_internal.bridge_refusal(v.highest || '.99') FROM casesync_internal.bridge_versions() v;
-- and the others
SELECT pg_temp.worded(casesync_internal.bridge_refusal(x)) FROM unnest(array_append('{0.1.0,0.1.99,99.0.0,x}', NULL)) x;

-- the bridge is told when it starts, before anything is done
SELECT count(*) FROM casesync.set_node('sp.test', 'https://dci.sp.test');
DO $$
DECLARE
	refused text;
	hint text;
BEGIN
	PERFORM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', '0.1.0');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	GET STACKED DIAGNOSTICS refused = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RAISE WARNING USING message = pg_temp.worded(refused), hint = hint;
END
$$;
SELECT node_id IS NULL AS is_untouched FROM casesync_internal.node;

-- one that knows of no gate is rung for at every commit: it is shut as long as the session lasts
CREATE VIEW pg_temp.gate AS SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3 AND classid = 10;
SELECT count(*) FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', '0.3.0');
SELECT mode FROM pg_temp.gate;
SELECT count(*) FROM casesync_internal.bridge_start('00000000-0000-4000-8000-000000000001', '0.2.0');
SELECT mode FROM pg_temp.gate;
SELECT casesync_internal.gate_open();
SELECT mode FROM pg_temp.gate;

-- a role that has access bridge may ask
CREATE ROLE bridge_version_role;
SELECT count(*) FROM casesync.grant_access('bridge_version_role', 'bridge');
SET ROLE bridge_version_role;
SELECT casesync_internal.bridge_refusal('99.0.0') IS NOT NULL AS is_refused;
RESET ROLE;
DROP EXTENSION casesync;
DROP OWNED BY bridge_version_role;
DROP ROLE bridge_version_role;
