/* What would leave, before anything does. */

/*
 * As the owner of the view, like every look at it; in byte order, so that pages of a preview do not
 * depend on a collation.
 */
CREATE OR REPLACE FUNCTION casesync_internal.view_keys(r casesync_internal.registry,
	max_rows integer DEFAULT NULL)
RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT q.key FROM casesync_internal.owner_query(r.author, r.view, format(
		'SELECT DISTINCT (%s) COLLATE "C", NULL::jsonb FROM %s WHERE %I IS NOT NULL
		  ORDER BY 1 LIMIT $1', casesync_internal.key_text(r), r.view, r.key_column),
		coalesce(max_rows, 2147483647)) q)
$$;
COMMENT ON FUNCTION casesync_internal.view_keys(casesync_internal.registry, integer) IS
	'the subject keys of a registry, in byte order';

CREATE OR REPLACE FUNCTION casesync_internal.preview_keys(a casesync_internal.agreement,
	r casesync_internal.registry, keys text[])
RETURNS TABLE (registry text, subject_key text, outcome text, reason text, record jsonb,
	problems text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	subjects casesync_internal.rendered[] := ARRAY(
		SELECT s FROM casesync_internal.render(r, keys) s);
BEGIN
	RETURN QUERY
	SELECT r.registry, s.key,
		CASE o.state WHEN 'pass' THEN 'send' WHEN 'keep' THEN 'quarantine' ELSE 'withhold' END,
		CASE WHEN o.state = 'pass' THEN NULL
			/* A condition may be made to fail with any column's value in the message. */
			WHEN o.error_code ^@ '22' THEN concat_ws(': ', o.error_code,
				regexp_replace(o.reason, '".*"', '"…"'))
			WHEN o.state = 'keep' THEN concat_ws(': ',
				coalesce(o.error_code, s.error_code), coalesce(o.reason, s.reason))
			WHEN s.state = 'gone' THEN 'not in the view'
			ELSE 'not among the agreement''s subjects, or nothing of it is agreed' END,
		CASE WHEN o.state = 'pass' THEN o.record END,
		ARRAY(SELECT concat(p.severity, ': ', p.path, ': ', p.problem)
				FROM casesync.check_record(r.record_type, o.record) p WHERE o.state = 'pass')
	  FROM unnest(subjects) s JOIN casesync_internal.offers(a, r, subjects) o ON o.key = s.key
	 ORDER BY s.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION casesync_internal.preview_keys(casesync_internal.agreement,
	casesync_internal.registry, text[]) IS
	'what an agreement would do with these subjects';

/*
 * It shows records, whole: so who looked, and whether at one person, is on record. With the
 * extension's rights, and each view is read as its owner.
 */
CREATE OR REPLACE FUNCTION casesync.preview(agreement text, key text DEFAULT NULL,
	at timestamptz DEFAULT now(), max_rows integer DEFAULT 20)
RETURNS TABLE (registry text, subject_key text, outcome text, reason text, record jsonb,
	problems text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement := casesync_internal.latest_agreement(agreement);
	is_valid boolean := coalesce(a.valid_from <= at AND at < a.valid_to, false);
	r casesync_internal.registry;
BEGIN
	IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 10000 THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'max_rows must be between 1 and 10000');
	END IF;
	FOR r IN SELECT * FROM casesync_internal.registry t WHERE t.registry = ANY (a.registries)
		ORDER BY t.registry LOOP
		RETURN QUERY
		SELECT p.registry, p.subject_key,
			CASE WHEN is_valid THEN p.outcome ELSE 'withhold' END,
			CASE WHEN is_valid THEN p.reason ELSE 'the agreement is not valid at that time' END,
			CASE WHEN is_valid THEN p.record END, p.problems
		  FROM casesync_internal.preview_keys(a, r, CASE
			WHEN key IS NULL THEN casesync_internal.view_keys(r, max_rows)
			ELSE ARRAY[key] END) p;
	END LOOP;
	PERFORM casesync_internal.audit_note('preview', agreement,
		jsonb_build_object('version', a.version, 'one_subject', key IS NOT NULL));
END
$$;
COMMENT ON FUNCTION casesync.preview(text, text, timestamptz, integer) IS
	'what the newest version of an agreement would let pass: the records exactly as they would be '
	'sent';

/*
 * Every subject is rendered for it: on a large registry this takes as long as telling everybody
 * would.
 */
CREATE OR REPLACE FUNCTION casesync.preview_summary(agreement text, at timestamptz DEFAULT now())
RETURNS TABLE (registry text, outcome text, reason text, subjects bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement := casesync_internal.latest_agreement(agreement);
	is_valid boolean := coalesce(a.valid_from <= at AND at < a.valid_to, false);
	r casesync_internal.registry;
	keys text[];
	counts jsonb;
BEGIN
	FOR r IN SELECT * FROM casesync_internal.registry t WHERE t.registry = ANY (a.registries)
		ORDER BY t.registry LOOP
		counts := '{}';
		keys := casesync_internal.view_keys(r);
		/* In parts, since records are large; without what reasons quote, to count them as one. */
		FOR place IN 1 .. cardinality(keys) BY 2000 LOOP
			SELECT counts || coalesce(jsonb_object_agg(x.what,
				coalesce((counts->>x.what)::bigint, 0) + x.n), '{}')
			  INTO counts
			  FROM (
				SELECT jsonb_build_array(CASE WHEN is_valid THEN p.outcome ELSE 'withhold' END,
					CASE WHEN is_valid THEN regexp_replace(p.reason, '"[^"]*"', '"…"', 'g')
						ELSE 'the agreement is not valid at that time' END)::text AS what,
					count(*) AS n
				  FROM casesync_internal.preview_keys(a, r, keys[place:place + 1999]) p
				 GROUP BY 1) x;
		END LOOP;
		RETURN QUERY SELECT r.registry, c.key::jsonb->>0, c.key::jsonb->>1, c.value::bigint
			FROM jsonb_each_text(counts) c ORDER BY 2, 3;
	END LOOP;
	PERFORM casesync_internal.audit_note('preview_summary', agreement,
		jsonb_build_object('version', a.version));
END
$$;
COMMENT ON FUNCTION casesync.preview_summary(text, timestamptz) IS
	'how many subjects of each registry would be sent, withheld or quarantined, and why';
