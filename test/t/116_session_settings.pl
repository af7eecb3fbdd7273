# What a DBA sets for a whole database is meant for its applications: the bridge's sessions, and the
# triggers in those of the applications, work whatever it is. What is sent or acknowledged is on disk
# first, and what cannot be routed is said at once.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
# Nothing may be flushed by chance: each commit waits for itself, or for nobody.
$sp->{server}->append_conf('postgresql.conf', "wal_writer_delay = 10s\nautovacuum = off\n");
$sp->{server}->restart;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port}, signature => 'unsigned_accepted');
$sp->agree_in('in', 'ess.example.org');
$sp->start_bridge(poll_interval => '1s');
$sp->wait_ready;
my $serial = 0;
my $person = 0;

# Everything that stands in the way of an application is undone by it; so does this one.
sub write_person
{
	$person++;
	$sp->sql("SET default_transaction_read_only = off; SET lock_timeout = 0; SET statement_timeout = 0;
		SET idle_in_transaction_session_timeout = 0; SET search_path = public;
		INSERT INTO person VALUES ($person, 'ID-$person', 'A'); UPDATE person SET status = 'S' WHERE id = $person");
	return $person;
}

sub is_told
{
	my ($id) = @_;
	return grep { BridgeTest->encode($_->{data}) =~ /"ID-$id"/ && BridgeTest->encode($_->{data}) =~ /"enrollment_status":"4"/ } $ess->items;
}

sub told_ok
{
	my ($what) = @_;
	my $id = write_person();
	return ok(BridgeTest::wait_for("person $id to be told", sub { is_told($id) }, 8), "$what: a change is told");
}

# A message of the partner: how it was answered.
sub notify
{
	my $reference = 'event-' . ++$serial;
	return $sp->post('/registry/notify', BridgeTest->encode({ signature => '', header => $sp->header('notify'),
		message => { transaction_id => 'txn-n', notify_event => [ { reference_id => $reference, timestamp => '2026-11-22T10:00:00.000Z',
			data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change',
				reg_record_type => 'Member', reg_records => { member_identifier =>
					[ { identifier_type => 'NATIONAL_ID', identifier_value => "ID-$serial" } ], employment_status => '1' } } } ] } }))->{short};
}

# What is wrong, as somebody sees it who has not been set anything.
sub critical
{
	return $sp->{server}->safe_psql('app', "SELECT coalesce(string_agg(problem, '; '), '') FROM casesync.health WHERE severity = 'critical'");
}

sub reconnect
{
	my $came = () = $sp->log_text =~ /event=database_connected session=(?:control|router|delivery)/g;
	$sp->{server}->safe_psql('postgres', "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'casesync-bridge%'");
	# seen, or what is asked for next would still find the sessions of before
	BridgeTest::wait_for('the sessions to come back', sub { (() = $sp->log_text =~ /event=database_connected session=(?:control|router|delivery) */g) >= $came + 3 });
	$sp->wait_ready;
	return;
}

my @settings = (
	[ default_transaction_isolation => 'serializable' ], [ default_transaction_isolation => 'repeatable read' ],
	[ default_transaction_read_only => 'on' ], [ default_transaction_deferrable => 'on' ],
	[ synchronous_commit => 'off' ], [ row_security => 'off' ],
	[ standard_conforming_strings => 'off' ], [ backslash_quote => 'off' ], [ quote_all_identifiers => 'on' ],
	[ transform_null_equals => 'on' ], [ array_nulls => 'off' ],
	[ DateStyle => 'German, DMY' ], [ IntervalStyle => 'sql_standard' ], [ TimeZone => 'Asia/Kathmandu' ],
	[ extra_float_digits => '-15' ], [ bytea_output => 'escape' ], [ xmlbinary => 'hex' ],
	[ client_encoding => 'LATIN1' ], [ search_path => 'nowhere' ],
	[ lock_timeout => '1ms' ], [ statement_timeout => '1ms' ], [ idle_session_timeout => '100ms' ],
	[ idle_in_transaction_session_timeout => '1ms' ],
	[ default_tablespace => 'nowhere' ], [ default_table_access_method => 'heap' ], [ temp_tablespaces => '' ],
	[ plan_cache_mode => 'force_generic_plan' ], [ jit_above_cost => '0' ], [ enable_indexscan => 'off' ],
	[ enable_nestloop => 'off' ], [ enable_hashjoin => 'off' ], [ from_collapse_limit => '1' ],
	[ client_min_messages => 'error' ], [ check_function_bodies => 'off' ],
	[ 'plpgsql.variable_conflict' => 'use_column' ], [ 'plpgsql.extra_errors' => 'all' ]);
$sp->{server}->safe_psql('postgres', "SET check_function_bodies = off; LOAD 'plpgsql'; ALTER DATABASE app SET default_tablespace = ''");
foreach my $setting (@settings)
{
	my ($name, $value) = @$setting;
	my $set = $name =~ /path|tablespace/ && $value ne '' ? $value : "'$value'";
	my $quoted = join '.', map { qq("$_") } split /\./, lc $name;
	$sp->{server}->psql('postgres', "LOAD 'plpgsql'; ALTER DATABASE app SET $quoted = $set");
	reconnect();
	told_ok("$name = $value");
	is(notify(), '200 ACK', "$name = $value: a message is taken");
	$sp->{server}->safe_psql('postgres', "ALTER DATABASE app RESET $quoted");
	is(critical(), '', "$name = $value: nothing is wrong");
}

# --- all of it at once ---
foreach my $setting (@settings)
{
	my ($name, $value) = @$setting;
	my $set = $name =~ /path|tablespace/ && $value ne '' ? $value : "'$value'";
	$sp->{server}->psql('postgres', "LOAD 'plpgsql'; ALTER DATABASE app SET " . (join '.', map { qq("$_") } split /\./, lc $name) . " = $set");
}
reconnect();
told_ok('all of it');
is(notify(), '200 ACK', 'all of it: a message is taken');
$sp->{server}->safe_psql('postgres', 'ALTER DATABASE app RESET ALL');
reconnect();
is(critical(), '', 'all of it: nothing is wrong');

# --- sent or acknowledged is durable, whatever the application's own commits are ---
$sp->{server}->safe_psql('postgres', "ALTER DATABASE app SET synchronous_commit = off");
reconnect();
foreach my $turn (1 .. 3)
{
	my $id = write_person();
	ok(BridgeTest::wait_for('the change to be told', sub { is_told($id) }, 20), 'told');
	is(notify(), '200 ACK', 'acknowledged') if $turn % 2;
	$sp->{server}->stop('immediate');
	$sp->{server}->start;
	$sp->wait_ready;
	is($sp->sql("SELECT status FROM person WHERE id = $id"), 'S', 'what was told is still so after the crash');
	is($sp->sql("SELECT count(*) FROM casesync_internal.inbox_item WHERE reference_id = 'event-$serial'"), 1, 'what was acknowledged is there');
}
$sp->sql("SELECT casesync.stop_sharing('test', 'ess.example.org')");
$sp->{server}->stop('immediate');
$sp->{server}->start;
$sp->wait_ready;
is($sp->sql("SELECT casesync_internal.is_stopped('ess.example.org')"), 't', 'what was stopped stays stopped');
$sp->sql("SELECT casesync.resume_sharing('ess.example.org')");
$sp->{server}->safe_psql('postgres', 'ALTER DATABASE app RESET ALL');
reconnect();

# --- a turn that fails is said at once, and over when it does not fail any more ---
$sp->sql('ALTER TABLE casesync_internal.routing_state RENAME TO away');
$sp->sql("INSERT INTO person VALUES (0, 'ID-0', 'S')");
ok(BridgeTest::wait_for('readyz to say why', sub { my $said = $sp->get('/readyz'); $said->{status} == 503 && $said->{content} =~ /routing fails: SQLSTATE/ }, 5),
	'/readyz says no within a poll, and why');
ok(BridgeTest::wait_for('the database to know', sub { $sp->sql('SELECT count(*) FROM casesync_internal.turn_trouble_now') == 1 }, 3), 'the database knows');
$sp->sql('ALTER TABLE casesync_internal.away RENAME TO routing_state');
like(critical(), qr/the bridge's routing fails since .*: SQLSTATE/, 'health says so');
$sp->wait_ready;
ok(BridgeTest::wait_for('person 0 to be told', sub { is_told(0) }, 20), 'told when it can be');
ok(BridgeTest::wait_for('health to be clean', sub { critical() eq '' }, 5), 'and health is clean again') or diag critical();
$sp->stop_ok;

done_testing();
