# Thousands of random filters, in every shape, over records and columns of every type: evaluation
# and SQL must choose the same subjects, under any session's settings, nothing a partner sent may
# get into the SQL, and what is withheld must make no difference. FILTER_SEED repeats a run.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{FILTER_SEED} || int(rand(1_000_000));
my $rounds = $ENV{FILTER_ROUNDS} || 2000;
srand($seed);
note("FILTER_SEED=$seed FILTER_ROUNDS=$rounds");
my $json = JSON::PP->new->canonical->allow_nonref;

sub pick { return $_[int(rand(@_))]; }
sub chance { return rand() < $_[0]; }

# --- values, as columns and records hold them and as partners write them ---------------------------
my %values = (
	integer => [0, 1, -1, 5, 7, '5', '05', '5.0', '5.5', '-0.5', '1e2', 100, '32767', '2147483648', '9223372036854775807',
		'9223372036854775808', '-9223372036854775809', '1e300', '.5', '5.'],
	number => ['0', '0.1', '0.10', '1.2345678', '-3.1415927', '1.5', '-2', '1e-7', '1e400', '12345678901234567890.5', '+3', 'NaN', 'Infinity', '0x10', ' 1', '1e401', ''],
	boolean => ['true', 'false', 'TRUE', 't', '1', 'yes'],
	words => ['', 'a', 'A', 'b', 'ab', 'a ', ' a', 'ä', 'é', 'zq"; DROP TABLE subject; --', "zq'||1", '$1', 'zq\\', '10', '9', '1990-05-20', 'null', '%'],
	uuid => ['6f0e6f5a-3c55-4f8e-9d52-0a9c5b5d1c11', '6F0E6F5A-3C55-4F8E-9D52-0A9C5B5D1C11', '00000000-0000-0000-0000-000000000000',
		'{6f0e6f5a-3c55-4f8e-9d52-0a9c5b5d1c11}', '6f0e6f5a3c554f8e9d520a9c5b5d1c11', 'x'],
	time => ['1990-05-20', '1990-05-20T00:00:00Z', '1990-05-20T00:00:00', '1990-05-20T02:00:00+02:00', '1990-05-19T23:59:59.999999Z',
		'1990-05-20T10:30:00Z', '1990-05-20T10:30:00', '1990-05-21', '2000-02-30', '0001-01-01', '9999-12-31T23:59:59Z', '1990-5-20', 'infinity',
		'now', 'today', '1990-05-20 10:30:00', '2016-12-31T23:59:60Z', '2016-12-31T23:59:60.5Z', '2016-12-31T23:59:60.5', '1990-05-20T00:00:00+16:00', '0001-01-01T00:00:00+14:00'],
	status => ['1', '01', 1, 'Active', 'active', 'Suspended', '4', 'local:900', 'local:1', '8', 'zqGone', 'ACTIVE ', 'code:1'],
	sex => ['female', 'F', '2', 'male', 'M', 'other', 'others', 'unknown', 'zqx'],
	identifier => ['UIN-1', 'UIN-2', 'UIN-3', 'uin-1', '7', '07', 'zq\' OR true'],
	kind => ['small', 'large', 'Small', '5'],
);
my %held = ( # what rows hold: always good for the column
	integer => [0, 1, -1, 5, 7, 100, 32767],
	bigint => [0, 5, -1, '9223372036854775807', '-9223372036854775808'],
	number => ['0', '0.1', '1.5', '-2', '12345678901234567890.5', '3', 'NaN', 'Infinity', '-Infinity'],
	real => ['0', '0.1', '1.2345678', '-3.1415927', '1.5', '-2', '100', 'NaN', 'Infinity'],
	time => ['1990-05-20', '1990-05-21', '0001-01-01', '9999-12-31', 'infinity', '-infinity', '0044-03-15 BC'],
	stamp => ['1990-05-20 00:00:00', '1990-05-20 10:30:00', '1990-05-19 23:59:59.999999', 'infinity', '2017-01-01 00:00:00'],
	status => ['Active', 'Suspended', 'Exited', 'local:900'],
	sex => ['female', 'male', 'other'],
	words => ['', 'a', 'A', 'b', 'ab', 'a ', ' a', 'ä', 'é', 'zq\\', '10', '9', '1990-05-20', '%', '$1'],
	uuid => ['6f0e6f5a-3c55-4f8e-9d52-0a9c5b5d1c11', '00000000-0000-0000-0000-000000000000'],
	kind => ['small', 'large'],
);

# name => [SQL type, what rows hold, what partners ask]; "hidden" ones are not agreed.
my @columns = (
	[n_small => 'smallint', 'integer', 'integer'], [n_int => 'integer', 'integer', 'integer'],
	[n_big => 'bigint', 'bigint', 'integer'], [n_numeric => 'numeric', 'number', 'number'],
	[n_real => 'real', 'real', 'number'], [n_double => 'double precision', 'real', 'number'],
	[n_own => 'own_number', 'integer', 'integer'], [flag => 'boolean', 'boolean', 'boolean'],
	[words => 'text', 'words', 'words'], ['Odd "name"' => 'varchar(100)', 'words', 'words'],
	[padded => 'char(12)', 'words', 'words'], [label => 'name', 'words', 'words'],
	[who => 'uuid', 'uuid', 'uuid'], [born => 'date', 'time', 'time'],
	[seen => 'timestamp', 'stamp', 'time'], [changed => 'timestamptz', 'stamp', 'time'],
	[status => 'casesync.enrolment_status', 'status', 'status'], [gender => 'casesync.sex', 'sex', 'sex'],
	[kind => 'kind_of_case', 'kind', 'kind'], [tags => 'text[]', 'words', 'words'], [extra => 'jsonb', 'words', 'words'],
	[hidden_int => 'integer', 'integer', 'integer'], [hidden_words => 'text', 'words', 'words'], [brn => 'text', 'identifier', 'identifier']);
my @paths = (
	['enrolment_status', 'status'], ['enrollment_status', 'status'], ['spdci:sex', 'sex'], ['sex', 'sex'], ['marital_status', 'status'],
	['demographic_info.birth_date', 'time'], ['demographic_info.name.surname', 'words'], ['poverty_score', 'number'], ['group_size', 'integer'],
	['employment_info.start_date', 'time'], ['employment_info.job_title', 'words'], ['is_disabled', 'boolean'],
	['additional_attributes.hours', 'number'], ['hours', 'number'], ['additional_attributes.shift', 'words'],
	['UIN', 'identifier'], ['uin', 'identifier'], ['member_identifier', 'identifier'], ['person_identifier', 'identifier'],
	['member_identifier.identifier_value', 'identifier'],
	['BRN', 'identifier'], ['hidden_attribute', 'words'], ['demographic_info.death_date', 'time'], ['demographic_info', 'words'],
	['additional_attributes.hidden', 'words'], ['hidden', 'words'], ['no_such_attribute', 'words'], ['NO_SUCH_TYPE', 'identifier'],
	['subject_key', 'integer'], ['record', 'words'], ['record.hidden_attribute', 'words'], ['n_int) OR (true', 'integer'],
	['"n_int"', 'integer'], ['zq\'; DROP TABLE subject; --', 'words']);

# --- filters in the three shapes ---------------------------------------------------------------------
sub value_of
{
	my ($what) = @_;
	$what = pick(keys %values) if chance(0.05);
	return pick(@{ $values{$what} });
}

sub attribute
{
	return chance(0.5) ? (sub { ($_[0][0], $_[0][3]) })->(pick(@columns)) : @{ pick(@paths) };
}

sub sent { my $v = shift; return chance(0.2) && $v =~ /^-?[1-9][0-9]{0,8}$/ ? 0 + $v : "$v"; }

sub listed
{
	my ($what) = @_;
	my @list = map { value_of($what) } 1 .. 1 + int(rand(4));
	return chance(0.5) ? [map { sent($_) } @list] : join(pick(',', ', '), @list, 'x');
}

sub operation
{
	my ($prefix) = @_;
	my $word = pick(qw(eq eq eq ne lt le gt ge lte gte in in));
	return ($word, $prefix . $word);
}

sub query
{
	my ($depth) = @_;
	my $way = $depth > 3 ? 1 : rand();
	return { pick('$and', 'and') => [map { query($depth + 1) } 1 .. 1 + int(rand(3))] } if $way < 0.2;
	return { pick('$or', 'or') => [map { query($depth + 1) } 1 .. 1 + int(rand(3))] } if $way < 0.4;
	return { pick('$not', 'not') => query($depth + 1) } if $way < 0.55;
	my ($name, $what) = attribute();
	return { $name => sent(value_of($what)) } if chance(0.1);
	my ($word, $written) = operation(pick('$', '$', ''));
	my $asked = { $written => $word eq 'in' ? listed($what) : sent(value_of($what)) };
	$asked = { '$not' => $asked } if chance(0.1);
	$asked = { '$ge' => sent(value_of($what)), '$le' => sent(value_of($what)) } if chance(0.1);
	return { $name => $asked };
}

sub expression
{
	my $query = query(0);
	my $way = rand();
	return { type => 'ns:org:QueryType:expression', value => { expression => { collection => 'Member', query => $query } } } if $way < 0.2;
	return { expression => { query => $query } } if $way < 0.3;
	return { query => $query } if $way < 0.4;
	return $query;
}

sub predicate_expression
{
	my ($name, $what) = attribute();
	my ($word) = operation('');
	return { attribute_name => $name, operator => $word, attribute_value => $word eq 'in' ? listed($what) : sent(value_of($what)) };
}

sub predicates
{
	my @list;
	for (1 .. 1 + int(rand(4)))
	{
		my %item = (expression1 => predicate_expression());
		$item{seq_num} = int(rand(5)) if chance(0.7);
		$item{condition} = pick(qw(and or not)) if chance(0.7);
		$item{expression2} = predicate_expression() if chance(0.5);
		push @list, \%item;
	}
	return \@list;
}

# Anything at all, made of the words that mean something somewhere.
my @words = (qw($and $or $not and or not $eq $ne $lt $in eq gte type value expression query collection seq_num expression1 expression2
	condition attribute_name operator attribute_value idtype-value graphql predicate op of values attribute identifier $where UIN), '', 'a.b', '..', '$');
sub junk
{
	my ($depth) = @_;
	my $way = $depth > 5 ? 0 : rand();
	return pick(undef, \1, \0, 0, -1.5, 1e300, pick(@words), value_of('words'), (attribute())[0]) if $way < 0.4;
	return [map { junk($depth + 1) } 1 .. int(rand(4))] if $way < 0.6;
	return { map { (pick(pick(@words), (attribute())[0]) => junk($depth + 1)) } 1 .. int(rand(4)) };
}

# A good one with something else in one place.
sub damage
{
	my ($value) = @_;
	return junk(3) if !ref $value || ref $value !~ /ARRAY|HASH/ || chance(0.15);
	my @places = ref $value eq 'ARRAY' ? 0 .. $#$value : sort keys %$value;
	return junk(3) unless @places;
	my $place = pick(@places);
	if (ref $value eq 'ARRAY') { $value->[$place] = damage($value->[$place]); }
	elsif (chance(0.2)) { $value->{pick(@words)} = delete $value->{$place}; }
	else { $value->{$place} = damage($value->{$place}); }
	return $value;
}

sub filter
{
	my ($is_whole) = @_;
	my $way = rand();
	return (junk(0), pick(undef, 'idtype-value', 'expression', 'predicate', 'graphql', pick(@words))) if !$is_whole && $way < 0.1;
	if (!$is_whole && $way < 0.25)
	{
		my ($filter, $type) = filter(1);
		return (damage($filter), $type);
	}
	$way = rand();
	return ({ type => pick('UIN', 'uin', 'BRN', 'ns:org:IdType:UIN', 'NO_SUCH_TYPE', 'status'), value => sent(value_of('identifier')) },
		pick(undef, 'idtype-value')) if $way < 0.1;
	return (predicates(), pick(undef, 'predicate')) if $way < 0.4;
	return (expression(), pick('expression', 'expression', 'ns:org:QueryType:expression'));
}

# --- rows ---------------------------------------------------------------------------------------------
sub maybe { return chance(0.8) ? $_[0] : undef; }

sub literal
{
	my ($value, $type) = @_;
	return 'NULL' unless defined $value;
	$value =~ s/'/''/g;
	return "'$value'::$type";
}

sub column_value
{
	my ($type, $what) = @_;
	my $value = maybe($what eq 'boolean' ? pick('true', 'false') : $what eq 'identifier' ? pick('UIN-1', 'BRN-9') : pick(@{ $held{$what} }));
	return $value unless defined $value;
	return '{' . join(',', map { my $v = $_; $v =~ s/(["\\])/\\$1/g; "\"$v\"" } $value, 'b') . '}' if $type eq 'text[]';
	return $json->encode(pick($value, [$value, 5], { a => $value }, 5, \1)) if $type eq 'jsonb';
	return $value;
}

# What a partner may see, and around it what it may not.
sub visible_record
{
	my ($uin) = @_;
	my %record = ('@type' => 'Member', demographic_info => { name => { surname => pick(@{ $held{words} }) } });
	$record{pick('enrolment_status', 'enrollment_status')} = pick('1', '01', 'Active', '4', 'zqGone') if chance(0.8);
	$record{pick('sex', 'spdci:sex')} = pick('female', 'F', 'male') if chance(0.8);
	$record{demographic_info}{birth_date} = pick('1990-05-20', '1990-05-20T00:00:00Z', '1990-05-21', 'unknown') if chance(0.8);
	$record{poverty_score} = pick('0.1', 0.5, '5', 5, '1e-7', 'high') if chance(0.8);
	$record{group_size} = pick(0, 5, '7') if chance(0.8);
	$record{is_disabled} = pick(\1, \0) if chance(0.8);
	$record{employment_info} = [map { { job_title => pick('a', 'b', 'ä'), start_date => pick('1990-05-20', '1990-05-21') } } 1 .. int(rand(3))] if chance(0.8);
	$record{additional_attributes} = pick([{ hours => '5' }, { key => 'shift', value => 'a' }], { hours => 0.1 }, [{ name => 'hours', value => 7 }]) if chance(0.8);
	$record{member_identifier} = [{ identifier_type => pick('UIN', 'uin'), identifier_value => $uin }] if defined $uin;
	return \%record;
}

sub hide
{
	my ($visible) = @_;
	my $record = $json->decode($json->encode($visible));
	$record->{hidden_attribute} = pick(@{ $values{words} });
	$record->{marital_status} = pick('S', 'M', '1');
	$record->{demographic_info}{death_date} = pick('1990-05-20', '2020-01-01');
	push @{ $record->{member_identifier} }, { identifier_type => 'BRN', identifier_value => pick('UIN-1', 'BRN-9', '7') };
	push @{ $record->{additional_attributes} }, { hidden => pick('a', 'b') } if ref $record->{additional_attributes} eq 'ARRAY';
	return $record;
}

# 1000 and 2000 above a subject's id are two copies of it that differ only in what is withheld.
sub rows
{
	my ($count) = @_;
	my @rows;
	for my $id (1 .. $count)
	{
		my $uin = maybe(pick('UIN-1', 'UIN-2', 'UIN-3', '7'));
		my $record = visible_record($uin);
		my @shared = map { $_->[0] =~ /^(hidden|brn)/ ? undef : column_value($_->[1], $_->[2]) } @columns;
		for my $copy (0, 1000, 2000)
		{
			my @all = @shared;
			for my $i (0 .. $#columns)
			{
				$all[$i] = column_value($columns[$i][1], $columns[$i][2]) if $copy && $columns[$i][0] =~ /^(hidden|brn)/;
			}
			push @rows, '(' . join(', ', $id + $copy, literal($uin, 'text'), literal($json->encode($copy ? hide($record) : $record), 'jsonb'),
				map { literal($all[$_], $columns[$_][1]) } 0 .. $#columns) . ')';
		}
	}
	return join(",\n", @rows);
}

# --- the server ---------------------------------------------------------------------------------------
my $node = PostgreSQL::Test::Cluster->new('filters');
$node->init(extra => ['--encoding=UTF8', '--no-locale']);
$node->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = fatal\n");
$node->start;

sub quoted { my $name = shift; $name =~ s/"/""/g; return "\"$name\""; }
my $definitions = join(', ', map { quoted($_->[0]) . " $_->[1]" } @columns);
my $agreed = $json->encode([map { $_->[0] } grep { $_->[0] !~ /^(hidden|brn)/ } @columns]);
my $rows = rows(20);
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION casesync;
CREATE DOMAIN own_number AS integer CHECK (VALUE < 1000000);
CREATE TYPE kind_of_case AS ENUM ('small', 'large');
CREATE TABLE subject (subject_key integer PRIMARY KEY, uin text, record jsonb, $definitions);
INSERT INTO subject VALUES $rows;
CREATE VIEW share AS SELECT * FROM subject;
SELECT casesync.publish('share', 'share', 'Member');
CREATE TABLE terms AS SELECT r AS registry, jsonb_populate_record(NULL::casesync_internal.agreement, jsonb_build_object(
	'fields', '["enrolment_status","enrollment_status","sex","spdci:sex","demographic_info.birth_date","demographic_info.name","poverty_score","group_size","is_disabled","employment_info","additional_attributes.hours","additional_attributes.shift"]'::jsonb,
	'filter_fields', \$fields\$$agreed\$fields\$::jsonb, 'identifier_types', '["UIN"]'::jsonb)) AS agreement
  FROM casesync_internal.registry r;
CREATE TABLE filter (n serial PRIMARY KEY, filter jsonb, filter_type text);

CREATE FUNCTION chosen(tree jsonb, is_searched boolean) RETURNS integer[] LANGUAGE plpgsql AS \$\$
DECLARE
	t terms := (SELECT x FROM terms x);
	c record := casesync_internal.filter_condition(tree, (t).registry, (t).agreement);
	keys integer[];
BEGIN
	IF c.condition ~ 'zq|DROP' THEN
		RAISE EXCEPTION 'a partner''s text is in the condition: %', c.condition;
	END IF;
	IF is_searched THEN
		EXECUTE 'SELECT array_agg(subject_key ORDER BY subject_key) FROM public.share WHERE ' || c.condition INTO keys USING c.arguments;
	ELSE
		EXECUTE 'SELECT array_agg(subject_key ORDER BY subject_key) FROM public.share WHERE casesync_internal.filter_matches(\$1, '
			'casesync_internal.project(record, \$2, \$3), ' || casesync_internal.filter_columns((t).registry, (t).agreement) || ')'
			INTO keys USING tree, ((t).agreement).fields, ((t).agreement).identifier_types;
	END IF;
	RETURN coalesce(keys, '{}');
END \$\$;

CREATE FUNCTION twins_agree(keys integer[]) RETURNS boolean LANGUAGE sql AS \$\$
	SELECT NOT EXISTS (SELECT FROM unnest(keys) k GROUP BY k % 1000 HAVING count(*) <> 3) \$\$;

/* One line for each filter: what is wrong with it, and how many subjects it chooses. */
CREATE FUNCTION judge(OUT n integer, OUT verdict text, OUT subjects integer) RETURNS SETOF record LANGUAGE plpgsql AS \$\$
DECLARE
	f filter;
	p record;
	searched integer[];
	evaluated integer[];
BEGIN
	FOR f IN SELECT * FROM filter ORDER BY filter.n LOOP
		p := casesync_internal.filter_parse(f.filter, f.filter_type);
		n := f.n; subjects := 0;
		IF p.problem IS NOT NULL THEN
			verdict := 'refused: ' || p.problem;
		ELSIF p.tree IS NULL THEN
			verdict := 'everybody';
		ELSE
			PERFORM set_config('timezone', (ARRAY['UTC', 'Asia/Kathmandu', 'America/New_York'])[1 + f.n % 3], false),
				set_config('datestyle', (ARRAY['ISO, DMY', 'German', 'SQL, MDY'])[1 + f.n % 3], false),
				set_config('extra_float_digits', (f.n % 4 - 1)::text, false),
				set_config('search_path', CASE f.n % 2 WHEN 0 THEN 'public' ELSE 'pg_catalog, public' END, false);
			searched := chosen(p.tree, true);
			evaluated := chosen(p.tree, false);
			subjects := cardinality(searched);
			verdict := CASE WHEN searched <> evaluated THEN format('SQL chooses %s, evaluation %s', searched, evaluated)
				WHEN NOT public.twins_agree(searched) THEN format('what is withheld makes a difference: %s', searched) ELSE 'agreed' END;
		END IF;
		RETURN NEXT;
	END LOOP;
END \$\$;
SQL

# What is no tree is refused, and nothing else happens.
my $trees = <<'SQL';
DO $$ DECLARE f filter; BEGIN
	FOR f IN SELECT * FROM filter LOOP
		BEGIN
			PERFORM casesync_internal.filter_matches(f.filter, f.filter, f.filter), casesync_internal.filter_identifier(f.filter);
		EXCEPTION WHEN invalid_parameter_value THEN
			NULL;
		END;
	END LOOP;
END $$;
SQL

sub quote_text { my $text = shift; $text =~ s/'/''/g; return "'$text'"; }
my @statements;
for (1 .. $rounds)
{
	my ($filter, $type) = filter();
	push @statements, '(' . quote_text($json->encode($filter)) . ', ' . (defined $type ? quote_text($type) : 'NULL') . ')';
}
$node->safe_psql('postgres', 'INSERT INTO filter (filter, filter_type) VALUES ' . join(",\n", @statements));
my $judged = $node->safe_psql('postgres', <<'SQL');
CREATE TABLE judged AS SELECT * FROM judge();
RESET ALL;
SELECT count(*), count(*) FILTER (WHERE verdict = 'agreed' AND subjects > 0), count(*) FILTER (WHERE verdict = 'agreed'),
	count(*) FILTER (WHERE verdict LIKE 'refused%') FROM judged;
SQL
my ($all, $matching, $agreed_count, $refused) = split(/\|/, $judged);
note("$all filters: $agreed_count agreed ($matching of them choose somebody), $refused refused");
my $wrong = $node->safe_psql('postgres',
	q{SELECT j.verdict, f.filter, f.filter_type FROM judged j JOIN filter f USING (n) WHERE j.verdict NOT LIKE 'refused%' AND j.verdict NOT IN ('agreed', 'everybody') ORDER BY length(f.filter::text) LIMIT 5});
is($wrong, '', 'SQL and evaluation choose the same subjects, and what is withheld makes no difference')
  or diag("FILTER_SEED=$seed");
is($all, $rounds, 'every filter was judged');
my ($exit, undef, $said) = $node->psql('postgres', $trees, on_error_stop => 1);
is("$exit$said", '0', 'what is no tree is refused and does no harm');
cmp_ok($refused, '>', $rounds / 50, 'damaged filters are refused');
cmp_ok($matching, '>', $rounds / 10, 'enough filters choose somebody');
cmp_ok($refused, '<', $rounds / 2, 'most filters are understood');

done_testing();
