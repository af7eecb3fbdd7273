# Why a message does not arrive is said by health, by casesync.attempts and by the bridge's log in the words of what is to be
# mended; what the partner wrote is for administrators and in no log. Why a partner's message is not let in is said by the
# receiver's health and log, under the correlation_id that the partner was told.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Certificates;
use Test::More;

my $sp = BridgeTest->new;
my $folder = $sp->{folder};
mkdir "$folder/$_", 0700 or die $! for qw(secrets partners);
my $ours = Certificates->new("$folder/ours");
my $theirs = Certificates->new("$folder/theirs");

sub write_secret
{
	my ($name, $mode) = @_;
	open my $file, '>', "$folder/secrets/$name" or die $!;
	print $file "SECRET\n";
	close $file;
	chmod $mode, "$folder/secrets/$name" or die $!;
	return;
}

$sp->create_application;
my $serial = 0;

# A partner and its server. Options: server (how it is started), scheme, address (in place of the server's), set (more of
# set_partner()).
my %peer;
sub partner
{
	my ($name, %options) = @_;
	$peer{$name} = $sp->start_partner(name => $name, %{ $options{server} // {} });
	my $scheme = $options{scheme} // $peer{$name}{scheme};
	$sp->add_partner("$name.example.org", $peer{$name}{port}, scheme => $scheme);
	$sp->sql("SELECT casesync.set_partner('$name.example.org', base_url => '$options{address}')") if $options{address};
	$sp->sql("SELECT casesync.set_partner('$name.example.org', $options{set})") if $options{set};
	return;
}

sub token
{
	my ($name, $secret) = @_;
	return "token_url => 'https://127.0.0.1:$peer{$name}{port}/oauth2/client/token', client_id => 'us', secret_name => '$secret', tls_name => 'good'";
}

my %good = %{ $ours->certificate('good') };
BridgeTest::replace_file($ours->ca, "$folder/partners/good.ca");
my $closed = BridgeTest::free_port();
partner('token', server => \%good, set => "tls_name => 'good'");
$sp->sql("SELECT casesync.set_partner('token.example.org', @{[ token('token', 'shut') ]})");
$peer{token}->order_tokens(status => 401, body => '{"error":"invalid_client","error_description":"SAID who"}');
partner('secret', server => \%good, set => "tls_name => 'good'");
$sp->sql("SELECT casesync.set_partner('secret.example.org', @{[ token('secret', 'open') ]})");
partner('nowhere', address => 'https://nowhere.invalid');
partner('closed', address => "https://127.0.0.1:$closed");
partner('over', server => $ours->certificate('over', days => -1), set => "tls_name => 'good'");
partner('stranger', server => $theirs->certificate('stranger'), set => "tls_name => 'good'");
partner('other', server => $ours->certificate('other', san => 'DNS:other.example.org'), set => "tls_name => 'good'");
partner('plain');
partner('inside', server => \%good, set => "tls_name => 'good', networks => '{}'");
partner('forbids', server => \%good, set => "tls_name => 'good'");
$peer{forbids}->order(mode => 'status', status => 403, text => "<h1>SAID that\n" . 'x' x 600 . 'END</h1>');
partner('fails', server => \%good, set => "tls_name => 'good'");
$peer{fails}->order(mode => 'status', status => 500, text => '{"message":{"ack_status":"ERR","error":{"code":"err.x","message":"SAID of ID-1"}}}');
partner('rsa', server => \%good, set => "tls_name => 'good', profile => 'openg2p-rs256'");
write_secret('shut', 0600);
write_secret('open', 0644);
$sp->start_bridge(allow_http => 'off', secrets_directory => "$folder/secrets", tls_directory => "$folder/partners",
	base_path => '', retry_base => '50ms', retry_cap => '100ms');
$sp->wait_ready;
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");

# --- what is said of each: the beginning of health, what the attempt and the log hold ---
my @cases = (
	[ 'token', 'HTTP 401 from the token endpoint' ],
	[ 'secret', 'secret "open" is open to others' ],
	[ 'nowhere', 'host not found' ],
	[ 'closed', 'connection refused' ],
	[ 'over', q(TLS: the partner's certificate has expired) ],
	[ 'stranger', q(TLS: the partner's certificate is of an unknown authority) ],
	[ 'other', q(TLS: the partner's certificate is for another host) ],
	[ 'plain', 'only https is allowed', 'stop' ],
	[ 'inside', 'address not allowed: 127.0.0.1 is a loopback address', 'stop' ],
	[ 'forbids', 'HTTP 403', undef, 'partner does not let us in' ],
	[ 'fails', 'HTTP 500', undef, 'partner failed' ],
	[ 'rsa', q(the bridge has no rsa_key_file, and the partner's profile asks for RS256) ],
);
for my $case (@cases)
{
	my ($name, $reason, $stops, $detail) = @$case;
	my $shown = $detail // $reason;
	my $problem = $stops ? "sending to $name.example.org (notify) has stopped: $reason" : $reason;
	my $quoted = $problem =~ s/'/''/gr;
	ok($sp->{server}->poll_query_until('app', "SELECT EXISTS (SELECT FROM casesync.health WHERE problem ^@ '$quoted' AND problem ~ '$name.example.org')"),
		"$name: health says $problem") or diag $sp->sql('SELECT problem FROM casesync.health');
	like($sp->sql("SELECT detail FROM casesync.attempts WHERE partner = '$name.example.org' ORDER BY ended_at DESC LIMIT 1"), qr/^\Q$shown\E/, 'and the attempt why');
	like($sp->sql("SELECT reason FROM casesync.queue WHERE partner = '$name.example.org' AND kind = 'notify'"), qr/^\Q$reason\E/, 'and the queue');
	my $logged = quotemeta($shown) =~ s/\\"/\\\\?"/gr;
	ok($sp->wait_log(qr/partner=$name\.example\.org .*reason="?$logged/), 'and the log');
}
is(scalar(() = $peer{$_}->received), 0, "nothing reached $_") for qw(token secret over stranger other plain inside rsa);

# --- what the partner wrote ---
my $said = $sp->sql("SELECT answer FROM casesync.attempts WHERE partner = 'forbids.example.org' ORDER BY ended_at DESC LIMIT 1");
like($said, qr/^<h1>SAID that x+$/, 'the words of a partner are with the attempt, in one line');
is(length $said, 500, 'and of those no more than 500');
is($sp->sql("SELECT DISTINCT answer FROM casesync.attempts WHERE partner = 'fails.example.org' AND answer IS NOT NULL"), 'SAID of ID-1', 'the message of an error, where there is one');
ok($sp->{server}->poll_query_until('app', "SELECT count(*) > 25 FROM casesync.attempts WHERE partner = 'fails.example.org'"), 'many attempts');
cmp_ok($sp->sql("SELECT count(answer) FROM casesync.attempts WHERE partner = 'fails.example.org'"), '<=', 20, 'of the last twenty only');
$sp->sql("CREATE ROLE watcher; CREATE ROLE operator; SELECT casesync.grant_access('watcher', 'reader'); SELECT casesync.grant_access('operator', 'admin')");
is($sp->sql('SET ROLE watcher; SELECT count(answer) = 0 AND count(detail) > 0 FROM casesync.attempts'), 't', 'readers see why, and not what the partner wrote');
cmp_ok($sp->sql('SET ROLE operator; SELECT count(answer) FROM casesync.attempts'), '>', 0, 'administrators do');
unlike($sp->log_text, qr/SAID/, 'and no log has it');
unlike($sp->sql("SELECT string_agg(problem || mend, ' ') FROM casesync.health"), qr/SAID/, 'nor has health');

# --- what is mended is told no more ---
write_secret('open', 0600);
$peer{token}->order_tokens(status => 200, body => undef);
$peer{$_}->order(mode => 'ack') for qw(forbids fails);
$sp->sql("SELECT casesync.wake('$_.example.org')") for qw(token secret forbids fails);
ok($peer{$_}->wait_received(1), "$_: mended, and it arrives") for qw(token secret);
ok($sp->{server}->poll_query_until('app', "SELECT NOT EXISTS (SELECT FROM casesync.health WHERE problem ~ '^[^:]+: nothing has reached ($_)\\.')"), "and health says nothing more of $_")
  for qw(token secret forbids fails);
my $named = "SELECT count(*) FROM casesync.attempts WHERE answer ~ 'ID-1'";
cmp_ok($sp->sql($named), '>', 0, 'what it wrote is kept');
$sp->sql("SELECT casesync.erase('person', '1', 'test')");
is($sp->sql($named), 0, 'but not of who is erased');
$sp->end_bridge('TERM');

# --- the receiver: who was not let in, and why ---
my ($key_file, $jwk) = $sp->make_key('ess');
my $stranger_key = BridgeTest::generate_key("$folder/another.key");
$sp->sql("SELECT casesync.set_partner('ess.example.org', 'https://127.0.0.1:$closed', networks => '{127.0.0.0/8}'); SELECT casesync.add_key('ess.example.org', '$jwk')");
$sp->agree_in('ESS-IN', 'ess.example.org');
$sp->start_bridge;
$sp->wait_ready;
my $message = { header => $sp->header('notify'), message => { transaction_id => 'T', notify_event => [] } };
my %refused = (
	'another key' => [ BridgeTest::python('sign_message', $sp->encode($message), $stranger_key), qr/signature: the key in kidId is not registered here/ ],
	'no signature' => [ $sp->encode($message), qr/the message is not signed/ ],
);
for my $name (sort keys %refused)
{
	my ($body, $why) = @{ $refused{$name} };
	my $answer = $sp->post('/registry/notify', $body, Authorization => 'Bearer ' . $sp->token('ess.example.org'));
	is($answer->{status}, 401, "$name: refused");
	my $id = $answer->{json}{message}{correlation_id};
	like($answer->{json}{errors}[0]{message}, $why, 'and the partner told why');
	ok($sp->wait_log(qr/event=received .*partner=ess\.example\.org .*correlation_id=$id reason="$why/), 'the log says the same under the same id');
	like($sp->sql("SELECT problem FROM casesync.health WHERE problem ~ '$id'"), qr/^$why.* of ess\.example\.org were not let in/, 'and health');
}
like($sp->sql("SELECT problem FROM casesync.health WHERE problem ~ 'let in'"), qr/: 2 messages of ess/, 'one line for both');
my $bad = $sp->post('/registry/notify', '{"header": 7}', Authorization => 'Bearer ' . $sp->token('ess.example.org'));
my $id = $bad->{json}{message}{correlation_id};
ok($sp->wait_log(qr/event=received .*correlation_id=$id/), 'every refusal has the id that the partner was told in the log');
$sp->sql("UPDATE casesync_internal.partner_refusal SET at = at - interval '3 hours'");
is($sp->sql("SELECT count(*) FROM casesync.health WHERE problem ~ 'let in'"), 0, 'what is over for two hours is told no more');
$sp->stop_ok;
done_testing();
