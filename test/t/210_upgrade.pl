# One version to the next, with a made-up next version built in a copy of this tree: under a backlog,
# beside an old session with an open transaction and an old bridge at work. Afterwards the database is
# as one that was made by the new version, nothing is lost, and a dump of it can be restored. An
# upgrade that fails leaves everything as it was.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use VersionTree;

my $tree = VersionTree->new;
my $old_version = $tree->{version};
my ($major, $minor) = split /\./, $old_version;
my $next_version = join '.', $major, $minor + 1, 0;
my $last_version = join '.', $major, $minor + 2, 0;

# --- a node at work -----------------------------------------------------------------------------
my $sp = BridgeTest->new(install_path => $tree->install_path);
my $server = $sp->{server};
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});
$sp->sql(<<'SQL');
CREATE ROLE reviewer;
CREATE ROLE watcher;
CREATE ROLE operator;
CREATE ROLE application LOGIN;
SELECT casesync.grant_access('reviewer', 'reviewer');
SELECT casesync.grant_access('application', 'reviewer');
SELECT casesync.grant_access('operator', 'admin');
GRANT USAGE ON SCHEMA casesync TO watcher;
GRANT SELECT ON casesync.audit TO watcher;
GRANT SELECT, INSERT, UPDATE ON person TO application;
SQL
$sp->start_bridge;
ok($sp->wait_ready, 'the bridge is ready');
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
ok($ess->wait_received(1), 'and delivers');
$ess->order(mode => 'status', status => 503);
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(2, 300) n");
ok(wait_for('the backlog', sub { $sp->sql('SELECT coalesce(sum(due), 0) FROM casesync.queue') == 299 }), 'many notifications wait');

# What is to be the same afterwards.
sub shape
{
	my ($database) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ $server->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $server->connstr($database), '-f',
			tree() . '/test/lib/extension_shape.sql' ], '>', \$out, '2>', \$err) or die $err;
	return $out;
}

# Like is(), but shows the lines that differ and no others.
sub same_shape
{
	my ($got, $expected, $name) = @_;
	my (%got, %expected);
	$got{$_}++ for split /\n/, $got;
	$expected{$_}++ for split /\n/, $expected;
	my @differences = ((map { "+ $_" } grep { !$expected{$_} } sort keys %got), map { "- $_" } grep { !$got{$_} } sort keys %expected);
	cmp_ok(scalar keys %expected, '>', 1000, "$name: there is something to compare");
	ok(!@differences, $name) or diag join "\n", map { substr $_, 0, 400 } @differences[0 .. ($#differences > 30 ? 30 : $#differences)];
	return;
}

sub version { return $sp->sql("SELECT extversion FROM pg_extension WHERE extname = 'casesync'"); }

# An application's pooled session: it has the old library, and keeps it.
my $pooled = $server->background_psql('app', on_error_stop => 0, extra_params => [ '-U', 'application' ]);
$pooled->query_safe("UPDATE person SET note = 1 WHERE id = 1");

# --- the next version ---------------------------------------------------------------------------
is($tree->raise_version($next_version), $old_version, 'the old version is frozen');
like($tree->make_fails('freeze'), qr/version \Q$old_version\E was released and there is no extension\/upgrade\/\Q$old_version--$next_version\E\.sql/,
	'a version without an upgrade from the one before is not frozen');

# a code of a directory, a setting, a function of the library
$tree->append('extension/code/codes.tsv', join("\t", 'code', 'employment_status_icse18', 12, 12, 'Made Up', 'label', '', 'A made-up code.') . "\n");
$tree->edit('extension/casesync.c', qr/^\tMarkGUCPrefixReserved/m, sub { <<'C' . "\tMarkGUCPrefixReserved" });
	DefineCustomIntVariable("casesync.made_up", "A made-up setting.", NULL, &casesync_made_up_setting, 42, 0, 100, PGC_USERSET, 0,
							NULL, NULL, NULL);
C
$tree->edit('extension/casesync.c', qr/^static void\nsettings_define/m, sub { "static int casesync_made_up_setting = 42;\n\nstatic void\nsettings_define" });
$tree->append('extension/casesync.c', <<'C');

PG_FUNCTION_INFO_V1(casesync_made_up);

Datum
casesync_made_up(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(casesync_made_up_setting);
}
C
# columns of tables that have rows: one in the way of applications, one in the way of the bridge, one in neither's
my %columns = (
	'TABLE casesync_internal.audit_entry' => "ALTER TABLE casesync_internal.audit_entry ADD COLUMN made_up text NOT NULL DEFAULT 'before';\n",
	'TABLE casesync_internal.notification' => "ALTER TABLE casesync_internal.notification ADD COLUMN made_up integer;\n",
	'TABLE casesync_internal.change_ring' => <<'SQL',
DO $$
BEGIN
	FOR i IN 0 .. 7 LOOP
		EXECUTE format('ALTER TABLE casesync_internal.change_%s ADD COLUMN made_up integer', i);
	END LOOP;
END
$$;
SQL
);
my $made_up_table = <<'SQL';
CREATE TABLE casesync_internal.made_up_fact (fact text PRIMARY KEY);
COMMENT ON TABLE casesync_internal.made_up_fact IS 'made up';
SELECT pg_catalog.pg_extension_config_dump('casesync_internal.made_up_fact', '');
SQL
for my $table (sort keys %columns)
{
	$tree->append($tree->file_making($table), $columns{$table});
}
$tree->append('extension/base/tables.sql', $made_up_table);
# a new function; one that is changed; one that gives another type now; one that is dropped
my $text_format = $tree->file_making('FUNCTION casesync.is_email');
$tree->edit($text_format, qr/^CREATE OR REPLACE FUNCTION casesync\.is_email.*?^COMMENT ON FUNCTION casesync\.is_email.*?;\n/ms, sub { <<'SQL' });
CREATE OR REPLACE FUNCTION casesync.made_up()
RETURNS integer
AS 'MODULE_PATHNAME', 'casesync_made_up' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION casesync.made_up() IS 'made up';
SQL
$tree->edit($tree->file_making('FUNCTION casesync_internal.is_transient'), qr/'40001', '40P01'/, sub { "'40001', '99P99', '40P01'" });
$tree->edit($tree->file_making('FUNCTION casesync_internal.version_series'),
	qr/(casesync_internal\.version_series\(version text\)\nRETURNS )integer\[\](.*?::)integer\[\]/s, sub { "$1bigint[]$2bigint[]" });
# a view gets a column
$tree->edit($tree->file_making('VIEW casesync.event_types'), qr/^(CREATE OR REPLACE VIEW casesync\.event_types AS)\n(.*?);/ms,
	sub { "$1\nSELECT q.*, 1 AS made_up FROM ($2) q;" });
# an access gets a function and loses another one
$tree->edit('extension/rights/grants.sql', qr/(\('reviewer', ARRAY\['accept', )'reject', /, sub { "$1'made_up', " });
my $upgrade = "SELECT casesync_internal.upgrade_begin('{audit_entry,notification,change}');\n"
  . join('', map { $columns{$_} } sort keys %columns) . $made_up_table
  . "DROP FUNCTION casesync.is_email(text);\nDROP FUNCTION casesync_internal.version_series(text);\n";
$tree->write_file("extension/upgrade/$old_version--$next_version.sql", $upgrade =~ s/^SELECT.*\n//r);
like($tree->make_fails("extension/casesync--$old_version--$next_version.sql"), qr/does not begin with SELECT casesync_internal\.upgrade_begin/,
	'a script that does not take its locks is not built');
$tree->write_file("extension/upgrade/$old_version--$next_version.sql", $upgrade);
my $started = time;
$tree->install;
note sprintf 'built in %.1f s', time - $started;
like($tree->make('freeze'), qr/version \Q$next_version\E is frozen/, 'the next version is frozen');
$tree->append('extension/rights/grants_again.sql', "-- changed after the release\n");
like($tree->make_fails('freeze'), qr/is not what was released as version \Q$next_version\E: raise default_version/,
	'and then not changed any more');
$tree->edit('extension/rights/grants_again.sql', qr/-- changed after the release\n/, sub { '' });

# --- an upgrade that fails ----------------------------------------------------------------------
my $before = shape('app');
my $queue = "SELECT count(*), count(DISTINCT reference_id) FROM casesync_internal.notification WHERE state = 'due'";
my $waiting = $sp->sql($queue);
my $sharedir = qx('$tree->{bindir}/pg_config' --sharedir);
chomp $sharedir;
my $broken = "$sharedir/extension/casesync--$old_version--broken.sql";
system("{ cat '@{[ $tree->path(qq(extension/casesync--$old_version--$next_version.sql)) ]}'; echo 'SELECT 1/0;'; } > '$broken'") == 0 or die;
my ($code, $out, $err) = $server->psql('app', "ALTER EXTENSION casesync UPDATE TO 'broken'");
like($err, qr/division by zero/, 'an upgrade fails at its very end');
is(version(), $old_version, 'the version is the old one');
same_shape(shape('app'), $before, 'all is as it was');
is($sp->sql($queue), $waiting, 'also the backlog');
unlink $broken;

# --- one that does not get its locks --------------------------------------------------------------
my $reader = $server->background_psql('app');
$reader->query_safe('BEGIN; SELECT count(*) FROM casesync.audit');
my $reader_pid = $reader->query_safe('SELECT pg_backend_pid()');
($code, $out, $err) = $server->psql('app', "SET lock_timeout = '300ms'; ALTER EXTENSION casesync UPDATE");
like($err, qr/could not have casesync's tables to itself within 00:00:00\.3\n.*process $reader_pid .* holds AccessShareLock on audit/, 'a reader is in the way, and named');
$reader->quit;
is(version(), $old_version, 'the version is the old one');

# --- one that waits for an open transaction, and does not stop others ----------------------------
$pooled->query_safe("BEGIN; UPDATE person SET note = 2 WHERE id = 1");
my $run = { err => '' };
$run->{harness} = IPC::Run::start([ $server->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $server->connstr('app'), '-c',
		'ALTER EXTENSION casesync UPDATE' ], '<', \undef, '>', '/dev/null', '2>', \$run->{err});
ok(wait_for('the upgrade to try', sub { $sp->sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^ALTER EXTENSION' AND state = 'active'") == 1 }),
	'the upgrade runs');
# Each of these writes to the leaf of the log that the upgrade wants for itself.
my $slowest = 0;
for my $id (2 .. 21)
{
	my $at = time;
	$sp->sql("UPDATE person SET note = 2 WHERE id = $id");
	$slowest = time - $at if time - $at > $slowest;
}
cmp_ok($slowest, '<', 5, sprintf 'others write while it waits (the slowest took %.2f s)', $slowest);
is(version(), $old_version, 'it waits for the open transaction');
# One who wrote to the log waits for a row of another, who wants to write to it: with an upgrade in
# the queue between them this would be a circle.
my $other = $server->background_psql('app', extra_params => [ '-U', 'application' ]);
$other->query_safe('BEGIN; SELECT 1 FROM person WHERE id = 40 FOR UPDATE');
$pooled->query_until(qr/waits/, "\\echo waits\nUPDATE person SET note = 3 WHERE id = 40;\n");
$other->query_safe('UPDATE person SET note = 3 WHERE id = 41');
$other->query_safe('COMMIT');
$other->quit;
is($pooled->query_safe('SELECT note FROM person WHERE id = 40'), '3', 'no deadlock');
my $committed = time;
$pooled->query_safe('COMMIT');
ok($run->{harness}->finish, 'the upgrade is done when it has ended') or diag $run->{err};
note sprintf 'upgrade: %.2f s after the last writer had ended', time - $committed;
is(version(), $next_version, 'the version is the next one');

# --- what is there now --------------------------------------------------------------------------
$sp->sql('UPDATE person SET note = 4 WHERE id = 3');
$pooled->query_safe('UPDATE person SET note = 4 WHERE id = 4');
$pooled->query('SELECT casesync.made_up()');
like($pooled->{stderr}, qr/could not find function "casesync_made_up"/, 'a new function of the library is an error in a session that has the old one');
$pooled->{stderr} = '';
is($pooled->query_safe("SELECT casesync.code('Suspended'::casesync.enrolment_status)"), '4', 'which else goes on');

sub as
{
	my ($role, $sql) = @_;
	my ($code, $out, $err) = $server->psql('app', "SET ROLE $role; $sql");
	return $code == 0 ? $out : $err;
}
is(as('reviewer', 'SELECT casesync.made_up()'), '42', 'a role has what was added to its access: the new function, with the new setting');
like(as('reviewer', q{SELECT casesync.reject(1, 'x')}), qr/permission denied/, 'and no more what was taken out of it');
like(as('operator', q{SELECT casesync.grant_access('operator', 'auditor')}), qr/waits for a second person/, 'an administrator still needs a second one');
like(as('operator', q{SELECT casesync.revoke_access('operator', 'auditor')}), qr/is withdrawn/, 'and can withdraw what he asked for');
like(as('watcher', 'SELECT count(*) FROM casesync.audit'), qr/^\d+$/, 'what the site granted by itself is still there');
is($sp->sql(q{SELECT casesync.code('Made Up'::casesync.employment_status_icse18), casesync_internal.is_transient('99P99')}), '12|t', 'a new code, a changed function');
is($sp->sql('SELECT count(*) FROM casesync.event_types WHERE made_up = 1') > 0, 1, 'a new column of a view');
is($sp->sql(q{SELECT count(*) > 5, count(DISTINCT made_up) FROM casesync_internal.audit_entry}), 't|1', 'a new column of a table with rows');

$ess->order(mode => 'ack');
my $wanted = $sp->sql("SELECT string_agg(id || ':' || note, ',' ORDER BY id) FROM person WHERE status = 'A'");
ok(wait_for('all to be delivered', sub { $sp->sql('SELECT coalesce(sum(due), 0) FROM casesync.queue') == 0 && states() eq $wanted }), 'the old bridge delivers everything')
  or diag states();
unlike($sp->log_text, qr/bridge_start_failed/, 'the next version works with the old bridge');
is($sp->sql('SELECT (SELECT count(*) FROM casesync.quarantined), (SELECT count(*) FROM casesync.dead_letter)'), '0|0', 'and nothing was put aside');

# The last state of each person that the partner was told, as id:note.
sub states
{
	my %notes;
	for my $item ($ess->items)
	{
		next unless $item->{mode} eq 'ack';
		my $data = BridgeTest->encode($item->{data});
		my ($id, $note) = ($data =~ /"ID-(\d+)"/, $data =~ /"Cash (\d+)"/);
		$notes{$id} = $note;
	}
	return join ',', map { "$_:$notes{$_}" } sort { $a <=> $b } keys %notes;
}

# --- the same as made anew, and as restored -----------------------------------------------------
my $upgraded = shape('app');
$server->safe_psql('postgres', 'CREATE DATABASE fresh ENCODING UTF8 TEMPLATE template0');
$server->safe_psql('fresh', "CREATE EXTENSION casesync; SELECT casesync.grant_access('bridge', 'bridge'); SELECT casesync.grant_access('reviewer', 'reviewer');"
	. "SELECT casesync.grant_access('application', 'reviewer'); SELECT casesync.grant_access('operator', 'admin'); GRANT USAGE ON SCHEMA casesync TO watcher; GRANT SELECT ON casesync.audit TO watcher");
same_shape($upgraded, shape('fresh'), 'upgraded as made anew');
my $dump = "$sp->{folder}/dump";
$server->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $server->connstr('app') ], 'pg_dump');
$server->safe_psql('postgres', 'CREATE DATABASE restored ENCODING UTF8 TEMPLATE template0');
$server->command_ok([ 'pg_restore', '--exit-on-error', '-d', $server->connstr('restored'), $dump ], 'pg_restore');
same_shape(shape('restored'), $upgraded, 'restored as dumped, grants too');
my $counts = join ' UNION ALL ', map { "SELECT '$_', count(*) FROM casesync_internal.$_" } qw(notification audit_entry tracking told attempt subscription);
is($server->safe_psql('restored', $counts), $sp->sql($counts), 'with all rows');

# --- a version that does not work with this bridge ----------------------------------------------
is($tree->raise_version($last_version), $next_version, 'one more version');
my ($old_series, $last_series) = map { s/\.\d+$//r } $old_version, $last_version;
$tree->edit($tree->file_making('FUNCTION casesync_internal.bridge_versions'), qr/SELECT e\.extversion, '[\d.]+'/, sub { "SELECT e.extversion, '$last_series'" });
$tree->write_file("extension/upgrade/$next_version--$last_version.sql", "SELECT casesync_internal.upgrade_begin();\n");
$tree->install;
$pooled->query_safe('BEGIN; UPDATE person SET note = 5 WHERE id = 5');
$started = time;
$sp->sql('ALTER EXTENSION casesync UPDATE');
note sprintf 'upgrade: %.2f s', time - $started;
$pooled->query_safe('UPDATE person SET note = 5 WHERE id = 6; COMMIT');
is($sp->sql("SELECT count(*) FROM casesync_internal.change WHERE key IN ('5', '6') AND changed ? 'note'") >= 2, 1,
	'an upgrade that alters nothing of the log does not wait for applications');
my $refusal = qr/this bridge is \Q$old_version\E, the database's casesync \Q$last_version\E works with bridges \Q$last_series\E\.x: update the bridge/;
ok($sp->wait_log(qr/event=bridge_start_failed .*$refusal/), 'the bridge says that it is too old');
like($sp->get('/readyz')->{content}, $refusal, 'also where its health is asked for');
is($sp->get('/readyz')->{status}, 503, 'it is not ready');
my $tried = () = $ess->received;
my $checked = qx('@{[ tree() ]}/bridge/casesync-bridge' --config='$sp->{folder}/bridge.conf' --check-config 2>&1);
isnt($?, 0, '--check-config fails');
like($checked, qr/^not ok .*$refusal/m, 'and says why');
$pooled->query_safe('UPDATE person SET note = 6 WHERE id = 5');
ok(wait_for('a second question', sub { $sp->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'casesync-bridge control'") == 1 }), 'it stays connected');
is(scalar(() = $sp->log_text =~ /event=bridge_start_failed/g), 1, 'it says so once');
is(scalar(() = $ess->received), $tried, 'and sends nothing');

# The extension is given back its way: the next version of it works with the bridge, which goes on.
$tree->raise_version(join '.', $major, $minor + 2, 1);
$tree->edit($tree->file_making('FUNCTION casesync_internal.bridge_versions'), qr/SELECT e\.extversion, '[\d.]+'/, sub { "SELECT e.extversion, '$old_series'" });
$tree->write_file("extension/upgrade/$last_version--$tree->{version}.sql", "SELECT casesync_internal.upgrade_begin();\n");
$tree->install;
$sp->sql('ALTER EXTENSION casesync UPDATE');
$wanted = $sp->sql("SELECT string_agg(id || ':' || note, ',' ORDER BY id) FROM person WHERE status = 'A'");
ok(wait_for('the rest to arrive', sub { states() eq $wanted }), 'a bridge that waited goes on when it may') or diag states();
$pooled->quit;
$sp->stop_ok;

done_testing();
