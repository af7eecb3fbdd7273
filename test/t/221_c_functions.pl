# No C function of the extension takes the server down, or answers with an internal error, whatever values of its types
# it is given: others' rows and damaged records, filters and bytes, NULL where it is let through, triggers in wrong places.
# All are called by the superuser, whom nothing refuses before.
#
# ATTACK_SEED repeats a run, ATTACK_ROUNDS (1) makes it longer. make sanitize runs it with checks for undefined behaviour
# in the extension.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use JSON::PP ();
use List::Util qw(max sum0 uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use lib "$FindBin::Bin/../lib";
use Attack;

my $tree = abs_path("$FindBin::Bin/../..");
chdir $tree or die $!;
my $seed = $ENV{ATTACK_SEED} // (time % 1_000_000);
my $rounds = $ENV{ATTACK_ROUNDS} // 1;
my $random = seeded($seed);
my $folder = PostgreSQL::Test::Utils::tempdir();
my $started = time;
diag "ATTACK_SEED=$seed";

my $node = PostgreSQL::Test::Cluster->new('called');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
log_min_messages = log
log_min_error_statement = panic
log_checkpoints = off
autovacuum = off
restart_after_crash = on
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE node');
is($node->psql('node', undef, extra_params => [ '-q', '-o', '/dev/null', '-f', 'test/attack/node.sql' ]), 0, 'a node with something of everything') or BAIL_OUT('no node');
# The same odd types, tables and triggers as in an attack; here they do nothing.
my $odd = slurp_file('test/attack/payload.sql');
$odd =~ s/\@ME\@/mallory_publisher/g;
$odd .= q{CREATE OR REPLACE FUNCTION mallory_publisher.harm(place text) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';};
$node->psql('node', $odd, extra_params => [ '-U', 'mallory_publisher' ]);

my $arms = Attack->of_database($node, 'node', random => $random);
my @functions = Attack::functions_of(rows($node, 'node', Attack::function_query(q{p.prolang IN (SELECT l.oid FROM pg_language l WHERE l.lanname IN ('c', 'internal'))})));
my $in_library = $node->safe_psql('node', q{SELECT count(*) FROM pg_proc WHERE probin LIKE '%casesync%'});
cmp_ok($in_library, '>=', 150, 'the library has functions');
cmp_ok(scalar @functions, '>=', $in_library, 'all that the library has are called');

# --- damaged JSON ----------------------------------------------------------------------------------------------------

my $json = JSON::PP->new->canonical->allow_nonref;
my @sound = map { $json->decode($_) } (
	'{"@type": "Member", "member_identifier": [{"identifier_type": "UIN", "identifier_value": "U1"}], "employment_status": "1", "demographic_info": {"sex": "1", "birth_date": "1980-02-29", "death_date": null,
		"name": {"surname": "A", "given_name": "B"}, "place": [{"geo": {"latitude": 1.5, "longitude": -0.25}}]}, "is_disabled": true, "additional_attributes": [{"key": "a", "value": 1}]}',
	'{"@type": "Beneficiary", "enrollment_status": "4", "enrollment_date": "2020-01-01T00:00:00Z", "member": {"@type": "Member", "member_identifier": {"identifier_type": "UIN", "identifier_value": "U2"}},
		"programmes": [{"programme_identifier": {"identifier_type": "X", "identifier_value": "Y"}, "benefits": [{"value": 10}]}]}',
	'{"@type": "Group", "group_size": 3, "poverty_score": 0.5, "group_head_info": {"member_identifier": []}, "member_list": [{}, {"employment_status": "2"}]}',
	'{"type": "UIN", "value": "U1"}',
	'[{"seq_num": 1, "expression1": {"attribute_name": "district", "operator": "eq", "attribute_value": "North"}, "condition": "and", "expression2": {"attribute_name": "employment_status", "operator": "in", "attribute_value": ["1", "2"]}}]',
	'{"expression": {"query": {"$and": [{"employment_status": {"$eq": "1"}}, {"$or": [{"district": {"$gt": "A"}}, {"demographic_info.birth_date": {"$lt": "1990-01-01"}}]}]}}}',
	'{"collection": "Member", "query": {"$and": [{"employment_status": "1"}]}}',
	'[{"attribute_name": "employment_status", "sort_order": "asc"}]',
	'{"name": "employment_status", "op": "eq", "value": "1", "kind": "comparison", "items": [{"kind": "and", "items": []}], "path": ["employment_status"], "type": "text"}');
my @bad = (undef, '', 'x' x 3000, "\x{0}", "\x{10ffff}", 0, -1, 1e300, 1e-300, JSON::PP::true(), [], {}, [ [], {} ], { '' => undef }, 'local:900', '2020-13-45', '@type');

# One node of a tree, in a copy of it, becomes something else.
sub damaged
{
	my ($tree) = @_;
	return $arms->pick(@bad) if $random->() < 0.12;
	if (ref $tree eq 'HASH')
	{
		my %copy = %$tree;
		my $key = %copy ? $arms->pick(sort keys %copy) : 'x';
		my $how = $random->();
		if ($how < 0.6) { $copy{$key} = damaged($copy{$key}); }
		elsif ($how < 0.7) { delete $copy{$key}; }
		elsif ($how < 0.8) { $copy{ $arms->pick('', '@type', 'member', 'and', '$or', 'x' x 200) } = delete $copy{$key}; }
		elsif ($how < 0.9) { $copy{$key} = [ ($copy{$key}) x 5 ]; }
		else { %copy = (%copy, %{ $arms->pick(grep { ref eq 'HASH' } @sound) }); }
		return \%copy;
	}
	if (ref $tree eq 'ARRAY' && @$tree)
	{
		my @copy = @$tree;
		my $at = int($random->() * @copy);
		$copy[$at] = damaged($copy[$at]);
		push @copy, @copy if $random->() < 0.1;
		return \@copy;
	}
	return $arms->pick(@bad);
}

sub json_literal
{
	my $text = $json->encode(damaged($arms->pick(@sound)));
	# NUL and line ends have no place in a statement of one line
	$text =~ s/\\u0000/\\u0001/g;
	$text =~ s/'/''/g;
	utf8::encode($text);
	return "'$text'::jsonb";
}

# --- calls -----------------------------------------------------------------------------------------------------------

my @statements = map { $arms->calls($_) } @functions;
my %called = map { $_->{name} => 1 } @functions;
my @reads_json = grep { grep { ($arms->{types}{ $_->{type} }{name} // '') =~ /^jsonb/ } @{ $_->{arguments} } } @functions;
cmp_ok(scalar @reads_json, '>=', 10, 'functions that read JSON');
for my $function (@reads_json)
{
	for (1 .. 40 * $rounds)
	{
		my ($statement) = $arms->statement($function, map {
			my $type = $arms->{types}{ $_->{type} }{name};
			$type eq 'jsonb' ? json_literal() : $type eq 'jsonb[]' ? 'ARRAY[' . join(', ', map { json_literal() } 1 .. 1 + int($random->() * 3)) . ']'
			  : $random->() < 0.2 ? $arms->pick($arms->hostile_values($_->{type}, $_->{name})) : $arms->pick($arms->plausible_values($_->{type}, $_->{name}))
		} @{ $function->{arguments} });
		push @statements, $statement;
	}
}
push @statements, map { $arms->random_call($arms->pick(@functions)) } 1 .. 3000 * $rounds;
s/\@ME\@/mallory_publisher/g for @statements;

# --- bytes -----------------------------------------------------------------------------------------------------------

# What a client sends in binary goes to the types' receive functions: here by COPY, one row of one value a file.
my @received = map { $_->[0] } rows($node, 'node', q{SELECT t.oid::regtype FROM pg_type t WHERE t.typnamespace = 'casesync'::regnamespace AND t.typtype = 'b' AND t.typelem = 0});
my $with_receive = grep { $_->{name} =~ /_recv$/ } @functions;
is(scalar @received, $with_receive, 'every receive function has a type to come by');
my @bytes = ('', "\0", "\0\0", "\0\1", "\xff\xff", "\x7f\xff", "\x80\0", "\0\0\0\1", "\xff" x 8, 'A' x 100, "\0" x 100000, map { join '', map { chr int $random->() * 256 } 1 .. 1 + $_ % 9 } 1 .. 20 * $rounds);
my %oid_of = map { $arms->{types}{$_}{name} => $_ } keys %{ $arms->{types} };
my $number = 0;
for my $type (@received)
{
	(my $table = "received_$type") =~ s/\W/_/g;
	push @statements, "CREATE TABLE public.$table (v $type, a $type\[])";
	for my $bytes (@bytes)
	{
		my $file = "$folder/bytes." . $number++;
		# as itself, and as the element of an array whose head says what it likes
		my $array = pack('NNNNN', 1, 0, $oid_of{$type}, 1, 1) . pack('N', length $bytes) . $bytes;
		append_to_file($file, "PGCOPY\n\xff\r\n\0" . pack('NN', 0, 0) . pack('n', 2) . pack('N', length $bytes) . $bytes . ($number % 2 ? pack('N', length $array) . $array : pack('N', 0xffffffff)) . pack('n', 0xffff));
		push @statements, "COPY public.$table FROM '$file' WITH (FORMAT binary)";
	}
	push @statements, "COPY public.$table TO '/dev/null' WITH (FORMAT binary)";
}

my $result = run_statements($node, 'node', 'postgres', "$folder/calls", 5, @statements);
my %states = %{ $result->{states} };
note join ' ', map { "$_: $states{$_}" } sort { $states{$b} <=> $states{$a} } keys %states;
cmp_ok(sum0(values %states), '<', @statements * 0.9, 'not all was refused');
cmp_ok(scalar(keys %states), '>=', 10, 'errors are of many kinds');
# What is cancelled was only slow: each says so within its time.
note "cancelled: $_" for sort keys %{ $result->{cancelled} };

my @odd_ends = uniq map { "$_->[0]: $_->[1]" } @{ $result->{odd} };
ok(!@odd_ends, 'no call ended in an internal error or took its session along') or diag join "\n", splice @odd_ends, 0, 20;
my @log = grep { /terminated by signal|server process .* (?:was|exited)|PANIC|TRAP:|reinitializing|AddressSanitizer|runtime error:/ } split /\n/, slurp_file($node->logfile);
ok(!@log, 'and no process died') or diag join "\n", splice @log, 0, 20;
is($node->safe_psql('node', q{SELECT count(*) > 0 FROM casesync_internal.registry}), 't', 'the server answers');
diag sprintf '%d functions, %d of them of the library, %d statements, %.0f s', scalar @functions, $in_library, scalar @statements, time - $started;

$node->stop;
done_testing();
