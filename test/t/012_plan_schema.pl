# What the builders of joint plans and referrals make is what doc/plan.schema.json tells partners, also when an agreement
# lets only a part of it leave.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $node = BridgeTest->new;
$node->create_application;
my $schema = BridgeTest::tree() . '/doc/plan.schema.json';

sub problems
{
	my (@lines) = @_;
	return BridgeTest::python('check_schema', join('', map { "$_\n" } @lines), 'attribute', $schema);
}

my $plan = $node->sql(q{SELECT jsonb_build_object('plan', casesync.plan('P-7', 2, 'active', '2026-10-01', '2027-03-31', '2026-12-15',
	'{sp.gov.example,ess.gov.example}', ARRAY[casesync.plan_goal('G-1', 'a job', 'open', '2027-03-31', now())],
	ARRAY[casesync.plan_action('A-1', 'G-1', 'training', 'evening course', 'ess.gov.example', 'client', 'in_progress', '2026-10-05',
		'2026-12-18', '2026-12-18', 12.5, '2026-10-06', 'none', 3, now())], 'first', now(),
	'{sp.gov.example}', '2026-09-30'))});
my $referral = $node->sql(q{SELECT jsonb_build_object('referral', casesync.referral('R-1', 'requested', 'sp.gov.example', 'ess.gov.example',
	'job search', 'no job', '2026-11-02', now(), '2026-11-03', 'none yet', now()))});
is(problems($plan, $referral), '', 'all that the builders can say is in the schema');

for my $path (qw(plan.plan_status plan.goals plan.actions.action_status plan.actions.due_date))
{
	my $part = $node->sql(qq{SELECT casesync_internal.project(jsonb_build_object('additional_attributes', jsonb_build_array('$plan'::jsonb)),
		'{additional_attributes.$path}', '{}') -> 'additional_attributes' -> 0});
	is(problems($part), '', "and so is $path alone");
}

my %wrong = (
	'a status of nobody' => q({"plan": {"plan_status": "halfway"}}), 'a day that is none' => q({"plan": {"goals": [{"due_date": "soon"}]}}),
	'one action that is no list' => q({"plan": {"actions": {}}}), 'a number that is a text' => q({"plan": {"plan_version": "2"}}),
	'a referral that is a text' => q({"referral": "R-1"}), 'another object' => q({"plan": {"@type": "Goal"}}));
isnt(problems($wrong{$_}), '', "$_ is not") for sort keys %wrong;

# every word of the lists, and none that the schema has besides
for my $list ([ plan => 'plan_status' ], [ plan_goal => 'plan_goal_status' ], [ plan_action => 'plan_action_status' ],
	[ plan_action => 'plan_responsible', 'responsible' ], [ referral => 'referral_status' ])
{
	my ($builder, $type, $argument) = (@$list, 'status');
	my ($key, $wrap) = $builder eq 'plan_goal' ? ('plan', 'goals') : $builder eq 'plan_action' ? ('plan', 'actions') : ($builder, undef);
	my $object = "casesync.$builder('X', $argument => code::casesync.$type)";
	$object = "casesync.plan('X', $wrap => ARRAY[$object])" if $wrap;
	my @lines = split /\n/, $node->sql(qq{SELECT jsonb_build_object('$key', $object) FROM casesync.code_directory WHERE directory = '$type'});
	cmp_ok(scalar(@lines), '>=', 3, "$type has words");
	is(problems(@lines), '', 'and the schema has them');
}

done_testing();
