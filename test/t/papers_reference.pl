# doc/reference.md against a running server: the parameters of every function, the columns of every
# view, the accesses as they are granted, settings with their defaults, names of errors.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = abs_path("$FindBin::Bin/../..");
my $page = slurp_file("$tree/doc/reference.md");
my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->start;
my @accesses = $page =~ /^\| \w \| `(\w+)` \|/mg;
is(scalar @accesses, 11, 'there are eleven accesses');
$node->safe_psql('postgres', join ';', 'CREATE EXTENSION casesync',
	map { ("CREATE ROLE has_$_", "SELECT casesync.grant_access('has_$_', '$_')") } @accesses);

# The rows of all tables with this header, cell by cell.
sub rows_of
{
	my ($header) = @_;
	my @rows;
	for my $table ($page =~ /^\| $header \|.*\n\|.*\n((?:\|.*\n)+)/mg)
	{
		push @rows, map { [ map { s/^\s+|\s+$//gr } split /(?<!\\)\|/, $_, -1 ] } split /\n/, $table;
	}
	return @rows;
}

sub ask
{
	my ($sql) = @_;
	return [ split /\n/, $node->safe_psql('postgres', $sql) ];
}

my $accesses = join ', ', map { "('$accesses[$_]', $_)" } 0 .. $#accesses;
my $letter = "CASE access WHEN 'approver' THEN 'V' WHEN 'auditor' THEN 'U' WHEN 'reader' THEN 'S' WHEN 'caseworker' THEN 'W' WHEN 'portal' THEN 'O' WHEN 'portal_login' THEN 'L' ELSE upper(left(access, 1)) END";
my @letters = qw(P A V R U W O L S T B);
my $right = "EXISTS (SELECT FROM casesync_internal.access_right r WHERE r.access = a.access AND r.object IN (o.name, 'SELECT ON ' || o.name))";

# The columns that the page has of a view.
sub columns_of
{
	my ($view) = @_;
	my ($table) = $page =~ /^\*\*`$view`\*\*\n\n\| column .*\n\|.*\n((?:\|.*\n)*)/m;
	return ($table // '') =~ /^\| `(\w+)` \| \S/mg;
}

sub told
{
	my ($row) = @_;
	return "$1($2) $row->[2]" if $row->[1] =~ /^`(\w+)\((.*)\)`$/;
	return "$1 $row->[2] " . join(' ', columns_of($1)) if $row->[1] =~ /^`(\w+)`$/;
	return "row without a name: $row->[1]";
}

my $functions = ask(<<"SQL");
SELECT DISTINCT ON (o.name) format('%s(%s) %s', o.name, o.arguments,
	(SELECT string_agg($letter, ' ' ORDER BY n) FROM (VALUES $accesses) a(access, n) WHERE $right))
  FROM (SELECT p.proname AS name, p.pronargs, p.oid, (SELECT coalesce(string_agg(u.name, ', ' ORDER BY u.place), '')
		  FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY u(name, mode, place)
		 WHERE coalesce(u.mode, 'i') = 'i') AS arguments
		  FROM pg_proc p WHERE p.pronamespace = 'casesync'::regnamespace) o
 ORDER BY o.name, o.pronargs DESC, o.oid
SQL
is_deeply([ sort map { told($_) } rows_of('function') ], [ sort @$functions ],
	'every function with its parameters and who may call it');

my $views = ask(<<"SQL");
SELECT format('%s %s %s', o.name,
	(SELECT string_agg($letter, ' ' ORDER BY n) FROM (VALUES $accesses) a(access, n) WHERE $right),
	(SELECT string_agg(t.attname, ' ' ORDER BY t.attnum) FROM pg_attribute t
	  WHERE t.attrelid = o.oid AND t.attnum > 0 AND NOT t.attisdropped))
  FROM (SELECT c.relname AS name, c.oid FROM pg_class c
		 WHERE c.relnamespace = 'casesync'::regnamespace AND c.relkind = 'v') o
SQL
is_deeply([ sort map { told($_) } rows_of('view') ], [ sort @$views ], 'every view with its columns and who may read it');
cmp_ok(scalar @$functions, '>', 60, 'there are functions');
cmp_ok(scalar @$views, '>', 20, 'and views');

# What the table of accesses says is what roles have.
is($node->safe_psql('postgres', <<'SQL'), '', 'nobody but them may call a function of casesync');
SELECT format('%s may call %s', r.rolname, p.oid::regprocedure) FROM pg_proc p
 CROSS JOIN pg_roles r WHERE p.pronamespace = 'casesync'::regnamespace AND r.rolname ^@ 'has_'
   AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
   AND NOT EXISTS (SELECT FROM casesync_internal.access_right a WHERE a.object = p.proname AND ('has_' || a.access = r.rolname
		OR a.access = 'types' AND r.rolname IN ('has_publisher', 'has_admin', 'has_reviewer', 'has_auditor', 'has_portal')))
SQL

# The matrix has every function that roles may execute, of both schemas, but those that only compute.
my %matrix = map { my @cells = @$_; map { my $name = $_; map { ("$name $letters[$_]" => 1) } grep { $cells[ $_ + 2 ] eq 'x' } 0 .. $#letters }
	  $cells[1] =~ /`(\w+)`/g } rows_of('what');
my $executable = ask(<<"SQL");
SELECT DISTINCT format('%s %s', p.proname, $letter) FROM pg_proc p CROSS JOIN (VALUES $accesses) a(access, n)
 WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace)
   AND has_function_privilege('has_' || a.access, p.oid, 'EXECUTE')
   AND NOT EXISTS (SELECT FROM casesync_internal.access_right t WHERE t.access = 'types' AND t.object = p.proname)
SQL
is_deeply([ sort grep { !$matrix{$_} } @$executable ], [], 'the matrix has every function that an access may execute');
cmp_ok(scalar @$executable, '>', 150, 'which are many');

my @settings = map { my $name = $_->[1] =~ s/^`casesync\.(\w+)`$/$1/r; "$name " . ($_->[2] =~ s/`//gr) }
  grep { $_->[1] =~ /^`casesync\./ } rows_of('setting');
is_deeply([ sort @settings ], ask(<<'SQL'), 'every setting with its default');
LOAD 'casesync';
SELECT format('%s %s', substr(name, 10), coalesce(nullif(current_setting(name), ''), 'empty')) FROM pg_settings
 WHERE name ^@ 'casesync.' ORDER BY 1
SQL

for my $row (rows_of('SQLSTATE'))
{
	my ($state) = $row->[1] =~ /`(\w+)`/;
	my ($name) = $row->[2] =~ /`(\w+)`/ or next;
	my (undef, $out, $err) = $node->psql('postgres',
		"DO \$\$ BEGIN RAISE SQLSTATE '$state'; EXCEPTION WHEN $name THEN NULL; END \$\$");
	is($err, '', "$state is $name");
}

# The types: what an apply function gets, what publish() returns.
for my $type ('inbound', 'problem')
{
	my ($columns) = $page =~ /^\| `casesync\.$type` \| [^|]*?: (`.*) \|$/m;
	is_deeply(ask("SELECT string_agg('`' || attname || '`', ', ' ORDER BY attnum) FROM pg_attribute"
			  . " WHERE attrelid = 'casesync.$type'::regclass AND attnum > 0"), [$columns], "the members of $type");
}
$node->stop;
done_testing();
