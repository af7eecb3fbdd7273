# Large messages and odd numbers: what costs much to check is checked beside everybody else's, what
# not every reader takes for the same number is refused where it stands, and digits that somebody on
# the way wrote otherwise change nothing.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use HTTP::Tiny;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});
$sp->agree_in('in', 'ess.example.org');
my ($key, $jwk) = $sp->make_key('ess');
$sp->sql("SELECT casesync.add_key('ess.example.org', '$jwk')");
$sp->start_bridge(request_timeout => '20s');
$sp->wait_ready;

my $serial = 0;

# A signed notify; value is JSON, put in as it is after signing when sign is another text.
sub notify
{
	my ($value, $sign) = @_;
	my $message = { transaction_id => 'txn-n', notify_event => [ { reference_id => 'event-' . ++$serial,
		timestamp => '2026-11-22T10:00:00.000Z',
		data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change',
			reg_record_type => 'Member', reg_records => { member_identifier =>
				[ { identifier_type => 'NATIONAL_ID', identifier_value => 'VALUE' } ], employment_status => '1' } } } ] };
	my $order = $sp->encode({ header => $sp->header('notify'), message => $message });
	$sign //= $value;
	$order =~ s/"VALUE"/$sign/;
	my $body = BridgeTest::python('sign_message', $order, $key);
	$body =~ s/("identifier_value": ?)\Q$sign\E/$1$value/ or die "no $sign in $body" if $value ne $sign;
	return $body;
}

sub stored
{
	return $sp->sql("SELECT record #>> '{member_identifier,0,identifier_value}' FROM casesync_internal.inbox_item
		WHERE reference_id = 'event-$serial'");
}

# --- numbers ---
for my $case ([ '9007199254740991' ], [ '12.5' ], [ '0' ])
{
	is($sp->post('/registry/notify', notify(@$case))->{short}, '200 ACK', "$case->[0] is taken");
	is(stored(), $case->[0], 'as it is');
}
for my $value ('9007199254740992', '9007199254740993', '9.007199254740992e15', '9007199254740992.5', '1e-16383', '1e400',
	'0e-16383', '0.123456789012345678')
{
	my $answer = $sp->post('/registry/notify', notify($value, '7'));
	is($answer->{short}, '200 ERR err.request.bad', "$value is refused");
	like($answer->{json}{message}{error}{message},
		qr/^message\.notify_event\[0\]\.data\.reg_records\.member_identifier\[0\]\.identifier_value: a number /, 'and where it stands is told');
	is(stored(), '', 'nothing is stored');
}
# Under a signature over the canonical form somebody on the way may write other digits.
for my $case ([ '7.0', '7' ], [ '70e-1', '7' ], [ '9007199254740990.5', '9007199254740990' ])
{
	is($sp->post('/registry/notify', notify(@$case))->{short}, '200 ACK', "$case->[1] written as $case->[0]: the signature holds");
	is(stored(), $case->[1], 'but what was signed is stored');
}

# --- much of anything ---
for my $case ([ join(',', ('1e-300') x 900), 20, qr/4 million characters/ ], [ join(',', ('7') x 1000), 600, qr/500000 values/ ],
	[ join(',', ('7') x 1001), 1, qr/1000 items/ ])
{
	my ($row, $rows, $told) = @$case;
	my $answer = $sp->post('/registry/notify', notify('[' . join(',', ("[$row]") x $rows) . ']', '7'));
	is($answer->{short}, '200 ERR err.request.bad', 'too much of it is refused');
	like($answer->{json}{message}{error}{message}, $told, "$told");
}

# --- many that wait: what is made of their bodies to be read does not wait with them ---
my $empty = notify('[' . join(',', map { '[' . join(',', ('{}') x 1000) . ']' } 1 .. 100) . ']', '7');
my $whose = $sp->authorization($empty);
my @waiting;
for (1 .. 16)
{
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		my $answer = HTTP::Tiny->new(timeout => 60)->post($sp->base_url . '/registry/notify',
			{ content => $empty, headers => { 'Content-Type' => 'application/json', Authorization => $whose } });
		POSIX::_exit($answer->{content} =~ /err.signature.invalid|err.service.unavailable|err.request.too_many_requests/ ? 0 : 1);
	}
	push @waiting, $pid;
}
is(scalar(grep { waitpid($_, 0) > 0 && $? == 0 } @waiting), 16, 'sixteen at once are answered');
my ($most) = BridgeTest::slurp("/proc/$sp->{bridge}/status") =~ /^VmHWM:\s+(\d+) kB/m;
SKIP: {
	skip 'with checks it takes more', 1 if BridgeTest::is_instrumented();
	cmp_ok($most, '<', 200_000, "the bridge has grown to $most kB at most, not by as much for each");
}

# --- large messages with a wrong signature: their canonical form is made, beside the event loop ---
my @numbers = map { sprintf '%.16e', (1 + $_ / 1e6) * 1e-9 } 1 .. 900;
my $large = notify('[' . join(',', map { '[' . join(',', @numbers) . ']' } 1 .. 160) . ']', '7');
cmp_ok(length $large, '>', 3_000_000, 'a large message');

# Processor time of the thread that serves everybody, and of all, in ticks.
sub ticks
{
	my %ticks;
	for my $file (glob "/proc/$sp->{bridge}/task/*/stat")
	{
		my ($id, @fields) = ($file =~ m{task/(\d+)/}, split ' ', BridgeTest::slurp($file) =~ s/.*\) //r);
		$ticks{ $id == $sp->{bridge} ? 'loop' : 'threads' } += $fields[12] + $fields[11];
	}
	return \%ticks;
}

my $authorization = $sp->authorization($large);
my $before = ticks();
my @senders;
for (1 .. 3)
{
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		my $ok = 1;
		for (1 .. 4)
		{
			my $answer = HTTP::Tiny->new(timeout => 60)->post($sp->base_url . '/registry/notify',
				{ content => $large, headers => { 'Content-Type' => 'application/json', Authorization => $authorization } });
			$ok = 0 if $answer->{content} !~ /err.signature.invalid|err.service.unavailable|err.request.too_many_requests/;
		}
		POSIX::_exit($ok ? 0 : 1);
	}
	push @senders, $pid;
}
my @waits;
while (@senders)
{
	my $began = time;
	$sp->get('/livez');
	push @waits, time - $began;
	# at a pace: the loop's own work for these must not hide what it does for the large ones
	select undef, undef, undef, 0.02;
	next unless waitpid($senders[0], POSIX::WNOHANG()) > 0;
	is($?, 0, 'a sender of large messages was answered');
	shift @senders;
}
my $after = ticks();
my $loop = $after->{loop} - $before->{loop};
my $threads = $after->{threads} - $before->{threads};
cmp_ok($threads, '>', 20, "threads have worked ($threads ticks)");
SKIP: {
	skip 'checks cost one thread more than another', 2 if BridgeTest::is_instrumented();
	cmp_ok($loop, '<', $threads, "while the event loop was free for others ($loop ticks)");
	cmp_ok((sort { $a <=> $b } @waits)[ $#waits / 2 ], '<', 0.5, 'who were served meanwhile');
}
ok(BridgeTest::wait_for('its share of time', sub { $sp->post('/registry/notify', notify('8'))->{short} eq '200 ACK' }), 'and all goes on');
$sp->stop_ok;
done_testing();
