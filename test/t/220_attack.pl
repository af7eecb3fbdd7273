# Whoever has an access, and a login that is no superuser, gets no more than that access gives: every function that it may
# execute, found in the catalog, is called with hostile values; what it may write is written; then others work with what
# it has left. Nobody's rights, nobody's data and no process of the server may have changed by it.
#
# ATTACK_SEED repeats a run, ATTACK_ROUNDS (1) makes it longer, ATTACK_ACCESS='types publisher' shortens it.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use List::Util qw(sum0 max);
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

use lib "$FindBin::Bin/../lib";
use Attack;

my $tree = abs_path("$FindBin::Bin/../..");
my $seed = $ENV{ATTACK_SEED} // (time % 1_000_000);
my $rounds = $ENV{ATTACK_ROUNDS} // 1;
# One statement may take this long before it is cancelled, and this much longer on a busy machine.
my ($statement_seconds, $grace_seconds) = (2, 20);
my $memory_limit = 1500 * 1024;
my $functions_in_a_copy = 30;
diag "ATTACK_SEED=$seed";

# Rows that an attack may change, besides the attacker's own: by access and table, a condition over op ('-' was, '+' is), r
# (the row) and me. All that is not here must stay as it was.
my $own_registry = q{judge.owner_of(r->>'view') = me};
# Lists of words and grants on them and on registries: of no other's.
my $own_words = {
	'casesync_internal.crosswalk_word' => q{r->>'list' <> 'words_of_a'},
	'casesync_internal.word_list' => q{r->>'owner' = me},
	'casesync_internal.word_list_grant' => q{r->>'list' <> 'words_of_a'},
	'casesync_internal.crosswalk_change' => 'true',
};
my $own_registries = q{(NOT r->'registries' ? 'people' AND NOT r->'registries' ? 'citizens' AND NOT r->'registries' ? 'households')};
my $own_tracking = qq{judge.owner_of(r->>'relation') = me AND $own_registries};
my $publisher = {
	'casesync_internal.registry' => $own_registry,
	'casesync_internal.tracking' => $own_tracking,
	'casesync_internal.handler' => q{coalesce(judge.owner_of_function(r->>'handler') = me, op = '+' AND judge.owner_of_function(r->>'handler') IS NULL)},
	%$own_words,
	'casesync_internal.registry_grant' => q{r->>'registry' NOT IN ('people', 'citizens', 'households')},
	'casesync_internal.local_code' => q{r->>'number' <> '900'},
	'casesync_internal.gap' => qq{judge.owner_of(r->>'relation') = me AND $own_registries},
	# any DDL may have the trackings of others looked at once more
	'casesync_internal.capture_seen' => q{(r->>'tracking' NOT IN ('1', '2', '3') OR EXISTS (SELECT FROM judge.before b WHERE b.place = d.place AND b.r - 'well' = d.r - 'well'))},
	'casesync_internal.left_untracked' => q{r->>'registry' NOT IN ('people', 'citizens', 'households')},
	'casesync_internal.audit_entry' => q{op = '+' AND r->>'who' = me},
	# captured of its own tables, for its own trackings
	(map { ("casesync_internal.change_$_" => q{op = '+' AND judge.owner_of(r->>'relation') = me AND r->>'tracking' NOT IN ('1', '2', '3')}) } 0 .. 7),
};
# Nothing that says what may leave, or who may do what, becomes different without a second person.
my $not_active = q{(op = '-' OR r->>'state' <> 'active' OR EXISTS (SELECT FROM judge.before b WHERE b.place = 'casesync_internal.agreement'
	AND b.r->>'agreement' = d.r->>'agreement' AND b.r->>'version' = d.r->>'version' AND b.r->>'state' = 'active'))};
my $ends = { map { ("casesync_internal.$_" => 'true') } qw(notification notification_0 notification_1 notification_2 notification_3 notification_4 notification_5 notification_6 notification_7
	notification_ring subscription subscription_seq filter_inside told missed lane lane_state request_in outgoing look_again_entry look_again_note event disclosure lookup_day routing_state
	change_0 change_1 change_2 change_3 change_4 change_5 change_6 change_7 change_ring rehearsal_count rehearsal_sample rehearsal_told sharing_stop attempt my_subscription my_request
	message_in inbox_item quarantine_entry lookup_walk stored_day deviation open_number expansion routing_pace look_again_registry crossed_change push conflict field_version retelling prune_mark compacted backlog size_sample backfill scheduled_subject lane_note partner_refusal) };
my $audited = { 'casesync_internal.audit_entry' => q{op = '+' AND r->>'who' = me} };
my $admin = {
	%$audited, %$ends,
	(map { ("casesync_internal.$_" => 'true') } qw(partner partner_key published_key client client_failure issuer jwks_source gap registry_type event_type local_code)),
	%$own_words,
	# what it wishes, until another agrees
	'casesync_internal.pending_change' => q{op = '+' AND r->>'asked_by' = me},
	'casesync_internal.agreement' => $not_active,
	'casesync_internal.node' => q{(r->>'four_eyes')::boolean},
	'casesync_internal.audit_entry' => 'true',
	'casesync_internal.access_given' => q{r->>'access' IN ('types', 'publisher', 'reader', 'caseworker', 'portal') OR op = '-'},
	'casesync_internal.authority' => q{op = '-' OR r->>'set_by' = me},
};
my %may = (
	types => {},
	publisher => $publisher,
	admin => $admin,
	approver => { %$audited, %$ends, 'casesync_internal.agreement' => 'true' },
	bridge => { %$ends, 'casesync_internal.node' => q{r->>'four_eyes' = 'true'}, map { ("casesync_internal.$_" => 'true') } qw(client client_failure jwks_source published_key partner_key issuer agreement capture_seen
		turn_trouble_now routing_turn_wanted bridge_life),
		'casesync_internal.message_in' => 'true' },
	# pushes what an active agreement lets pass
	caseworker => { %$audited, 'casesync_internal.push' => q{op = '+' AND r->>'who' = me} },
	# one person, by a token that it has not; tokens, and nothing that takes them
	portal => {},
	portal_login => $audited,
	reviewer => { %$audited, 'casesync_internal.inbox_item' => 'true', 'a.citizen' => q{r->>'id' = '4'} },
	auditor => { %$audited, %$ends },
	reader => {},
);
# What the node does by itself, with whatever was left to it, once the bridge works and the superuser looks after it.
my $by_itself = { %$ends,
	# the owner of a tracked table may make partitions of it
	'catalog: function' => q{r->>'name' = 'casesync_internal.capture_change()' AND r->>'rights' IN ('postgres=EXECUTE', 'owner_a=EXECUTE postgres=EXECUTE')},
	'casesync_internal.tracking' => q{EXISTS (SELECT FROM judge.before b WHERE b.place = d.place
	AND b.r - '{enabled,stopped_gap}'::text[] = d.r - '{enabled,stopped_gap}'::text[])}, 'casesync_internal.crosswalk_change' => 'true', map { ("casesync_internal.$_" => 'true') } qw(gap capture_seen client_failure jwks_source agreement audit_entry
	turn_trouble_now routing_turn_wanted bridge_life version_seed) };

my $node = PostgreSQL::Test::Cluster->new('attacked');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', <<"CONF");
fsync = off
max_prepared_transactions = 10
log_line_prefix = '%m [%p] %d '
log_min_messages = log
log_min_error_statement = panic
log_checkpoints = off
log_min_duration_statement = ${\($statement_seconds * 1000 + 1000)}
autovacuum = off
log_error_verbosity = terse
restart_after_crash = on
CONF
$node->start;
chdir $tree or die $!;

$node->safe_psql('postgres', 'CREATE DATABASE node');
for my $file ('node.sql', 'judge.sql')
{
	my ($out, $err) = ('', '');
	is($node->psql('node', undef, stdout => \$out, stderr => \$err, extra_params => [ '-f', "test/attack/$file" ]), 0, "$file makes what is attacked") or BAIL_OUT($err);
}
my @accesses = map { $_->[0] } rows($node, 'node', 'SELECT DISTINCT access FROM casesync_internal.access_right ORDER BY 1');
is_deeply([ sort keys %may ], \@accesses, 'every access is attacked, with what it may change');
@accesses = split ' ', $ENV{ATTACK_ACCESS} if $ENV{ATTACK_ACCESS};

# --- running ---------------------------------------------------------------------------------------------------------

my $folder = PostgreSQL::Test::Utils::tempdir();

sub text_of
{
	my ($file, $me) = @_;
	my $text = slurp_file("$tree/test/attack/$file");
	$text =~ s/\@ME\@/$me/g;
	$text =~ s/^--.*\n//mg;
	return $text;
}

sub psql_text
{
	my ($database, $role, $text) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGOPTIONS} = "-c statement_timeout=60s -c client_min_messages=error";
	IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-U', $role, '-h', $node->host, '-p', $node->port, '-d', $database, '-f', '-' ], '<', \$text, '>', \$out, '2>', \$err);
	return ($out, $err);
}

# What differs that may not: by the rules of an access.
sub violations
{
	my ($database, $me, @rules) = @_;
	my %rule;
	for my $rules (@rules) { $rule{$_} = $rule{$_} ? "($rule{$_}) OR ($rules->{$_})" : $rules->{$_} for keys %$rules; }
	my $cases = join "\n", map { "WHEN '$_' THEN ($rule{$_})" } sort keys %rule;
	$cases = $cases ? "CASE place $cases ELSE false END" : 'false';
	my ($out, $err) = psql_text($database, 'postgres', qq{SELECT op || ' ' || place || ' ' || left(r::text, 400) FROM (SELECT d.*, '$me'::text AS me FROM judge.differences() d) d
		WHERE NOT coalesce($cases, false) ORDER BY 1 LIMIT 40;});
	return ("judge: $err") if $err ne '';
	return split /\n/, $out;
}

my %prologue = (
	first => [ q{SET search_path = @ME@, public, pg_temp, pg_catalog} ],
	usual => [],
	temporary => [ q{SET search_path = pg_temp, @ME@, pg_catalog}, q{SET CONSTRAINTS ALL DEFERRED} ],
);
my @temporary = (q{CREATE FUNCTION pg_temp.imm() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM @ME@.harm(''pg_temp.imm''); RETURN true; END'},
	q{CREATE DOMAIN pg_temp.d_code AS casesync.employment_status CHECK (pg_temp.imm())}, q{CREATE TEMP VIEW registry AS SELECT * FROM @ME@.registry}, q{CREATE TEMP TABLE pg_class (oid oid, relname text DEFAULT @ME@.vol())},
	q{CREATE TEMP TABLE node (one boolean)}, q{CREATE TEMP TABLE partner (partner text)}, q{CREATE TEMP VIEW pg_roles AS SELECT @ME@.vol() AS rolname, true AS rolsuper, 10::oid AS oid});

# One copy of the node, one attacker, some functions: attack, judge, let others work, judge.
sub attack_copy
{
	my ($database, $access, $statements, $prologue) = @_;
	my $me = "mallory_$access";
	my %result = (database => $database, access => $access, began => time);
	my ($out, $err) = psql_text('postgres', 'postgres', "CREATE DATABASE $database TEMPLATE node");
	# what a copy is told to be, and what differs in it
	psql_text($database, 'postgres', 'UPDATE casesync_internal.node SET database_oid = (SELECT oid FROM pg_database WHERE datname = current_database());
		SELECT casesync.retrack(); SELECT judge.remember()');
	psql_text($database, $me, text_of('payload.sql', $me));
	psql_text($database, $me, text_of('plant.sql', $me));
	my @said = map { s/\@ME\@/$me/gr } @temporary, @{ $prologue{$prologue} }, @$statements;
	$result{run} = run_statements($node, $database, $me, "$folder/$database", $statement_seconds, @said);
	$result{calls} = scalar @$statements;
	$result{attacked} = time;
	$result{direct} = [ violations($database, $me, $may{$access}) ];
	for my $role ('postgres', 'casesync_bridge')
	{
		my $name = $role eq 'postgres' ? 'superuser' : 'bridge';
		$result{$name} = run_statements($node, $database, $role, "$folder/$database", $statement_seconds, grep { /\S/ } split /;\n/, text_of("$name.sql", $me));
	}
	$result{later} = [ violations($database, $me, $may{$access}, $by_itself) ];
	my ($fired) = psql_text($database, 'postgres', "SELECT last_value FROM $me.fired");
	$result{fired} = $fired =~ /(\d+)/ ? $1 + 0 : 0;
	psql_text('postgres', 'postgres', "DROP DATABASE $database");
	$result{ended} = time;
	return \%result;
}

# Two at a time, watching how much the server's processes take.
my %peak;
sub watch_memory
{
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	for my $status (glob '/proc/[0-9]*/status')
	{
		open my $file, '<', $status or next;
		my $text = join '', <$file>;
		next unless $text =~ /^PPid:\s+$postmaster$/m && $text =~ /^VmHWM:\s+(\d+)/m;
		my ($pid, $size) = ($status =~ /(\d+)/, $1);
		($size) = $text =~ /^VmHWM:\s+(\d+)/m;
		($pid) = $status =~ m{/proc/(\d+)/};
		$peak{$pid} = $size;
	}
}

# What the server has worked, with all processes that have ended.
sub server_seconds
{
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my @numbers = split / /, slurp_file("/proc/$postmaster/stat") =~ s/.*\) //sr;
	return sum0(@numbers[ 11 .. 14 ]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub run_all
{
	my @jobs = @_;
	my (%running, @results);
	while (@jobs || %running)
	{
		while (@jobs && keys %running < 2)
		{
			my $job = shift @jobs;
			pipe(my $read, my $write) or die $!;
			my $child = fork // die $!;
			if (!$child)
			{
				close $read;
				my $result = eval { $job->() } // { died => "$@" };
				print $write JSON::PP->new->utf8->encode($result);
				close $write;
				POSIX::_exit(0);
			}
			close $write;
			$running{$child} = $read;
		}
		watch_memory();
		usleep(100_000);
		for my $child (keys %running)
		{
			my $bits = '';
			vec($bits, fileno($running{$child}), 1) = 1;
			next unless select($bits, undef, undef, 0);
			local $/;
			my $handle = delete $running{$child};
			my $text = <$handle>;
			waitpid $child, 0;
			push @results, JSON::PP->new->utf8->decode($text);
		}
	}
	return @results;
}

# --- the plan --------------------------------------------------------------------------------------------------------

my $arms = Attack->of_database($node, 'node', random => seeded($seed));

sub executable
{
	my ($database, $access) = @_;
	return Attack::functions_of(rows($node, $database, Attack::function_query("has_function_privilege('mallory_$access', p.oid, 'EXECUTE')")));
}

my (%found, %listed, @jobs);
my %types_function = map { $_->{oid} => 1 } executable('node', 'types');
for my $access (@accesses)
{
	my @functions = executable('node', $access);
	$found{$access} = @functions;
	$listed{$access} = $node->safe_psql('node', qq{SELECT count(DISTINCT p.oid) FROM casesync_internal.access_right r JOIN pg_proc p ON p.proname = r.object
		WHERE p.pronamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND r.access = '$access'});
	# what "types" has is called in full as that access, and now and then as the others
	my @main = $access eq 'types' ? @functions : grep { !$types_function{ $_->{oid} } } @functions;
	my @more = $access eq 'types' ? () : grep { $types_function{ $_->{oid} } } @functions;
	my @relations = rows($node, 'node', qq{SELECT c.oid::regclass, c.reltype, (has_any_column_privilege('mallory_$access', c.oid, 'INSERT,UPDATE') OR has_table_privilege('mallory_$access', c.oid, 'DELETE'))::integer
		FROM pg_class c WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace, 'a'::regnamespace, 'app'::regnamespace) AND c.relkind IN ('r', 'v', 'p', 'S') ORDER BY c.oid});
	my @writes = map { $arms->relation_statements(@$_) } @relations;
	my $number = 0;
	my $step = $access eq 'types' ? @main : $functions_in_a_copy;
	my @parts;
	push @parts, [ map { $arms->calls($_) } splice @main, 0, $step ] while @main;
	push @parts, [ @writes, (map { $arms->random_call($_) } @more), map { $arms->random_call($arms->pick(@functions)) } 1 .. 400 * $rounds ];
	for my $part (@parts)
	{
		my $database = "copy_${access}_" . $number++;
		my $prologue = (qw(first usual temporary))[ $number % 3 ];
		my @statements = @$part;
		push @jobs, sub { attack_copy($database, $access, \@statements, $prologue) };
	}
}

# --- what came of it -------------------------------------------------------------------------------------------------

my $started = time;
my $before = $node->safe_psql('postgres', 'SELECT json_agg(a) FROM pg_authid a');
my @results = run_all(@jobs);
is_deeply([ map { $_->{died} // () } @results ], [], 'all attacks were made');
is($node->safe_psql('postgres', 'SELECT json_agg(a) FROM pg_authid a'), $before, 'no role was changed');

note sprintf '%s: %d statements, %.1f s, then %.1f s', $_->{database}, $_->{calls}, $_->{attacked} - $_->{began}, $_->{ended} - $_->{attacked} for grep { $_->{ended} } @results;
for my $access (@accesses)
{
	my @mine = grep { ($_->{access} // '') eq $access } @results;
	my %states;
	for my $result (@mine) { $states{$_} += $result->{run}{states}{$_} for keys %{ $result->{run}{states} }; }
	my $statements = sum0(map { $_->{calls} } @mine);
	my $failed = sum0(values %states);
	diag sprintf '%-10s %4d functions, %6d statements, %6d of them not refused; %d runs of its own code', $access, $found{$access}, $statements, $statements - $failed, sum0(map { $_->{fired} } @mine);
	note "cancelled: $_" for map { sort keys %{ $_->{run}{cancelled} } } @mine;
	note join ' ', map { "$_: $states{$_}" } sort { $states{$b} <=> $states{$a} } keys %states;
	cmp_ok($found{$access}, '>=', $listed{$access}, "$access: every function of the access's list was found") ;
	cmp_ok($statements, '>', $found{$access}, "$access: each was called");
	cmp_ok($statements - $failed, '>', 50, "$access: not all was refused");
	cmp_ok(sum0(map { $_->{fired} } @mine), '>', 0, "$access: its code ran, as itself");
	unchanged("$access: what is not its own stays as it was", map { @{ $_->{direct} } } @mine);
	unchanged("$access: and when others work with what it left", map { @{ $_->{later} } } @mine);
	my @odd = map { my $r = $_; map { "$r->{database}: $_->[0]: $_->[1]" } map { @{ $r->{$_}{odd} } } qw(run superuser bridge) } @mine;
	unchanged("$access: no internal error, no session lost", @odd);
}
cmp_ok(scalar(keys %found), '>=', 1, 'accesses were attacked');

sub unchanged
{
	my ($what, @differences) = @_;
	ok(!@differences, $what);
	my %seen;
	@differences = grep { !$seen{ substr($_, 0, 90) }++ } @differences;
	diag join "\n", map { substr $_, 0, 300 } splice @differences, 0, 12 if @differences;
}

my @log = split /\n/, slurp_file($node->logfile);
my (@sentinels, %times);
for my $line (@log)
{
	push @sentinels, $1 if $line =~ /\] (copy_\w+ LOG:  (?:SENTINEL|HARM) .*)/;
}
unchanged('nobody\'s code ran with rights or in a session that let it do harm', map { s/^copy_\w+? LOG:  //r } @sentinels);
unchanged('no process of the server died', grep { /terminated by signal|server process .* (?:was|exited)|PANIC|TRAP:|reinitializing|recovery/ } @log);
unchanged('no statement ran on after its time', grep { /duration: (\d+)/ && $1 > ($statement_seconds + $grace_seconds) * 1000 } @log);
cmp_ok(scalar(keys %peak), '>', 1, 'processes were watched');
cmp_ok(max(values %peak), '<', $memory_limit, 'no process took much memory');
diag sprintf '%d copies of the node, %d statements, %.0f s (%.0f s of the server on one core), at most %d MB in a process', scalar @results, sum0(map { $_->{calls} } @results),
  time - $started, server_seconds(), max(values %peak) / 1024;

# --- can it fail? ----------------------------------------------------------------------------------------------------

# Three mistakes of the kinds that are looked for, in a copy of their own: they must be seen, without being named.
$node->safe_psql('postgres', 'CREATE DATABASE hole TEMPLATE node');
$node->safe_psql('hole', <<'SQL');
CREATE FUNCTION casesync.holed(anyelement) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN $1::text; END';
CREATE FUNCTION casesync_internal.runs(condition text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN EXECUTE ''SELECT '' || condition; END';
CREATE FUNCTION casesync_internal.forgets(registry text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'DELETE FROM casesync_internal.registry r WHERE r.registry = $1';
REVOKE ALL ON FUNCTION casesync.holed, casesync_internal.runs, casesync_internal.forgets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION casesync.holed, casesync_internal.runs, casesync_internal.forgets TO mallory_types;
SELECT judge.remember();
SQL
my @new = grep { !$types_function{ $_->{oid} } } executable('hole', 'types');
is(scalar @new, 3, 'a function that was made meanwhile is found');
my $payload = text_of('payload.sql', 'mallory_types');
psql_text('hole', 'mallory_types', $payload);
run_statements($node, 'hole', 'mallory_types', "$folder/hole", $statement_seconds, map { s/\@ME\@/mallory_types/gr } @temporary, map { $arms->calls($_) } @new);
my @seen = violations('hole', 'mallory_types', $may{types});
ok((grep { /^- casesync_internal.registry .*"citizens"/ } @seen), 'a row of somebody else that is gone is seen') or diag join "\n", @seen;
@log = split /\n/, slurp_file($node->logfile);
my @caught = grep { /\] hole LOG:  / } @log;
ok((grep { /SENTINEL of mallory_types: cast to text runs as/ } @caught), 'a cast with the extension\'s rights is seen');
ok((grep { /SENTINEL of mallory_types: domain/ || /SENTINEL of mallory_types: imm/ } @caught), 'a text that is run is seen');
ok((grep { /HARM of mallory_types: .* could: ALTER ROLE mallory_types SUPERUSER/ } @caught), 'and what it could do');

$node->stop;
done_testing();
