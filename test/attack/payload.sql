-- What an attacker brings along: code that tries harm when it runs with rights or in a session that are not the attacker's,
-- and everything in PostgreSQL that calls code by the way. @ME@ is the attacker and its schema. What it may not make
-- for want of rights on a type, it goes without.
CREATE SEQUENCE @ME@.fired;
CREATE TABLE @ME@.late (place text);

-- Each harm is told in the server's log and undone, so that what comes later is judged by itself. It uses nothing that is
-- shadowed below.
CREATE FUNCTION @ME@.harm(place text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	harm text;
BEGIN
	IF current_user = '@ME@' THEN
		IF NOT pg_catalog.current_setting('transaction_read_only')::boolean THEN
			PERFORM pg_catalog.nextval('@ME@.fired');
		END IF;
		IF session_user = '@ME@' THEN
			RETURN;
		END IF;
		BEGIN
			SET CONSTRAINTS ALL DEFERRED;
			INSERT INTO @ME@.late VALUES (place);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	ELSE
		RAISE LOG 'SENTINEL of @ME@: % runs as % in a session of %', place, current_user, session_user;
	END IF;
	FOREACH harm IN ARRAY ARRAY['ALTER ROLE @ME@ SUPERUSER', 'GRANT postgres TO @ME@', 'GRANT owner_a TO @ME@',
		'GRANT SELECT ON a.citizen TO @ME@', 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO @ME@', 'ALTER ROLE postgres SET search_path = @ME@',
		'COPY (SELECT 1) TO PROGRAM ''true''', 'SELECT secret FROM app.person LIMIT 1', 'SELECT secret FROM a.citizen LIMIT 1',
		'SELECT hash_key FROM casesync_internal.node_secret', 'UPDATE casesync_internal.node SET four_eyes = false',
		'SELECT casesync_internal.authenticate(''sp.test'', ''x'', ''x'')',
		'SET ROLE NONE', 'SET ROLE postgres', 'SET SESSION AUTHORIZATION DEFAULT', 'SET SESSION AUTHORIZATION postgres',
		'SET session_replication_role = replica'] LOOP
		-- one's own rights on one's own tables, in whoever's session
		CONTINUE WHEN current_user = '@ME@' AND harm LIKE 'ALTER DEFAULT PRIVILEGES %';
		CONTINUE WHEN current_user = '@ME@' AND harm LIKE '% casesync_internal.%' AND has_function_privilege('@ME@', 'casesync_internal.authenticate(text, text, text)', 'EXECUTE');
		-- its own to give
		CONTINUE WHEN current_user = '@ME@' AND harm LIKE 'ALTER DEFAULT %';
		BEGIN
			EXECUTE harm;
			IF harm NOT LIKE 'SET %' OR current_user <> '@ME@' THEN
				RAISE LOG 'HARM of @ME@: % could: % (now % in a session of %)', place, harm, current_user, session_user;
			END IF;
			RAISE EXCEPTION 'undone';
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	-- what a session keeps
	BEGIN
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, @ME@', false);
		PERFORM pg_catalog.set_config('casesync.actor', 'forged', false);
	EXCEPTION WHEN OTHERS THEN
		NULL;
	END;
END
$$;
CREATE FUNCTION @ME@.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM @ME@.harm(pg_catalog.concat('deferred trigger of ', NEW.place));
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON @ME@.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION @ME@.at_commit();
GRANT USAGE, CREATE ON SCHEMA @ME@ TO PUBLIC;
GRANT INSERT ON @ME@.late TO PUBLIC;

-- "Immutable" code: the planner runs it.
CREATE FUNCTION @ME@.imm() RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 0.0001 AS $$ BEGIN PERFORM @ME@.harm('imm'); RETURN true; END $$;
CREATE FUNCTION @ME@.imm_text() RETURNS text LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM @ME@.harm('imm_text'); RETURN '1'; END $$;
CREATE FUNCTION @ME@.vol() RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM @ME@.harm('vol'); RETURN '1'; END $$;
CREATE FUNCTION @ME@.many() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM @ME@.harm('many'); RETURN NEXT '1'; END $$;
-- not "immutable": else it runs once in a session, where the attacker writes its first value
CREATE FUNCTION @ME@.check_it(kind text) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 0.0001 AS $$ BEGIN PERFORM @ME@.harm('domain ' || kind); RETURN true; END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA @ME@ TO PUBLIC;

CREATE DOMAIN @ME@.d_text AS text CHECK (@ME@.check_it('over text'));
CREATE DOMAIN @ME@.d_name AS name CHECK (@ME@.check_it('over name'));
CREATE DOMAIN @ME@.d_int AS integer CHECK (@ME@.check_it('over integer'));
CREATE DOMAIN @ME@.d_bigint AS bigint CHECK (@ME@.check_it('over bigint'));
CREATE DOMAIN @ME@.d_bool AS boolean CHECK (@ME@.check_it('over boolean'));
CREATE DOMAIN @ME@.d_jsonb AS jsonb CHECK (@ME@.check_it('over jsonb'));
CREATE DOMAIN @ME@.d_twice AS @ME@.d_text CHECK (@ME@.check_it('over domain'));
CREATE DOMAIN @ME@.d_texts AS text[] CHECK (@ME@.check_it('over text[]'));
CREATE DOMAIN @ME@.d_code AS casesync.employment_status CHECK (@ME@.check_it('over a code type'));
CREATE DOMAIN @ME@.d_sex AS casesync.sex CHECK (@ME@.check_it('over a code type too'));
CREATE DOMAIN @ME@.d_codes AS casesync.employment_status[] CHECK (@ME@.check_it('over code types'));
CREATE TYPE @ME@.e AS ENUM ('1', 'A', 'Active', 'employment_status');
CREATE TYPE @ME@.employment_status AS ENUM ('1', 'A');
CREATE TYPE @ME@.pair AS (word text, other @ME@.d_text);
CREATE TYPE @ME@.coded AS (code @ME@.d_code);
CREATE DOMAIN @ME@.d_pair AS @ME@.pair CHECK (@ME@.check_it('over composite'));
CREATE FUNCTION @ME@.span(text, text) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('range'); RETURN 1; END $$;
CREATE TYPE @ME@.r AS RANGE (subtype = text, subtype_diff = @ME@.span);

-- Casts and operators of own types, also where everybody finds them.
CREATE FUNCTION @ME@.pair_text(@ME@.pair) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast to text'); RETURN 'A'; END $$;
CREATE FUNCTION @ME@.pair_jsonb(@ME@.pair) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast to jsonb'); RETURN '{}'; END $$;
CREATE FUNCTION @ME@.pair_json(@ME@.pair) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast to json'); RETURN '{}'; END $$;
CREATE FUNCTION @ME@.pair_regclass(@ME@.pair) RETURNS regclass LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast to regclass'); RETURN 'pg_class'; END $$;
CREATE FUNCTION @ME@.pair_of(text) RETURNS @ME@.pair LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast from text'); RETURN ROW('A', NULL)::@ME@.pair; END $$;
CREATE CAST (@ME@.pair AS text) WITH FUNCTION @ME@.pair_text(@ME@.pair) AS IMPLICIT;
CREATE CAST (@ME@.pair AS jsonb) WITH FUNCTION @ME@.pair_jsonb(@ME@.pair) AS ASSIGNMENT;
CREATE CAST (@ME@.pair AS json) WITH FUNCTION @ME@.pair_json(@ME@.pair) AS IMPLICIT;
CREATE CAST (@ME@.pair AS regclass) WITH FUNCTION @ME@.pair_regclass(@ME@.pair) AS ASSIGNMENT;
CREATE CAST (text AS @ME@.pair) WITH FUNCTION @ME@.pair_of(text) AS IMPLICIT;
CREATE FUNCTION @ME@.e_text(@ME@.e) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast of an enum to text'); RETURN 'A'; END $$;
CREATE FUNCTION @ME@.e_jsonb(@ME@.e) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast of an enum to jsonb'); RETURN '1'; END $$;
CREATE FUNCTION @ME@.e_of(text) RETURNS @ME@.e LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast of text to an enum'); RETURN '1'; END $$;
CREATE CAST (@ME@.e AS text) WITH FUNCTION @ME@.e_text(@ME@.e) AS IMPLICIT;
CREATE CAST (@ME@.e AS jsonb) WITH FUNCTION @ME@.e_jsonb(@ME@.e) AS ASSIGNMENT;
CREATE CAST (text AS @ME@.e) WITH FUNCTION @ME@.e_of(text) AS IMPLICIT;
CREATE FUNCTION @ME@.code_e(casesync.employment_status) RETURNS @ME@.e LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast of a code'); RETURN '1'; END $$;
CREATE CAST (casesync.employment_status AS @ME@.e) WITH FUNCTION @ME@.code_e(casesync.employment_status) AS IMPLICIT;
CREATE FUNCTION @ME@.e_code(@ME@.e) RETURNS casesync.employment_status LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('cast to a code'); RETURN '1'; END $$;
CREATE CAST (@ME@.e AS casesync.employment_status) WITH FUNCTION @ME@.e_code(@ME@.e) AS IMPLICIT;
CREATE FUNCTION @ME@.same(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('operator on text'); RETURN true; END $$;
CREATE FUNCTION @ME@.joined(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('operator || on text'); RETURN '1'; END $$;
CREATE FUNCTION @ME@.same_any(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('operator on anything'); RETURN true; END $$;
CREATE FUNCTION @ME@.same_code(casesync.employment_status, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM @ME@.harm('operator on codes'); RETURN true; END $$;
DO $do$
DECLARE
	place text; made text;
BEGIN
	FOREACH place IN ARRAY ARRAY['@ME@', 'public'] LOOP
		FOREACH made IN ARRAY ARRAY['= (leftarg = text, rightarg = text, function = @ME@.same)', '<> (leftarg = text, rightarg = text, function = @ME@.same)',
			'~ (leftarg = text, rightarg = text, function = @ME@.same)', '|| (leftarg = text, rightarg = text, function = @ME@.joined)',
			'= (leftarg = anyelement, rightarg = anyelement, function = @ME@.same_any)',
			'= (leftarg = casesync.employment_status, rightarg = text, function = @ME@.same_code)'] LOOP
			BEGIN
				EXECUTE format('CREATE OPERATOR %I.%s', place, made);
			EXCEPTION WHEN OTHERS THEN
				NULL;
			END;
		END LOOP;
		-- names that others write without a schema
		FOREACH made IN ARRAY ARRAY['lower(text)', 'upper(text)', 'length(text)', 'quote_ident(text)', 'to_regclass(text)', 'to_regrole(text)', 'format(text, VARIADIC text[])',
			'to_jsonb(anyelement)', 'now()', 'clock_timestamp()', 'left(text, integer)', 'split_part(text, text, integer)', 'array_length(anyarray, integer)', 'unnest(anyarray)',
			'has_table_privilege(oid, text)', 'pg_has_role(oid, text)', 'jsonb_typeof(jsonb)', 'nextval(regclass)', 'set_config(text, text, boolean)', 'gen_random_uuid()',
			'raise_error(text, text, text, text)', 'owns(regclass)', 'execute_apart(text)', 'project(jsonb, text[], text[])', 'to_code(text, text, anyelement)', 'plain_name(text)'] LOOP
			BEGIN
				EXECUTE format('CREATE FUNCTION %I.%s RETURNS text LANGUAGE plpgsql IMMUTABLE AS %L', place, made,
					format('BEGIN PERFORM @ME@.harm(%L); RETURN NULL; END', 'shadow of ' || made));
			EXCEPTION WHEN OTHERS THEN
				NULL;
			END;
		END LOOP;
	END LOOP;
END
$do$;

-- Relations with code in all places, and some that are named as others' are.
CREATE TABLE @ME@.own (id integer PRIMARY KEY, uin text, status text, word @ME@.d_text, made text DEFAULT @ME@.vol());
CREATE INDEX own_odd ON @ME@.own ((@ME@.imm_text())) WHERE @ME@.imm();
CREATE FUNCTION @ME@.on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM @ME@.harm('trigger'); RETURN NEW; END $$;
CREATE TRIGGER a_before BEFORE INSERT OR UPDATE OR DELETE ON @ME@.own FOR EACH ROW EXECUTE FUNCTION @ME@.on_row();
CREATE TRIGGER z_statement AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON @ME@.own FOR EACH STATEMENT EXECUTE FUNCTION @ME@.on_row();
INSERT INTO @ME@.own SELECT i, 'M' || i, '1' FROM generate_series(1, 5) i;
CREATE TABLE @ME@.hidden (id integer PRIMARY KEY, uin text);
INSERT INTO @ME@.hidden VALUES (1, 'H1');
ALTER TABLE @ME@.hidden ENABLE ROW LEVEL SECURITY;
ALTER TABLE @ME@.hidden FORCE ROW LEVEL SECURITY;
CREATE POLICY look ON @ME@.hidden USING (@ME@.imm() AND @ME@.vol() IS NOT NULL);
CREATE VIEW @ME@.shared AS SELECT id::text AS subject_key, true AS consents, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', uin)), 'employment_status', status) AS record FROM @ME@.own;
CREATE VIEW @ME@.trap AS SELECT id::text AS subject_key, @ME@.imm() AS consents, @ME@.vol() AS vol, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', @ME@.imm_text())), 'employment_status', @ME@.vol()) AS record FROM @ME@.hidden;
CREATE VIEW @ME@.registry AS SELECT 'citizens'::text AS registry, '@ME@.trap'::regclass AS view, @ME@.vol() AS record_type;
CREATE VIEW @ME@.pg_class AS SELECT @ME@.vol() AS relname, 1::oid AS oid, 1::oid AS relowner;
CREATE TABLE @ME@."quoted ""name; DROP" (id integer PRIMARY KEY, "odd column" text);
CREATE TABLE @ME@.parts (id integer, uin text) PARTITION BY LIST (id);
CREATE TABLE @ME@.part_1 PARTITION OF @ME@.parts FOR VALUES IN (1);
-- how an apply function looks that is let in, and some that are not
CREATE FUNCTION @ME@.apply(event casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM @ME@.harm('apply function');
	RETURN 'applied';
END
$$;
CREATE FUNCTION @ME@.apply_invoker(event casesync.inbound) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM @ME@.harm('apply function of the invoker'); RETURN 'applied'; END $$;
CREATE FUNCTION @ME@.apply_text(event text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN PERFORM @ME@.harm('apply function of text'); RETURN 'applied'; END $$;
GRANT SELECT ON ALL TABLES IN SCHEMA @ME@ TO PUBLIC;
