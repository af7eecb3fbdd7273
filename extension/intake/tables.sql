/* The tables and types of intake/: state, made once; changed by the scripts of upgrade/ only. */
CREATE TYPE casesync_internal.incoming AS (partner casesync_internal.partner, message_id text,
	action text, header jsonb, message jsonb, content_hash bytea,
	known casesync_internal.message_in, callback_url text, refused casesync_internal.verdict);
COMMENT ON TYPE casesync_internal.incoming IS
	'a message of a partner and what has been judged of it. action: our word for it; known: the '
	'message that came under this message_id before; callback_url: where its answer goes';
