/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{agreement,local_code,subscription,disclosure}');

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
	'notify, search, count, check_enrollment, push or backfill';
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
DROP FUNCTION casesync_internal.search_item(casesync_internal.partner, jsonb, record, bigint,
	timestamptz, uuid);
DROP FUNCTION casesync_internal.search_give(casesync_internal.search_source[], text[], integer[],
	uuid);
DROP FUNCTION casesync_internal.search_records(casesync_internal.search_source, text[], text, uuid);
DROP FUNCTION casesync_internal.enrolment_find(casesync_internal.partner, jsonb, timestamptz);
/* How many were found is not told again. */
UPDATE casesync_internal.request_in r
   SET answers = (SELECT jsonb_agg(a - 'pagination' ORDER BY n)
		FROM jsonb_array_elements(r.answers) WITH ORDINALITY x(a, n))
 WHERE jsonb_path_exists(r.answers, '$[*].pagination');

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
