# What doc/one-case.md has two ministries do, on two nodes: its SQL is the same on both sides and is the file that goes with
# it, its story prints what stands there, and in the end both have the same plan, also after changes that cross.
use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use NodePair;
use PapersTest;
use Test::More;

my $sp = BridgeTest->new(name => 'sp');
my $ess = BridgeTest->new(name => 'ess', sender_id => 'ess.example.org', node_id => '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0002');
my %node = (sp => $sp, ess => $ess);
my $page = BridgeTest::slurp(BridgeTest::tree() . '/doc/one-case.md');
my $file = BridgeTest::slurp(BridgeTest::tree() . '/doc/one-case.sql');

# --- the file is the page's SQL ---
my ($setup, $story) = $page =~ /\A(.*?)^(## A household is registered\n.*)\z/ms;
my $shown = join '', grep { !/^(?:\\set|CREATE EXTENSION|SELECT casesync\.set_(?:node|partner)\()/ } map { s/^[=-]> //mgr } statements_of($setup, 'psql');
is($file =~ s/^--.*\n|^\n//mgr, $shown, 'one-case.sql is the SQL of the page');

for my $node ($sp, $ess)
{
	my ($other) = grep { $_ != $node } $sp, $ess;
	$node->{server}->safe_psql('postgres', 'CREATE DATABASE app ENCODING UTF8 TEMPLATE template0');
	$node->sql("CREATE EXTENSION casesync; CREATE ROLE bridge LOGIN; SELECT casesync.grant_access('bridge', 'bridge');
		SELECT casesync.set_node('$node->{sender_id}', '@{[ $node->base_url ]}', four_eyes => false)");
}
acquaint($sp, $ess);
for my $node ($sp, $ess)
{
	my ($other) = grep { $_ != $node } $sp, $ess;
	$node->sql("\\set me '$node->{sender_id}'\n\\set other '$other->{sender_id}'\n$file");
}
start_bridges($sp, $ess);

# --- the story: each side's statements in turn; what is looked at comes to be what the page shows ---
sub prints
{
	my ($side, $statement) = @_;
	my $output = '';
	IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node{$side}{server}->connstr('app') ], '<', \$statement, '>&', \$output)
	  or BAIL_OUT("$side=> $statement$output");
	return $output;
}
my $looks = 0;
while ($page =~ /^```(psql|console)\n(.*?)^```$/msg)
{
	my ($kind, $block) = ($1, $2);
	next if $kind eq 'psql' && $setup =~ /\Q$block\E/;
	while ($block =~ /^((\w*)=> .*\n(?:\w*-> .*\n)*)((?:(?!\w*=> ).*\n)*)/mg)
	{
		my ($statement, $side, $printed) = ($1, $2 || 'sp', $3);
		$statement =~ s/^\w*[=-]> //mg;
		if ($kind eq 'psql' || $statement !~ /\ASELECT .* FROM (?!unnest)|\ASELECT approved_by_both/s)
		{
			prints($side, $statement);
			next;
		}
		my $is = '';
		BridgeTest::wait_for("$side: $statement", sub { $is = prints($side, $statement); masked($is) eq masked($printed) }, 40);
		is(masked($is), masked($printed), "$side=> " . $statement =~ s/\n\z//r);
		$looks++;
	}
}
cmp_ok($looks, '>=', 12, 'the page looks at both sides');

# --- both have the same ---
my $told = 'SELECT md5(jsonb_agg(casesync.plan_of(record) ORDER BY subject_key)::text) FROM planned';
my $has = "SELECT jsonb_build_array((SELECT jsonb_agg(to_jsonb(p) - 'was_shared' ORDER BY national_id) FROM plan p),
	(SELECT jsonb_agg(to_jsonb(a) ORDER BY a.id) FROM action a), (SELECT jsonb_agg(to_jsonb(v) ORDER BY v.organisation) FROM approval v), approved_by_both('N-1'))";
sub is_quiet
{
	return ($_[0]->sql("SELECT casesync_internal.unrouted_since() IS NULL AND NOT EXISTS (SELECT FROM casesync_internal.inbox_item WHERE state = 'new')") eq 't');
}
sub both_agree
{
	my ($what) = @_;
	my ($here, $there) = ('', '');
	BridgeTest::wait_for($what, sub { ($here, $there) = map { $_->sql($has) } $sp, $ess; $here eq $there && is_quiet($sp) && is_quiet($ess) }, 60);
	is($here, $there, "both agree: $what");
	is($sp->sql($told), $ess->sql($told), 'and would tell the same');
	return;
}
both_agree('at the end of the story');
is($sp->sql("SELECT state FROM plan WHERE approved_by_both(national_id)"), 'active', 'on a plan in force that both have approved');

# --- a change that crosses the other side's approval ---
$sp->sql("UPDATE plan SET objective = 'a job by May'");
$ess->sql("UPDATE action SET due = due + 7 WHERE kind = 'training'; SELECT approve('N-1')");
$sp->sql("SELECT approve('N-1')");
both_agree('after changes and approvals that crossed');
is($sp->sql("SELECT approved_by_both('N-1')"), 'f', 'neither has approved what the other has changed meanwhile');
$_->sql("SELECT approve('N-1')") for $sp, $ess;
both_agree('after both have approved at once');
is($ess->sql("SELECT approved_by_both('N-1')"), 't', 'both have approved');

# --- an action is done at one side while the other approves ---
$sp->sql("UPDATE plan SET ends = ends + 1");
both_agree('after the end was moved');
$ess->sql("SELECT approve('N-1')");
$sp->sql("UPDATE action SET state = 'in_progress', done_on = NULL WHERE kind = 'child care'; SELECT approve('N-1')");
both_agree('after an action went on while the other approved');
is($sp->sql("SELECT approved_by_both('N-1')"), 't', 'that an action is done changes nothing that was approved');

# --- an action is cancelled: what was approved is another plan; as it was, it is approved again ---
$ess->sql("UPDATE action SET state = 'cancelled' WHERE kind = 'training'");
both_agree('after an action was cancelled');
is($sp->sql("SELECT approved_by_both('N-1')"), 'f', 'nobody has approved the plan without it');

# --- what is the other side's is not taken; both are told what counts ---
$ess->sql("UPDATE plan SET objective = 'something else'; UPDATE action SET hours = 99 WHERE kind = 'child care'");
both_agree('after one side wrote into what is the other\'s');
is($ess->sql('SELECT objective FROM plan'), 'a job by May', 'who leads says what the plan wants');
is($ess->sql("SELECT count(*) FROM action WHERE hours = 99"), 0, 'and whose an action is what it is');

# --- a plan is told once the referral is accepted; two plans for one person wait for a person ---
my $plan = "INSERT INTO plan (national_id, state, objective, starts, ends) VALUES ('N-4', 'proposed', 'a plan', '2026-12-01', '2027-01-01')";
$sp->sql("$plan; UPDATE person SET consents = true WHERE id = 4");
ok(BridgeTest::wait_for('the referral', sub { $ess->sql("SELECT count(*) FROM intake WHERE id = 'R-4'") }), 'somebody else is referred');
is($ess->sql("SELECT count(*) FROM casesync_internal.inbox_item WHERE subject = 'NATIONAL_ID:N-4' AND event_type = 'plan_change'"), 0, 'and no plan is told');
$ess->sql("BEGIN; $plan; UPDATE intake SET state = 'accepted', decided_on = current_date WHERE id = 'R-4'; COMMIT");
ok(BridgeTest::wait_for('the other plan', sub { $sp->sql("SELECT count(*) FROM casesync.inbox WHERE state = 'review'") }), 'when the ESS has begun one too, the newer waits in the SP');
is($sp->sql("SELECT reason FROM casesync_internal.inbox_item WHERE state = 'review'"), 'both sides have begun a plan for this person', 'for a person');
is($_->sql("SELECT lead FROM plan WHERE national_id = 'N-4'"), $_->{sender_id}, "and $_->{name} keeps its own meanwhile") for $sp, $ess;
$sp->sql("DELETE FROM plan WHERE national_id = 'N-4'; SELECT casesync.accept(id) FROM casesync.inbox WHERE state = 'review'");
ok(BridgeTest::wait_for('the plan', sub { $sp->sql("SELECT lead FROM plan WHERE national_id = 'N-4'") eq 'ess.example.org' }), 'which gives up its own and accepts it');
both_agree('on both plans');

# --- both begin a plan at the same moment: neither takes anything of the other's, and one gives its own up ---
sub wait_at_review
{
	my ($node) = @_;
	return is(BridgeTest::wait_for('the review', sub { $node->sql("SELECT string_agg(DISTINCT reason, ', ') FROM casesync.inbox WHERE state = 'review'") }),
		'both sides have begun a plan for this person', "what the other has begun waits at $node->{name}");
}
$sp->sql("INSERT INTO person (id, household, national_id, born, disabled, consents) VALUES (6, 1, 'N-6', '1991-01-01', false, true)");
ok(BridgeTest::wait_for('the referral', sub { $ess->sql("UPDATE intake SET state = 'accepted', decided_on = current_date WHERE id = 'R-6' RETURNING 1") }), 'the ESS accepts somebody');
ok(BridgeTest::wait_for('the answer', sub { $sp->sql("SELECT state FROM referral WHERE id = 'R-6'") eq 'accepted' }), 'and the SP knows it');
$_->end_bridge('TERM') for $sp, $ess;
for my $node ($sp, $ess)
{
	$node->sql("INSERT INTO plan (national_id, state, objective, starts, ends) VALUES ('N-6', 'proposed', 'by $node->{name}', '2026-12-01', '2027-01-01');
		INSERT INTO action (national_id, kind) VALUES ('N-6', 'of $node->{name}'); SELECT approve('N-6')");
}
start_bridges($sp, $ess);
wait_at_review($_) for $sp, $ess;
is($_->sql("SELECT objective || ', ' || (SELECT string_agg(a.kind, ', ') FROM action a WHERE a.national_id = 'N-6') || ', ' || (SELECT count(*) FROM approval v WHERE v.national_id = 'N-6')
	FROM plan WHERE national_id = 'N-6'"), "by $_->{name}, of $_->{name}, 1", "$_->{name} has its own, and nothing of the other's") for $sp, $ess;
like($_->sql("SELECT string_agg(problem, ' ') FROM casesync.health"), qr/items of \S+ wait for a decision/, "health says so at $_->{name}") for $sp, $ess;
$sp->sql("DELETE FROM action WHERE national_id = 'N-6'; DELETE FROM approval WHERE national_id = 'N-6'; DELETE FROM plan WHERE national_id = 'N-6'");
BridgeTest::wait_for('the plan to be accepted', sub {
	$sp->sql("SELECT count(casesync.accept(id)) FROM casesync.inbox WHERE state = 'review'");
	$ess->sql("SELECT count(casesync.reject(id, 'there is one')) FROM casesync.inbox WHERE state = 'review'");
	$sp->sql("SELECT lead FROM plan WHERE national_id = 'N-6'") eq 'ess.example.org' });
both_agree('on the one that is left');
is($sp->sql("SELECT string_agg(kind, ', ') FROM action WHERE national_id = 'N-6'"), 'of ess', 'with its actions');

# --- a referral that is completed ends no sharing; one that is taken back ends the plan, and both know it ---
$ess->sql("UPDATE intake SET state = 'completed', outcome = 'works' WHERE id = 'R-6'; UPDATE plan SET objective = 'to keep the job' WHERE national_id = 'N-6'");
ok(BridgeTest::wait_for('the change', sub { $sp->sql("SELECT objective FROM plan WHERE national_id = 'N-6'") eq 'to keep the job' }), 'a plan is shared on when the referral is completed');
is($sp->sql('SELECT count(*) FROM not_shared'), 0, 'no plan goes on unshared');
$sp->sql("UPDATE referral SET state = 'cancelled' WHERE id IN ('R-1', 'R-6')");
both_agree('after referrals were taken back');
is($_->sql("SELECT string_agg(national_id || ' ' || state, ', ' ORDER BY national_id) FROM plan WHERE national_id IN ('N-1', 'N-6')"), 'N-1 ended, N-6 ended',
	"the plans have ended at $_->{name}, whoever leads them") for $sp, $ess;

# --- consent is withdrawn: nothing more is told, and here one sees it ---
$sp->sql("UPDATE person SET consents = false WHERE id = 4");
is($sp->sql("SELECT string_agg(national_id || ' ' || state, ', ') FROM not_shared"), 'N-4 proposed', 'a plan that goes on without consent is seen');
is($sp->sql("SELECT may_know FROM casesync.shared_status('plans', 'N-4')"), 'no', 'and that the other side may not know of it');

is($_->sql("SELECT coalesce(string_agg(DISTINCT state || coalesce(': ' || reason, ''), ', '), '') FROM casesync_internal.inbox_item WHERE state NOT IN ('applied', 'ignored', 'rejected')"), '', "$_->{name} has applied all") for $sp, $ess;
$_->stop_ok for $sp, $ess;

done_testing();
