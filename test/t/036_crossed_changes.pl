# One person is changed here and at a partner before either knows of the other: each applies the
# other's change, and both differ from then on. Whoever watches is told, until it is changed again.
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
	UPDATE person SET status = 'X', note = note + 1
	 WHERE national_id = i.record #>> '{member_identifier,0,identifier_value}';
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'hear(casesync.inbound)');
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
	my ($person, $at) = @_;
	my $reference = 'event-' . ++$serial;
	my $answer = $sp->post('/registry/notify', BridgeTest->encode({ signature => '', header => $sp->header('notify'),
		message => { transaction_id => 'txn-n', notify_event => [ { reference_id => $reference,
			timestamp => strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $at), data => { version => '1.0.0',
				reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change', reg_record_type => 'Member',
				reg_records => { member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => "ID-$person" } ],
					employment_status => '1' } } } ] } }));
	is($answer->{short}, '200 ACK', "a change of person $person there");
	# nobody asked for it by a subscription: so a person decides
	$sp->sql("SELECT casesync.accept(id, 'seen') FROM casesync_internal.inbox_item WHERE reference_id = '$reference'")
	  if BridgeTest::wait_for('it to be looked at', sub { $sp->sql("SELECT state FROM casesync_internal.inbox_item WHERE reference_id = '$reference'") eq 'review' }, 10);
	return BridgeTest::wait_for('it to be applied', sub { $sp->sql("SELECT state FROM casesync_internal.inbox_item WHERE reference_id = '$reference'") eq 'applied' }, 10)
	  || BAIL_OUT($sp->sql("SELECT state || coalesce(reason, '') || coalesce(error_code, '') FROM casesync_internal.inbox_item WHERE reference_id = '$reference'"));
}

sub crossed
{
	return $sp->sql("SELECT coalesce(string_agg(problem, '; '), '') FROM casesync.health WHERE problem ~ 'before either knew'");
}

sub routed
{
	return BridgeTest::wait_for('all to be routed', sub { $sp->sql('SELECT casesync_internal.unrouted_since() IS NULL') eq 't' });
}

# --- one after the other: nothing to say ---
change_there(1, time + 5);
routed();
is(crossed(), '', 'a change that was made knowing ours');

# --- at a time ---
$ess->order(mode => 'status', status => 503);
$sp->sql("UPDATE person SET status = 'S' WHERE id = 2");
routed();
change_there(2, time);
routed();
like(crossed(), qr/^1 subjects of registry person were changed here and at ess\.example\.org before either knew of the other/, 'health says that they crossed');

# --- until it is changed once more ---
$ess->order(mode => 'ack');
$sp->sql("UPDATE person SET status = 'A' WHERE id = 2");
ok(BridgeTest::wait_for('it to be over', sub { crossed() eq '' }), 'it is over with the next change');
$sp->stop_ok;

done_testing();
