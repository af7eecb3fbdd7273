# A partner whose calls carry no token: it answers and notifies at an address that only it was given, and can do nothing else there.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IPC::Run qw(run);
use JSON::PP;
use Test::More;

my $sp = BridgeTest->new;
my $peer = $sp->start_partner;
my $other = $sp->start_partner(name => 'other');
my $secrets = "$sp->{folder}/secrets";
mkdir $secrets, 0700 or die $!;

sub write_secret
{
	my ($text) = @_;
	open my $file, '>', "$secrets/addresses.new" or die $!;
	print $file $text;
	close $file or die $!;
	chmod 0600, "$secrets/addresses.new" or die $!;
	rename "$secrets/addresses.new", "$secrets/addresses" or die $!;
	return;
}

$sp->create_application;
$sp->add_partner('registry.example.org', $peer->{port});
$sp->add_partner('other.example.org', $other->{port});
$sp->agree_in("in-$_", "$_.example.org") for qw(registry other);
$sp->sql("SELECT casesync.set_partner('registry.example.org', profile => 'openspp2')");
my ($key, $jwk) = $sp->make_key('registry');
$sp->sql("SELECT casesync.add_key('registry.example.org', '$jwk')");
my $kid = JSON::PP->new->decode($jwk)->{kid} // $sp->sql("SELECT kid FROM casesync.partner_keys WHERE partner = 'registry.example.org' LIMIT 1");
my @settings = (secrets_directory => $secrets, callback_secret => 'addresses');
$sp->start_bridge(@settings);
$sp->wait_ready;

# --- what an operator is told ---
my $asked = $sp->sql("SELECT casesync.subscribe_to('registry.example.org', 'enrolment_status_change', 'Member')");
ok($peer->wait_received(1), 'it is asked to tell us');
$sp->sql("UPDATE casesync_internal.my_subscription SET requested_at = now() - interval '2 minutes'");
like($sp->sql("SELECT problem || ': ' || mend FROM casesync.health WHERE problem ~ 'subscribe to'"),
	qr/answers come without a token, and no address was issued for them: SELECT casesync\.issue_callback\('registry\.example\.org'\);/,
	'health says that its answers cannot get through, and what to call');
my $template = $sp->sql("SELECT casesync.issue_callback('registry.example.org')");
my ($client) = $template =~ m{/from/([\w-]+)/registry$};
ok($client, 'an address is made for it');
is($sp->sql("SELECT count(*) FROM casesync.health WHERE problem ~ 'subscribe to'"), 0, 'and health has nothing to say for an hour');

# --- without a secret nothing is sent that says where answers go, and would be refused ---
$sp->sql("SELECT casesync.subscribe_to('registry.example.org', 'enrolment_status_change', 'Member')");
ok($sp->wait_log(qr/partner=registry\S* .*reason="could not open secret ..?addresses/), 'the log says that the secret is missing');
is(scalar(() = $peer->received), 1, 'and nothing has left');
write_secret("too short\n");
$sp->sql("SELECT casesync.wake('registry.example.org')");
ok($sp->wait_log(qr/reason="callback_secret: addresses has fewer than 32 characters/), 'a short one is refused');
write_secret("0123456789abcdef0123456789abcdef\n");
$sp->sql("SELECT casesync.wake('registry.example.org')");
ok($peer->wait_received(2), 'with a good one it goes on, without a restart');
my $sent = ($peer->received)[-1]{message};
my $callback = $sent->{header}{sender_uri};
like($callback, qr{^\Q@{[ $sp->base_url ]}\E/from/$client\.[\w-]{43}/registry/on-subscribe$}, 'the request has the address in it');
my $program = "$FindBin::RealBin/../../bridge/casesync-bridge";
run([ $program, "--secrets_directory=$secrets", '--callback_secret=addresses', '--print-callback' ], '<', \"$template\n", '>', \my $out, '2>', \my $err);
is("$out$err", ($callback =~ s{/on-subscribe$}{}r) . "\n", 'and an operator can print it');
$sp->sql("SELECT casesync.subscribe_to('other.example.org', 'enrolment_status_change', 'Member')");
ok($other->wait_received(1), 'another partner is asked, too');
unlike(($other->received)[0]{message}{header}{sender_uri}, qr{/from/}, 'to answer at the usual address');

# --- what comes there ---
my $path = $callback =~ s{^\Q@{[ $sp->base_url ]}\E}{}r;

sub hand_in
{
	my ($path, $action, $message, %options) = @_;
	my $order = { escaped => \1, kid => $kid, header => $sp->header($action, sender_id => 'registry.example.org', %{ $options{header} // {} }), message => $message };
	my $body = BridgeTest::python('sign_message', JSON::PP->new->utf8->encode($order), $options{key} // $key);
	return $sp->post($path, $body, Authorization => $options{token})->{short};
}
my $answered = { transaction_id => $sent->{message}{transaction_id}, correlation_id => 'c', subscribe_response => [
	{ reference_id => 'ref-SUB-1', timestamp => '2026-11-22T10:00:00+00:00', status => 'succ', subscription_code => 'SUB-1' } ] };
my @answer = ('on-subscribe', $answered, header => { status => 'succ' });

my $unknown = $sp->sql('SELECT gen_random_uuid()');
for my $wrong (
	[ 'without the address', $path =~ s{/from/[^/]+}{}r ],
	[ 'with another MAC', $path =~ s{\.(.)}{'.' . ($1 eq 'A' ? 'B' : 'A')}er ],
	[ 'with half a MAC', $path =~ s{\.(.{20})[^/]*}{.$1}r ],
	[ 'with no MAC', $path =~ s{\.[^/]*}{}r ],
	[ 'with the name of another client', $path =~ s{/from/[^.]+}{/from/$unknown}r ])
{
	is(hand_in($wrong->[1], @answer), '401 ERR err.request.unauthorized', "its answer is refused $wrong->[0]");
}
my $good = $sp->token('registry.example.org');
is(hand_in($path =~ s{\.(.)}{'.' . ($1 eq 'A' ? 'B' : 'A')}er, @answer, token => "Bearer $good"), '401 ERR err.request.unauthorized',
	'nor does a good token help at a wrong address');
is(hand_in($path, @answer), '200 ACK', 'at its address its answer is taken, without a token');
is($sp->sql("SELECT state FROM casesync.my_subscriptions WHERE code = 'SUB-1'"), 'active', 'and counts');

sub notification
{
	my ($number) = @_;
	return { notification_id => "N-$number", subscription_code => 'SUB-1', notify_event => [ { event_id => "E-$number", event_ts => '2026-11-22T10:00:00+00:00',
		event_type => 'enrolment_status_change', reg_type => 'ESS', event_data => [ { '@type' => 'Person',
			member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => "ID-$number" } ] } ] } ] };
}
is(hand_in($path, 'notify', notification(1)), '200 ACK', 'so is a notification');
is(hand_in($path =~ s{on-subscribe}{notify}r, 'notify', notification(2)), '200 ACK', 'at the path of notifications, too');
is($sp->sql("SELECT count(*) FROM casesync_internal.inbox_item WHERE partner = 'registry.example.org' AND reference_id ~ '^E'"), 2, 'and both are there');
my ($stranger) = $sp->make_key('stranger');
is(hand_in($path, 'notify', notification(3), key => $stranger), '401 ERR err.signature.invalid', 'its signature is looked at all the same');
my $as_other = JSON::PP->new->utf8->encode({ kid => $kid, header => $sp->header('notify', sender_id => 'other.example.org'), message => notification(4) });
is($sp->post($path, BridgeTest::python('sign_message', $as_other, $key), Authorization => undef)->{short}, '401 ERR err.sender_id.invalid',
	'nobody else can use it');

# --- it asks nothing there ---
my $question = { transaction_id => 't', search_request => [ { reference_id => 'r', timestamp => '2026-11-22T10:00:00Z', search_criteria => {
	reg_type => 'ESS', reg_record_type => 'Beneficiary', query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => 'ID-1' } } } ] };
my ($from) = $path =~ m{^(/from/[^/]+)};
is(hand_in("$from$_", 'search', $question), '404 ERR err.request.not_found', "$_ is not below it")
  for qw(/registry/search /registry/sync/search /registry/subscribe /oauth2/client/token);
is(hand_in("$from/registry/on-search", 'search', $question), '200 ERR err.request.bad', 'nor is a question taken at a path of answers');
my $about = { transaction_id => 't', txnstatus_request => { reference_id => 'r', txn_type => 'search', attribute_type => 'transaction_id', attribute_value => 'x' } };
is(hand_in("$from/registry/txn/on-status", 'txn-status', $about), '200 ERR err.request.bad', 'nor one about a transaction');

# --- its end ---
like($sp->sql("SELECT casesync.retire_client('$client', 'callback-address')"), qr/counts no longer/, 'the address is taken back');
is(hand_in($path, 'notify', notification(5)), '401 ERR err.request.unauthorized', 'and nothing is taken there any more');
my $next = $sp->sql("SELECT casesync.issue_callback('registry.example.org')");
my $before = () = $peer->received;
$sp->sql("SELECT casesync.subscribe_to('registry.example.org', 'enrolment_status_change', 'Member')");
ok($peer->wait_received($before + 1), 'another one');
my ($newer) = $next =~ m{/from/([\w-]+)/};
like(($peer->received)[-1]{message}{header}{sender_uri}, qr{/from/$newer\.}, 'is said from the next request on');
unlike($sp->log_text, qr/\Q$newer.\E|\Q$client.\E|0123456789abcdef/, 'neither address nor secret is in the log');
$sp->stop_ok;

done_testing();
