# Who gets in: our own token endpoint, tokens that are forged, old, for others or somebody else's,
# outside issuers of every kind of key, and how guessing is slowed.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
$sp->create_application;
$sp->add_partner($_, 9, signature => 'unsigned_accepted') for 'ess.example.org', 'far.example.org';
$sp->start_bridge(base_path => '/dci', token_lifetime => '10min', retry_base => '1h', retry_cap => '1h');
$sp->wait_ready;
my ($id, $secret) = $sp->client('ess.example.org');
my $jwk = JSON::PP::decode_json((split /jwk: /,
	qx('@{[ BridgeTest::tree() ]}/bridge/casesync-bridge' --key-file='@{[ $sp->key_file ]}' --print-key))[1]);

sub number { return 0 + $_[0]; }

# --- the token endpoint ---
my %good = (grant_type => 'client_credentials', client_id => $id, client_secret => $secret);
my $answer = $sp->ask_token(\%good);
is($answer->{status}, 200, 'a client gets a token');
is(join(' ', map { $_ // '-' } @{ $answer->{headers} }{qw(content-type cache-control pragma)}), 'application/json no-store no-cache',
	'that nobody on the way may keep');
is($answer->{json}{token_type}, 'Bearer', 'token_type');
like($answer->{content}, qr/"expires_in":\s*600\b/, 'expires_in is a number: the setting token_lifetime');
ok(!exists $answer->{json}{refresh_token} && !exists $answer->{json}{scope}, 'nothing more');
my $token = $answer->{json}{access_token};
my $read = JSON::PP::decode_json(BridgeTest::python('make_token', $sp->encode({ token => $token, jwk => $jwk }), 'verify'));
is_deeply([ @{ $read->{header} }{qw(alg typ kid)} ], [ 'EdDSA', 'at+jwt', $jwk->{kid} ], 'another implementation finds it signed with our key');
my %claims = %{ $read->{claims} };
is_deeply([ @claims{qw(iss aud sub client_id)}, $claims{exp} - $claims{iat} ], [ ('sp.example.org') x 2, $id, $id, 600 ], 'its claims');
isnt($claims{jti}, JSON::PP::decode_json(BridgeTest::python('make_token',
	$sp->encode({ token => $sp->ask_token(\%good)->{json}{access_token}, jwk => $jwk }), 'verify'))->{claims}{jti}, 'each is another one');
my $basic = 'Basic ' . encode_base64("$id:$secret", '');
is($sp->ask_token({ grant_type => 'client_credentials' }, Authorization => $basic)->{status}, 200, 'the client may name itself by HTTP Basic');
is($sp->ask_token(\%good, timestamp => 'Sun, 22 Nov 2026 10:00:00 GMT', 'accept-language' => 'en', message_id => '1')->{status}, 200,
	'the headers of the standard are fine');
is($sp->ask_token({ %good, scope => 'registry/search openid registry.notify' })->{json}{scope}, 'registry.search registry.notify',
	'scopes in both spellings; those of others are left out');

my @refused = (
	[ 'a wrong secret', 401, 'invalid_client', { %good, client_secret => $secret ^ ("\1" . "\0" x 42) } ],
	[ 'the secret cut', 401, 'invalid_client', { %good, client_secret => substr $secret, 0, 42 } ],
	[ 'another one\'s secret', 401, 'invalid_client', { %good, client_secret => ($sp->client('far.example.org'))[1] } ],
	[ 'a client that does not exist', 401, 'invalid_client', { %good, client_id => 'nobody' } ],
	[ 'no secret', 401, 'invalid_client', { %good, client_secret => '' } ],
	[ 'no client', 401, 'invalid_client', { grant_type => 'client_credentials' } ],
	[ 'SQL for a client', 401, 'invalid_client', { %good, client_id => "' OR true --" } ],
	[ 'no grant_type', 400, 'invalid_request', { client_id => $id, client_secret => $secret } ],
	[ 'another grant', 400, 'unsupported_grant_type', { %good, grant_type => 'password' } ],
	[ 'no scope of ours', 400, 'invalid_scope', { %good, scope => 'openid profile' } ],
	[ 'a client twice', 400, 'invalid_request', "grant_type=client_credentials&client_id=$id&client_id=$id&client_secret=$secret" ],
	[ 'a line feed', 400, 'invalid_request', "grant_type=client_credentials&client_id=$id%0a&client_secret=$secret" ],
	[ 'a client that is no UTF-8', 400, 'invalid_request', "grant_type=client_credentials&client_id=%ff%fe&client_secret=$secret" ],
	[ 'a Basic one that is none', 401, 'invalid_client', { grant_type => 'client_credentials' }, Authorization => 'Basic ' . encode_base64("\xff\xfe:x", '') ],
	[ 'secrets in two places', 400, 'invalid_request', \%good, Authorization => $basic ],
	[ 'Basic that is none', 401, 'invalid_client', { grant_type => 'client_credentials' }, Authorization => 'Basic !' ],
	[ 'JSON', 400, 'invalid_request', $sp->encode(\%good), 'Content-Type' => 'application/json' ],
	[ 'nothing', 400, 'invalid_request', '' ],
);
for my $row (@refused)
{
	my ($name, $status, $error, $fields, @headers) = @$row;
	my $refusal = $sp->ask_token($fields, @headers);
	is("$refusal->{status} " . ($refusal->{json}{error} // '-'), "$status $error", "$name: $status $error");
	is($refusal->{headers}{'www-authenticate'}, $status == 401 ? 'Basic realm="casesync"' : undef, 'WWW-Authenticate only where it belongs');
	ok($refusal->{json}{errors}[0]{code} && $refusal->{json}{message}{ack_status} eq 'ERR', 'and in both shapes of the standard');
	$sp->sql('DELETE FROM casesync_internal.client_failure');
}
is($sp->ask_token({ %good, client_id => 'nobody' })->{json}{error_description}, $sp->ask_token({ %good, client_secret => 'x' })->{json}{error_description},
	'a client that does not exist and a wrong secret are one answer');
$sp->sql('DELETE FROM casesync_internal.client_failure');
is($sp->post('/dci/oauth2/client/token', '{}')->{status}, 400, 'a token is not needed to get one');

# --- every path wants one ---
my $probe = sub {
	my ($path, $authorization, $body) = @_;
	my $got = $sp->post("/dci$path", $body // '{}', Authorization => $authorization);
	return join ' ', $got->{short}, $got->{headers}{'www-authenticate'} // ();
};
my @paths = map { "/registry/$_" } qw(subscribe unsubscribe search txn/status notify on-subscribe on-unsubscribe on-search txn/on-status
  sync/search sync/txn/status sync/check-enrollment);
my $no = '401 ERR err.request.unauthorized Bearer error="invalid_token"';
is($probe->($_, undef), $no, "$_: no token") for @paths;
is($probe->($_, "Bearer $token"), '200 ACK', "$_: a probe with a token") for @paths;
is($probe->('/registry/notify', "Bearer $token", ''), '200 ACK', 'an empty body too');

# --- tokens that are not good ---
my ($forger) = $sp->make_key('forger');
sub forge
{
	my ($key, $header, $claims, %more) = @_;
	my $order = $sp->encode({ header => { %{ $read->{header} }, %$header }, claims => { %claims, %$claims }, %more });
	$order =~ s/"(exp|iat|nbf)":"(\d+)"/"$1":$2/g;
	chomp(my $made = BridgeTest::python('make_token', $order, 'sign', $key));
	return "Bearer $made";
}
my $own = $sp->key_file;
my $public = $sp->encode($jwk);
my $now = int time;
is($probe->('/registry/notify', forge($own, {}, {})), '200 ACK', 'the forge makes good tokens when it has our key');
my %bad = (
	'signed by somebody else' => forge($forger, {}, {}),
	'expired' => forge($own, {}, { exp => $now - 61, iat => $now - 600 }),
	'without end' => forge($own, {}, { exp => undef }),
	'not valid yet' => forge($own, {}, { nbf => $now + 120 }),
	'from the future' => forge($own, {}, { iat => $now + 120 }),
	'for longer than a day' => forge($own, {}, { exp => $now + 90000 }),
	'for another audience' => forge($own, {}, { aud => 'far.example.org' }),
	'of another issuer' => forge($own, {}, { iss => 'far.example.org' }),
	'of no issuer' => forge($own, {}, { iss => '' }),
	'an ID token' => forge($own, { typ => 'JWT' }, {}),
	'with a crit header' => forge($own, { crit => ['exp'] }, {}),
	'with another kid' => forge($own, { kid => 'x' }, {}),
	'alg none' => forge($own, { alg => 'none' }, {}, signature => ''),
	'alg none with a signature' => forge($own, { alg => 'none' }, {}, really => 'EdDSA'),
	'HS256 with our public key' => forge($own, { alg => 'HS256' }, {}, secret => $public),
	'HS256 with our public x' => forge($own, { alg => 'HS256' }, {}, secret => $jwk->{x}),
	'a key of its own inside' => forge($forger, { jwk => $jwk, kid => $jwk->{kid} }, {}),
	'a client that does not exist' => forge($own, {}, { sub => 'nobody', client_id => 'nobody' }),
	'cut' => substr("Bearer $token", 0, -2),
	'nonsense' => 'Bearer nonsense',
	'too long' => 'Bearer ' . 'a' x 9000,
	'Basic' => $basic,
);
is($probe->('/registry/notify', $bad{$_}), $no, "a token: $_") for sort keys %bad;

# --- scopes ---
my $narrow = 'Bearer ' . $sp->ask_token({ %good, scope => 'registry/subscribe' })->{json}{access_token};
is($probe->('/registry/subscribe', $narrow), '200 ACK', 'a scope opens its path');
is($probe->('/registry/unsubscribe', $narrow), '200 ACK', 'whoever may subscribe may unsubscribe');
is($probe->("/registry/$_", $narrow), '403 ERR err.request.forbidden', "not $_") for qw(notify search sync/search);

# --- the token and sender_id must be one partner ---
my $message = sub {
	my ($sender) = @_;
	return $sp->encode({ header => { version => '1.0.0', message_id => "m-$sender-" . rand, message_ts => '2026-11-22T10:00:00Z',
		action => 'unsubscribe', sender_id => $sender, receiver_id => 'sp.example.org', total_count => 1 },
		message => { transaction_id => 't', timestamp => '2026-11-22T10:00:00Z', subscription_codes => ['x'] } }) =~ s/"total_count":"1"/"total_count":1/r;
};
is($probe->('/registry/unsubscribe', "Bearer $token", $message->('ess.example.org')), '200 ACK', 'one\'s own token and sender_id');
is($probe->('/registry/unsubscribe', "Bearer $token", $message->('far.example.org')), '401 ERR err.sender_id.invalid', 'another one\'s sender_id');
is($probe->('/registry/unsubscribe', "Bearer $token", $message->('new.example.org')), '401 ERR err.sender_id.invalid', 'an unknown one\'s');
is($sp->sql("SELECT string_agg(DISTINCT token_client, ',') FROM casesync_internal.message_in"), $id, 'what is stored says with whose token it came');

# --- the order of the checks ---
is($probe->('/registry/notify', $bad{cut}, '{"half'), $no, 'token before JSON');
is($sp->post('/dci/registry/notify', '<x/>', Authorization => $bad{cut}, 'Content-Type' => 'text/xml')->{short}, '401 ERR err.request.unauthorized', 'token before content type');
is($sp->post('/dci/registry/nothing', '{}', Authorization => undef)->{status}, 404, 'the path before the token');

# --- a client that ends ---
my ($short, $short_secret) = split /\|/, $sp->sql("SELECT * FROM casesync.issue_client('ess.example.org', expires => now() + interval '1 hour')");
my $short_token = $sp->ask_token({ %good, client_id => $short, client_secret => $short_secret })->{json}{access_token};
is($probe->('/registry/notify', "Bearer $short_token"), '200 ACK', 'a second client of the same partner');
$sp->sql("SELECT casesync.retire_client('$short')");
is($probe->('/registry/notify', "Bearer $short_token"), $no, 'a retired client\'s token is worth nothing at once');
is($sp->ask_token({ %good, client_id => $short, client_secret => $short_secret })->{status}, 401, 'and it gets no other');
is($probe->('/registry/notify', "Bearer $token"), '200 ACK', 'the first client\'s still is');

# --- guessing ---
$sp->sql('DELETE FROM casesync_internal.client_failure');
my @answers = map { $sp->ask_token({ %good, client_secret => "guess $_" })->{status} } 1 .. 6;
is("@answers", '401 401 401 401 401 401', 'six guesses');
$sp->sql('UPDATE casesync_internal.client_failure SET failures = 12, last_at = clock_timestamp()');
my $slow = $sp->ask_token({ %good, client_secret => 'guess 7' });
is($slow->{status}, 429, 'then guessing is slowed');
is($sp->ask_token({ %good, client_id => 'nobody' })->{status}, 429, 'whatever client it is');
like($slow->{headers}{'retry-after'}, qr/^6[0-4]$/, 'and how long is said');
like($sp->sql('SELECT problem FROM casesync.health'), qr/^(?!.*guesses)/s, 'a few guesses are no alarm');
$sp->sql('UPDATE casesync_internal.client_failure SET failures = 30');
like($sp->sql('SELECT problem FROM casesync.health'), qr/somebody guesses the secret of client \Q$id\E/, 'many are');
is($probe->('/registry/notify', "Bearer $token"), '200 ACK', 'who has a token is not disturbed');
is($sp->ask_token(\%good)->{status}, 200, 'nor who has had one from there and knows the secret');
$sp->sql('DELETE FROM casesync_internal.client_failure');

# --- outside issuers ---
my $login = $sp->start_partner(name => 'login');
my $issuer = 'https://login.example.org/realm';
my %key_of;
for my $alg (qw(RS256 PS256 ES256 EdDSA))
{
	$key_of{$alg} = { file => "$sp->{folder}/$alg.pem", jwk => JSON::PP::decode_json(BridgeTest::python('make_token', '', 'key', $alg, "$sp->{folder}/$alg.pem", "kid-$alg")) };
}
sub publish { $login->order(files => { '/jwks' => $sp->encode({ keys => [ map { $_->{jwk} } @_ ] }) }); return; }
sub outside
{
	my ($alg, %more) = @_;
	my %header = (alg => $alg, typ => 'JWT', kid => "kid-$alg", %{ $more{header} // {} });
	my $order = $sp->encode({ header => \%header, claims => { iss => $issuer, aud => [ 'other', 'sp.example.org' ], azp => 'ess-at-login', sub => 'x',
		exp => $now + 600, iat => $now, %{ $more{claims} // {} } }, map { $_ => $more{$_} } grep { /^(secret|signature|really)$/ } keys %more });
	$order =~ s/"(exp|iat|nbf)":"(\d+)"/"$1":$2/g;
	chomp(my $made = BridgeTest::python('make_token', $order, 'sign', $key_of{ $more{key} // $alg }{file}));
	return "Bearer $made";
}
publish(map { $key_of{$_} } qw(RS256 PS256 ES256));
is($probe->('/registry/notify', outside('RS256')), $no, 'a token of an issuer that nobody trusts');
$sp->sql("SELECT casesync.set_issuer('$issuer', jwks_url => 'http://127.0.0.1:$login->{port}/jwks', algorithms => '{RS256,PS256,ES256}',
	client_claim => 'azp', networks => '{127.0.0.1/32}')");
ok(BridgeTest::wait_for('the keys', sub { $sp->sql('SELECT keys FROM casesync.issuers') eq '3' }), 'its keys are fetched');
ok(BridgeTest::wait_for('the bridge to have them', sub { $probe->('/registry/notify', outside('RS256')) !~ /issuer|503/
	&& $probe->('/registry/notify', outside('RS256')) eq $no }), 'its tokens are read, but nobody is bound to them');
$sp->sql("SELECT casesync.bind_client('ess.example.org', '$issuer', 'ess-at-login')");
is($probe->('/registry/notify', outside($_)), '200 ACK', "its token signed with $_") for qw(RS256 PS256 ES256);
is($probe->('/registry/unsubscribe', outside('ES256'), $message->('ess.example.org')), '200 ACK', 'speaks for the partner it is bound to');
is($probe->('/registry/unsubscribe', outside('ES256'), $message->('far.example.org')), '401 ERR err.sender_id.invalid', 'and for no other');
my %outside_bad = (
	'EdDSA, which is not on its list' => outside('EdDSA'),
	'RS256 claiming PS256' => outside('PS256', really => 'RS256'),
	'another holder' => outside('RS256', claims => { azp => 'somebody' }),
	'no holder' => outside('RS256', claims => { azp => undef }),
	'another audience' => outside('RS256', claims => { aud => 'other' }),
	'expired' => outside('RS256', claims => { exp => $now - 61 }),
	'HS256 with its public key' => outside('RS256', header => { alg => 'HS256' }, secret => $sp->encode($key_of{RS256}{jwk})),
	'HS256 with its modulus' => outside('RS256', header => { alg => 'HS256' }, secret => $key_of{RS256}{jwk}{n}),
	'none' => outside('RS256', header => { alg => 'none' }, signature => ''),
	'another key\'s signature under its kid' => outside('RS256', key => 'PS256'),
	'claims to be ours' => outside('RS256', claims => { iss => 'sp.example.org', client_id => $id, aud => 'sp.example.org' }),
	'our key, its name' => forge($own, {}, { iss => $issuer, azp => 'ess-at-login' }),
	'a logout token' => outside('RS256', header => { typ => 'logout+jwt' }),
);
is($probe->('/registry/notify', $outside_bad{$_}), $no, "a token of the issuer: $_") for sort keys %outside_bad;

# a new key is looked for when a token names it, not more often than once a minute
$sp->sql("SELECT casesync.set_issuer('$issuer', algorithms => '{RS256,EdDSA}')");
publish(map { $key_of{$_} } qw(RS256 EdDSA));
$sp->sql("UPDATE casesync_internal.jwks_source SET tried_at = tried_at - interval '2 minutes'");
ok(BridgeTest::wait_for('the new key', sub { $probe->('/registry/notify', outside('EdDSA')) eq '200 ACK' }), 'a key that the issuer is new to is fetched');
is($probe->('/registry/notify', outside('ES256')), $no, 'a key that it has no more does not count');
my $tried = $sp->sql('SELECT tried_at FROM casesync_internal.jwks_source');
$probe->('/registry/notify', outside('RS256', header => { kid => "invented-$_" })) for 1 .. 5;
ok(BridgeTest::wait_for('another look', sub { $sp->sql("SELECT next_at >= tried_at + interval '59 seconds' FROM casesync_internal.jwks_source") eq 't' }), 'invented keys do not make us ask at once');
is($sp->sql('SELECT tried_at FROM casesync_internal.jwks_source'), $tried, 'nobody was asked');
$login->order(files => { '/jwks' => '<html>' });
$sp->sql('UPDATE casesync_internal.jwks_source SET next_at = now()');
ok(BridgeTest::wait_for('the problem', sub { $sp->sql('SELECT problem FROM casesync.health') =~ /keys of issuer \Q$issuer\E cannot be had since 2.*no key set/ }), 'keys that cannot be had are in health');
is($probe->('/registry/notify', outside('RS256')), '200 ACK', 'those that we have go on counting');
$sp->sql("SELECT casesync.retire_client('ess-at-login', '$issuer')");
is($probe->('/registry/notify', outside('RS256')), $no, 'a holder that is not bound any more');
$sp->sql("SELECT casesync.drop_issuer('$issuer')");
$sp->sql("SELECT casesync.set_issuer('pasted', jwks => '" . $sp->encode({ keys => [ $key_of{EdDSA}{jwk} ] }) . "', algorithms => '{EdDSA}');
	SELECT casesync.bind_client('far.example.org', 'pasted', 'x')");
ok(BridgeTest::wait_for('pasted keys', sub { $probe->('/registry/unsubscribe', outside('EdDSA', claims => { iss => 'pasted' }), $message->('far.example.org')) eq '200 ACK' }),
	'an issuer whose keys were pasted');
is($probe->('/registry/notify', outside('RS256')), $no, 'the dropped one is forgotten');

# --- keys that partners publish ---
my ($ess_key, $ess_jwk) = $sp->make_key('ess');
my ($new_key, $new_jwk) = $sp->make_key('new');
my ($kid, $new_kid) = map { JSON::PP::decode_json($_)->{kid} // $sp->sql("SELECT casesync_internal.key_thumbprint('$_')") } $ess_jwk, $new_jwk;
sub publish_keys { $login->order(files => { '/keys' => '{"keys":[' . join(',', @_) . ']}' }); return; }
sub look { my ($what, $claim) = @_; $sp->sql("UPDATE casesync_internal.jwks_source SET next_at = now() WHERE kind = 'partner'"); return BridgeTest::wait_for($what, $claim); }
publish_keys($ess_jwk);
$sp->sql("SELECT casesync.set_partner('ess.example.org', jwks_url => 'http://127.0.0.1:$login->{port}/keys')");
ok(BridgeTest::wait_for('the offer', sub { $sp->sql('SELECT kid FROM casesync.offered_keys') eq $kid }), 'a key that a partner publishes waits');
is($sp->sql("SELECT count(*) FROM casesync.partner_keys WHERE partner = 'ess.example.org'"), 0, 'and does not count');
like($sp->sql('SELECT mend FROM casesync.health'), qr/accept_key\('ess\.example\.org', '\Q$kid\E'\)/, 'health says how to accept it');
$sp->sql("SELECT casesync.accept_key('ess.example.org', '$kid')");
is($sp->sql("SELECT valid_keys FROM casesync.partners WHERE partner = 'ess.example.org'"), 1, 'accepted, it counts');
publish_keys($ess_jwk, $new_jwk);
ok(look('the next offer', sub { $sp->sql('SELECT kid FROM casesync.offered_keys') eq $new_kid }), 'only the other one is new then');
publish_keys($ess_jwk);
ok(look('the offer to go', sub { $sp->sql('SELECT count(*) FROM casesync.offered_keys') == 0 }), 'an offer that is withdrawn is gone');
$sp->sql("SELECT casesync.set_partner('ess.example.org', jwks_trust => 'follow')");
publish_keys($ess_jwk, $new_jwk, '{"kty":"RSA","use":"sig","n":"x","e":"AQAB"}', '7');
ok(look('the key', sub { $sp->sql("SELECT valid_keys FROM casesync.partners WHERE partner = 'ess.example.org'") == 2 }), 'who is followed has new keys taken over; other kinds are passed by');
publish_keys($ess_jwk);
ok(look('the end', sub { $sp->sql("SELECT valid_to < now() + interval '11 minutes' FROM casesync.partner_keys WHERE kid = '$new_kid'") eq 't' }),
	'and a key that is not published any more ends soon');
is($sp->sql("SELECT valid_to FROM casesync.partner_keys WHERE kid = '$kid'"), 'infinity', 'one that a person accepted stays');

my $log = $sp->log_text;
is(scalar(() = $log =~ /\Q$secret\E|\Q$short_secret\E|(?<![\w-])eyJ|guess/g), 0, 'no secret and no token is in the log');
is(scalar(() = BridgeTest::slurp($sp->{server}->logfile) =~ /\Q$secret\E|\Q$short_secret\E|(?<![\w-])eyJ/g), 0, 'nor in the server\'s, which shows parameters');
is(join(' ', $log =~ /level=error (event=\S+)/g), '', 'and nothing went wrong');
$sp->stop_ok;
done_testing();
