# A partner that has asked for a frequency is told at its times, each person once, as they are then; the other one at once.
# The bridge dies in between, and nothing is lost by it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
my $other = $sp->start_partner(name => 'other');
$sp->create_application;
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 3) n");
$sp->add_partner('other.example.org', $other->{port});
$sp->sql("SELECT casesync.set_partner('ess.example.org', 'http://127.0.0.1:$ess->{port}', networks => '{127.0.0.0/8}')");
$sp->agree_out('timed', 'ess.example.org');
$sp->sql("SELECT casesync.subscribe('ess.example.org', 'enrolment_status_change', 'Beneficiary', frequency => '0 0 0 1 1 ? *')");
my %settings = (poll_interval => '200ms');
$sp->start_bridge(%settings);
ok($sp->wait_ready, 'the bridge is ready');

sub told { return join ' ', map { my $text = BridgeTest->encode($_); $text =~ /"ID-(\d+)"/; my $id = $1; $text =~ /"Cash (\d+)"/; "$id:$1" } $_[0]->items; }

foreach my $note (1 .. 3)
{
	$sp->sql("UPDATE person SET note = $note WHERE id <= 2");
	ok(BridgeTest::wait_for("state $note", sub { told($other) =~ /\b2:$note\b/ }), "the other partner is told of state $note at once") or diag told($other);
}
is(told($ess), '', 'this one is told nothing yet');
is($sp->sql("SELECT held > 0 AND held_until > now() AND due = 0 FROM casesync.subscriptions WHERE partner = 'ess.example.org'"), 't', 'it is said that something is held');
my $held = $sp->sql("SELECT held FROM casesync.subscriptions WHERE partner = 'ess.example.org'");
$sp->end_bridge('KILL');
$sp->sql('UPDATE casesync_internal.scheduled_subject SET due_at = now()');
$sp->start_bridge(%settings);
ok(BridgeTest::wait_for('its time', sub { (() = $ess->items) == $held }), 'when the time has come it is told') or diag told($ess);
like(told($ess), qr/^(?=.*\b1:3\b)(?=.*\b2:3\b)(?!.*\b[12]:[12]\b)/, 'each as they are then');
is(join(' ', map { map { $_->{seq} } @{ $_->{message}{header}{meta}{items} } } $ess->received), join(' ', 1 .. $held), 'numbered without a hole');

# --- a time that comes by itself ---
$sp->sql("SELECT casesync.subscribe('ess.example.org', 'enrolment_status_change', 'Beneficiary', '{\"type\": \"NATIONAL_ID\", \"value\": \"ID-1\"}', frequency => '* * * * * *')");
$sp->sql('UPDATE person SET note = 9 WHERE id = 1');
ok(BridgeTest::wait_for('the next second', sub { told($ess) =~ /\b1:9\b/ }), 'the next second is such a time');
$sp->stop_ok;

done_testing();
