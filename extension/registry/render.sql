/* What subjects look like now, and what an agreement lets pass of it. */

/*
 * A view is somebody else's code: whatever it raises stops here. Only the reason goes on, into
 * quarantine, which auditors read.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rows_at_once(author name, relation regclass,
	query text, condition text,
	keys text[], budget integer, until timestamptz, is_record boolean,
	OUT found_keys text[], OUT found_records jsonb[], OUT is_late boolean,
	OUT failed_code text, OUT failed_reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	/* No query gets more than what is left. */
	IF until < 'infinity' THEN
		budget := greatest(1, least(nullif(budget, 0),
			extract(epoch FROM until - clock_timestamp()) * 1000, 3600000));
	END IF;
	is_late := clock_timestamp() >= until;
	IF is_late THEN
		failed_code := 'CS002';
		failed_reason := 'other subjects took all the time there was';
		RETURN;
	END IF;
	SELECT coalesce(array_agg(q.key), '{}'), coalesce(array_agg(
		CASE WHEN is_record THEN casesync_internal.wire(q.record) ELSE q.record END), '{}')
	  INTO found_keys, found_records
	  FROM casesync_internal.owner_query(author, relation, query, keys, budget, condition) q;
EXCEPTION WHEN OTHERS THEN
	failed_code := SQLSTATE;
	failed_reason := SQLERRM;
END
$$;
COMMENT ON FUNCTION casesync_internal.rows_at_once(name, regclass, text, text, text[], integer,
	timestamptz, boolean) IS
	'part of rows_by_key(): the rows of all these keys, or why there are none';

/*
 * Run a query about subjects as the owner of a relation. An error stops the subjects that cause
 * it and no other: the keys are halved until the culprits stand alone. Each half has less time than
 * the whole, and all together three times as much, so that one slow view cannot stop the router.
 */
CREATE OR REPLACE FUNCTION casesync_internal.rows_by_key(author name, relation regclass,
	query text, keys text[], condition text DEFAULT NULL,
	budget integer DEFAULT NULL, until timestamptz DEFAULT NULL, is_record boolean DEFAULT true,
	OUT found_keys text[], OUT found_records jsonb[],
	OUT bad_keys text[], OUT bad_codes text[], OUT bad_reasons text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n constant integer := cardinality(keys);
	is_first constant boolean := budget IS NULL;
	a record;
	b record;
BEGIN
	found_keys := '{}'; found_records := '{}';
	bad_keys := '{}'; bad_codes := '{}'; bad_reasons := '{}';
	IF n = 0 THEN
		RETURN;
	END IF;
	IF is_first THEN
		budget := casesync_internal.milliseconds_of('casesync.render_timeout');
		until := least(casesync_internal.turn_until(), CASE WHEN budget > 0
			THEN clock_timestamp() + 3 * budget * interval '1 millisecond' ELSE 'infinity' END);
	END IF;
	a := casesync_internal.rows_at_once(author, relation, query, condition, keys, budget, until,
		is_record);
	IF a.failed_code IS NULL THEN
		found_keys := a.found_keys; found_records := a.found_records;
		RETURN;
	END IF;
	IF n = 1 OR a.is_late OR is_first
		AND casesync_internal.fails_always(author, relation, query, condition, budget) THEN
		bad_keys := keys;
		bad_codes := array_fill(a.failed_code, ARRAY[n]);
		bad_reasons := array_fill(a.failed_reason, ARRAY[n]);
		RETURN;
	END IF;
	budget := CASE WHEN budget > 0 THEN least(budget, greatest(budget / 2, 100)) ELSE budget END;
	a := casesync_internal.rows_by_key(author, relation, query, keys[1:n / 2], condition, budget,
		until, is_record);
	b := casesync_internal.rows_by_key(author, relation, query, keys[n / 2 + 1:], condition,
		budget, until, is_record);
	found_keys := a.found_keys || b.found_keys;
	found_records := a.found_records || b.found_records;
	bad_keys := a.bad_keys || b.bad_keys; bad_codes := a.bad_codes || b.bad_codes;
	bad_reasons := a.bad_reasons || b.bad_reasons;
END
$$;
COMMENT ON FUNCTION casesync_internal.rows_by_key(name, regclass, text, text[], text, integer,
	timestamptz, boolean) IS
	'rows of an owner''s query for keys ($1), and the keys that it fails for; in bounded time';

CREATE OR REPLACE FUNCTION casesync_internal.fails_always(author name, relation regclass,
	query text, condition text, budget integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM casesync_internal.owner_query(author, relation, query, '{}'::text[], budget,
		condition);
	RETURN false;
EXCEPTION WHEN OTHERS THEN
	RETURN true;
END
$$;
COMMENT ON FUNCTION casesync_internal.fails_always(name, regclass, text, text, integer) IS
	'whether a query fails without any key: then halving finds no culprit';

/* The names come from registry, where publish() has checked them; the keys are an argument. */
CREATE OR REPLACE FUNCTION casesync_internal.render_query(r casesync_internal.registry)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT %s, %I FROM %s WHERE %s', casesync_internal.key_text(r), r.record_column,
		r.view, casesync_internal.key_among(r));
END
$$;
COMMENT ON FUNCTION casesync_internal.render_query(casesync_internal.registry) IS
	'the query for the records of keys ($1)';

/*
 * A key may be asked for by another text of the same value: what was written into another column,
 * or captured by an earlier version. Compared as values of the view's type, as its owner.
 */
CREATE OR REPLACE FUNCTION casesync_internal.key_aliases(r casesync_internal.registry,
	asked text[], seen text[])
RETURNS TABLE (key text, seen_as text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing constant text[] := ARRAY(SELECT unnest(asked) EXCEPT SELECT unnest(seen));
	strange text[];
	collating text;
BEGIN
	/* Nearly always: that much is asked of each change. */
	IF missing = '{}' OR seen = '{}' THEN
		RETURN;
	END IF;
	strange := CASE WHEN casesync_internal.key_is_exact(r)
		THEN ARRAY(SELECT unnest(seen) EXCEPT SELECT unnest(asked)) ELSE seen END;
	IF strange = '{}' THEN
		RETURN;
	END IF;
	collating := (SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
		FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
		JOIN pg_namespace n ON n.oid = c.collnamespace
		WHERE a.attrelid = r.view AND a.attname = r.key_column AND NOT c.collisdeterministic);
	RETURN QUERY
	SELECT q.key, q.record #>> '{}'
	  FROM casesync_internal.owner_query(r.author, r.view, format(
		'SELECT a.k, to_jsonb(s.k) FROM jsonb_array_elements_text($1->''asked'') a(k)
		   JOIN jsonb_array_elements_text($1->''seen'') s(k) ON a.k::%1$s%3$s %2$s s.k::%1$s%3$s',
		casesync_internal.key_type_name(r.key_type), casesync_internal.key_operator(r.key_type),
		collating), jsonb_build_object('asked', missing, 'seen', strange)) q;
END
$$;
COMMENT ON FUNCTION casesync_internal.key_aliases(casesync_internal.registry, text[], text[]) IS
	'which of the keys that were asked for were found under another text';

/*
 * Each key once: its record, gone, or in quarantine; or an alias, which stands for the key that is
 * in its reason, and whose record is that one's. A key of more than 1000 bytes would not fit the
 * indexes in which keys are kept; two rows for one subject cannot be one record, and to choose one
 * would be to guess.
 */
CREATE OR REPLACE FUNCTION casesync_internal.render(r casesync_internal.registry, keys text[])
RETURNS SETOF casesync_internal.rendered
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	usable constant text[] := ARRAY(SELECT DISTINCT k FROM unnest(keys) k
		WHERE octet_length(k) <= 1000);
	written constant text[] := casesync_internal.keys_written(r, usable);
	asked constant text[] := ARRAY(SELECT DISTINCT w FROM unnest(written) w);
	rows record := casesync_internal.rows_by_key(r.author, r.view,
		casesync_internal.render_query(r), asked);
BEGIN
	RETURN QUERY
	WITH found AS (
		SELECT f.key, count(*) AS times, (array_agg(f.record))[1] AS record
		  FROM unnest(rows.found_keys, rows.found_records) f(key, record) GROUP BY f.key
	), bad AS (
		SELECT * FROM unnest(rows.bad_keys, rows.bad_codes, rows.bad_reasons) b(key, code, reason)
		UNION ALL
		SELECT f.key, '21000', format('the view has %s rows for this subject', f.times)
		  FROM found f WHERE f.times > 1
		UNION ALL
		SELECT f.key, '22004', 'the record is NULL'
		  FROM found f WHERE f.times = 1 AND f.record IS NULL
		UNION ALL
		SELECT u.key, '54000', format('the subject key has %s bytes, more than 1000',
			octet_length(u.key))
		  FROM (SELECT DISTINCT k FROM unnest(keys) k WHERE octet_length(k) > 1000) u(key)
	)
	SELECT k.key,
		CASE WHEN b.key IS NOT NULL THEN 'quarantine' WHEN f.key IS NOT NULL THEN 'found'
			WHEN a.key IS NOT NULL THEN 'alias' ELSE 'gone' END,
		CASE WHEN b.key IS NULL THEN f.record END, b.code, coalesce(b.reason, a.seen_as)
	  FROM (SELECT u.key FROM unnest(keys) u(key) UNION SELECT unnest(asked)
			UNION SELECT g.key FROM found g) k
	  LEFT JOIN found f ON f.key = k.key
	  LEFT JOIN bad b ON b.key = k.key
	  LEFT JOIN (SELECT w.key, coalesce(x.seen_as, w.written)
			  FROM (SELECT * FROM unnest(usable, written) u(key, written)
					UNION SELECT v, v FROM unnest(asked) v) w
			  LEFT JOIN casesync_internal.key_aliases(r, ARRAY(SELECT unnest(asked)
				EXCEPT SELECT unnest(rows.bad_keys)), rows.found_keys) x ON x.key = w.written
			 WHERE coalesce(x.seen_as, w.written) <> w.key) a(key, seen_as) ON a.key = k.key;
END
$$;
COMMENT ON FUNCTION casesync_internal.render(casesync_internal.registry, text[]) IS
	'the records of these subjects as the view has them now, rendered as the view''s owner';

/* $2 is the condition: what a person typed is never part of a query's text. */
CREATE OR REPLACE FUNCTION casesync_internal.condition_query(r casesync_internal.registry)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT %s, NULL::jsonb FROM %s WHERE %s AND $2', casesync_internal.key_text(r),
			r.view, casesync_internal.key_among(r));
END
$$;
COMMENT ON FUNCTION casesync_internal.condition_query(casesync_internal.registry) IS
	'the query for those of the keys ($1) for which a condition ($2) holds';

/*
 * What one agreement lets pass of rendered subjects: pass (with the projected record), leave (the
 * subject is gone or no longer among the agreement's subjects), keep (it cannot be said now). A
 * condition that fails keeps its subjects as they are (keep): to tell partners that somebody has
 * left, because a column was renamed, would be untrue.
 */
CREATE OR REPLACE FUNCTION casesync_internal.offers(a casesync_internal.agreement,
	r casesync_internal.registry, subjects casesync_internal.rendered[])
RETURNS SETOF casesync_internal.offer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash_key bytea := (SELECT s.hash_key FROM casesync_internal.node_secret s);
	keys text[] := ARRAY(SELECT s.key FROM unnest(subjects) s WHERE s.state = 'found');
	inside text[] := keys;
	bad_keys text[];
	bad_codes text[];
	bad_reasons text[];
BEGIN
	IF a.subjects <> 'true' AND cardinality(keys) > 0 THEN
		SELECT x.found_keys, x.bad_keys, x.bad_codes,
			ARRAY(SELECT format('agreement %s: %s', a.agreement, b.reason)
				FROM unnest(x.bad_reasons) WITH ORDINALITY b(reason, n) ORDER BY b.n)
		  INTO inside, bad_keys, bad_codes, bad_reasons
		  FROM casesync_internal.rows_by_key(r.author, r.view,
			casesync_internal.condition_query(r), keys, a.subjects) x;
	END IF;
	RETURN QUERY
	SELECT s.key, p.record, casesync_internal.keyed_hash(hash_key, p.record),
		CASE WHEN s.state = 'quarantine' OR b.key IS NOT NULL THEN 'keep'
			WHEN p.record IS NOT NULL THEN 'pass' ELSE 'leave' END,
		b.code, b.reason
	  FROM unnest(subjects) s
	  LEFT JOIN (SELECT DISTINCT k.key FROM unnest(inside) k(key)) i ON i.key = s.key
	  LEFT JOIN unnest(bad_keys, bad_codes, bad_reasons) b(key, code, reason) ON b.key = s.key
	  LEFT JOIN LATERAL (
		SELECT casesync_internal.project(s.record, a.fields, a.identifier_types) AS record
		 WHERE i.key IS NOT NULL AND s.state = 'found') p ON true
	 WHERE s.state <> 'alias';
END
$$;
COMMENT ON FUNCTION casesync_internal.offers(casesync_internal.agreement,
	casesync_internal.registry, casesync_internal.rendered[]) IS
	'project rendered subjects by an agreement: its subjects, fields and identifier types';
