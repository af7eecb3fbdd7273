# A case worker of one node has the other one told of somebody, who takes it in, because both have agreed on pushes;
# and does not when it has not. With two real nodes: the message is signed, sent, stored and applied.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use NodePair;
use Test::More;

my $sp = BridgeTest->new(name => 'sp');
my $ess = BridgeTest->new(name => 'ess', sender_id => 'ess.example.org', node_id => '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0002');
$_->create_application for $sp, $ess;
acquaint($sp, $ess);
$sp->sql("CREATE ROLE clerk LOGIN; SELECT casesync.grant_access('clerk', 'caseworker')");
my $fields = '{programme_identifier.programme_name,enrollment_status,additional_attributes.push_note}';
$sp->agree_out('out', 'ess.example.org', fields => $fields, services => '{notify,push}', subjects => 'true');
$ess->agree('in', 'sp.example.org', direction => 'in', fields => $fields, apply_mode => 'auto', services => '{notify,push}');
$ess->sql(<<'SQL');
CREATE TABLE heard (n bigserial PRIMARY KEY, inbox_id bigint, national_id text, programme text, note text);
CREATE FUNCTION hear(i casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	INSERT INTO heard (inbox_id, national_id, programme, note) VALUES (i.inbox_id, i.record #>> '{member,member_identifier,0,identifier_value}',
		jsonb_path_query_first(i.record, '$.**.programme_name') #>> '{}', jsonb_path_query_first(i.record, '$.**.push_note') #>> '{}');
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Beneficiary', 'enrolment_status_change', 'hear(casesync.inbound)');
SQL
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 5) n");
start_bridges($sp, $ess);

# As the case worker's login: gives what psql says.
sub push_as_clerk
{
	my ($key, $note) = @_;
	my ($out, $err) = ('', '');
	$sp->{server}->psql('app', "SELECT casesync.push('ess.example.org', 'person', '$key', 'enrolment_status_change'" . ($note ? ", '$note'" : '') . ')',
		stdout => \$out, stderr => \$err, extra_params => [ '-U', 'clerk' ]);
	return "$out$err";
}

sub heard { return $ess->sql("SELECT coalesce(string_agg(concat_ws(' ', national_id, programme, note), ', ' ORDER BY n), '') FROM heard"); }
sub status_of { return $sp->sql("SELECT state FROM casesync.shared_status('person', '$_[0]')"); }
sub settled { return BridgeTest::wait_for('all to be routed', sub { $sp->sql('SELECT casesync_internal.unrouted_since() IS NULL') eq 't' }); }

# --- without a subscription only what is pushed ---
settled();
is($sp->sql('SELECT count(*) FROM casesync_internal.notification'), 0, 'nobody is told of changes');
like(push_as_clerk(1, 'she called'), qr/will be told/, 'a case worker pushes');
ok(BridgeTest::wait_for('the push', sub { heard() eq 'ID-1 Cash 0 she called' }), 'it is applied at the other node, with the note')
  or BAIL_OUT($sp->log_text);
is($ess->sql('SELECT concat_ws(\' \', state, mode, partner) FROM casesync_internal.inbox_item'), 'applied auto sp.example.org', 'without a person there, as agreed');
ok(BridgeTest::wait_for('the acknowledgement', sub { status_of(1) eq 'acknowledged' }), 'and the case worker sees it');
is($sp->sql("SELECT way || ' ' || outcome FROM casesync.disclosures('person', '1')"), 'push delivered', 'on record as a push');
is($sp->sql("SELECT who || ' ' || about FROM casesync.audit WHERE what = 'push'"), 'clerk ess.example.org', 'with who did it');

# --- a partner that is down: waiting, and told once it is back, as it is then ---
$ess->end_bridge('TERM');
$sp->sql("UPDATE person SET note = 1 WHERE id = 2");
push_as_clerk(2);
ok(BridgeTest::wait_for('attempts', sub { $sp->sql("SELECT count(*) > 0 FROM casesync.attempts WHERE verdict = 'retry'") eq 't' }), 'who is down is tried again');
is(status_of(2), 'waiting', 'the case worker sees that it waits');
# and the sender dies meanwhile
$sp->kill_bridge;
$ess->start_bridge;
ok(BridgeTest::wait_for('the push', sub { heard() =~ /ID-2 Cash 1$/ }), 'it arrives when both are back');
ok(BridgeTest::wait_for('the acknowledgement', sub { status_of(2) eq 'acknowledged' }), 'and is acknowledged');
is($ess->sql("SELECT count(*) FROM heard WHERE national_id = 'ID-2'"), 1, 'once');
is($ess->sql("SELECT string_agg(seq::text, ' ' ORDER BY id) FROM casesync_internal.inbox_item"), '1 2', 'numbered without a gap');

# --- the other side has not agreed on pushes: the standard's error, and a dead letter here ---
$ess->sql("SELECT casesync.set_agreement('in', 'sp.example.org', 'in', services => '{notify}'); SELECT casesync.activate('in')");
push_as_clerk(3);
ok(BridgeTest::wait_for('the refusal', sub { status_of(3) eq 'refused' }), 'a push that is not agreed is refused');
like($sp->sql("SELECT string_agg(DISTINCT error_code, ' ') FROM casesync.attempts WHERE verdict = 'refused'"), qr/^err\.request\.forbidden$/, 'by the code of the standard');
is($ess->sql("SELECT count(*) FROM casesync_internal.inbox_item WHERE subject ~ 'ID-3'"), 0, 'nothing of it is stored');
$ess->sql("SELECT casesync.set_agreement('in', 'sp.example.org', 'in', services => '{notify,push}'); SELECT casesync.activate('in')");
is($sp->sql('SELECT count(casesync.retry(reference_id)) FROM casesync.dead_letter'), 1, 'somebody retries it once that is agreed');
ok(BridgeTest::wait_for('the push', sub { heard() =~ /ID-3 Cash 0$/ }), 'and it arrives');

# --- with a subscription: once, by it ---
$ess->sql("SELECT casesync.subscribe_to('sp.example.org', 'enrolment_status_change', 'Beneficiary')");
BridgeTest::wait_for('the wish', sub { $sp->sql('SELECT count(casesync.approve(code)) FROM casesync.pending_subscriptions') });
ok(BridgeTest::wait_for('the subscription', sub { $ess->sql("SELECT state FROM casesync.my_subscriptions") eq 'active' }), 'the other side subscribes');
$sp->{server}->psql('app', "BEGIN; UPDATE person SET note = 7 WHERE id = 4; SELECT casesync.push('ess.example.org', 'person', '4', 'enrolment_status_change'); COMMIT");
ok(BridgeTest::wait_for('the push', sub { heard() =~ /ID-4 Cash 7/ }), 'a change that is pushed as well arrives');
$sp->sql('UPDATE person SET note = 1 WHERE id = 5');
ok(BridgeTest::wait_for('the next', sub { heard() =~ /ID-5 Cash 1/ }), 'and the next change');
is($ess->sql("SELECT count(*) FROM heard WHERE national_id = 'ID-4'"), 1, 'the first one came once');
is($ess->sql("SELECT string_agg(DISTINCT state, ' ') FROM casesync_internal.inbox_item"), 'applied', 'nothing waits');

# --- what the worker may not ---
like(push_as_clerk(99), qr/has no subject with this key/, 'nobody is pushed who is not there');
$sp->sql("SELECT casesync.stop_sharing('a mistake', 'ess.example.org')");
like(push_as_clerk(1), qr/sharing with "ess.example.org" is stopped/, 'nothing while sharing is stopped');
$_->stop_ok for $sp, $ess;

done_testing();
