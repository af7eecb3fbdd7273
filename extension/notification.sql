/*
 * What waits for partners, what they know, and what was disclosed. Notifications live in a ring
 * of leaves (children of one empty parent), so that old ones go by TRUNCATE.
 */

CREATE TABLE casesync.event (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	at timestamptz NOT NULL,
	removal boolean NOT NULL
);
COMMENT ON TABLE casesync.event IS 'changes as partners see them, kept while a notification of them is';
SELECT pg_catalog.pg_extension_config_dump('casesync.event', '');

CREATE SEQUENCE casesync.notification_id;
SELECT pg_catalog.pg_extension_config_dump('casesync.notification_id', '');

CREATE TABLE casesync.notification (
	id bigint NOT NULL DEFAULT nextval('casesync.notification_id') PRIMARY KEY,
	reference_id uuid NOT NULL DEFAULT gen_random_uuid(),
	lane integer NOT NULL,
	subscription bigint NOT NULL,
	event uuid NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	removal boolean NOT NULL,
	record jsonb,
	hmac bytea,
	agreement text NOT NULL,
	agreement_version integer NOT NULL,
	hops text[] NOT NULL DEFAULT '{}',
	at timestamptz NOT NULL,
	stream uuid,
	seq bigint,
	prev_seq bigint,
	state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'delivered', 'dead', 'withheld', 'discarded')),
	state_reason text
);
COMMENT ON TABLE casesync.notification IS 'one event for one subscription, with its projected record; rows are in the leaves';
COMMENT ON COLUMN casesync.notification.reference_id IS 'random, the same at every attempt, never reused';
COMMENT ON COLUMN casesync.notification.seq IS 'position in the subscription''s stream, given when first sent';

DO $$
DECLARE
	leaf integer;
BEGIN
	FOR leaf IN 0 .. 7 LOOP
		EXECUTE format('CREATE TABLE casesync.notification_%s (LIKE casesync.notification INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id)) INHERITS (casesync.notification)', leaf);
		EXECUTE format('CREATE INDEX ON casesync.notification_%s (lane, id) WHERE state = ''due''', leaf);
		EXECUTE format('CREATE INDEX ON casesync.notification_%s (reference_id)', leaf);
		EXECUTE format('CREATE INDEX ON casesync.notification_%s (registry, key)', leaf);
		EXECUTE format('COMMENT ON TABLE casesync.notification_%s IS ''one leaf of the ring of notifications''', leaf);
		PERFORM pg_extension_config_dump(format('casesync.notification_%s', leaf)::regclass, '');
	END LOOP;
END
$$;

CREATE TABLE casesync.notification_ring (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	leaf integer NOT NULL CHECK (leaf BETWEEN 0 AND 7)
);
COMMENT ON TABLE casesync.notification_ring IS 'the newest row names the leaf that notifications are appended to; none: leaf 0';
SELECT pg_catalog.pg_extension_config_dump('casesync.notification_ring', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.notification_ring_id_seq', '');

CREATE TABLE casesync.told (
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	hmac bytea,
	identifiers jsonb,
	at timestamptz NOT NULL,
	PRIMARY KEY (partner, registry, key)
);
COMMENT ON TABLE casesync.told IS 'what a partner knows, or is about to know, of a subject: a keyed hash; NULL: it is open';
SELECT pg_catalog.pg_extension_config_dump('casesync.told', '');

CREATE TABLE casesync.disclosure (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner text NOT NULL,
	registry text NOT NULL,
	key text NOT NULL,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	way text NOT NULL,
	hmac bytea,
	agreement text NOT NULL,
	agreement_version integer NOT NULL,
	reference_id uuid NOT NULL,
	outcome text NOT NULL CHECK (outcome IN ('attempted', 'delivered', 'refused'))
);
CREATE INDEX disclosure_of_subject ON casesync.disclosure (registry, key);
CREATE INDEX disclosure_of_item ON casesync.disclosure (reference_id);
COMMENT ON TABLE casesync.disclosure IS
	'append-only: attempted before the first sending of an item, then its outcome; the key becomes a keyed hash by erase()';
COMMENT ON COLUMN casesync.disclosure.way IS 'notify, search, check_enrollment, push or backfill';
SELECT pg_catalog.pg_extension_config_dump('casesync.disclosure', '');
SELECT pg_catalog.pg_extension_config_dump('casesync.disclosure_id_seq', '');

CREATE FUNCTION casesync.refuse_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION USING errcode = 'restrict_violation',
		message = format('%s is append-only', TG_RELID::regclass);
END
$$;
COMMENT ON FUNCTION casesync.refuse_change() IS 'trigger of append-only tables';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON casesync.disclosure
	FOR EACH ROW EXECUTE FUNCTION casesync.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON casesync.audit_entry
	FOR EACH ROW EXECUTE FUNCTION casesync.refuse_change();

/*
 * Due notifications are not sent after all. The partner does not learn that state, so what it knows
 * is open again and the next event of the subject is sent whatever it holds. There may be a backlog
 * of many thousands: all are done at once, locked in the order that take() locks them in.
 */
CREATE FUNCTION casesync.withhold(reference_ids uuid[], why text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
	items bigint[] := ARRAY(SELECT n.id FROM unnest($1) u(id) JOIN casesync.notification n ON n.reference_id = u.id
		WHERE n.state = 'due' ORDER BY n.id FOR UPDATE OF n);
BEGIN
	IF items = '{}' THEN
		RETURN;
	END IF;
	UPDATE casesync.notification n SET state = 'withheld', state_reason = why FROM unnest(items) u(id) WHERE n.id = u.id;
	/* A removal that is not sent is still to be told: whom it is about must be known then. */
	INSERT INTO casesync.told (partner, registry, key, identifiers, at)
	SELECT DISTINCT ON (l.partner, n.registry, n.key) l.partner, n.registry, n.key, x.identifiers, clock_timestamp()
	  FROM unnest(items) u(id) JOIN casesync.notification n ON n.id = u.id JOIN casesync.lane l ON l.lane = n.lane
	 CROSS JOIN LATERAL (SELECT jsonb_agg(to_jsonb(i)) AS identifiers FROM casesync.record_identifiers(n.record) i) x
	 WHERE n.removal AND x.identifiers IS NOT NULL
	 ORDER BY l.partner, n.registry, n.key, n.id DESC
	ON CONFLICT DO NOTHING;
	PERFORM casesync.forget_told(items);
END
$$;
COMMENT ON FUNCTION casesync.withhold(uuid[], text) IS 'those of these notifications that are due are not sent';

CREATE FUNCTION casesync.forget_told(items bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
	/* Of a subscription to a filter too: whoever has left it since is told once more. */
	UPDATE casesync.filter_inside i SET hmac = NULL
	  FROM unnest(items) u(id) JOIN casesync.notification n ON n.id = u.id
	 WHERE i.subscription = n.subscription AND i.registry = n.registry AND i.key = n.key AND i.hmac = n.hmac;
	INSERT INTO casesync.filter_inside (registry, key, subscription)
	SELECT n.registry, n.key, n.subscription
	  FROM unnest(items) u(id) JOIN casesync.notification n ON n.id = u.id
	  JOIN casesync.subscription s ON s.id = n.subscription
	 WHERE NOT n.removal AND s.tree IS NOT NULL AND s.state = 'active'
	ON CONFLICT DO NOTHING;
	UPDATE casesync.told t SET hmac = NULL
	  FROM unnest(items) u(id) JOIN casesync.notification n ON n.id = u.id JOIN casesync.lane l ON l.lane = n.lane
	 WHERE t.partner = l.partner AND t.registry = n.registry AND t.key = n.key AND t.hmac = n.hmac;
END
$$;
COMMENT ON FUNCTION casesync.forget_told(bigint[]) IS
	'the partner did not get these items: what it knows of their subjects is open';
