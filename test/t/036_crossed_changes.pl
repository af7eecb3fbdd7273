# One person is changed here and at a partner that knows no versions, before either knows of the other: the newest
# counts, the partner is told so once more, and both values can be seen.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use POSIX qw(strftime);
use Test::More;

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->add_partner('ess.example.org', $ess->{port}, signature => 'unsigned_accepted');
$sp->agree('in', 'ess.example.org', direction => 'in', fields => '{employment_status}', apply_mode => 'auto');
$sp->sql(<<'SQL');
CREATE FUNCTION hear(i casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE person SET status = i.record->>'employment_status', note = note + 1
	 WHERE national_id = i.record #>> '{member_identifier,0,identifier_value}';
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'hear(casesync.inbound)');
SELECT casesync.subscribe_to('ess.example.org', 'enrolment_status_change', 'Member');
INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 2) n;
SQL
$sp->start_bridge;
$sp->wait_ready;
ok($ess->wait_received(1), 'the partner knows both');
BridgeTest::wait_for('both to be told', sub { $sp->sql("SELECT count(*) FROM casesync_internal.notification WHERE state = 'delivered'") == 2 });
my $serial = 0;

# The partner says that somebody changed there, at this time.
sub change_there
{
	my ($person, $at, $status) = @_;
	my $reference = 'event-' . ++$serial;
	my $answer = $sp->post('/registry/notify', BridgeTest->encode({ signature => '', header => $sp->header('notify'),
		message => { transaction_id => 'txn-n', notify_event => [ { reference_id => $reference,
			timestamp => strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $at), data => { version => '1.0.0',
				reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change', reg_record_type => 'Member',
				reg_records => { member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => "ID-$person" } ],
					employment_status => $status } } } ] } }));
	is($answer->{short}, '200 ACK', "a change of person $person there");
	return BridgeTest::wait_for('it to be applied', sub { $sp->sql("SELECT state FROM casesync_internal.inbox_item WHERE reference_id = '$reference'") =~ /^(applied|ignored)$/ }, 10)
	  || BAIL_OUT($sp->sql("SELECT state || coalesce(reason, '') || coalesce(error_code, '') FROM casesync_internal.inbox_item WHERE reference_id = '$reference'"));
}

sub crossed
{
	return $sp->sql("SELECT coalesce(string_agg(format('%s %s %s %s %s', key, ours, theirs, winner, state), '; ' ORDER BY id), '') FROM casesync.conflicts");
}

sub status { my ($person) = @_; return $sp->sql("SELECT status FROM person WHERE id = $person") }

sub routed
{
	return BridgeTest::wait_for('all to be routed', sub { $sp->sql('SELECT casesync_internal.unrouted_since() IS NULL') eq 't' });
}

# --- one after the other: nothing to say ---
change_there(1, time + 5, 'B');
routed();
is(status(1), 'B', 'it is applied');
is(crossed(), '', 'a change that was made knowing ours');

# --- at a time, ours is newer ---
my $had = $ess->received;
$ess->order(mode => 'status', status => 503);
$sp->sql("UPDATE person SET status = 'S' WHERE id = 2");
routed();
change_there(2, time - 30, 'T');
routed();
is(status(2), 'S', 'ours stays');
is(crossed(), '2 "S" "T" ours settled', 'both values can be seen');
is($sp->sql("SELECT count(*) FROM casesync.health WHERE problem ~ 'value counts'"), 0, 'nobody need decide');

# --- at a time, theirs is newer ---
$sp->sql("UPDATE person SET status = 'U' WHERE id = 1");
routed();
change_there(1, time + 1, 'V');
routed();
is(status(1), 'V', 'theirs is applied');
is(crossed(), '2 "S" "T" ours settled; 1 "U" "V" theirs settled', 'also seen');
$ess->order(mode => 'ack');
ok(BridgeTest::wait_for('the partner to have it', sub { $sp->sql("SELECT count(*) FROM casesync_internal.notification WHERE state = 'due'") == 0 }), 'the partner is told');
is($sp->sql("SELECT string_agg(record->>'employment_status', ',' ORDER BY id) FROM casesync_internal.notification WHERE key = '1'"), 'A,U,V', 'also what it said itself: it may have taken ours');
$sp->stop_ok;

done_testing();
