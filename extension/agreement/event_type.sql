/*
 * Registry types and event types are data: the standard leaves them to each country. Knows their
 * names and spellings; who publishes or subscribes to what is not known here.
 */

/*
 * Registries spell them differently (B23). A row of one's own is found before the shipped one of
 * that name; a name that is not known stays, so that it can be said what was not understood.
 */
CREATE OR REPLACE FUNCTION casesync_internal.event_name(name text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain constant text := casesync_internal.plain_name(name);
BEGIN
	RETURN coalesce((
		SELECT e.event_type FROM casesync_internal.event_type e
		 WHERE lower(plain) = ANY (e.spellings) ORDER BY e.is_shipped LIMIT 1), plain);
END
$$;
COMMENT ON FUNCTION casesync_internal.event_name(text) IS
	'the event type that a name means, whatever its prefix, case and spelling; a name that is not '
	'known is itself';

CREATE OR REPLACE FUNCTION casesync_internal.event_names(names text[])
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT casesync_internal.event_name(n.name)
		FROM unnest(names) WITH ORDINALITY n(name, i)
		GROUP BY casesync_internal.event_name(n.name) ORDER BY min(n.i));
END
$$;
COMMENT ON FUNCTION casesync_internal.event_names(text[]) IS
	'the event types that some names mean, each once';

/* Names of a country's own are taken unasked, but most that nobody knows are typing errors. */
CREATE OR REPLACE FUNCTION casesync_internal.unknown_events(names text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT string_agg(format('; event type %s is not known here (SELECT '
				'casesync.add_event_type(%L); if it is no typing error)', n.name, n.name), ''
				ORDER BY n.name)
		  FROM (SELECT DISTINCT casesync_internal.event_name(u) FROM unnest(names) u) n(name)
		 WHERE n.name <> 'search' AND NOT EXISTS (
			SELECT FROM casesync_internal.event_type e WHERE e.event_type = n.name)), '');
END
$$;
COMMENT ON FUNCTION casesync_internal.unknown_events(text[]) IS
	'what to say of event types that are not known here; empty: all are';

CREATE OR REPLACE FUNCTION casesync_internal.event_wire(reg_type text, event_type text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT e.wire FROM casesync_internal.event_type e
		 WHERE e.reg_type = casesync_internal.reg_type_name(event_wire.reg_type)
			AND e.event_type = event_wire.event_type
		 ORDER BY e.is_shipped LIMIT 1), event_wire.event_type);
END
$$;
COMMENT ON FUNCTION casesync_internal.event_wire(text, text) IS
	'how an event type is written to peers of a registry type: IBR peers spell enrolment otherwise '
	'than ESS ones';

/* With namespace, without, in other letters (B22); also one that is in no list. */
CREATE OR REPLACE FUNCTION casesync_internal.reg_type_name(name text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain constant text := casesync_internal.plain_name(name);
BEGIN
	RETURN coalesce((
		SELECT t.reg_type FROM casesync_internal.registry_type t
		 WHERE lower(plain) = ANY (t.spellings) ORDER BY t.is_shipped LIMIT 1), lower(plain));
END
$$;
COMMENT ON FUNCTION casesync_internal.reg_type_name(text) IS
	'the registry type that a name means, whatever its prefix, case and spelling; a name that is '
	'not known is itself in lower case';

/*
 * What is sent is the long form of the standard's documents, also for a type that nobody has
 * registered (B22).
 */
CREATE OR REPLACE FUNCTION casesync_internal.reg_type_wire(reg_type text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		SELECT t.wire FROM casesync_internal.registry_type t
		 WHERE t.reg_type = casesync_internal.reg_type_name(reg_type_wire.reg_type)
		 ORDER BY t.is_shipped LIMIT 1),
		'ns:org:RegistryType:' || casesync_internal.plain_name(reg_type_wire.reg_type));
END
$$;
COMMENT ON FUNCTION casesync_internal.reg_type_wire(text) IS
	'a registry type as the standard''s documents write it';

/*
 * What a word means must not depend on where it stands, so no spelling may have two meanings. No
 * colon, since what stands before one is dropped when a name is read (B22, B24).
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_spellings(what text, spellings text[],
	meant text, is_other text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF array_position(spellings, NULL) IS NOT NULL OR cardinality(spellings) > 50
		OR EXISTS (SELECT FROM unnest(spellings) s WHERE s = '' OR length(s) > 255
			OR s ~ '[[:cntrl:]:]')
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('these are no spellings of %s "%s"', what, meant),
			detail => 'Spellings are at most 50 texts of 1 to 255 characters, without colon: a '
				'prefix is ignored when they are read.');
	END IF;
	IF is_other IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'duplicate_object',
			message => format('a spelling of %s "%s" already means "%s"', what, meant, is_other),
			hint => 'SELECT * FROM casesync.event_types;');
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_spellings(text, text[], text, text) IS
	'spellings that can be read, of which none means something else, or an error';

CREATE OR REPLACE FUNCTION casesync_internal.type_spellings(name text, wire text, more text[])
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(DISTINCT lower(w))
	  FROM unnest(ARRAY[name, casesync_internal.plain_name(wire)] || coalesce(more, '{}')) w
$$;
COMMENT ON FUNCTION casesync_internal.type_spellings(text, text, text[]) IS
	'all that is read as a type of registry or event: its name, what is sent, what else is given';

/*
 * The lock comes before the look at others' spellings: two calls at once could give one word two
 * meanings.
 */
CREATE OR REPLACE FUNCTION casesync.add_registry_type(reg_type text, spellings text[] DEFAULT '{}',
	description text DEFAULT NULL, wire text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	t casesync_internal.registry_type;
	sent constant text := coalesce(wire, 'ns:org:RegistryType:' || reg_type);
	words constant text[] := casesync_internal.type_spellings(reg_type, sent, spellings);
BEGIN
	IF coalesce(reg_type, '') !~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'
		OR length(wire) NOT BETWEEN 1 AND 255
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('"%s" cannot be a registry type',
				left(coalesce(reg_type, 'NULL'), 100)),
			detail => 'A registry type is a letter and up to 62 letters, digits and underscores; '
				'what is sent has 1 to 255 characters.');
	END IF;
	LOCK TABLE casesync_internal.registry_type IN SHARE ROW EXCLUSIVE MODE;
	PERFORM casesync_internal.check_spellings('registry type', words, reg_type, (
		SELECT x.reg_type FROM casesync_internal.registry_type x
		 WHERE x.reg_type <> add_registry_type.reg_type AND x.spellings && words
		 ORDER BY x.reg_type LIMIT 1));
	INSERT INTO casesync_internal.registry_type AS x (reg_type, wire, spellings, description)
	VALUES (reg_type, sent, words, description)
	ON CONFLICT ON CONSTRAINT registry_type_pkey DO UPDATE
		SET wire = excluded.wire, spellings = excluded.spellings, description = excluded.description
	RETURNING x.* INTO t;
	PERFORM casesync_internal.audit_note('add_registry_type', reg_type, to_jsonb(t));
	RETURN format('registry type %s is sent as %s and read from %s', t.reg_type, t.wire,
		array_to_string(t.spellings, ', '));
END
$$;
COMMENT ON FUNCTION casesync.add_registry_type(text, text[], text, text) IS
	'a kind of registry of one''s own, or other spellings for one that there is';

CREATE OR REPLACE FUNCTION casesync_internal.check_event_type(event_type text, reg_type text,
	wire text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(event_type, '') !~ '^[A-Za-z][A-Za-z0-9_.-]{0,98}$'
		OR length(wire) NOT BETWEEN 1 AND 255
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('"%s" cannot be an event type',
				left(coalesce(event_type, 'NULL'), 100)),
			detail => 'An event type is a letter and up to 98 letters, digits, underscores, dots '
				'and hyphens; what is sent has 1 to 255 characters.');
	END IF;
	IF NOT EXISTS (SELECT FROM casesync_internal.registry_type x
		WHERE x.reg_type = casesync_internal.reg_type_name(check_event_type.reg_type))
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('registry type "%s" is not known',
				left(coalesce(reg_type, 'NULL'), 100)),
			hint => format('SELECT casesync.add_registry_type(%L);', left(reg_type, 100)));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_event_type(text, text, text) IS
	'what add_event_type() was given can be, or an error';

/*
 * The lock comes before the look at others' spellings, as in add_registry_type(). One event type
 * may have the same spelling in several registry types.
 */
CREATE OR REPLACE FUNCTION casesync.add_event_type(event_type text, reg_type text DEFAULT 'ESS',
	spellings text[] DEFAULT '{}', description text DEFAULT NULL, wire text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	t casesync_internal.event_type;
	kind constant text := casesync_internal.reg_type_name(reg_type);
	sent constant text := coalesce(wire, event_type);
	words constant text[] := casesync_internal.type_spellings(event_type, sent, spellings);
BEGIN
	PERFORM casesync_internal.check_event_type(event_type, reg_type, wire);
	LOCK TABLE casesync_internal.event_type IN SHARE ROW EXCLUSIVE MODE;
	PERFORM casesync_internal.check_spellings('event type', words, event_type, (
		SELECT x.event_type FROM casesync_internal.event_type x
		 WHERE x.event_type <> add_event_type.event_type AND x.spellings && words
		 ORDER BY x.event_type LIMIT 1));
	INSERT INTO casesync_internal.event_type AS x (reg_type, event_type, wire, spellings,
		description)
	VALUES (kind, event_type, sent, words, description)
	ON CONFLICT ON CONSTRAINT event_type_pkey DO UPDATE
		SET wire = excluded.wire, spellings = excluded.spellings, description = excluded.description
	RETURNING x.* INTO t;
	PERFORM casesync_internal.audit_note('add_event_type', event_type, to_jsonb(t));
	RETURN format('event type %s of %s is sent as %s and read from %s', t.event_type, t.reg_type,
		t.wire, array_to_string(t.spellings, ', '));
END
$$;
COMMENT ON FUNCTION casesync.add_event_type(text, text, text[], text, text) IS
	'an event type of one''s own for a registry type, or other spellings for one that there is';

/*
 * One's own row over a shipped one may always go: the shipped one takes its place, and nothing that
 * uses the name is left without.
 */
CREATE OR REPLACE FUNCTION casesync.drop_registry_type(reg_type text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	is_left constant boolean := EXISTS (SELECT FROM casesync_internal.registry_type x
		WHERE x.reg_type = drop_registry_type.reg_type AND x.is_shipped);
	uses text;
BEGIN
	SELECT string_agg(u.what, ', ') INTO uses FROM (
		SELECT format('registry %s', r.registry) FROM casesync_internal.registry r
		 WHERE casesync_internal.reg_type_name(r.reg_type) = drop_registry_type.reg_type
		UNION ALL
		SELECT format('event type %s', e.event_type) FROM casesync_internal.event_type e
		 WHERE e.reg_type = drop_registry_type.reg_type
		UNION ALL
		SELECT format('subscription %s', s.code) FROM casesync_internal.subscription s
		 WHERE s.reg_type = drop_registry_type.reg_type AND s.state IN ('pending', 'active')
		 LIMIT 10) u(what)
	 WHERE NOT is_left;
	IF uses IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'dependent_objects_still_exist',
			message => format('registry type "%s" is in use', reg_type),
			detail => format('By: %s.', uses));
	END IF;
	DELETE FROM casesync_internal.registry_type x
	 WHERE x.reg_type = drop_registry_type.reg_type AND NOT x.is_shipped;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('there is no registry type "%s" of your own',
				left(coalesce(reg_type, 'NULL'), 100)),
			hint => 'SELECT reg_type FROM casesync.registry_types WHERE NOT is_shipped;');
	END IF;
	PERFORM casesync_internal.audit_note('drop_registry_type', reg_type);
	RETURN format(CASE WHEN is_left THEN 'registry type %s is the shipped one again'
		ELSE 'registry type %s is forgotten' END, reg_type);
END
$$;
COMMENT ON FUNCTION casesync.drop_registry_type(text) IS
	'forget a kind of registry of one''s own; refused while in use';

/* As drop_registry_type(): what another row still explains may go. */
CREATE OR REPLACE FUNCTION casesync.drop_event_type(event_type text, reg_type text DEFAULT 'ESS')
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	kind constant text := casesync_internal.reg_type_name(reg_type);
	is_left constant boolean := EXISTS (SELECT FROM casesync_internal.event_type x
		WHERE x.event_type = drop_event_type.event_type AND (x.reg_type <> kind OR x.is_shipped));
	uses text;
BEGIN
	SELECT string_agg(u.what, ', ') INTO uses FROM (
		SELECT format('table %s', t.relation) FROM casesync_internal.tracking t
		 WHERE drop_event_type.event_type IN (t.on_insert, t.on_update, t.on_delete)
			AND NOT t.removed
		UNION ALL
		SELECT format('agreement %s', a.agreement) FROM casesync_internal.agreement a
		 WHERE drop_event_type.event_type = ANY (a.event_types) AND a.state = 'active'
		UNION ALL
		SELECT format('subscription %s', s.code) FROM casesync_internal.subscription s
		 WHERE s.event_type = drop_event_type.event_type AND s.state IN ('pending', 'active')
		 LIMIT 10) u(what)
	 WHERE NOT is_left;
	IF uses IS NOT NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'dependent_objects_still_exist',
			message => format('event type "%s" is in use', event_type),
			detail => format('By: %s.', uses));
	END IF;
	DELETE FROM casesync_internal.event_type x
	 WHERE x.event_type = drop_event_type.event_type AND x.reg_type = kind AND NOT x.is_shipped;
	IF NOT FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('there is no event type "%s" of your own for registry type "%s"',
				left(coalesce(event_type, 'NULL'), 100), left(reg_type, 100)),
			hint => 'SELECT event_type, reg_type FROM casesync.event_types WHERE NOT is_shipped;');
	END IF;
	PERFORM casesync_internal.audit_note('drop_event_type', event_type,
		jsonb_build_object('reg_type', kind));
	RETURN format('event type %s of %s is forgotten', event_type, kind);
END
$$;
COMMENT ON FUNCTION casesync.drop_event_type(text, text) IS
	'forget an event type of one''s own; refused while in use';

CREATE OR REPLACE VIEW casesync.registry_types AS
	SELECT DISTINCT ON (t.reg_type) t.reg_type, t.wire, t.spellings, t.description, t.is_shipped
	  FROM casesync_internal.registry_type t ORDER BY t.reg_type, t.is_shipped;
COMMENT ON VIEW casesync.registry_types IS 'the kinds of registries that are known';
COMMENT ON COLUMN casesync.registry_types.reg_type IS 'its name here';
COMMENT ON COLUMN casesync.registry_types.wire IS 'how it is sent';
COMMENT ON COLUMN casesync.registry_types.spellings IS
	'what is read as it, in lower case and without prefix';
COMMENT ON COLUMN casesync.registry_types.description IS 'what it is';
COMMENT ON COLUMN casesync.registry_types.is_shipped IS 'whether it came with casesync';

CREATE OR REPLACE VIEW casesync.event_types AS
	SELECT DISTINCT ON (t.reg_type, t.event_type) t.reg_type, t.event_type, t.wire, t.spellings,
		t.description, t.is_shipped
	  FROM casesync_internal.event_type t ORDER BY t.reg_type, t.event_type, t.is_shipped;
COMMENT ON VIEW casesync.event_types IS 'the event types that are known, for each kind of registry';
COMMENT ON COLUMN casesync.event_types.reg_type IS 'the registry type';
COMMENT ON COLUMN casesync.event_types.event_type IS 'its name here';
COMMENT ON COLUMN casesync.event_types.wire IS 'how it is sent';
COMMENT ON COLUMN casesync.event_types.spellings IS
	'what is read as it, in lower case and without prefix';
COMMENT ON COLUMN casesync.event_types.description IS 'what has happened';
COMMENT ON COLUMN casesync.event_types.is_shipped IS 'whether it came with casesync';
