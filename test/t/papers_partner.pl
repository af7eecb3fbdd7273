# doc/partner.md does what it says: its conversation with the sandbox, run as it
# stands, prints what the page shows; its ways to verify a message verify it, and refuse another.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
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

kill 'TERM', map { $_->{PID} } @{ $sandbox->{KIDS} };
$sandbox->finish;
is($sandbox->result(0), 0, 'the sandbox ends when it is told to');
unlike($sandbox_err, qr/\S/, 'without a complaint');
done_testing();
