# What partners send: good messages are stored as they came and acknowledged, everything else gets
# the answer that the standard asks for, and nothing that a client does stops the others.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});
$sp->agree_in('in', 'ess.example.org');
my ($key, $jwk) = $sp->make_key('ess');
my ($other_key) = $sp->make_key('other');
$sp->sql("SELECT casesync.add_key('ess.example.org', '$jwk')");
$sp->start_bridge(request_timeout => '1s', base_path => '/dci', max_body => '64kB', max_notify_body => '256kB');
$sp->wait_ready;

my $now = '2026-11-22T10:00:00.000Z';
my $serial = 0;

sub header { return $sp->header(@_); }

sub wish
{
	my ($reference) = @_;
	return { transaction_id => 'txn-' . $reference, subscribe_request => [ {
		reference_id => $reference, timestamp => $now, subscribe_criteria => {
			reg_event_type => 'enrolment_status_change', notify_record_type => 'Beneficiary',
			filter_type => 'idtype-value',
			filter => { type => 'NATIONAL_ID', value => 'ID-1' } } } ] };
}

sub event
{
	return { transaction_id => 'txn-n', notify_event => [ { reference_id => 'event-' . ++$serial, timestamp => $now,
		data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change',
			reg_record_type => 'Member', reg_records => { member_identifier =>
				[ { identifier_type => 'NATIONAL_ID', identifier_value => "ID-\x{e9}" } ], employment_status => '1' } } } ] };
}

sub signed
{
	my ($header, $message, %more) = @_;
	my $file = delete $more{key} // $key;
	my $order = $sp->encode({ header => $header, message => $message, %more });
	$order =~ s/"(age|valid|indent)":"(-?\d+)"/"$1":$2/g;
	return BridgeTest::python('sign_message', $order, $file);
}

# --- subscribe, and the callback ---
my $body = signed(header('subscribe'), wish('r1'));
my $answer = $sp->post('/dci/registry/subscribe', $body);
is($answer->{short}, '200 ACK', 'a signed subscribe is acknowledged');
is($answer->{headers}{'content-type'}, 'application/json', 'answers are JSON');
ok($ess->wait_received(1), 'on-subscribe comes');
my ($callback) = $ess->received;
is($callback->{path}, '/registry/on-subscribe', 'at the registered address');
is($callback->{message}{message}{correlation_id}, $answer->{json}{message}{correlation_id},
	'with the correlation_id of the acknowledgement');
is($callback->{message}{header}{status}, 'pdng', 'and says that somebody has to approve it');
$sp->sql("SELECT casesync.approve(code) FROM casesync.subscriptions
	WHERE partner = 'ess.example.org' AND state = 'pending'");
ok($ess->wait_received(2), 'a second on-subscribe comes');
(undef, $callback) = $ess->received;
is($callback->{message}{header}{status}, 'succ', 'and says that it was granted');
SKIP:
{
	my $api = $BridgeTest::ess_api // '';
	skip 'ESS_API_DOCUMENT names no document', 1 unless -f $api;
	is(BridgeTest::python('check_schema', "$callback->{body}\n", 'on-subscribe', $api), '',
		'the callback is valid by the published API document');
}
my $again = $sp->post('/dci/registry/subscribe', $body);
is($again->{content}, $answer->{content}, 'the same message again gets the same answer');
is($sp->sql("SELECT count(*) FROM casesync.subscriptions WHERE partner = 'ess.example.org'"), 2,
	'and has no second effect');
is($sp->post('/dci/ess/registry/unsubscribe', signed(header('unsubscribe'), { transaction_id => 'txn-u',
	timestamp => $now, subscription_codes => [ 'nobodys' ] }))->{short}, '200 ACK',
	'a prefix is an alias; unsubscribing an unknown code is acknowledged');

# --- notify ---
$body = signed(header('notify'), event(), indent => 2);
$answer = $sp->post('/dci/sp/registry/notify', $body);
is($answer->{short}, '200 ACK', 'a signed notify is acknowledged, however its JSON is written');
is($sp->sql("SELECT count(*) FROM casesync_internal.message_in WHERE raw = decode('" . unpack('H*', $body) . "', 'hex')"),
	1, 'and stored byte by byte');
ok(BridgeTest::wait_for('the item in review', sub {
	$sp->sql("SELECT count(*) FROM casesync.inbox WHERE state = 'review'") == 1 }), 'its item waits for review');
is($sp->post('/dci/registry/notify', signed(header('notify'), event(), namespace => 'dci'))->{short}, '200 ACK',
	'another namespace of the signature is fine');

# --- who is it? ---
my $good = signed(header('notify'), event());
(my $tampered = $good) =~ s/"employment_status": "1"/"employment_status": "2"/;
isnt($tampered, $good, 'a tampered message differs');
my %refused = (
	'401 ERR err.signature.invalid' => {
		'a tampered message' => $tampered,
		'the key of somebody else' => signed(header('notify'), event(), key => $other_key),
		'a key id that is not registered' => signed(header('notify'), event(), kid => 'nobodys'),
		'an expired signature' => signed(header('notify'), event(), age => 400),
		'a signature of the future' => signed(header('notify'), event(), age => -200),
		'a signature for too long' => signed(header('notify'), event(), valid => 700),
		'a signature that is none' => $sp->encode({ signature => 'nonsense', header => header('notify'), message => event() }),
	},
	'401 ERR err.signature.missing' => {
		'no signature' => $sp->encode({ header => header('notify'), message => event() }),
		'an empty signature' => $sp->encode({ signature => '', header => header('notify'), message => event() }),
	},
	'401 ERR err.sender_id.invalid' => {
		'an unknown sender' => signed(header('notify', sender_id => 'nobody'), event()),
		'no sender' => '{"header":{},"message":{}}',
		'an empty object' => '{}',
	},
	'200 ERR err.receiver_id.invalid' => {
		'a message for somebody else' => signed(header('notify', receiver_id => 'x.example.org'), event()),
	},
	'200 ERR err.request.bad' => {
		'an empty body' => '',
		'half an object' => '{"header":',
		'no object' => '[1]',
		'two values' => '{} {}',
		'a member twice' => '{"header":{},"header":{},"message":{}}',
		'a NUL' => '{"header":{"sender_id":"a\u0000b"}}',
		'bytes that are not UTF-8' => "{\"header\":{\"sender_id\":\"\xff\xfe\"}}",
		'a deep nest' => '{"a":' . ('[' x 2000) . (']' x 2000) . '}',
		'an action that does not fit the path' => signed(header('subscribe'), event()),
		'a message without events' => signed(header('notify'), { transaction_id => 't' }),
		'a timestamp without zone' => signed(header('notify', message_ts => '2026-11-22T10:00:00'), event()),
		'a long transaction_id' => signed(header('notify'), { %{ event() }, transaction_id => 'x' x 100 }),
	},
);
for my $expected (sort keys %refused)
{
	is($sp->post('/dci/registry/notify', $refused{$expected}{$_})->{short}, $expected, "$_: $expected")
	  for sort keys %{ $refused{$expected} };
}
is($sp->sql('SELECT count(*) FROM casesync.inbox'), 2, 'nothing of all that was stored');

# --- partners who cannot sign ---
$sp->sql("SELECT casesync.set_partner('old.example.org', 'http://127.0.0.1:9', networks => '{127.0.0.0/8}',
	signature => 'unsigned_accepted')");
for my $signature (undef, '', 'unsigned-stub')
{
	is($sp->post('/dci/registry/subscribe', $sp->encode({ (defined $signature ? (signature => $signature) : ()),
		header => header('subscribe', sender_id => 'old.example.org', receiver_id => 'whatever'), message => wish('o' . ++$serial) }))->{status}, 200,
		'unsigned_accepted: ' . ($signature // 'no signature') . ' passes');
}
is($sp->post('/dci/registry/subscribe', signed(header('subscribe', sender_id => 'old.example.org'), wish('o')))->{short},
	'401 ERR err.signature.invalid', 'unsigned_accepted: a signature that is there must be good');

# --- HTTP ---
is($sp->post('/dci/registry/nothing', '{}')->{short}, '404 ERR err.request.not_found', 'unknown path');
is($sp->post('/registry/notify', '{}')->{status}, 404, 'a path without the base path');
is($sp->post('/dci/registry/notify', $good, 'Content-Type' => 'text/xml')->{status}, 415, 'another content type');
is($sp->post('/dci/registry/notify', $good, 'Content-Type' => 'application/json-patch')->{status}, 415, 'a longer content type');
is($sp->post('/dci/registry/notify', $good, 'Content-Encoding' => 'gzip')->{status}, 415, 'a compressed body');
is($sp->post('/dci/registry/notify', $good, 'Content-Type' => 'Application/JSON; charset=utf-8')->{short}, '200 ACK',
	'a content type with parameter');
my $get = HTTP::Tiny->new->get($sp->base_url . '/dci/registry/notify');
is("$get->{status} $get->{headers}{allow}", '405 POST', 'another method');
is(HTTP::Tiny->new->get($sp->base_url . '/livez')->{status}, 404, 'health is not served to partners');
is($sp->post('/dci/registry/subscribe', 'x' x 70_000)->{status}, 413, 'a body beyond the limit of its path');
is($sp->post('/dci/registry/notify', '[' . ' ' x 70_000)->{short}, '200 ERR err.request.bad', 'which is larger for notify');

sub raw
{
	my ($text, $more) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}, Timeout => 10) or return "no connection";
	local $SIG{ALRM} = sub { die "no end\n" };
	local $SIG{PIPE} = 'IGNORE';
	my $answer = eval {
		alarm 20;
		print $socket $text;
		$more->($socket) if $more;
		local $/;
		my $all = <$socket>;
		alarm 0;
		$all // '';
	};
	alarm 0;
	return $answer // $@;
}

my $head = "POST /dci/registry/notify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " . $sp->token("ess.example.org") . "\r\nContent-Type: application/json\r\nConnection: close\r\n";
like(raw("${head}Content-Length: 99999999999\r\n\r\n"), qr/^HTTP\/1.1 413 /, 'a body that is announced too large is refused at once');
like(raw("${head}Transfer-Encoding: chunked\r\n\r\n", sub {
	my ($socket) = @_;
	print $socket "4000\r\n", ' ' x 16384, "\r\n" for 1 .. 17;
	print $socket "0\r\n\r\n";
}), qr/^HTTP\/1.1 413 /, 'a body in chunks that grows too large is refused');
is(raw("${head}Transfer-Encoding: chunked\r\n\r\n", sub {
	my ($socket) = @_;
	print $socket "4000\r\n", ' ' x 16384, "\r\n" or last for 1 .. 200;
}) =~ /no end/ ? 1 : 0, 0, 'a body without end is cut off');
unlike(raw("POST /dci/registry/notify HTTP/1.1\r\nHost: x\r\n" . ('X-Y: ' . 'z' x 1000 . "\r\n") x 64 . "\r\n"),
	qr/^HTTP\/1.1 200|no end/, 'headers beyond the limit are refused');
my $begin = time;
is(raw($head), '', 'a request whose headers never end is cut off');
is(raw("${head}Content-Length: 100\r\n\r\n{"), '', 'a request whose body never ends is cut off');
is(raw("${head}Content-Length: 100\r\n\r\n", sub {
	my ($socket) = @_;
	for (1 .. 40) { select undef, undef, undef, 0.1; last unless print $socket ' '; }
}), '', 'a body that trickles is cut off');
cmp_ok(time - $begin, '<', 15, 'in time');
my @idle = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}) } 1 .. 520;
ok(BridgeTest::wait_for('an answer', sub { $sp->post('/dci/registry/notify', signed(header('notify'), event()))->{short} eq '200 ACK' }),
	'connections that do nothing do not keep others out for long');
@idle = ();
my $http = HTTP::Tiny->new(keep_alive => 1, timeout => 10);
my @statuses = map { $http->post($sp->base_url . '/dci/registry/notify',
	{ content => '{}', headers => { 'Content-Type' => 'application/json' } })->{status} } 1 .. 5;
is("@statuses", '401 401 401 401 401', 'several requests over one connection');

# --- when the database does not answer ---
my $locker = $sp->{server}->background_psql('app');
$locker->query_safe('BEGIN; LOCK TABLE casesync_internal.partner IN ACCESS EXCLUSIVE MODE');
$begin = time;
$body = signed(header('notify'), event());
is($sp->post('/dci/registry/notify', $body)->{short}, '503 ERR err.service.unavailable', 'a database that does not answer: 503');
cmp_ok(time - $begin, '<', $BridgeTest::answer_seconds + 1.2, 'within the time that partners wait');
$locker->query_safe('COMMIT');
$locker->quit;
ok(BridgeTest::wait_for('an answer', sub { $sp->post('/dci/registry/notify', $body)->{short} eq '200 ACK' }),
	'the same message is taken when it answers again');
$sp->{server}->stop('immediate');
is($sp->post('/dci/registry/notify', $body)->{short}, '503 ERR err.service.unavailable', 'no database: 503');
is($sp->get('/readyz')->{status}, 503, 'and not ready');
is($sp->get('/livez')->{status}, 200, 'but alive');
$sp->{server}->start;
ok($sp->wait_ready, 'ready when it is back');
my $items = $sp->sql('SELECT count(*) FROM casesync.inbox');
is($sp->post('/dci/registry/notify', $body)->{short}, '200 ACK', 'the message of before is acknowledged again');
is($sp->sql('SELECT count(*) FROM casesync.inbox'), $items, 'and was stored once');

is(BridgeTest::python('check_schema', join('', map { "$_\n" } @{ $sp->{answers} }), 'answer',
	BridgeTest::tree() . '/test/schema/answer.json'), '', 'every answer is valid by our schema');
SKIP:
{
	my $api = $BridgeTest::ess_api // '';
	skip 'ESS_API_DOCUMENT names no document', 1 unless -f $api;
	is(BridgeTest::python('check_schema', join('', map { "$_\n" } grep { !/"errors"/ } @{ $sp->{answers} }), 'answer', $api), '',
		'every acknowledgement is valid by the published API document');
}
unlike($sp->log_text, qr/ID-|message-\d|txn-|event-\d/, 'the log has nothing of what partners sent');
$sp->stop_ok;

done_testing();
