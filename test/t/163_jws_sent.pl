# Partners to whom messages go with a JSON Web Signature, as their profile says: whatever is sent, and never in another form.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP;
use Test::More;

my $sp = BridgeTest->new;
my $json = JSON::PP->new->utf8;
my %kind = ('g2p.example.org' => 'openg2p', 'rsa.example.org' => 'openg2p-rs256', 'crvs.example.org' => 'opencrvs',
	'plain.example.org' => 'spdci-1.0');
my (%peer, %key);
$sp->create_application;
for my $partner (sort keys %kind)
{
	my ($name) = split /\./, $partner;
	$peer{$partner} = $sp->start_partner(name => $name);
	$sp->add_partner($partner, $peer{$partner}{port});
	$sp->agree_out($partner =~ s/\W/-/gr, $partner, services => '{notify,search}');
	my $in = 'in-' . $partner =~ s/\W/-/gr;
	$sp->agree_in($in, $partner);
	$sp->sql("SELECT casesync.set_agreement('$in', '$partner', direction => 'in', event_types => '{search,enrolment_status_change}'); SELECT casesync.activate('$in')");
	($key{$partner}, my $jwk) = $sp->make_key($name);
	$sp->sql("SELECT casesync.add_key('$partner', '$jwk'), casesync.set_partner('$partner', profile => '$kind{$partner}')");
}
$sp->start_bridge;
$sp->wait_ready;
my $jwks = HTTP::Tiny->new->get($sp->base_url . '/.well-known/jwks.json')->{content};

sub signed { return BridgeTest::python('verify_jws', $_[0], $jwks); }

# The next that a partner gets after something was done.
sub next_of
{
	my ($partner, $doing) = @_;
	my $before = () = $peer{$partner}->received;
	$doing->() if $doing;
	die "$partner got nothing" unless $peer{$partner}->wait_received($before + 1);
	return ($peer{$partner}->received)[$before];
}

# --- notifications ---
$sp->sql("INSERT INTO person VALUES (1, 'ID-\x{e9}\x{1f600}', 'A')");
my @able = grep { $kind{$_} !~ /rs256/ } keys %kind;
$peer{$_}->wait_received(1) or die 'nothing came' for @able;
my %first = map { $_ => ($peer{$_}->received)[0] } @able;
is(signed($first{'g2p.example.org'}{body}), 'detached EdDSA', 'a notification to OpenG2P has a detached one, beyond ASCII too');
is(signed($first{'crvs.example.org'}{body}), 'compact EdDSA kid', 'one to OpenCRVS a compact one, whose kid is in our key set');
is(signed($first{'plain.example.org'}{body}), 'no JWS', 'others have the text of the standard');
is(BridgeTest::python('verify_signature', $first{'plain.example.org'}{body}, $sp->public_key, $first{'plain.example.org'}{at}), "good\n", 'which holds');
is($first{'g2p.example.org'}{message}{header}{receiver_id}, 'g2p.example.org', 'and all is said that was said before');
isnt(signed($first{'g2p.example.org'}{body} =~ s/"g2p\.example\.org"/"x.example.org"/r), 'detached EdDSA', 'nothing else would hold');

# --- what we ask ---
is(signed(next_of('g2p.example.org', sub {
	$sp->sql(q{SELECT casesync.search_at('g2p.example.org', 'Member', '{"type": "NATIONAL_ID", "value": "ID-1"}')}) })->{body}),
	'detached EdDSA', 'a search is signed so');
my $asked = next_of('crvs.example.org', sub {
	$sp->sql(q{SELECT casesync.search_at('crvs.example.org', 'Member', '{"type": "NATIONAL_ID", "value": "ID-1"}')}) });
is(signed($asked->{body}), 'compact EdDSA kid', 'in the form of each');
my $criteria = $asked->{message}{message}{search_request}[0]{search_criteria};
is(join(' ', $criteria->{query}{identifier_type}{value}, $criteria->{query}{identifier_value}, $criteria->{reg_event_type}{value},
	$criteria->{result_record_type}{value}), 'NATIONAL_ID ID-1 1 Member', 'and in the shape that OpenCRVS reads');
is(signed(next_of('g2p.example.org', sub {
	$sp->sql(q{SELECT casesync.subscribe_to('g2p.example.org', 'enrolment_status_change', 'Member')}) })->{body}),
	'detached EdDSA', 'and a subscribe');

# --- what we answer ---
sub question
{
	my ($partner) = @_;
	my $order = { header => $sp->header('search', sender_id => $partner, sender_uri => "http://127.0.0.1:$peer{$partner}{port}/"), message => { transaction_id => 't-1',
		search_request => [ { reference_id => 'r', timestamp => '2026-11-22T10:00:00Z', search_criteria => { reg_type => 'ESS',
			reg_record_type => 'Beneficiary', query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => "ID-\x{e9}\x{1f600}" } } } ] } };
	return BridgeTest::python('sign_message', $json->encode($order), $key{$partner});
}
for my $partner ('g2p.example.org', 'crvs.example.org')
{
	my $form = $kind{$partner} eq 'openg2p' ? 'detached EdDSA' : 'compact EdDSA kid';
	my $said = $sp->post('/registry/sync/search', question($partner));
	is(scalar @{ $said->{json}{message}{search_response}[0]{data}{reg_records} // [] }, 1, "$partner finds somebody") or diag $said->{content};
	is(signed($said->{content}), $form, 'the answer at once is signed in its form');
	my $later = next_of($partner, sub { is($sp->post('/registry/search', question($partner))->{short}, '200 ACK', 'it asks for an answer later') });
	is($later->{message}{header}{action} . ' ' . signed($later->{body}), "on-search $form", 'which is signed so, too');
}

# --- without an RSA key nothing goes to whoever asks for RS256 ---
my $why = qr/the bridge has no rsa_key_file, and the partner's profile asks for RS256/;
ok($sp->wait_log(qr/partner=rsa\.example\.org .*verdict=retry .*reason=.*$why/), 'a message that cannot be signed as agreed is kept');
is(scalar(() = $peer{'rsa.example.org'}->received), 0, 'and is sent in no other form');
like($sp->sql("SELECT string_agg(detail, ' ') FROM casesync.attempts WHERE partner = 'rsa.example.org'"), $why, 'the attempt says why');
ok($sp->{server}->poll_query_until('app', "SELECT count(*) = 1 FROM casesync.health WHERE problem ~ '^the bridge has no rsa_key_file.*RS256.*rsa.example'"), 'and health does');
is($sp->post('/registry/sync/search', question('rsa.example.org'))->{short}, '503 ERR err.service.unavailable', 'nor is anything answered at once');

# --- with one it is sent ---
my $rsa_file = BridgeTest::generate_key("$sp->{folder}/own_rsa.key", 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
$sp->write_settings(rsa_key_file => $rsa_file);
kill 'HUP', $sp->{bridge};
ok($sp->wait_log(qr/event=reloaded/), 'the bridge reads an RSA key');
$sp->sql("SELECT casesync.wake('rsa.example.org')");
ok($peer{'rsa.example.org'}->wait_received(1), 'what waited is sent');
$jwks = HTTP::Tiny->new->get($sp->base_url . '/.well-known/jwks.json')->{content};
is(join(' ', map { "$_->{kty} $_->{alg} $_->{use}" } @{ $json->decode($jwks)->{keys} }), 'OKP EdDSA sig RSA RS256 sig', 'the key is published');
unlike($jwks, qr/"(?:d|p|q|dp|dq|qi)":/, 'nothing private with it');
is(signed(($peer{'rsa.example.org'}->received)[0]{body}), 'detached RS256', 'and signs what goes there');
my $answer = $sp->post('/registry/sync/search', question('rsa.example.org'));
is(signed($answer->{content}), 'detached RS256', 'and what is answered at once');
is(signed(next_of('g2p.example.org', sub { $sp->sql("INSERT INTO person VALUES (9, 'ID-9', 'A')") })->{body}), 'detached EdDSA', 'but nothing else');

# --- another profile counts from the next message on ---
is(signed(next_of('g2p.example.org', sub {
	$sp->sql(q{SELECT casesync.set_partner('g2p.example.org', profile => 'spdci-1.0'); INSERT INTO person VALUES (2, 'ID-2', 'A')}) })->{body}),
	'no JWS', 'a partner of no profile has the text of the standard again');
$sp->stop_ok;

done_testing;
