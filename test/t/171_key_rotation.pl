# Keys change while messages are under way: a partner's, and ours by SIGHUP with a backlog. Both old
# and new ones count for a while, and a reload takes all files or none.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP ();
use Test::More;

my $json = JSON::PP->new->utf8->canonical;
my $sp = BridgeTest->new;
my $ess = $sp->start_partner;

sub encryption_key { return BridgeTest::generate_key("$sp->{folder}/$_[0].key", 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'); }

my ($first_file, $first_jwk) = $sp->make_key('ess_first');
my ($second_file, $second_jwk) = $sp->make_key('ess_second');
my ($our_new_file, $our_new_jwk) = $sp->make_key('our_new');
my $our_old_jwk = BridgeTest::python('sign_message', 'jwk', $sp->key_file);
my $our_old_enc = encryption_key('our_old_enc');
my $our_new_enc = encryption_key('our_new_enc');

$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port});
$sp->agree_in('in', 'ess.example.org');
$sp->sql("SELECT casesync.set_partner('ess.example.org', encryption => 'accepted');
	SELECT casesync.add_key('ess.example.org', '$first_jwk')");
$sp->start_bridge(encryption_key_files => $our_old_enc);
$sp->wait_ready;

sub published
{
	my $answer = HTTP::Tiny->new->get($sp->base_url . '/.well-known/jwks.json');
	return map { $_->{kid} => $_ } @{ $json->decode($answer->{content})->{keys} };
}

sub kid_of { return $json->decode($_[0])->{kid}; }

my $serial = 0;

sub notify
{
	my ($file, $encryption_jwk) = @_;
	my $message = { transaction_id => 'txn-n', notify_event => [ { reference_id => 'event-' . ++$serial,
		timestamp => '2026-11-22T10:00:00.000Z', data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS',
			reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => { member_identifier =>
				[ { identifier_type => 'NATIONAL_ID', identifier_value => 'ID-9' } ], employment_status => '1' } } } ] };
	$message = $json->decode(BridgeTest::python('encrypt_message',
		$json->encode({ message => $message, jwk => $encryption_jwk }), 'encrypt')) if $encryption_jwk;
	my $order = $json->encode({ message => $message, header => { version => '1.0.0',
		message_id => 'message-' . ++$serial, message_ts => '2026-11-22T10:00:00.000Z', action => 'notify',
		sender_id => 'ess.example.org', receiver_id => 'sp.example.org', total_count => 1,
		is_msg_encrypted => $encryption_jwk ? JSON::PP::true : JSON::PP::false } });
	return $sp->post('/registry/notify', BridgeTest::python('sign_message', $order, $file))->{short};
}

# --- a partner's signing key ---
is(notify($first_file), '200 ACK', 'the partner signs with its first key');
is(notify($second_file), '401 ERR err.signature.invalid', 'one that is not registered is refused');
$sp->sql("SELECT casesync.add_key('ess.example.org', '$second_jwk', valid_from => now() + interval '1 hour')");
is(notify($second_file), '401 ERR err.signature.invalid', 'so is one before its time');
$sp->sql("SELECT casesync.add_key('ess.example.org', '$second_jwk')");
is(notify($first_file), '200 ACK', 'both count for a while: the old one');
is(notify($second_file), '200 ACK', 'and the new one');
$sp->sql("SELECT casesync.retire_key('ess.example.org', '" . kid_of($first_jwk) . "')");
is(notify($first_file), '401 ERR err.signature.invalid', 'the old one no longer');
is(notify($second_file), '200 ACK', 'the new one still');

# --- ours, with a backlog ---
my %keys = published();
is(join(' ', sort map { $_->{use} } values %keys), 'enc sig', 'two keys of ours are published');
my ($old_enc) = grep { $_->{use} eq 'enc' } values %keys;
$ess->order(mode => 'status', status => 503);
$sp->sql("INSERT INTO person SELECT i, 'ID-' || i, 'A' FROM generate_series(1, 5) i");
ok($ess->wait_received(1), 'the partner is down: what is sent to it is not taken');

sub reload
{
	my (%settings) = @_;
	my $count = () = $sp->log_text =~ /event=(?:reloaded|reload_refused)/g;
	$sp->write_settings(%settings);
	kill 'HUP', $sp->{bridge};
	BridgeTest::wait_for('the reload', sub {
		my $now = () = $sp->log_text =~ /event=(?:reloaded|reload_refused)/g;
		return $now > $count });
	return ($sp->log_text =~ /event=(reloaded|reload_refused)[^\n]*/g)[-1];
}

my %second = (key_file => $our_new_file, other_key_files => $sp->key_file,
	encryption_key_files => "$our_new_enc, $our_old_enc");
chmod 0644, $our_new_enc;
is(reload(%second), 'reload_refused', 'a reload with one bad file is refused');
is(join(' ', sort keys(%keys)), join(' ', sort keys %{ { published() } }), 'as a whole: the keys are the old ones');
chmod 0600, $our_new_enc;
is(reload(%second), 'reloaded', 'a reload with good files changes them');
%keys = published();
is(scalar keys %keys, 4, 'old and new keys are published');
ok(exists $keys{ kid_of($our_old_jwk) } && exists $keys{ kid_of($our_new_jwk) }, 'both that sign among them');
$ess->order(mode => 'ack');
my $wanted = kid_of($our_new_jwk);
ok(BridgeTest::wait_for('the backlog to arrive', sub {
	$sp->sql("SELECT sum(due) FROM casesync.queue") == 0 }), 'the backlog arrives');
my ($record) = grep { $_->{mode} eq 'ack' } $ess->received;
like($record->{message}{signature}, qr/\|\Q$wanted\E\|/, 'signed with the new key');
is(BridgeTest::python('verify_signature', $record->{body}, $our_new_jwk, time), "good\n", 'and well');
my ($new_enc) = grep { $_->{use} eq 'enc' && $_->{kid} ne $old_enc->{kid} } values %keys;
is(notify($second_file, $old_enc), '200 ACK', 'with a token of the old key, a message for our old encryption key is read');
is(notify($second_file, $new_enc), '200 ACK', 'and one for the new one');
is(reload(%second, other_key_files => '', encryption_key_files => $our_new_enc), 'reloaded', 'the old keys are left out');
is(scalar keys %{ { published() } }, 2, 'and no longer published');
is(notify($second_file, $new_enc), '401 ERR err.request.unauthorized', 'a token of the old key no longer counts');
delete $sp->{tokens};
is(notify($second_file, $old_enc), '200 ERR err.encryption.invalid', 'what is for the old encryption key is refused');
is(notify($second_file, $new_enc), '200 ACK', 'what is for the new one is not');

# --- a node that names its keys ---
$sp->sql("SELECT casesync.set_node('sp.example.org', key_ids => '{" . kid_of($our_old_jwk) . "}')");
ok($sp->wait_log(qr/event=cannot_sign[^\n]*\Q$wanted\E/), 'a key that the node does not name is not used');
my $before = () = $ess->received;
$sp->sql("UPDATE person SET status = 'S' WHERE id = 1");
ok(BridgeTest::wait_for('the change to be due', sub { $sp->sql('SELECT sum(due) FROM casesync.queue') == 1 }),
	'what changes waits');
is(reload(key_file => $sp->key_file, other_key_files => $our_new_file), 'reloaded', 'with the one that it names');
ok($ess->wait_received($before + 1), 'it is sent');
like(($ess->received)[-1]{message}{signature}, qr/\|\Q@{[ kid_of($our_old_jwk) ]}\E\|/, 'by that key');
is(scalar $ess->received, $before + 1, 'once');

$sp->stop_ok;
done_testing();
