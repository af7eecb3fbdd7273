# The commands of casesync-bridge, what it says when it cannot work, and its signals.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run ();
use Socket qw(SOCK_DGRAM);
use Test::More;

my $program = BridgeTest::tree() . '/bridge/casesync-bridge';
my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});

# Runs the program to its end: exit code and what it printed.
sub run_program
{
	my @arguments = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ $program, @arguments ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($? >> 8, $out, $err);
}

my ($version) = BridgeTest::slurp(BridgeTest::tree() . '/casesync.control') =~ /default_version *= *'(.*)'/;
my ($status, $out, $err) = run_program('--version');
is("$status $out", "0 casesync-bridge $version\n", '--version');
($status, $out) = run_program('--help');
is($status, 0, '--help');
like($out, qr/--$_\b/, "--help tells of --$_") for qw(check-config print-config print-key print-callback version);
like($out, qr/poll_interval/, '--help lists the settings');
($status, $out, $err) = run_program('--no-such-thing=1');
is($status, 1, 'an unknown setting: exit code 1');
like($err, qr/no setting "no-such-thing"/, 'and its name');

my $file = $sp->write_settings;
($status, $out) = run_program("--config=$file", '--print-config');
is($status, 0, '--print-config');
like($out, qr/^poll_interval = '1s' # file$/m, 'shows value and source');
($status, $out) = run_program("--config=$file", '--print-config', '--database=host=h password=geheim');
unlike($out, qr/geheim/, 'a password is masked');
($status, $out) = run_program('--key-file=' . $sp->key_file, '--print-key');
is($status, 0, '--print-key needs no other setting');
my ($kid) = $out =~ /^kid: ([\w-]{43})$/m;
like($out, qr/^jwk: \{.*"kid":"$kid"/m, 'shows kid and public JWK');
is(BridgeTest::python('sign_message', 'jwk', $sp->key_file) =~ /"kid": "([^"]+)"/ ? $1 : '', $kid,
	'the kid is the thumbprint that an outside program computes');
unlike($out, qr/"d"/, 'and nothing private');

# --- --check-config ---
($status, $out) = run_program("--config=$file", '--check-config');
is($status, 0, '--check-config with all in order') or diag $out;
unlike($out, qr/not ok/, 'says so');
like($out, qr/^ok      function casesync\w*\.$_$/m, "looks at $_") for qw(route tidy take next_jwks want_jwks);
like($out, qr/^ok      the bridge's calls fit the extension$/m, 'and whether all are as it calls them');
like($out, qr/^ok      \Q$_\E$/m, "and that $_ is well")
  for 'node sp.example.org', 'node_id', 'the node may speak', 'the key is the node\'s', 'records of registry person', 'a turn of routing';
like($out, qr/^ok      listen, 127\.0\.0\.1 port \d+$/m, 'that it can listen');
my $host = $sp->{server}->host;
my $port = $sp->{server}->port;
$sp->sql('CREATE ROLE nobody LOGIN');
$sp->{server}->safe_psql('postgres', 'CREATE DATABASE empty');
my %wrong = (
	'a key that is not there' => [ '--key-file=/nowhere/key', qr/not ok  signing key: .*\/nowhere\/key/ ],
	'a database that is not there' => [ "--database=host=$host port=$port dbname=missing user=bridge",
		qr/not ok  connection to the database: .*missing/ ],
	'a server that is not there' => [ "--database=host=$host port=1 dbname=app user=bridge",
		qr/not ok  connection to the database: / ],
	'a database without the extension' => [ "--database=host=$host port=$port dbname=empty user=bridge",
		qr/not ok  extension casesync.*CREATE EXTENSION casesync/ ],
	'a role without rights' => [ "--database=host=$host port=$port dbname=app user=nobody",
		qr/not ok  function casesync_internal\.route: .*grant_access/ ],
);
for my $case (sort keys %wrong)
{
	($status, $out) = run_program("--config=$file", '--check-config', $wrong{$case}[0]);
	is($status, 1, "$case: exit code 1");
	like($out, $wrong{$case}[1], "$case: says what and what to do");
}
my $tidy = $sp->sql("SELECT oid::regprocedure FROM pg_proc WHERE proname = 'tidy' AND pronamespace::regnamespace::text ~ '^casesync'");
$sp->sql("REVOKE EXECUTE ON FUNCTION $tidy FROM bridge");
($status, $out) = run_program("--config=$file", '--check-config');
is($status, 1, 'a function that this role may not call');
is_deeply([ $out =~ /^not ok  (.*?):/mg ], ['function casesync_internal.tidy'], 'that one only') or diag $out;
$sp->sql("GRANT EXECUTE ON FUNCTION $tidy TO bridge");
my $lanes = $sp->sql("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'lanes' AND pronamespace::regnamespace::text ~ '^casesync'");
my ($name, $schema) = $lanes =~ /FUNCTION ((\w+)\.\w+)\(/;
my $signature = $sp->sql("SELECT oid::regprocedure FROM pg_proc WHERE proname = 'lanes' AND pronamespace::regnamespace::text ~ '^casesync'");
$sp->sql("ALTER FUNCTION $signature RENAME TO lanes_of_old");
(my $old = $signature) =~ s/lanes/lanes_of_old/;
(my $other = $lanes) =~ s/wait_ms/wait_s/g;
$sp->sql($other);
$sp->sql("GRANT EXECUTE ON FUNCTION $signature TO bridge");
($status, $out) = run_program("--config=$file", '--check-config');
is($status, 1, 'a function that is another than the bridge calls');
like($out, qr/^ok      function \Q$name\E$/m, 'is there');
like($out, qr/^not ok  \Q$name\E: SQLSTATE 42703/m, 'but does not fit');
$sp->sql("DROP FUNCTION $signature");
($status, $out) = run_program("--config=$file", '--check-config');
like($out, qr/^not ok  function \Q$name\E: it does not exist/m, 'a function that is not there');
$sp->sql("ALTER FUNCTION $old RENAME TO lanes");
($status, $out) = run_program("--config=$file", '--check-config');
is($status, 0, 'and all is in order again') or diag $out;

# what the node and the machine say: each by its name, and what to do
sub is_told
{
	my ($what, $reason, @options) = @_;
	my ($exit, $said) = run_program("--config=$file", '--check-config', @options);
	is($exit, 1, "$what: exit code 1");
	like($said, qr/^not ok  $what.*: $reason/m, "$what: says what and what to do") or diag $said;
	return;
}
$sp->sql("UPDATE casesync_internal.node SET node_id = '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0003'");
is_told('node_id', qr/the node's is 6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0003/);
$sp->sql("UPDATE casesync_internal.node SET node_id = NULL, paused = true, paused_reason = 'because'");
is_told('the node may speak', qr/because/);
$sp->sql('UPDATE casesync_internal.node SET paused = false, paused_reason = NULL');
$sp->sql("SELECT casesync.set_node('sp.example.org', key_ids => '{another}')");
is_told('the key is the node\'s', qr/.*set_node\('sp\.example\.org', key_ids => '\{another,$kid\}'\)/);
$sp->sql("UPDATE casesync_internal.node SET key_ids = NULL");
$sp->sql("INSERT INTO person VALUES (77, 'ID-77', 'no such status')");
is_told('records of registry person', qr/1 cannot be rendered \(\w{5}\): SELECT \* FROM casesync\.review\('person'\)/);
$sp->sql('DELETE FROM person WHERE id = 77');
mkdir "$sp->{folder}/secrets", 0700 or die $!;
BridgeTest::replace_file($sp->key_file, "$sp->{folder}/secrets/open");
chmod 0644, "$sp->{folder}/secrets/open" or die $!;
is_told('secrets for tokens of partners', qr/secret "open" is open to others/, "--secrets-directory=$sp->{folder}/secrets");
my $rsa = BridgeTest::generate_key("$sp->{folder}/rsa.key", 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
($status, $out) = run_program("--config=$file", '--check-config', "--rsa-key-file=$rsa");
like($out, qr/^ok      RSA signing key [\w-]{43}$/m, 'an RSA key is named, too');
is_told('signing key', qr/key file ".*" holds no RSA private key/, '--rsa-key-file=' . $sp->key_file);
is_told('listen, 192\.0\.2\.1 port 1', qr/cannot listen/, '--listen=192.0.2.1:1');
my $occupied = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
($status, $out) = run_program("--config=$file", '--check-config', '--ops-listen=127.0.0.1:' . $occupied->sockport);
is($status, 0, 'a port that is in use may be this bridge\'s own') or diag $out;
like($out, qr/^note    ops_listen, 127\.0\.0\.1 port \d+: in use/m, 'and is told');
is($sp->sql('SELECT count(*) FROM casesync_internal.routing_turn_wanted'), 0, 'nothing is left of the turn');
chmod 0644, $sp->key_file;
($status, $out) = run_program("--config=$file", '--check-config');
is($status, 1, 'a key that everybody may read');
chmod 0600, $sp->key_file;

# --- running ---
($status, $out, $err) = run_program("--config=$file", '--listen=127.0.0.1:' . $occupied->sockport);
is($status, 2, 'an address in use: exit code 2');
like($err, qr/cannot listen on 127\.0\.0\.1 port \d+: Address already in use/, 'and which');

my $socket_path = "$sp->{folder}/notify";
my $manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $socket_path) or die $!;
{
	local $ENV{NOTIFY_SOCKET} = $socket_path;
	$sp->start_bridge;
}
$manager->recv(my $told, 100);
is($told, 'READY=1', 'the service manager is told when it is ready');
ok($sp->wait_ready, 'ready');
is($sp->sql("SELECT count(DISTINCT application_name) FROM pg_stat_activity
	WHERE application_name IN ('casesync-bridge control', 'casesync-bridge router',
		'casesync-bridge delivery', 'casesync-bridge http')"), 4, 'each connection says what it is for');

# SIGHUP: all or nothing
my $second_key = ($sp->make_key('second'))[0];
$sp->write_settings(key_file => $second_key, log_level => 'debug');
kill 'HUP', $sp->{bridge};
ok($sp->wait_log(qr/event=reloaded kid=/), 'SIGHUP takes a new key');
ok($sp->wait_log(qr/level=debug event=database_answered session=router rows=1 ms=\d+ statement="SELECT/),
	'and a new log level');
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
$ess->wait_received(1);
my $jwk = (run_program("--key-file=$second_key", '--print-key'))[1] =~ s/.*jwk: //sr;
my ($message) = $ess->received;
is(BridgeTest::python('verify_signature', $message->{body}, $jwk, $message->{at}), "good\n", 'and signs with it');
$sp->write_settings(key_file => $second_key, poll_interval => 'soon');
kill 'HUP', $sp->{bridge};
ok($sp->wait_log(qr/event=reload_refused .*poll_interval/), 'a wrong setting: nothing is taken');
$sp->write_settings(key_file => '/nowhere/key');
kill 'HUP', $sp->{bridge};
ok($sp->wait_log(qr/event=reload_refused .*nowhere/), 'a key that is not there: nothing is taken');
$sp->write_settings(key_file => $second_key, listen => '127.0.0.1:' . BridgeTest::free_port());
kill 'HUP', $sp->{bridge};
ok($sp->wait_log(qr/event=reload_refused .*listen.*restart/), 'what needs a restart is named');
is($sp->get('/readyz')->{status}, 200, 'and it works on');

# SIGTERM: what is in flight is finished and recorded
$ess->order(mode => 'slow', ms => 1000, count => 1);
$sp->sql("UPDATE person SET status = 'S' WHERE id = 1");
$ess->wait_received(2);
$sp->stop_ok;
is($sp->sql('SELECT sum(due) FROM casesync.queue'), 0, 'the outcome of what was in flight was recorded');
$sp->write_settings;
$sp->start_bridge(shutdown_timeout => '500ms');
$sp->wait_ready;
$ess->order(mode => 'hang');
$sp->sql("UPDATE person SET status = 'A' WHERE id = 1");
$ess->wait_received(3);
$sp->stop_ok;
like($sp->log_text, qr/event=stopped_with_work_in_flight count=1/, 'what hangs is left after shutdown_timeout');
is($sp->sql('SELECT sum(due) FROM casesync.queue'), 1, 'and stays due');

# no key: nothing is sent, everything else works
$ess->order(mode => 'ack');
$sp->start_bridge(key_file => "$sp->{folder}/missing.key");
ok(BridgeTest::wait_for('readyz to tell', sub { $sp->get('/readyz')->{content} =~ /missing\.key/ }), 'without a key readyz tells why');
is($sp->get('/readyz')->{status}, 503, 'and is not ready');
ok($sp->wait_log(qr/event=cannot_sign /), 'and so does the log');
$sp->sql("UPDATE person SET status = 'I' WHERE id = 1");
ok(BridgeTest::wait_for('two due', sub { $sp->sql('SELECT sum(due) FROM casesync.queue') == 2 }), 'changes are routed');
is(scalar($ess->received), 3, 'nothing is sent unsigned');
is($sp->post('/registry/notify', '{}', Authorization => 'Bearer eyJhbGciOiJFZERTQSJ9.e30.AA')->{status}, 503,
	'our own tokens cannot be checked without our keys: partners are told to come again');
is($sp->ask_token({})->{status}, 400, 'the token endpoint still reads requests');
is($sp->ask_token({ grant_type => 'client_credentials', client_id => ($sp->client('ess.example.org'))[0],
	client_secret => ($sp->client('ess.example.org'))[1] })->{status}, 503, 'but gives no tokens');
is(scalar(() = $sp->log_text =~ /event=cannot_sign/g), 1, 'one line tells it, not one per try');
$sp->stop_ok;

# a node that says which keys are its own
$sp->sql("SELECT casesync.set_node('sp.example.org', key_ids => '{another}')");
$sp->start_bridge;
ok($sp->wait_log(qr/event=cannot_sign .*key_ids/), 'a key that is not the node\'s does not sign');
$sp->sql("SELECT casesync.set_node('sp.example.org', key_ids => '{another,$kid}')");
ok($ess->wait_received(4), 'until the node lists it');
$sp->stop_ok;

# another node's bridge at the same database, shown a token that the right one gave
$sp->start_bridge;
$sp->wait_ready;
my $ours = $sp->token('ess.example.org');
$sp->stop_ok;
$sp->start_bridge(node_id => '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0002');
ok($sp->wait_log(qr/event=bridge_start_failed reason=.*node_id 6f1f7b9e\S+ is not this node/), 'a bridge with another node_id does not speak for this node');
like($sp->get('/readyz')->{content}, qr/is not this node/, 'readyz says why');
is($sp->ask_token({ grant_type => 'client_credentials', client_id => ($sp->client('ess.example.org'))[0],
	client_secret => ($sp->client('ess.example.org'))[1] })->{status}, 503, 'it gives no tokens');
is($sp->post($_, '{"header": {"sender_id": "ess.example.org"}}', Authorization => "Bearer $ours")->{status}, 503, "and takes nothing at $_")
  for '/registry/notify', '/registry/sync/search';
$sp->sql("UPDATE person SET status = 'X' WHERE id = 1");
$sp->stop_ok;
is(scalar($ess->received), 4, 'nothing was sent by it');
$sp->start_bridge;
ok($ess->wait_received(5), 'and the right one goes on, without a word from anybody');
$sp->stop_ok;

done_testing();
