# pg_dump as DBAs call it: by a role that may read all data, in parallel under load, without a tracked table, schema only.
# Nothing on stderr, exit 0; and where it is restored applications write.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dumped');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
my $folder = $node->basedir;
$node->safe_psql('postgres', q{CREATE DATABASE app ENCODING 'UTF8' TEMPLATE template0});
$node->safe_psql('app', <<'SQL');
CREATE ROLE app_owner LOGIN;
CREATE ROLE night LOGIN;
GRANT pg_read_all_data TO night;
CREATE EXTENSION casesync;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
SELECT casesync.grant_access('app_owner', 'publisher');
CREATE SCHEMA app AUTHORIZATION app_owner;
SET SESSION AUTHORIZATION app_owner;
CREATE TABLE app.person (id integer PRIMARY KEY, status text, n integer DEFAULT 0);
CREATE VIEW app.people AS SELECT id AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', status) AS record FROM app.person;
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change',
	on_delete => 'enrolment_status_change', condition => 'status <> ''x''');
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT ''applied''';
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');
RESET SESSION AUTHORIZATION;
INSERT INTO app.person SELECT i, 'a' FROM generate_series(1, 1000) i;
SELECT * FROM casesync_internal.route();
SQL

sub dump_is_quiet
{
	my ($what, $role, @options) = @_;
	my ($out, $err) = ('', '');
	local %ENV = %ENV;
	delete $ENV{PGAPPNAME}; # else it is not called pg_dump

	my $ok = IPC::Run::run([ $node->installed_command('pg_dump'), '-h', $node->host, '-p', $node->port, '-U', $role, @options, 'app' ],
		'>', \$out, '2>', \$err);
	ok($ok, "$what: exit 0");
	is($err, '', "$what: nothing on stderr");
}

# A copy in which applications write as before.
sub copy_writes
{
	my ($what, $file, $database) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING 'UTF8' TEMPLATE template0");
	$node->command_ok([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', $database, '--exit-on-error', $file ], "$what is restored");
	my ($status, $out, $err) = $node->psql($database, q{INSERT INTO app.person VALUES (5000, 'new'); UPDATE app.person SET status = 'b' WHERE id = 5000;
		DELETE FROM app.person WHERE id = 5000});
	is($status, 0, "$what: the application writes") or diag $err;
}

dump_is_quiet('superuser', 'postgres', '-Fc', '-f', "$folder/super.dump");
dump_is_quiet('a role with pg_read_all_data', 'night', '-Fc', '-f', "$folder/night.dump");
dump_is_quiet('the same, plain', 'night', '-f', "$folder/night.sql");
dump_is_quiet('schema only', 'night', '-s', '-Fc', '-f', "$folder/schema.dump");
dump_is_quiet('without the tracked table', 'night', '-T', 'app.person', '-Fc', '-f', "$folder/without.dump");
dump_is_quiet('without the data of a tracked table', 'night', '--exclude-table-data=app.person', '-Fc', '-f', "$folder/nodata.dump");
copy_writes('the dump of the backup role', "$folder/night.dump", 'whole');
copy_writes('schema only', "$folder/schema.dump", 'schema_only');
copy_writes('without data', "$folder/nodata.dump", 'nodata');
is($node->safe_psql('whole', q{SELECT registry FROM casesync.registries}), 'people', 'the registry came along');
is($node->safe_psql('whole', q{SELECT handler FROM casesync_internal.handler}), 'app.apply(casesync.inbound)', 'the apply function, too');
is($node->safe_psql('whole', q{SELECT count(*) > 0 FROM casesync_internal.change WHERE key = '5000'}), 't', 'and what is written there is captured');

# pg_dump -j4 while applications write, the router works and leaves are emptied: no worker is turned away.
append_to_file("$folder/load.sql", q{UPDATE app.person SET n = n + 1, status = status || 'y' WHERE id <= 50; SELECT casesync_internal.rotate_changes();
SELECT more FROM casesync_internal.route(); SELECT emptied FROM casesync_internal.tidy(1);
} x 20000);
my $load = IPC::Run::start([ 'psql', '-Xq', '-h', $node->host, '-p', $node->port, '-d', 'app', '-f', "$folder/load.sql" ],
	'<', '/dev/null', '>', "$folder/load.log", '2>&1');
for (1 .. 4)
{
	dump_is_quiet("-j4 under load, $_", 'night', '-Fd', '-j4', '-f', "$folder/parallel_$_");
}
$load->kill_kill;
unlike(slurp_file("$folder/load.log"), qr/ERROR/, 'and the load met no error');

$node->stop;
done_testing();
