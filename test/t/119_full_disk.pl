# A disk that is full beside the bridge: what could not be noted in the journal of what partners were told is not sent, it is said
# why, and it goes out as soon as there is room. The bridge goes on meanwhile, though it cannot write its log either.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $partner = $sp->start_partner;
$sp->create_application;
$sp->add_partner('partner.example.org', $partner->{port});
$sp->start_bridge(poll_interval => '1s', retry_base => '200ms', retry_cap => '1s');
$sp->wait_ready;
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
ok($partner->wait_received(1), 'with room it is sent');

# As a full disk: no file of the bridge may grow.
sub room
{
	my ($bytes) = @_;
	return is(system('prlimit', "--pid=$sp->{bridge}", "--fsize=$bytes:unlimited"), 0, "room for $bytes bytes");
}

room(0);
my $sent = () = $partner->received;
$sp->sql('UPDATE person SET note = note + 1');
my $reason = "SELECT string_agg(problem, ' ') FROM casesync.health WHERE problem ~ 'nothing has reached'";
ok(BridgeTest::wait_for('health to say why nothing is sent', sub { $sp->sql($reason) =~ /journal/ }), 'health says why nothing is sent')
  or diag $sp->sql('SELECT problem FROM casesync.health');
is(scalar(() = $partner->received), $sent, 'nothing was');
ok($sp->is_running, 'the bridge goes on');

room('unlimited');
ok($partner->wait_received($sent + 1), 'with room again it is sent');
ok(BridgeTest::wait_for('nothing to wait', sub { $sp->sql("SELECT count(*) FROM casesync_internal.notification WHERE state = 'due'") == 0 }),
	'and nothing waits');

$sp->stop_ok;
done_testing();
