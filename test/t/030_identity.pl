# Copies of a database must not speak: dump and restore, another database, a physical copy. After
# resume() nothing is lost and nothing numbered twice; a failover to a standby just goes on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $bridge_id = '00000000-0000-4000-8000-000000000001';
my $node = PostgreSQL::Test::Cluster->new('source');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 5\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', <<"SQL");
CREATE EXTENSION casesync;
CREATE TABLE person (id integer PRIMARY KEY, status text);
CREATE VIEW people AS SELECT id::text AS subject_key, jsonb_build_object('member_identifier', jsonb_build_array(
	jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)), 'employment_status', status) AS record FROM person;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
SELECT casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment_status_change', on_update => 'enrolment_status_change');
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test');
SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment_status_change}',
	fields => '{employment_status}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'law');
SELECT casesync.activate('OUT');
SELECT casesync.subscribe('ess.test', 'enrolment_status_change', 'Member');
SELECT paused FROM casesync_internal.bridge_versions() v, casesync_internal.bridge_start('$bridge_id', v.highest);
CREATE FUNCTION route_all() RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE
	r record;
	n bigint := 0;
BEGIN
	LOOP
		SELECT * INTO r FROM casesync_internal.route(2);
		n := n + r.changes;
		EXIT WHEN NOT r.more;
	END LOOP;
	RETURN n;
END
\$\$;
-- sends one message as a bridge does; what it says, with numbers and stream
CREATE FUNCTION send() RETURNS TABLE (says text, seqs text, stream text) LANGUAGE plpgsql AS \$\$
DECLARE
	l integer := (SELECT lane FROM casesync_internal.lane WHERE kind = 'notify');
	p casesync_internal.parcel;
BEGIN
	SELECT * INTO p FROM casesync_internal.take(l);
	PERFORM casesync_internal.record_outcome(l, p.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL);
	SELECT string_agg(concat(e #>> '{data,reg_records,member_identifier,0,identifier_value}', '=', e #>> '{data,reg_records,employment_status}'), ' ' ORDER BY n)
	  INTO says FROM jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY x(e, n);
	SELECT string_agg(i->>'seq', ' ') INTO seqs FROM jsonb_array_elements(p.meta::jsonb->'items') i;
	stream := p.meta::jsonb->>'stream';
	RETURN NEXT;
END
\$\$;
INSERT INTO person SELECT i, 'a' FROM generate_series(1, 5) i;
SQL
is($node->safe_psql('origin', 'SELECT route_all()'), '5', 'routed at home');
my ($says, $seqs, $stream) = split /\|/, $node->safe_psql('origin', 'SELECT * FROM send()');
is($says, '1=a 2=a 3=a 4=a 5=a', 'sent at home');
is($seqs, '1 2 3 4 5', 'numbers at home');

# A window that is half routed when the dump is made: one transaction of three was still open when it
# began, and commits before the dump.
my $late = $node->background_psql('origin');
$late->query_safe("BEGIN; UPDATE person SET status = 'late' WHERE id = 1;");
$node->safe_psql('origin', "UPDATE person SET status = 'b' WHERE id = $_") for 2, 3, 4;
is($node->safe_psql('origin', 'SELECT changes, more FROM casesync_internal.route(2)'), '2|t', 'a window is open');
$late->query_safe('COMMIT;');
$late->quit;
$node->safe_psql('origin', "UPDATE person SET status = 'before dump' WHERE id = 5");
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('origin') ], 'dump');

# What a restored copy must do.
sub check_copy
{
	my ($copy, $name) = @_;
	my $bridge = "SELECT paused FROM casesync_internal.bridge_versions() v, casesync_internal.bridge_start('$bridge_id', v.highest)";

	is($copy->safe_psql('origin_copy', 'SELECT casesync_internal.may_speak()'), 'f', "$name: silent without being told");
	like($copy->safe_psql('origin_copy', 'SELECT problem FROM casesync.health'), qr/is a copy/, "$name: health says so");
	is($copy->safe_psql('origin_copy', 'SELECT * FROM casesync_internal.route()'), '0|0|f', "$name: no routing");
	is($copy->safe_psql('origin_copy', 'SELECT * FROM casesync_internal.lanes()'), '', "$name: no lane");
	is($copy->safe_psql('origin_copy', 'SELECT count(*) FROM casesync_internal.take((SELECT min(lane) FROM casesync_internal.lane))'), '0', "$name: no taking");
	is($copy->safe_psql('origin_copy', $bridge), 't', "$name: the bridge is told");
	is($copy->safe_psql('origin_copy', $bridge), 't', "$name: and told again");

	# Work goes on there, also across resume().
	$copy->safe_psql('origin_copy', "UPDATE person SET status = 'before resume' WHERE id = 2");
	my $open = $copy->background_psql('origin_copy');
	$open->query_safe("BEGIN; UPDATE person SET status = 'across resume' WHERE id = 3;");
	is($copy->safe_psql('origin_copy', 'SELECT count(*) FROM casesync.resume()'), '1', "$name: resumed");
	is($copy->safe_psql('origin_copy', $bridge), 'f', "$name: the bridge works");
	is($copy->safe_psql('origin_copy', 'SELECT route_all() >= 4'), 't', "$name: routed what there was");
	$open->query_safe('COMMIT;');
	$open->quit;
	is($copy->safe_psql('origin_copy', 'SELECT route_all()'), '1', "$name: an open transaction's change is not lost");
	$copy->safe_psql('origin_copy', "INSERT INTO person VALUES (6, 'after resume')");
	is($copy->safe_psql('origin_copy', 'SELECT route_all()'), '1', "$name: routed after resume");

	my ($copy_says, $copy_seqs, $copy_stream) = split /\|/, $copy->safe_psql('origin_copy', 'SELECT * FROM send()');
	my %newest = map { /^(\d+)=(.*)/ ? ($1 => $2) : () } split / (?=\d+=)/, $copy_says;
	is_deeply(\%newest, { 1 => 'late', 2 => 'before resume', 3 => 'across resume', 4 => 'b', 5 => 'before dump', 6 => 'after resume' },
		"$name: the last state of everybody is sent");
	my @numbers = split / /, $copy_seqs;
	is_deeply(\@numbers, [ 1 .. @numbers ], "$name: numbers begin at 1");
	isnt($copy_stream, $stream, "$name: another stream");
	is($copy->safe_psql('origin_copy', 'SELECT count(*) FROM casesync_internal.notification WHERE state = $$due$$'), '0', "$name: nothing is left");
	is($copy->safe_psql('origin_copy', 'SELECT count(DISTINCT era) FROM casesync_internal.change'), '2', "$name: two eras");
	like($copy->safe_psql('origin_copy', 'SELECT * FROM casesync_internal.tidy(0)'), qr/^t/, "$name: the log goes on with the next leaf");
	is($copy->safe_psql('origin_copy', 'SELECT emptied FROM casesync_internal.tidy(0) UNION ALL SELECT count(*) FROM casesync_internal.change') =~ /^\d\n\d+$/ ? 1 : 0, 1, "$name: tidied");
	is($copy->safe_psql('origin_copy', 'SELECT count(*) FROM casesync_internal.change'), '0', "$name: routed leaves are emptied");
	return;
}

# Into another database of the same cluster, and into a younger cluster.
my $younger = PostgreSQL::Test::Cluster->new('younger');
$younger->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$younger->append_conf('postgresql.conf', 'fsync = off');
$younger->start;
foreach my $target ([ $node, 'other database' ], [ $younger, 'younger cluster' ])
{
	my ($copy, $name) = @$target;

	$copy->safe_psql('postgres', 'CREATE DATABASE origin_copy');
	$copy->command_ok([ 'pg_restore', '-j4', '--exit-on-error', '-d', $copy->connstr('origin_copy'), $dump ], "$name: restored");
	check_copy($copy, $name);
}

# The original was not touched by any of it.
is($node->safe_psql('origin', 'SELECT casesync_internal.may_speak()'), 't', 'the original still speaks');
is($node->safe_psql('origin', 'SELECT route_all() > 0'), 't', 'the original routes the rest');

# A physical copy cannot be told by itself from the original: its bridge's file tells. A standby that
# takes over has the file's node_id, and goes on with the same stream and numbers.
$node->backup('base');
foreach my $kind ('copy', 'standby')
{
	my $physical = PostgreSQL::Test::Cluster->new($kind);

	$physical->init_from_backup($node, 'base', has_streaming => $kind eq 'standby' ? 1 : 0);
	$physical->start;
	if ($kind eq 'standby')
	{
		$node->safe_psql('origin', "UPDATE person SET status = 'replicated' WHERE id = 4");
		$node->wait_for_catchup($physical, 'replay', $node->lsn('insert'));
		is($physical->safe_psql('origin', 'SELECT casesync_internal.may_speak()'), 't', 'standby: can be asked');
		$node->stop('fast');
		$physical->promote;
	}
	my $id = $kind eq 'standby' ? $bridge_id : '00000000-0000-4000-8000-000000000002';
	is($physical->safe_psql('origin', "SELECT paused FROM casesync_internal.bridge_versions() v, casesync_internal.bridge_start('$id', v.highest)"),
		$kind eq 'standby' ? 'f' : 't', "$kind: whether it may go on");
	if ($kind eq 'standby')
	{
		is($physical->safe_psql('origin', 'SELECT route_all()'), '1', 'standby: routes');
		my ($its_says, $its_seqs, $its_stream) = split /\|/, $physical->safe_psql('origin', 'SELECT * FROM send()'), -1;
		like($its_says, qr/4=replicated$/, 'standby: sends what the primary had no time for');
		like($its_seqs, qr/^6 7 8/, 'standby: numbers go on');
		is($its_stream, $stream, 'standby: the same stream');
	}
	else
	{
		is($physical->safe_psql('origin', "SELECT count(*) FROM casesync.health WHERE problem ~ '$id' AND problem ~ 'start_as_copy'"), '1',
			'copy: health tells of the bridge that waits, and how a copy stays silent');
		$physical->safe_psql('origin', 'SELECT route_all()');
		my $open = $physical->background_psql('origin');
		$open->query_safe("BEGIN; UPDATE person SET status = 'open' WHERE id = 1;");
		$physical->safe_psql('origin', 'SELECT casesync.resume()');
		is($physical->safe_psql('origin', 'SELECT route_all()'), '0', 'copy: nothing to route yet');
		$open->query_safe('COMMIT;');
		$open->quit;
		is($physical->safe_psql('origin', 'SELECT route_all()'), '1', 'copy: a transaction open at resume() is not lost');
		isnt($physical->safe_psql('origin', 'SELECT stream FROM casesync_internal.node'), $stream, 'copy: another stream');
		is($physical->safe_psql('origin', 'SELECT era FROM casesync_internal.node'), '1', 'copy: the same era, since transaction ids go on');
	}
	$physical->stop('fast');
}

done_testing();
