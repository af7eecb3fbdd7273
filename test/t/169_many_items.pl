# 900 items in one message are taken and answered once: what is stored is never answered 503, a repetition gets the same answer, and
# the same items under another message_id are known. A message with more than is taken is refused before anything of it is stored.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
$sp->create_application;
my ($key, $jwk) = $sp->make_key('ess');
$sp->sql("SELECT casesync.set_partner('ess.example.org', 'https://ess.example.org'); SELECT casesync.add_key('ess.example.org', '$jwk')");
$sp->{first_partner} = 'ess.example.org';
$sp->agree_in('in', 'ess.example.org', apply_mode => 'observe');
$sp->start_bridge(request_timeout => '20s');
$sp->wait_ready;

sub notify
{
	my ($items, %more) = @_;
	return BridgeTest::python('sign_message', $sp->encode({ header => $sp->header('notify', total_count => $items, %more), message => {
		transaction_id => 'txn', notify_event => [ map { { reference_id => "event-$_", timestamp => '2026-11-22T10:00:00.000Z',
			data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change',
				reg_record_type => 'Member', reg_records => { member_identifier => [ { identifier_type => 'NATIONAL_ID',
				identifier_value => "ID-$_" } ], employment_status => '1' } } } } 1 .. $items ] } }), $key);
}

sub stored
{
	my ($message_id) = @_;
	return $sp->sql("SELECT count(*) FROM casesync_internal.inbox_item" . (defined $message_id ? " WHERE message_id = '$message_id'" : ''));
}

# A busy machine may be too slow for the time that a message has: then it is answered 503, and nothing of it may be there.
sub post_until_taken
{
	my ($body, $message_id) = @_;
	my $answer;
	for (1 .. 20)
	{
		$answer = $sp->post('/registry/notify', $body);
		last if $answer->{status} != 503;
		is(stored($message_id), 0, 'answered 503, and nothing is stored');
	}
	return $answer;
}

my $body = notify(900, message_id => 'many');
cmp_ok(length $body, '>', 250_000, 'a large message');
my $answer = post_until_taken($body, 'many');
is($answer->{short}, '200 ACK', '900 items in one message are taken');
is(stored('many'), 900, 'each of them');
my $again = post_until_taken($body, 'none');
is($again->{content}, $answer->{content}, 'the same message once more is answered the same');
is(stored(), 900, 'and stored once');
is(post_until_taken(notify(900, message_id => 'many-2'), 'many-2')->{short}, '200 ACK', 'the same items under another message_id are taken');
is($sp->sql("SELECT count(*) FROM (SELECT FROM casesync_internal.inbox_item WHERE state IN ('new', 'observed') GROUP BY reference_id HAVING count(*) > 1) x"), 0,
	'and none of them is worked on twice');
my $more = $sp->post('/registry/notify', notify(1001, message_id => 'too-many'));
like($more->{short}, qr/^200 ERR err\.request\./, 'more than is taken at once are refused');
is(stored('too-many'), 0, 'and nothing of them is stored');
unlike($sp->log_text, qr/receive_failed/, 'no message failed at the database') if $answer->{status} == 200 && $sp->log_text !~ /http_status=503/;
$sp->stop_ok;
done_testing();
