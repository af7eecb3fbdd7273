/* Forgetting a person: each room forgets its own, here it is said how much. */

/*
 * Also what was sent and what came: the registry may have another identifier by now, and older ones
 * must be found too. What came from a partner is found by changes that its item made.
 */
CREATE OR REPLACE FUNCTION casesync_internal.records_of(r casesync_internal.registry, key text)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT s.record FROM casesync_internal.render(r, ARRAY[records_of.key]) s
	 WHERE s.record IS NOT NULL
	UNION ALL
	SELECT n.record FROM casesync_internal.notification n
	 WHERE n.registry = r.registry AND n.key = records_of.key AND n.record IS NOT NULL
	UNION ALL
	SELECT s.record FROM casesync_internal.rehearsal_sample s
	 WHERE s.registry = r.registry AND s.key = records_of.key
	UNION ALL
	SELECT casesync_internal.removal_record(r.record_type, t.identifiers)
	  FROM casesync_internal.told t
	 WHERE t.registry = r.registry AND t.key = records_of.key AND t.identifiers IS NOT NULL
	UNION ALL
	SELECT i.record FROM casesync_internal.change c
	  JOIN casesync_internal.tracking t ON t.id = c.tracking AND r.registry = ANY (t.registries)
	   AND t.key_is_column AND t.subjects IS NULL
	  JOIN casesync_internal.inbox_item i ON i.id = c.origin
	 WHERE rtrim(c.key, ' ') = rtrim(records_of.key, ' ') AND i.record IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.records_of(casesync_internal.registry, text) IS
	'all records of one subject that are at hand: as it is now, as it was sent, as it came in';

CREATE OR REPLACE FUNCTION casesync_internal.person_said(r casesync_internal.registry, key text,
	members text[])
RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(
		SELECT DISTINCT lower(v #>> '{}')
		  FROM casesync_internal.records_of(r, key) o(record)
		 CROSS JOIN unnest(members) m
		 CROSS JOIN LATERAL jsonb_path_query(o.record, format('lax $.**.%s[*]', m)::jsonpath) v
		 WHERE jsonb_typeof(v) = 'string' AND length(v #>> '{}') >= 3)
$$;
COMMENT ON FUNCTION casesync_internal.person_said(casesync_internal.registry, text, text[]) IS
	'what the records of one subject that are at hand say in these members, in lower case';

/*
 * The key's hash is made with the node's secret: who was erased can be recognised when somebody
 * asks for this key, and not be found out by trying all.
 */
CREATE OR REPLACE FUNCTION casesync_internal.person_of(r casesync_internal.registry, key text,
	identifiers text[])
RETURNS casesync_internal.person
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p casesync_internal.person;
	given text;
BEGIN
	FOREACH given IN ARRAY coalesce(identifiers, '{}') LOOP
		IF given IS NULL OR given !~ '^[^:]+:.' THEN
			PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
				message => 'an identifier is written type:value',
				hint => 'SELECT * FROM casesync.erase(registry, key, reason, identifiers => '
					'''{NATIONAL_ID:12345}'');');
		END IF;
	END LOOP;
	SELECT coalesce(array_agg(DISTINCT x.value), '{}'),
		coalesce(array_agg(DISTINCT concat(upper(x.type), ':', x.value)), '{}')
	  INTO p.words, p.names
	  FROM (SELECT i.identifier_type AS type, i.identifier_value AS value
			  FROM casesync_internal.records_of(r, key) o(record)
			 CROSS JOIN LATERAL casesync.record_identifiers(o.record) i
			UNION
			SELECT split_part(g, ':', 1), substr(g, strpos(g, ':') + 1)
			  FROM unnest(identifiers) g) x;
	SELECT coalesce(array_agg(DISTINCT m), '{}') INTO p.marks
	  FROM unnest(p.words || casesync_internal.person_said(r, key, '{phone_number,email}')) w
	 CROSS JOIN LATERAL casesync_internal.word_marks(w) m;
	p.said := casesync_internal.person_said(r, key,
		'{given_name,surname,second_name,maiden_name,birth_date,death_date}');
	p.registry := r.registry;
	p.key := key;
	p.erased := casesync_internal.erased_key(r.registry, key);
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.person_of(casesync_internal.registry, text, text[]) IS
	'by what one subject can be recognised in what casesync keeps';

/* Messages come last: answers that wait to be sent must still be found, to be worked anew. */
CREATE OR REPLACE FUNCTION casesync_internal.erase_everywhere(p casesync_internal.person)
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this_era constant integer := (casesync_internal.this_node()).era;
	upto constant pg_snapshot := casesync_internal.routed_upto(this_era);
	notifications bigint;
	known record;
	samples bigint;
	captured record;
	quarantined bigint;
	received record;
	asked record;
	wished record;
	messages bigint;
BEGIN
	notifications := casesync_internal.notification_erase(p);
	known := casesync_internal.knowledge_erase(p);
	samples := casesync_internal.agreement_erase(p);
	captured := casesync_internal.capture_erase(p, this_era, upto,
		casesync_internal.earlier_eras_routed(this_era));
	quarantined := casesync_internal.quarantine_erase(p);
	PERFORM casesync_internal.look_again_erase(p), casesync_internal.expansion_erase(p),
		casesync_internal.crossed_erase(p), casesync_internal.conflict_erase(p),
		casesync_internal.lane_notes_erase(p);
	received := casesync_internal.inbox_erase(p);
	asked := casesync_internal.answer_erase(p);
	wished := casesync_internal.subscription_erase(p);
	messages := casesync_internal.outgoing_erase(p);
	RETURN QUERY VALUES ('notifications', notifications),
		('what partners are known to know', known.told), ('samples of rehearsals', samples),
		('disclosures (kept, without the key)', known.disclosures),
		('captured changes', captured.changes),
		('captured changes that keep their keys until they are routed: erase once more',
			captured.unrouted),
		('quarantine', quarantined), ('received items', received.items),
		('bytes of received messages', received.messages),
		('questions of partners', asked.questions),
		('answers that waited to be sent', asked.answers),
		('subscriptions', wished.subscriptions),
		('our subscriptions', wished.own),
		('requests and callbacks', messages);
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_everywhere(casesync_internal.person) IS
	'part of erase(): all rooms forget a subject; how many rows of what';

/*
 * For auditors. The audit notes the hash in place of the key, or the person would live on there.
 * Disclosures stay, with the hash: those who were told must be named, to be told to forget as well.
 */
/* Else nothing would be found of somebody of whom much is kept. */
CREATE OR REPLACE FUNCTION casesync_internal.erase_key_must_be_kept(r casesync_internal.registry,
	key text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kept_as constant text := (SELECT s.reason FROM casesync_internal.render(r, ARRAY[key]) s
		WHERE s.state = 'alias' LIMIT 1);
BEGIN
	IF kept_as IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'the key of this subject is written otherwise',
			hint => format('SELECT * FROM casesync.erase(%L, %L, ''reason'');', r.registry,
				kept_as));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_key_must_be_kept(casesync_internal.registry, text) IS
	'part of erase(): an error for another text of a subject''s key';

CREATE OR REPLACE FUNCTION casesync.erase(registry text, key text, reason text,
	identifiers text[] DEFAULT NULL)
RETURNS TABLE (what text, rows bigint, partner_to_inform text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r casesync_internal.registry := casesync_internal.require_registry(erase.registry);
	p casesync_internal.person;
	done jsonb;
BEGIN
	IF coalesce(erase.key, '') = '' OR coalesce(reason, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'key and reason must not be empty',
			hint => format('SELECT * FROM casesync.erase(%L, ''subject key'', ''reason'');',
				erase.registry));
	END IF;
	/* What the turn under way writes of the subject is found behind it. */
	PERFORM casesync_internal.hold_router();
	PERFORM casesync_internal.erase_key_must_be_kept(r, erase.key);
	p := casesync_internal.person_of(r, erase.key, identifiers);
	SELECT jsonb_agg(jsonb_build_object('what', x.what, 'rows', x.rows)) INTO done
	  FROM casesync_internal.erase_everywhere(p) x;
	PERFORM casesync_internal.audit_note('erase', erase.registry,
		jsonb_build_object('subject', p.erased, 'reason', reason, 'done', done));
	PERFORM casesync_internal.ring();
	RETURN QUERY SELECT d->>'what', (d->'rows')::bigint, NULL::text
		FROM jsonb_array_elements(done) d WHERE (d->'rows')::bigint > 0;
	RETURN QUERY SELECT 'still in the view: erase it in the application too', 1::bigint, NULL::text
		FROM casesync_internal.render(r, ARRAY[erase.key]) s WHERE s.state NOT IN ('gone', 'alias');
	RETURN QUERY SELECT 'disclosures to this partner', count(*), d.partner
		FROM casesync.disclosures(erase.registry, erase.key) d
		WHERE d.outcome NOT IN ('refused', 'not_sent') GROUP BY d.partner ORDER BY d.partner;
END
$$;
COMMENT ON FUNCTION casesync.erase(text, text, text, text[]) IS
	'forget the content of all that is kept of one subject; who was told of it stays on record, '
	'and is named here to be informed';
