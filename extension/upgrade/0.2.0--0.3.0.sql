/* What 0.3.0 changes in the state of a 0.2.0; all code is run anew after it. */
SELECT casesync_internal.upgrade_begin('{disclosure,lookup_walk}');
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
/* A registry type that is in no list is the same in any case. */
UPDATE casesync_internal.subscription s SET reg_type = lower(s.reg_type)
 WHERE s.reg_type <> lower(s.reg_type) AND NOT EXISTS (
	SELECT FROM casesync_internal.registry_type t WHERE t.reg_type = s.reg_type);
/* How many were found is not told again. */
UPDATE casesync_internal.request_in r
   SET answers = (SELECT jsonb_agg(a - 'pagination' ORDER BY n)
		FROM jsonb_array_elements(r.answers) WITH ORDINALITY x(a, n))
 WHERE jsonb_path_exists(r.answers, '$[*].pagination');
