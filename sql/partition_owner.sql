CREATE EXTENSION casesync;
\i test/scene/capture.sql

-- a DBA tracks a table of somebody who has no access of casesync's, and who goes on making partitions ---------------
CREATE ROLE regress_owner;
CREATE ROLE regress_clerk;
GRANT regress_owner TO regress_clerk;
CREATE SCHEMA pay AUTHORIZATION regress_owner;
SET ROLE regress_owner;
CREATE TABLE pay.payment (id integer, person_id integer, month date) PARTITION BY RANGE (month);
CREATE TABLE pay.november PARTITION OF pay.payment FOR VALUES FROM ('2026-11-01') TO ('2026-12-01');
RESET ROLE;
SELECT casesync.track('pay.payment', '{people}', 'person_id', on_insert => 'enrolment');
SET ROLE regress_owner;
CREATE TABLE pay.december PARTITION OF pay.payment FOR VALUES FROM ('2026-12-01') TO ('2027-01-01');
CREATE TABLE pay.january (LIKE pay.payment);
ALTER TABLE pay.payment ATTACH PARTITION pay.january FOR VALUES FROM ('2027-01-01') TO ('2027-02-01');
INSERT INTO pay.payment VALUES (1, 1, '2026-11-05'), (2, 2, '2026-12-05'), (3, 3, '2027-01-05');
ALTER TABLE pay.payment DETACH PARTITION pay.november;
INSERT INTO pay.november VALUES (4, 4, '2026-11-06');
SET ROLE regress_clerk;
CREATE TABLE pay.february PARTITION OF pay.payment FOR VALUES FROM ('2027-02-01') TO ('2027-03-01');
RESET ROLE;
SELECT tab, op, key FROM seen();
-- more than that the right is not
SET ROLE regress_owner;
SELECT casesync_internal.capture_change();
CREATE TABLE pay.other (id integer, person_id integer);
SELECT casesync.track('pay.other', '{people}', 'person_id', on_insert => 'enrolment');
RESET ROLE;
-- it changes hands: the new owner has the right from retrack() on
CREATE ROLE regress_heir;
ALTER TABLE pay.payment OWNER TO regress_heir;
GRANT USAGE, CREATE ON SCHEMA pay TO regress_heir;
SET ROLE regress_heir;
CREATE TABLE pay.march PARTITION OF pay.payment FOR VALUES FROM ('2027-03-01') TO ('2027-04-01');
RESET ROLE;
SELECT casesync.retrack('pay.payment');
SET ROLE regress_heir;
CREATE TABLE pay.march PARTITION OF pay.payment FOR VALUES FROM ('2027-03-01') TO ('2027-04-01');
RESET ROLE;

RESET search_path;
DROP OWNED BY regress_owner, regress_heir CASCADE;
DROP ROLE regress_clerk, regress_owner, regress_heir;
DROP SCHEMA app CASCADE;
DROP EXTENSION casesync CASCADE;
