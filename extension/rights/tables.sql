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
/*
 * What a caller inserts here proves who he is: the policy holds called_as against current_user,
 * which a SECURITY DEFINER function further on does not see any more. Not dumped: what waits is
 * asked for anew after a restore.
 */
CREATE TABLE casesync_internal.asked (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	what text NOT NULL CHECK (what IN ('grant_access', 'four_eyes_off', 'set_agreement',
		'activate')),
	role regrole,
	access text,
	called_as name NOT NULL DEFAULT current_user,
	asked_by regrole NOT NULL,
	asked_at timestamptz NOT NULL,
	xid xid8 NOT NULL,
	is_agreed boolean NOT NULL,
	first_asked_by regrole,
	CHECK (what <> 'grant_access' OR (role IS NOT NULL AND access IS NOT NULL))
);
COMMENT ON TABLE casesync_internal.asked IS
	'what somebody asks for that others must know who it was: used up at once when it is agreed, '
	'else it waits for a second person';
COMMENT ON COLUMN casesync_internal.asked.called_as IS
	'current_user where it was asked for; another than the login''s role within SECURITY DEFINER '
	'functions';
COMMENT ON COLUMN casesync_internal.asked.first_asked_by IS
	'who had asked for it before, when a second person has agreed';
ALTER TABLE casesync_internal.asked ENABLE ROW LEVEL SECURITY;
CREATE POLICY asked_of_caller ON casesync_internal.asked FOR INSERT
	WITH CHECK (called_as = current_user);
