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
	IPC::Run::run([ $demo, $statements ], '>', \$output, '2>', \$errors, IPC::Run::timeout(300));
};
ok($ok, 'the demo ends well') or diag($@ // '', $errors);
like($output, qr{^\s*(\d{4}) of \1 records agree$}m, 'every record agrees');
like($output, qr/of them echoes of its own: 0$/m, 'no change comes back');

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
my $run = IPC::Run::start([$demo], '>', \$cut, '2>', \$errors, IPC::Run::timeout(120));
$run->pump until $cut =~ /^2\. /m;
$run->signal('TERM');
$run->finish;
is(scalar(() = glob("$folder/*")), 0, 'a terminated demo removes what it has made');

done_testing();
