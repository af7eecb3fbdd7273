/*
 * One question of a search: whom it is about, who is found, who is given, and who is counted. What
 * it counts and discloses is decided here, in one order.
 */

/*
 * All subjects are found before any is given: only then is it known whether they are too many. One
 * more than may be found is looked for: so it is known that there are too many, not how many. Where
 * somebody has been found, registries of other types are passed over.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_find(sources casesync_internal.search_source[],
	tree jsonb, sort jsonb, until timestamptz,
	OUT refused casesync_internal.search_result, OUT keys text[], OUT places integer[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most constant integer := casesync_internal.setting('casesync.search_limit')::integer;
	sorted record;
	found record;
BEGIN
	keys := '{}';
	places := '{}';
	FOR i IN 1 .. coalesce(cardinality(sources), 0) LOOP
		CONTINUE WHEN keys <> '{}'
			AND NOT casesync_internal.search_is_of_type(sources[i], sources[places[1]]);
		sorted := casesync_internal.filter_order(sort, sources[i].r, sources[i].a);
		IF sorted.problem IS NOT NULL THEN
			refused := casesync_internal.search_refused(
				casesync_internal.refused_for('sort unclear', sorted.problem));
			RETURN;
		END IF;
		found := casesync_internal.search_keys(sources[i], tree, sorted.clause,
			most - cardinality(keys) + 1, until);
		IF found.failed IS NOT NULL THEN
			refused := casesync_internal.search_refused(
				casesync_internal.refused_for('record unreadable'));
			refused.failed := found.failed;
			RETURN;
		END IF;
		keys := keys || found.keys;
		places := places || array_fill(i, ARRAY[cardinality(found.keys)]);
		IF cardinality(keys) > most THEN
			refused := casesync_internal.search_refused(
				casesync_internal.refused_for('too many found', most::text));
			RETURN;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_find(casesync_internal.search_source[], jsonb, jsonb,
	timestamptz) IS
	'the subjects that match, source by source (places), each source in the order asked for';

/*
 * A name that none of the partner's own agreements has is refused, and told what they have: others'
 * registries, and whether there are any, it does not learn. Who may search nothing at all, also
 * while sharing is stopped, finds nobody whatever it asks.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_name_refusal(partner text, criteria jsonb,
	tree jsonb, sources casesync_internal.search_source[])
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked constant text := nullif(criteria->>'reg_type', '');
	agreed constant casesync_internal.search_source[] := CASE WHEN sources = '{}' THEN
		ARRAY(SELECT s FROM casesync_internal.agreements_for_search(partner, 'search', NULL,
			NULL) s) ELSE sources END;
	of_type constant casesync_internal.search_source[] := ARRAY(SELECT s FROM unnest(agreed) s
		WHERE asked IS NULL OR casesync_internal.reg_type_name((s.r).reg_type)
			= casesync_internal.reg_type_name(asked));
	types constant text[] := ARRAY(SELECT DISTINCT t.name COLLATE "C" FROM unnest(agreed) s
		CROSS JOIN unnest((s.a).identifier_types) t(name) ORDER BY 1);
	name text;
BEGIN
	IF agreed = '{}' THEN
		RETURN NULL;
	ELSIF of_type = '{}' THEN
		RETURN casesync_internal.refused_for('search of registry type', left(asked, 80),
			(SELECT string_agg(DISTINCT casesync_internal.reg_type_wire((s.r).reg_type), ', ')
			   FROM unnest(agreed) s));
	ELSIF sources = '{}' THEN
		RETURN casesync_internal.refused_for('search of record type',
			left(criteria->>'reg_record_type', 80),
			(SELECT string_agg(DISTINCT (s.r).record_type, ', ') FROM unnest(of_type) s));
	END IF;
	/* In an expression it is a name like others, of which none is told whether it is known. */
	IF lower(casesync_internal.plain_name(criteria->>'query_type')) <> 'idtype-value'
		OR criteria->>'query_type' IS NULL
		AND jsonb_typeof(criteria #> '{query,type}') IS DISTINCT FROM 'string' THEN
		RETURN NULL;
	END IF;
	FOR name IN SELECT n #>> '{}' FROM jsonb_path_query(tree, 'strict $.**.identifier') n LOOP
		IF NOT EXISTS (SELECT FROM unnest(types) t
			WHERE upper(casesync_internal.fold_identifier_type(t))
				= upper(casesync_internal.fold_identifier_type(casesync_internal.plain_name(name))))
		THEN
			RETURN casesync_internal.refused_for('search of identifier', left(coalesce(
				criteria #>> '{query,type}', name), 80), array_to_string(types, ', '));
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_name_refusal(text, jsonb, jsonb,
	casesync_internal.search_source[]) IS
	'why a question cannot be answered that names types that are not agreed; NULL when it can';

/* The first of the agreements' order under which there can be anybody; else the first. */
CREATE OR REPLACE FUNCTION casesync_internal.search_one_type(
	sources casesync_internal.search_source[], tree jsonb)
RETURNS casesync_internal.search_source[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first casesync_internal.search_source := sources[1];
BEGIN
	FOR i IN REVERSE cardinality(sources) .. 1 LOOP
		IF casesync_internal.search_may_match(tree, sources[i].a) THEN
			first := sources[i];
		END IF;
	END LOOP;
	RETURN ARRAY(SELECT s FROM unnest(sources) WITH ORDINALITY s(a, r, n)
		 CROSS JOIN LATERAL (SELECT ROW(s.a, s.r)::casesync_internal.search_source) x(s)
		WHERE casesync_internal.search_is_of_type(x.s, first) ORDER BY s.n);
END
$$;
COMMENT ON FUNCTION casesync_internal.search_one_type(casesync_internal.search_source[], jsonb) IS
	'those of the sources that an answer can be of, which has one type only';

CREATE OR REPLACE FUNCTION casesync_internal.search_is_of_type(
	source casesync_internal.search_source, first casesync_internal.search_source)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT lower(((source).r).record_type) = lower(((first).r).record_type)
		AND casesync_internal.reg_type_name(((source).r).reg_type)
			= casesync_internal.reg_type_name(((first).r).reg_type)
$$;
COMMENT ON FUNCTION casesync_internal.search_is_of_type(casesync_internal.search_source,
	casesync_internal.search_source) IS
	'whether records of both can stand in one answer';

/*
 * Whom a question is about. Whose number is asked for can be in any registry, and is looked for in
 * one after the other; any other question without a type is for the first.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_read(p casesync_internal.partner,
	criteria jsonb, OUT refused casesync_internal.search_result, OUT tree jsonb,
	OUT sources casesync_internal.search_source[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem text;
	verdict casesync_internal.verdict;
BEGIN
	SELECT f.tree, f.problem INTO tree, problem
	  FROM casesync_internal.filter_parse(criteria->'query',
		casesync_internal.plain_name(criteria->>'query_type')) f;
	IF problem IS NOT NULL THEN
		refused := casesync_internal.search_refused(
			casesync_internal.refused_for('filter unclear', problem));
		RETURN;
	END IF;
	sources := ARRAY(SELECT s FROM casesync_internal.agreements_for_search(p.partner, 'search',
		nullif(criteria->>'reg_type', ''),
		nullif(casesync_internal.plain_name(criteria->>'reg_record_type'), '')) s);
	verdict := casesync_internal.search_name_refusal(p.partner, criteria, tree, sources);
	IF verdict.code IS NOT NULL THEN
		refused := casesync_internal.search_refused(verdict);
	ELSIF sources <> '{}' AND NOT coalesce(tree ? 'identifier', false) THEN
		sources := casesync_internal.search_one_type(sources, tree);
	END IF;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	refused := casesync_internal.search_fault(SQLSTATE, NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.search_read(casesync_internal.partner, jsonb) IS
	'the filter of a question and the registries that it is for, or why there is none';

CREATE OR REPLACE FUNCTION casesync_internal.search_find_try(
	sources casesync_internal.search_source[], tree jsonb, sort jsonb, until timestamptz,
	OUT refused casesync_internal.search_result, OUT keys text[], OUT places integer[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found record;
BEGIN
	found := casesync_internal.search_find(sources, tree, sort, until);
	refused := found.refused; keys := found.keys; places := found.places;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	refused := casesync_internal.search_fault(SQLSTATE, NULL);
END
$$;
COMMENT ON FUNCTION casesync_internal.search_find_try(casesync_internal.search_source[], jsonb,
	jsonb, timestamptz) IS
	'the subjects that match, or why nobody can say';

/*
 * Given are those from first to last, by their order among all that were found; a page that begins
 * behind the end is empty.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_give(sources casesync_internal.search_source[],
	tree jsonb, keys text[], places integer[], first bigint, last bigint, given uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	records jsonb := '[]';
BEGIN
	FOR i IN 1 .. coalesce(cardinality(sources), 0) LOOP
		records := records || casesync_internal.search_records(sources[i],
			ARRAY(SELECT k.key FROM unnest(keys, places) WITH ORDINALITY k(key, place, n)
				WHERE k.place = i AND k.n BETWEEN first AND last ORDER BY k.n), 'search', given,
			casesync_internal.search_asked(tree, (sources[i]).a, false));
	END LOOP;
	RETURN records;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_give(casesync_internal.search_source[], jsonb,
	text[], integer[], bigint, bigint, uuid) IS
	'the records of one page, and their disclosure';

/*
 * That somebody is among so few is told by their number, without any record: whoever this item has
 * not put on record since. A number of many tells of nobody in particular: it counts as lookups
 * only.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_count(
	sources casesync_internal.search_source[], tree jsonb, keys text[], places integer[],
	given uuid, since bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(keys) > casesync_internal.message_limit('people counted') THEN
		RETURN;
	END IF;
	FOR i IN 1 .. coalesce(cardinality(sources), 0) LOOP
		PERFORM casesync_internal.disclosure_begin('count', ARRAY(
			SELECT ROW(((sources[i]).a).partner, ((sources[i]).r).registry, k.key, NULL,
				((sources[i]).a).agreement, ((sources[i]).a).version, given, x.asked
				)::casesync_internal.disclosing
			  FROM (SELECT casesync_internal.search_asked(tree, (sources[i]).a, true)) x(asked)
			 CROSS JOIN unnest(keys, places) WITH ORDINALITY k(key, place, n)
			 WHERE k.place = i AND NOT EXISTS (
				SELECT FROM casesync_internal.disclosure d
				 WHERE d.reference_id = given AND d.id > since AND d.key = k.key
				   AND d.registry = ((sources[i]).r).registry
				   AND d.agreement = ((sources[i]).a).agreement)
			 ORDER BY k.key COLLATE "C"));
	END LOOP;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_count(casesync_internal.search_source[], jsonb,
	text[], integer[], uuid, bigint) IS
	'put on record who was counted and not given, after the disclosure with this id';

/* The size is checked when records are there: a partner may ask for fewer, or by other pages. */
CREATE OR REPLACE FUNCTION casesync_internal.search_page_try(partner text, criteria jsonb,
	q record, found record, page record, max_bytes bigint, given uuid)
RETURNS casesync_internal.search_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first constant bigint := (page.page_number - 1)::bigint * page.page_size + 1;
	last constant bigint := first + page.page_size - 1;
	answer casesync_internal.search_result;
BEGIN
	answer.records := casesync_internal.search_give(q.sources, q.tree, found.keys, found.places,
		first, last, given);
	IF octet_length(answer.records::text) > max_bytes THEN
		RAISE EXCEPTION USING errcode = 'CS004';
	END IF;
	answer.total := cardinality(found.keys);
	answer.agreements := ARRAY(
		SELECT DISTINCT format('%s %s', ((q.sources[i]).a).version, ((q.sources[i]).a).agreement)
		  FROM unnest(found.places) i);
	answer.records := casesync_internal.search_data(partner, criteria,
		q.sources[coalesce(found.places[1], 1)], answer.records);
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	IF casesync_internal.is_transient(SQLSTATE) THEN
		RAISE;
	END IF;
	RETURN casesync_internal.search_fault(SQLSTATE, max_bytes);
END
$$;
COMMENT ON FUNCTION casesync_internal.search_page_try(text, jsonb, record, record, record, bigint,
	uuid) IS
	'the page that one item asks for, of those who were found';

CREATE OR REPLACE FUNCTION casesync_internal.search_late()
RETURNS casesync_internal.search_result
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN casesync_internal.search_refused(casesync_internal.refused_for('search too slow',
		casesync_internal.setting('casesync.search_timeout')));
END
$$;
COMMENT ON FUNCTION casesync_internal.search_late() IS 'an item for which there was no time';

CREATE OR REPLACE FUNCTION casesync_internal.search_fault(state text, max_bytes bigint)
RETURNS casesync_internal.search_result
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer casesync_internal.search_result;
BEGIN
	IF state = 'CS002' THEN
		RETURN casesync_internal.search_late();
	ELSIF state = 'CS004' THEN
		RETURN casesync_internal.search_refused(
			casesync_internal.refused_for('answer too large', max_bytes::text));
	END IF;
	answer := casesync_internal.search_refused(casesync_internal.refused_for('search failed'));
	answer.failed := state;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_fault(text, bigint) IS
	'the refusal of an item that an error has ended';

/* By the parsed tree: the same question can be written in many ways. */
CREATE OR REPLACE FUNCTION casesync_internal.search_question(partner text, criteria jsonb,
	tree jsonb)
RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(casesync_internal.node_hash(jsonb_build_array('question', partner, tree,
		criteria->'sort', criteria->'reg_type', criteria->'reg_record_type')), '')
$$;
COMMENT ON FUNCTION casesync_internal.search_question(text, jsonb, jsonb) IS
	'by what a question is known again when its next page is asked for';

/*
 * What fails is undone with all that it disclosed, and does not touch the other items; what was
 * counted stays, since each part that may fail is a subtransaction of its own. Values are counted
 * before anybody is looked for, people before their number is told: whom a refusal comes of has
 * been counted too, and is on record when it says that they are there.
 */
CREATE OR REPLACE FUNCTION casesync_internal.search_try(p casesync_internal.partner, item jsonb,
	page record, max_bytes bigint, until timestamptz, given uuid)
RETURNS casesync_internal.search_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	criteria constant jsonb := item->'search_criteria';
	q constant record := casesync_internal.search_read(p, criteria);
	values_tried constant integer := casesync_internal.search_lookups(q.tree);
	/* All of it is read, since there is an index for that: by the highest id others would be. */
	since constant bigint := coalesce((SELECT max(d.id)
		FROM (SELECT x.id FROM casesync_internal.disclosure x
			WHERE x.reference_id = given OFFSET 0) d), 0);
	found record;
	counted record;
	answer casesync_internal.search_result;
BEGIN
	IF ((q.refused).refused).code IS NOT NULL THEN
		RETURN q.refused;
	ELSIF cardinality(q.sources) > 0
		AND NOT casesync_internal.lookup_allowed(p.partner, values_tried) THEN
		RETURN casesync_internal.search_refused(casesync_internal.refused_for('lookups used up'));
	END IF;
	found := casesync_internal.search_find_try(q.sources, q.tree, criteria->'sort', until);
	IF ((found.refused).refused).code IS NOT NULL THEN
		RETURN found.refused;
	END IF;
	IF q.sources = '{}' THEN
		RETURN casesync_internal.search_page_try(p.partner, criteria, q, found, page, max_bytes,
			given);
	END IF;
	counted := casesync_internal.lookup_people(p.partner,
		casesync_internal.search_question(p.partner, criteria, q.tree), page.page_size,
		page.page_number, cardinality(found.keys), values_tried);
	IF NOT counted.is_allowed THEN
		RETURN casesync_internal.search_refused(casesync_internal.refused_for('lookups used up'));
	END IF;
	answer := casesync_internal.search_page_try(p.partner, criteria, q, found, page, max_bytes,
		given);
	IF NOT counted.is_next OR (answer.refused).code IS NOT NULL THEN
		PERFORM casesync_internal.search_count(q.sources, q.tree, found.keys, found.places, given,
			since);
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION casesync_internal.search_try(casesync_internal.partner, jsonb, record, bigint,
	timestamptz, uuid) IS
	'the page that one item asks for, or why there is none';
