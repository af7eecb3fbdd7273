# The README's complete example does what the README says: its commands, run as they stand.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = abs_path("$FindBin::Bin/../..");
my $readme = slurp_file("$tree/README.md");
my ($section) = $readme =~ /^## A complete example\n(.*?)^## /ms;
ok(defined $section, 'the README has a complete example');
my @commands = $section =~ /^```sh\n(.*?)^```$/msg;
my ($printed) = $section =~ /^prints\n\n```\n(.*?)^```$/ms;
cmp_ok(scalar @commands, '>=', 5, 'with commands in several steps');
ok(defined $printed, 'and what they print');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;

# Only the ports are ours: the README's may be in use here. The bridges end with the script.
my %port_of;
my $script = join "\n", @commands;
$script =~ s{127\.0\.0\.1:(\d+)}{"127.0.0.1:" . ($port_of{$1} //= PostgreSQL::Test::Cluster::get_free_port())}ge;
my $folder = PostgreSQL::Test::Utils::tempdir();
my $file = "$folder/example.sh";
append_to_file($file, <<"HEAD" . $script);
set -eu
cd '$folder'
PATH="$tree/bridge:\$PATH"
trap 'kill \$(jobs -p)' EXIT
HEAD
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
my ($output, $errors) = ('', '');
my $finished = eval {
	IPC::Run::run([ 'bash', $file ], '>', \$output, '2>', \$errors,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
};
ok($finished, 'every command succeeds') or diag($@ // '', $errors);
my ($last) = $output =~ /( +numero .*)\z/s;
is($last, $printed, 'and the last one prints what the README shows');

$node->stop;
done_testing();
