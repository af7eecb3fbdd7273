# Partners that want a token get one: fetched with our secret, kept until shortly before it ends,
# fetched anew when the partner does not take it any more; and no secret is ever told.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $partner = $sp->start_partner;
my $secrets = "$sp->{folder}/secrets";
mkdir $secrets, 0700 or die $!;

sub write_secret
{
	my ($name, $text, $mode) = @_;
	unlink "$secrets/$name";    # it may be a link
	open my $file, '>', "$secrets/$name" or die $!;
	print $file $text;
	close $file;
	chmod $mode // 0600, "$secrets/$name" or die $!;
	return;
}

write_secret('ess', "SECRET-S+ and &=%\n");
$sp->create_application;
$sp->add_partner('ess.example.org', $partner->{port});
$sp->sql("SELECT casesync.set_partner('ess.example.org', token_url => 'http://127.0.0.1:$partner->{port}/oauth2/client/token',
	client_id => 'our name & number', secret_name => 'ess')");
$partner->order_tokens(required => 1);
$sp->start_bridge(secrets_directory => $secrets);
$sp->wait_ready;

my $serial = 0;

# One change, and the message that tells of it.
sub change
{
	my ($name) = @_;
	my $before = () = $partner->received;
	$serial++;
	$sp->sql("INSERT INTO person VALUES ($serial, 'ID-$serial', 'A')");
	ok($partner->wait_received($before + 1), $name);
	return ($partner->received)[-1];
}

my $message = change('a message arrives where a token is needed');
my @requests = $partner->token_requests;
is(scalar @requests, 1, 'one token was asked for');
is($requests[0]{body}, 'grant_type=client_credentials&client_id=our%20name%20%26%20number&client_secret=SECRET-S%2B%20and%20%26%3D%25',
	'with our client_id and the secret from its file');
is($requests[0]{content_type}, 'application/x-www-form-urlencoded', 'as a form');
like($requests[0]{timestamp}, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'with the timestamp that the standard asks for');
is($requests[0]{authorization}, undef, 'and not with a token');
is($message->{authorization}, 'Bearer token-1.x_~+/=', 'the message carries the token');
change('another message');
is(scalar($partner->token_requests), 1, 'with the same token');

# --- the partner forgets it ---
$partner->order_tokens(forget => 1);
$message = change('a message arrives after the partner has forgotten the token');
is($message->{authorization}, 'Bearer token-2.x_~+/=', 'with a new one');
is($sp->sql("SELECT count(*) FROM casesync.attempts WHERE verdict <> 'delivered'"), 0, 'within the same attempt');

# --- it ends ---
$partner->order_tokens(forget => 1, expires_in => 1);
change('a token that lasts a second');
my $before = $partner->token_requests;
ok(BridgeTest::wait_for('the token to end', sub { change('a message'); $partner->token_requests > $before }),
	'a token that ends is replaced before it is used again');
is($sp->sql("SELECT count(*) FROM casesync.attempts WHERE verdict <> 'delivered'"), 0, 'the partner never saw an old one');
$partner->order_tokens(expires_in => 0);
change('a token for this once') for 1 .. 2;
$partner->order_tokens(expires_in => '3600', forget => 1);

# --- it is not to be had ---
my %trouble = (
	'HTTP 401 from the token endpoint' => { status => 401, body => '{"error":"invalid_client"}' },
	'HTTP 503 from the token endpoint' => { status => 503, body => 'x' },
	'HTTP 302 from the token endpoint' => { status => 302, body => '' },
	'no usable access_token' => { status => 200, body => '{"access_token":"a\r\nX-Injected: 1"}' },
	'a token of another type' => { status => 200, body => '{"access_token":"a","token_type":"mac"}' },
);
for my $reason (sort keys %trouble)
{
	$partner->order_tokens(forget => 1, %{ $trouble{$reason} });
	my $count = () = $partner->received;
	$serial++;
	$sp->sql("INSERT INTO person VALUES ($serial, 'ID-$serial', 'A')");
	ok($sp->wait_log(qr/verdict=retry .*reason="?\Q$reason\E/), "$reason: is tried again");
	is(scalar(() = $partner->received), $count, 'and nothing was sent without a token');
	like($sp->sql("SELECT string_agg(DISTINCT reason, '; ') FROM casesync.queue"), qr/\Q$reason\E/, 'the queue says so');
	$partner->order_tokens(status => 200, body => undef);
	ok($partner->wait_received($count + 1), 'and arrives when there is one again');
}

# --- our secret is not to be had ---
sub check_secret
{
	my ($reason, $spoil) = @_;
	$partner->order_tokens(forget => 1);
	my ($count, $asked) = (scalar(() = $partner->received), scalar(() = $partner->token_requests));
	$spoil->();
	$serial++;
	$sp->sql("INSERT INTO person VALUES ($serial, 'ID-$serial', 'A')");
	ok($sp->wait_log(qr/verdict=retry .*reason=.*\Q$reason\E/), "$reason: is tried again");
	is(scalar(() = $partner->token_requests), $asked, 'and nothing was asked without the secret');
	write_secret('ess', 'SECRET-2');
	ok($partner->wait_received($count + 1), 'and goes on with the secret, without a restart');
	return;
}

check_secret('could not open secret', sub { unlink "$secrets/ess" or die $! });
check_secret('is open to others', sub { write_secret('ess', 'SECRET-3', 0644) });
check_secret('is empty', sub { write_secret('ess', "\nx") });
check_secret('could not open secret', sub {
	rename "$secrets/ess", "$sp->{folder}/elsewhere" or die $!; symlink "$sp->{folder}/elsewhere", "$secrets/ess" or die $!;
});

# --- a token endpoint where the partner may not have one ---
my ($out, $err) = ('', '');
for my $refused (
	[ "secret_name => '../bridge.key'", qr/secret_name must be the plain name of a file/ ],
	[ "secret_name => '.hidden'", qr/secret_name must be the plain name of a file/ ],
	[ "client_id => E'a\\nb'", qr/client_id must be/ ],
	[ "token_url => 'ftp://127.0.0.1/'", qr/not a URL/ ])
{
	$sp->{server}->psql('app', "SELECT casesync.set_partner('ess.example.org', $refused->[0])", stderr => \$err);
	like($err, $refused->[1], "set_partner refuses $refused->[0]");
}
$sp->{server}->psql('app', "SELECT casesync.set_partner('new.example.org', 'https://new.example.org', token_url => 'https://new.example.org/t')",
	stderr => \$err);
like($err, qr/token_url needs client_id and secret_name/, 'and half of what is needed');
$sp->sql("SELECT casesync.set_partner('ess.example.org', token_url => 'http://127.0.0.2:$partner->{port}/oauth2/client/token', networks => '{127.0.0.1/32}')");
$serial++;
$sp->sql("INSERT INTO person VALUES ($serial, 'ID-$serial', 'A')");
ok($sp->wait_log(qr/reason="token endpoint: address not allowed: 127\.0\.0\.2 is a loopback address/), 'a token endpoint outside the partner\'s networks is not asked');

unlike($sp->log_text, qr/SECRET|token-\d|our name/, 'no secret, token or name is in the log');
unlike($sp->sql("SELECT string_agg(a::text, ' ') FROM casesync.attempts a"), qr/SECRET|token-\d/, 'nor in the attempts');
$sp->stop_ok;
done_testing();
