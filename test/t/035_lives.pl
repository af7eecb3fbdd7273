# A database that has forgotten what partners were told: a standby takes over that did not get all, a
# dump is restored over what was there, a disk goes back. The bridge's journal knows, and in the end
# partners have what the database has: no more, no less.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
my $primary = $sp->{server};
$primary->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 5\nhot_standby = on\nwal_keep_size = 512MB\n");
$primary->append_conf('pg_hba.conf', 'local replication all trust');
$primary->restart;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port}, signature => 'unsigned_accepted');
$sp->sql("SELECT casesync.set_agreement('ess-example-org', 'ess.example.org', registries => '{person}', subjects => 'true',
	fields => '{programme_identifier.programme_name,enrollment_status}', event_types => '{enrolment_status_change}',
	identifier_types => '{NATIONAL_ID}', valid_from => now() - interval '1 hour', legal_basis => 'test', on_leave => 'identifier_only');
	SELECT casesync.activate('ess-example-org')");
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 5) n");

# A word for each status, as partners are told it.
my %words = (1 => 'A', 4 => 'S', 3 => 'S', 5 => 'X', 7 => 'X', 2 => 'I');

# What the partner knows now: person => status; nobody who was removed.
sub partner_knows
{
	my %knows;
	foreach my $item ($ess->items)
	{
		my $text = BridgeTest->encode($item->{data});
		my ($id) = $text =~ /"ID-(\d+)"/ or next;
		if ($text =~ /"removed"/) { delete $knows{$id}; next; }
		$knows{$id} = join ' ', $text =~ /"enrollment_status":"(\w+)"/, $text =~ /"Cash (\d+)"/;
	}
	return join ', ', map { "$_=$knows{$_}" } sort { $a <=> $b } keys %knows;
}

sub node_has
{
	return $sp->sql("SELECT coalesce(string_agg(format('%s=%s %s', id, casesync.code(casesync.to_code('app', status, NULL::casesync.enrolment_status)), note), ', ' ORDER BY id), '') FROM person");
}

sub agree_ok
{
	my ($what, $seconds) = @_;
	my $has = node_has();
	BridgeTest::wait_for($what, sub { partner_knows() eq $has }, $seconds // 30);
	is(partner_knows(), $has, $what) or BAIL_OUT($what);
	return;
}

sub stream { return $sp->sql('SELECT stream FROM casesync.this_node'); }

# No number of a stream is given to two items.
sub numbers_ok
{
	my ($what) = @_;
	my (%given, @twice);
	foreach my $message ($ess->received)
	{
		my $meta = $message->{message}{header}{meta} // next;
		my @items = @{ $message->{message}{message}{notify_event} // [] };
		foreach my $n (0 .. $#items)
		{
			my $at = "$meta->{stream} $meta->{items}[$n]{code} $meta->{items}[$n]{seq}";
			push @twice, $at if ($given{$at} //= $items[$n]{reference_id}) ne $items[$n]{reference_id};
		}
	}
	return is("@twice", '', "$what: no number was given twice");
}

sub start
{
	$sp->start_bridge(poll_interval => '1s', state_directory => "$sp->{folder}/state");
	return $sp->wait_ready;
}

# What the bridge is connected with comes and goes: it finds the server where it was told to look.
sub use_server
{
	my ($server) = @_;
	$sp->end_bridge('KILL');
	$sp->{server} = $server;
	return start();
}

start() or BAIL_OUT("no bridge:\n" . $sp->log_text);
agree_ok('at first');
my $first = stream();

# --- a standby that has all: nothing begins anew ---
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$sp->sql("UPDATE person SET status = 'S' WHERE id = 1");
agree_ok('before the standby takes over');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$sp->end_bridge('TERM');
$primary->stop('fast');
$standby->promote;
is($standby->safe_psql('app', 'SELECT casesync_internal.may_speak()'), 'f', 'nobody speaks on another server before a bridge has compared');
like($standby->safe_psql('app', "SELECT string_agg(problem, '; ') FROM casesync.health"), qr/may be lost here/, 'and health says so');
use_server($standby);
$sp->sql("UPDATE person SET note = 1 WHERE id = 2");
agree_ok('a standby that has all goes on');
is(stream(), $first, 'in the same stream');
numbers_ok('a standby that has all');

# --- a standby that lost some ---
$standby->backup('second');
my $late = PostgreSQL::Test::Cluster->new('late');
$late->init_from_backup($standby, 'second', has_streaming => 1);
$late->start;
$standby->wait_for_catchup($late, 'replay', $standby->lsn('insert'));
$late->stop('fast');
$sp->sql("UPDATE person SET status = 'X' WHERE id = 2; INSERT INTO person VALUES (6, 'ID-6', 'A'); DELETE FROM person WHERE id = 3");
agree_ok('before some is lost');
$sp->end_bridge('KILL');
$standby->stop('immediate');
$late->adjust_conf('postgresql.conf', 'primary_conninfo', undef);
$late->start;
$late->promote;
use_server($late);
agree_ok('a standby that lost some');
isnt(stream(), $first, 'it has another stream');
like($sp->sql("SELECT string_agg(detail->>'reason', '; ') FROM casesync.audit WHERE what = 'new_stream'"),
	qr/does not know of/, 'the audit says why');
$sp->sql("UPDATE person SET status = 'I' WHERE id = 1");
agree_ok('and it goes on');
numbers_ok('a standby that lost some');
my $second = stream();
$sp->end_bridge('TERM');
start();
is(stream(), $second, 'what was handed over begins no third stream');

# --- last night's dump is restored over itself, while the bridge runs ---
my $dump = "$sp->{folder}/dump";
$late->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $late->connstr('app') ], 'dump');
$sp->sql("UPDATE person SET status = 'X' WHERE id = 4; INSERT INTO person VALUES (7, 'ID-7', 'A'); DELETE FROM person WHERE id = 5");
agree_ok('before the restore');
$late->command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $late->connstr('app'), $dump ], 'restored over itself');
agree_ok('restored over itself', 90);
isnt(stream(), $second, 'restored: another stream');
numbers_ok('restored over itself');
$sp->sql("UPDATE person SET status = 'A' WHERE id = 4");
agree_ok('restored: it goes on');

# --- the files go back to a snapshot: same server, same timeline ---
$sp->end_bridge('TERM');
$late->stop('fast');
my $data = $late->data_dir;
system("cp -a '$data' '$data.snapshot'") == 0 or die 'cp';
$late->start;
start();
$sp->sql("INSERT INTO person VALUES (8, 'ID-8', 'A'); UPDATE person SET status = 'S' WHERE id = 5");
agree_ok('after the snapshot');
$sp->end_bridge('TERM');
$late->stop('fast');
system("rm -rf '$data' && mv '$data.snapshot' '$data'") == 0 or die 'mv';
$late->start;
start();
agree_ok('back at the snapshot');
numbers_ok('back at the snapshot');
is($sp->sql("SELECT coalesce(string_agg(problem, '; '), '') FROM casesync.health WHERE severity = 'critical'"), '', 'nothing is wrong in the end');

# --- nothing is said before the standby has it ---
my $other = PostgreSQL::Test::Cluster->new('other');
$late->backup('third');
$other->init_from_backup($late, 'third', has_streaming => 1);
$other->start;
$sp->end_bridge('TERM');
$sp->start_bridge(poll_interval => '1s', state_directory => "$sp->{folder}/state", wait_for_standby => 'other');
$sp->wait_ready;
$sp->sql("UPDATE person SET note = 9 WHERE id = 1");
agree_ok('with a standby that follows');
$other->stop('fast');
$sp->sql("UPDATE person SET note = 10 WHERE id = 1");
ok(BridgeTest::wait_for('the lane to wait', sub { $sp->log_text =~ /the standby has not confirmed/ }), 'without it nothing is sent');
like(partner_knows(), qr/^1=\w+ 9,/, 'the partner has what was there before');
my $message = BridgeTest->encode({ signature => '', header => $sp->header('notify'), message => { transaction_id => 'txn-n', notify_event => [ {
	reference_id => 'event-1', timestamp => '2026-11-22T10:00:00.000Z', data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS',
		reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => { member_identifier =>
			[ { identifier_type => 'NATIONAL_ID', identifier_value => 'ID-1' } ], employment_status => '1' } } } ] } });
$sp->agree_in('in', 'ess.example.org');
is($sp->post('/registry/notify', $message)->{status}, 503, 'and nothing is acknowledged');
$other->start;
agree_ok('once it is back');
is($sp->post('/registry/notify', $message)->{short}, '200 ACK', 'what was not acknowledged is, once');
is($sp->sql("SELECT count(*) FROM casesync_internal.inbox_item WHERE reference_id = 'event-1'"), 1, 'and was stored once');

# --- the journal is nobody's to read ---
my $written = join '', map { slurp($_) } glob "$sp->{folder}/state/*";
isnt($written, '', 'the journal is there');
unlike($written, qr/ID-|NATIONAL|ess\.example/, 'nobody is named in it');
is((stat "$sp->{folder}/state")[2] & 077, 0, 'its directory is the bridge\'s alone');
$sp->stop_ok;

done_testing();
