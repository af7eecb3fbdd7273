# The examples of the pages in doc/ do what the pages say: the statements of every block ```psql, run in
# the order of the page in a database of its own, print what stands below them. The pages as they
# would be with what was printed are written to build/check/tap/papers.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = abs_path("$FindBin::Bin/../..");
my $node = PostgreSQL::Test::Cluster->new('papers');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'");
$node->start;

# Ids and times of one run, and what they make of the width of a column, differ from another's.
sub masked
{
	my ($text) = @_;
	$text =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(id)/g;
	$text =~ s/\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00|Z)?/(time)/g;
	$text =~ s/\b20\d\d-\d\d-\d\d\b/(day)/g;
	$text =~ s/\b\d{5,}\b/(n)/g;
	$text =~ s/[ \t]+/ /g;
	$text =~ s/ ?(?=\n)//g;
	$text =~ s/^ //mg;
	$text =~ s/-{2,}/--/g;
	$text =~ s/\n+\z/\n/;
	return $text;
}

# What each of the statements prints, errors included, in one session.
sub run_statements
{
	my ($name, @statements) = @_;
	my ($output, $mark) = ('', "--- next ---");
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	IPC::Run::run([ 'stdbuf', '-o0', 'psql', '-Xq', '-d', $node->connstr($name) ],
		'<', \join('', map { "$_\n\\echo '$mark'\n" } @statements),
		'>&', \$output, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default))
	  or die "psql failed: $output";
	return split /^\Q$mark\E\n/m, $output, -1;
}

my $folder = "$ENV{TESTDIR}/papers";
make_path($folder);
my $count = 0;
for my $file (sort glob "$tree/doc/*.md")
{
	my ($name) = $file =~ m{(\w[\w-]*)\.md\z};
	my $page = slurp_file($file);
	my @blocks = $page =~ /^```psql\n(.*?)^```$/msg;
	next unless @blocks;
	my @statements = map { /^=> (.*\n(?:-> .*\n)*)/mg } @blocks;
	s/^-> //mg for @statements;
	chomp @statements;
	my @printed = run_statements("page_$name" =~ s/-/_/gr, @statements);
	is(scalar @printed, @statements + 1, "$name.md: every statement ends");
	my $made = $page =~ s{^```psql\n(.*?)^```$}{
		"```psql\n" . join('', map { $_ . (shift(@printed) =~ s/[ \t]+$//mgr) } $1 =~ /^(=> .*\n(?:-> .*\n)*)/mg) . "```"
	}megrs;
	my $place = "$folder/$name.md";
	unlink $place;
	append_to_file($place, $made);
	is(masked($made), masked($page), "$name.md: they print what it shows");
	$count += @statements;
}
cmp_ok($count, '>', 10, 'there are examples');
$node->stop;
done_testing();
