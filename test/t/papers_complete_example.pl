# The README's complete example does what the README says: its commands, run as they stand, on a server
# that lets everybody in and on one with Debian's pg_hba.conf. Where it cannot work it ends and says why.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IO::Socket::INET;
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

# Only the ports are ours: the README's may be in use here.
my %port_of;
my $script = join "\n", @commands;
$script =~ s{127\.0\.0\.1:(\d+)}{"127.0.0.1:" . ($port_of{$1} //= PostgreSQL::Test::Cluster::get_free_port())}ge;
is(scalar keys %port_of, 2, 'there are two bridges');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
$node->start;
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PATH} = "$tree/bridge:$ENV{PATH}";

sub admit
{
	my (@lines) = @_;
	unlink $node->data_dir . '/pg_hba.conf';
	$node->append_conf('pg_hba.conf', join "\n", @lines);
	$node->reload;
	return;
}

# Runs a script in a folder of its own: how it ended, what it said, the folder.
sub run_script
{
	my ($text, %environment) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$folder.sh", $text);
	my ($output, $errors) = ('', '');
	local @ENV{ keys %environment } = values %environment;
	my $ended = eval {
		IPC::Run::run([ 'bash', "$folder.sh" ], init => sub { chdir $folder or die "$folder: $!" },
			'>', \$output, '2>', \$errors, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
		1;
	};
	diag($@) unless $ended;
	return ($ended ? $? : undef, $output, $errors, $folder);
}

sub is_removed
{
	my ($folder) = @_;
	is(join(' ', glob("$folder/*")), '', 'no file is left');
	is( $node->safe_psql('postgres', "SELECT count(*) FROM (SELECT datname AS name FROM pg_database UNION ALL"
			  . " SELECT rolname FROM pg_roles) n WHERE name LIKE 'example%'"),
		'0', 'no database and no role');
	return;
}

sub are_stopped
{
	my $listening = grep {
		IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_, Timeout => 5)
	} values %port_of;
	is($listening, 0, 'no bridge runs on');
	return;
}

sub works
{
	my ($where, %environment) = @_;
	my ($status, $output, $errors, $folder) = run_script($script, %environment);
	is($status, 0, "every command succeeds $where") or diag($errors);
	my ($last) = $output =~ /( +numero .*)\z/s;
	is($last, $printed, 'the last one that prints something prints what the README shows');
	are_stopped();
	is_removed($folder);
	return;
}

works('where everybody is let in');

my @debian = ('local all postgres peer', 'local all all peer',
	'host all all 127.0.0.1/32 scram-sha-256', 'host all all ::1/128 scram-sha-256');
admit(@debian);
works("with Debian's pg_hba.conf, in the C locale", LC_ALL => 'C', LANG => 'C');

# A server that does not let the bridges in: the first wait ends, and says what is the matter.
admit(@debian[0 .. 1], 'host all all 127.0.0.1/32 reject');
(my $impatient = $script) =~ s/^deadline=60\b/deadline=10/m or die 'the README has no deadline';
my ($status, $output, $errors, $folder) = run_script($impatient);
isnt($status, undef, 'it ends where the bridges cannot log in');
isnt($status, 0, 'and fails');
like($errors, qr/^waited 10 seconds in vain for sp: SELECT state/m, 'it says what it waited for');
for my $side ('ess', 'sp')
{
	like($errors, qr/^casesync\.health of $side:\n[-(]/m, "what casesync.health of $side says");
	like($errors, qr/^last line of $side\.log: .*pg_hba\.conf/m, 'and the last line in the log of its bridge');
}
are_stopped();

# What is left then is removed by the README's last commands without their first line.
($commands[-1] =~ /\Akill .*\n/) or die 'the last commands do not begin with kill';
(my $cleanup = $commands[-1]) =~ s/\A.*\n//;
append_to_file("$folder.cleanup", $cleanup);
is(system("cd '$folder' && bash '$folder.cleanup'"), 0, 'the README says how to remove what is left');
is_removed($folder);

$node->stop;
done_testing();
