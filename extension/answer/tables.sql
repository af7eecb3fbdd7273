/* The tables and types of answer/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- answering ---- */
CREATE TABLE casesync_internal.request_in (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	action text NOT NULL CHECK (action IN ('search', 'txn-status', 'enrolled', 'subscribe',
		'unsubscribe')),
	message_id text NOT NULL,
	transaction_id text NOT NULL,
	correlation_id text NOT NULL UNIQUE,
	reference_ids text[] NOT NULL DEFAULT '{}',
	callback_url text,
	message jsonb,
	claims jsonb,
	state text NOT NULL CHECK (state IN ('new', 'claimed', 'answered', 'failed')),
	status text,
	reason text,
	answers jsonb NOT NULL DEFAULT '[]',
	agreements text[] NOT NULL DEFAULT '{}',
	outgoing uuid,
	error_code text,
	tries integer NOT NULL DEFAULT 0,
	worker integer,
	next_try timestamptz,
	received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	answered_at timestamptz
);
CREATE INDEX request_in_open ON casesync_internal.request_in (partner, id)
	WHERE state IN ('new', 'claimed');
CREATE INDEX request_in_answered ON casesync_internal.request_in (partner, answered_at)
	WHERE outgoing IS NOT NULL;
CREATE INDEX request_in_transaction ON casesync_internal.request_in (partner, transaction_id);
CREATE INDEX request_in_reference ON casesync_internal.request_in USING gin (reference_ids);
CREATE INDEX request_in_outgoing ON casesync_internal.request_in (outgoing)
	WHERE outgoing IS NOT NULL;
COMMENT ON TABLE casesync_internal.request_in IS
	'what partners asked, and how it ended; never what was found';
COMMENT ON COLUMN casesync_internal.request_in.message IS
	'what is asked, until the answer has arrived';
COMMENT ON COLUMN casesync_internal.request_in.claims IS
	'consent and authorize as the partner states them: kept, never believed';
COMMENT ON COLUMN casesync_internal.request_in.answers IS
	'the items of the answer without any record';
COMMENT ON COLUMN casesync_internal.request_in.agreements IS
	'name and version of those under which records were given';
COMMENT ON COLUMN casesync_internal.request_in.worker IS
	'the process that has taken it, until next_try';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.request_in', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.request_in_id_seq', '');
/* What came of a request, of whatever kind. */
CREATE TYPE casesync_internal.request_outcome AS (error_code text, error_message text, action text,
	status text, status_reason_code text, status_reason_message text, total integer, message jsonb,
	answers jsonb, agreements text[], failed text, given uuid);
COMMENT ON TYPE casesync_internal.request_outcome IS
	'error_code: it cannot be answered at all; else the answer. failed: SQLSTATE of a fault of ours '
	'in it. given: the reference_id under which what it discloses is on record';
CREATE TYPE casesync_internal.reply AS (error_code text, error_message text, action text,
	status text, status_reason_code text, status_reason_message text, total_count integer,
	completed_count integer, correlation_id text, message text, sender_id text, receiver_id text,
	encrypt text, lane integer);
COMMENT ON TYPE casesync_internal.reply IS
	'what the bridge needs to answer a synchronous request: an error, or the parts of a message, '
	'and for which lane it has to call answer_left()';
/* ---- search_answer ---- */
/* What one item has come to. */
CREATE TYPE casesync_internal.search_result AS (refused casesync_internal.verdict, records jsonb,
	total integer, agreements text[], failed text);
COMMENT ON TYPE casesync_internal.search_result IS
	'one page of what an item asks for, or why it is refused';
