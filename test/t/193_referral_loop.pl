# A household registered on one side raises a referral to the other, which answers: both on tables of their own, as
# PRS.EMP.01 and PRS.EMP.02 have it. The facts that select the person do not travel, who has not consented is not referred,
# the answer closes the loop, and a referral that nobody answers in time is in the health of both.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use NodePair;
use Test::More;

my $sp = BridgeTest->new(name => 'sp');
my $ess = BridgeTest->new(name => 'ess', sender_id => 'ess.example.org', node_id => '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0002');
my %other = (sp => $ess, ess => $sp);

# What the page has a developer write, on each side the same.
my $statements = BridgeTest::slurp(BridgeTest::tree() . '/doc/one-case.sql');
for my $node ($sp, $ess)
{
	$node->{server}->safe_psql('postgres', 'CREATE DATABASE app ENCODING UTF8 TEMPLATE template0');
	$node->sql("CREATE EXTENSION casesync; CREATE ROLE bridge LOGIN; SELECT casesync.grant_access('bridge', 'bridge');
		SELECT casesync.set_node('$node->{sender_id}', '@{[ $node->base_url ]}', four_eyes => false)");
}
acquaint($sp, $ess);
$_->sql("\\set me '$_->{sender_id}'\n\\set other '$other{ $_->{name} }{sender_id}'\n$statements") for $sp, $ess;
start_bridges($sp, $ess);
$_->sql("SELECT casesync.subscribe_to('$other{ $_->{name} }{sender_id}', 'referral', 'Member')") for $sp, $ess;
for my $node ($sp, $ess)
{
	ok(BridgeTest::wait_for('the subscription', sub { $node->sql('SELECT state FROM casesync.my_subscriptions') eq 'active' }), "$node->{name} has subscribed to referrals")
	  or BAIL_OUT($node->log_text);
}

sub value_becomes
{
	my ($node, $sql, $value, $what) = @_;
	return is(BridgeTest::wait_for($what, sub { my $is = $node->sql($sql); $is eq $value ? "=$is" : '' }, 40) || $node->sql($sql), "=$value", $what);
}

# --- a household is registered; who may be referred is ---
$sp->sql(<<'SQL');
INSERT INTO household VALUES (1, 'Bas-Fleuve');
INSERT INTO person (id, household, national_id, born, disabled, died, consents) VALUES
	(1, 1, 'N-1', '1990-05-01', false, NULL, true), (2, 1, 'N-2', '1988-01-01', true, NULL, true),
	(3, 1, 'N-3', '2015-01-01', false, NULL, true), (4, 1, 'N-4', '1985-01-01', false, NULL, false),
	(5, 1, 'N-5', '1980-01-01', false, '2026-01-01', true);
SQL
is($sp->sql("SELECT string_agg(id || ' ' || state, ', ' ORDER BY id) FROM referral"), 'R-1 requested, R-4 requested', 'who is of working age, alive and not disabled is referred');
value_becomes($ess, 'SELECT string_agg(id || \' \' || national_id || \' \' || state, \', \' ORDER BY id) FROM intake', 'R-1 N-1 received', 'the other side has who has consented');
value_becomes($sp, "SELECT state FROM referral WHERE id = 'R-1'", 'received', 'and says that it has received it');
unlike($ess->sql("SELECT string_agg(convert_from(raw, 'UTF8'), ' ') FROM casesync_internal.message_in"), qr/1990|disab|consent|Bas-Fleuve|N-4/,
	'the facts that selected the person, and who has not consented, did not travel');

# --- it is accepted there: the answer closes the loop ---
is($sp->sql('SELECT count(*) FROM casesync.open_referrals'), 1, 'it is open meanwhile');
$ess->sql("UPDATE intake SET state = 'accepted', decided_on = current_date, outcome = 'road works from Monday' WHERE id = 'R-1'");
value_becomes($sp, "SELECT state || ', ' || outcome FROM referral WHERE id = 'R-1'", 'accepted, road works from Monday', 'accepted there, and known here');
is($sp->sql("SELECT count(*) FROM casesync.open_referrals"), 0, 'the loop is closed');
is($ess->sql("SELECT count(*) FROM casesync.open_referrals"), 0, 'on both sides');

# --- consent comes later, and the other side rejects ---
$sp->sql("UPDATE person SET consents = true WHERE id = 4");
value_becomes($ess, "SELECT state FROM intake WHERE id = 'R-4'", 'received', 'once the person consents the other side has it');
$ess->sql("UPDATE intake SET state = 'rejected', decided_on = current_date, outcome = 'no place' WHERE id = 'R-4'");
value_becomes($sp, "SELECT state || ', ' || outcome FROM referral WHERE id = 'R-4'", 'rejected, no place', 'rejected there, and known here');

# --- nobody answers in time ---
$sp->sql("INSERT INTO person (id, household, national_id, born, disabled, consents) VALUES (6, 1, 'N-6', '1991-01-01', false, true);
	UPDATE referral SET respond_by = now() - interval '1 day' WHERE id = 'R-6'");
my $late = "SELECT coalesce(string_agg(problem, ''), '') FROM casesync.health WHERE problem ~ 'referrals'";
value_becomes($ess, "SELECT count(*) FROM casesync.open_referrals WHERE is_late AND direction = 'in'", 1, 'the other side knows that it is late');
like($sp->sql($late), qr/^1 referrals to ess\.example\.org are not answered, though they were to be by /, 'health says so here');
like($ess->sql($late), qr/^1 referrals of sp\.example\.org wait for our answer, which was to come by /, 'and there');
is($sp->sql("SELECT key FROM casesync.open_referrals WHERE is_late"), 'R-6', 'and which it is');
$ess->sql("UPDATE intake SET state = 'accepted', decided_on = current_date WHERE id = 'R-6'");
value_becomes($sp, $late, '', 'it is over with the answer');
is($ess->sql($late), '', 'on both sides');

# --- and from the employment side to social protection (PRS.EMP.02) ---
$ess->sql("INSERT INTO household VALUES (7, 'Kasai'); INSERT INTO person (id, household, national_id, born, disabled, consents)
	VALUES (70, 7, 'N-70', '1992-01-01', false, true)");
value_becomes($sp, "SELECT national_id || ' ' || state FROM intake", 'N-70 received', 'the employment side refers to social protection');
$sp->sql("UPDATE intake SET state = 'accepted', decided_on = current_date, outcome = 'cash transfer' WHERE id = 'R-70'");
value_becomes($ess, "SELECT state || ', ' || outcome FROM referral WHERE id = 'R-70'", 'accepted, cash transfer', 'and has its answer');

# --- the asker cancels what was answered: it is cancelled there, and nothing is asked of the asker ---
$sp->sql("UPDATE referral SET state = 'cancelled' WHERE id = 'R-6'");
value_becomes($ess, "SELECT state FROM intake WHERE id = 'R-6'", 'cancelled', 'what is cancelled here is cancelled there');
value_becomes($sp, "SELECT state FROM casesync_internal.inbox_item WHERE record::text ~ 'R-6.*cancelled'", 'applied', 'which says so');
$ess->sql("UPDATE intake SET state = 'completed', outcome = 'too late' WHERE id = 'R-6'");
value_becomes($sp, "SELECT count(*) FROM casesync_internal.inbox_item WHERE state = 'applied' AND reason = 'of a part of it what stands here counts'", 1, 'an answer that comes after that');
value_becomes($ess, "SELECT state FROM intake WHERE id = 'R-6'", 'cancelled', 'is taken back, also there');
is($sp->sql("SELECT string_agg(id, ' ') FROM intake"), 'R-70', 'and is no request to us');

# --- both use one id for different people ---
$ess->sql("INSERT INTO person (id, household, national_id, born, disabled, consents) VALUES (1, 7, 'N-80', '1992-01-01', false, true)");
value_becomes($sp, "SELECT national_id || ' ' || state FROM intake WHERE id = 'R-1'", 'N-80 received', 'an id of ours is the other side\'s for somebody else');
$sp->sql("UPDATE intake SET state = 'in_progress', decided_on = current_date WHERE id = 'R-1'");
value_becomes($ess, "SELECT state FROM referral WHERE id = 'R-1'", 'in_progress', 'who hears of it');
$ess->sql("UPDATE referral SET state = 'cancelled' WHERE id = 'R-1'");
value_becomes($sp, "SELECT state FROM intake WHERE id = 'R-1'", 'cancelled', 'and cancels it');
is($ess->sql("SELECT partner || ' ' || national_id || ' ' || state FROM intake WHERE id = 'R-1'"), 'sp.example.org N-1 accepted', 'what we asked under that id stands');
is($sp->sql("SELECT state FROM referral WHERE id = 'R-1'"), 'accepted', 'on both sides');

# --- one person is referred both ways ---
$ess->sql("INSERT INTO person (id, household, national_id, born, disabled, consents) VALUES (90, 7, 'N-1', '1990-05-01', false, true)");
value_becomes($sp, "SELECT partner || ' ' || national_id || ' ' || service || ' ' || state FROM intake WHERE id = 'R-90'", 'ess.example.org N-1 public works received', 'whom we have referred is referred to us');
$sp->sql("UPDATE intake SET state = 'rejected', decided_on = current_date, outcome = 'is with us already' WHERE id = 'R-90'");
value_becomes($ess, "SELECT state || ', ' || outcome FROM referral WHERE id = 'R-90'", 'rejected, is with us already', 'and answered');
is($sp->sql("SELECT state || ', ' || outcome FROM referral WHERE id = 'R-1'"), 'accepted, road works from Monday', 'the other way stands as it was');
is($ess->sql("SELECT state || ', ' || outcome FROM intake WHERE id = 'R-1'"), 'accepted, road works from Monday', 'on both sides');

# --- nothing is left, and nothing goes on by itself ---
for my $node ($sp, $ess)
{
	is($node->sql("SELECT coalesce(string_agg(DISTINCT state, ' '), '') FROM casesync_internal.inbox_item"), 'applied', "$node->{name} has applied all");
	is($node->sql("SELECT count(reason) FROM casesync_internal.inbox_item"), $node == $sp ? 1 : 0, 'all of it, but for the answer that came too late');
	is($node->sql('SELECT count(*) FROM casesync.dead_letter'), 0, 'and nothing was refused');
}
my $told = $sp->sql('SELECT count(*) FROM casesync_internal.notification') + $ess->sql('SELECT count(*) FROM casesync_internal.notification');
$sp->sql("UPDATE person SET died = current_date WHERE id = 1");
BridgeTest::wait_for('all to be routed', sub { $_->sql('SELECT casesync_internal.unrouted_since() IS NULL') eq 't' }) for $sp, $ess;
is($sp->sql('SELECT count(*) FROM casesync_internal.notification') + $ess->sql('SELECT count(*) FROM casesync_internal.notification'), $told, 'who has died is told of no more by this agreement');
$_->stop_ok for $sp, $ess;

done_testing();
