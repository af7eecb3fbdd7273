# Encryption between a node and a partner that uses another program for it: what is sent, what is
# taken, what is refused with which answer, and that nothing leaves plain that must not.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP ();
use Test::More;

my $json = JSON::PP->new->utf8->canonical;
my $sp = BridgeTest->new;
my $ess = $sp->start_partner(name => 'ess');
my $far = $sp->start_partner(name => 'far');

sub key_file { return BridgeTest::generate_key("$sp->{folder}/" . shift() . '.key', @_); }

my @curve = ('EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
my $our_ec = key_file('our_ec', @curve);
my $our_rsa = key_file('our_rsa', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
my $ess_ec = key_file('ess_ec', @curve);
my $ess_rsa = key_file('ess_rsa', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
my ($signing, $signing_jwk) = $sp->make_key('ess_signing');

$sp->create_application;
$sp->add_partner('far.example.org', $far->{port});
$sp->add_partner('ess.example.org', $ess->{port});
$sp->sql("SELECT casesync.add_key('ess.example.org', '$signing_jwk')");
$sp->sql("SELECT casesync.set_agreement('ess-example-org', 'ess.example.org', must_encrypt => true);
	SELECT casesync.activate('ess-example-org')");
$sp->agree_in('in', 'ess.example.org');
$sp->start_bridge(encryption_key_files => "$our_ec, $our_rsa");
$sp->wait_ready;

# --- what we publish ---
my $published = HTTP::Tiny->new->get($sp->base_url . '/.well-known/jwks.json');
is($published->{status}, 200, 'our keys can be had');
my %ours = map { $_->{kty} => $_ } @{ $json->decode($published->{content})->{keys} };
is(join(' ', map { "$_ $ours{$_}{use} $ours{$_}{alg}" } sort keys %ours),
	'EC enc ECDH-ES OKP sig EdDSA RSA enc RSA-OAEP-256', 'one to verify with, two to encrypt with');
unlike($published->{content}, qr/"(d|p|q)":/, 'and nothing private');

# --- sending: not without a key, then encrypted ---
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
ok($far->wait_received(1), 'a partner without encryption gets a notification');
is(scalar $far->received, 1, 'one');
unlike(($far->received)[0]{body}, qr/ciphertext/, 'as it is');
is($sp->sql("SELECT sum(due) FROM casesync.queue WHERE partner = 'ess.example.org'"), 1, 'that of the other waits');
is(scalar $ess->received, 0, 'and nothing was sent to it');
like($sp->sql('SELECT problem, mend FROM casesync.health'),
	qr/nothing is sent to ess\.example\.org: it must be encrypted.*casesync\.add_key\('ess\.example\.org'/,
	'health says what to do');
my $ess_jwk = BridgeTest::python('encrypt_message', '', 'jwk', $ess_ec);
$sp->sql("SELECT casesync.add_key('ess.example.org', '$ess_jwk')");
ok($ess->wait_received(1), 'with a key it is sent by itself');
my ($record) = $ess->received;
my $envelope = $record->{message};
is(join(' ', sort keys %{ $envelope->{message} }), 'ciphertext encrypted_key header iv tag', 'the message is encrypted');
ok($envelope->{header}{is_msg_encrypted} && !exists $envelope->{header}{meta}, 'header says so, and has no meta');
unlike($record->{body}, qr/ID-1|enrolment_status_change|notify_event/, 'nothing of the content can be read');
my $plain = $json->decode(BridgeTest::python('encrypt_message', $json->encode($envelope->{message}), 'decrypt', $ess_ec));
like($json->encode($plain), qr/"identifier_value":"ID-1"/, 'the partner can read it');
is($plain->{meta}{items}[0]{seq}, 1, 'with meta inside');
my $our_jwk = $json->encode($ours{OKP});
is(BridgeTest::python('verify_signature', $record->{body}, $our_jwk, time), "good\n",
	'and the signature is over what was sent');

# --- receiving ---
my $serial = 0;

sub header
{
	my (%more) = @_;
	return { version => '1.0.0', message_id => 'message-' . ++$serial, message_ts => '2026-11-22T10:00:00.000Z',
		action => 'notify', sender_id => 'ess.example.org', receiver_id => 'sp.example.org', total_count => 1,
		is_msg_encrypted => JSON::PP::true, %more };
}

sub event
{
	my ($name) = @_;
	return { transaction_id => 'txn-n', notify_event => [ { reference_id => 'event-' . ++$serial,
		timestamp => '2026-11-22T10:00:00.000Z', data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS',
			reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => { member_identifier =>
				[ { identifier_type => 'NATIONAL_ID', identifier_value => $name // 'ID-2' } ], employment_status => '1' } } } ] };
}

sub hidden
{
	my ($message, $kty, %more) = @_;
	return $json->decode(BridgeTest::python('encrypt_message',
		$json->encode({ message => $message, jwk => $ours{$kty}, %more }), 'encrypt'));
}

sub signed
{
	my ($header, $message, %more) = @_;
	my $order = $json->encode({ header => $header, message => $message });
	$order =~ s/"total_count":"1"/"total_count":1/;
	return BridgeTest::python('sign_message', $order, $signing);
}

sub notify { return $sp->post('/registry/notify', signed(@_)); }

my $items = "SELECT count(*) FROM casesync.inbox WHERE partner = 'ess.example.org'";
is(notify(header(), hidden(event(), 'EC'))->{short}, '200 ACK', 'a notify by ECDH-ES is taken');
is(notify(header(), hidden(event(), 'EC', alg => 'ECDH-ES+A256KW'))->{short}, '200 ACK', 'one by ECDH-ES+A256KW');
is(notify(header(), hidden(event(), 'RSA'))->{short}, '200 ACK', 'one by RSA-OAEP-256');
is($sp->sql($items), 3, 'all three are in the inbox');
is(notify(header(), hidden(event('x' x 60_000), 'EC'))->{short}, '200 ACK', 'one whose ciphertext is long');

# --- a repetition has no second effect, however it is encrypted or written ---
my $event = event();
my $header = header();
my $body = signed($header, hidden($event, 'EC'));
my $first = $sp->post('/registry/notify', $body);
is($first->{short}, '200 ACK', 'a message');
is($sp->post('/registry/notify', $body)->{content}, $first->{content}, 'again: the same answer');
is($sp->post('/registry/notify', signed($header, hidden($event, 'RSA')))->{content}, $first->{content},
	'encrypted anew with another key: the same answer');
my $other_frame = JSON::PP->new->utf8->canonical->indent->encode($json->decode($body));
isnt($other_frame, $body, 'captured and written with other blanks and another order of members');
is($sp->post('/registry/notify', $other_frame)->{content}, $first->{content}, 'the same answer');
is($sp->sql($items), 5, 'and one item of it in the inbox');

# --- refused ---
my $wrong = 'err.encryption.invalid';
my %refused = (
	'a plain message' => [ header(is_msg_encrypted => JSON::PP::false), event() ],
	'a flag without the shape' => [ header(), event() ],
	'the shape without the flag' => [ header(is_msg_encrypted => JSON::PP::false), hidden(event(), 'EC') ],
	'a kid that is not ours' => [ header(), hidden(event(), 'EC', kid => 'other') ],
	'the kid of our signing key' => [ header(), hidden(event(), 'EC', kid => $ours{OKP}{kid}) ],
	'the kid of our other key' => [ header(), hidden(event(), 'EC', kid => $ours{RSA}{kid}) ],
);
for my $case (sort keys %refused)
{
	is(notify(@{ $refused{$case} })->{short}, "200 ERR $wrong", "$case is refused");
}
my %texts;
for my $part (qw(tag iv ciphertext))
{
	my $message = hidden(event(), 'EC');
	$message->{$part} =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/e;
	my $answer = notify(header(), $message);
	is($answer->{short}, "200 ERR $wrong", "a changed $part, signed, is refused");
	$texts{ $answer->{json}{message}{error}{message} } = 1;
}
my $message = hidden(event(), 'RSA');
$message->{encrypted_key} =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/e;
my $answer = notify(header(), $message);
is($answer->{short}, "200 ERR $wrong", 'a changed encrypted_key is refused');
$texts{ $answer->{json}{message}{error}{message} } = 1;
is(scalar keys %texts, 1, 'all with one and the same text');
for my $alg (qw(RSA1_5 dir none PBES2-HS256+A128KW RSA-OAEP))
{
	$message = hidden(event(), 'EC');
	$message->{header}{alg} = $alg;
	is(notify(header(), $message)->{short}, "200 ERR $wrong", "alg $alg is refused");
}
$message = hidden(event(), 'EC');
$message->{header}{zip} = 'DEF';
is(notify(header(), $message)->{short}, "200 ERR $wrong", 'so is zip');
($body = signed(header(), hidden(event(), 'EC'))) =~ s/"tag": "(.)/'"tag": "' . ($1 eq 'A' ? 'B' : 'A')/e;
is($sp->post('/registry/notify', $body)->{short}, '401 ERR err.signature.invalid',
	'what was changed after signing fails at the signature, before any key is used');
is(notify(header(), hidden('no object', 'EC'))->{short}, '200 ERR err.request.bad', 'what is hidden must be a message');
is(notify(header(), hidden({ transaction_id => 't' }, 'EC'))->{short} =~ s/ err\..*//r, '200 ERR',
	'and keep the rules of one');
is($sp->sql($items), 5, 'nothing of all this was stored');

# --- questions and answers, at once and later ---
$sp->sql("SELECT casesync.set_agreement('ess-example-org', 'ess.example.org', services => '{notify,search}');
	SELECT casesync.activate('ess-example-org')");
my $question = { transaction_id => 'txn-q', search_request => [ { reference_id => 'q', timestamp => '2026-11-22T10:00:00.000Z',
	search_criteria => { reg_record_type => 'Beneficiary', query_type => 'idtype-value',
		query => { type => 'NATIONAL_ID', value => 'ID-1' }, pagination => { page_size => 10, page_number => 1 } } } ] };
my %search = (action => 'search', sender_uri => "http://127.0.0.1:$ess->{port}/registry/on-search");
my $said = $sp->post('/registry/sync/search', signed(header(%search), hidden($question, 'EC')));
is($said->{status}, 200, 'an encrypted search is answered');
ok($said->{json}{header}{is_msg_encrypted}, 'the answer says that it is encrypted');
unlike($said->{content}, qr/ID-1|search_response/, 'and is');
like(BridgeTest::python('encrypt_message', $json->encode($said->{json}{message}), 'decrypt', $ess_ec),
	qr/"search_response".*"identifier_value": "ID-1"/, 'the partner can read it');
is(BridgeTest::python('verify_signature', $said->{content}, $our_jwk, time), "good\n", 'and verify it');
$said = $sp->post('/registry/sync/search', signed(header(%search, is_msg_encrypted => JSON::PP::false), $question));
is(join(' ', $said->{status}, $said->{json}{errors}[0]{code}), "400 $wrong", 'a plain search is refused');
my $told = () = $ess->received;
is($sp->post('/registry/search', signed(header(%search), hidden($question, 'RSA')))->{short}, '200 ACK',
	'a search that is answered later is acknowledged');
ok($ess->wait_received($told + 1), 'its answer comes');
my ($later) = grep { $_->{path} eq '/registry/on-search' } $ess->received;
unlike($later->{body}, qr/ID-1|search_response/, 'encrypted');
like(BridgeTest::python('encrypt_message', $json->encode($later->{message}{message}), 'decrypt', $ess_ec),
	qr/"identifier_value": "ID-1"/, 'and can be read');

# --- accepted, and off ---
$sp->sql("SELECT casesync.end_agreement('ess-example-org', 'over'); SELECT casesync.set_partner('ess.example.org', encryption => 'accepted')");
is(notify(header(), hidden(event(), 'EC'))->{short}, '200 ACK', 'accepted: an encrypted message is taken');
is(notify(header(is_msg_encrypted => JSON::PP::false), event())->{short}, '200 ACK', 'and a plain one');
$sp->sql("SELECT casesync.set_partner('ess.example.org', encryption => 'off')");
is(notify(header(), hidden(event(), 'EC'))->{short}, "200 ERR $wrong", 'off: an encrypted message is refused');

# --- RSA, required by the partner's row alone ---
my $rsa_jwk = BridgeTest::python('encrypt_message', '', 'jwk', $ess_rsa);
$sp->sql("SELECT casesync.retire_key('far.example.org', kid) FROM casesync.partner_keys WHERE partner = 'far.example.org';
	SELECT casesync.add_key('far.example.org', '$rsa_jwk'); SELECT casesync.set_partner('far.example.org', encryption => 'required')");
my $before = () = $far->received;
$sp->sql("UPDATE person SET status = 'S'");
ok($far->wait_received($before + 1), 'a partner with an RSA key gets its notification');
$envelope = ($far->received)[-1]{message};
is($envelope->{message}{header}{alg}, 'RSA-OAEP-256', 'by RSA-OAEP-256');
$plain = BridgeTest::python('encrypt_message', $json->encode($envelope->{message}), 'decrypt', $ess_rsa);
like($plain, qr/"identifier_value": "ID-1"/, 'and can read it');

$sp->stop_ok;
unlike($sp->log_text, qr/ID-[12]|PRIVATE/, 'no personal data and no key in the log');
done_testing();
