# A casework schema is dumped and restored as any application is: its rows, rules and holds are there, and it goes on being shared.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('casework');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
my $folder = $node->basedir;
my $schema = q{"Été; it's"};
$node->safe_psql('postgres', q{CREATE DATABASE app ENCODING 'UTF8' TEMPLATE template0});
$node->safe_psql('app', <<"SQL");
CREATE ROLE ministry LOGIN;
CREATE ROLE sami LOGIN;
CREATE ROLE portal LOGIN;
CREATE ROLE idp LOGIN;
CREATE EXTENSION casesync;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
SELECT casesync.grant_access('ministry', 'publisher');
SELECT casesync.grant_access('sami', 'types');
SELECT casesync.grant_access('portal', 'portal');
SELECT casesync.grant_access('idp', 'portal_login');
GRANT CREATE ON DATABASE app TO ministry;
SET SESSION AUTHORIZATION ministry;
SELECT casesync.create_casework('Été; it''s');
SELECT casesync.publish_casework('Été; it''s');
SELECT casesync.grant_casework('Été; it''s', 'sami', 'worker');
SELECT casesync.grant_casework('Été; it''s', 'portal', 'portal');
SELECT casesync.grant_casework('Été; it''s', 'idp', 'portal_login');
SET search_path = $schema, casesync, public;
UPDATE review_rule SET rule = 'before_sharing', percent = NULL WHERE event_type = 'plan_change';
INSERT INTO organisation VALUES ('sp.test', 'SP', true), ('ess.test', 'ESS', true);
INSERT INTO office (organisation, name) VALUES ('sp.test', 'S'), ('ess.test', 'E');
INSERT INTO worker (office_id, name, role, login) VALUES (1, 'Sami', 'case_manager', 'sami'), (2, 'Elin', 'counsellor', NULL), (1, 'Saba', 'supervisor', NULL), (2, 'Emil', 'supervisor', NULL);
INSERT INTO person (surname, birth_date, employment_status) VALUES ('Diop', '1990-01-01', 'Not Employed');
INSERT INTO identifier VALUES (1, 'UIN', '1');
INSERT INTO case_file (person_id, lead_organisation) VALUES (1, 'sp.test');
INSERT INTO case_party VALUES (1, 1, 'sp.test', 'case_manager', 1, 3), (1, 1, 'ess.test', 'counsellor', 2, 4);
SET casesync.actor = '1';
INSERT INTO plan (id, case_file_id) VALUES ('P', 1);
INSERT INTO action (id, plan_id, organisation, responsible, kind) VALUES ('A', 'P', 'sp.test', 'worker', 'visit');
SET casesync.actor = '2';
INSERT INTO action (id, plan_id, organisation, responsible, kind) VALUES ('B', 'P', 'ess.test', 'client', 'training');
UPDATE plan SET status = 'proposed', client_agreed_on = '2026-01-01';
SET casesync.actor = '3';
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1);
SET casesync.actor = '4';
INSERT INTO plan_approval (plan_id, plan_version) VALUES ('P', 1);
UPDATE plan SET status = 'agreed';
UPDATE plan SET status = 'active';
RESET SESSION AUTHORIZATION;
SELECT * FROM casesync_internal.route();
SQL

my $content = qq{SELECT string_agg(t, E'\\n' ORDER BY t) FROM (
	SELECT 'plan ' || p::text AS t FROM $schema.plan p UNION ALL SELECT 'action ' || a::text FROM $schema.action a
	UNION ALL SELECT 'review ' || r::text FROM $schema.review r UNION ALL SELECT 'held ' || h::text FROM $schema.held h
	UNION ALL SELECT 'trail ' || l::text FROM $schema.trail l UNION ALL SELECT 'shared ' || s::text FROM $schema.shared_member s) x};
my $before = $node->safe_psql('app', $content);
like($before, qr/^held /m, 'something is held');

$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '-f', "$folder/app.dump", 'app' ], 'it is dumped');
$node->safe_psql('postgres', q{CREATE DATABASE copy ENCODING 'UTF8' TEMPLATE template0});
$node->command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', 'copy', '--exit-on-error', "$folder/app.dump" ], 'and restored');
is($node->safe_psql('copy', $content), $before, 'all is as it was');
is($node->safe_psql('copy', 'SELECT count(*), count(*) FILTER (WHERE drift <> \'{}\') FROM casesync.tracked'), '15|0', 'tracked as before');

# As a login, with the rights that it had.
sub as_role
{
	my ($role, $database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, $sql, connstr => $node->connstr($database) . " user=$role");
	return $status == 0 ? $out : $err;
}
sub worker { return as_role('sami', @_) }
like(worker('copy', "INSERT INTO $schema.plan (case_file_id) VALUES (1)"), qr/person 1 has a plan: P, version 1, is active/, 'the rules are there');
like(worker('copy', "UPDATE $schema.action SET status = 'done' WHERE id = 'A'"), qr/nothing was delivered.*INSERT INTO \Q$schema\E\.delivery/s, 'with the statement that helps');
like(worker('copy', "DELETE FROM $schema.trail"), qr/permission denied/, 'and the rights');
is(worker('copy', "INSERT INTO $schema.delivery (plan_id, action_id) VALUES ('P', 'A'); UPDATE $schema.action SET status = 'done', row_version = 1 WHERE id = 'A'"), '', 'a worker works');
is($node->safe_psql('copy', "SELECT changed_by, row_version FROM $schema.action WHERE id = 'A'"), '1|2', 'as the one it is');
is($node->safe_psql('copy', "SELECT casesync.plan_of(record) IS NULL FROM $schema.shared_member"), 't', 'what was held is held');
like($node->safe_psql('copy', "SET casesync.actor = '3'; SELECT $schema.decide(id, 'approved') FROM $schema.review WHERE organisation = 'sp.test' AND decision IS NULL"),
	qr/^review \d+ is approved; partners go on seeing what was so before$/, 'a supervisor decides');

# A portal goes on with new tokens; those of the database before are of another one.
my ($old, $new) = map { as_role('idp', $_, "SELECT $schema.person_token(1)") } qw(app copy);
like(as_role('portal', 'app', "BEGIN; SELECT $schema.as_person('$old'); SELECT surname FROM $schema.person"), qr/^1\nDiop$/, 'a person sees the own record');
like(as_role('portal', 'copy', "SELECT $schema.as_person('$old')"), qr/this token proves nobody/, 'in the database of the token only');
like(as_role('portal', 'copy', "BEGIN; SELECT $schema.as_person('$new'); SELECT surname FROM $schema.person; UPDATE $schema.person SET phone = '1'; COMMIT"), qr/^1\nDiop$/, 'in the copy by one of its own');
like(as_role('portal', 'copy', "SELECT surname FROM $schema.person"), qr/this transaction is nobody's/, 'and nothing without');
is($node->safe_psql('copy', "SELECT login, channel, columns FROM $schema.trail ORDER BY id DESC LIMIT 1"), 'portal|beneficiary|{phone}', 'the change is the beneficiary\'s');

$node->stop;
done_testing();
