/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{agreement}');

/* Who wrote an agreement is known also within SECURITY DEFINER functions. */
ALTER TABLE casesync_internal.agreement ADD COLUMN written_as name;
COMMENT ON COLUMN casesync_internal.agreement.written_as IS
	'the owner of the SECURITY DEFINER function that wrote it in the author''s session; NULL: none';

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
DROP FUNCTION casesync.activate(text);
DROP FUNCTION casesync_internal.check_activation(casesync_internal.agreement);
DROP FUNCTION casesync_internal.check_author(casesync_internal.agreement);
