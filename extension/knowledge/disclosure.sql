/*
 * Who was told what, and who holds what. Disclosures are written before a record leaves and when it
 * has arrived; they stay also when the subject is erased, under a name that only who knows the
 * subject can find. Nobody else writes them.
 */
/* Keyed, since subject keys are short and numbered: a plain hash is found by trying all of them. */
CREATE OR REPLACE FUNCTION casesync_internal.erased_key(registry text, key text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT 'erased:'
		|| left(encode(casesync_internal.keyed_hash(s.hash_key, jsonb_build_array(registry, key)),
			'hex'), 32)
		FROM casesync_internal.node_secret s);
END
$$;
COMMENT ON FUNCTION casesync_internal.erased_key(text, text) IS
	'what stands for a subject''s key after erase(): a keyed hash of it';

/*
 * Append-only, but for exactly one change: the key becomes its keyed hash. What the node has kept
 * for as long as it said goes, and nothing before that, whoever asks.
 */
CREATE OR REPLACE FUNCTION casesync_internal.keep_disclosure()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF OLD.at < now() - (SELECT n.keep_disclosures FROM casesync_internal.node n) THEN
			RETURN OLD;
		END IF;
	ELSIF NEW.key = casesync_internal.erased_key(OLD.registry, OLD.key) THEN
		OLD.key := NEW.key;
		IF OLD IS NOT DISTINCT FROM NEW THEN
			RETURN NEW;
		END IF;
	END IF;
	PERFORM casesync_internal.raise_error(errcode => 'restrict_violation',
		message => format('%s is append-only', TG_RELID::regclass),
		hint => 'SELECT * FROM casesync.erase(registry, key, reason); forgets who a subject was.');
END
$$;
COMMENT ON FUNCTION casesync_internal.keep_disclosure() IS
	'trigger of the disclosures: they can be added to, erased from by erase() only, and go when '
	'they are older than they are kept';

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON casesync_internal.disclosure
	FOR EACH ROW EXECUTE FUNCTION casesync_internal.keep_disclosure();

/*
 * In the transaction that hands the record out, so before it leaves. Whatever becomes of the
 * message, the partner may have it: a row too many is right where one too few would be a lie.
 */
CREATE OR REPLACE FUNCTION casesync_internal.disclosure_begin(way text,
	items casesync_internal.disclosing[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO casesync_internal.disclosure (partner, registry, key, way, hmac, agreement,
		agreement_version, reference_id, outcome, asked)
	SELECT i.partner, i.registry, i.key, disclosure_begin.way, i.hmac, i.agreement,
		i.agreement_version, i.reference_id, 'attempted', coalesce(i.asked, '{}')
	  FROM unnest(items) i;
END
$$;
COMMENT ON FUNCTION casesync_internal.disclosure_begin(text, casesync_internal.disclosing[]) IS
	'these records, or how many they are, are about to leave by this way (notify, push, search, '
	'count, check_enrollment): on record before they do';

/*
 * A record is attempted once, however often it is sent, and its outcome is a row more, for the
 * table is append-only. A dead letter that is sent again gets a second outcome; one that tells what
 * is so now, under the number that it had, is attempted again, and only that has the new outcome.
 */
CREATE OR REPLACE FUNCTION casesync_internal.disclosure_complete(reference_ids uuid[],
	outcome text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	INSERT INTO casesync_internal.disclosure (partner, registry, key, way, hmac, agreement,
		agreement_version, reference_id, outcome, asked)
	SELECT d.partner, d.registry, d.key, d.way, d.hmac, d.agreement, d.agreement_version,
		d.reference_id, disclosure_complete.outcome, d.asked
	  FROM (SELECT DISTINCT ON (x.reference_id, x.registry, x.key, x.way, x.agreement) x.*
		  FROM unnest(reference_ids) i(id)
		 /* One by one by the index: in the order of the key all others would be read as well. */
		 CROSS JOIN LATERAL (SELECT y.* FROM casesync_internal.disclosure y
			WHERE y.reference_id = i.id OFFSET 0) x
		 WHERE x.outcome = 'attempted'
		 ORDER BY x.reference_id, x.registry, x.key, x.way, x.agreement, x.id DESC) d
	 ORDER BY d.id;
END
$$;
COMMENT ON FUNCTION casesync_internal.disclosure_complete(uuid[], text) IS
	'what these items or answers carry was delivered, was refused for good, or never left '
	'(not_sent)';

/* By key and by what stands for it once erased: who knows the subject must still get an answer. */
CREATE OR REPLACE FUNCTION casesync.disclosures(registry text, key text)
RETURNS TABLE (at timestamptz, partner text, way text, fields text[], agreement text, purpose text,
	legal_basis text, outcome text, reference_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT d.at, d.partner, d.way,
		CASE d.way WHEN 'check_enrollment' THEN '{enrollment_status}' WHEN 'count' THEN '{}'
			ELSE a.fields END || d.asked,
		d.agreement, a.purpose, a.legal_basis, coalesce(o.outcome, d.outcome), d.reference_id
	  FROM casesync_internal.disclosure d
	  JOIN casesync_internal.agreement a ON a.agreement = d.agreement
		AND a.version = d.agreement_version
	  LEFT JOIN LATERAL (SELECT x.outcome FROM casesync_internal.disclosure x
		WHERE x.reference_id = d.reference_id AND x.outcome <> 'attempted'
			AND x.hmac IS NOT DISTINCT FROM d.hmac
		ORDER BY x.id DESC LIMIT 1) o ON true
	 WHERE d.registry = disclosures.registry AND d.key IN (disclosures.key,
		casesync_internal.erased_key(disclosures.registry, disclosures.key))
		AND d.outcome = 'attempted'
	 ORDER BY d.id
$$;
COMMENT ON FUNCTION casesync.disclosures(text, text) IS
	'who was told what about one subject, by which way, when, under which agreement; by the way '
	'count only that it is there, and fits what was asked for (fields); attempted: it may have '
	'arrived, as all that was answered at once, which nobody acknowledges';

/* What was refused for good or never left is not held; what was only attempted may be. */
CREATE OR REPLACE FUNCTION casesync.held_by(registry text, key text)
RETURNS TABLE (partner text, last_sent timestamptz, fields text[])
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT d.partner, max(d.at), ARRAY(
		SELECT DISTINCT f COLLATE "C"
		  FROM casesync.disclosures(held_by.registry, held_by.key) x
		 CROSS JOIN unnest(x.fields) f
		 WHERE x.partner = d.partner AND x.outcome NOT IN ('refused', 'not_sent') ORDER BY 1)
	  FROM casesync.disclosures(held_by.registry, held_by.key) d
	 WHERE d.outcome NOT IN ('refused', 'not_sent')
	 GROUP BY d.partner ORDER BY d.partner
$$;
COMMENT ON FUNCTION casesync.held_by(text, text) IS
	'which partners have, or may have, something about one subject: when the last of it was sent, '
	'and which fields were agreed then';
