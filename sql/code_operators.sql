-- Order, indexes, hashing, joins and partitions of code types.
SET client_min_messages = warning;
CREATE EXTENSION casesync;
CREATE SCHEMA code_operators_test;
-- Operators are found with every search_path, also with none.
SET search_path = '';
SELECT 'Active'::casesync.enrolment_status = '1' AS eq, 'Active'::casesync.enrolment_status <> '1' AS ne,
	   'Active'::casesync.enrolment_status < 'Deceased' AS lt, 'Active'::casesync.enrolment_status <= 'Active' AS le,
	   'Active'::casesync.enrolment_status > 'Deceased' AS gt, 'Active'::casesync.enrolment_status >= 'Deceased' AS ge,
	   NULL::casesync.enrolment_status = 'Active' AS unknown,
	   'Exited'::casesync.enrolment_status IS DISTINCT FROM '3' AS distinct,
	   'Exited'::casesync.enrolment_status IN ('Active', '3') AS in,
	   'Exited'::casesync.enrolment_status BETWEEN 'Active' AND 'Suspended' AS between;
-- Untyped literals are still texts: no operator of ours is preferred.
SELECT 'b' > 'a' AS text_order, pg_typeof(CASE WHEN 'b' = 'b' THEN 'x' END);
SET search_path = code_operators_test;

-- Order is that of the directory, not of the alphabet; local codes come last.
SELECT s FROM unnest('{local:901,Exited,NULL,Active,Awaiting Renewal,Deceased,local:900,Exited}'::casesync.enrolment_status[]) s
 ORDER BY s;
SELECT s, count(*) FROM unnest('{Exited,local:900,Active,Exited}'::casesync.enrolment_status[]) s GROUP BY s ORDER BY s DESC;
SELECT '{Active,Exited}'::casesync.enrolment_status[] < '{Active,Suspended}'::casesync.enrolment_status[] AS arrays,
	   ('Exited'::casesync.enrolment_status, 1) < ('Suspended'::casesync.enrolment_status, 0) AS rows;

CREATE TABLE enrolment (id integer PRIMARY KEY, status casesync.enrolment_status, number smallint);
INSERT INTO enrolment SELECT i, (1 + i % 7)::casesync.enrolment_status, 1 + i % 7 FROM generate_series(1, 20000) i;
INSERT INTO enrolment VALUES (0, 'local:900', 900);
CREATE INDEX enrolment_status ON enrolment (status);
CREATE INDEX enrolment_number ON enrolment (number);
CREATE INDEX enrolment_hash ON enrolment USING hash (status);
ANALYZE enrolment;
-- Deduplicated like an index on int2.
SELECT pg_relation_size('enrolment_status') = pg_relation_size('enrolment_number') AS same_size,
	   pg_relation_size('enrolment_status') < 20000 * 16 AS deduplicated;
SELECT count(*) FROM enrolment WHERE (status::integer = number) IS NOT TRUE;

SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM enrolment WHERE status = 'local:900';
SELECT id FROM enrolment WHERE status = 'local:900';
DROP INDEX enrolment_hash;
EXPLAIN (COSTS OFF) SELECT count(*) FROM enrolment WHERE status >= '7';
SELECT count(*) FROM enrolment WHERE status >= '7';
SELECT count(*) FROM enrolment WHERE status = ANY ('{1,local:900}');
SELECT DISTINCT status FROM enrolment ORDER BY status;
DROP INDEX enrolment_status;
CREATE INDEX enrolment_hash ON enrolment USING hash (status);
EXPLAIN (COSTS OFF) SELECT id FROM enrolment WHERE status = 'local:900';
SELECT id FROM enrolment WHERE status = 'local:900';
DROP INDEX enrolment_hash;
CREATE UNIQUE INDEX enrolment_partial ON enrolment (status) WHERE status >= 'local:900';
EXPLAIN (COSTS OFF) SELECT id FROM enrolment WHERE status = 'local:900';
INSERT INTO enrolment VALUES (-1, 'local:900', 900);
RESET enable_seqscan;
RESET enable_bitmapscan;

-- Joins and groups, each way.
CREATE TABLE word (status casesync.enrolment_status PRIMARY KEY, word text);
INSERT INTO word SELECT canonical, upper(label) FROM casesync.code_directory WHERE directory = 'enrolment_status';
ANALYZE word;
SET enable_nestloop = off;
SET enable_hashjoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM enrolment JOIN word USING (status);
SELECT count(*) FROM enrolment JOIN word USING (status);
SET enable_hashjoin = on;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM enrolment JOIN word USING (status);
SELECT count(*) FROM enrolment JOIN word USING (status);
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT status, count(*) FROM enrolment GROUP BY status;
SELECT sum(n) FROM (SELECT status, count(*) AS n FROM enrolment GROUP BY status) g;
SET enable_sort = on;
SET enable_hashagg = off;
SELECT status, count(*) FROM enrolment GROUP BY status ORDER BY status;
RESET ALL;
SET client_min_messages = warning;
SET search_path = code_operators_test;
SELECT status FROM enrolment EXCEPT SELECT status FROM word;

-- Partitions by list, range and hash; pruning.
CREATE TABLE by_list (status casesync.enrolment_status, id integer) PARTITION BY LIST (status);
CREATE TABLE by_list_open PARTITION OF by_list FOR VALUES IN ('Active', 'Reinstated', 'local:900');
CREATE TABLE by_list_rest PARTITION OF by_list DEFAULT;
CREATE TABLE by_list_again PARTITION OF by_list FOR VALUES IN ('1');
INSERT INTO by_list SELECT status, id FROM enrolment;
SELECT tableoid::regclass, count(*), min(status::integer), max(status::integer) FROM by_list GROUP BY 1 ORDER BY 1;
EXPLAIN (COSTS OFF) SELECT * FROM by_list WHERE status = 'local:900';
CREATE TABLE by_range (status casesync.enrolment_status) PARTITION BY RANGE (status);
CREATE TABLE by_range_standard PARTITION OF by_range FOR VALUES FROM (MINVALUE) TO ('local:900');
CREATE TABLE by_range_local PARTITION OF by_range FOR VALUES FROM ('local:900') TO (MAXVALUE);
INSERT INTO by_range VALUES ('Awaiting Renewal'), ('local:900'), ('local:32767');
SELECT tableoid::regclass, count(*) FROM by_range GROUP BY 1 ORDER BY 1;
CREATE TABLE by_hash (status casesync.enrolment_status) PARTITION BY HASH (status);
CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO by_hash SELECT status FROM enrolment;
SELECT count(*) FROM by_hash WHERE status = 'local:900';
-- The same hash as int2, so that nothing of ours decides where a row lies.
SELECT count(*) AS other_hash FROM generate_series(900, 2000) n
 WHERE casesync_internal.code_hash(n::casesync.sex) <> hashint2(n::smallint)
	OR casesync_internal.code_hash_extended(n::casesync.sex, 42) <> hashint2extended(n::smallint, 42);

-- MERGE and ON CONFLICT.
MERGE INTO word w USING (VALUES ('1'::casesync.enrolment_status, 'ACTIF')) v(status, word) ON w.status = v.status
 WHEN MATCHED THEN UPDATE SET word = v.word;
INSERT INTO word VALUES ('01', 'EN COURS') ON CONFLICT (status) DO UPDATE SET word = word.word || '/' || excluded.word RETURNING *;

DROP SCHEMA code_operators_test CASCADE;
DROP EXTENSION casesync CASCADE;
