# The demo tells its whole story and finds both systems equal at the end, in a locale without letters as
# in any other; it fails when they are not.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $demo = abs_path("$FindBin::Bin/../demo/demo");
my ($output, $errors) = ('', '');
my $ok = eval {
	local @ENV{ 'LC_ALL', 'LANG' } = ('C', 'C');
	IPC::Run::run([$demo], '>', \$output, '2>', \$errors, IPC::Run::timeout(300));
};
ok($ok, 'the demo ends well') or diag($@ // '', $errors);
like($output, qr{^\s*(\d{4}) of \1 records agree$}m, 'every record agrees');
like($output, qr/of them echoes of its own: 0$/m, 'no change comes back');

# A signal in the middle of the story leaves nothing behind.
my $folder = PostgreSQL::Test::Utils::tempdir();
local $ENV{TMPDIR} = $folder;
my $cut = '';
my $run = IPC::Run::start([$demo], '>', \$cut, '2>', \$errors, IPC::Run::timeout(120));
$run->pump until $cut =~ /^2\. /m;
$run->signal('TERM');
$run->finish;
is(scalar(() = glob("$folder/*")), 0, 'a terminated demo removes what it has made');

done_testing();
