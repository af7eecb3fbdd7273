/* The tables and types of party/: state, made once; changed by the scripts of upgrade/ only. */

/* ---- node ---- */
CREATE TABLE casesync_internal.node (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	sender_id text NOT NULL CHECK (sender_id <> '' AND length(sender_id) <= 255),
	base_url text CHECK (base_url ~ '^https?://[^\s]+$' AND length(base_url) <= 2000),
	key_ids text[],
	locale text NOT NULL DEFAULT 'eng' CHECK (locale ~ '^[a-z]{3}$'),
	time_zone text NOT NULL,
	node_id uuid,
	system_identifier bigint NOT NULL,
	database_oid oid NOT NULL,
	era integer NOT NULL DEFAULT 1,
	stream uuid NOT NULL DEFAULT gen_random_uuid(),
	four_eyes boolean NOT NULL DEFAULT true,
	paused boolean NOT NULL DEFAULT false,
	paused_reason text,
	timeline integer NOT NULL,
	table_oid oid NOT NULL,
	keep_delivered interval NOT NULL DEFAULT '90 days',
	keep_inbox interval NOT NULL DEFAULT '90 days',
	keep_attempts interval NOT NULL DEFAULT '30 days',
	keep_disclosures interval NOT NULL DEFAULT '10 years'
);
COMMENT ON TABLE casesync_internal.node IS
	'this system: its name to others, its identity, whether it may send';
COMMENT ON COLUMN casesync_internal.node.node_id IS
	'the UUID in the bridge''s file; a copy of the database has no bridge with it';
COMMENT ON COLUMN casesync_internal.node.era IS
	'counts restores: tells transaction ids of different clusters apart';
COMMENT ON COLUMN casesync_internal.node.stream IS 'names one run of sequence numbers to partners';
COMMENT ON COLUMN casesync_internal.node.timeline IS
	'of the server on which partners were told last: another one may have lost some of it';
COMMENT ON COLUMN casesync_internal.node.table_oid IS
	'of this table: a dump that is restored over the database makes another one';
COMMENT ON COLUMN casesync_internal.node.keep_delivered IS
	'how long what was sent and is settled is kept, see set_retention()';
COMMENT ON COLUMN casesync_internal.node.keep_inbox IS
	'how long the content of what was received and is settled is kept';
COMMENT ON COLUMN casesync_internal.node.keep_attempts IS 'how long it is kept how sending went';
COMMENT ON COLUMN casesync_internal.node.keep_disclosures IS
	'how long it is kept who was told what';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.node', '');
CREATE TABLE casesync_internal.node_secret (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	hash_key bytea NOT NULL
);
COMMENT ON TABLE casesync_internal.node_secret IS
	'the key of content hashes; readable by nobody but the extension';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.node_secret', '');
/* Not dumped: what fails here says nothing about a copy. */
CREATE TABLE casesync_internal.turn_trouble_now (
	turn text PRIMARY KEY,
	reason text NOT NULL,
	since timestamptz NOT NULL DEFAULT clock_timestamp(),
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.turn_trouble_now IS
	'work of the bridge that fails now, as it says itself';
CREATE TABLE casesync_internal.bridge_life (
	bridge uuid PRIMARY KEY,
	timeline integer NOT NULL,
	vouched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.bridge_life IS
	'journals of bridges that were here, and the timeline on which nothing of them was unknown';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.bridge_life', '');
/* ---- partner ---- */
CREATE TABLE casesync_internal.partner (
	partner text PRIMARY KEY CHECK (partner <> '' AND length(partner) <= 255),
	base_url text,
	notify_url text,
	callback_prefixes text[],
	jwks_url text,
	jwks_trust text NOT NULL DEFAULT 'pin' CHECK (jwks_trust IN ('pin', 'follow')),
	token_url text,
	client_id text,
	secret_name text,
	tls_name text,
	networks cidr[] NOT NULL DEFAULT '{}',
	signature text NOT NULL DEFAULT 'required' CHECK (
		signature IN ('required', 'unsigned_accepted')),
	profile text NOT NULL DEFAULT 'spdci-1.0',
	encryption text NOT NULL DEFAULT 'off' CHECK (encryption IN ('off', 'accepted', 'required')),
	max_subscriptions integer NOT NULL DEFAULT 100000 CHECK (max_subscriptions >= 0),
	max_filters integer NOT NULL DEFAULT 50 CHECK (max_filters >= 0),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	max_bytes_per_day bigint NOT NULL DEFAULT 536870912 CHECK (max_bytes_per_day >= 0),
	max_bytes bigint NOT NULL DEFAULT 21474836480 CHECK (max_bytes >= 0),
	max_backlog bigint NOT NULL DEFAULT 200000 CHECK (max_backlog > 0),
	reading text NOT NULL DEFAULT 'standard' CHECK (reading IN ('standard', 'lenient')),
	acknowledges text NOT NULL DEFAULT 'message' CHECK (acknowledges IN ('message', 'status'))
);
COMMENT ON TABLE casesync_internal.partner IS 'other systems; partner is their sender_id';
COMMENT ON COLUMN casesync_internal.partner.max_subscriptions IS
	'how many living subscriptions it may ask for';
COMMENT ON COLUMN casesync_internal.partner.max_filters IS
	'how many of them may be of something else than one identifier: these cost at every event';
COMMENT ON COLUMN casesync_internal.partner.max_bytes_per_day IS
	'how many bytes it may have stored here on one day';
COMMENT ON COLUMN casesync_internal.partner.max_bytes IS
	'how many bytes it may have stored here in all, of what was not pruned';
COMMENT ON COLUMN casesync_internal.partner.max_backlog IS
	'how many notifications may wait for one of its addresses while it does not answer';
COMMENT ON COLUMN casesync_internal.partner.reading IS
	'whether its messages may have forms that test suites want refused';
COMMENT ON COLUMN casesync_internal.partner.acknowledges IS
	'whether what it answers by HTTP says that it has a message, or its status alone does';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.partner', '');
CREATE TABLE casesync_internal.deviation (
	partner text NOT NULL,
	code text NOT NULL,
	messages bigint NOT NULL,
	first_seen timestamptz NOT NULL,
	last_seen timestamptz NOT NULL,
	place text NOT NULL,
	PRIMARY KEY (partner, code)
);
COMMENT ON TABLE casesync_internal.deviation IS
	'forms that are not the standard''s, in which partners sent messages that were taken';
COMMENT ON COLUMN casesync_internal.deviation.place IS
	'names of members in the first such message, never what they hold';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.deviation', '');
/* A row for each server process, so that no message waits for another one. */
CREATE TABLE casesync_internal.stored_day (
	partner text NOT NULL,
	day date NOT NULL,
	worker integer NOT NULL,
	bytes bigint NOT NULL,
	refused bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (partner, day, worker)
);
COMMENT ON TABLE casesync_internal.stored_day IS
	'how many bytes are kept of what a partner sent or asked for on a day';
COMMENT ON COLUMN casesync_internal.stored_day.worker IS
	'the backend that counted; 0: all of a day that is over';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.stored_day', '');
CREATE TABLE casesync_internal.partner_key (
	partner text NOT NULL,
	kid text NOT NULL,
	jwk jsonb NOT NULL,
	valid_from timestamptz NOT NULL,
	valid_to timestamptz NOT NULL,
	use text NOT NULL CHECK (use IN ('sig', 'enc')),
	PRIMARY KEY (partner, kid, use),
	CHECK (valid_from < valid_to)
);
COMMENT ON TABLE casesync_internal.partner_key IS
	'public keys of partners (RFC 7517) and when they count';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.partner_key', '');
CREATE TABLE casesync_internal.lane (
	lane integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	kind text NOT NULL CHECK (kind IN ('notify', 'control')),
	address text NOT NULL DEFAULT '',
	UNIQUE (partner, kind, address)
);
COMMENT ON TABLE casesync_internal.lane IS
	'the order of delivery to one partner: notifications, and requests and callbacks';
COMMENT ON COLUMN casesync_internal.lane.address IS
	'scheme, host and port that its messages go to; empty: the registered ones. An address that '
	'does not answer holds up no other';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lane', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lane_lane_seq', '');
/* ---- client ---- */
CREATE TABLE casesync_internal.client (
	issuer text NOT NULL,
	client_id text NOT NULL CHECK (client_id <> '' AND octet_length(client_id) <= 255),
	partner text NOT NULL,
	secret_hmac bytea,
	issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	expires timestamptz NOT NULL,
	last_token_at timestamptz,
	last_place text,
	PRIMARY KEY (issuer, client_id),
	CHECK ((issuer = '') = (secret_hmac IS NOT NULL))
);
COMMENT ON TABLE casesync_internal.client IS
	'who may call in whose name; issuer is '''' for clients of our own token endpoint';
COMMENT ON COLUMN casesync_internal.client.last_place IS
	'where its secret was last right; from there failures, its own and others'', do not slow it';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.client', '');
CREATE TABLE casesync_internal.issuer (
	issuer text PRIMARY KEY CHECK (octet_length(issuer) <= 255),
	jwks_url text,
	jwks jsonb,
	audience text NOT NULL CHECK (octet_length(audience) <= 255),
	algorithms text[] NOT NULL,
	client_claim text NOT NULL,
	scope_claim text NOT NULL,
	networks cidr[] NOT NULL
);
COMMENT ON TABLE casesync_internal.issuer IS
	'outside issuers of tokens, and their public keys (RFC 7517)';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.issuer', '');
/* As many rows as there are buckets, whatever is tried: nobody can fill it. */
CREATE TABLE casesync_internal.client_failure (
	kind text NOT NULL CHECK (kind IN ('client', 'address')),
	bucket integer NOT NULL CHECK (bucket BETWEEN 0 AND 65535),
	failures integer NOT NULL,
	last_at timestamptz NOT NULL,
	subject text,
	PRIMARY KEY (kind, bucket)
);
COMMENT ON TABLE casesync_internal.client_failure IS
	'wrong secrets of late, by keyed hash of the client''s name and of the address; subject is the '
	'last one, NULL for a client that does not exist';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.client_failure', '');
/* ---- jwks ---- */
CREATE TABLE casesync_internal.jwks_source (
	kind text NOT NULL CHECK (kind IN ('issuer', 'partner')),
	name text NOT NULL,
	url text NOT NULL,
	next_at timestamptz NOT NULL,
	tried_at timestamptz NOT NULL,
	fetched_at timestamptz,
	problem text,
	PRIMARY KEY (kind, name)
);
COMMENT ON TABLE casesync_internal.jwks_source IS
	'when published keys were fetched, and are fetched next';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.jwks_source', '');
CREATE TABLE casesync_internal.published_key (
	partner text NOT NULL,
	kid text NOT NULL,
	use text NOT NULL,
	jwk jsonb NOT NULL,
	is_followed boolean NOT NULL,
	first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (partner, kid, use)
);
COMMENT ON TABLE casesync_internal.published_key IS
	'keys that a partner publishes: waiting for accept_key(), or taken over (is_followed)';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.published_key', '');
/* ---- delivery ---- */
CREATE TABLE casesync_internal.lane_state (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	lane integer NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	message_id uuid,
	items bigint[] NOT NULL DEFAULT '{}',
	attempt integer NOT NULL DEFAULT 0,
	next_attempt timestamptz,
	batch_limit integer NOT NULL DEFAULT 100,
	server_errors integer NOT NULL DEFAULT 0,
	refusals integer NOT NULL DEFAULT 0,
	suspect bigint,
	others_pass boolean NOT NULL DEFAULT false,
	is_stopped boolean NOT NULL DEFAULT false,
	reason text,
	begins_until timestamptz,
	lost_until timestamptz,
	seq_before bigint,
	live_from bigint NOT NULL DEFAULT 0,
	bulk_from bigint NOT NULL DEFAULT 0
);
CREATE INDEX lane_state_newest ON casesync_internal.lane_state (lane, id);
COMMENT ON TABLE casesync_internal.lane_state IS 'appended; the newest row of a lane counts';
COMMENT ON COLUMN casesync_internal.lane_state.message_id IS
	'the message in flight; only its outcome is believed';
COMMENT ON COLUMN casesync_internal.lane_state.begins_until IS
	'of the message in flight: what has not begun to leave by then never does; NULL: no limit';
COMMENT ON COLUMN casesync_internal.lane_state.lost_until IS
	'the same of messages whose sessions ended before an outcome';
COMMENT ON COLUMN casesync_internal.lane_state.seq_before IS
	'of the message in flight: the last number before those that were given for it; NULL: none was';
COMMENT ON COLUMN casesync_internal.lane_state.live_from IS
	'nothing that waits in the order of ids has a lower one (notification.place 0)';
COMMENT ON COLUMN casesync_internal.lane_state.bulk_from IS
	'the same of what is bulk';
COMMENT ON COLUMN casesync_internal.lane_state.refusals IS
	'items refused one after another, with nothing delivered in between';
COMMENT ON COLUMN casesync_internal.lane_state.suspect IS
	'the item that alone drew server errors: another subject''s item is tried before it';
COMMENT ON COLUMN casesync_internal.lane_state.batch_limit IS
	'shrinks when batches are refused, to find the item that is refused alone, and grows again';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lane_state', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lane_state_id_seq', '');
/* Not dumped, either: what did not get through says nothing about a copy. */
CREATE TABLE casesync_internal.lane_note (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	lane integer NOT NULL,
	message_id uuid NOT NULL,
	cause text,
	answer text,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX lane_note_of ON casesync_internal.lane_note (lane, id);
COMMENT ON TABLE casesync_internal.lane_note IS
	'why the last messages of a lane did not arrive, as the bridge has seen it';
COMMENT ON COLUMN casesync_internal.lane_note.cause IS
	'what failed before the message was answered, in the bridge''s words';
COMMENT ON COLUMN casesync_internal.lane_note.answer IS
	'what the partner wrote: it may quote a record';
CREATE TABLE casesync_internal.partner_refusal (
	partner text PRIMARY KEY,
	error_code text NOT NULL,
	reason text NOT NULL,
	correlation_id text NOT NULL,
	messages bigint NOT NULL DEFAULT 1,
	since timestamptz NOT NULL DEFAULT clock_timestamp(),
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.partner_refusal IS
	'partners whose messages were not let in, and why the last one was not';
COMMENT ON COLUMN casesync_internal.partner_refusal.messages IS 'how many, since then';
