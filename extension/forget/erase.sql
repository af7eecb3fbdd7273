/* Forgetting a person. */
/* A word of a JSON text, wherever it is a value of its own, becomes another; a long number becomes 0. */
CREATE OR REPLACE FUNCTION casesync_internal.json_without(document jsonb, words text[],
	substitute text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	text text := document::text;
	word text;
BEGIN
	FOREACH word IN ARRAY words LOOP
		text := replace(text, to_jsonb(word)::text, to_jsonb(substitute)::text);
		IF word ~ '^[1-9][0-9]{5,17}$' THEN
			text := regexp_replace(text, format('(?<=[[ ])%s(?=[],}])', word), '0', 'g');
		END IF;
	END LOOP;
	RETURN text::jsonb;
END
$$;
COMMENT ON FUNCTION casesync_internal.json_without(jsonb, text[], text) IS
	'a document in which none of these words is a value any more';

CREATE OR REPLACE FUNCTION casesync_internal.records_of(r casesync_internal.registry, key text)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT s.record FROM casesync_internal.render(r, ARRAY[$2]) s WHERE s.record IS NOT NULL
	UNION ALL
	SELECT n.record FROM casesync_internal.notification n WHERE n.registry = r.registry
		AND n.key = $2 AND n.record IS NOT NULL
	UNION ALL
	SELECT s.record FROM casesync_internal.rehearsal_sample s WHERE s.registry = r.registry
		AND s.key = $2
	UNION ALL
	SELECT casesync_internal.removal_record(r.record_type, t.identifiers)
		FROM casesync_internal.told t
	 WHERE t.registry = r.registry AND t.key = $2 AND t.identifiers IS NOT NULL
	UNION ALL
	SELECT i.record FROM casesync_internal.change c
	  JOIN casesync_internal.tracking t ON t.id = c.tracking AND r.registry = ANY (t.registries)
		AND t.key_is_column AND t.subjects IS NULL
	  JOIN casesync_internal.inbox_item i ON i.id = c.origin
	 WHERE rtrim(c.key, ' ') = rtrim($2, ' ') AND i.record IS NOT NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.records_of(casesync_internal.registry, text) IS
	'all records of one subject that are at hand: as it is now, as it was sent, as it came in';

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
			  FROM casesync_internal.records_of(r, $2) o(record)
				CROSS JOIN LATERAL casesync.record_identifiers(o.record) i
			UNION
			SELECT split_part(g, ':', 1), substr(g, strpos(g, ':') + 1)
				FROM unnest(identifiers) g) x;
	p.registry := r.registry;
	p.key := $2;
	p.erased := casesync_internal.erased_key(r.registry, $2);
	RETURN p;
END
$$;
COMMENT ON FUNCTION casesync_internal.person_of(casesync_internal.registry, text, text[]) IS
	'by what one subject can be recognised in what casesync keeps';

CREATE OR REPLACE FUNCTION casesync_internal.erase_sent(p casesync_internal.person)
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	what := 'notifications';
	UPDATE casesync_internal.notification n SET key = p.erased, record = NULL,
		state_reason = CASE n.state WHEN 'due' THEN 'erased' WHEN 'dead' THEN 'erased'
			ELSE n.state_reason END,
		state = CASE n.state WHEN 'due' THEN 'withheld' WHEN 'dead' THEN 'discarded'
			ELSE n.state END
	 WHERE n.registry = p.registry AND n.key = p.key;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	UPDATE casesync_internal.event e SET key = p.erased
	 WHERE e.id IN (SELECT n.event FROM casesync_internal.notification n
		WHERE n.registry = p.registry AND n.key = p.erased)
	   AND e.key = p.key;
	what := 'what partners are known to know';
	DELETE FROM casesync_internal.filter_inside i WHERE i.registry = p.registry AND i.key = p.key;
	DELETE FROM casesync_internal.told t WHERE t.registry = p.registry AND t.key = p.key;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	what := 'samples of rehearsals';
	DELETE FROM casesync_internal.rehearsal_told t WHERE t.registry = p.registry AND t.key = p.key;
	DELETE FROM casesync_internal.rehearsal_sample s WHERE s.registry = p.registry
		AND s.key = p.key;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	what := 'disclosures (kept, without the key)';
	UPDATE casesync_internal.disclosure d SET key = p.erased WHERE d.registry = p.registry
		AND d.key = p.key;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_sent(casesync_internal.person) IS
	'part of erase(): what was, or was to be, told of a subject';

/*
 * Old and new values, and the key once it is routed: until then routing needs it. Which rows of a
 * tracking by expression or query are about the subject cannot be told any more, so all give up
 * what routing does not need.
 */
CREATE OR REPLACE FUNCTION casesync_internal.erase_changes(p casesync_internal.person,
	OUT erased bigint, OUT unrouted bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	current constant integer := (casesync_internal.this_node()).era;
	upto pg_snapshot := (SELECT s.last FROM casesync_internal.routing_state s WHERE s.era = current
		ORDER BY s.id DESC LIMIT 1);
	plain integer[];
	others integer[];
	counted bigint;
	waiting bigint;
BEGIN
	SELECT array_agg(t.id) FILTER (WHERE t.key_is_column AND t.subjects IS NULL),
		array_agg(t.id) FILTER (WHERE NOT (t.key_is_column AND t.subjects IS NULL))
	  INTO plain, others FROM casesync_internal.tracking t WHERE p.registry = ANY (t.registries);
	erased := 0; unrouted := 0;
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format($query$
			WITH done AS (
				UPDATE casesync_internal.change_%s c SET changed = NULL,
					key = CASE WHEN NOT x.is_routed THEN c.key WHEN c.tracking = ANY ($2) THEN NULL
						WHEN rtrim(c.key, ' ') = rtrim($3, ' ') THEN $4 ELSE c.key END,
					old_key = CASE WHEN NOT x.is_routed THEN c.old_key WHEN c.tracking = ANY ($2)
						THEN NULL
						WHEN rtrim(c.old_key, ' ') = rtrim($3, ' ') THEN $4 ELSE c.old_key END
				  FROM (SELECT i.xid, i.id, CASE WHEN i.era = $5
					THEN coalesce(pg_visible_in_snapshot(i.xid, $6), false)
								ELSE $7 END AS is_routed
						  FROM casesync_internal.change_%1$s i) x
				 WHERE x.xid = c.xid AND x.id = c.id
					AND (c.tracking = ANY ($2) AND num_nonnulls(c.key, c.old_key, c.changed) > 0
					OR c.tracking = ANY ($1)
						AND rtrim($3, ' ') IN (rtrim(c.key, ' '), rtrim(c.old_key, ' ')))
				RETURNING x.is_routed)
			SELECT count(*), count(*) FILTER (WHERE NOT d.is_routed) FROM done d$query$, leaf)
		   INTO counted, waiting
		  USING plain, others, p.key, p.erased, current, upto,
			casesync_internal.earlier_eras_routed(current);
		erased := erased + counted;
		unrouted := unrouted + waiting;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_changes(casesync_internal.person) IS
	'part of erase(): captured changes; unrouted: those that keep the key until they are routed';

CREATE OR REPLACE FUNCTION casesync_internal.erase_captured(p casesync_internal.person)
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done record := casesync_internal.erase_changes(p);
BEGIN
	RETURN QUERY SELECT 'captured changes', done.erased;
	IF done.unrouted > 0 THEN
		RETURN QUERY
			SELECT 'captured changes that keep their keys until they are routed: erase once more',
			done.unrouted;
	END IF;
	what := 'quarantine';
	rows := casesync_internal.quarantine_erase(p);
	RETURN NEXT;
	PERFORM casesync_internal.look_again_erase(p);
	DELETE FROM casesync_internal.missed m WHERE m.registry = p.registry AND m.key = p.key;
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_captured(casesync_internal.person) IS
	'part of erase(): what was captured of a subject, and why it could not be rendered';

CREATE OR REPLACE FUNCTION casesync_internal.erase_received(p casesync_internal.person)
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone casesync_internal.inbox_item[];
BEGIN
	gone := ARRAY(SELECT i FROM casesync_internal.inbox_item i
		WHERE i.subject = ANY (p.names)
			OR EXISTS (SELECT FROM casesync.record_identifiers(i.record) x
			WHERE concat(upper(x.identifier_type), ':', x.identifier_value) = ANY (p.names)));
	what := 'received items';
	UPDATE casesync_internal.inbox_item i SET record = NULL, subject = p.erased, reason = NULL,
		note = NULL,
		pruned_at = coalesce(i.pruned_at, clock_timestamp()),
		decided_by = CASE WHEN i.state IN ('new', 'review', 'failed') THEN session_user
			ELSE i.decided_by END,
		decided_at = CASE WHEN i.state IN ('new', 'review', 'failed') THEN clock_timestamp()
			ELSE i.decided_at END,
		state = CASE WHEN i.state IN ('new', 'review', 'failed') THEN 'rejected' ELSE i.state END
	  FROM unnest(gone) g WHERE i.id = g.id;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	what := 'bytes of received messages';
	UPDATE casesync_internal.message_in m SET raw = ''
	 WHERE m.raw <> ''
		AND (EXISTS (SELECT FROM unnest(gone) g WHERE g.partner = m.partner
		AND g.message_id = m.message_id)
		OR EXISTS (SELECT FROM unnest(p.words) w
			WHERE length(w) >= 4 AND position(convert_to(w, 'UTF8') IN m.raw) > 0));
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_received(casesync_internal.person) IS
	'part of erase(): what partners told us; what was not applied yet is rejected';

CREATE OR REPLACE FUNCTION casesync_internal.erase_wishes(p casesync_internal.person)
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	what := 'subscriptions';
	PERFORM casesync_internal.end_subscriptions(
		ARRAY(SELECT s.id FROM casesync_internal.subscription s
		WHERE concat(upper(s.id_type), ':', s.id_value) = ANY (p.names)), 'its subject was erased');
	/* A filter that is this identifier only goes whole: in it a short number may be the identifier too. */
	UPDATE casesync_internal.subscription s SET filter = CASE
		WHEN concat(upper(s.id_type), ':', s.id_value) = ANY (p.names) THEN NULL
			ELSE casesync_internal.json_without(s.filter, p.words, p.erased) END,
		tree = casesync_internal.json_without(s.tree, p.words, p.erased),
		authorize_claim = casesync_internal.json_without(s.authorize_claim, p.words, p.erased),
		id_value = CASE WHEN concat(upper(s.id_type), ':', s.id_value) = ANY (p.names) THEN p.erased
			ELSE s.id_value END
	 WHERE concat(upper(s.id_type), ':', s.id_value) = ANY (p.names)
		OR s.filter <> casesync_internal.json_without(s.filter, p.words, p.erased)
			OR s.tree <> casesync_internal.json_without(s.tree, p.words, p.erased)
		OR s.authorize_claim <> casesync_internal.json_without(s.authorize_claim, p.words,
			p.erased);
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	what := 'our subscriptions';
	UPDATE casesync_internal.my_subscription m
		SET filter = casesync_internal.json_without(m.filter, p.words, p.erased)
	 WHERE m.filter <> casesync_internal.json_without(m.filter, p.words, p.erased);
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	what := 'requests and callbacks';
	UPDATE casesync_internal.outgoing o
		SET message = jsonb_build_object('transaction_id', o.message->'transaction_id'),
		state_reason = CASE WHEN o.state IN ('due', 'dead') THEN 'erased' ELSE o.state_reason END,
		state = CASE WHEN o.state IN ('due', 'dead') THEN 'discarded' ELSE o.state END
	 WHERE o.message <> casesync_internal.json_without(o.message, p.words, p.erased);
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_wishes(casesync_internal.person) IS
	'part of erase(): requests, subscriptions and callbacks that name a subject';

/*
 * Questions that name the subject, and answers about it that wait to be sent: one that others are in
 * too is worked anew, from what the registry says then.
 */
CREATE OR REPLACE FUNCTION casesync_internal.erase_requests(p casesync_internal.person)
RETURNS TABLE (what text, rows bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	what := 'questions of partners';
	UPDATE casesync_internal.request_in r SET message = NULL, claims = NULL,
		answers = casesync_internal.json_without(r.answers, p.words, p.erased),
		reference_ids = ARRAY(SELECT CASE WHEN i = ANY (p.words) THEN p.erased ELSE i END
			FROM unnest(r.reference_ids) i),
		reason = CASE WHEN r.state IN ('new', 'claimed') THEN 'whom this asked about was erased'
			ELSE r.reason END,
		status = CASE WHEN r.state IN ('new', 'claimed') THEN 'rjct' ELSE r.status END,
		answered_at = coalesce(r.answered_at, clock_timestamp()),
		state = CASE WHEN r.state IN ('new', 'claimed') THEN 'answered' ELSE r.state END
	 WHERE r.message <> casesync_internal.json_without(r.message, p.words, p.erased)
		OR r.claims <> casesync_internal.json_without(r.claims, p.words, p.erased)
		OR r.answers <> casesync_internal.json_without(r.answers, p.words, p.erased)
			OR r.reference_ids && p.words;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	what := 'answers that waited to be sent';
	WITH anew AS (
		UPDATE casesync_internal.request_in r SET state = 'new', outgoing = NULL, tries = 0,
			next_try = NULL
		  FROM casesync_internal.outgoing o
		 WHERE r.outgoing = o.reference_id AND r.message IS NOT NULL AND o.action = 'on-search'
			AND o.state IN ('due', 'dead')
		   AND EXISTS (SELECT FROM casesync_internal.disclosure d
			JOIN casesync_internal.lane l ON l.partner = d.partner
						WHERE l.lane = o.lane AND d.registry = p.registry
							AND d.key IN (p.key, p.erased) AND d.way = 'search')
		RETURNING o.id)
	DELETE FROM casesync_internal.outgoing o USING anew a WHERE o.id = a.id;
	GET DIAGNOSTICS rows = ROW_COUNT;
	RETURN NEXT;
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.erase_requests(casesync_internal.person) IS
	'part of erase(): questions about a subject and answers that hold it';

CREATE OR REPLACE FUNCTION casesync.erase(registry text, key text, reason text,
	identifiers text[] DEFAULT NULL)
RETURNS TABLE (what text, rows bigint, partner_to_inform text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r casesync_internal.registry := casesync_internal.require_registry($1);
	p casesync_internal.person;
	done jsonb;
BEGIN
	IF coalesce($2, '') = '' OR coalesce($3, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'key and reason must not be empty',
			hint => format('SELECT * FROM casesync.erase(%L, ''subject key'', ''reason'');', $1));
	END IF;
	p := casesync_internal.person_of(r, $2, $4);
	SELECT jsonb_agg(jsonb_build_object('what', x.what, 'rows', x.rows)) INTO done FROM (
		SELECT * FROM casesync_internal.erase_sent(p)
		UNION ALL SELECT * FROM casesync_internal.erase_captured(p)
		UNION ALL SELECT * FROM casesync_internal.erase_received(p)
		UNION ALL SELECT * FROM casesync_internal.erase_requests(p)
		UNION ALL SELECT * FROM casesync_internal.erase_wishes(p)) x;
	PERFORM casesync_internal.audit_note('erase', $1,
		jsonb_build_object('subject', p.erased, 'reason', $3, 'done', done));
	RETURN QUERY SELECT d->>'what', (d->'rows')::bigint, NULL::text
		FROM jsonb_array_elements(done) d WHERE (d->'rows')::bigint > 0;
	RETURN QUERY SELECT 'still in the view: erase it in the application too', 1::bigint, NULL::text
		FROM casesync_internal.render(r, ARRAY[$2]) s WHERE s.state <> 'gone';
	RETURN QUERY SELECT 'disclosures to this partner', count(*), d.partner
		FROM casesync.disclosures($1, $2) d WHERE d.outcome <> 'refused' GROUP BY d.partner
			ORDER BY d.partner;
END
$$;
COMMENT ON FUNCTION casesync.erase(text, text, text, text[]) IS
	'forget the content of all that is kept of one subject; who was told of it stays on record, and '
	'is named here to be informed';
