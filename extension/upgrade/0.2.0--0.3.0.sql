/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{node,tracking,local_code,registry,handler,inbox_item}');

/* ---- lives of a database ---- */
ALTER TABLE casesync_internal.node ADD COLUMN timeline integer, ADD COLUMN table_oid oid;
UPDATE casesync_internal.node SET table_oid = 'casesync_internal.node'::regclass,
	timeline = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
ALTER TABLE casesync_internal.node ALTER COLUMN timeline SET NOT NULL,
	ALTER COLUMN table_oid SET NOT NULL;
COMMENT ON COLUMN casesync_internal.node.timeline IS
	'of the server on which partners were told last: another one may have lost some of it';
COMMENT ON COLUMN casesync_internal.node.table_oid IS
	'of this table: a dump that is restored over the database makes another one';
CREATE TABLE casesync_internal.bridge_life (
	bridge uuid PRIMARY KEY,
	timeline integer NOT NULL,
	vouched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.bridge_life IS
	'journals of bridges that were here, and the timeline on which nothing of them was unknown';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.bridge_life', '');
CREATE TABLE casesync_internal.look_again_registry (
	registry text PRIMARY KEY,
	reason text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.look_again_registry IS
	'registries whose subjects are all to be looked at again, whatever partners were told of them';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_registry', '');
CREATE TABLE casesync_internal.look_again_note (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	reason text NOT NULL,
	error_code text,
	mark text,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX look_again_note_about ON casesync_internal.look_again_note (registry, key);
COMMENT ON TABLE casesync_internal.look_again_note IS
	'what senders found at the door, on its way to look_again_entry: they wait for nobody, so there '
	'is no key here that two could meet at';
COMMENT ON COLUMN casesync_internal.look_again_note.error_code IS
	'nobody could say whether the subject may pass: it goes into quarantine';
COMMENT ON COLUMN casesync_internal.look_again_note.mark IS 'as in quarantine_entry, of then';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_note', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.look_again_note_id_seq', '');
ALTER TYPE casesync_internal.parcel ADD ATTRIBUTE journal text;
DROP FUNCTION casesync_internal.bridge_start(uuid, text);
CREATE TABLE casesync_internal.crossed_change (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	item bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (partner, registry, key)
);
COMMENT ON TABLE casesync_internal.crossed_change IS
	'subjects that were changed here and at a partner before either knew of the other: until the '
	'next change of each';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.crossed_change', '');
/* ---- what is newer, and what met ---- */
CREATE TABLE casesync_internal.field_version (
	registry text NOT NULL,
	key text NOT NULL,
	fields jsonb NOT NULL,
	past jsonb NOT NULL DEFAULT '{}',
	seeded_at timestamptz,
	identities text[] NOT NULL DEFAULT '{}',
	PRIMARY KEY (registry, key)
);
CREATE INDEX field_version_identity ON casesync_internal.field_version USING gin (identities)
	WITH (fastupdate = off);
COMMENT ON TABLE casesync_internal.field_version IS
	'when each field that partners may tell us was changed last, and by whom; of registries whose '
	'records have an apply function';
COMMENT ON COLUMN casesync_internal.field_version.fields IS
	'for each field a keyed hash of its value, when it was changed (microseconds), the mark of who '
	'did, and when what it replaced was changed';
COMMENT ON COLUMN casesync_internal.field_version.past IS
	'the same of a few values before';
COMMENT ON COLUMN casesync_internal.field_version.seeded_at IS
	'when fields that nobody had changed were noted as they were: with the time 0';
COMMENT ON COLUMN casesync_internal.field_version.identities IS
	'a keyed hash of each of its identifiers, by which a partner''s record finds it';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.field_version', '');
CREATE TABLE casesync_internal.version_seed (
	registry text PRIMARY KEY,
	fields text[] NOT NULL,
	after_key text,
	is_done boolean NOT NULL
);
COMMENT ON TABLE casesync_internal.version_seed IS
	'registries whose subjects were noted as they were, with which fields, and how far';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.version_seed', '');
CREATE TABLE casesync_internal.authority (
	registry text NOT NULL,
	field text NOT NULL,
	owner text NOT NULL,
	set_by name NOT NULL DEFAULT session_user,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (registry, field)
);
COMMENT ON TABLE casesync_internal.authority IS
	'whose word on a field of a registry counts: a partner''s or our own; for other fields the '
	'newest';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.authority', '');
CREATE TABLE casesync_internal.conflict (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	registry text NOT NULL,
	key text NOT NULL,
	field text NOT NULL,
	partner text NOT NULL,
	item bigint NOT NULL,
	ours jsonb,
	theirs jsonb,
	ours_at timestamptz,
	theirs_at timestamptz,
	winner text CHECK (winner IN ('ours', 'theirs')),
	why text NOT NULL,
	state text NOT NULL CHECK (state IN ('open', 'settled')),
	about text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	decided_by name,
	decided_at timestamptz,
	note text,
	UNIQUE (registry, key, field, partner, about)
);
CREATE INDEX conflict_open ON casesync_internal.conflict (partner) WHERE state = 'open';
COMMENT ON TABLE casesync_internal.conflict IS
	'fields that were changed here and at a partner before either knew of the other, or that a '
	'partner may not change';
COMMENT ON COLUMN casesync_internal.conflict.about IS
	'what met: our version and a keyed hash of theirs, so that it is noted once';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.conflict', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.conflict_id_seq', '');
CREATE TABLE casesync_internal.retelling (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	about text NOT NULL,
	is_due boolean NOT NULL DEFAULT true,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (partner, registry, key)
);
CREATE INDEX retelling_due ON casesync_internal.retelling (registry, key) WHERE is_due;
COMMENT ON TABLE casesync_internal.retelling IS
	'subjects of which a partner (the empty name: every partner) is told once more, since it may '
	'hold the value that lost; and of which it was, so that nothing goes to and fro';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.retelling', '');
/* What a partner says of one subject, as merge() is told of it. */
CREATE TYPE casesync_internal.arrival AS (item bigint, partner text, record jsonb, changed jsonb,
	changed_at timestamptz, received_at timestamptz, came_by_us boolean, is_accepted boolean, decided text);
COMMENT ON TYPE casesync_internal.arrival IS
	'the agreed part of a received record, with what is known of when and by whom its fields were '
	'changed; or a person''s decision about one of its fields';
/* One subject of ours as it is before something is applied to it. */
CREATE TYPE casesync_internal.own_subject AS (r casesync_internal.registry, key text, fields jsonb,
	version casesync_internal.field_version, known_at timestamptz, seen pg_snapshot, won jsonb);
COMMENT ON TYPE casesync_internal.own_subject IS
	'a subject of ours that a received record is about: the values of its fields, their versions, '
	'when the partner was last told of it, and the versions of the fields that are to be applied';
/* What is to become of one field. */
CREATE TYPE casesync_internal.field_choice AS (field text, theirs jsonb, ours jsonb,
	their_version jsonb, our_version jsonb, choice text, why text, is_conflict boolean);
COMMENT ON TYPE casesync_internal.field_choice IS
	'one field of a received record: choice is same, past (known already), ours or theirs';
CREATE TYPE casesync_internal.merged AS (record jsonb, news integer,
	subjects casesync_internal.own_subject[]);
COMMENT ON TYPE casesync_internal.merged IS
	'what of a received record is to be applied: with our values where they count, and how many of '
	'its fields are news';
ALTER TABLE casesync_internal.inbox_item ADD COLUMN changed_at timestamptz,
	ADD COLUMN changed jsonb;
COMMENT ON COLUMN casesync_internal.inbox_item.changed_at IS
	'when the record was changed there, as the partner says, by our clock';
COMMENT ON COLUMN casesync_internal.inbox_item.changed IS
	'for each field when it was changed (microseconds), the mark of who did, and when what it '
	'replaced was; NULL: the partner does not say. Of a person''s decision (mode decision): the '
	'field, as a text';
CREATE INDEX inbox_item_later ON casesync_internal.inbox_item (next_try)
	WHERE state = 'new' AND next_try IS NOT NULL;
CREATE INDEX inbox_item_number ON casesync_internal.inbox_item (partner, transaction_id, seq)
	WHERE seq IS NOT NULL;
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
DROP FUNCTION casesync_internal.inbox_next();
DROP FUNCTION casesync_internal.inbox_apply(casesync_internal.inbox_item);
DROP FUNCTION casesync_internal.notify_items(jsonb, jsonb);

CREATE TABLE casesync_internal.turn_trouble_now (
	turn text PRIMARY KEY,
	reason text NOT NULL,
	since timestamptz NOT NULL DEFAULT clock_timestamp(),
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.turn_trouble_now IS
	'work of the bridge that fails now, as it says itself';

/* ---- words and codes have owners ---- */
CREATE TABLE casesync_internal.word_list (
	list text PRIMARY KEY CHECK (list ~ '\S'),
	owner name NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.word_list', '');
COMMENT ON TABLE casesync_internal.word_list IS
	'whose a list of words is; written by the first map_code() of it';
CREATE TABLE casesync_internal.word_list_grant (
	list text NOT NULL,
	role name NOT NULL,
	PRIMARY KEY (list, role)
);
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.word_list_grant', '');
COMMENT ON TABLE casesync_internal.word_list_grant IS
	'roles that may change another''s list of words; written by grant_word_list()';
/* Who mapped the words of until now is not known: they are the extension's owner's. */
INSERT INTO casesync_internal.word_list (list, owner)
SELECT DISTINCT w.list, pg_get_userbyid(c.relowner)
  FROM casesync_internal.crosswalk_word w
  JOIN pg_class c ON c.oid = 'casesync_internal.crosswalk_word'::regclass;
ALTER TABLE casesync_internal.local_code ADD COLUMN owner name;
UPDATE casesync_internal.local_code SET owner = (SELECT pg_get_userbyid(c.relowner)
	FROM pg_class c WHERE c.oid = 'casesync_internal.local_code'::regclass);
ALTER TABLE casesync_internal.local_code ALTER COLUMN owner SET DEFAULT current_user,
	ALTER COLUMN owner SET NOT NULL;
COMMENT ON COLUMN casesync_internal.local_code.owner IS 'the role whose label it is';

/* It tells whose lane it is, too. */
DROP FUNCTION casesync_internal.lanes();

/* Filters that cost too much are paused. */
ALTER TABLE casesync_internal.subscription ADD COLUMN paused_at timestamptz,
	ADD COLUMN pause_reason text;
CREATE INDEX subscription_paused ON casesync_internal.subscription (partner, paused_at)
	WHERE paused_at IS NOT NULL;
COMMENT ON COLUMN casesync_internal.subscription.paused_at IS
	'of a filter: since when it is not judged, because its partner''s filters took too long';
CREATE TABLE casesync_internal.filter_seed (
	partner text PRIMARY KEY,
	next_at timestamptz NOT NULL
);
COMMENT ON TABLE casesync_internal.filter_seed IS
	'when it is looked up next who is inside a new filter of a partner';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.filter_seed', '');
DROP FUNCTION casesync_internal.subscription_room(casesync_internal.partner);
DROP FUNCTION casesync_internal.wish_over_quota(casesync_internal.partner,
	casesync_internal.subscription, integer, integer);
DROP FUNCTION casesync_internal.wish_refusal(casesync_internal.partner, record,
	casesync_internal.subscription, integer, integer);
DROP FUNCTION casesync_internal.receive_wish(casesync_internal.partner,
	casesync_internal.subscription, jsonb, integer, integer);
DROP FUNCTION casesync_internal.filters_of(casesync_internal.agreement,
	casesync_internal.registry);
COMMENT ON TABLE casesync_internal.missed IS
	'subjects that changed while an agreement was suspended, or its partner''s filters were paused: '
	'looked at again when they go on';
/* Who was counted is told something too. */
ALTER TABLE casesync_internal.disclosure ADD COLUMN asked text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN casesync_internal.disclosure.way IS
	'notify, search, count, check_enrollment or push';
COMMENT ON COLUMN casesync_internal.disclosure.asked IS
	'what the partner asked or wished by, beyond the agreed fields: it learns that this holds';
ALTER TYPE casesync_internal.disclosing ADD ATTRIBUTE asked text[];
COMMENT ON TYPE casesync_internal.disclosing IS
	'a record of a subject that a partner gets, or somebody whom it is told the number of; the '
	'agreement that says so, the item or answer that carries it, and what it was asked by';
CREATE TABLE casesync_internal.lookup_walk (
	partner text NOT NULL,
	question bytea NOT NULL,
	page_size integer NOT NULL,
	page_number integer NOT NULL,
	people integer NOT NULL,
	day date NOT NULL,
	PRIMARY KEY (partner, question)
);
COMMENT ON TABLE casesync_internal.lookup_walk IS
	'questions that were answered today, by a keyed hash: the page that was given last and how '
	'many people were counted for it, so that the next page does not count them once more';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.lookup_walk', '');
ALTER TYPE casesync_internal.person ADD ATTRIBUTE marks text[], ADD ATTRIBUTE said text[];
COMMENT ON TYPE casesync_internal.person IS
	'who is to be forgotten: identifiers as values (words) and as TYPE:value (names), as found in '
	'inbox subjects; marks: spellings of them that are looked for within texts; said: words that '
	'only together are about this person, as first and last name';
DROP FUNCTION casesync_internal.json_without(jsonb, text[], text);
/* What was hashed without a key is hashed with it: a repetition is still known. */
UPDATE casesync_internal.message_in m
   SET content_hash = casesync_internal.keyed_hash(n.hash_key,
	to_jsonb(encode(m.content_hash, 'hex')))
  FROM casesync_internal.node_secret n;
/* Nobody on the way but who is known here goes on to others. */
UPDATE casesync_internal.inbox_item i SET hops = ARRAY(
	SELECT h.name FROM unnest(i.hops) WITH ORDINALITY h(name, n)
	 WHERE EXISTS (SELECT FROM casesync_internal.partner p WHERE p.partner = h.name)
		OR EXISTS (SELECT FROM casesync_internal.node o WHERE o.sender_id = h.name) ORDER BY h.n)
 WHERE i.hops <> '{}';
UPDATE casesync_internal.notification i SET hops = ARRAY(
	SELECT h.name FROM unnest(i.hops) WITH ORDINALITY h(name, n)
	 WHERE EXISTS (SELECT FROM casesync_internal.partner p WHERE p.partner = h.name)
		OR EXISTS (SELECT FROM casesync_internal.node o WHERE o.sender_id = h.name) ORDER BY h.n)
 WHERE i.hops <> '{}';
DROP FUNCTION casesync_internal.search_item(casesync_internal.partner, jsonb, record, bigint,
	timestamptz, uuid);
DROP FUNCTION casesync_internal.search_give(casesync_internal.search_source[], text[], integer[],
	uuid);
DROP FUNCTION casesync_internal.search_records(casesync_internal.search_source, text[], text, uuid);
DROP FUNCTION casesync_internal.enrolment_find(casesync_internal.partner, jsonb, timestamptz);
DROP FUNCTION casesync_internal.search_refusal(jsonb, casesync_internal.verdict);
DROP FUNCTION casesync_internal.search_data(jsonb, casesync_internal.search_source[], jsonb);
/* A registry type that is in no list is the same in any case. */
UPDATE casesync_internal.subscription s SET reg_type = lower(s.reg_type)
 WHERE s.reg_type <> lower(s.reg_type) AND NOT EXISTS (
	SELECT FROM casesync_internal.registry_type t WHERE t.reg_type = s.reg_type);
/* How many were found is not told again. */
UPDATE casesync_internal.request_in r
   SET answers = (SELECT jsonb_agg(a - 'pagination' ORDER BY n)
		FROM jsonb_array_elements(r.answers) WITH ORDINALITY x(a, n))
 WHERE jsonb_path_exists(r.answers, '$[*].pagination');
/* ---- registries and trackings have owners ---- */
COMMENT ON TABLE casesync_internal.registry IS
	'published views; written and read by casesync''s own functions only';
CREATE TABLE casesync_internal.registry_grant (
	registry text NOT NULL,
	role name NOT NULL,
	PRIMARY KEY (registry, role)
);
COMMENT ON TABLE casesync_internal.registry_grant IS
	'roles whose tables may make events of another''s registry; written by grant_registry()';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.registry_grant', '');
/* What feeds a registry today goes on to. */
INSERT INTO casesync_internal.registry_grant (registry, role)
SELECT DISTINCT g.registry, pg_get_userbyid(c.relowner)
  FROM casesync_internal.tracking t JOIN pg_class c ON c.oid = t.relation
  JOIN casesync_internal.registry g ON g.registry = ANY (t.registries)
  JOIN pg_class v ON v.oid = g.view
 WHERE NOT t.removed AND NOT pg_has_role(c.relowner, v.relowner, 'USAGE');
ALTER TABLE casesync_internal.tracking ADD COLUMN author name;
UPDATE casesync_internal.tracking t SET author = pg_get_userbyid(c.relowner)
  FROM pg_class c WHERE c.oid = t.relation;
COMMENT ON COLUMN casesync_internal.tracking.author IS
	'whose table it was when the tracking was written';
ALTER TABLE casesync_internal.registry ADD COLUMN author name;
UPDATE casesync_internal.registry r SET author = pg_get_userbyid(c.relowner)
  FROM pg_class c WHERE c.oid = r.view;
COMMENT ON COLUMN casesync_internal.registry.author IS
	'whose the view was when it was published; it is not read while it is another''s';
DROP FUNCTION casesync_internal.tracking_write(casesync_internal.tracking);
DROP FUNCTION casesync_internal.tracking_id_next();
/* Triggers have no WHEN any more: those that have one go on until retrack(). */
DROP FUNCTION casesync_internal.column_filter(regclass, name[]);
DROP FUNCTION casesync_internal.tracking_detach(integer);
ALTER TABLE casesync_internal.tracking ADD COLUMN trees text[];
COMMENT ON COLUMN casesync_internal.tracking.trees IS
	'condition, key and subjects as the server keeps expressions, true in the same place';

/* Each subscription gets an event type that it asked for. */
ALTER TABLE casesync_internal.told ADD COLUMN told_to bigint[],
	ADD COLUMN owed bigint[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN casesync_internal.told.told_to IS
	'the subscriptions that were told it; NULL: nobody is left out';
COMMENT ON COLUMN casesync_internal.told.owed IS
	'subscriptions that are to be told of the subject whatever the partner knows, because they did '
	'not get an item of it';
DROP FUNCTION casesync_internal.knowledge_open_subject(text, text, text, bigint);
DROP FUNCTION casesync_internal.tell(casesync_internal.agreement, casesync_internal.draft[]);
DROP FUNCTION casesync_internal.event_type_of(casesync_internal.tracking, boolean, boolean,
	boolean, boolean);
COMMENT ON TYPE casesync_internal.rendered IS
	'a subject''s record: state is found, gone, quarantine (with the reason), or alias (of the key '
	'that stands in reason)';

/* ---- inbox: an apply function is found by its name, and called while it is its owner's ---- */
ALTER TABLE casesync_internal.handler ADD COLUMN schema_name name,
	ADD COLUMN function_name name, ADD COLUMN owner name;
COMMENT ON COLUMN casesync_internal.handler.handler IS
	'the same as schema_name and function_name say, for people';
COMMENT ON COLUMN casesync_internal.handler.schema_name IS
	'with function_name, by which it is found: an oid does not outlive a dump, and pg_upgrade refuses '
	'columns of type regprocedure';
COMMENT ON COLUMN casesync_internal.handler.owner IS
	'whose it was when it was named; it is not called while it is another''s';
UPDATE casesync_internal.handler h SET schema_name = n.nspname, function_name = p.proname,
	owner = pg_get_userbyid(p.proowner)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.pronargs = 1 AND p.proargtypes[0] = 'casesync.inbound'::regtype
   AND format('%I.%I(casesync.inbound)', n.nspname, p.proname) = h.handler;
/* pg_dump by a role that may read all data stopped at row level security. */
DROP POLICY handler_of_owner ON casesync_internal.handler;
ALTER TABLE casesync_internal.handler DISABLE ROW LEVEL SECURITY;
DROP POLICY registry_of_owner ON casesync_internal.registry;
ALTER TABLE casesync_internal.registry DISABLE ROW LEVEL SECURITY;
DROP FUNCTION casesync_internal.owns_handler(text);
DROP FUNCTION casesync_internal.owner_call(regprocedure, anyelement);

/* ---- a look of the router costs nothing for what waits ---- */
ALTER TABLE casesync_internal.quarantine_entry ADD COLUMN again_at timestamptz;
COMMENT ON COLUMN casesync_internal.quarantine_entry.again_at IS
	'when it is tried again although nothing has changed; NULL: not by the clock';
UPDATE casesync_internal.quarantine_entry q
   SET again_at = q.at + least(600, 10 * 2 ^ least(q.tries, 10)) * interval '1 second'
 WHERE q.error_code = 'CS002' OR casesync_internal.is_transient(q.error_code);
CREATE INDEX quarantine_entry_mark ON casesync_internal.quarantine_entry (registry, mark, id);
CREATE INDEX quarantine_entry_again ON casesync_internal.quarantine_entry (registry, again_at)
	WHERE again_at IS NOT NULL;
ALTER TABLE casesync_internal.look_again_entry ADD COLUMN origin bigint,
	ADD COLUMN happened timestamptz;
COMMENT ON COLUMN casesync_internal.look_again_entry.happened IS
	'when the first of what it is looked at for happened: a subscription that was not told of it, '
	'when others were told later, is to be told; NULL: when it was asked for';
DROP FUNCTION casesync_internal.look_again_add(text, text[], text, text);
DROP FUNCTION casesync_internal.look_again_at(casesync_internal.registry, text);
CREATE INDEX look_again_entry_turn ON casesync_internal.look_again_entry (registry, id);
COMMENT ON COLUMN casesync_internal.look_again_entry.origin IS
	'the received item that all of it comes from';
COMMENT ON TABLE casesync_internal.look_again_entry IS
	'subjects that the router is to look at once more, although no change of them was captured, or '
	'that wait for others because they are very many';
CREATE TABLE casesync_internal.routing_pace (
	registry text NOT NULL,
	tracking integer NOT NULL DEFAULT 0,
	slice integer NOT NULL,
	rest_until timestamptz,
	PRIMARY KEY (registry, tracking)
);
COMMENT ON TABLE casesync_internal.routing_pace IS
	'registries whose views took long, and (with a tracking, and no registry) queries for subjects '
	'that did: so many subjects are looked at together';
COMMENT ON COLUMN casesync_internal.routing_pace.rest_until IS
	'slow even for few: others go first, and until then it has only what they leave; NULL: not slow';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_pace', '');
CREATE TABLE casesync_internal.expansion (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tracking integer NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	origin bigint,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	after_key text COLLATE "C"
);
CREATE UNIQUE INDEX expansion_about ON casesync_internal.expansion (
	tracking, md5(key), event_type);
CREATE INDEX expansion_turn ON casesync_internal.expansion (tracking, id);
COMMENT ON TABLE casesync_internal.expansion IS
	'captured keys that stand for many subjects, which are read a page at a time';
COMMENT ON COLUMN casesync_internal.expansion.after_key IS
	'the last subject that was read; NULL: none yet';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.expansion', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.expansion_id_seq', '');
DROP FUNCTION casesync_internal.quarantine_next(integer);
DROP FUNCTION casesync_internal.look_again_next(integer);
DROP FUNCTION casesync_internal.events_again(integer);
DROP FUNCTION casesync_internal.quarantine_events(integer);
DROP FUNCTION casesync_internal.route_events(casesync_internal.subject_event[]);
DROP FUNCTION casesync_internal.expand(casesync_internal.change[], xid8[]);

/* Who wrote an agreement is known also within SECURITY DEFINER functions. */
ALTER TABLE casesync_internal.agreement ADD COLUMN written_as name;
COMMENT ON COLUMN casesync_internal.agreement.written_as IS
	'the owner of the SECURITY DEFINER function that wrote it in the author''s session; NULL: none';

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
DROP FUNCTION casesync.activate(text);
DROP FUNCTION casesync_internal.check_activation(casesync_internal.agreement);
DROP FUNCTION casesync_internal.check_author(casesync_internal.agreement);

/* What a partner can make us store is bounded. */
ALTER TABLE casesync_internal.partner
	ADD COLUMN max_bytes_per_day bigint NOT NULL DEFAULT 536870912 CHECK (max_bytes_per_day >= 0),
	ADD COLUMN max_bytes bigint NOT NULL DEFAULT 21474836480 CHECK (max_bytes >= 0);
COMMENT ON COLUMN casesync_internal.partner.max_bytes_per_day IS
	'how many bytes it may have stored here on one day';
COMMENT ON COLUMN casesync_internal.partner.max_bytes IS
	'how many bytes it may have stored here in all, of what was not pruned';
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
INSERT INTO casesync_internal.stored_day (partner, day, worker, bytes)
SELECT m.partner, (m.at AT TIME ZONE 'UTC')::date, 0, sum(octet_length(m.raw))
  FROM casesync_internal.message_in m WHERE m.raw <> '' GROUP BY 1, 2;
CREATE INDEX message_in_rejected ON casesync_internal.message_in (at) WHERE action = 'rejected';
DROP FUNCTION casesync.set_quota(text, integer, integer);
DROP FUNCTION casesync_internal.owner_query(regclass, text, anyelement, integer);
DROP FUNCTION casesync_internal.rows_at_once(regclass, text, text[], integer, timestamptz, boolean);
DROP FUNCTION casesync_internal.rows_by_key(regclass, text, text[], integer, timestamptz, boolean);
DROP FUNCTION casesync_internal.fails_always(regclass, text, integer);
DROP FUNCTION casesync_internal.condition_query(casesync_internal.registry, text);
DROP FUNCTION casesync_internal.search_run(casesync_internal.registry, text, text[], timestamptz);
DROP FUNCTION casesync_internal.subjects_query(text, text);
DROP FUNCTION casesync_internal.subjects_of(casesync_internal.tracking, text);
DROP FUNCTION casesync_internal.fold(casesync_internal.change[], xid8[]);
DROP FUNCTION casesync_internal.expand_by_query(casesync_internal.tracking, text, text, bigint,
	timestamptz, bigint);

/* ---- words of joint plans and referrals: as generated ---- */
/* plan_status (casesync) */
CREATE TYPE casesync.plan_status;
CREATE FUNCTION casesync_internal.plan_status_in(cstring) RETURNS casesync.plan_status
	AS 'MODULE_PATHNAME', 'casesync_plan_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_status_out(casesync.plan_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'casesync_plan_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_status_recv(internal) RETURNS casesync.plan_status
	AS 'MODULE_PATHNAME', 'casesync_plan_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_status_send(casesync.plan_status) RETURNS bytea
	AS 'int2send' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE casesync.plan_status (
	INPUT = casesync_internal.plan_status_in, OUTPUT = casesync_internal.plan_status_out,
	RECEIVE = casesync_internal.plan_status_recv, SEND = casesync_internal.plan_status_send,
	INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2, STORAGE = plain);
COMMENT ON TYPE casesync.plan_status IS 'code of directory casesync plan_status';
COMMENT ON FUNCTION casesync_internal.plan_status_in(cstring) IS 'input of plan_status';
COMMENT ON FUNCTION casesync_internal.plan_status_out(casesync.plan_status) IS 'output of plan_status';
COMMENT ON FUNCTION casesync_internal.plan_status_recv(internal) IS 'binary input of plan_status';
COMMENT ON FUNCTION casesync_internal.plan_status_send(casesync.plan_status) IS 'binary output of plan_status';

CREATE FUNCTION casesync_internal.code_eq(casesync.plan_status, casesync.plan_status) RETURNS boolean
	AS 'int2eq' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ne(casesync.plan_status, casesync.plan_status) RETURNS boolean
	AS 'int2ne' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_lt(casesync.plan_status, casesync.plan_status) RETURNS boolean
	AS 'int2lt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_le(casesync.plan_status, casesync.plan_status) RETURNS boolean
	AS 'int2le' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_gt(casesync.plan_status, casesync.plan_status) RETURNS boolean
	AS 'int2gt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ge(casesync.plan_status, casesync.plan_status) RETURNS boolean
	AS 'int2ge' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_cmp(casesync.plan_status, casesync.plan_status) RETURNS integer
	AS 'btint2cmp' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash(casesync.plan_status) RETURNS integer
	AS 'hashint2' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash_extended(casesync.plan_status, bigint) RETURNS bigint
	AS 'hashint2extended' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_eq(casesync.plan_status, casesync.plan_status) IS 'implements =';
COMMENT ON FUNCTION casesync_internal.code_ne(casesync.plan_status, casesync.plan_status) IS 'implements <>';
COMMENT ON FUNCTION casesync_internal.code_lt(casesync.plan_status, casesync.plan_status) IS 'implements <';
COMMENT ON FUNCTION casesync_internal.code_le(casesync.plan_status, casesync.plan_status) IS 'implements <=';
COMMENT ON FUNCTION casesync_internal.code_gt(casesync.plan_status, casesync.plan_status) IS 'implements >';
COMMENT ON FUNCTION casesync_internal.code_ge(casesync.plan_status, casesync.plan_status) IS 'implements >=';
COMMENT ON FUNCTION casesync_internal.code_cmp(casesync.plan_status, casesync.plan_status) IS 'less, equal, greater';
COMMENT ON FUNCTION casesync_internal.code_hash(casesync.plan_status) IS 'hash';
COMMENT ON FUNCTION casesync_internal.code_hash_extended(casesync.plan_status, bigint) IS 'hash with a seed';

/* In pg_catalog, so that WHERE status = 'Active' works with every search_path. */
CREATE OPERATOR pg_catalog.= (
	FUNCTION = casesync_internal.code_eq, LEFTARG = casesync.plan_status, RIGHTARG = casesync.plan_status,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
	FUNCTION = casesync_internal.code_ne, LEFTARG = casesync.plan_status, RIGHTARG = casesync.plan_status,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
	FUNCTION = casesync_internal.code_lt, LEFTARG = casesync.plan_status, RIGHTARG = casesync.plan_status,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
	FUNCTION = casesync_internal.code_le, LEFTARG = casesync.plan_status, RIGHTARG = casesync.plan_status,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
	FUNCTION = casesync_internal.code_gt, LEFTARG = casesync.plan_status, RIGHTARG = casesync.plan_status,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
	FUNCTION = casesync_internal.code_ge, LEFTARG = casesync.plan_status, RIGHTARG = casesync.plan_status,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR pg_catalog.= (casesync.plan_status, casesync.plan_status) IS 'same code';
COMMENT ON OPERATOR pg_catalog.<> (casesync.plan_status, casesync.plan_status) IS 'another code';
COMMENT ON OPERATOR pg_catalog.< (casesync.plan_status, casesync.plan_status) IS 'before, in directory order';
COMMENT ON OPERATOR pg_catalog.<= (casesync.plan_status, casesync.plan_status) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.> (casesync.plan_status, casesync.plan_status) IS 'after, in directory order';
COMMENT ON OPERATOR pg_catalog.>= (casesync.plan_status, casesync.plan_status) IS 'after or same';

CREATE OPERATOR CLASS casesync_internal.plan_status_ops DEFAULT FOR TYPE casesync.plan_status USING btree AS
	OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>,
	FUNCTION 1 casesync_internal.code_cmp(casesync.plan_status, casesync.plan_status),
	FUNCTION 2 pg_catalog.btint2sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
CREATE OPERATOR CLASS casesync_internal.plan_status_ops DEFAULT FOR TYPE casesync.plan_status USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 casesync_internal.code_hash(casesync.plan_status),
	FUNCTION 2 casesync_internal.code_hash_extended(casesync.plan_status, bigint);
COMMENT ON OPERATOR CLASS casesync_internal.plan_status_ops USING btree IS 'order of plan_status';
COMMENT ON OPERATOR CLASS casesync_internal.plan_status_ops USING hash IS 'hash of plan_status';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_status_ops USING btree IS 'order of plan_status';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_status_ops USING hash IS 'hash of plan_status';

CREATE FUNCTION casesync_internal.plan_status_from_integer(integer) RETURNS casesync.plan_status
	AS 'MODULE_PATHNAME', 'casesync_plan_status_from_integer' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_number(casesync.plan_status) RETURNS integer
	AS 'i2toi4' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.plan_status_from_integer(integer) IS 'the plan_status of that number';
COMMENT ON FUNCTION casesync_internal.code_number(casesync.plan_status) IS 'the number of a code';
CREATE CAST (text AS casesync.plan_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS casesync.plan_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (bpchar AS casesync.plan_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (integer AS casesync.plan_status) WITH FUNCTION casesync_internal.plan_status_from_integer(integer);
CREATE CAST (casesync.plan_status AS integer) WITH FUNCTION casesync_internal.code_number(casesync.plan_status);
COMMENT ON CAST (text AS casesync.plan_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (varchar AS casesync.plan_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (bpchar AS casesync.plan_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (integer AS casesync.plan_status) IS 'the code of that number';
COMMENT ON CAST (casesync.plan_status AS integer) IS 'the number of the code';

/* plan_goal_status (casesync) */
CREATE TYPE casesync.plan_goal_status;
CREATE FUNCTION casesync_internal.plan_goal_status_in(cstring) RETURNS casesync.plan_goal_status
	AS 'MODULE_PATHNAME', 'casesync_plan_goal_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_goal_status_out(casesync.plan_goal_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'casesync_plan_goal_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_goal_status_recv(internal) RETURNS casesync.plan_goal_status
	AS 'MODULE_PATHNAME', 'casesync_plan_goal_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_goal_status_send(casesync.plan_goal_status) RETURNS bytea
	AS 'int2send' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE casesync.plan_goal_status (
	INPUT = casesync_internal.plan_goal_status_in, OUTPUT = casesync_internal.plan_goal_status_out,
	RECEIVE = casesync_internal.plan_goal_status_recv, SEND = casesync_internal.plan_goal_status_send,
	INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2, STORAGE = plain);
COMMENT ON TYPE casesync.plan_goal_status IS 'code of directory casesync plan_goal_status';
COMMENT ON FUNCTION casesync_internal.plan_goal_status_in(cstring) IS 'input of plan_goal_status';
COMMENT ON FUNCTION casesync_internal.plan_goal_status_out(casesync.plan_goal_status) IS 'output of plan_goal_status';
COMMENT ON FUNCTION casesync_internal.plan_goal_status_recv(internal) IS 'binary input of plan_goal_status';
COMMENT ON FUNCTION casesync_internal.plan_goal_status_send(casesync.plan_goal_status) IS 'binary output of plan_goal_status';

CREATE FUNCTION casesync_internal.code_eq(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS boolean
	AS 'int2eq' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ne(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS boolean
	AS 'int2ne' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_lt(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS boolean
	AS 'int2lt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_le(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS boolean
	AS 'int2le' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_gt(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS boolean
	AS 'int2gt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ge(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS boolean
	AS 'int2ge' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_cmp(casesync.plan_goal_status, casesync.plan_goal_status) RETURNS integer
	AS 'btint2cmp' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash(casesync.plan_goal_status) RETURNS integer
	AS 'hashint2' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash_extended(casesync.plan_goal_status, bigint) RETURNS bigint
	AS 'hashint2extended' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_eq(casesync.plan_goal_status, casesync.plan_goal_status) IS 'implements =';
COMMENT ON FUNCTION casesync_internal.code_ne(casesync.plan_goal_status, casesync.plan_goal_status) IS 'implements <>';
COMMENT ON FUNCTION casesync_internal.code_lt(casesync.plan_goal_status, casesync.plan_goal_status) IS 'implements <';
COMMENT ON FUNCTION casesync_internal.code_le(casesync.plan_goal_status, casesync.plan_goal_status) IS 'implements <=';
COMMENT ON FUNCTION casesync_internal.code_gt(casesync.plan_goal_status, casesync.plan_goal_status) IS 'implements >';
COMMENT ON FUNCTION casesync_internal.code_ge(casesync.plan_goal_status, casesync.plan_goal_status) IS 'implements >=';
COMMENT ON FUNCTION casesync_internal.code_cmp(casesync.plan_goal_status, casesync.plan_goal_status) IS 'less, equal, greater';
COMMENT ON FUNCTION casesync_internal.code_hash(casesync.plan_goal_status) IS 'hash';
COMMENT ON FUNCTION casesync_internal.code_hash_extended(casesync.plan_goal_status, bigint) IS 'hash with a seed';

/* In pg_catalog, so that WHERE status = 'Active' works with every search_path. */
CREATE OPERATOR pg_catalog.= (
	FUNCTION = casesync_internal.code_eq, LEFTARG = casesync.plan_goal_status, RIGHTARG = casesync.plan_goal_status,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
	FUNCTION = casesync_internal.code_ne, LEFTARG = casesync.plan_goal_status, RIGHTARG = casesync.plan_goal_status,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
	FUNCTION = casesync_internal.code_lt, LEFTARG = casesync.plan_goal_status, RIGHTARG = casesync.plan_goal_status,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
	FUNCTION = casesync_internal.code_le, LEFTARG = casesync.plan_goal_status, RIGHTARG = casesync.plan_goal_status,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
	FUNCTION = casesync_internal.code_gt, LEFTARG = casesync.plan_goal_status, RIGHTARG = casesync.plan_goal_status,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
	FUNCTION = casesync_internal.code_ge, LEFTARG = casesync.plan_goal_status, RIGHTARG = casesync.plan_goal_status,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR pg_catalog.= (casesync.plan_goal_status, casesync.plan_goal_status) IS 'same code';
COMMENT ON OPERATOR pg_catalog.<> (casesync.plan_goal_status, casesync.plan_goal_status) IS 'another code';
COMMENT ON OPERATOR pg_catalog.< (casesync.plan_goal_status, casesync.plan_goal_status) IS 'before, in directory order';
COMMENT ON OPERATOR pg_catalog.<= (casesync.plan_goal_status, casesync.plan_goal_status) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.> (casesync.plan_goal_status, casesync.plan_goal_status) IS 'after, in directory order';
COMMENT ON OPERATOR pg_catalog.>= (casesync.plan_goal_status, casesync.plan_goal_status) IS 'after or same';

CREATE OPERATOR CLASS casesync_internal.plan_goal_status_ops DEFAULT FOR TYPE casesync.plan_goal_status USING btree AS
	OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>,
	FUNCTION 1 casesync_internal.code_cmp(casesync.plan_goal_status, casesync.plan_goal_status),
	FUNCTION 2 pg_catalog.btint2sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
CREATE OPERATOR CLASS casesync_internal.plan_goal_status_ops DEFAULT FOR TYPE casesync.plan_goal_status USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 casesync_internal.code_hash(casesync.plan_goal_status),
	FUNCTION 2 casesync_internal.code_hash_extended(casesync.plan_goal_status, bigint);
COMMENT ON OPERATOR CLASS casesync_internal.plan_goal_status_ops USING btree IS 'order of plan_goal_status';
COMMENT ON OPERATOR CLASS casesync_internal.plan_goal_status_ops USING hash IS 'hash of plan_goal_status';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_goal_status_ops USING btree IS 'order of plan_goal_status';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_goal_status_ops USING hash IS 'hash of plan_goal_status';

CREATE FUNCTION casesync_internal.plan_goal_status_from_integer(integer) RETURNS casesync.plan_goal_status
	AS 'MODULE_PATHNAME', 'casesync_plan_goal_status_from_integer' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_number(casesync.plan_goal_status) RETURNS integer
	AS 'i2toi4' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.plan_goal_status_from_integer(integer) IS 'the plan_goal_status of that number';
COMMENT ON FUNCTION casesync_internal.code_number(casesync.plan_goal_status) IS 'the number of a code';
CREATE CAST (text AS casesync.plan_goal_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS casesync.plan_goal_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (bpchar AS casesync.plan_goal_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (integer AS casesync.plan_goal_status) WITH FUNCTION casesync_internal.plan_goal_status_from_integer(integer);
CREATE CAST (casesync.plan_goal_status AS integer) WITH FUNCTION casesync_internal.code_number(casesync.plan_goal_status);
COMMENT ON CAST (text AS casesync.plan_goal_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (varchar AS casesync.plan_goal_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (bpchar AS casesync.plan_goal_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (integer AS casesync.plan_goal_status) IS 'the code of that number';
COMMENT ON CAST (casesync.plan_goal_status AS integer) IS 'the number of the code';

/* plan_action_status (casesync) */
CREATE TYPE casesync.plan_action_status;
CREATE FUNCTION casesync_internal.plan_action_status_in(cstring) RETURNS casesync.plan_action_status
	AS 'MODULE_PATHNAME', 'casesync_plan_action_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_action_status_out(casesync.plan_action_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'casesync_plan_action_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_action_status_recv(internal) RETURNS casesync.plan_action_status
	AS 'MODULE_PATHNAME', 'casesync_plan_action_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_action_status_send(casesync.plan_action_status) RETURNS bytea
	AS 'int2send' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE casesync.plan_action_status (
	INPUT = casesync_internal.plan_action_status_in, OUTPUT = casesync_internal.plan_action_status_out,
	RECEIVE = casesync_internal.plan_action_status_recv, SEND = casesync_internal.plan_action_status_send,
	INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2, STORAGE = plain);
COMMENT ON TYPE casesync.plan_action_status IS 'code of directory casesync plan_action_status';
COMMENT ON FUNCTION casesync_internal.plan_action_status_in(cstring) IS 'input of plan_action_status';
COMMENT ON FUNCTION casesync_internal.plan_action_status_out(casesync.plan_action_status) IS 'output of plan_action_status';
COMMENT ON FUNCTION casesync_internal.plan_action_status_recv(internal) IS 'binary input of plan_action_status';
COMMENT ON FUNCTION casesync_internal.plan_action_status_send(casesync.plan_action_status) IS 'binary output of plan_action_status';

CREATE FUNCTION casesync_internal.code_eq(casesync.plan_action_status, casesync.plan_action_status) RETURNS boolean
	AS 'int2eq' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ne(casesync.plan_action_status, casesync.plan_action_status) RETURNS boolean
	AS 'int2ne' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_lt(casesync.plan_action_status, casesync.plan_action_status) RETURNS boolean
	AS 'int2lt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_le(casesync.plan_action_status, casesync.plan_action_status) RETURNS boolean
	AS 'int2le' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_gt(casesync.plan_action_status, casesync.plan_action_status) RETURNS boolean
	AS 'int2gt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ge(casesync.plan_action_status, casesync.plan_action_status) RETURNS boolean
	AS 'int2ge' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_cmp(casesync.plan_action_status, casesync.plan_action_status) RETURNS integer
	AS 'btint2cmp' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash(casesync.plan_action_status) RETURNS integer
	AS 'hashint2' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash_extended(casesync.plan_action_status, bigint) RETURNS bigint
	AS 'hashint2extended' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_eq(casesync.plan_action_status, casesync.plan_action_status) IS 'implements =';
COMMENT ON FUNCTION casesync_internal.code_ne(casesync.plan_action_status, casesync.plan_action_status) IS 'implements <>';
COMMENT ON FUNCTION casesync_internal.code_lt(casesync.plan_action_status, casesync.plan_action_status) IS 'implements <';
COMMENT ON FUNCTION casesync_internal.code_le(casesync.plan_action_status, casesync.plan_action_status) IS 'implements <=';
COMMENT ON FUNCTION casesync_internal.code_gt(casesync.plan_action_status, casesync.plan_action_status) IS 'implements >';
COMMENT ON FUNCTION casesync_internal.code_ge(casesync.plan_action_status, casesync.plan_action_status) IS 'implements >=';
COMMENT ON FUNCTION casesync_internal.code_cmp(casesync.plan_action_status, casesync.plan_action_status) IS 'less, equal, greater';
COMMENT ON FUNCTION casesync_internal.code_hash(casesync.plan_action_status) IS 'hash';
COMMENT ON FUNCTION casesync_internal.code_hash_extended(casesync.plan_action_status, bigint) IS 'hash with a seed';

/* In pg_catalog, so that WHERE status = 'Active' works with every search_path. */
CREATE OPERATOR pg_catalog.= (
	FUNCTION = casesync_internal.code_eq, LEFTARG = casesync.plan_action_status, RIGHTARG = casesync.plan_action_status,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
	FUNCTION = casesync_internal.code_ne, LEFTARG = casesync.plan_action_status, RIGHTARG = casesync.plan_action_status,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
	FUNCTION = casesync_internal.code_lt, LEFTARG = casesync.plan_action_status, RIGHTARG = casesync.plan_action_status,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
	FUNCTION = casesync_internal.code_le, LEFTARG = casesync.plan_action_status, RIGHTARG = casesync.plan_action_status,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
	FUNCTION = casesync_internal.code_gt, LEFTARG = casesync.plan_action_status, RIGHTARG = casesync.plan_action_status,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
	FUNCTION = casesync_internal.code_ge, LEFTARG = casesync.plan_action_status, RIGHTARG = casesync.plan_action_status,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR pg_catalog.= (casesync.plan_action_status, casesync.plan_action_status) IS 'same code';
COMMENT ON OPERATOR pg_catalog.<> (casesync.plan_action_status, casesync.plan_action_status) IS 'another code';
COMMENT ON OPERATOR pg_catalog.< (casesync.plan_action_status, casesync.plan_action_status) IS 'before, in directory order';
COMMENT ON OPERATOR pg_catalog.<= (casesync.plan_action_status, casesync.plan_action_status) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.> (casesync.plan_action_status, casesync.plan_action_status) IS 'after, in directory order';
COMMENT ON OPERATOR pg_catalog.>= (casesync.plan_action_status, casesync.plan_action_status) IS 'after or same';

CREATE OPERATOR CLASS casesync_internal.plan_action_status_ops DEFAULT FOR TYPE casesync.plan_action_status USING btree AS
	OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>,
	FUNCTION 1 casesync_internal.code_cmp(casesync.plan_action_status, casesync.plan_action_status),
	FUNCTION 2 pg_catalog.btint2sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
CREATE OPERATOR CLASS casesync_internal.plan_action_status_ops DEFAULT FOR TYPE casesync.plan_action_status USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 casesync_internal.code_hash(casesync.plan_action_status),
	FUNCTION 2 casesync_internal.code_hash_extended(casesync.plan_action_status, bigint);
COMMENT ON OPERATOR CLASS casesync_internal.plan_action_status_ops USING btree IS 'order of plan_action_status';
COMMENT ON OPERATOR CLASS casesync_internal.plan_action_status_ops USING hash IS 'hash of plan_action_status';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_action_status_ops USING btree IS 'order of plan_action_status';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_action_status_ops USING hash IS 'hash of plan_action_status';

CREATE FUNCTION casesync_internal.plan_action_status_from_integer(integer) RETURNS casesync.plan_action_status
	AS 'MODULE_PATHNAME', 'casesync_plan_action_status_from_integer' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_number(casesync.plan_action_status) RETURNS integer
	AS 'i2toi4' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.plan_action_status_from_integer(integer) IS 'the plan_action_status of that number';
COMMENT ON FUNCTION casesync_internal.code_number(casesync.plan_action_status) IS 'the number of a code';
CREATE CAST (text AS casesync.plan_action_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS casesync.plan_action_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (bpchar AS casesync.plan_action_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (integer AS casesync.plan_action_status) WITH FUNCTION casesync_internal.plan_action_status_from_integer(integer);
CREATE CAST (casesync.plan_action_status AS integer) WITH FUNCTION casesync_internal.code_number(casesync.plan_action_status);
COMMENT ON CAST (text AS casesync.plan_action_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (varchar AS casesync.plan_action_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (bpchar AS casesync.plan_action_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (integer AS casesync.plan_action_status) IS 'the code of that number';
COMMENT ON CAST (casesync.plan_action_status AS integer) IS 'the number of the code';

/* plan_responsible (casesync) */
CREATE TYPE casesync.plan_responsible;
CREATE FUNCTION casesync_internal.plan_responsible_in(cstring) RETURNS casesync.plan_responsible
	AS 'MODULE_PATHNAME', 'casesync_plan_responsible_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_responsible_out(casesync.plan_responsible) RETURNS cstring
	AS 'MODULE_PATHNAME', 'casesync_plan_responsible_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_responsible_recv(internal) RETURNS casesync.plan_responsible
	AS 'MODULE_PATHNAME', 'casesync_plan_responsible_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.plan_responsible_send(casesync.plan_responsible) RETURNS bytea
	AS 'int2send' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE casesync.plan_responsible (
	INPUT = casesync_internal.plan_responsible_in, OUTPUT = casesync_internal.plan_responsible_out,
	RECEIVE = casesync_internal.plan_responsible_recv, SEND = casesync_internal.plan_responsible_send,
	INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2, STORAGE = plain);
COMMENT ON TYPE casesync.plan_responsible IS 'code of directory casesync plan_responsible';
COMMENT ON FUNCTION casesync_internal.plan_responsible_in(cstring) IS 'input of plan_responsible';
COMMENT ON FUNCTION casesync_internal.plan_responsible_out(casesync.plan_responsible) IS 'output of plan_responsible';
COMMENT ON FUNCTION casesync_internal.plan_responsible_recv(internal) IS 'binary input of plan_responsible';
COMMENT ON FUNCTION casesync_internal.plan_responsible_send(casesync.plan_responsible) IS 'binary output of plan_responsible';

CREATE FUNCTION casesync_internal.code_eq(casesync.plan_responsible, casesync.plan_responsible) RETURNS boolean
	AS 'int2eq' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ne(casesync.plan_responsible, casesync.plan_responsible) RETURNS boolean
	AS 'int2ne' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_lt(casesync.plan_responsible, casesync.plan_responsible) RETURNS boolean
	AS 'int2lt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_le(casesync.plan_responsible, casesync.plan_responsible) RETURNS boolean
	AS 'int2le' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_gt(casesync.plan_responsible, casesync.plan_responsible) RETURNS boolean
	AS 'int2gt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ge(casesync.plan_responsible, casesync.plan_responsible) RETURNS boolean
	AS 'int2ge' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_cmp(casesync.plan_responsible, casesync.plan_responsible) RETURNS integer
	AS 'btint2cmp' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash(casesync.plan_responsible) RETURNS integer
	AS 'hashint2' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash_extended(casesync.plan_responsible, bigint) RETURNS bigint
	AS 'hashint2extended' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_eq(casesync.plan_responsible, casesync.plan_responsible) IS 'implements =';
COMMENT ON FUNCTION casesync_internal.code_ne(casesync.plan_responsible, casesync.plan_responsible) IS 'implements <>';
COMMENT ON FUNCTION casesync_internal.code_lt(casesync.plan_responsible, casesync.plan_responsible) IS 'implements <';
COMMENT ON FUNCTION casesync_internal.code_le(casesync.plan_responsible, casesync.plan_responsible) IS 'implements <=';
COMMENT ON FUNCTION casesync_internal.code_gt(casesync.plan_responsible, casesync.plan_responsible) IS 'implements >';
COMMENT ON FUNCTION casesync_internal.code_ge(casesync.plan_responsible, casesync.plan_responsible) IS 'implements >=';
COMMENT ON FUNCTION casesync_internal.code_cmp(casesync.plan_responsible, casesync.plan_responsible) IS 'less, equal, greater';
COMMENT ON FUNCTION casesync_internal.code_hash(casesync.plan_responsible) IS 'hash';
COMMENT ON FUNCTION casesync_internal.code_hash_extended(casesync.plan_responsible, bigint) IS 'hash with a seed';

/* In pg_catalog, so that WHERE status = 'Active' works with every search_path. */
CREATE OPERATOR pg_catalog.= (
	FUNCTION = casesync_internal.code_eq, LEFTARG = casesync.plan_responsible, RIGHTARG = casesync.plan_responsible,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
	FUNCTION = casesync_internal.code_ne, LEFTARG = casesync.plan_responsible, RIGHTARG = casesync.plan_responsible,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
	FUNCTION = casesync_internal.code_lt, LEFTARG = casesync.plan_responsible, RIGHTARG = casesync.plan_responsible,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
	FUNCTION = casesync_internal.code_le, LEFTARG = casesync.plan_responsible, RIGHTARG = casesync.plan_responsible,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
	FUNCTION = casesync_internal.code_gt, LEFTARG = casesync.plan_responsible, RIGHTARG = casesync.plan_responsible,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
	FUNCTION = casesync_internal.code_ge, LEFTARG = casesync.plan_responsible, RIGHTARG = casesync.plan_responsible,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR pg_catalog.= (casesync.plan_responsible, casesync.plan_responsible) IS 'same code';
COMMENT ON OPERATOR pg_catalog.<> (casesync.plan_responsible, casesync.plan_responsible) IS 'another code';
COMMENT ON OPERATOR pg_catalog.< (casesync.plan_responsible, casesync.plan_responsible) IS 'before, in directory order';
COMMENT ON OPERATOR pg_catalog.<= (casesync.plan_responsible, casesync.plan_responsible) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.> (casesync.plan_responsible, casesync.plan_responsible) IS 'after, in directory order';
COMMENT ON OPERATOR pg_catalog.>= (casesync.plan_responsible, casesync.plan_responsible) IS 'after or same';

CREATE OPERATOR CLASS casesync_internal.plan_responsible_ops DEFAULT FOR TYPE casesync.plan_responsible USING btree AS
	OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>,
	FUNCTION 1 casesync_internal.code_cmp(casesync.plan_responsible, casesync.plan_responsible),
	FUNCTION 2 pg_catalog.btint2sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
CREATE OPERATOR CLASS casesync_internal.plan_responsible_ops DEFAULT FOR TYPE casesync.plan_responsible USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 casesync_internal.code_hash(casesync.plan_responsible),
	FUNCTION 2 casesync_internal.code_hash_extended(casesync.plan_responsible, bigint);
COMMENT ON OPERATOR CLASS casesync_internal.plan_responsible_ops USING btree IS 'order of plan_responsible';
COMMENT ON OPERATOR CLASS casesync_internal.plan_responsible_ops USING hash IS 'hash of plan_responsible';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_responsible_ops USING btree IS 'order of plan_responsible';
COMMENT ON OPERATOR FAMILY casesync_internal.plan_responsible_ops USING hash IS 'hash of plan_responsible';

CREATE FUNCTION casesync_internal.plan_responsible_from_integer(integer) RETURNS casesync.plan_responsible
	AS 'MODULE_PATHNAME', 'casesync_plan_responsible_from_integer' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_number(casesync.plan_responsible) RETURNS integer
	AS 'i2toi4' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.plan_responsible_from_integer(integer) IS 'the plan_responsible of that number';
COMMENT ON FUNCTION casesync_internal.code_number(casesync.plan_responsible) IS 'the number of a code';
CREATE CAST (text AS casesync.plan_responsible) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS casesync.plan_responsible) WITH INOUT AS ASSIGNMENT;
CREATE CAST (bpchar AS casesync.plan_responsible) WITH INOUT AS ASSIGNMENT;
CREATE CAST (integer AS casesync.plan_responsible) WITH FUNCTION casesync_internal.plan_responsible_from_integer(integer);
CREATE CAST (casesync.plan_responsible AS integer) WITH FUNCTION casesync_internal.code_number(casesync.plan_responsible);
COMMENT ON CAST (text AS casesync.plan_responsible) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (varchar AS casesync.plan_responsible) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (bpchar AS casesync.plan_responsible) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (integer AS casesync.plan_responsible) IS 'the code of that number';
COMMENT ON CAST (casesync.plan_responsible AS integer) IS 'the number of the code';

/* referral_status (casesync) */
CREATE TYPE casesync.referral_status;
CREATE FUNCTION casesync_internal.referral_status_in(cstring) RETURNS casesync.referral_status
	AS 'MODULE_PATHNAME', 'casesync_referral_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.referral_status_out(casesync.referral_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'casesync_referral_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.referral_status_recv(internal) RETURNS casesync.referral_status
	AS 'MODULE_PATHNAME', 'casesync_referral_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.referral_status_send(casesync.referral_status) RETURNS bytea
	AS 'int2send' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE casesync.referral_status (
	INPUT = casesync_internal.referral_status_in, OUTPUT = casesync_internal.referral_status_out,
	RECEIVE = casesync_internal.referral_status_recv, SEND = casesync_internal.referral_status_send,
	INTERNALLENGTH = 2, PASSEDBYVALUE, ALIGNMENT = int2, STORAGE = plain);
COMMENT ON TYPE casesync.referral_status IS 'code of directory casesync referral_status';
COMMENT ON FUNCTION casesync_internal.referral_status_in(cstring) IS 'input of referral_status';
COMMENT ON FUNCTION casesync_internal.referral_status_out(casesync.referral_status) IS 'output of referral_status';
COMMENT ON FUNCTION casesync_internal.referral_status_recv(internal) IS 'binary input of referral_status';
COMMENT ON FUNCTION casesync_internal.referral_status_send(casesync.referral_status) IS 'binary output of referral_status';

CREATE FUNCTION casesync_internal.code_eq(casesync.referral_status, casesync.referral_status) RETURNS boolean
	AS 'int2eq' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ne(casesync.referral_status, casesync.referral_status) RETURNS boolean
	AS 'int2ne' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_lt(casesync.referral_status, casesync.referral_status) RETURNS boolean
	AS 'int2lt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_le(casesync.referral_status, casesync.referral_status) RETURNS boolean
	AS 'int2le' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_gt(casesync.referral_status, casesync.referral_status) RETURNS boolean
	AS 'int2gt' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_ge(casesync.referral_status, casesync.referral_status) RETURNS boolean
	AS 'int2ge' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_cmp(casesync.referral_status, casesync.referral_status) RETURNS integer
	AS 'btint2cmp' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash(casesync.referral_status) RETURNS integer
	AS 'hashint2' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_hash_extended(casesync.referral_status, bigint) RETURNS bigint
	AS 'hashint2extended' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.code_eq(casesync.referral_status, casesync.referral_status) IS 'implements =';
COMMENT ON FUNCTION casesync_internal.code_ne(casesync.referral_status, casesync.referral_status) IS 'implements <>';
COMMENT ON FUNCTION casesync_internal.code_lt(casesync.referral_status, casesync.referral_status) IS 'implements <';
COMMENT ON FUNCTION casesync_internal.code_le(casesync.referral_status, casesync.referral_status) IS 'implements <=';
COMMENT ON FUNCTION casesync_internal.code_gt(casesync.referral_status, casesync.referral_status) IS 'implements >';
COMMENT ON FUNCTION casesync_internal.code_ge(casesync.referral_status, casesync.referral_status) IS 'implements >=';
COMMENT ON FUNCTION casesync_internal.code_cmp(casesync.referral_status, casesync.referral_status) IS 'less, equal, greater';
COMMENT ON FUNCTION casesync_internal.code_hash(casesync.referral_status) IS 'hash';
COMMENT ON FUNCTION casesync_internal.code_hash_extended(casesync.referral_status, bigint) IS 'hash with a seed';

/* In pg_catalog, so that WHERE status = 'Active' works with every search_path. */
CREATE OPERATOR pg_catalog.= (
	FUNCTION = casesync_internal.code_eq, LEFTARG = casesync.referral_status, RIGHTARG = casesync.referral_status,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
	FUNCTION = casesync_internal.code_ne, LEFTARG = casesync.referral_status, RIGHTARG = casesync.referral_status,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
	RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
	FUNCTION = casesync_internal.code_lt, LEFTARG = casesync.referral_status, RIGHTARG = casesync.referral_status,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
	FUNCTION = casesync_internal.code_le, LEFTARG = casesync.referral_status, RIGHTARG = casesync.referral_status,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
	FUNCTION = casesync_internal.code_gt, LEFTARG = casesync.referral_status, RIGHTARG = casesync.referral_status,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
	FUNCTION = casesync_internal.code_ge, LEFTARG = casesync.referral_status, RIGHTARG = casesync.referral_status,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR pg_catalog.= (casesync.referral_status, casesync.referral_status) IS 'same code';
COMMENT ON OPERATOR pg_catalog.<> (casesync.referral_status, casesync.referral_status) IS 'another code';
COMMENT ON OPERATOR pg_catalog.< (casesync.referral_status, casesync.referral_status) IS 'before, in directory order';
COMMENT ON OPERATOR pg_catalog.<= (casesync.referral_status, casesync.referral_status) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.> (casesync.referral_status, casesync.referral_status) IS 'after, in directory order';
COMMENT ON OPERATOR pg_catalog.>= (casesync.referral_status, casesync.referral_status) IS 'after or same';

CREATE OPERATOR CLASS casesync_internal.referral_status_ops DEFAULT FOR TYPE casesync.referral_status USING btree AS
	OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=, OPERATOR 5 pg_catalog.>,
	FUNCTION 1 casesync_internal.code_cmp(casesync.referral_status, casesync.referral_status),
	FUNCTION 2 pg_catalog.btint2sortsupport(internal),
	FUNCTION 4 pg_catalog.btequalimage(oid);
CREATE OPERATOR CLASS casesync_internal.referral_status_ops DEFAULT FOR TYPE casesync.referral_status USING hash AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 casesync_internal.code_hash(casesync.referral_status),
	FUNCTION 2 casesync_internal.code_hash_extended(casesync.referral_status, bigint);
COMMENT ON OPERATOR CLASS casesync_internal.referral_status_ops USING btree IS 'order of referral_status';
COMMENT ON OPERATOR CLASS casesync_internal.referral_status_ops USING hash IS 'hash of referral_status';
COMMENT ON OPERATOR FAMILY casesync_internal.referral_status_ops USING btree IS 'order of referral_status';
COMMENT ON OPERATOR FAMILY casesync_internal.referral_status_ops USING hash IS 'hash of referral_status';

CREATE FUNCTION casesync_internal.referral_status_from_integer(integer) RETURNS casesync.referral_status
	AS 'MODULE_PATHNAME', 'casesync_referral_status_from_integer' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION casesync_internal.code_number(casesync.referral_status) RETURNS integer
	AS 'i2toi4' LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION casesync_internal.referral_status_from_integer(integer) IS 'the referral_status of that number';
COMMENT ON FUNCTION casesync_internal.code_number(casesync.referral_status) IS 'the number of a code';
CREATE CAST (text AS casesync.referral_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS casesync.referral_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (bpchar AS casesync.referral_status) WITH INOUT AS ASSIGNMENT;
CREATE CAST (integer AS casesync.referral_status) WITH FUNCTION casesync_internal.referral_status_from_integer(integer);
CREATE CAST (casesync.referral_status AS integer) WITH FUNCTION casesync_internal.code_number(casesync.referral_status);
COMMENT ON CAST (text AS casesync.referral_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (varchar AS casesync.referral_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (bpchar AS casesync.referral_status) IS 'any accepted spelling, on assignment';
COMMENT ON CAST (integer AS casesync.referral_status) IS 'the code of that number';
COMMENT ON CAST (casesync.referral_status AS integer) IS 'the number of the code';
/* A bridge sends nothing before the first turn of the router, and nothing after a deadline. */
CREATE TABLE casesync_internal.routing_turn_wanted (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.routing_turn_wanted IS
	'sessions of bridges that send nothing before a turn of the router that begins after this; '
	'mostly empty';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_turn_wanted', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.routing_turn_wanted_id_seq', '');
DROP FUNCTION casesync_internal.take(integer);
ALTER TABLE casesync_internal.lane_state ADD COLUMN begins_until timestamptz,
	ADD COLUMN lost_until timestamptz;
COMMENT ON COLUMN casesync_internal.lane_state.begins_until IS
	'of the message in flight: what has not begun to leave by then never does; NULL: no limit';
COMMENT ON COLUMN casesync_internal.lane_state.lost_until IS
	'the same of messages whose sessions ended before an outcome';
/* ---- every way in which changes go unseen is a gap ---- */
ALTER TABLE casesync_internal.gap ADD COLUMN hole boolean NOT NULL DEFAULT false,
	ADD COLUMN again boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN casesync_internal.gap.hole IS
	'nobody asked for it: it was noticed that rows came, changed or went unseen';
COMMENT ON COLUMN casesync_internal.gap.again IS
	'of a hole that retrack() mended: the router looks again by itself';
CREATE INDEX gap_again ON casesync_internal.gap (id) WHERE again AND filled IS NULL;
CREATE TABLE casesync_internal.capture_seen (
	tracking integer PRIMARY KEY,
	members oid[] NOT NULL,
	labels text[] NOT NULL,
	well timestamptz NOT NULL,
	place text NOT NULL,
	hole_in xid8,
	written text,
	mending_in xid8
);
COMMENT ON TABLE casesync_internal.capture_seen IS
	'each tracking as it was last looked at: what differs now went unseen since then';
COMMENT ON COLUMN casesync_internal.capture_seen.members IS
	'the table and its partitions or children, by number';
COMMENT ON COLUMN casesync_internal.capture_seen.labels IS
	'the labels of its columns that are enums, each behind the number of its type';
COMMENT ON COLUMN casesync_internal.capture_seen.well IS
	'when it was last seen that every change was recorded';
COMMENT ON COLUMN casesync_internal.capture_seen.place IS
	'cluster and database in which the numbers are true';
COMMENT ON COLUMN casesync_internal.capture_seen.hole_in IS
	'the transaction that made the last hole; one that is mended in it before anything was written '
	'was none';
COMMENT ON COLUMN casesync_internal.capture_seen.written IS
	'what that transaction had written to the members until then';
COMMENT ON COLUMN casesync_internal.capture_seen.mending_in IS
	'the transaction in which track() or retrack() is making triggers: what lacks them is no hole';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.capture_seen', '');
CREATE TABLE casesync_internal.left_untracked (
	registry text NOT NULL REFERENCES casesync_internal.registry ON DELETE CASCADE,
	relation regclass NOT NULL,
	reason text NOT NULL,
	who name NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (registry, relation)
);
COMMENT ON TABLE casesync_internal.left_untracked IS
	'tables that a registry reads and that need no tracking, as somebody has said';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.left_untracked', '');
/* What waits of a subject is locked by whoever decides about it. */
DO $$
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (registry, key) '
			'WHERE state = ''due''', leaf);
	END LOOP;
END
$$;
DROP FUNCTION casesync_internal.missed_requeue(text);
DROP FUNCTION casesync_internal.withhold(uuid[], text);

/* An item keeps its reference_id and number, also when it was withheld and is told again. */
CREATE TABLE casesync_internal.open_number (
	item bigint PRIMARY KEY,
	subscription bigint NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	stream uuid NOT NULL,
	seq bigint NOT NULL,
	is_passed boolean NOT NULL DEFAULT false
);
CREATE INDEX open_number_of ON casesync_internal.open_number (subscription, registry, key);
CREATE INDEX open_number_seq ON casesync_internal.open_number (subscription, stream, seq);
COMMENT ON TABLE casesync_internal.open_number IS
	'notifications that were withheld after they had got their number: when their subject is told '
	'of again, the last of them is what tells it; what comes after them passes over their numbers';
COMMENT ON COLUMN casesync_internal.open_number.is_passed IS
	'a later one told what there was to tell: this one never will';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.open_number', '');

/* ---- the casework schema, as text ---- */
CREATE TABLE casesync_internal.casework_part (
	place integer PRIMARY KEY,
	part text NOT NULL UNIQUE,
	statement text NOT NULL
);
COMMENT ON TABLE casesync_internal.casework_part IS
	'what create_casework() runs, in this order, with the new schema first in search_path: ordinary '
	'tables, views and functions of whoever calls it';
COMMENT ON COLUMN casesync_internal.casework_part.place IS 'where in the order';
COMMENT ON COLUMN casesync_internal.casework_part.part IS 'what it makes';
COMMENT ON COLUMN casesync_internal.casework_part.statement IS
	'statements without names of schemas: search_path says where';
/* Numbers of a message that never left are given back. */
DROP FUNCTION casesync_internal.record_outcome(integer, uuid, text, bigint, integer, text, text,
	text);
DROP FUNCTION casesync_internal.give_seq(casesync_internal.notification[], uuid);
DROP FUNCTION casesync_internal.warn_of_senders(integer[]);
ALTER TABLE casesync_internal.lane_state ADD COLUMN seq_before bigint;
COMMENT ON COLUMN casesync_internal.lane_state.seq_before IS
	'of the message in flight: the last number before those that were given for it; NULL: none was';
ALTER TABLE casesync_internal.disclosure DROP CONSTRAINT disclosure_outcome_check;
ALTER TABLE casesync_internal.disclosure ADD CONSTRAINT disclosure_outcome_check
	CHECK (outcome IN ('attempted', 'delivered', 'refused', 'not_sent'));
COMMENT ON COLUMN casesync_internal.notification.seq IS
	'position in the subscription''s stream, given when first sent; NULL in a stream: nothing of '
	'its message had left';
COMMENT ON COLUMN casesync_internal.notification.prev_seq IS
	'the number that is told before it: those in between are not told, or later';
/* ---- what case workers push ---- */
ALTER TABLE casesync_internal.subscription ADD COLUMN is_push boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX subscription_push ON casesync_internal.subscription
	(partner, registry, event_type) WHERE state = 'active' AND is_push;
COMMENT ON COLUMN casesync_internal.subscription.is_push IS
	'nobody''s wish: what case workers push to the partner is numbered by it';
DROP FUNCTION casesync_internal.notify_refusal(casesync_internal.partner, jsonb);
CREATE TABLE casesync_internal.push (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	note text,
	who name NOT NULL DEFAULT session_user,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	is_new boolean NOT NULL DEFAULT true,
	event uuid,
	dropped text
);
CREATE INDEX push_new ON casesync_internal.push (registry, id) WHERE is_new;
CREATE INDEX push_of_subject ON casesync_internal.push (registry, key);
CREATE INDEX push_event ON casesync_internal.push (event);
CREATE INDEX push_by ON casesync_internal.push (who, at);
COMMENT ON TABLE casesync_internal.push IS
	'what case workers have told partners by push(): the router makes notifications of it';
COMMENT ON COLUMN casesync_internal.push.is_new IS 'the router has not looked at it yet';
COMMENT ON COLUMN casesync_internal.push.event IS
	'that of its newest notification to the partner; NULL: none was made yet';
COMMENT ON COLUMN casesync_internal.push.dropped IS 'why none is made any more';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.push', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.push_id_seq', '');

/* ---- referrals that are not answered ---- */
DO $$
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s (id) '
			'WHERE event_type = ''referral''', leaf);
	END LOOP;
END
$$;
CREATE INDEX inbox_item_referral ON casesync_internal.inbox_item (id)
	WHERE event_type = 'referral';
/* Large transactions are passed over and routed beside the others. */
CREATE TABLE casesync_internal.bulk_transaction (
	era integer NOT NULL,
	xid xid8 NOT NULL,
	done_id bigint NOT NULL,
	PRIMARY KEY (era, xid)
);
COMMENT ON TABLE casesync_internal.bulk_transaction IS
	'large transactions that the window has passed over, so that others need not wait for them; '
	'mostly empty';
COMMENT ON COLUMN casesync_internal.bulk_transaction.done_id IS
	'the last of its changes that counts as routed';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.bulk_transaction', '');
/* ---- who is still to be told that somebody left ---- */
ALTER TABLE casesync_internal.told ADD COLUMN leaving bigint[];
COMMENT ON COLUMN casesync_internal.told.leaving IS
	'the subscriptions that are still to be told that it left; NULL: all who were told of it';
/* ---- others go before what is one of very many ---- */
DO $$
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('ALTER TABLE casesync_internal.notification_%s ADD COLUMN is_bulk boolean '
			'NOT NULL DEFAULT false', leaf);
		EXECUTE format('DROP INDEX casesync_internal.notification_%s_lane_id_idx', leaf);
	END LOOP;
END
$$;
ALTER TABLE casesync_internal.notification ADD COLUMN is_bulk boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN casesync_internal.notification.is_bulk IS
	'one of very many that wait for each other: others go before it in its lane';
ALTER TYPE casesync_internal.new_notification ADD ATTRIBUTE is_bulk boolean;
ALTER TYPE casesync_internal.subject_event ADD ATTRIBUTE is_bulk boolean,
	ADD ATTRIBUTE since timestamptz;
COMMENT ON TYPE casesync_internal.subject_event IS
	'an event before it is known what the subject looks like; is_bulk: it waited with very many; '
	'since: when it may have happened, where that is not known (at)';
DROP FUNCTION casesync_internal.next_notifications(integer, integer, bigint);
/* ---- answers at once are waited for until they have left ---- */
ALTER TYPE casesync_internal.reply ADD ATTRIBUTE lane integer;
COMMENT ON TYPE casesync_internal.reply IS
	'what the bridge needs to answer a synchronous request: an error, or the parts of a message, '
	'and for which lane it has to call answer_left()';
DROP FUNCTION casesync_internal.answer_now(text, text, bytea, text, text, bytea);
/* ---- a name would fill 64 bytes of each row of the log ---- */
CREATE OR REPLACE VIEW casesync_internal.change AS
	SELECT id, xid, era, cid, relation, op, tracking, key, old_key, changed, actor, channel,
		NULL::name AS "session_user", origin, at FROM casesync_internal.change_0;
DO $$
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('ALTER TABLE casesync_internal.change_%s ALTER COLUMN "session_user" '
			'TYPE text', leaf);
	END LOOP;
END
$$;
/* ---- what waits is walked forward by index, whatever was delivered before it ---- */
DO $$
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('ALTER TABLE casesync_internal.notification_%s ADD COLUMN place smallint '
			'NOT NULL DEFAULT 0', leaf);
		EXECUTE format('CREATE INDEX ON casesync_internal.notification_%s '
			'(lane, place, is_bulk, id) WHERE state = ''due'' AND place >= 0', leaf);
		EXECUTE format('UPDATE casesync_internal.notification_%s SET place = 2 '
			'WHERE state = ''due'' AND seq IS NOT NULL', leaf);
		EXECUTE format('ALTER TABLE casesync_internal.notification_%s SET (fillfactor = 50)', leaf);
	END LOOP;
END
$$;
ALTER TABLE casesync_internal.notification ADD COLUMN place smallint NOT NULL DEFAULT 0;
CREATE INDEX notification_due ON casesync_internal.notification (lane, place, is_bulk, id)
	WHERE state = 'due' AND place >= 0;
CREATE INDEX notification_reference ON casesync_internal.notification (reference_id);
CREATE INDEX notification_subject ON casesync_internal.notification (registry, key);
COMMENT ON COLUMN casesync_internal.notification.place IS
	'where it waits in its lane: 0 in the order of ids, which is looked at from a mark on '
	'(lane_state.live_from); 1 before that, since newer ones of its subject do (is_bulk no more); '
	'2 it was tried before';
ALTER TABLE casesync_internal.lane_state ADD COLUMN live_from bigint NOT NULL DEFAULT 0,
	ADD COLUMN bulk_from bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN casesync_internal.lane_state.live_from IS
	'nothing that waits in the order of ids has a lower one (notification.place 0)';
COMMENT ON COLUMN casesync_internal.lane_state.bulk_from IS
	'the same of what is bulk';
CREATE INDEX subscription_unconfirmed ON casesync_internal.subscription (partner)
	WHERE state = 'active' AND NOT is_confirmed;
CREATE TYPE casesync_internal.head AS (id bigint, subscription bigint, registry text, key text,
	seq bigint, is_bulk boolean);
COMMENT ON TYPE casesync_internal.head IS
	'what may be sent next of a lane; seq: its number in the stream of now, if it has one';
CREATE INDEX outgoing_encrypted ON casesync_internal.outgoing (lane, must_encrypt)
	WHERE state = 'due';
DROP FUNCTION casesync_internal.is_wished(casesync_internal.notification);
DROP FUNCTION casesync_internal.is_agreed(casesync_internal.notification);
DROP FUNCTION casesync_internal.lock_due(casesync_internal.notification[]);
DROP FUNCTION casesync_internal.notify_message(bigint[]);
DROP FUNCTION casesync_internal.take_notifications(casesync_internal.lane_state,
	casesync_internal.partner, casesync_internal.node);
DROP FUNCTION casesync_internal.notification_settle(bigint[], boolean, text);
ALTER TYPE casesync_internal.parcel ADD ATTRIBUTE recorded boolean, ADD ATTRIBUTE again boolean,
	ADD ATTRIBUTE status_is_ack boolean, ADD ATTRIBUTE forms text,
	ADD ATTRIBUTE callback_client text;
COMMENT ON TYPE casesync_internal.parcel IS
	'a message that is to be sent now; what next_message() says besides: whether the outcome of the '
	'one before counted, and whether take() has to be called, which says what is wrong';
/* ---- what was settled long ago is forgotten by itself, page by page ---- */
ALTER TABLE casesync_internal.node
	ADD COLUMN keep_delivered interval NOT NULL DEFAULT '90 days',
	ADD COLUMN keep_inbox interval NOT NULL DEFAULT '90 days',
	ADD COLUMN keep_attempts interval NOT NULL DEFAULT '30 days',
	ADD COLUMN keep_disclosures interval NOT NULL DEFAULT '10 years';
COMMENT ON COLUMN casesync_internal.node.keep_delivered IS
	'how long what was sent and is settled is kept, see set_retention()';
COMMENT ON COLUMN casesync_internal.node.keep_inbox IS
	'how long the content of what was received and is settled is kept';
COMMENT ON COLUMN casesync_internal.node.keep_attempts IS 'how long it is kept how sending went';
COMMENT ON COLUMN casesync_internal.node.keep_disclosures IS
	'how long it is kept who was told what';
DROP FUNCTION casesync_internal.notification_ring_turn(bigint);
DROP FUNCTION casesync_internal.delivery_prune(timestamptz);
DROP FUNCTION casesync_internal.answer_prune(timestamptz);
CREATE TABLE casesync_internal.prune_mark (
	part text PRIMARY KEY,
	page bigint NOT NULL DEFAULT 0,
	is_kept boolean NOT NULL DEFAULT false,
	next_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.prune_mark IS
	'how far the walks have come by which what was settled long ago is forgotten';
COMMENT ON COLUMN casesync_internal.prune_mark.page IS 'the page of the table that is next';
COMMENT ON COLUMN casesync_internal.prune_mark.is_kept IS
	'whether something was left on the pages before';
COMMENT ON COLUMN casesync_internal.prune_mark.next_at IS 'when the walk goes on, or begins anew';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.prune_mark', '');
/* ---- a backlog that is too long is compacted ---- */
ALTER TABLE casesync_internal.partner
	ADD COLUMN max_backlog bigint NOT NULL DEFAULT 200000 CHECK (max_backlog > 0),
	ADD COLUMN reading text NOT NULL DEFAULT 'standard' CHECK (reading IN ('standard', 'lenient')),
	ADD COLUMN acknowledges text NOT NULL DEFAULT 'message'
		CHECK (acknowledges IN ('message', 'status'));
COMMENT ON COLUMN casesync_internal.partner.reading IS
	'whether its messages may have forms that test suites want refused';
COMMENT ON COLUMN casesync_internal.partner.acknowledges IS
	'whether what it answers by HTTP says that it has a message, or its status alone does';
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
ALTER TABLE casesync_internal.my_subscription DROP CONSTRAINT my_subscription_state_check,
	ADD CONSTRAINT my_subscription_state_check CHECK (state IN ('requested', 'pending', 'active',
		'ending', 'ended', 'refused', 'unanswered'));
ALTER TABLE casesync_internal.my_request DROP CONSTRAINT my_request_state_check,
	ADD CONSTRAINT my_request_state_check
	CHECK (state IN ('requested', 'answered', 'refused', 'unanswered'));
DROP FUNCTION casesync_internal.authenticate(text, text, text);
DROP FUNCTION casesync_internal.read_message(bytea, bytea);
DROP FUNCTION casesync_internal.message_judge(text, text, bytea, bytea, boolean);
DROP FUNCTION casesync_internal.receive(text, text, bytea, text, text, bytea);
DROP FUNCTION casesync_internal.store_item(casesync_internal.partner, text, text, text, record, text,
	boolean);
DROP FUNCTION casesync.set_partner(text, text, text, text[], text, text, text, text, text, text,
	cidr[], text, text, text);
COMMENT ON COLUMN casesync_internal.partner.max_backlog IS
	'how many notifications may wait for one of its addresses while it does not answer';
CREATE TABLE casesync_internal.compacted (
	subscription bigint NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	items bigint NOT NULL,
	last_item bigint NOT NULL,
	is_waiting boolean NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (subscription, registry, key)
);
CREATE INDEX compacted_waiting ON casesync_internal.compacted (subscription) WHERE is_waiting;
CREATE INDEX compacted_looked ON casesync_internal.compacted (at) WHERE NOT is_waiting;
COMMENT ON TABLE casesync_internal.compacted IS
	'subjects of which older states were left out of a backlog that was too long, until their '
	'newest state has reached the partner';
COMMENT ON COLUMN casesync_internal.compacted.items IS 'how many states were left out';
COMMENT ON COLUMN casesync_internal.compacted.last_item IS
	'the newest item that was: an older one that was tried says nothing of it';
COMMENT ON COLUMN casesync_internal.compacted.is_waiting IS
	'the subject is to be looked at when the partner answers again; else an item tells it, or it '
	'was looked at';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.compacted', '');
CREATE TABLE casesync_internal.backlog (
	lane integer PRIMARY KEY,
	cut bigint,
	looked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE casesync_internal.backlog IS
	'lanes of partners that do not answer, and the item before which their backlog is compacted; '
	'NULL: it is not too long';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.backlog', '');
/* ---- how much room our tables take ---- */
CREATE TABLE casesync_internal.size_sample (
	at timestamptz NOT NULL,
	what text NOT NULL,
	bytes bigint NOT NULL,
	PRIMARY KEY (what, at)
);
COMMENT ON TABLE casesync_internal.size_sample IS
	'how many bytes our tables had, once an hour, for eight days';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.size_sample', '');
/* ---- subscriptions are told of all subjects as they are now ---- */
CREATE TABLE casesync_internal.backfill (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subscription bigint NOT NULL,
	is_initial boolean NOT NULL,
	subjects text,
	who name NOT NULL DEFAULT session_user,
	state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
	reason text,
	registry text,
	keys text[] NOT NULL DEFAULT '{}',
	place integer NOT NULL DEFAULT 0,
	is_last boolean NOT NULL DEFAULT false,
	looked bigint NOT NULL DEFAULT 0,
	told bigint NOT NULL DEFAULT 0,
	next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	waits_lane integer,
	started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	moved_at timestamptz,
	ended_at timestamptz
);
CREATE UNIQUE INDEX backfill_running ON casesync_internal.backfill (subscription)
	WHERE state = 'running';
CREATE INDEX backfill_due ON casesync_internal.backfill (next_at, id) WHERE state = 'running';
CREATE INDEX backfill_waiting ON casesync_internal.backfill (waits_lane)
	WHERE state = 'running' AND waits_lane IS NOT NULL;
CREATE INDEX backfill_of ON casesync_internal.backfill (subscription);
COMMENT ON TABLE casesync_internal.backfill IS
	'subscriptions whose partner is told of all subjects as they are now, and how far that is';
COMMENT ON COLUMN casesync_internal.backfill.is_initial IS
	'begun by itself with the subscription, since the agreement says so';
COMMENT ON COLUMN casesync_internal.backfill.subjects IS
	'only of whom this condition over the view''s columns holds; NULL: of all';
COMMENT ON COLUMN casesync_internal.backfill.reason IS
	'why it stands still, or has ended early';
COMMENT ON COLUMN casesync_internal.backfill.registry IS
	'the registry under way, in the order of names; NULL: none yet';
COMMENT ON COLUMN casesync_internal.backfill.keys IS
	'its page under way, in the order of keys: the next one begins behind the last of these';
COMMENT ON COLUMN casesync_internal.backfill.place IS 'so many of the page are done';
COMMENT ON COLUMN casesync_internal.backfill.is_last IS 'no page of the registry comes after this';
COMMENT ON COLUMN casesync_internal.backfill.next_at IS 'when the router goes on with it';
COMMENT ON COLUMN casesync_internal.backfill.waits_lane IS
	'the lane in which so much of it waits that no more is put there';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.backfill', '');
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.backfill_id_seq', '');
ALTER TYPE casesync_internal.subject_event ADD ATTRIBUTE only_to bigint,
	ADD ATTRIBUTE is_scheduled boolean;
COMMENT ON TYPE casesync_internal.subject_event IS
	'an event before it is known what the subject looks like; is_bulk: it waited with very many; '
	'since: when it may have happened, where that is not known (at); only_to: nothing happened, one '
	'subscription is told of the subject; is_scheduled: because its time has come';
/* ---- subscriptions are told when they have asked to be ---- */
CREATE TABLE casesync_internal.scheduled_subject (
	registry text NOT NULL,
	key text NOT NULL,
	subscription bigint NOT NULL,
	due_at timestamptz NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (registry, key, subscription)
);
CREATE INDEX scheduled_subject_due ON casesync_internal.scheduled_subject (due_at, registry, key);
CREATE INDEX scheduled_subject_of ON casesync_internal.scheduled_subject (subscription);
COMMENT ON TABLE casesync_internal.scheduled_subject IS
	'subjects of which there is news for a subscription that is told at certain times';
COMMENT ON COLUMN casesync_internal.scheduled_subject.due_at IS
	'when it is told of them, as they are then';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.scheduled_subject', '');
CREATE INDEX subscription_scheduled ON casesync_internal.subscription (partner)
	WHERE state = 'active' AND cron IS NOT NULL;
/* ---- configurations are reviewed ---- */
CREATE TYPE casesync_internal.sampled AS (registry text, rows_seen integer,
	without_key integer, keys_seen integer, doubled integer, error_code text, keys text[], records jsonb[],
	unfound integer, failed integer, failed_code text);
COMMENT ON TYPE casesync_internal.sampled IS
	'the first rows of a registry, counted, and some of its records';
/* ---- why messages do not arrive, and are not let in ---- */
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
/* ---- whom a login names that decides ---- */
ALTER TABLE casesync_internal.inbox_item ADD COLUMN decider text;
COMMENT ON COLUMN casesync_internal.inbox_item.decider IS
	'who decided, as the login (decided_by) says';
DROP FUNCTION casesync.accept(bigint, text);
DROP FUNCTION casesync.reject(bigint, text);
DROP FUNCTION casesync_internal.inbox_decide(bigint, text[], text, text);
