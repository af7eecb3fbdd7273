-- Why an item of a partner's waits, in the words of a table or of an apply function, which may name somebody: for reviewers and auditors, who see the record too. Nothing that operators look at shows them.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/person.sql
\i test/scene/partner.sql
\i test/scene/message.sql
\i test/scene/notice.sql
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment_status_change', 'Member')) s;
CREATE TABLE app.known (name text PRIMARY KEY CONSTRAINT "not for Awa-Diop" CHECK (name <> 'Awa-Diop'));
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
	CASE e.record ->> 'employment_status'
		WHEN '1' THEN INSERT INTO known VALUES ('Awa-Diop');
		WHEN '2' THEN RETURN 'review: Awa-Diop is here twice';
		WHEN '3' THEN RAISE EXCEPTION 'nobody like Awa-Diop' USING detail = 'Awa-Diop', hint = 'Awa-Diop';
		ELSE RETURN 'Awa-Diop';
	END CASE;
	RETURN 'applied';
END $$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)') IS NOT NULL AS done;
SELECT (SELECT s.ack FROM app.say('notify', app.notify(app.event('r' || n, app.record('U' || n, n::text, '{}')))) s) FROM generate_series(1, 4) n;
DO $$ BEGIN WHILE (SELECT more FROM casesync_internal.apply_inbox()) LOOP END LOOP; END $$;
-- as what cannot be rendered says it
INSERT INTO casesync_internal.quarantine_entry (registry, key, event_type, reason, error_code) VALUES ('people', '1', 'enrolment_status_change', 'invalid input: "Awa-Diop"', '22P02');
-- the reviewer is told why
SELECT state, reason, error_code FROM casesync.inbox ORDER BY id;
-- who sees such a word of all that each access may look at
CREATE FUNCTION app.shows(access text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	v text; n bigint;
BEGIN
	FOR v IN SELECT DISTINCT substr(r.object, 11) FROM casesync_internal.access_right r WHERE r.access = shows.access AND r.object ^@ 'SELECT ON ' ORDER BY 1 LOOP
		CONTINUE WHEN to_regclass('casesync.' || v) IS NULL;
		EXECUTE format('SELECT count(*) FROM casesync.%I x WHERE to_jsonb(x)::text LIKE ''%%Awa-Diop%%''', v) INTO n;
		IF n > 0 THEN
			RETURN NEXT format('%s: %s', v, n);
		END IF;
	END LOOP;
END $$;
SELECT a.access, (SELECT string_agg(s, ', ') FROM app.shows(a.access) s) AS shows FROM (SELECT DISTINCT access FROM casesync_internal.access_right) a WHERE a.access <> 'types' ORDER BY 1;
SELECT status, message LIKE '%Awa%' AS names_somebody FROM casesync.check();
SELECT partner, event_type, state, items FROM casesync.received ORDER BY 3;
SELECT registry, error_code, subjects FROM casesync.quarantined;
-- the words are those that the members of the same record have there, whatever it is made of
CREATE FUNCTION app.made(seed bigint, depth integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	names constant text[] := '{status,"Vital Status",ns:org:death_date,key,Name,VALUE,x,"Décès-Status",ＤＥＡＴＨ,died,"a.b:Day","İStatus","","生死status"}';
	n bigint := ('x' || substr(md5(seed::text), 1, 8))::bit(32)::bigint;
BEGIN
	RETURN CASE WHEN depth = 0 OR n % 5 = 0 THEN (ARRAY['"2026-01-01"', '"status"', 'true', '3', 'null', '"death"', '"Dead Day"'])[1 + n % 7]::jsonb
		WHEN n % 5 = 1 THEN jsonb_build_array(app.made(seed * 7 + 1, depth - 1), app.made(seed * 7 + 2, depth - 1))
		ELSE jsonb_build_object(names[1 + n / 7 % 14], app.made(seed * 7 + 3, depth - 1), names[1 + n / 91 % 14], app.made(seed * 7 + 4, depth - 1),
			names[1 + n / 1001 % 14], app.made(seed * 7 + 5, depth - 1)) END;
END
$$;
WITH made AS MATERIALIZED (SELECT app.made(i, 4) AS r FROM generate_series(1, 600) i),
	found AS (SELECT r, ARRAY(SELECT DISTINCT w FROM jsonb_array_elements(casesync_internal.death_words(r)) w ORDER BY w) AS words FROM made),
	meant AS (SELECT r, ARRAY(SELECT DISTINCT jsonb_build_array(regexp_replace(m.path, '^.*[.]', ''), w.word) AS w
		FROM casesync_internal.record_members(r) m CROSS JOIN LATERAL jsonb_path_query(m.value, 'strict $.**') w(word)
		WHERE m.path ~ '(status|date|day|time|death|decease|deceased|dead|died)$' AND jsonb_typeof(w.word) NOT IN ('object', 'array') ORDER BY w) AS words FROM made)
SELECT count(*) > 100 AS with_words, count(*) FILTER (WHERE f.words <> m.words) AS others FROM found f JOIN meant m USING (r) WHERE m.words <> '{}' OR f.words <> '{}';
SELECT casesync_internal.name_folded(n) = regexp_replace(lower(casesync_internal.plain_name(normalize(n, NFKC))), '[^[:alnum:]]', '', 'g') AS is_same, left(n, 20) AS n
  FROM unnest(ARRAY['', ':', 'a:B_c:D e-1', E'\t x \n', 'ＡＢ：ｃ', 'É_é', 'ǅ', 'ß', 'ﬁn', 'a:é:', '١٢', repeat('é', 300)]) n WHERE length(n) < 100 OR casesync_internal.name_folded(n) <> n;
SELECT casesync_internal.death_words(r) FROM unnest(ARRAY['{}', '[]', '1', '"status"', 'null', '[[{"status": [1, {"a": null}]}]]', '{"key": "died", "value": {"x": "yes"}}']::jsonb[]) r;
SELECT casesync_internal.death_words(('[' || repeat('[', 4000) || '{"status": 1}' || repeat(']', 4000) || ']')::jsonb);

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
