# A partner counts on the numbers of its subscription: one that is missing is something lost. So what
# never left gives its number back, whatever becomes of it; and nothing of it is in the journal.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
my $port = $ess->{port};
$sp->create_application;
$sp->add_partner('ess.example.org', $port);
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 3) n");
my %settings = (poll_interval => '1s', retry_base => '100ms', retry_cap => '1s', send_timeout => '2s');
$sp->start_bridge(%settings, state_directory => "$sp->{folder}/state");
ok($sp->wait_ready && BridgeTest::wait_for('three items', sub { (() = $ess->items) == 3 }), 'the partner is told');

my $failed = "SELECT count(*) FROM casesync.attempts WHERE verdict <> 'delivered'";
my $waiting = "SELECT count(*) FROM casesync_internal.notification WHERE state = 'due'";
sub journal_bytes { my $bytes = 0; $bytes += -s $_ for glob "$sp->{folder}/state/told-*"; return $bytes; }

# A failed attempt more than there have been.
sub fails
{
	my ($what, $more) = @_;
	my $before = $sp->sql($failed);
	return ok(BridgeTest::wait_for($what, sub { $sp->sql($failed) >= $before + ($more // 1) }), $what);
}

# Who has arrived under which numbers, whatever came twice.
sub numbers
{
	my %who;
	foreach my $message ($ess->received)
	{
		my @items = @{ $message->{message}{message}{notify_event} // [] };
		my $meta = $message->{message}{header}{meta};
		foreach my $n (0 .. $#items)
		{
			my ($id) = BridgeTest->encode($items[$n]) =~ /"ID-(\d+)"/;
			$who{ $meta->{items}[$n]{seq} }{$id} = 1;
		}
	}
	return join ' ', map { "$_:" . join '/', sort keys %{ $who{$_} } } sort { $a <=> $b } keys %who;
}

sub arrives
{
	my ($expected, $what) = @_;
	BridgeTest::wait_for($what, sub { $sp->sql($waiting) == 0 && numbers() =~ /\Q$expected\E$/ }, 40);
	return like(numbers(), qr/\Q$expected\E$/, $what);
}

# --- nobody listens ---
$ess->stop;
my $written = journal_bytes();
cmp_ok($written, '>', 0, 'what was sent is in the journal');
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(10, 12) n");
fails('nobody is there', 2);
is(journal_bytes(), $written, 'what was not sent is not in the journal');
$sp->sql('DELETE FROM person WHERE id IN (10, 11)');
ok(BridgeTest::wait_for('the withholding', sub { $sp->sql($waiting) == 1 }), 'two of them leave meanwhile');
$ess = $sp->start_partner(port => $port);
arrives(' 4:12', 'the third gets the number that the first had had');
cmp_ok(journal_bytes(), '>', $written, 'and is in the journal');

# --- it has arrived, and was not answered: that number is somebody's ---
$written = journal_bytes();
$ess->order(mode => 'hang');
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(20, 21) n");
fails('it is not answered');
cmp_ok(journal_bytes(), '>', $written, 'it is in the journal');
$ess->stop;
$sp->sql("INSERT INTO person VALUES (22, 'ID-22', 'A')");
ok(BridgeTest::wait_for('an attempt', sub { $sp->sql("SELECT count(*) FROM casesync.disclosed WHERE key = '22'") > 0 }), 'who comes after is tried with it');
fails('once more nobody is there');
$sp->sql('DELETE FROM person WHERE id IN (20, 22)');
ok(BridgeTest::wait_for('the withholding', sub { $sp->sql($waiting) == 1 }), 'one of them leaves, and one who came after');
$sp->sql("INSERT INTO person VALUES (23, 'ID-23', 'A')");
$ess = $sp->start_partner(port => $port);
arrives(' 5:20 6:21 7:23', 'who is left keeps his number, and who never left has given his back');
is($sp->sql('SELECT string_agg(DISTINCT outcome, \' \') FROM casesync.disclosures(\'person\', \'22\')'), 'not_sent', 'which is on record');
is($sp->sql('SELECT string_agg(DISTINCT outcome, \' \') FROM casesync.disclosures(\'person\', \'20\')'), 'attempted', 'as is that the other may have arrived');

# --- two messages, of which each is taken and never leaves: the bridge stops, and loses its session ---
$ess->stop;
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(30, 31) n");
fails('again nobody is there');
$sp->stop_ok;
is($sp->sql("SELECT count(*) FROM casesync_internal.lane_state WHERE message_id IS NOT NULL"), 0, 'a bridge that stops leaves nothing under way');
is($sp->sql("SELECT count(*) FROM casesync_internal.notification WHERE state = 'due' AND seq IS NOT NULL"), 0, 'and no number given');
$sp->start_bridge(%settings, state_directory => "$sp->{folder}/state");
$ess = $sp->start_partner(port => $port);
arrives(' 8:30 9:31', 'what waited arrives');
$sp->stop_ok;
done_testing();
