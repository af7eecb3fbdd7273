/* The tables and types of rights/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TABLE casesync_internal.access_right (
	access text NOT NULL,
	object text NOT NULL,
	PRIMARY KEY (access, object)
);
COMMENT ON TABLE casesync_internal.access_right IS
	'what each access may use: names of functions (all of that name) and, with a leading verb, of '
	'tables and views';
CREATE TABLE casesync_internal.access_given (
	role name NOT NULL,
	access text NOT NULL,
	PRIMARY KEY (role, access)
);
COMMENT ON TABLE casesync_internal.access_given IS
	'which accesses roles were given, so that taking one leaves the others whole';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.access_given', '');
/* Not dumped: what waits is asked for anew after a restore. */
CREATE TABLE casesync_internal.pending_change (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	what text NOT NULL CHECK (what IN ('grant_access', 'four_eyes_off')),
	role regrole,
	access text,
	asked_by regrole NOT NULL,
	asked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.pending_change IS
	'what one administrator has asked for and a second one must agree to';
