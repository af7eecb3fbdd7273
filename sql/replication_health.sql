-- Logical replication that takes our own tables along is said, on both sides.
CREATE EXTENSION casesync;
SET client_min_messages = error;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS set;
CREATE SCHEMA app;
CREATE TABLE app.person (id integer PRIMARY KEY);
CREATE PUBLICATION regress_some FOR TABLES IN SCHEMA app;
SELECT problem FROM casesync.health WHERE problem ~ 'publication|subscription ';
CREATE PUBLICATION regress_all FOR ALL TABLES;
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'publication|subscription ';
DROP PUBLICATION regress_all, regress_some;
-- the other side, as its catalogs are once the subscription is made
CREATE SUBSCRIPTION regress_sub CONNECTION 'dbname=nowhere' PUBLICATION x WITH (connect = false, slot_name = NONE);
SELECT problem FROM casesync.health WHERE problem ~ 'publication|subscription ';
SET allow_system_table_mods = on;
INSERT INTO pg_subscription_rel SELECT s.oid, 'casesync_internal.change_0'::regclass, 'r', NULL FROM pg_subscription s WHERE s.subname = 'regress_sub';
SELECT severity, problem, mend FROM casesync.health WHERE problem ~ 'publication|subscription ';
DELETE FROM pg_subscription_rel r USING pg_subscription s WHERE r.srsubid = s.oid AND s.subname = 'regress_sub';
RESET allow_system_table_mods;
DROP SUBSCRIPTION regress_sub;
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
