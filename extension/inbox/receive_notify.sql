/*
 * A partner's events: told apart, checked, put into the inbox. What is done with them is not known
 * here.
 */
/*
 * Each record with what belongs to it: a list in reg_records is several events. reg_records is one
 * object or a list (B4). Names in any spelling (B23, B24). What stands in header.meta is ours: a
 * peer that does not know it leaves it out.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notify_items(header jsonb, message jsonb)
RETURNS TABLE (item integer, reference_id text, event_type text, record_type text, record jsonb,
	sent_at timestamptz, meta jsonb, written_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	message_ts constant timestamptz := casesync_internal.time_of(header->>'message_ts');
	has_items constant boolean := jsonb_typeof(header #> '{meta,items}') = 'array';
BEGIN
	RETURN QUERY
	WITH said AS MATERIALIZED (
		SELECT e.event, e.n, e.event #>> '{data,reg_event_type}' AS event_type,
			e.event #>> '{data,reg_record_type}' AS record_type
		  FROM jsonb_array_elements(casesync_internal.list_of(message->'notify_event'))
			WITH ORDINALITY e(event, n)
	), called AS MATERIALIZED ( /* mostly all are of one kind */
		SELECT d.event_type, d.record_type, casesync_internal.event_name(d.event_type) AS event,
			casesync_internal.plain_name(d.record_type) AS record
		  FROM (SELECT DISTINCT s.event_type, s.record_type FROM said s) d
	)
	SELECT (row_number() OVER (ORDER BY s.n, r.n))::integer, s.event->>'reference_id', c.event,
		c.record, r.record, casesync_internal.time_of(s.event->>'timestamp'),
		CASE WHEN has_items THEN header #> ARRAY['meta', 'items', (s.n - 1)::text] END, message_ts
	  FROM said s
	  JOIN called c ON c.event_type IS NOT DISTINCT FROM s.event_type
		AND c.record_type IS NOT DISTINCT FROM s.record_type
	 CROSS JOIN LATERAL jsonb_array_elements(
		casesync_internal.list_of(s.event #> '{data,reg_records}')) WITH ORDINALITY r(record, n);
END
$$;
COMMENT ON FUNCTION casesync_internal.notify_items(jsonb, jsonb) IS
	'the records of a notify message';

/*
 * The first by type and value: two records that name somebody alike, in whatever order, are of one
 * subject.
 */
CREATE OR REPLACE FUNCTION casesync_internal.subject_name(record jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT concat(upper(i.identifier_type), ':', i.identifier_value)
		  FROM casesync.record_identifiers(record) i
		 ORDER BY upper(i.identifier_type) COLLATE "C", i.identifier_value COLLATE "C" LIMIT 1);
END
$$;
COMMENT ON FUNCTION casesync_internal.subject_name(jsonb) IS
	'one identifier of a record, always the same one';

/*
 * By the index that has this order, whatever is known of the table: it may hold years, and nothing
 * of anybody else is looked at. An array of one partner, since the planner would leave a column
 * that equals something out of the order, and take the first index that has the rest of it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_last_of(partner text, subject text,
	states text[] DEFAULT NULL)
RETURNS casesync_internal.inbox_item
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
DECLARE
	last casesync_internal.inbox_item;
BEGIN
	SELECT t.* INTO last FROM casesync_internal.inbox_item t
	 WHERE t.partner = ANY (ARRAY[inbox_last_of.partner])
	   AND (t.subject, t.id) >= (inbox_last_of.subject, 0) AND t.subject <= inbox_last_of.subject
	   AND (states IS NULL OR t.state = ANY (states))
	 ORDER BY t.partner DESC, t.subject DESC, t.id DESC LIMIT 1;
	RETURN last;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_last_of(text, text, text[]) IS
	'the last item of a partner about a subject, in one of these states if they are given';

/* By its index, as inbox_last_of(). */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_last_named(partner text, reference_id text)
RETURNS casesync_internal.inbox_item
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
	SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
DECLARE
	last casesync_internal.inbox_item;
BEGIN
	SELECT t.* INTO last FROM casesync_internal.inbox_item t
	 WHERE t.partner = ANY (ARRAY[inbox_last_named.partner])
	   AND (t.reference_id, t.id) >= (inbox_last_named.reference_id, 0)
	   AND t.reference_id <= inbox_last_named.reference_id
	 ORDER BY t.partner DESC, t.reference_id DESC, t.id DESC LIMIT 1;
	RETURN last;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_last_named(text, text) IS
	'the last item of a partner under a reference_id';

/* Under one identifier a person stays one subject, also when others come or go. */
CREATE OR REPLACE FUNCTION casesync_internal.known_subject(partner text, record jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT (n.last).subject
		  FROM (SELECT casesync_internal.inbox_last_of(known_subject.partner,
					concat(upper(i.identifier_type), ':', i.identifier_value)) AS last
				  FROM casesync.record_identifiers(known_subject.record) i OFFSET 0) n
		 ORDER BY (n.last).id DESC NULLS LAST LIMIT 1),
		casesync_internal.subject_name(known_subject.record));
END
$$;
COMMENT ON FUNCTION casesync_internal.known_subject(text, jsonb) IS
	'the name under which a partner''s record is about somebody: the one used before, else one of '
	'its identifiers';

/*
 * Names of partners of ours, and our own: whatever else a partner writes there would go on to
 * others under our signature. Whom we do not know we do not tell either, so that nothing is sent
 * twice for it. Who is on it again has made something else of it meanwhile, and counts again.
 */
CREATE OR REPLACE FUNCTION casesync_internal.hops_known(hops jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF hops IS NULL THEN
		RETURN '{}';
	END IF;
	RETURN (
		SELECT ARRAY(
			SELECT k.name
			  FROM (SELECT w.name, w.n, lag(w.name) OVER (ORDER BY w.n) AS before
					  FROM jsonb_array_elements_text(casesync_internal.list_of(hops))
						WITH ORDINALITY w(name, n)
					 WHERE EXISTS (SELECT FROM casesync_internal.partner p WHERE p.partner = w.name)
						OR EXISTS (SELECT FROM casesync_internal.node o
							WHERE o.sender_id = w.name)) k
			 WHERE k.name IS DISTINCT FROM k.before
			 ORDER BY k.n LIMIT casesync_internal.message_limit('hops')));
END
$$;
COMMENT ON FUNCTION casesync_internal.hops_known(jsonb) IS
	'the way of a record as a partner tells it, as far as we know who is on it';

/*
 * By our clock: what its own is ahead is seen from when it says that it wrote the message. Nothing
 * was changed after it came.
 */
CREATE OR REPLACE FUNCTION casesync_internal.changed_time(said timestamptz, written timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN isfinite(said) THEN least(clock_timestamp(), said - greatest(interval '0',
		CASE WHEN isfinite(written) THEN written - clock_timestamp() END)) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.changed_time(timestamptz, timestamptz) IS
	'when a record was changed that a partner says was changed then, in a message that it says '
	'was written then';

/* What came before 0.3.0 is hashed by its text, in one byte less. */
CREATE OR REPLACE FUNCTION casesync_internal.is_last_word(partner text, reference_id text,
	record jsonb, hash bytea)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain constant casesync_internal.inbox_item := casesync_internal.inbox_last_named(partner,
		reference_id);
	hashed constant casesync_internal.inbox_item := casesync_internal.inbox_last_named(partner,
		casesync_internal.text_hash(reference_id));
	last constant bytea := CASE WHEN plain.id > hashed.id OR hashed.id IS NULL
		THEN plain.content_hash ELSE hashed.content_hash END;
BEGIN
	RETURN last = CASE length(last) WHEN 32 THEN casesync_internal.node_hash(record)
		ELSE hash END;
END
$$;
COMMENT ON FUNCTION casesync_internal.is_last_word(text, text, jsonb, bytea) IS
	'whether this record is what a partner said last under a reference_id, also when only a hash '
	'of that is kept';

/*
 * A record that is already known as the last word on its reference_id is not stored again. What is
 * not agreed is cut away before anything looks at it, also before the person is recognised; the
 * hash is of all that came, so that a repetition is known though it was cut.
 */
CREATE OR REPLACE FUNCTION casesync_internal.store_item(a casesync_internal.agreement,
	message_id text, transaction_id text, stream text, i record, event_type text,
	is_solicited boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash constant bytea := casesync_internal.told_hash(i.record);
	agreed constant jsonb := casesync_internal.project(i.record, a.fields, a.identifier_types);
	who constant text := casesync_internal.known_subject(a.partner, agreed);
	previous jsonb;
	n casesync_internal.inbox_item;
BEGIN
	is_solicited := is_solicited OR 'push' = ANY (a.services);
	IF i.reference_id IS NOT NULL
		AND casesync_internal.is_last_word(a.partner, i.reference_id, i.record, hash) THEN
		RETURN;
	END IF;
	previous := (casesync_internal.inbox_last_of(a.partner, who,
		'{new,applied,ignored,observed}')).record;
	n.mode := casesync_internal.apply_mode_of(a, event_type, agreed, is_solicited, previous);
	n.hops := casesync_internal.hops_known(i.meta->'hops');
	n.seq := casesync_internal.number_of(i.meta->'seq');
	n.prev_seq := casesync_internal.number_of(i.meta->'prev_seq');
	n.stream := casesync_internal.id_said(stream);
	n.record_type := coalesce(casesync_internal.name_said(i.record_type), '');
	n.changed_at := casesync_internal.changed_time(coalesce(
		casesync_internal.time_of(agreed->>'last_updated'), i.sent_at), i.written_at);
	n.changed := casesync_internal.versions_said(i.meta->'changed', agreed);
	/* Of values alone: functions in it would be planned for each item. */
	INSERT INTO casesync_internal.inbox_item AS t (partner, message_id, item, reference_id,
		content_hash, transaction_id, event_type, record_type, record, subject, hops, stream, seq,
		prev_seq, agreement, agreement_version, mode, sent_at, changed_at, changed, state, reason)
	VALUES (a.partner, message_id, i.item, i.reference_id, hash, transaction_id, event_type,
		n.record_type, agreed, who, n.hops, n.stream, n.seq, n.prev_seq, a.agreement, a.version,
		n.mode, i.sent_at, n.changed_at, n.changed,
		CASE WHEN agreed IS NULL THEN 'ignored' WHEN n.mode = 'auto' THEN 'new'
			WHEN n.mode = 'observe' THEN 'observed' ELSE 'review' END,
		CASE WHEN agreed IS NULL THEN 'nothing in it is agreed'
			WHEN NOT is_solicited THEN 'we did not subscribe to this'
			WHEN n.mode = 'review' THEN casesync_internal.review_reason(a, agreed, previous) END)
	RETURNING t.* INTO n;
	PERFORM casesync_internal.inbox_gap_note(n);
END
$$;
COMMENT ON FUNCTION casesync_internal.store_item(casesync_internal.agreement, text, text, text,
	record, text, boolean) IS
	'put one record into the inbox under this agreement, and say whether it is applied or waits '
	'for a person';

CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_of(partner text, transaction_id text)
RETURNS casesync_internal.my_subscription
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mine casesync_internal.my_subscription;
BEGIN
	SELECT m.* INTO mine FROM casesync_internal.my_subscription m
	 WHERE m.partner = my_subscription_of.partner
	   AND m.transaction_id = my_subscription_of.transaction_id;
	RETURN mine;
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_of(text, text) IS
	'our subscription that a message belongs to, if it keeps the transaction_id of the request';

/* Those of others name it by the code that they gave it, and number anew. */
CREATE OR REPLACE FUNCTION casesync_internal.my_subscription_meant(partner text, message jsonb)
RETURNS casesync_internal.my_subscription
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mine casesync_internal.my_subscription := casesync_internal.my_subscription_of(partner,
		message->>'transaction_id');
BEGIN
	IF mine.reference_id IS NULL AND message ? 'subscription_code' THEN
		SELECT m.* INTO mine FROM casesync_internal.my_subscription m
		 WHERE m.partner = my_subscription_meant.partner
		   AND m.code = message->>'subscription_code'
		 ORDER BY m.requested_at DESC LIMIT 1;
	END IF;
	RETURN mine;
END
$$;
COMMENT ON FUNCTION casesync_internal.my_subscription_meant(text, jsonb) IS
	'our subscription that a notification belongs to, by transaction_id or by subscription_code';

/*
 * The standard's notification does not name its subscription: peers that number anew are found by
 * what they tell (B5). What nobody asked for is stored and waits for a person: to refuse it would
 * lose what a partner sends in good faith.
 */
CREATE OR REPLACE FUNCTION casesync_internal.is_solicited(partner text,
	mine casesync_internal.my_subscription, reference_id text, event_type text, record_type text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (
		SELECT FROM casesync_internal.my_subscription m
		 WHERE m.partner = is_solicited.partner AND m.state NOT IN ('ended', 'refused')
		   AND (m.reference_id = mine.reference_id
				OR m.reference_id::text = is_solicited.reference_id
				OR (mine.reference_id IS NULL AND m.event_type = is_solicited.event_type
					AND lower(m.record_type) = lower(is_solicited.record_type))));
END
$$;
COMMENT ON FUNCTION casesync_internal.is_solicited(text, casesync_internal.my_subscription, text,
	text, text) IS
	'whether a notification answers a living subscription of ours';

/*
 * A list in reg_records is several events, so that there may be more of them than items. Refused
 * whole, before anything is stored: a message has one acknowledgement, and a partner that got ACK
 * for half of it would not send the rest again. Empty ones and too many records are refused (B27).
 * So is what says that it is pushed and may not be; a peer that does not say so sends what we did
 * not subscribe to, which waits for a person.
 */
CREATE OR REPLACE FUNCTION casesync_internal.notify_refusal(p casesync_internal.partner,
	header jsonb, message jsonb)
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.message_limit('records');
	events constant jsonb := casesync_internal.list_of(message->'notify_event');
	lists constant integer[] := ARRAY(
		SELECT jsonb_array_length(casesync_internal.list_of(e #> '{data,reg_records}'))
		  FROM jsonb_array_elements(events) e);
	records constant bigint := (SELECT sum(l) FROM unnest(lists) l);
	mine constant casesync_internal.my_subscription := casesync_internal.my_subscription_meant(
		p.partner, message);
	bad record;
BEGIN
	IF 0 = ANY (lists) THEN
		RETURN casesync_internal.refused_for('event without records');
	ELSIF records > most THEN
		RETURN casesync_internal.refused_for('too many records', records::text, most::text);
	END IF;
	WITH item AS MATERIALIZED (
		SELECT i.item, i.record, i.meta, coalesce(i.event_type, mine.event_type) AS event
		  FROM casesync_internal.notify_items(header, message) i
	), agreed AS MATERIALIZED (
		SELECT d.event, casesync_internal.agreement_in(p.partner, d.event) AS a
		  FROM (SELECT DISTINCT i.event FROM item i) d
	)
	SELECT x.* INTO bad
	  FROM (SELECT i.item, i.record, i.event, (s.a).agreement IS NOT NULL AS is_agreed,
				i.meta->>'way' = 'push' AND 'push' <> ALL ((s.a).services) AS is_only_pushed
			  FROM item i JOIN agreed s ON s.event IS NOT DISTINCT FROM i.event) x
	 WHERE NOT x.is_agreed OR x.is_only_pushed OR jsonb_typeof(x.record) <> 'object'
	 ORDER BY x.item LIMIT 1;
	RETURN CASE WHEN NOT bad.is_agreed
			THEN casesync_internal.refused_for('event not agreed', p.partner,
				left(coalesce(bad.event, ''), 99))
		WHEN bad.is_only_pushed
			THEN casesync_internal.refused_for('push not agreed', p.partner,
				left(coalesce(bad.event, ''), 99))
		WHEN bad.item IS NOT NULL
			THEN casesync_internal.refused_for('record no object', bad.item::text) END;
END
$$;
COMMENT ON FUNCTION casesync_internal.notify_refusal(casesync_internal.partner, jsonb, jsonb) IS
	'why the events of a notify cannot be taken; NULL when they can';

CREATE OR REPLACE FUNCTION casesync_internal.receive_notify(p casesync_internal.partner,
	header jsonb, message jsonb, correlation_id text)
RETURNS casesync_internal.answer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	transaction constant text := message->>'transaction_id';
	mine constant casesync_internal.my_subscription := casesync_internal.my_subscription_meant(
		p.partner, message);
	stream constant text := header #>> '{meta,stream}';
	message_id constant text := header->>'message_id';
	i record;
	event text;
	before text[];
	a casesync_internal.agreement;
	is_solicited boolean;
BEGIN
	FOR i IN SELECT * FROM casesync_internal.notify_items(header, message) LOOP
		event := coalesce(i.event_type, mine.event_type);
		i.record_type := coalesce(i.record_type, mine.record_type);
		/* Mostly all are of one kind, and who wants that kind wants them all. */
		IF before IS DISTINCT FROM ARRAY[event, i.record_type] THEN
			before := ARRAY[event, i.record_type];
			a := casesync_internal.agreement_in(p.partner, event);
			is_solicited := casesync_internal.is_solicited(p.partner, mine, NULL, event,
				i.record_type);
		END IF;
		PERFORM casesync_internal.store_item(a, message_id, transaction, stream, i, event,
			is_solicited OR casesync_internal.is_solicited(p.partner, mine, i.reference_id, event,
				i.record_type));
	END LOOP;
	PERFORM casesync_internal.my_subscription_heard(mine);
	PERFORM casesync_internal.ring();
	RETURN casesync_internal.acknowledgement(correlation_id);
END
$$;
COMMENT ON FUNCTION casesync_internal.receive_notify(casesync_internal.partner, jsonb, jsonb,
	text) IS
	'a partner tells us of events (ESS NotifyEventRequest): into the inbox, then acknowledged';
