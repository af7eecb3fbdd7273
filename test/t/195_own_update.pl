# The beneficiary's way of starting an update, beside subscription and push: somebody changes the own record in a self-service
# portal, the case worker sees it, the other system is told at once, and the person sees who was told. With two real nodes.
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
my $fields = '{employment_status,demographic_info.phone_number}';
$sp->sql(<<'SQL');
SELECT casesync.create_casework('casework');
SELECT casesync.publish_casework('casework');
SET search_path = casework, casesync, public;
INSERT INTO organisation VALUES ('sp.example.org', 'Social affairs', true), ('ess.example.org', 'Employment office', false);
INSERT INTO office (id, organisation, name) VALUES (1, 'sp.example.org', 'Centre'), (2, 'ess.example.org', 'Centre');
INSERT INTO worker (id, office_id, name, role, supervisor_id) VALUES (3, 1, 'Saba', 'supervisor', NULL), (1, 1, 'Sami', 'case_manager', 3);
UPDATE review_rule SET rule = 'none', percent = NULL;
INSERT INTO person (id, surname, employment_status) SELECT i, 'Surname ' || i, 'Not Employed' FROM generate_series(1, 3) i;
INSERT INTO identifier SELECT i, 'NATIONAL_ID', 'ID-' || i FROM generate_series(1, 3) i;
INSERT INTO consent (id, person_id, purpose, given_on) SELECT i, i, 'sharing', '2026-01-01' FROM generate_series(1, 3) i;
INSERT INTO case_file (id, person_id, lead_organisation) SELECT i, i, 'sp.example.org' FROM generate_series(1, 3) i;
INSERT INTO case_party SELECT i, i, 'sp.example.org', 'case_manager', 1, 3 FROM generate_series(1, 3) i;
INSERT INTO portal_field VALUES ('person', 'employment_status');
CREATE ROLE portal LOGIN;
CREATE ROLE idp LOGIN;
SELECT casesync.grant_access('portal', 'portal'), casesync.grant_casework('casework', 'portal', 'portal');
SELECT casesync.grant_access('idp', 'portal_login'), casesync.grant_casework('casework', 'idp', 'portal_login');
SQL
$sp->agree('out', 'ess.example.org', registries => '{casework.member}', subjects => 'consents', fields => $fields, purpose => 'one case, two systems', subscribing => 'auto');
$ess->agree('in', 'sp.example.org', direction => 'in', fields => $fields, apply_mode => 'auto');
$ess->sql(<<'SQL');
CREATE TABLE heard (n bigserial PRIMARY KEY, national_id text, employment text, phone text);
CREATE FUNCTION hear(i casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	INSERT INTO heard (national_id, employment, phone) VALUES (casesync.identifier_of(i.record, 'NATIONAL_ID'), i.record->>'employment_status',
		i.record #>> '{demographic_info,phone_number,0}');
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Member', 'enrolment_status_change', 'hear(casesync.inbound)');
SQL
start_bridges($sp, $ess);
sub settled { return BridgeTest::wait_for('all to be routed', sub { $sp->sql('SELECT casesync_internal.unrouted_since() IS NULL') eq 't' }); }
ok(settled(), 'what was there before is nobody\'s news');
$ess->sql("SELECT casesync.subscribe_to('sp.example.org', 'enrolment_status_change', 'Member')");
ok(BridgeTest::wait_for('the subscription', sub { $ess->sql('SELECT state FROM casesync.my_subscriptions') eq 'active' }), 'the other system subscribes');

# As a login of the SP's database: what psql says.
sub as_role
{
	my ($role, $sql) = @_;
	my ($out, $err) = ('', '');
	$sp->{server}->psql('app', $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
	return $out . $err;
}

# A visit to the portal: the login knows who it is, and the portal does what the visitor wants.
sub visit
{
	my ($national_id, $sql) = @_;
	my $token = as_role('idp', "SELECT casework.person_token(casework.person_known_by('NATIONAL_ID', '$national_id'))");
	return as_role('portal', "BEGIN; SELECT casework.as_person('$token'); $sql; COMMIT");
}

sub heard { return $ess->sql("SELECT coalesce(string_agg(concat_ws(' ', national_id, employment, phone), ', ' ORDER BY n), '') FROM heard"); }

# --- told at once, as any change ---
is(visit('ID-1', "UPDATE casework.person SET employment_status = 'Employed', phone = '+221 1'"), '1', 'somebody finds a job, and says so in the portal');
ok(BridgeTest::wait_for('the update', sub { heard() eq 'ID-1 1 +221 1' }), 'the other system has it') or BAIL_OUT($sp->log_text);
is($sp->sql("SELECT worker_id || ' ' || person_id || ' ' || columns::text FROM casework.beneficiary_news"), '1 1 {employment_status,phone}', 'the case worker sees it');
ok(BridgeTest::wait_for('the acknowledgement', sub { $sp->sql("SELECT state FROM casesync.shared_status('casework.member', '1')") eq 'acknowledged' }), 'it is acknowledged');
is(visit('ID-1', 'SELECT partner, way, event_type, legal_basis, purpose FROM casework.my_disclosures()'), "1\nEmployment office|notify|enrolment_status_change|test|one case, two systems", 'and the person sees who was told');
is(visit('ID-2', 'SELECT count(*) FROM casework.my_disclosures()'), "2\n0", 'another one sees nothing of it');

# --- reviewed before it is shared, where the rule says so ---
$sp->sql("UPDATE casework.review_rule SET rule = 'before_sharing' WHERE event_type = 'enrolment_status_change'");
visit('ID-1', "UPDATE casework.person SET phone = '+221 2'");
visit('ID-2', "UPDATE casework.person SET phone = '+221 22'");
is($sp->sql('SELECT count(*) FROM casework.review_due WHERE supervisor_id = 3 AND kind = \'review\''), 2, 'two changes wait for the supervisor');
$sp->sql("SET casesync.actor = '3'; SELECT casework.decide(id, 'approved') FROM casework.review WHERE person_id = 2");
ok(BridgeTest::wait_for('the approved one', sub { heard() =~ /ID-2 2 \+221 22$/ }), 'what is approved is told');
unlike(heard(), qr/\+221 2,/, 'what is not approved is not');
$sp->sql("SET casesync.actor = '3'; SELECT casework.decide(id, 'approved') FROM casework.review WHERE person_id = 1");
ok(BridgeTest::wait_for('the other one', sub { heard() =~ /ID-1 1 \+221 2$/ }), 'until it is');
$sp->sql("UPDATE casework.review_rule SET rule = 'none'");

# --- while the partner is down and the own bridge dies: told when both are back, once ---
$ess->end_bridge('TERM');
visit('ID-3', "UPDATE casework.person SET phone = '+221 3'");
ok(BridgeTest::wait_for('attempts', sub { $sp->sql("SELECT count(*) > 0 FROM casesync.attempts WHERE verdict = 'retry'") eq 't' }), 'who is down is tried again');
$sp->kill_bridge;
$ess->start_bridge;
ok(BridgeTest::wait_for('the update', sub { heard() =~ /ID-3 2 \+221 3$/ }), 'it arrives when both are back');
is($ess->sql("SELECT count(*) FROM heard WHERE national_id = 'ID-3'"), 1, 'once');

# --- a consent that is withdrawn counts at once ---
is(visit('ID-3', 'UPDATE casework.consent SET withdrawn_on = current_date'), '3', 'somebody withdraws the consent');
ok(settled(), 'it is routed');
visit('ID-3', "UPDATE casework.person SET phone = '+221 33'");
visit('ID-2', "UPDATE casework.person SET phone = '+221 222'");
ok(BridgeTest::wait_for('the next of another', sub { heard() =~ /\+221 222$/ }), 'others go on being shared');
unlike(heard(), qr/\+221 33\b/, 'nothing is told of who has withdrawn');
is($sp->sql("SELECT string_agg(DISTINCT channel || ' ' || login, ', ') FROM casework.trail WHERE channel IS NOT NULL"), 'beneficiary portal', 'all of it has the channel of beneficiaries');
$_->stop_ok for $sp, $ess;

done_testing();
