/*
 * What is wrong with an agreement before it is active: names that nothing has. Only names, codes
 * and counts; no record is shown.
 */

/* In the same place, or else one of that name elsewhere. */
CREATE OR REPLACE FUNCTION casesync_internal.near_field(field text, only_here boolean,
	paths text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH part AS (
		SELECT p, coalesce(substring(p FROM E'^(.*)\\.'), '') AS place,
			regexp_replace(p, E'^.*\\.', '') AS name
		  FROM unnest(paths) p
	), wanted AS (
		SELECT coalesce(substring(field FROM E'^(.*)\\.'), '') AS place,
			regexp_replace(field, E'^.*\\.', '') AS name
	)
	SELECT coalesce(
		casesync_internal.nearest_name(field, ARRAY(SELECT r.p FROM part r JOIN wanted w
			USING (place))),
		CASE WHEN NOT only_here THEN casesync_internal.nearest_name(field, paths) END,
		(SELECT r.p FROM part r CROSS JOIN wanted w
		  WHERE NOT only_here AND r.name IN (w.name, casesync_internal.nearest_name(w.name,
			ARRAY(SELECT x.name FROM part x)))
		  ORDER BY r.name <> w.name, length(r.p), r.p LIMIT 1))
$$;
COMMENT ON FUNCTION casesync_internal.near_field(text, boolean, text[]) IS
	'the attribute of records that somebody may have meant; NULL when none is near';

/* Names of attributes at the places of some records, with how the standard spells others there. */
CREATE OR REPLACE FUNCTION casesync_internal.field_fault(r casesync_internal.registry,
	field text, paths text[], records integer)
RETURNS TABLE (severity text, problem text, near text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place constant text := coalesce(substring(field FROM E'^(.*)\\.'), '');
	name constant text := regexp_replace(field, E'^.*\\.', '');
	known constant text[] := casesync_internal.standard_fields(r.record_type, place);
	of_place constant text[] := ARRAY(SELECT concat_ws('.', nullif(place, ''), k)
		FROM unnest(known) k);
	/* A place of which the standard says nothing, and records may have anything. */
	is_open constant boolean := known IS NULL AND (place = ANY (paths)
		OR place ~ E'(^|\\.)additional_attributes$');
BEGIN
	IF field = ANY (paths) THEN
		RETURN;
	END IF;
	near := (SELECT p FROM unnest(paths) p WHERE coalesce(substring(p FROM E'^(.*)\\.'), '') = place
		AND casesync_internal.names_are_related(name, regexp_replace(p, E'^.*\\.', '')) LIMIT 1);
	IF near IS NULL AND field = ANY (of_place) THEN
		severity := 'note';
		problem := format('field %s is in none of %s records of registry %s', field, records,
			r.registry);
		IF records > 0 THEN
			RETURN NEXT;
		END IF;
		RETURN;
	END IF;
	near := coalesce(near, casesync_internal.near_field(field, is_open, paths || of_place));
	/* Without records, and of a record type that is not the standard's, nobody knows better. */
	severity := CASE WHEN near IS NOT NULL OR records > 0 AND NOT is_open THEN 'warning'
		ELSE 'note' END;
	problem := concat(CASE WHEN records > 0 THEN format('field %s is in none of %s records of '
			'registry %s', field, records, r.registry)
		ELSE format('field %s is not known, and registry %s has no records to look at', field,
			r.registry) END, ': did you mean ' || near || '?');
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION casesync_internal.field_fault(casesync_internal.registry, text, text[],
	integer) IS
	'what to say of an agreed field that records do not have; nothing when one has it';

CREATE OR REPLACE FUNCTION casesync_internal.agreement_name(a casesync_internal.agreement)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('agreement %s version %s', a.agreement, a.version)
$$;
COMMENT ON FUNCTION casesync_internal.agreement_name(casesync_internal.agreement) IS
	'how a review names an agreement';

/* The whole list, since set_agreement() takes the whole list. */
CREATE OR REPLACE FUNCTION casesync_internal.agree_otherwise(a casesync_internal.agreement,
	what text, names text[], wrong text, meant text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT casesync.set_agreement(%L, %L, %s => %L);', a.agreement, a.partner, what,
		CASE WHEN meant IS NULL THEN array_remove(names, wrong)
			WHEN meant = ANY (names) THEN array_remove(names, wrong)
			ELSE array_replace(names, wrong, meant) END)
$$;
COMMENT ON FUNCTION casesync_internal.agree_otherwise(casesync_internal.agreement, text, text[],
	text, text) IS
	'how to write an agreement with another name in one of its lists, or without the wrong one';

/* Who pushes needs no tracking, nor who has said of every table that it need not be tracked. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_event_faults(
	a casesync_internal.agreement)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH given AS (
		SELECT array_agg(DISTINCT e ORDER BY e) AS events
		  FROM casesync_internal.tracking t
		 CROSS JOIN LATERAL unnest(ARRAY[t.on_insert, t.on_update, t.on_delete]) e
		 WHERE NOT t.removed AND t.registries && a.registries AND e IS NOT NULL
	)
	SELECT CASE WHEN 'push' = ANY (a.services) OR g.events IS NULL AND NOT EXISTS (
			SELECT FROM unnest(a.registries) r
			 CROSS JOIN LATERAL casesync_internal.untracked_for(r)) THEN 'note' ELSE 'warning' END,
		casesync_internal.agreement_name(a),
		format('no tracking for %s makes event type %s%s', array_to_string(a.registries, ', '), e,
			CASE WHEN g.events IS NULL THEN ': nothing is tracked for it'
				ELSE coalesce(': did you mean ' || casesync_internal.nearest_name(e, g.events)
					|| '?', format(', only %s', array_to_string(g.events, ', '))) END),
		CASE WHEN casesync_internal.nearest_name(e, g.events) IS NULL
			THEN format('SELECT casesync.track(table, %L, key, on_update => %L);',
				a.registries, e)
			ELSE casesync_internal.agree_otherwise(a, 'event_types', a.event_types, e,
				casesync_internal.nearest_name(e, g.events)) END
	  FROM unnest(a.event_types) e CROSS JOIN given g
	 WHERE 'notify' = ANY (a.services) AND e <> ALL (coalesce(g.events, '{}'))
	UNION ALL
	SELECT 'note', casesync_internal.agreement_name(a),
		format('no subscription of %s is to event type %s', a.partner, e),
		format('SELECT casesync.subscribe(%L, %L, %L);  -- or the partner subscribes', a.partner,
			e, (SELECT r.record_type FROM casesync_internal.registry r
				WHERE r.registry = a.registries[1]))
	  FROM unnest(a.event_types) e
	 WHERE a.state = 'active' AND 'notify' = ANY (a.services) AND NOT EXISTS (
		SELECT FROM casesync_internal.subscription s WHERE s.partner = a.partner
			AND s.event_type = e AND s.state IN ('pending', 'active'))
$$;
COMMENT ON FUNCTION casesync_internal.agreement_event_faults(casesync_internal.agreement) IS
	'part of agreement_faults(): event types that nothing makes, or nobody has subscribed to';

/* Without a look at anybody's rows: health says them too, while the agreement is active. */
CREATE OR REPLACE FUNCTION casesync_internal.agreement_faults(a casesync_internal.agreement)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.* FROM casesync_internal.agreement_event_faults(a) f
	UNION ALL
	SELECT 'warning', casesync_internal.agreement_name(a),
		format('filter field %s is no column of %s%s', f, string_agg(r.view::text, ', '),
			casesync_internal.did_you_mean(f, x.names)),
		casesync_internal.agree_otherwise(a, 'filter_fields', a.filter_fields, f,
			casesync_internal.nearest_name(f, x.names))
	  FROM unnest(a.filter_fields) f
	 CROSS JOIN (SELECT ARRAY(SELECT DISTINCT c.attname::text FROM casesync_internal.registry r
			JOIN pg_attribute c ON c.attrelid = r.view AND c.attnum > 0 AND NOT c.attisdropped
			WHERE r.registry = ANY (a.registries)
			  AND c.attname NOT IN (r.key_column, r.record_column))) x(names)
	  JOIN casesync_internal.registry r ON r.registry = ANY (a.registries)
	 WHERE f <> ALL (x.names) GROUP BY f, x.names
	 ORDER BY 2, 3
$$;
COMMENT ON FUNCTION casesync_internal.agreement_faults(casesync_internal.agreement) IS
	'what is wrong with the words of an agreement to share';

/* An agreement about several registries has names of each: one that one of them has is right. */
CREATE OR REPLACE FUNCTION casesync_internal.field_faults(a casesync_internal.agreement,
	samples casesync_internal.sampled[])
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT x.severity, casesync_internal.agreement_name(a), x.problem,
		concat(casesync_internal.agree_otherwise(a, 'fields', a.fields, x.name, x.near),
			CASE WHEN x.severity = 'note' THEN '  -- unless a record may have it one day' END)
	  FROM (SELECT DISTINCT ON (n.place) n.name, n.place, f.*,
				bool_and(f.problem IS NOT NULL) OVER (PARTITION BY n.place) AS is_nowhere
		  FROM unnest(samples) s
		  JOIN casesync_internal.registry r ON r.registry = s.registry
		 CROSS JOIN LATERAL (SELECT ARRAY(SELECT DISTINCT x FROM unnest(s.records) e
			CROSS JOIN LATERAL casesync_internal.record_paths(e) x ORDER BY x LIMIT 2000)) p(paths)
		 CROSS JOIN unnest(a.fields) WITH ORDINALITY n(name, place)
		  LEFT JOIN LATERAL casesync_internal.field_fault(r, n.name, p.paths,
			cardinality(s.records)) f ON true
		 ORDER BY n.place, f.near IS NULL, r.registry) x
	 WHERE x.is_nowhere
	 ORDER BY x.place
$$;
COMMENT ON FUNCTION casesync_internal.field_faults(casesync_internal.agreement,
	casesync_internal.sampled[]) IS
	'agreed fields that no registry''s records have';

/* They are kept, so that a later version may make use of them; who wrote them should know. */
CREATE OR REPLACE FUNCTION casesync_internal.idle_faults(a casesync_internal.agreement)
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', casesync_internal.agreement_name(a), format('%s does nothing %s', p.name,
			p.why), format('SELECT casesync.set_agreement(%L, %L, direction => %L, %s);',
			a.agreement, a.partner, a.direction, p.mend)
	  FROM (VALUES
		('out', 'apply_mode', a.apply_mode <> 'review', 'in direction out',
			'apply_mode => ''review'''),
		('out', 'initial_state', a.initial_state AND 'notify' <> ALL (a.services),
			'without service notify', 'initial_state => false'),
		('out', 'on_leave', a.on_leave <> 'silent' AND 'notify' <> ALL (a.services),
			'without service notify', 'on_leave => ''silent'''),
		('in', 'registries', a.registries <> '{}', 'in direction in', 'registries => ''{}'''),
		('in', 'filter_fields', a.filter_fields <> '{}', 'in direction in',
			'filter_fields => ''{}'''),
		('in', 'subjects', a.subjects <> 'true', 'in direction in', 'subjects => ''true'''),
		('in', 'initial_state', a.initial_state, 'in direction in', 'initial_state => false'),
		('in', 'on_leave', a.on_leave <> 'silent', 'in direction in', 'on_leave => ''silent''')
		) p(direction, name, is_idle, why, mend)
	 WHERE p.direction = a.direction AND p.is_idle
$$;
COMMENT ON FUNCTION casesync_internal.idle_faults(casesync_internal.agreement) IS
	'parameters of an agreement that do nothing in its direction, or without a service';

/* In any spelling, as projection.c compares them. */
CREATE OR REPLACE FUNCTION casesync_internal.has_identifier_type(types text[], agreed text[])
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM unnest(types) t JOIN unnest(agreed) g
		ON upper(casesync_internal.fold_identifier_type(t))
			= upper(casesync_internal.fold_identifier_type(g)))
$$;
COMMENT ON FUNCTION casesync_internal.has_identifier_type(text[], text[]) IS
	'whether one of some types of identifiers is agreed';

/*
 * Identifiers are compared as projection.c does it. Who has none of the agreed types is sent all
 * the same, and the partner cannot tell who that is.
 */
CREATE OR REPLACE FUNCTION casesync_internal.identifier_faults(a casesync_internal.agreement,
	samples casesync_internal.sampled[])
RETURNS TABLE (severity text, subject text, problem text, mend text)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH looked AS MATERIALIZED (
		SELECT s.registry, e.n, ARRAY(SELECT i.identifier_type
			FROM casesync.record_identifiers(e.record) i) AS types
		  FROM unnest(samples) s
		 CROSS JOIN LATERAL unnest(s.records) WITH ORDINALITY e(record, n)
	), has AS MATERIALIZED (
		SELECT array_agg(DISTINCT t ORDER BY t) AS types, count(DISTINCT (l.registry, l.n)) AS n
		  FROM looked l LEFT JOIN LATERAL unnest(l.types) t ON true
	)
	SELECT 'warning', casesync_internal.agreement_name(a),
		format('no identifier of type %s is in %s records of %s: they have %s', g, h.n,
			array_to_string(a.registries, ', '), coalesce(nullif(array_to_string(h.types, ', '),
			''), 'none')),
		casesync_internal.agree_otherwise(a, 'identifier_types', a.identifier_types, g,
			coalesce(casesync_internal.nearest_name(g, h.types), CASE
				WHEN cardinality(a.identifier_types) = 1 THEN h.types[1] END))
	  FROM unnest(a.identifier_types) g CROSS JOIN has h
	 WHERE h.n > 0 AND NOT casesync_internal.has_identifier_type(h.types, ARRAY[g])
	UNION ALL
	SELECT 'warning', casesync_internal.agreement_name(a),
		format('%s of %s records of registry %s have no identifier of an agreed type: they would '
			'be sent, but not say whom they are about', count(*) FILTER (WHERE NOT x.is_said),
			count(*), x.registry),
		format('SELECT subject_key FROM casesync.preview(%L) WHERE outcome = ''send'' AND NOT '
			'EXISTS (SELECT FROM casesync.record_identifiers(record));', a.agreement)
	  FROM (SELECT l.registry, casesync_internal.has_identifier_type(l.types, a.identifier_types)
			FROM looked l) x(registry, is_said)
	 WHERE a.identifier_types <> '{}' GROUP BY x.registry HAVING NOT bool_and(x.is_said)
$$;
COMMENT ON FUNCTION casesync_internal.identifier_faults(casesync_internal.agreement,
	casesync_internal.sampled[]) IS
	'agreed types of identifiers that records do not have, and records that have none of them';
