# Two short histories of an application, a node and three partners of which many things go wrong, judged from
# outside (test/torture). Which transactions and faults there are is decided by the seed; make torture does more.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $torture = abs_path("$FindBin::Bin/../torture/torture");
my $folder = "$PostgreSQL::Test::Utils::log_path/torture";

for my $seed (1, 2)
{
	my $said = '';
	my $ok = eval {
		IPC::Run::run([ $torture, '--seconds', 6, '--folder', $folder, $seed ],
			'>', \$said, '2>&1', IPC::Run::timeout(240));
	};
	ok($ok, "nothing is found in history $seed") or diag($@ // '', $said);
	like($said, qr/^seed $seed: .* [1-9]\d* messages/m, 'in which something was sent') or diag $said;
}
done_testing();
