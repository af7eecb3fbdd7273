-- A list of words, and a local code's label, is somebody's: nobody else says what partners are told.
\set ECHO none
\i test/scene/try.sql
CREATE EXTENSION casesync;
CREATE ROLE regress_a;
CREATE ROLE regress_b;
CREATE ROLE regress_c;
CREATE ROLE regress_admin;
SELECT count(casesync.grant_access(r::regrole, CASE r WHEN 'regress_admin' THEN 'admin' ELSE 'publisher' END))
  FROM unnest('{regress_a,regress_b,regress_c,regress_admin}'::text[]) r;
GRANT ALL ON SCHEMA app TO regress_a, regress_b, regress_c, regress_admin;

-- who maps the first word owns the list; others change nothing of it, a word of another directory neither
SET ROLE regress_a;
SELECT casesync.map_code('sp', 'A', 'Active'::casesync.enrolment_status);
SET ROLE regress_b;
SELECT app.try($$SELECT casesync.map_code('sp', 'A', 'Deceased'::casesync.enrolment_status)$$);
SELECT app.try($$SELECT casesync.map_code('sp', 'M', 'Male'::casesync.sex)$$);
SELECT app.try($$SELECT casesync.unmap_code('sp', 'A', NULL::casesync.enrolment_status)$$);
SELECT casesync.unmap_code('sp', 'B', NULL::casesync.enrolment_status) AS a_word_that_is_not_there;
SELECT casesync.map_code('ess', 'A', 'Inactive'::casesync.enrolment_status);
-- an administrator is no owner either
SET ROLE regress_admin;
SELECT app.try($$SELECT casesync.map_code('sp', 'A', 'Deceased'::casesync.enrolment_status)$$);
SELECT app.try($$SELECT casesync.grant_word_list('sp', 'regress_admin')$$);
-- nor is the table open, nor what works behind
SET ROLE regress_b;
SELECT app.try($$UPDATE casesync_internal.crosswalk_word SET code = 'Deceased'$$);
SELECT app.try($$UPDATE casesync_internal.word_list SET owner = 'regress_b'$$);
SELECT app.try($$INSERT INTO casesync_internal.word_list_grant VALUES ('sp', 'regress_b')$$);
SELECT app.try($$SELECT casesync_internal.map_word_for('regress_a', 'sp', 'enrolment_status', 'A', 'Deceased', true)$$);
SELECT app.try($$SELECT casesync_internal.map_word('sp', 'enrolment_status', 'A', 'Deceased', true)$$);
SELECT app.try($$SELECT casesync_internal.word_list_claim('regress_b', 'sp')$$);
RESET ROLE;
SELECT list, word, code FROM casesync.crosswalk ORDER BY 1, 2;

-- of one's own list only what is a code can be said, as the type writes it
SET ROLE regress_a;
SELECT app.try($$SELECT casesync_internal.map_word('sp', 'enrolment_status', 'I', ' 5 ', NULL)$$);
SELECT app.try($$SELECT casesync_internal.map_word('sp', 'enrolment_status', 'J', 'Nonsense', NULL)$$);
SELECT app.try($$SELECT casesync_internal.map_word('sp', 'no_directory', 'J', 'Active', NULL)$$);
SELECT app.try($$SELECT casesync_internal.map_word('sp', 'inbound', 'J', 'Active', NULL)$$);
SELECT app.try($$SELECT casesync_internal.map_word('sp', 'sex; DROP TABLE x', 'J', 'Active', NULL)$$);
SELECT app.try($$SELECT casesync_internal.map_word(NULL, NULL, NULL, NULL, NULL)$$);
SELECT app.try($$SELECT casesync_internal.map_word(' ', 'enrolment_status', 'J', 'Active', NULL)$$);
SELECT app.try($$SELECT casesync_internal.unmap_word(NULL, NULL, NULL)$$);
SELECT word, code FROM casesync.crosswalk WHERE list = 'sp' ORDER BY 1;
-- a type of one's own brings its functions along: they run with one's own rights
CREATE FUNCTION app.who(anyelement) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run by %', current_user; END $$;
CREATE DOMAIN app.trap AS casesync.enrolment_status;
ALTER DOMAIN app.trap ADD CHECK (VALUE IS NULL OR app.who(VALUE::casesync.enrolment_status));
CREATE FUNCTION app.make() RETURNS app.trap LANGUAGE plpgsql AS $$ BEGIN RETURN 'Active'; END $$;
SELECT app.try($$SELECT casesync.map_code('sp', 'T', app.make())$$);
SELECT app.try($$SELECT casesync.map_code('sp', 'T', 'x'::text)$$);
SELECT prosecdef FROM pg_proc WHERE pronamespace = 'casesync'::regnamespace AND proname IN ('map_code', 'unmap_code', 'add_local_code', 'drop_local_code') GROUP BY 1;

-- a mightier person who is made to call another's function: counts is who calls at last
SET ROLE regress_b;
CREATE FUNCTION app.lure() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RETURN casesync.map_code('sp', 'A', 'Deceased'::casesync.enrolment_status); END $$;
RESET ROLE;
SELECT app.try('SELECT app.lure()');
SET ROLE regress_a;
SELECT app.try('SELECT app.lure()');

-- consent: to one role, for as long as the owner likes; it does not go on to others
SELECT casesync.grant_word_list('sp', 'regress_b');
SET ROLE regress_b;
SELECT casesync.map_code('sp', 'S', 'Suspended'::casesync.enrolment_status);
SELECT app.try($$SELECT casesync.grant_word_list('sp', 'regress_c')$$);
SELECT app.try($$SELECT casesync.own_word_list('sp', 'regress_b')$$);
SELECT app.try($$SELECT casesync.revoke_word_list('sp', 'regress_a')$$);
SELECT * FROM casesync.word_lists ORDER BY 1;
SET ROLE regress_a;
SELECT app.try($$SELECT casesync.grant_word_list('sp', '4000000000')$$);
SELECT app.try($$SELECT casesync.grant_word_list('nothing', 'regress_b')$$);
SELECT casesync.revoke_word_list('sp', 'regress_b');
SET ROLE regress_b;
SELECT app.try($$SELECT casesync.map_code('sp', 'S', 'Active'::casesync.enrolment_status)$$);
-- membership in the owner does as well, without any grant
RESET ROLE;
GRANT regress_a TO regress_c;
SET ROLE regress_c;
SELECT casesync.map_code('sp', 'S', 'Exited'::casesync.enrolment_status);
-- a list goes to a role whose rights its owner has
SET ROLE regress_a;
SELECT app.try($$SELECT casesync.own_word_list('sp', 'regress_b')$$);
RESET ROLE;
GRANT regress_b TO regress_a;
SET ROLE regress_a;
SELECT casesync.own_word_list('sp', 'regress_b');
RESET ROLE;
REVOKE regress_b FROM regress_a;
SET ROLE regress_a;
SELECT app.try($$SELECT casesync.map_code('sp', 'S', 'Active'::casesync.enrolment_status)$$);
RESET ROLE;

-- words of nobody (their owner is gone, or they were restored without): not the first comer's; a superuser says whose
DELETE FROM casesync_internal.word_list WHERE list = 'sp';
SET ROLE regress_c;
SELECT app.try($$SELECT casesync.map_code('sp', 'S', 'Active'::casesync.enrolment_status)$$);
SELECT app.try($$SELECT casesync.own_word_list('sp', 'regress_c')$$);
RESET ROLE;
SELECT casesync.own_word_list('sp', 'regress_c');
CREATE ROLE regress_gone;
SELECT casesync.own_word_list('ess', 'regress_gone');
DROP ROLE regress_gone;
SELECT * FROM casesync.word_lists ORDER BY 1;
SET ROLE regress_c;
SELECT casesync.map_code('sp', 'S', 'Active'::casesync.enrolment_status);
SELECT app.try($$SELECT casesync.map_code('ess', 'A', 'Active'::casesync.enrolment_status)$$);
RESET ROLE;
SELECT casesync.map_code('ess', 'A', 'Active'::casesync.enrolment_status);

-- local codes belong to who labelled them
SET ROLE regress_a;
SELECT casesync.add_local_code('enrolment_status', 900, 'Waiting');
SET ROLE regress_b;
SELECT app.try($$SELECT casesync.add_local_code('enrolment_status', 900, 'Deceased twice')$$);
SELECT app.try($$SELECT casesync.drop_local_code('enrolment_status', 'local:900')$$);
SELECT app.try($$UPDATE casesync_internal.local_code SET label = 'x'$$);
SELECT app.try($$SELECT casesync_internal.add_local_code_for('regress_a', 'enrolment_status', '900', 'x', NULL)$$);
SELECT casesync.add_local_code('enrolment_status', 'local:901', 'Appealed');
SET ROLE regress_c;
SELECT casesync.add_local_code('enrolment_status', 900, 'On the list');
RESET ROLE;
SELECT casesync.drop_local_code('enrolment_status', '901');
SELECT number, label, owner FROM casesync_internal.local_code;

DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_a, regress_b, regress_c, regress_admin;
DROP ROLE regress_a, regress_b, regress_c, regress_admin;
