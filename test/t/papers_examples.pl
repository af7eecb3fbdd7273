# The examples of the pages in doc/ do what the pages say: the statements of every block ```psql, run in
# the order of the page in a database of its own, print what stands below them.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib "$FindBin::Bin/../lib";
use PapersTest;

my $node = PostgreSQL::Test::Cluster->new('papers');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'");
$node->start;

# What each of the statements prints, errors included, in one session.
sub run_statements
{
	my ($name, @statements) = @_;
	my ($output, $mark) = ('', "--- next ---");
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	IPC::Run::run([ 'stdbuf', '-o0', 'psql', '-Xq', '-d', $node->connstr($name) ],
		'<', \join('', map { s/^[=-]> //mgr . "\\echo '$mark'\n" } @statements),
		'>&', \$output, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default))
	  or die "psql failed: $output";
	my @printed = split /^\Q$mark\E\n/m, $output, -1;
	pop @printed;
	return @printed;
}

my $count = 0;
for my $file (sort glob abs_path("$FindBin::Bin/../../doc") . '/*.md')
{
	my @statements = statements_of(slurp_file($file), 'psql') or next;
	my ($name) = $file =~ m{([\w-]+)\.md\z};
	$count += is_what_the_page_shows($file, 'psql', run_statements('page_' . $name =~ s/-/_/gr, @statements));
}
cmp_ok($count, '>', 50, 'there are examples');
$node->stop;
done_testing();
