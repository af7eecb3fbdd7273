/* The tables and types of inbox/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- inbox ---- */
CREATE TABLE casesync_internal.message_in (
	partner text NOT NULL,
	message_id text NOT NULL CHECK (length(message_id) <= 255),
	content_hash bytea NOT NULL,
	raw bytea NOT NULL,
	action text NOT NULL,
	kid text,
	token_client text,
	ack_status text NOT NULL,
	correlation_id text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (partner, message_id)
);
CREATE INDEX message_in_rejected ON casesync_internal.message_in (at) WHERE action = 'rejected';
COMMENT ON TABLE casesync_internal.message_in IS
	'accepted messages as they came, and how they were answered; a repetition is answered the same '
	'way';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.message_in', '');
CREATE TABLE casesync_internal.inbox_item (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	message_id text NOT NULL,
	item integer NOT NULL,
	reference_id text,
	content_hash bytea NOT NULL,
	transaction_id text,
	event_type text NOT NULL,
	record_type text NOT NULL,
	record jsonb,
	subject text,
	hops text[] NOT NULL DEFAULT '{}',
	stream text,
	seq bigint,
	prev_seq bigint,
	agreement text NOT NULL,
	agreement_version integer NOT NULL,
	mode text NOT NULL,
	sent_at timestamptz,
	received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	state text NOT NULL CHECK (state IN ('new', 'applied', 'ignored', 'observed', 'review',
		'rejected', 'failed')),
	reason text,
	error_code text,
	tries integer NOT NULL DEFAULT 0,
	next_try timestamptz,
	decided_by name,
	decided_at timestamptz,
	note text,
	applied_at timestamptz,
	pruned_at timestamptz,
	changed_at timestamptz,
	changed jsonb,
	decider text,
	UNIQUE (partner, message_id, item)
);
COMMENT ON COLUMN casesync_internal.inbox_item.decider IS
	'who decided, as the login (decided_by) says';
COMMENT ON COLUMN casesync_internal.inbox_item.changed_at IS
	'when the record was changed there, as the partner says, by our clock';
COMMENT ON COLUMN casesync_internal.inbox_item.changed IS
	'for each field when it was changed (microseconds), the mark of who did, and when what it '
	'replaced was; NULL: the partner does not say. Of a person''s decision (mode decision): the '
	'field, as a text';
CREATE INDEX inbox_item_new ON casesync_internal.inbox_item (partner, id) WHERE state = 'new';
CREATE INDEX inbox_item_later ON casesync_internal.inbox_item (next_try)
	WHERE state = 'new' AND next_try IS NOT NULL;
CREATE INDEX inbox_item_open ON casesync_internal.inbox_item (state, id)
	WHERE state IN ('review', 'failed');
CREATE INDEX inbox_item_reference ON casesync_internal.inbox_item (partner, reference_id, id);
CREATE INDEX inbox_item_subject ON casesync_internal.inbox_item (partner, subject, id);
CREATE INDEX inbox_item_referral ON casesync_internal.inbox_item (id)
	WHERE event_type = 'referral';
CREATE INDEX inbox_item_number ON casesync_internal.inbox_item (partner, transaction_id, seq)
	WHERE seq IS NOT NULL;
COMMENT ON TABLE casesync_internal.inbox_item IS
	'one record of a notification: the agreed part of it and what became of it';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.inbox_item', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.inbox_item_id_seq', '');
CREATE TABLE casesync_internal.inbox_gap (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	transaction_id text NOT NULL,
	stream text NOT NULL,
	seq bigint NOT NULL,
	item bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	asked_at timestamptz,
	request uuid,
	UNIQUE (partner, transaction_id, stream, seq)
);
COMMENT ON TABLE casesync_internal.inbox_gap IS
	'items that a partner says it has sent, by their number, and that never came';
COMMENT ON COLUMN casesync_internal.inbox_gap.item IS 'the item that told so';
COMMENT ON COLUMN casesync_internal.inbox_gap.request IS
	'our search at the partner; NULL after asked_at: no agreement lets its answer in';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.inbox_gap', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.inbox_gap_id_seq', '');
CREATE TYPE casesync.inbound AS (inbox_id bigint, partner text, event_type text, record_type text,
	record jsonb, reference_id text, sent_at timestamptz, received_at timestamptz);
COMMENT ON TYPE casesync.inbound IS
	'what an apply function gets: one record of a notification, its agreed part';
CREATE TABLE casesync_internal.handler (
	record_type text NOT NULL,
	event_type text NOT NULL,
	handler text NOT NULL,
	schema_name name,
	function_name name,
	owner name,
	PRIMARY KEY (record_type, event_type)
);
COMMENT ON TABLE casesync_internal.handler IS 'apply functions; each runs as its owner';
COMMENT ON COLUMN casesync_internal.handler.handler IS
	'the same as schema_name and function_name say, for people';
COMMENT ON COLUMN casesync_internal.handler.schema_name IS
	'with function_name, by which it is found: an oid does not outlive a dump, and pg_upgrade refuses '
	'columns of type regprocedure';
COMMENT ON COLUMN casesync_internal.handler.owner IS
	'whose it was when it was named; it is not called while it is another''s';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.handler', '');
/* ---- message_read ---- */
CREATE TYPE casesync_internal.answer AS (ack_status text, error_code text, error_message text,
	correlation_id text, at timestamptz);
COMMENT ON TYPE casesync_internal.answer IS
	'an acknowledgement: ACK or ERR with the standard''s code';
/* ---- search_at ---- */
CREATE TABLE casesync_internal.my_request (
	reference_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	partner text NOT NULL,
	action text NOT NULL CHECK (action IN ('search', 'txn-status')),
	record_type text,
	reg_type text,
	filter_type text,
	transaction_id text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text,
	about uuid,
	state text NOT NULL DEFAULT 'requested'
		CHECK (state IN ('requested', 'answered', 'refused', 'unanswered')),
	reason text,
	records integer,
	total_count bigint,
	requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	answered_at timestamptz
);
CREATE INDEX my_request_open ON casesync_internal.my_request (partner, requested_at)
	WHERE state = 'requested';
COMMENT ON TABLE casesync_internal.my_request IS
	'what we have asked partners, and whether they answered; not whom we asked for';
COMMENT ON COLUMN casesync_internal.my_request.about IS 'the request whose status is asked for';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.my_request', '');
