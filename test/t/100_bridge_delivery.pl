# A change made with plain SQL arrives, signed, at a partner: the message is what the standard asks
# for, an outside program finds the signature good, and nothing is sent twice or said to the log.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $partner = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $partner->{port});
$sp->start_bridge;
ok($sp->wait_ready, 'bridge is ready');

$sp->sql("INSERT INTO person VALUES (1, 'ID-SEEDED-1', 'A')");
ok($partner->wait_received(1), 'an insert arrives');
$sp->sql("UPDATE person SET status = 'S' WHERE id = 1");
ok($partner->wait_received(2), 'an update arrives');
$sp->sql("BEGIN; UPDATE person SET status = 'X' WHERE id = 1; ROLLBACK");
$sp->sql("BEGIN; INSERT INTO person SELECT n, 'ID-SEEDED-' || n, 'A' FROM generate_series(2, 40) n; COMMIT");
ok(BridgeTest::wait_for('41 items', sub { my @items = $partner->items; @items >= 41 }),
	'many rows of one transaction arrive');
ok(BridgeTest::wait_for('all delivered', sub {
	$sp->sql("SELECT sum(due) FROM casesync.queue") == 0 }), 'nothing is left in the queue');

my @records = $partner->received;
my @items = $partner->items;
is(scalar @items, 41, 'each change once, nothing of the transaction rolled back');
is(scalar(keys %{ { map { $_->{reference_id} => 1 } @items } }), 41, 'each with its own reference_id');
cmp_ok(scalar @records, '<', 41, 'several notifications travel in one message');
my %header = %{ $records[0]{message}{header} };
is($header{sender_id}, 'sp.example.org', 'sender_id');
is($header{receiver_id}, 'ess.example.org', 'receiver_id');
is($header{action}, 'notify', 'action');
is($records[0]{path}, '/registry/notify', 'path');
is($records[0]{content_type}, 'application/json', 'content type');
is(scalar(keys %{ { map { $_->{message}{header}{message_id} => 1 } @records } }), scalar @records,
	'message_id is new in each message');

my $jwk = (split /jwk: /, qx('@{[ BridgeTest::tree() ]}/bridge/casesync-bridge' --key-file='@{[ $sp->key_file ]}' --print-key))[1];
for my $record (@records)
{
	is(BridgeTest::python('verify_signature', $record->{body}, $jwk, $record->{at}), "good\n",
		"an outside program finds the signature of message $record->{number} good");
}
(my $forged = $records[0]{body}) =~ s/Cash 0/Cash 1/;
isnt($forged, $records[0]{body}, 'a forged body differs');
is(BridgeTest::python('verify_signature', $forged, $jwk, $records[0]{at}), "bad\n",
	'and its signature is bad');

my $lines = join '', map { "$_->{body}\n" } @records;
is(BridgeTest::python('check_schema', $lines, 'notify',
	BridgeTest::tree() . '/test/schema/notify.json'), '', 'every message is valid by our schema');
SKIP:
{
	my $api = $BridgeTest::ess_api // '';
	skip 'ESS_API_DOCUMENT names no document', 1 unless -f $api;
	is(BridgeTest::python('check_schema', $lines, 'notify', $api), '',
		'every message is valid by the published API document');
}

unlike($sp->log_text, qr/ID-SEEDED|Cash|Active|Suspended/, 'the log has no content of records');
like($sp->log_text, qr/event=sent .*verdict=delivered/, 'the log tells of deliveries');
unlike($sp->log_text, qr/level=(error|warning)/, 'and of no trouble');
is($sp->get('/livez')->{status}, 200, 'livez');
$sp->stop_ok;

# Over TLS, with a certificate that only ca_file knows; without it nothing is sent.
my ($cert, $key) = ("$sp->{folder}/tls.crt", "$sp->{folder}/tls.key");
system("openssl req -x509 -newkey ed25519 -nodes -keyout $key -out $cert -days 2 -subj /CN=partner"
	. " -addext subjectAltName=IP:127.0.0.1 2>/dev/null") == 0 or die 'openssl req failed';
my $secure = $sp->start_partner(name => 'secure', cert => $cert, key => $key);
$sp->add_partner('tls.example.org', $secure->{port}, scheme => 'https');
$sp->start_bridge(allow_http => 'off');
$sp->wait_ready;
$sp->sql("UPDATE person SET status = 'I' WHERE id = 2");
ok($sp->wait_log(qr/partner=tls.example.org .*verdict=retry .*certificate/), 'an unknown certificate is refused');
ok($sp->wait_log(qr/partner=ess.example.org .*only https is allowed/), 'http is refused unless allowed');
is(scalar($secure->received), 0, 'nothing was sent to it');
is(scalar($partner->received), scalar @records, 'nothing was sent over http');
$sp->end_bridge('TERM');
$sp->start_bridge(allow_http => 'off', ca_file => $cert);
ok($secure->wait_received(1), 'with ca_file the message arrives over TLS');
$sp->stop_ok;

done_testing();
