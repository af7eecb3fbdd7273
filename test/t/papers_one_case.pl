# What a developer copies from doc/one-case.md makes two nodes that tell each other of one case, and removes them again.
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
my @commands = slurp_file("$tree/doc/one-case.md") =~ /^```sh\n(.*?)^```$/msg;
is(scalar @commands, 2, 'one block makes it, another one removes it');

# Between them, what the page has one look at by hand; each look has a deadline.
my $story = <<'SH';
comes() { local end=$((SECONDS + 60)); until [ "$(sql $1 -At -c "$2")" = "$3" ]; do [ $SECONDS -lt $end ] || { echo "in vain: $2"; tail -n 2 *.log; exit 1; }; sleep 0.1; done; echo "$1 has $3"; }
sql sp -c "SELECT casesync.subscribe_to('ess.example.org', e, 'Member') FROM unnest('{referral,plan_change}'::text[]) e" >/dev/null
sql ess -c "SELECT casesync.subscribe_to('sp.example.org', e, 'Member') FROM unnest('{referral,plan_change}'::text[]) e" >/dev/null
for side in sp ess; do comes $side "SELECT count(*) FROM casesync.my_subscriptions WHERE state = 'active'" 2; done
sql sp -c "INSERT INTO household VALUES (1, 'Bas-Fleuve'); INSERT INTO person (id, household, national_id, born, disabled, consents) VALUES (1, 1, 'N-1', '1990-05-01', false, true)"
comes ess "SELECT state FROM intake" received
sql ess -c "UPDATE intake SET state = 'accepted', decided_on = current_date"
comes sp "SELECT state FROM referral" accepted
sql sp -c "INSERT INTO plan (national_id, state, objective, starts, ends) VALUES ('N-1', 'proposed', 'a job by spring', '2026-12-01', '2027-03-31')"
comes ess "SELECT objective FROM plan" 'a job by spring'
SH

my %port_of;
my $script = join "\n", $commands[0], $story, $commands[1];
$script =~ s{127\.0\.0\.1:(\d+)}{"127.0.0.1:" . ($port_of{$1} //= PostgreSQL::Test::Cluster::get_free_port())}ge;
$script =~ s/^doc=\$PWD\/doc\b/doc='$tree\/doc'/m or die 'the page does not say where it lies';
is(scalar keys %port_of, 2, 'there are two bridges');

my $node = PostgreSQL::Test::Cluster->new('one_case');
$node->init;
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
$node->start;
local @ENV{qw(PGHOST PGPORT PATH)} = ($node->host, $node->port, "$tree/bridge:$ENV{PATH}");
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder.sh", $script);
my ($output, $errors) = ('', '');
my $ended = eval {
	IPC::Run::run([ 'bash', "$folder.sh" ], init => sub { chdir $folder or die "$folder: $!" }, '>', \$output, '2>', \$errors,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	1;
};
ok($ended && $? == 0, 'every command succeeds') or diag($@ // '', $output, $errors);
is($output, "sp has 2\ness has 2\ness has received\nsp has accepted\ness has a job by spring\n", 'a referral, its answer and a plan go from one to the other');
is(join(' ', glob("$folder/*")), '', 'no file is left');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT datname AS name FROM pg_database UNION ALL SELECT rolname FROM pg_roles) n WHERE name LIKE 'case%'"),
	'0', 'no database and no role');
is((scalar grep { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_, Timeout => 5) } values %port_of), 0, 'no bridge runs on');

$node->stop;
done_testing();
