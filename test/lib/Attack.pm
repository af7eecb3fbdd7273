# What attackers call: every function that a role may execute, found in the catalog, with values chosen by the
# arguments' types. Makes statements and runs them; knows nothing of how it is judged.
package Attack;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IPC::Run ();
use Time::HiRes qw(usleep);

our @EXPORT = qw(seeded rows run_statements);

# Longer than any name, any column of an index, any buffer of a sane size.
my $long = q{repeat('a', 1000000)};
my $deep_json = q{(repeat('[', 3000) || repeat(']', 3000))};

# Code in text: conditions, keys, queries, signatures, paths, and what quoting would have to hold.
my @code_text = (
	q{'@ME@.imm()'}, q{'@ME@.imm_text()'}, q{'@ME@.imm_text() || relname'}, q{'pg_temp.imm()'}, q{'(SELECT @ME@.vol())'}, q{'SELECT @ME@.many()'},
	q{'SELECT @ME@.vol() FROM @ME@.own'}, q{'(''1''::@ME@.d_text) IS NOT NULL'}, q{'''x'' OPERATOR(@ME@.=) ''y'''}, q{'ROW(''A'',NULL)::@ME@.pair::text'},
	q{'true) OR @ME@.imm() --'}, q{'x'', ''y''); SELECT @ME@.vol(); --'}, q{'"; SELECT @ME@.vol(); --'}, q{'@ME@'}, q{'@ME@.trap'}, q{'@ME@, public, pg_catalog'},
	q{'@ME@.apply(casesync.inbound)'}, q{'a.apply( casesync.inbound )'}, q{'pg_catalog.int4um(integer)'}, q{'$1'}, q{'%s %I %L %1$s %n'});
my @plain_text = (
	'NULL::text', q{''}, q{' '}, q{'x'}, $long, q{repeat('"', 70)}, q{E'a\\nb\\tc\\\\'}, q{E'\\u00e9\\u202e\\u0001'}, q{'NaN'}, q{'1e-16383'}, q{repeat('9', 140000)},
	"$deep_json", q{'{"a": [1e400, {"b": null}]}'}, q{'postgres'}, q{'9999999999999999999'}, q{'*'}, q{'-1'}, q{'local:900'});
my @text = (@plain_text, @code_text);
# What is there, and is somebody else's.
my @others_text = map { "'$_'" } qw(people citizens households words_of_a ess.test other.test OUT OTHER DRAFT IN Member employment_status
	enrolment_status_change a.shared app.people id subject_key approver bridge auditor kid-1 ESS UIN U1 A4 client-1 https://issuer.test @ME@);

my @jsonb = ('NULL::jsonb', q{'{}'::jsonb}, q{'[]'::jsonb}, q{'null'::jsonb}, q{'1e-16383'::jsonb}, q{('1' || repeat('0', 100000))::jsonb}, "to_jsonb($long)", "$deep_json\::jsonb",
	q{'{"type": "UIN", "value": "U1"}'::jsonb}, q{'{"@type": "Member", "member_identifier": [{"identifier_type": "UIN", "identifier_value": "U1"}], "employment_status": "1"}'::jsonb},
	q{'{"member_identifier": {"identifier_type": [], "identifier_value": {}}, "employment_status": [null, "local:900", 1e300], "demographic_info": "x"}'::jsonb},
	q{'{"seq": {"and": [{"attribute_name": "@ME@.imm()", "operator": "eq", "attribute_value": "x"}]}}'::jsonb},
	q{'[{"attribute_name": "district", "operator": "in", "attribute_value": ["x", null, {"a": 1}]}]'::jsonb},
	q{'{"expression": {"query": {"$and": [{"employment_status": {"$eq": "1"}}, {"district": {"$gt": 1e-300}}]}}}'::jsonb},
	q{(SELECT jsonb_agg(i) FROM generate_series(1, 20000) i)}, q{(SELECT jsonb_object_agg('k' || i, '@ME@.imm()') FROM generate_series(1, 3000) i)},
	q{'{"header": {"action": "search", "message_id": "m"}, "message": {"transaction_id": "t", "search_request": [{}]}}'::jsonb},
	q{'{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": ""}]}'::jsonb}, q{'[{"attribute_name": "x", "sort_order": "@ME@.imm()"}]'::jsonb});

my @oid = ('NULL', '0', '1259', '1255', '4294967295', q{'app.person'::regclass::oid}, q{'a.citizen'::regclass::oid}, q{'a.shared'::regclass::oid},
	q{'casesync_internal.registry'::regclass::oid}, q{'casesync_internal.node_secret'::regclass::oid}, q{'@ME@.own'::regclass::oid}, q{'@ME@.trap'::regclass::oid},
	q{(SELECT max(oid)::bigint + 7 FROM pg_catalog.pg_class)::oid});

# By format_type(); what is not here is made of what it consists of, or written as text.
my %hostile = (
	'text' => \@text,
	'jsonb' => \@jsonb,
	'json' => [ map { s/::jsonb/::json/gr } grep { !/jsonb_|to_jsonb/ } @jsonb ],
	'cstring' => [ map { "textout($_)" } q{''}, q{'x'}, $long, q{'local:900'}, q{'@ME@.imm()'} ],
	'bytea' => [ 'NULL', q{''}, q{'\x00'}, q{'\xff00ff'}, q{decode(repeat('ff', 500000), 'hex')}, q{convert_to('{"header": {}, "message": {}}', 'UTF8')}, q{'\x7b22613a'},
		q{convert_to('{"header": {"action": "notify", "message_id": "m"}, "message": {"transaction_id": "t", "notify_event": [{"data": {"reg_records": {}}}]}}', 'UTF8')},
		"convert_to($deep_json, 'UTF8')", q{convert_to('{"header": {"action": "@ME@.imm()", "message_id": "m"}, "message": {"a": 1e-16383}}', 'UTF8')} ],
	'smallint' => [ 'NULL', '0', '-1', '1', '32767', '-32768' ],
	'integer' => [ 'NULL', '0', '-1', '1', '2', '2147483647', '-2147483648', q{'1'::@ME@.d_int} ],
	'bigint' => [ 'NULL', '0', '-1', '1', '2', '9223372036854775807', '-9223372036854775808', q{'1'::@ME@.d_bigint} ],
	'numeric' => [ 'NULL', q{'NaN'}, q{'Infinity'}, '0', '-1', '1e-16383', '1e131071', '0.1' ],
	'real' => [ 'NULL', q{'NaN'}, q{'-Infinity'}, '0', '1e-45', '3e38' ],
	'double precision' => [ 'NULL', q{'NaN'}, q{'-Infinity'}, '0', '5e-324', '1e308' ],
	'boolean' => [ 'NULL', 'true', 'false', q{true::@ME@.d_bool} ],
	'oid' => \@oid,
	'regclass' => [ @oid, q{ROW('A', NULL)::@ME@.pair::regclass}, q{'@ME@."quoted ""name; DROP"'}, q{'@ME@.parts'}, q{'pg_temp.registry'}, q{'pg_toast.pg_toast_1255'} ],
	'regprocedure' => [ 'NULL', '0', '4294967295', q{'a.apply(casesync.inbound)'}, q{'@ME@.apply(casesync.inbound)'}, q{'@ME@.apply_invoker(casesync.inbound)'}, q{'@ME@.apply_text(text)'},
		q{'pg_catalog.int4um(integer)'}, q{'pg_catalog.lo_import(text)'}, q{'pg_catalog.count("any")'}, q{'casesync_internal.execute_apart(text)'} ],
	'regproc' => [ 'NULL', '0', '4294967295', q{'a.apply'}, q{'@ME@.imm'}, q{'pg_catalog.int4um'} ],
	'regtype' => [ 'NULL', '0', '4294967295', q{'casesync.sex'}, q{'@ME@.d_code'}, q{'@ME@.pair'}, q{'internal'}, q{'anyelement'}, q{'text[]'} ],
	'regrole' => [ 'NULL', '0', '4294967295', q{'@ME@'}, q{'postgres'}, q{'owner_a'}, q{'casesync_bridge'}, q{'pg_read_server_files'} ],
	'timestamp with time zone' => [ 'NULL', q{'infinity'}, q{'-infinity'}, q{'4713-01-01 BC'}, q{'294276-12-31'}, q{'2020-01-01'}, q{'2100-01-01'} ],
	'timestamp without time zone' => [ 'NULL', q{'infinity'}, q{'4713-01-01 BC'}, q{'2020-01-01'} ],
	'date' => [ 'NULL', q{'infinity'}, q{'-infinity'}, q{'4713-01-01 BC'}, q{'5874897-12-31'}, q{'2020-02-29'} ],
	'interval' => [ 'NULL', q{'0'}, q{'-1000 years'}, q{'178000000 years'}, q{'1 month'}, q{'1 microsecond'} ],
	'uuid' => [ 'NULL', q{'00000000-0000-0000-0000-000000000000'}, q{'ffffffff-ffff-ffff-ffff-ffffffffffff'} ],
	'cidr' => [ 'NULL', q{'0.0.0.0/0'}, q{'::/0'}, q{'127.0.0.1/32'}, q{'169.254.169.254/32'} ],
	'"char"' => [ 'NULL', q{''}, q{'I'}, q{E'\\\\200'} ],
	'xid8' => [ 'NULL', q{'0'}, q{'3'}, q{'18446744073709551615'} ],
	'pg_snapshot' => [ 'NULL', q{'1:1:'}, q{'3:18446744073709551614:5,6'}, q{pg_current_snapshot()} ],
	'internal' => [ 'NULL' ],
	'void' => [ 'NULL' ],
	'trigger' => [ 'NULL' ],
	'record' => [ 'NULL', q{ROW(1, 'x')}, q{ROW(@ME@.vol(), NULL)}, q{ROW('A', NULL)::@ME@.pair}, 'ROW()' ],
);
$hostile{name} = [ map { "$_\::name" } @text[ 0 .. 12 ], @code_text[ 0 .. 3 ], q{'ctid'}, q{'tableoid'}, q{'record'}, q{'casesync_1_insert'} ];
$hostile{'character varying'} = $hostile{$_} = \@text for 'character';

# Any type: ours, the attacker's over ours, the attacker's alone.
my @polymorphic = (q{'Active'::text}, q{NULL::text}, '1', q{NULL::casesync.employment_status}, q{'1'::casesync.employment_status}, q{NULL::@ME@.d_code}, q{'1'::@ME@.d_code}, q{NULL::@ME@.d_sex},
	q{NULL::@ME@.d_text}, q{'A'::@ME@.d_text}, q{'A'::@ME@.d_twice}, q{NULL::@ME@.d_jsonb}, q{'{}'::@ME@.d_jsonb}, q{1::@ME@.d_int}, q{'A'::@ME@.e}, q{'A'::@ME@.employment_status}, q{NULL::@ME@.employment_status},
	q{ROW('A', NULL)::@ME@.pair}, q{ROW('A', 'B')::@ME@.d_pair}, q{ROW('1')::@ME@.coded}, q{@ME@.r('A', 'B')}, q{ARRAY['1'::@ME@.d_code]}, q{'{1}'::@ME@.d_codes}, q{NULL::pg_temp.d_code}, q{'1'::pg_temp.d_code},
	q{NULL::record}, q{ROW('1'::@ME@.d_code)}, q{NULL::casesync_internal.tracking}, q{NULL::pg_catalog.pg_class}, $long, q{'1e-16383'::jsonb});
my @polymorphic_array = (q{'{}'::text[]}, q{NULL::text[]}, q{ARRAY['1'::@ME@.d_code]}, q{ARRAY['A'::@ME@.d_text]}, q{ARRAY[ROW('A', NULL)::@ME@.pair]}, q{ARRAY['A'::@ME@.e, NULL]});

# An argument or column of that name usually takes one of these.
my %plausible = (
	partner => [ q{'ess.test'}, q{'other.test'} ], agreement => [ q{'OUT'}, q{'DRAFT'}, q{'@ME@'} ], registry => [ q{'people'}, q{'citizens'}, q{'@ME@'} ],
	registries => [ q{'{citizens}'}, q{'{@ME@}'} ], event_type => [ q{'enrolment_status_change'} ], event_types => [ q{'{enrolment_status_change}'} ],
	record_type => [ q{'Member'}, q{'Person'} ], reg_type => [ q{'ESS'} ], list => [ q{'words_of_a'}, q{'words_of_@ME@'} ], word => [ q{'A'} ], directory => [ q{'employment_status'} ],
	role => [ q{'@ME@'}, q{'owner_a'} ], access => [ map { "'$_'" } qw(approver bridge auditor reviewer caseworker portal portal_login admin publisher reader types) ], key => [ q{'id'}, q{'1'}, q{'subject_key'} ],
	path => [ q{'pg_catalog'}, q{'@ME@, public'} ], identifiers => [ q{'{UIN}'} ], identifier_types => [ q{'{UIN}'} ], fields => [ q{'{employment_status}'} ], services => [ q{'{notify,search}'} ],
	direction => [ q{'out'}, q{'in'} ], legal_basis => [ q{'law'} ], condition => [ q{'true'}, q{'id > 0'} ], subjects => [ 'NULL', q{'true'} ], view => [ q{'@ME@.shared'}, q{'a.shared'} ],
	relation => [ q{'@ME@.own'}, q{'a.citizen'} ], handler => [ q{'@ME@.apply(casesync.inbound)'}, q{'a.apply(casesync.inbound)'} ], code => [ q{(SELECT 'x'::text)}, q{'local:900'} ],
	schema => [ q{'w'}, q{'@ME@'} ], person => [ 1, 2 ], token => [ q{'1.9999999999999.00000000000000000000000000000000.' || repeat('0', 64)} ],
	reference_id => [ q{'00000000-0000-0000-0000-000000000000'} ], inbox_id => [ 1, 2, 3 ], lane => [ 1, 2, 3 ], gap => [ 1 ], member => [ q{'@ME@.own'} ], on_insert => [ q{'enrolment_status_change'} ],
	on_update => [ q{'enrolment_status_change'} ], on_delete => [ 'NULL' ], column_name => [ q{'id'} ], filter => [ q{'{}'} ], issuer => [ q{'https://issuer.test'} ], errcode => [ q{'data_exception'} ],
	token_client => [ q{'client-1'} ], sender_id => [ q{'ess.test'} ], base_url => [ q{'https://x.test'} ], kid => [ q{'kid-1'} ], what => [ q{'key'}, q{'condition'} ], expression => [ q{'id'} ],
	trackings => [ q{'{1,2}'} ], tracking_id => [ 2 ], reason => [ q{'because'} ], sort => ['NULL'], frequency => [ 'NULL' ], filter_type => [ 'NULL', q{'idtype-value'} ],
);

sub new
{
	my ($class, %self) = @_;
	# types: oid => row of the catalog; rows: name of a type => fields of rows that are there
	return bless {%self}, $class;
}

# The type of an oid, as type_query() answers it.
sub type_query
{
	return q{SELECT t.oid, format_type(t.oid, NULL), t.typtype, t.typcategory, t.typelem, t.typbasetype,
		(SELECT string_agg(a.attname || ' ' || a.atttypid, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
		FROM pg_type t};
}

# What a role may execute of us: functions, aggregates, procedures; what types, casts, operators and triggers are made of.
sub function_query
{
	my ($where) = @_;
	return qq{SELECT p.oid, n.nspname || '.' || quote_ident(p.proname), p.prokind, p.proretset::integer, p.prorettype, p.pronargs, p.pronargdefaults,
		array_to_string(p.proargtypes::oid[], ' '), coalesce(array_to_string(p.proargnames[1:p.pronargs], ' '), ''), p.provariadic,
		(SELECT l.lanname FROM pg_language l WHERE l.oid = p.prolang)
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE (n.nspname IN ('casesync', 'casesync_internal') OR EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'casesync')) AND $where ORDER BY p.oid};
}

sub functions_of
{
	my @rows = @_;
	my @functions;
	for my $row (@rows)
	{
		my ($oid, $name, $kind, $is_set, $result, $count, $defaults, $types, $names, $variadic, $language) = @$row;
		my @names = split / /, $names;
		my $n = 0;
		push @functions, { oid => $oid, name => $name, kind => $kind, is_set => $is_set, result => $result, defaults => $defaults, variadic => $variadic, language => $language,
			arguments => [ map { { type => $_, name => $names[ $n++ ] // '' } } split / /, $types ] };
	}
	return @functions;
}

# Numbers from 0 to 1, the same for a seed. Not Perl's own, which differ between versions.
sub seeded
{
	my ($state) = @_;
	return sub { $state = ($state * 1103515245 + 12345) % 2147483648; return $state / 2147483648; };
}

sub rows
{
	my ($node, $database, $sql) = @_;
	my $out = $node->safe_psql($database, $sql, extra_params => [ '-F', "\x01", '-R', "\x02" ]);
	return map { [ split /\x01/, $_, -1 ] } split /\x02/, $out;
}

# Everything about the types and rows of a database that values are made of.
sub of_database
{
	my ($class, $node, $database, %self) = @_;
	my %types = map {
		my ($oid, $name, $kind, $category, $element, $base, $fields) = @$_;
		($oid => { name => $name, kind => $kind, category => $category, element => $element + 0, base => $base + 0,
			fields => [ map { my ($n, $t) = /^(.*) (\d+)$/; { name => $n, type => $t } } split /,/, $fields // '' ] })
	} rows($node, $database, 'SET search_path = pg_catalog; ' . type_query());
	# Rows that are there, as text: to be sent back with one field changed. No secret is among them.
	my %rows;
	my %tables = map { $_->[0] => 1 } rows($node, $database, q{SET search_path = pg_catalog; SELECT format_type(reltype, NULL) FROM pg_class WHERE relkind IN ('r', 'p') AND relname <> 'node_secret'
		AND relnamespace::regnamespace::text LIKE 'casesync%'});
	for my $type (grep { $tables{ $_->{name} } } values %types)
	{
		my $fields = join ', ', map { qq{quote_nullable(left("$_->{name}"::text, 2000))} } @{ $type->{fields} };
		my @found = grep { !grep { /[\r\n]/ } @$_ } rows($node, $database, "SELECT $fields FROM $type->{name} LIMIT 4");
		$rows{ $type->{name} } = \@found if @found;
	}
	return $class->new(%self, types => \%types, rows => \%rows);
}

# Statements one by one in a session of a role; how often each SQLSTATE came, and what ended badly. When the server goes
# down under one of them, the rest is run when it is up again.
sub run_statements
{
	my ($node, $database, $role, $file, $seconds, @statements) = @_;
	my %result = (statements => scalar @statements, states => {}, odd => [], cancelled => {});
	my $begun = 0;
	while ($begun < @statements)
	{
		my @rest = @statements[ $begun .. $#statements ];
		open my $script, '>:raw', "$file.sql" or die $!;
		print $script "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n\\o /dev/null\n", map { "$_;\n" } @rest;
		close $script;
		local $ENV{PGOPTIONS} = "-c statement_timeout=${seconds}s -c client_min_messages=error -c lock_timeout=1s";
		IPC::Run::run([ 'psql', '-X', '-q', '-U', $role, '-h', $node->host, '-p', $node->port, '-d', $database, '-f', "$file.sql" ], '>', '/dev/null', '2>', "$file.err");
		my $lost = said(\%result, "$file.err", \@rest) // last;
		$begun += $lost + 1;
		push @{ $result{odd} }, [ 'died', substr $rest[$lost], 0, 400 ];
		last if !is_up($node);
	}
	return \%result;
}

sub is_up
{
	my ($node) = @_;
	for (1 .. 600)
	{
		return 1 if system('pg_isready -q -h "' . $node->host . '" -p ' . $node->port) == 0;
		usleep(100_000);
	}
	return 0;
}

# Internal errors that are no fault. (And raise_error() says any SQLSTATE that it is asked for.)
my $is_allowed = join '|', (
	# PostgreSQL's own words of a number that was cast to regclass although there is no such relation
	'could not open relation with OID \d+',
	# what no access may call, and our own SQL calls with texts and lists that it has made
	q{a query for an owner must return}, q{unexpected outcome of an owner's query}, 'columns, types and marks differ in number');

# Reads what psql said of the statements; the number of the one under which the session was lost.
sub said
{
	my ($result, $file, $statements) = @_;
	my $lost;
	open my $said, '<:raw', $file or die $!;
	while (my $line = <$said>)
	{
		if ($line =~ /:(\d+): (?:ERROR|FATAL|PANIC):  (\w{5}): (.*)/)
		{
			my ($state, $message, $statement) = ($2, substr($3, 0, 100), substr $statements->[ $1 - 4 ] // '', 0, 300);
			$result->{states}{$state}++;
			push @{ $result->{odd} }, [ "$state $message", $statement ] if $state =~ /^XX/ && $message !~ /^(?:$is_allowed)/ && $statement !~ /\braise_error\(/;
			$result->{cancelled}{$statement}++ if $state eq '57014';
		}
		elsif ($line =~ /:(\d+): (?:server closed the connection|could not send|error: connection to server was lost)/)
		{
			$lost //= $1 - 4;
		}
		elsif ($line =~ /error: connection to server/)
		{
			push @{ $result->{odd} }, [ 'psql', substr $line, 0, 200 ];
		}
	}
	close $said;
	return $lost;
}

sub pick { my ($self, @from) = @_; return $from[ int($self->{random}->() * @from) ]; }

sub cast
{
	my ($value, $type) = @_;
	return $value if $value =~ /^NULL::/ && $type !~ /\[\]$/;
	return "($value)::$type";
}

# Values of an argument's type that are meant badly. A composite is filled with others' rows, one field of it changed.
sub hostile_values
{
	my ($self, $oid, $name, $depth) = @_;
	$depth //= 0;
	my $type = $self->{types}{$oid} // return ('NULL');
	my $called = $type->{name};
	return @polymorphic_array if $called =~ /^any(compatible)?array$/;
	return @polymorphic if $called =~ /^any/ || $called eq '"any"';
	return map { cast($_, $called) } @{ $hostile{$called} }, ($called eq 'text' ? @others_text : ()) if $hostile{$called} && $called ne 'internal' && $called ne 'record' && $called ne 'cstring';
	return @{ $hostile{$called} } if $hostile{$called};
	return $self->hostile_arrays($type, $depth) if $type->{category} eq 'A' && $type->{element};
	return $self->hostile_rows($type, $depth) if $type->{kind} eq 'c';
	return map { cast($_, $called) } $self->hostile_values($type->{base}, $name, $depth) if $type->{kind} eq 'd';
	# a code type, or one that nobody knew when this was written: its input, and a domain over it by coercion
	my @codes = ('NULL', q{'1'}, q{'2'}, q{'local:900'}, q{'Active'}, $long);
	push @codes, q{'1'::@ME@.d_code} if $called =~ /employment_status$/;
	return map { cast($_, $called) } @codes;
}

sub hostile_arrays
{
	my ($self, $type, $depth) = @_;
	my $called = $type->{name};
	my @elements = $self->hostile_values($type->{element}, '', $depth + 1);
	my ($element) = $self->plausible_values($type->{element}, '', $depth + 1);
	my @values = ("NULL::$called", "'{}'::$called", "ARRAY[NULL]::$called", "ARRAY[NULL, $element, NULL]::$called", "ARRAY[ARRAY[$element], ARRAY[$element]]::$called",
		"array_fill($element, ARRAY[3, 1], ARRAY[-5, 2147483600])::$called", "array_fill($element, ARRAY[20000])::$called");
	return (@values, map { "ARRAY[$_]::$called" } grep { !/^NULL/ } @elements[ $depth ? (0 .. ($#elements > 3 ? 3 : $#elements)) : (0 .. $#elements) ]);
}

sub row_of
{
	my ($self, $type, $depth, %changed) = @_;
	my $rows = $self->{rows}{ $type->{name} };
	my $known = $rows && @$rows ? $self->pick(@$rows) : undef;
	my $n = 0;
	my @fields = map {
		my $at = $n++;
		my $field = $self->{types}{ $_->{type} };
		exists $changed{ $_->{name} } ? $changed{ $_->{name} } : $known && defined $known->[$at] ? cast($known->[$at], $field ? $field->{name} : 'text') : $depth > 2 ? 'NULL' : ($self->plausible_values($_->{type}, $_->{name}, $depth + 1))[0]
	} @{ $type->{fields} };
	return 'ROW(' . join(', ', @fields) . ")::$type->{name}";
}

sub hostile_rows
{
	my ($self, $type, $depth) = @_;
	my @values = ("NULL::$type->{name}", 'ROW(' . join(', ', ('NULL') x @{ $type->{fields} }) . ")::$type->{name}");
	return @values if $depth > 1;
	push @values, map { $self->row_of($type, $depth) } 1 .. 2;
	for my $field (@{ $type->{fields} })
	{
		my @inner = $self->hostile_values($field->{type}, $field->{name}, $depth + 1);
		@inner = @inner[ 0 .. 5 ] if $depth && @inner > 6;
		# code and others' things in text fields, not every odd string
		@inner = (@inner[ 0, 4 ], grep { /\@ME\@|citizens|people/ } @inner) if @inner > 24;
		push @values, map { $self->row_of($type, $depth, $field->{name} => $_) } @inner;
	}
	return @values;
}

# Values with which a call gets far.
sub plausible_values
{
	my ($self, $oid, $name, $depth) = @_;
	$depth //= 0;
	my $type = $self->{types}{$oid} // return ('NULL');
	my $called = $type->{name};
	my $known = $plausible{ $name // '' };
	if ($known && ($type->{category} =~ /[SUNBA]/ || $called =~ /^reg|^name$/) && $called !~ /^any/)
	{
		my @fit = grep { ($called =~ /\[\]$/) == /^'\{/ || /^NULL/ || $called eq 'jsonb' } @$known;
		@fit = grep { !/[a-z]/ } @fit if $called =~ /^(integer|bigint|smallint)$/;
		@fit = grep { /^'[0-9a-f-]{36}'$/ } @fit if $called eq 'uuid';
		return map { cast($_, $called) } @fit if @fit && $called !~ /^(boolean|bytea|timestamp.*|interval|oid|internal)$/;
	}
	return q{'1'::casesync.employment_status} if $called =~ /^any.*(element|nonarray|compatible)$/;
	return q{ARRAY['1'::casesync.employment_status]} if $called =~ /^any.*array$/;
	return $self->row_of($type, $depth) if $type->{kind} eq 'c' && $depth < 3;
	return ("'{}'::$called") if $type->{category} eq 'A' && $type->{element};
	my %usual = ('text' => q{'x'}, 'name' => q{'id'}, 'boolean' => 'true', 'jsonb' => q{'{}'}, 'integer' => 1, 'bigint' => 1, 'smallint' => 1, 'numeric' => 1, 'bytea' => $hostile{bytea}[7],
		'timestamp with time zone' => 'now()', 'interval' => ($name // '') eq 'valid_for' ? q{'5 minutes'} : q{'1 day'}, 'date' => q{'2020-01-01'}, 'uuid' => q{'00000000-0000-0000-0000-000000000000'}, 'regclass' => q{'@ME@.own'},
		'oid' => q{'@ME@.own'::regclass::oid}, 'regtype' => q{'casesync.sex'}, 'regrole' => q{'@ME@'}, 'regprocedure' => q{'@ME@.apply(casesync.inbound)'}, 'xid8' => q{'3'}, '"char"' => q{'I'},
		'cidr' => q{'10.0.0.0/8'}, 'pg_snapshot' => q{pg_current_snapshot()});
	return (cast($usual{$called}, $called)) if $usual{$called};
	return ('NULL') if $called =~ /^(internal|trigger|void|record|event_trigger)$/;
	return (q{textout('1')}) if $called eq 'cstring';
	return (cast(q{'1'}, $called)) if $called =~ /^casesync/;
	return ("NULL::$called");
}

sub statement
{
	my ($self, $function, @values) = @_;
	my $called = $function->{name};
	return map { "SELECT $called($_) FROM generate_series(1, 2)" } @values[ 0 .. 0 ] if $function->{kind} eq 'a' && @values;
	return "CALL $called(" . join(', ', @values) . ')' if $function->{kind} eq 'p';
	$values[-1] = "VARIADIC $values[-1]" if $function->{variadic} && @values;
	return "SELECT $called(" . join(', ', @values) . ')';
}

# A trigger's function: called by itself, and put behind own tables, with arguments of others.
sub trigger_statements
{
	my ($self, $function) = @_;
	my @statements = ("SELECT $function->{name}()");
	for my $words (q{}, q{'1'}, q{'2'}, q{'-1'}, q{'x'}, q{'1', '2', '3'}, q{'2', 'enrolment_status_change'}, "'" . 'a' x 5000 . "'", q{'99999999999999999999'}, q{'@ME@.imm()'})
	{
		for my $when ('AFTER INSERT OR UPDATE OR DELETE ON @ME@.own FOR EACH ROW', 'BEFORE INSERT OR UPDATE OR DELETE ON @ME@.own FOR EACH ROW', 'AFTER UPDATE OR TRUNCATE ON @ME@.own FOR EACH STATEMENT',
			'AFTER UPDATE ON @ME@."quoted ""name; DROP" FOR EACH ROW', 'AFTER INSERT ON @ME@.parts FOR EACH ROW', 'AFTER UPDATE ON a.citizen FOR EACH ROW', 'AFTER INSERT ON casesync_internal.handler FOR EACH ROW')
		{
			my ($table) = $when =~ /ON (.*) FOR/;
			my $fire = $table =~ /own/ ? 'UPDATE @ME@.own SET uin = uin || 1' : $table =~ /parts/ ? q{INSERT INTO @ME@.parts VALUES (1, 'x')} : $table =~ /quoted/ ? qq{INSERT INTO $table VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1} : '';
			push @statements, "DO \$do\$ BEGIN CREATE TRIGGER zz_odd $when EXECUTE FUNCTION $function->{name}($words); BEGIN $fire; EXCEPTION WHEN OTHERS THEN NULL; END; DROP TRIGGER zz_odd ON $table; END \$do\$";
		}
	}
	return @statements;
}

# Every function with every hostile value once: one argument bad, the others plausible.
sub calls
{
	my ($self, $function) = @_;
	return $self->trigger_statements($function) if ($self->{types}{ $function->{result} }{name} // '') =~ /trigger$/;
	# PostgreSQL's own, under a name of ours
	return map { $self->random_call($function) } 1 .. 3 if $function->{language} eq 'internal';
	my @arguments = @{ $function->{arguments} };
	my @plausible = map { [ $self->plausible_values($_->{type}, $_->{name}) ] } @arguments;
	my %seen;
	my @statements;
	my $say = sub { my ($s) = $self->statement($function, @_); push @statements, $s if !$seen{$s}++; };
	$say->(map { 'NULL' } @arguments) if @arguments;
	for my $at (0 .. $#arguments)
	{
		for my $value ($self->hostile_values($arguments[$at]{type}, $arguments[$at]{name}))
		{
			my @values = map { $self->pick(@$_) } @plausible;
			$values[$at] = $value;
			$say->(@values);
		}
	}
	$say->(map { $self->pick(@$_) } @plausible) for 1 .. 4;
	# what is left out has its default
	my $must = @arguments - $function->{defaults};
	$say->(map { $self->pick(@$_) } @plausible[ 0 .. $must - 1 ]) if $function->{defaults} && !$function->{variadic};
	return @statements;
}

sub random_call
{
	my ($self, $function) = @_;
	return $self->pick($self->trigger_statements($function)) if ($self->{types}{ $function->{result} }{name} // '') =~ /trigger$/;
	my ($statement) = $self->statement($function, map {
		my @values = $self->{random}->() < 0.4 ? $self->hostile_values($_->{type}, $_->{name}) : $self->plausible_values($_->{type}, $_->{name});
		$self->pick(@values);
	} @{ $function->{arguments} });
	return $statement;
}

# What a relation may be asked and told; most of it must be refused.
sub relation_statements
{
	my ($self, $relation, $type_oid, $may_write) = @_;
	my @statements = ("SELECT * FROM $relation", "SELECT * FROM $relation t WHERE \@ME\@.imm() AND t::text::\@ME\@.d_text IS NOT NULL", "COPY (TABLE $relation) TO STDOUT",
		"DELETE FROM $relation", "TRUNCATE $relation", "LOCK TABLE $relation IN SHARE UPDATE EXCLUSIVE MODE NOWAIT", "GRANT ALL ON $relation TO \@ME\@", "ALTER TABLE $relation DISABLE ROW LEVEL SECURITY",
		"CREATE TRIGGER odd AFTER INSERT ON $relation FOR EACH ROW EXECUTE FUNCTION \@ME\@.on_row()", "CREATE POLICY odd ON $relation USING (\@ME\@.imm())", "CREATE RULE odd AS ON INSERT TO $relation DO ALSO SELECT \@ME\@.vol()",
		"ALTER TABLE $relation OWNER TO \@ME\@", "CREATE INDEX ON $relation ((\@ME\@.imm_text()))", "CREATE TABLE \@ME\@.child () INHERITS ($relation)", "DROP TABLE $relation CASCADE", "COPY $relation FROM PROGRAM 'true'");
	my $type = $self->{types}{$type_oid} // return @statements;
	return (@statements, "INSERT INTO $relation DEFAULT VALUES") if !$may_write;
	for my $field (@{ $type->{fields} })
	{
		for my $value ($self->hostile_values($field->{type}, $field->{name}, 1))
		{
			push @statements, qq{UPDATE $relation SET "$field->{name}" = $value};
			push @statements, "INSERT INTO $relation SELECT (x).* FROM (SELECT " . $self->row_of($type, 0, $field->{name} => $value) . ') r(x)';
		}
	}
	return @statements;
}

1;
