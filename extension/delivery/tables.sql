/* The tables and types of delivery/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- delivery ---- */
CREATE TABLE casesync_internal.attempt (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	lane integer NOT NULL,
	message_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	items integer NOT NULL,
	verdict text NOT NULL,
	http_status integer,
	ack_status text,
	error_code text,
	detail text
);
CREATE INDEX attempt_of_lane ON casesync_internal.attempt (lane, id);
COMMENT ON TABLE casesync_internal.attempt IS 'one row a POST: how it ended; ids and codes only';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.attempt', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.attempt_id_seq', '');
CREATE TABLE casesync_internal.subscription_seq (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subscription bigint NOT NULL,
	stream uuid NOT NULL,
	seq bigint NOT NULL
);
CREATE INDEX subscription_seq_newest ON casesync_internal.subscription_seq (subscription, stream,
	seq);
COMMENT ON TABLE casesync_internal.subscription_seq IS
	'appended; the last sequence number given in a subscription''s stream';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.subscription_seq', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.subscription_seq_id_seq', '');
/* One of those that stand at the beginning of a lane. */
CREATE TYPE casesync_internal.head AS (id bigint, subscription bigint, registry text, key text,
	seq bigint, is_bulk boolean);
COMMENT ON TYPE casesync_internal.head IS
	'what may be sent next of a lane; seq: its number in the stream of now, if it has one';
/* A message ready for the bridge, which adds header, signature and nothing else. */
CREATE TYPE casesync_internal.parcel AS (message_id uuid, url text, action text, sender_id text,
	receiver_id text, sender_uri text, status text, total_count integer, completed_count integer,
	message text, meta text, attempt integer, networks text[], tls_name text,
	token_url text, client_id text, secret_name text, encrypt text, journal text,
	recorded boolean, again boolean, status_is_ack boolean, forms text, callback_client text);
COMMENT ON TYPE casesync_internal.parcel IS
	'a message that is to be sent now; what next_message() says besides: whether the outcome of the '
	'one before counted, and whether take() has to be called, which says what is wrong';
CREATE TABLE casesync_internal.backlog (
	lane integer PRIMARY KEY,
	cut bigint,
	looked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.backlog IS
	'lanes of partners that do not answer, and the item before which their backlog is compacted; '
	'NULL: it is not too long';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.backlog', '');
