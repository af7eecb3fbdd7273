# doc/partner.md does what it says: its conversation with the sandbox, run as it
# stands, prints what the page shows; its ways to verify a message verify it, and refuse another.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use HTTP::Tiny;
use Test::More;

use lib "$FindBin::Bin/../lib";
use BridgeTest;

my $tree = abs_path("$FindBin::Bin/../..");
my $page = slurp("$tree/doc/partner.md");
my $recipes = slurp("$tree/doc/signing-and-encryption.md");
my @blocks = map {
	my ($section) = $page =~ /^## $_\n(.*?)^## /ms;
	ok(defined $section, "$_: is there");
	$section =~ /^```(\w*)\n(.*?)^```$/msg;
} 'A complete conversation', 'Signing what you send', 'Encrypting';

my ($port, $receiver_port) = (free_port(), free_port());
my $folder = PostgreSQL::Test::Utils::tempdir();
my ($sandbox_out, $sandbox_err) = ('', '');
local $ENV{SANDBOX_PORT} = $port;
my $sandbox = IPC::Run::start([ '/usr/bin/python3', "$tree/test/sandbox/sandbox" ],
	'>', \$sandbox_out, '2>', \$sandbox_err);
wait_for('the sandbox', sub { $sandbox->pump_nb; $sandbox_out =~ /^ready$/m || !$sandbox->pumpable });
like($sandbox_out, qr/^ready$/m, 'the sandbox starts') or diag $sandbox_err;
my %said = $sandbox_out =~ /^(\w+)=(.*)$/mg;
is($said{base_url}, "http://127.0.0.1:$port", 'it listens where it was told');

# What differs from run to run: ids, times, keys.
sub masked
{
	my ($text) = @_;
	$text =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(id)/g;
	$text =~ s/20\d\d-\d\d-\d\dT[\d:.]+Z/(time)/g;
	$text =~ s/"signature": "[^\n]*"/"signature": (signature)/g;
	$text =~ s/"ciphertext":"[^\n]*/"ciphertext":(secret)/g;
	$text =~ s/(?<![\w-])[\w-]{43}(?![\w-])/(key)/g;
	return $text;
}

# Runs a script in the folder with the sandbox's words set; its output.
sub run_script
{
	my ($script) = @_;
	$script =~ s/127\.0\.0\.1([:"',\s]+)9000\b/127.0.0.1$1$receiver_port/g;
	my $file = "$folder/script.sh";
	unlink $file;
	append_to_file($file, join '', "set -eu\ncd '$folder'\n",
		"trap 'test -z \"\$(jobs -p)\" || kill \$(jobs -p)' EXIT\n",
		(map { "$_='$said{$_}'\n" } sort keys %said), $script);
	my ($out, $err) = ('', '');
	my $finished = eval { IPC::Run::run([ 'bash', $file ], '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default)) };
	diag($@ // '', $err) unless $finished;
	return ($finished, $out);
}

# The programs of the page, under the names that it gives them.
sub write_file { my ($name, $text) = @_; open my $f, '>', "$folder/$name" or die $!; print $f $text; close $f }
my ($recipe) = $recipes =~ /^```python\n((?:(?!```).)*def decrypt.*?)^```$/ms;
write_file('encryption.py', $recipe);
my %programs = $page =~ /`(\w+\.py)`:\n\n```python\n(.*?)^```$/msg;
is(join(' ', sort keys %programs), 'encrypted.py sign.py', 'it has the programs to sign and to encrypt');
write_file($_, $programs{$_}) for keys %programs;

my ($script, $expected) = ('', '');
while (my ($kind, $text) = splice @blocks, 0, 2)
{
	if ($kind eq 'sh') { $script .= $text }
	elsif ($kind eq '') { $expected .= $text }
}
my ($finished, $printed) = run_script($script);
ok($finished, 'every command of the conversation succeeds');
is(masked($printed), masked($expected), 'and they print what the page shows');

run_script('curl -sS "$base_url/.well-known/jwks.json" > jwks.json');
my ($x) = slurp("$folder/jwks.json") =~ /"use":"sig","x":"([^"]+)"/;
my ($by_openssl) = $page =~ /^```bash\n(.*?)^```$/ms;
my ($by_java) = $page =~ /^```java\n(.*?)^```$/ms;
my $message = slurp("$folder/notify.json");
write_file('Verify.java', $by_java);
my $has_java = -x '/usr/bin/javac';
for my $case ([ 'the message as it came', $message, 1 ], [ 'another one', $message =~ s/TEST-001/TEST-002/r, 0 ])
{
	my ($what, $body, $is_good) = @$case;
	write_file('notify.json', $body);
	my (undef, $said) = run_script("x='$x'\n{ $by_openssl } || true\n");
	is($said =~ /Verified Successfully/ ? 1 : 0, $is_good, "OpenSSL judges $what");
  SKIP:
	{
		skip 'no Java here', 1 unless $has_java;
		(undef, $said) = run_script("java Verify.java notify.json '$x'\n");
		is($said =~ /^verified$/m ? 1 : 0, $is_good, "Java judges $what");
	}
}

# Catching up: the criteria as the page has them.
my ($criteria) = $page =~ /^```json\n(.*?)^```$/ms;
(undef, $printed) = run_script($script =~ s/^post .*//msr . <<"SH");
post /registry/sync/search <<JSON
{"header": {\$(header search)}, "message": {"transaction_id": "t-3", "search_request": [{"reference_id": "s-2",
	"timestamp": "\$(date -u +%Y-%m-%dT%H:%M:%SZ)", "search_criteria": {"reg_type": "ESS", "reg_record_type": "Member",
@{[ $criteria =~ s/\$/\\\$/gr ]}}}]}}
JSON
SH
like($printed, qr/"total_count":5/, 'catching up finds what has changed since');

# What else the sandbox says: a client of one's own, a token for whoever calls back, signatures when they are wanted.
my $http = HTTP::Tiny->new(timeout => 10);
my $given = $http->post_form("$said{base_url}/oauth2/client/token",
	{ grant_type => 'client_credentials', client_id => $said{client_id}, client_secret => $said{client_secret} });
like($given->{content}, qr/"access_token":"[\w.-]+"/, 'client_id and client_secret get a token') or diag $given->{content};
sub ask
{
	my ($path, $serial) = @_;
	return $http->post("$said{base_url}/registry/$path", { headers => { 'Content-Type' => 'application/json',
		Authorization => "Bearer $said{token}" }, content => qq({"header": {"version": "1.0.0", "message_id": "$serial",
		"message_ts": "2026-11-22T10:00:00Z", "action": "search", "sender_id": "test-client", "total_count": 1,
		"receiver_id": "casesync.sandbox.example", "sender_uri": "http://127.0.0.1:$receiver_port/registry/on-search"},
		"message": {"transaction_id": "t-$serial", "search_request": [{"reference_id": "r-$serial", "timestamp": "2026-11-22T10:00:00Z",
		"search_criteria": {"reg_type": "ESS", "reg_record_type": "Member", "query_type": "idtype-value",
		"query": {"type": "UIN", "value": "TEST-001"}}}]}}) });
}
my ($mock_in, $mock_out) = ('', '');
my $mock = IPC::Run::start([ "$tree/test/mock_partner/mock_partner", "$folder/called.jsonl", '--port', $receiver_port ],
	'<', \$mock_in, '>', \$mock_out);
$mock->pump until $mock_out =~ /\n/;
run_script(q(psql -qAt "$database" -c "SELECT casesync_sandbox.use_callback_token(true)"));
is(ask('search', 'called-1')->{status}, 200, 'a search to be called back for');
ok(wait_for('the callback', sub { slurp("$folder/called.jsonl") =~ /"authorization": "Bearer \Q$said{callback_token}\E"/ }), 'the callback carries callback_token');
$mock->kill_kill;
is(ask('sync/search', 'unsigned-1')->{status}, 200, 'nothing need be signed');
run_script(q(psql -qAt "$database" -c "SELECT casesync_sandbox.set_signature('required')"));
my $unsigned = ask('sync/search', 'unsigned-2');
is($unsigned->{status}, 401, 'until it must be');
like($unsigned->{content}, qr/err\.signature\.missing/, 'and that is said');

kill 'TERM', map { $_->{PID} } @{ $sandbox->{KIDS} };
$sandbox->finish;
is($sandbox->result(0), 0, 'the sandbox ends when it is told to');
unlike($sandbox_err, qr/\S/, 'without a complaint');
done_testing();
