# The demo runs to its end and finds both systems equal there, in a locale without letters as in any
# other; it fails when they are not. What the README shows of it is what it prints, but for numbers.
# Statements of the pages in doc/ that need two systems (```demo) are run at its end, and print what
# stands below them.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

use lib "$FindBin::Bin/../lib";
use PapersTest;

my $demo = abs_path("$FindBin::Bin/../demo/demo");
my @pages = grep { slurp_file($_) =~ /^```demo$/m } sort glob abs_path("$FindBin::Bin/../../doc") . '/*.md';
my $statements = PostgreSQL::Test::Utils::tempdir() . '/statements';
append_to_file($statements, join '', map { statements_of(slurp_file($_), 'demo') } @pages);
my ($output, $errors) = ('', '');
my $ok = eval {
	local @ENV{ 'LC_ALL', 'LANG' } = ('C', 'C');
	IPC::Run::run([ $demo, $statements ], '>', \$output, '2>', \$errors, IPC::Run::timeout(600));
};
ok($ok, 'the demo ends well') or diag($@ // '', $errors);
like($output, qr{^\s*(\d{4}) of \1 records agree$}m, 'every record agrees');
like($output, qr/of them echoes of its own: 0$/m, 'no change comes back');

# Each step of Example 1 says what has become of it; the demo itself fails where it is not so.
my %step = map { /^(\d+)\. (.*)\n((?s:.*))/ ? ($1 => { title => $2, said => $3 }) : () } split /^(?=\d+\. )/m, $output;
is(join(' ', sort { $a <=> $b } keys %step), join(' ', 1 .. 19), 'it has nineteen steps');
foreach (
	[ 11, qr/Diallo +Awa +\d+ +OR-\d+ .* received +sp\.social/, 'a household is registered, and the other side has a new person and a case' ],
	[ 11, qr/of her family, was sent: nothing$/m, 'of why she was chosen it has nothing' ],
	[ 11, qr/OR-\d+ .* ACCEPTEE/, 'its answer closes the loop' ],
	[ 12, qr/PL-1 +active +A-1 +sp\..*\n.*PL-1 +active +A-2 +ess\./, 'the plan of two authors is active on the other side' ],
	[ 12, qr/^ *approvals left: 0 in the SP, 0 in the ESS$/m, 'an approval is void once what was approved has changed, on both sides' ],
	[ 13, qr/A-2 +ess\..* FAITE +\d{4}-/, 'what one side has done the other sees' ],
	[ 13, qr/plan_change +push +acknowledged/, 'a push is told and acknowledged' ],
	[ 14, qr/Social protection +referral +notify +\d+ +Act 12/, 'a beneficiary sees who was told of her' ],
	[ 14, qr/^ +1 +person +\{phone\}/m, 'and her case worker that she changed something herself' ],
	[ 15, qr/employment_status +"1" +"3" +theirs +newer/, 'what met is kept' ],
	[ 15, qr/decided, it is so in both$/m, 'and what a person decides is so in both' ],
	[ 16, qr/A-2 .* on time$/m, 'planned beside delivered' ],
	[ 16, qr/casework\.decide\(\d+, 'approved'\)/, 'the supervisor decides' ],
	[ 16, qr/plan +PL-1 +100 /, 'the figures are of now' ],
	[ 17, qr/PL-1 +ended +décès +A-1 +cancelled +death/, 'a death ends the plan on both sides' ],
	[ 19, qr/^\s*of the case: (\d+) of \1 records agree$/m, 'every record of the case agrees' ])
{
	my ($number, $what, $name) = @$_;
	like($step{$number}{said} // '', $what, $name);
}

my ($shown) = slurp_file(abs_path("$FindBin::Bin/../../README.md")) =~ /^## See it\n.*?^```\n(.*?)^```$/ms;
my %printed = map { (s/\d+/0/gr => 1) } split /\n/, $output;
my @others = grep { $_ ne '[…]' && !$printed{ s/\d+/0/gr } } split /\n/, $shown;
is(join("\n", @others), '', 'it prints what the README shows');
cmp_ok(scalar(split /\n/, $shown), '>', 10, 'which is some lines');

my @printed = split /^--- next ---\n/m, ($output =~ /^The two systems agree\.\n--- next ---\n(.*)/ms)[0] // '', -1;
for my $page (@pages)
{
	is_what_the_page_shows($page, 'demo', splice @printed, 0, scalar(() = statements_of(slurp_file($page), 'demo')));
}
cmp_ok(scalar @pages, '>=', 3, 'which are some pages');

# A signal in the middle leaves nothing behind.
my $folder = PostgreSQL::Test::Utils::tempdir();
local $ENV{TMPDIR} = $folder;
my $cut = '';
my $run = IPC::Run::start([$demo], '>', \$cut, '2>', \$errors, IPC::Run::timeout(300));
$run->pump until $cut =~ /^2\. /m;
$run->signal('TERM');
$run->finish;
is(scalar(() = glob("$folder/*")), 0, 'a terminated demo removes what it has made');

done_testing();
