-- Conditions of trackings and agreements are made of a closed list: whoever reads one runs nothing that a user wrote.
CREATE EXTENSION casesync;
SET client_min_messages = warning;
CREATE SCHEMA app;
SET search_path = app;
CREATE ROLE regress_writer LOGIN;
SELECT casesync.grant_access('regress_writer', 'publisher');
GRANT ALL ON SCHEMA app TO regress_writer;

-- what runs leaves a trace, as whom it ran
CREATE TABLE ran (who name);
GRANT INSERT, SELECT ON ran TO PUBLIC;
CREATE FUNCTION run() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO app.ran VALUES (current_user); RETURN true; END $$;
SET ROLE regress_writer;
CREATE FUNCTION evil() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
	RAISE WARNING 'runs as %', current_user; PERFORM app.run(); RETURN true; END $$;
CREATE FUNCTION evil(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()';
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE DOMAIN few AS integer CHECK (app.evil() OR VALUE < 10);
CREATE DOMAIN word AS text CHECK (app.evil());
CREATE DOMAIN words AS text[] CHECK (app.evil());
CREATE TYPE comp AS (f few);
CREATE DOMAIN comps AS comp CHECK (app.evil());
CREATE TYPE fewrange AS RANGE (subtype = few);
CREATE TYPE pair AS (a integer, b integer);
CREATE FUNCTION takes(comp) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()';
CREATE FUNCTION takes_few(few) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()';
CREATE FUNCTION word_of(colour) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.evil(); RETURN 'red'; END $$;
CREATE FUNCTION same(integer, comp) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()';
CREATE OPERATOR === (FUNCTION = same, LEFTARG = integer, RIGHTARG = comp);
CREATE FUNCTION more(text, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()';
CREATE OPERATOR > (FUNCTION = more, LEFTARG = text, RIGHTARG = integer);
CREATE FUNCTION lower(comp) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()::text';
CREATE TABLE thing (id integer, name text, amount numeric, at timestamptz, born date, flag boolean, tags text[], body jsonb, c colour,
	few few, w word, ws words, comp comp, comps comps, fews few[], comp_array comp[], r fewrange, p pair, span daterange, sex casesync.sex, code varchar(5), x xml, o oid, cls regclass);
CREATE FUNCTION extra(thing) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT app.evil()';
CREATE COLLATION mine FROM "C";
CREATE VIEW things AS SELECT id::text AS subject_key, '{}'::jsonb AS record FROM thing;
SELECT * FROM casesync.publish('things', 'things', 'Member');
CREATE FUNCTION says(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text; code text;
BEGIN
	RETURN (SELECT plain FROM casesync_internal.row_expression('app.thing', 'condition', condition, 'app, pg_catalog'));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
RESET ROLE;

-- allowed, and what becomes of it
SELECT c AS allowed, says(c) FROM unnest(ARRAY['flag', 'thing.flag', 'app.thing.flag', 'id = 3', 'id IN (3, 7)', 'id = ANY (''{3,7}'')', 'id BETWEEN 1 AND 9', 'NOT flag OR name IS NULL', 'flag IS NOT TRUE',
	'name LIKE ''a%'' AND name !~ ''b''', 'name ILIKE ''a%''', 'name SIMILAR TO ''(a|b)%''', 'lower(name) = ''x''', 'pg_catalog.lower(name) = ''x''', 'coalesce(name, '''') <> ''''', 'nullif(name, '''') IS NULL',
	'greatest(id, 3) > least(4, id)', 'CASE id WHEN 1 THEN true ELSE flag END', 'CASE WHEN id > 1 THEN flag END', 'name IS DISTINCT FROM ''x''', 'born > ''1990-01-01''', 'born + interval ''18 years'' < ''2020-01-01''',
	'extract(year FROM born) > 1990', 'born - 3 > date ''2000-01-01''', 'amount::integer > 3', 'amount > 1e3', 'id::text || name = ''3x''', 'tags @> ARRAY[''a'']', 'tags[1] = ''a''', '''a'' = ANY (tags)', 'tags = ''{a}''',
	'body ->> ''k'' = ''v''', 'body @> ''{"a": 1}''', 'body ? ''a''', '(body #>> ''{a,b}'')::integer = 3', 'body[''a''] = ''1''', 'c = ''red''', 'c::text = ''red''', 'c = ''red''::colour', 'c > ''red''', 'c IN (''red'', ''green'')',
	'few = 3', 'few IN (1, 2)', 'w = ''x''', 'lower(w) = ''x''', 'coalesce(w, ''x'') = ''y''', 'ws[1] = ''x''', 'ws = ''{x}''', 'span @> born', 'span && ''[2020-01-01,2020-02-01)''', 'sex = ''Female''', 'sex = ''F''::casesync.sex',
	'casesync.code(sex) = ''2''', 'code(sex) = ''2''', 'casesync.is_email(name)', 'name COLLATE "C" < ''b''', 'name COLLATE mine < ''b''', 'code = ''abc''', 'code = ''abc''::varchar(2)', 'x IS NULL', 'length(name) BETWEEN SYMMETRIC 9 AND 1',
	'make_date(2020, 1, 1) < born', 'make_interval(days => 3) > interval ''1 day''', 'substring(name FROM 1 FOR 2) = ''ab''', 'trim(name) = ''a''', 'position(''a'' IN name) > 0', 'o = 1', 'num_nonnulls(id) IS NULL', '$$x$$ = name']) c;
-- whatever the session's style
SET datestyle = 'SQL, DMY';
SELECT says($$born > '02/01/1990' AND born + interval '18 years' < '31/01/2020'$$);
RESET datestyle;
-- written out, it is understood the same: nothing in it is read anew by what surrounds it
SELECT bool_and(says(says(c)) = says(c)) AS stays FROM unnest(ARRAY['few = 3', 'coalesce(w, ''x'') = ''y''', 'ws = ''{x}''', 'c = ''red''', 'name COLLATE mine < ''b''', 'code = ''abc''::varchar(2)', 'sex = ''Female''',
	'id = ANY (''{3,7}'')', 'span && ''[2020-01-01,2020-02-01)''', 'body[''a''] = ''1''', 'extract(year FROM born) > 1990', 'name SIMILAR TO ''(a|b)%''']) c;

-- refused, and nothing ran: functions
SELECT c AS refused, says(c) FROM unnest(ARRAY['app.evil()', 'evil()', 'evil(''x'')', 'app.evil(name)', 'id = 1 AND (flag OR evil())', 'CASE WHEN flag THEN evil() END', 'coalesce(flag, evil())', 'evil(lower(name))', 'lower(''(1)''::comp) = ''x''',
	'takes(''(1)'')', 'app.takes(''(1)'')', 'takes_few(''1'')', 'app.word_of(''red'') = ''x''', 'thing.extra', 'extra(thing)', '(thing).extra', '(c).word_of = ''red''', 'id === ''(1)''', 'id OPERATOR(app.===) ''(1)''', 'name OPERATOR(app.>) 3', 'name > 3',
	'pg_sleep(1) IS NULL', 'random() > 0.5', 'now() > at', 'at > ''now''::text::timestamptz', 'at::text = ''x''', 'age(at) > ''1 day''', 'to_tsvector(''simple'', name) @@ ''x''', 'nextval(''s'') > 0', 'set_config(''role'', ''postgres'', false) = ''''',
	'current_setting(''role'') = ''x''', 'query_to_xml(''SELECT app.run()'', true, true, '''') IS NULL', 'satisfies_hash_partition(1, 2, 1, name)', 'ts_rewrite(''a'', ''SELECT 1'') IS NULL', 'pg_read_file(''/etc/passwd'') = ''''',
	'has_table_privilege(''app.thing'', ''SELECT'')', 'pg_catalog.pg_get_viewdef(''app.things''::regclass) = ''''', 'casesync_internal.owner_query(''regress_writer'', ''app.thing'', ''SELECT 1'', 1) IS NULL', 'casesync.to_word(''a'', name) = ''''', 'casesync.track(''app.thing'', ''{a}'', ''id'') = ''''',
	'casesync_internal.filter_matches(''{}'', ''{}'')', 'num_nulls(id, name) = 0', 'count(*) > 1', 'sum(id) OVER () > 1', 'generate_series(1, id) > 1', 'unnest(tags) = ''a''', 'lower(name, name) = ''x''', 'nothing(name)']) c;
-- types, of literals, casts and columns
SELECT c AS refused, says(c) FROM unnest(ARRAY['''(1)''::comp IS NULL', '''(1)''::app.comp IS NOT NULL', '''{(1)}''::comp[] IS NULL', '''(1)''::comps IS NULL', 'CAST(''1'' AS few) = 1', '3::few = 3', 'few ''3'' = 3', '''x''::word = ''x''', '''{x}''::words IS NULL',
	'''[1,2]''::fewrange IS NULL', '''{1}''::few[] IS NULL', '''{"[1,2]"}''::fewrange[] IS NULL', '''{[1,2]}''::fewmultirange IS NULL', '''(1)''::thing IS NULL', 'app.comp(''(1)'') IS NULL', 'comp(''(1)'') IS NULL', 'few(''1'') = 1', 'few(id) = 1', 'comp IS NULL', 'comp = ''(1)''',
	'(comp).f = 1', 'comps = ''(1)''', 'comp_array = ''{(1)}''', 'fews = ''{1}''', 'fews[1] = 1', 'fews @> ''{1}''', 'ARRAY[few] = ''{1}''', 'ARRAY[w, ''x''] = ''{1}''', 'r = ''[1,2]''', 'r @> 1', 'p = ''(1,2)''', 'p.a = 1', '(p).a = 1', '(id, name) = (1, ''x'')', 'ROW(id, name) IS NULL',
	'ROW(1)::comp IS NULL', '(id, name) IN ((1, ''x''))', 'o = ''app.thing''::regclass', 'cls = ''app.thing''', '''app.evil()''::regprocedure IS NULL', '''x''::name[] IS NULL AND ''x''::unknown = name', '''x''::record IS NULL', 'id::few = 1', 'w::few = 1', 'name::xid8 IS NULL OR ''x''::cstring IS NULL', 'name::nothing = 1']) c;
-- and all that is no expression over the row
SELECT c AS refused, says(c) FROM unnest(ARRAY['EXISTS (SELECT 1)', '(SELECT app.evil())', 'id IN (SELECT 1)', 'id = ANY (ARRAY(SELECT 1))', '$1', '$1 = 1', 'thing IS NULL', 'thing.* IS NULL', 'thing = ROW(1)', 'ctid IS NULL', 'tableoid = 1', 'current_user = name', 'current_date > born',
	'localtimestamp > at', 'xmlparse(content ''<a/>'') IS NULL', 'x IS DOCUMENT', 'xmlserialize(content x AS text) = ''''', 'grouping(id) = 1', 'flag; SELECT app.run()', 'flag) OR (true', 'flag WHERE true', 'flag AS x', 'flag, flag', '', 'DEFAULT', 'nothing', 'old.flag']) c;
-- casts of users' types by users' functions, and such an enum where a literal could be one
SET ROLE regress_writer;
CREATE CAST (colour AS text) WITH FUNCTION app.word_of(colour) AS IMPLICIT;
RESET ROLE;
SELECT c AS refused, says(c) FROM unnest(ARRAY['c::text = ''red''', 'lower(c) = ''red''', 'c LIKE ''r%''', 'c || ''x'' = ''redx''', 'coalesce(name, c) = ''red''', '''red''::colour::text = ''red''']) c;
SELECT says('c = ''red''') AS still;
-- a type whose own operators are not ours is not taken for another one without a word
SET ROLE regress_writer;
DROP CAST (colour AS text);
RESET ROLE;
CREATE TYPE folded;
CREATE FUNCTION folded_in(cstring) RETURNS folded LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION folded_out(folded) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE folded (INPUT = folded_in, OUTPUT = folded_out, LIKE = text);
CREATE CAST (folded AS text) WITHOUT FUNCTION AS IMPLICIT;
ALTER TABLE thing ADD COLUMN f folded;
SELECT c, says(c) FROM unnest(ARRAY['f = ''x''', 'lower(f) = ''x''', 'f::text = ''x''', 'f IS NULL']) c;
SELECT count(*) AS ran FROM ran;

-- the same list for agreements, whoever owns the view; and the errors in full
SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false);
SELECT casesync.set_partner('p', 'https://p.example');
\set VERBOSITY default
SELECT casesync.set_agreement('A', 'p', registries => '{things}', subjects => 'app.evil()');
SELECT casesync.set_agreement('A', 'p', registries => '{things}', subjects => $$'(1)'::app.comp IS NOT NULL$$);
SELECT casesync.set_agreement('A', 'p', registries => '{things}', subjects => 'app.nothing()');
SELECT casesync.set_agreement('A', 'p', registries => '{things}', subjects => $$subject_key OPERATOR(pg_catalog.~>) 'x'$$);
SET ROLE regress_writer;
SELECT casesync.track('thing', '{things}', 'id', on_insert => 'enrolment', condition => 'evil()');
SELECT casesync.track('thing', '{things}', 'id', on_insert => 'enrolment', condition => 'now() > at');
SELECT casesync.track('thing', '{things}', 'id', on_insert => 'enrolment', condition => 'comp IS NULL');
-- the way out: a column, whose owner answers for it
CREATE FUNCTION matters(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 1';
ALTER TABLE thing ADD COLUMN matters boolean GENERATED ALWAYS AS (app.matters(id)) STORED;
SELECT casesync.track('thing', '{things}', 'id', on_insert => 'enrolment', columns => '{name}', condition => 'matters');
INSERT INTO thing (id, name) VALUES (1, 'a'), (2, 'b');
RESET ROLE;
SELECT key FROM casesync_internal.change;
-- a column of a domain in a condition: read, and never become one
SET ROLE regress_writer;
ALTER TABLE thing DROP COLUMN comps;
SELECT casesync.track('thing', '{things}', 'id', on_update => 'enrolment', columns => '{name}', condition => $$coalesce(w, 'x') = 'y' AND few = 3$$);
RESET ROLE;
SELECT condition FROM casesync_internal.tracking ORDER BY id DESC LIMIT 1;
-- the DBA makes the triggers anew: nothing runs
DELETE FROM ran;
SELECT casesync.retrack();
SELECT count(*) AS ran FROM ran;

-- a condition that an older version took, and that is not of the list: capture goes on, retrack() says which, and nothing is lost
UPDATE casesync_internal.tracking SET condition = 'app.evil()' WHERE condition = 'matters';
SELECT casesync.retrack();
SELECT casesync.retrack('thing');
SELECT count(*) AS ran FROM ran;
INSERT INTO thing (id, name) VALUES (3, 'c');
SELECT key FROM casesync_internal.change ORDER BY id;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'thing'::regclass AND tgname ~ '^casesync_';

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_writer;
DROP ROLE regress_writer;
