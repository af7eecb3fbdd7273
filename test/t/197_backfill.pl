# A partner is told of everybody as they are, while people change and bridge and server die: everybody arrives, each one's
# states in order, numbers without a hole, twice only what has the same reference_id; and no other partner hears of it.
# And a new subscription that came over the API, as the agreement says.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use NodePair;
use Test::More;

my $people = 1500;
my $sp = BridgeTest->new(name => 'sp');
my $node = BridgeTest->new(name => 'ess', sender_id => 'node.example.org', node_id => '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0002');
my $ess = $sp->start_partner;
my $other = $sp->start_partner(name => 'other');
$_->create_application for $sp, $node;
$sp->sql("SET session_replication_role = replica; INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, $people) n; ANALYZE person");
$sp->add_partner('ess.example.org', $ess->{port});
$sp->add_partner('other.example.org', $other->{port});
$sp->agree_out('ess-example-org', 'ess.example.org', services => '{notify,backfill}');
my %settings = (poll_interval => '500ms', retry_base => '100ms', retry_cap => '1s', routing_chunk => 100);
acquaint($sp, $node);
$sp->start_bridge(%settings);
ok($sp->wait_ready, 'the bridge is ready');
is($sp->sql('SELECT count(*) FROM casesync_internal.notification'), 0, 'nobody is told of what has not changed');

sub progress { return $sp->sql("SELECT concat_ws(' ', state, looked) FROM casesync.backfills WHERE NOT is_initial ORDER BY id DESC LIMIT 1"); }

sub looked_past
{
	my ($count) = @_;
	return BridgeTest::wait_for("$count subjects", sub { my ($state, $looked) = split ' ', progress(); $state eq 'done' || $looked >= $count }, 60);
}

# --- it goes on where it was, whoever dies ---
my $code = $sp->sql("SELECT code FROM casesync.subscriptions WHERE partner = 'ess.example.org'");
$ess->order(mode => 'slow', ms => 20, count => 1000);
$sp->sql("SELECT casesync.backfill('$code')");
my $moment = 0;
foreach my $count (1, 200, 400, 700, 1000)
{
	looked_past($count);
	$moment++;
	$sp->sql("UPDATE person SET note = note + 1 WHERE id IN ($moment, 1000 + $moment, $people - $moment)");
	if ($moment == 3)
	{
		$sp->{server}->stop('immediate');
		$sp->{server}->start;
	}
	else
	{
		$sp->end_bridge('KILL');
		$sp->start_bridge(%settings);
	}
}
$ess->order(mode => 'ack');
ok(BridgeTest::wait_for('the end', sub { progress() eq "done $people" }, 120), 'everybody is looked at once') or diag(progress(), $sp->log_text);
ok(BridgeTest::wait_for('all to be delivered', sub {
	$sp->sql("SELECT casesync_internal.unrouted_since() IS NULL AND NOT EXISTS (SELECT FROM casesync_internal.notification WHERE state = 'due')") eq 't'
}, 120), 'and all of it is delivered');

# What arrived: its number, whom it is about, which state, under which name.
sub arrived
{
	my ($partner) = @_;
	my @all;
	foreach my $message ($partner->received)
	{
		my @items = @{ $message->{message}{message}{notify_event} // [] };
		my $meta = $message->{message}{header}{meta};
		foreach my $n (0 .. $#items)
		{
			my $text = BridgeTest->encode($items[$n]{data});
			my ($id) = $text =~ /"ID-(\d+)"/;
			my ($note) = $text =~ /"Cash (\d+)"/;
			push @all, { seq => $meta->{items}[$n]{seq}, prev => $meta->{items}[$n]{prev_seq}, id => $id, note => $note, name => $items[$n]{reference_id}, text => $text };
		}
	}
	return @all;
}

my @items = arrived($ess);
my (%seen, %by_seq, @backwards, @mixed, %now);
foreach my $item (@items)
{
	$seen{ $item->{id} }++;
	push @mixed, $item->{seq} if $by_seq{ $item->{seq} } && $by_seq{ $item->{seq} } ne "$item->{name} $item->{text}";
	push @backwards, $item->{id} if !$by_seq{ $item->{seq} } && defined $now{ $item->{id} } && $now{ $item->{id} } > $item->{note};
	$by_seq{ $item->{seq} } = "$item->{name} $item->{text}";
	$now{ $item->{id} } = $item->{note};
}
is(scalar keys %seen, $people, 'everybody has arrived');
is(join(' ', @backwards), '', 'nobody got an older state after a newer one');
is(join(' ', @mixed), '', 'what came twice is the same item');
is(scalar(grep { !$by_seq{$_} } 1 .. scalar keys %by_seq), 0, 'the numbers have no hole');
is(join(' ', grep { $now{$_} != $sp->sql("SELECT note FROM person WHERE id = $_") } 1 .. 6, 1001 .. 1006, $people - 6 .. $people), '', 'the last state of each is the present one');
cmp_ok(scalar keys %by_seq, '<=', $people + 3 * $moment, 'each change is one item more, and nothing else');
my %others = map { $_->{id} => 1 } arrived($other);
is(scalar keys %others, 3 * $moment, 'the other partner hears of what has changed only');
is($sp->sql('SELECT count(*) FROM casesync.health WHERE problem ~ \'all subjects\''), 0, 'health has nothing to say of it');

# --- nothing after stop_sharing() has returned; and it goes on with it ---
$ess->order(mode => 'slow', ms => 20, count => 1000);
$sp->sql("SELECT casesync.backfill('$code')");
looked_past(300);
$sp->sql("SELECT casesync.stop_sharing('a question', 'ess.example.org')");
my $before = () = $ess->received;
ok(BridgeTest::wait_for('it to stand still', sub { $sp->sql("SELECT reason FROM casesync.backfills WHERE state = 'running'") eq 'sharing is stopped' }),
	'it stands still while sharing is stopped');
is(scalar(my @after = $ess->received), $before, 'and nothing leaves');
$ess->order(mode => 'ack');
$sp->sql("SELECT casesync.resume_sharing('ess.example.org')");
ok(BridgeTest::wait_for('the end', sub { progress() eq "done $people" }, 120), 'it goes on when sharing does') or diag(progress());
ok(BridgeTest::wait_for('all to be delivered', sub {
	$sp->sql("SELECT NOT EXISTS (SELECT FROM casesync_internal.notification WHERE state = 'due')") eq 't' }, 120), 'to its end');
my %numbers = map { $_->{seq} => 1 } arrived($ess);
is(scalar(grep { !$numbers{$_} } 1 .. scalar keys %numbers), 0, 'the numbers have no hole');

# --- a new subscription of a node, over the API, under an agreement with initial_state ---
$sp->agree_out('node', 'node.example.org', subscribing => 'auto', initial_state => 'true', subjects => 'true');
$node->agree('in', 'sp.example.org', direction => 'in', fields => '{programme_identifier.programme_name,enrollment_status}', apply_mode => 'auto');
$node->sql(<<'SQL');
CREATE TABLE heard (n bigserial, national_id text);
CREATE FUNCTION hear(i casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	INSERT INTO heard (national_id) VALUES (i.record #>> '{member,member_identifier,0,identifier_value}');
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Beneficiary', 'enrolment_status_change', 'hear(casesync.inbound)');
SQL
$sp->end_bridge('TERM');
$sp->sql('DELETE FROM person WHERE id > 300');
start_bridges($sp, $node);
$node->sql("SELECT casesync.subscribe_to('sp.example.org', 'enrolment_status_change', 'Beneficiary')");
ok(BridgeTest::wait_for('the initial state', sub { $node->sql('SELECT count(DISTINCT national_id) FROM heard') == 300 }, 60), 'a new subscription is told of everybody')
  or diag($sp->sql('SELECT * FROM casesync.backfills ORDER BY id DESC LIMIT 1'), $sp->log_text);
is($node->sql('SELECT count(*) FROM heard'), 300, 'once');
is($sp->sql("SELECT concat_ws(' ', state, partner, looked, told) FROM casesync.backfills WHERE is_initial"), 'done node.example.org 300 300', 'as it says');
$_->stop_ok for $sp, $node;

done_testing();
