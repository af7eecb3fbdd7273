# A partner of the profile openspp2: it reads headers into a structure, signs and verifies what Python's json writes, names its keys by
# the whole of what stands in a signature, and gave us a token for good.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP;
use Test::More;

my $sp = BridgeTest->new;
my $peer = $sp->start_partner;
my $plain = $sp->start_partner(name => 'plain');
my $secrets = "$sp->{folder}/secrets";
mkdir $secrets, 0700 or die $!;

sub write_token
{
	my ($text, $mode) = @_;
	open my $file, '>', "$secrets/peer.new" or die $!;
	print $file $text;
	close $file or die $!;
	chmod $mode // 0600, "$secrets/peer.new" or die $!;
	rename "$secrets/peer.new", "$secrets/peer" or die $!;
	return;
}

write_token("given-for-good_1.~+/=\n");
$sp->create_application;
$sp->add_partner('registry.example.org', $peer->{port});
$sp->add_partner('plain.example.org', $plain->{port});
$sp->agree_in('in-registry', 'registry.example.org');
$sp->sql("SELECT casesync.set_partner('registry.example.org', profile => 'openspp2', secret_name => 'peer')");
my ($key, $jwk) = $sp->make_key('registry');
my $whole = JSON::PP->new->decode($jwk);
$whole->{kid} = 'registry.example.org|key1|ed25519';
is($sp->sql("SELECT casesync.add_key('registry.example.org', '" . JSON::PP->new->encode($whole) . "')"), 'key1',
	'a key that is named by sender, kid and algorithm has the kid among them');
$sp->start_bridge(secrets_directory => $secrets);
$sp->wait_ready;

# --- what is sent ---
$sp->sql("INSERT INTO person VALUES (1, 'ID-\x{e9}\x{1f600}', 'A')");
ok($peer->wait_received(1) && $plain->wait_received(1), 'both partners are told');
my ($told) = $peer->received;
my ($usual) = $plain->received;
is(BridgeTest::python('verify_structured', $told->{body}, $sp->public_key, $told->{at}), "good\n",
	'the partner verifies what it has read into its structure, beyond ASCII too');
unlike($told->{body}, qr/[^ -~]/, 'there is nothing but ASCII in it');
ok(exists $told->{message}{header}{sender_uri} && !defined $told->{message}{header}{sender_uri}, 'a member without a value is null');
ok(!exists $told->{message}{header}{status}, 'a notification has no status');
is($told->{authorization}, 'Bearer given-for-good_1.~+/=', 'and comes with the token that was given for good');
is(BridgeTest::python('verify_signature', $usual->{body}, $sp->public_key, $usual->{at}), "good\n",
	'another partner verifies the form of RFC 8785');
ok(exists $usual->{message}{header}{status} && !exists $usual->{message}{header}{sender_uri}, 'with the header of before');
is($usual->{authorization}, undef, 'and no token');

my $named = JSON::PP->new->decode(HTTP::Tiny->new->get($sp->base_url . '/.well-known/named-jwks.json')->{content})->{keys};
my $ours = JSON::PP->new->decode($sp->public_key);
is(join(' ', map { "$_->{kid} $_->{x} $_->{use}" } @$named), "sp.example.org|$ours->{kid}|ed25519 $ours->{x} sig",
	'the key is published under the name that stands in the signature, too');

# --- the token's file ---
for my $spoiled ([ "two words\n", 0600, qr/has blanks/ ], [ "fine\n", 0644, qr/is open to others/ ])
{
	my ($text, $mode, $reason) = @$spoiled;
	my $before = () = $peer->received;
	write_token($text, $mode);
	$sp->sql("INSERT INTO person SELECT max(id) + 1, 'ID-' || max(id) + 1, 'A' FROM person");
	ok($sp->wait_log(qr/partner=registry\S* .*verdict=retry .*reason=.*$reason/), "$reason: is tried again");
	is(scalar(() = $peer->received), $before, 'and nothing leaves without it');
	write_token("another-one\n");
	$sp->sql("SELECT casesync.wake('registry.example.org')");
	ok($peer->wait_received($before + 1), 'and goes on with the token, without a restart');
	is(($peer->received)[-1]{authorization}, 'Bearer another-one', 'that is in the file now');
}
unlike($sp->log_text, qr/given-for-good|another-one|two words/, 'no token is in the log');

# --- what it sends ---
sub notification
{
	my ($name, $sender) = @_;
	my $record = { member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => $name } ], employment_status => '1' };
	return { escaped => \1, kid => 'key1', namespace => 'dci', header => $sp->header('notify', sender_id => 'registry.example.org'),
		message => { transaction_id => "t-$name", notify_event => [ { reference_id => "r-$name", timestamp => '2026-11-22T10:00:00+00:00',
			data => { reg_type => 'ESS', reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => $record } } ] } };
}

sub send_signed
{
	my ($order) = @_;
	return $sp->post('/registry/notify', BridgeTest::python('sign_message', JSON::PP->new->utf8->encode($order), $key))->{short};
}
is(send_signed(notification("ID-\x{e9}\x{1f600}")), '200 ACK', 'a notification that is signed as Python writes it is taken');
is($sp->sql("SELECT code FROM casesync.deviations WHERE partner = 'registry.example.org'"), 'digest_python', 'and counted');
my $other = notification('ID-2');
$other->{message}{notify_event}[0]{data}{reg_records}{employment_status} = "\x{e9}";
my $body = BridgeTest::python('sign_message', JSON::PP->new->utf8->encode($other), $key);
is($sp->post('/registry/notify', $body =~ s/\xc3\xa9/e/r)->{short}, '401 ERR err.signature.invalid', 'but no other text than was signed');
is($sp->sql('SELECT count(*) FROM casesync_internal.inbox_item'), 1, 'and only what was signed is in the inbox');

# --- one address for all that it tells us: its answers have ids of its own, its notifications name the subscription ---
my $told_before = () = $peer->received;
my $mine = $sp->sql("SELECT casesync.subscribe_to('registry.example.org', 'enrolment_status_change', 'Member')");
ok($peer->wait_received($told_before + 1), 'it is asked to tell us');
my $asked = ($peer->received)[-1]{message};
is(join(' ', $asked->{header}{action}, $asked->{header}{meta} // 'null'), 'subscribe null', 'in a request with a full header');
my $callback = $asked->{header}{sender_uri} =~ s{^\Q@{[ $sp->base_url ]}\E}{}r;

sub hand_in
{
	my ($action, $message, %header) = @_;
	my $order = { escaped => \1, kid => 'key1', header => $sp->header($action, sender_id => 'registry.example.org', %header), message => $message };
	return $sp->post($callback, BridgeTest::python('sign_message', JSON::PP->new->utf8->encode($order), $key))->{short};
}
my $answered = { transaction_id => $asked->{message}{transaction_id}, correlation_id => 'c', subscribe_response => [
	{ reference_id => 'ref-SUB-1', timestamp => '2026-11-22T10:00:00+00:00', status => 'pdng', subscription_code => 'SUB-1' } ] };
is(hand_in('on-subscribe', { %$answered, transaction_id => 'another' }, status => 'succ'), '200 ERR err.request.bad', 'an answer to somebody else is none of ours');
is(hand_in('on-subscribe', $answered, status => 'succ'), '200 ACK', 'its answer is known by the transaction');
is($sp->sql("SELECT state, code FROM casesync.my_subscriptions WHERE reference_id = '$mine'"), 'pending|SUB-1', 'and says under which code');

sub notification_of
{
	my ($number) = @_;
	return { notification_id => "N-$number", subscription_code => "SUB-$number", notify_event => [ { event_id => "E-$number",
		event_ts => '2026-11-22T10:00:00+00:00', event_type => 'enrolment_status_change', reg_type => 'ESS', event_data => [ { '@type' => 'Person',
			member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => "ID-$number" } ] } ] } ] };
}
is(hand_in('notify', notification_of($_)), '200 ACK', 'a notification is taken at the same address') for 1, 2;
is($sp->sql("SELECT reference_id FROM casesync_internal.inbox_item WHERE reference_id ~ '^E' AND reason = 'we did not subscribe to this'"), 'E-2',
	'and the one that names our subscription is asked for');
is($sp->sql("SELECT string_agg(code, ' ' ORDER BY code) FROM casesync.deviations WHERE code ~ 'path|subscription'"), 'callback_path subscription_code',
	'both are counted');
my ($id, $secret) = $sp->client('registry.example.org');
my $narrow = $sp->ask_token({ grant_type => 'client_credentials', client_id => $id, client_secret => $secret, scope => 'registry.on-subscribe' })->{json}{access_token};
my $wide = JSON::PP->new->utf8->encode({ %{ notification('ID-8') } });
is($sp->post($callback, BridgeTest::python('sign_message', $wide, $key), Authorization => "Bearer $narrow")->{short}, '403 ERR err.request.forbidden',
	'with a token for answers only it is not');

# --- more than an ordinary body may have, at that address ---
my $many = notification_of(3);
my ($event) = @{ $many->{notify_event} };
$event->{event_data} = [ map { { %{ $event->{event_data}[0] }, padding => 'x' x 20_000 } } 1 .. 60 ];
is(hand_in('notify', $many), '200 ACK', 'a notification of more than 1 MB is taken there, too');

# --- answers at once ---
$sp->agree_out('registry-example-org', 'registry.example.org', services => '{notify,search}');
my $question = { escaped => \1, kid => 'key1', header => $sp->header('search', sender_id => 'registry.example.org'), message => { transaction_id => 't',
	search_request => [ { reference_id => 'r', timestamp => '2026-11-22T10:00:00Z', search_criteria => { reg_type => 'ESS', reg_record_type => 'Beneficiary',
		query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => "ID-\x{e9}\x{1f600}" } } } ] } };
my $said = $sp->post('/registry/sync/search', BridgeTest::python('sign_message', JSON::PP->new->utf8->encode($question), $key));
is(scalar @{ $said->{json}{message}{search_response}[0]{data}{reg_records} // [] }, 1, 'it finds somebody whose identifier is beyond ASCII') or diag $said->{content};
is(BridgeTest::python('verify_structured', $said->{content}, $sp->public_key, time), "good\n", 'and verifies the answer as it reads it');

# --- words ---
my ($out, $err) = ('', '');
$sp->{server}->psql('app', "SELECT casesync.set_partner('registry.example.org', profile => 'openspp3')", stderr => \$err);
like($err, qr/profile "openspp3" is not known\nHINT:  Profiles: extended, opencrvs, openg2p, openg2p-rs256, openimis, openspp2, spdci-1.0; see casesync.profiles/,
	'a profile that is not known is refused with those that are');
$sp->sql("SELECT casesync.set_partner('registry.example.org', profile => 'spdci-1.0', secret_name => '')");
my $before = () = $peer->received;
$sp->sql("INSERT INTO person SELECT max(id) + 1, 'ID-' || max(id) + 1, 'A' FROM person");
ok($peer->wait_received($before + 1), 'another profile counts from the next message on');
is(($peer->received)[-1]{authorization}, undef, 'and a secret that was taken away is not sent');
is(BridgeTest::python('verify_signature', ($peer->received)[-1]{body}, $sp->public_key, time), "good\n", 'in the form of RFC 8785');
$sp->stop_ok;

done_testing();
