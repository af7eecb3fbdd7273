# The router, two senders, writers and people who stop, resume, replace agreements, look again, fill gaps and send again are all at
# the same few subjects for a while. None of them gets an error, nobody waits in a circle, and in the end every partner has what is so.
use strict;
use warnings FATAL => 'all';

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = 15;
my $node = PostgreSQL::Test::Cluster->new('together');
$node->init(extra => ['--encoding=UTF8', '--no-locale']);
$node->append_conf('postgresql.conf', "fsync = off\nsynchronous_commit = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION casesync;
CREATE TABLE person (id integer PRIMARY KEY, v text, consent boolean NOT NULL DEFAULT true);
CREATE FUNCTION given(who integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT p.consent FROM public.person p WHERE p.id = who); END';
CREATE VIEW people AS SELECT id AS subject_key, given(id) AS consent, jsonb_build_object('v', v, 'member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'U' || id))) AS record FROM person;
CREATE FUNCTION agree(i integer) RETURNS void LANGUAGE sql AS $$
	SELECT casesync.set_agreement('A' || i, 'p' || i, registries => '{people}', event_types => '{enrolment}', fields => '{v,member_identifier}',
		identifier_types => '{UIN}', subjects => 'consent', on_leave => 'identifier_only', valid_from => '2020-01-01', legal_basis => 'x');
	SELECT casesync.activate('A' || i) $$;
SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false);
SELECT casesync.publish('people', 'people', 'Member');
SELECT casesync.track('person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment', on_delete => 'enrolment');
DO $$ BEGIN
	FOR i IN 1 .. 3 LOOP
		PERFORM casesync.set_partner('p' || i, 'https://p' || i || '.example');
		PERFORM agree(i);
		PERFORM casesync.subscribe('p' || i, 'enrolment', 'Member');
	END LOOP;
END $$;
/* One turn of a sender over all lanes; what is refused becomes a dead letter. */
CREATE PROCEDURE send(verdicts text[]) LANGUAGE plpgsql AS $$
DECLARE
	l integer;
	message uuid;
BEGIN
	FOREACH l IN ARRAY ARRAY(SELECT lane FROM casesync_internal.lanes() WHERE wait_ms = 0 ORDER BY random()) LOOP
		IF casesync_internal.lock_lane(l) THEN
			SELECT message_id INTO message FROM casesync_internal.take(l);
			COMMIT;
			IF message IS NOT NULL THEN
				PERFORM casesync_internal.record_outcome(l, message, verdicts[1 + floor(random() * cardinality(verdicts))], 0, 200, 'ACK', NULL, NULL);
				COMMIT;
			END IF;
			PERFORM casesync_internal.unlock_lane(l);
		END IF;
	END LOOP;
END $$;
SQL

my %part = (
	writer => <<'SQL',
		CASE floor(random() * 4)
			WHEN 0 THEN UPDATE person SET consent = NOT consent, v = floor(random() * 5)::text WHERE id = (SELECT 1 + floor(random() * 40));
			WHEN 1 THEN DELETE FROM person WHERE id = (SELECT 1 + floor(random() * 40));
			WHEN 2 THEN INSERT INTO person SELECT 1 + floor(random() * 40), 'new' ON CONFLICT DO NOTHING;
			/* in one order: else the writers would wait for each other in a circle of their own */
			ELSE UPDATE person SET v = floor(random() * 5)::text WHERE id IN (SELECT p.id FROM person p WHERE p.id % 5 = (SELECT floor(random() * 5))
				ORDER BY p.id FOR UPDATE); END CASE;
		PERFORM pg_sleep(0.01);
SQL
	router => 'PERFORM casesync_internal.route();',
	sender => "CALL send('{delivered,delivered,delivered,retry,refused}');",
	officer => <<'SQL',
		PERFORM FROM casesync.stop_sharing('test', 'p' || 1 + floor(random() * 3)); COMMIT;
		PERFORM casesync.resume_sharing(p.partner) FROM casesync.partners p; COMMIT;
		PERFORM agree(1 + floor(random() * 3)::integer);
SQL
	administrator => <<'SQL',
		PERFORM casesync.look_again('people'); COMMIT;
		PERFORM casesync.retry(d.reference_id) FROM casesync.dead_letter d; COMMIT;
		PERFORM casesync.stop_capture('test', 'person'); COMMIT;
		PERFORM FROM casesync.start_capture((SELECT max(gap) FROM casesync.gaps)); COMMIT;
		PERFORM casesync.fill_gap((SELECT max(gap) FROM casesync.gaps)); COMMIT;
		PERFORM casesync.retry_quarantine();
SQL
);
my @running;
foreach my $name (qw(writer writer router sender sender officer administrator))
{
	my $script = "DO \$\$ DECLARE until timestamptz := clock_timestamp() + interval '$seconds s'; BEGIN
		WHILE clock_timestamp() < until LOOP $part{$name} COMMIT; END LOOP; END \$\$;";
	my %run = (name => $name, out => '', error => '');
	$run{handle} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $script ],
		'>', \$run{out}, '2>', \$run{error});
	push @running, \%run;
}
foreach my $run (@running)
{
	$run->{handle}->finish;
	is($run->{error}, '', "$run->{name}: no error");
}
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'nobody waited in a circle');

$node->safe_psql('postgres', <<'SQL');
SELECT casesync.resume_sharing(partner) FROM casesync.partners;
SELECT casesync.retry(reference_id) FROM casesync.dead_letter;
SELECT FROM casesync_internal.tidy();
SQL
my $rest = "SELECT (SELECT count(*) FROM casesync_internal.look_again_entry) + (SELECT count(*) FROM casesync_internal.notification WHERE state = 'due')
	+ (SELECT count(*) FROM casesync_internal.quarantine_entry)";
my $left;
foreach (1 .. 200)
{
	$node->safe_psql('postgres', "SELECT casesync.retry_quarantine(); SELECT casesync_internal.route(); CALL send('{delivered}');");
	$left = $node->safe_psql('postgres', $rest);
	last if $left == 0;
}
is($left, 0, 'all is told');
# What a dead letter tells anew goes under its own number: what came last is what was delivered last.
my $wrong = $node->safe_psql('postgres', <<'SQL');
SELECT l.partner, n.key, n.record, n.removal, p.v, p.consent
  FROM (SELECT DISTINCT ON (x.lane, x.key) x.*
          FROM casesync_internal.notification x
          JOIN casesync_internal.disclosure d ON d.reference_id = x.reference_id AND d.outcome = 'delivered'
         WHERE x.state = 'delivered'
         ORDER BY x.lane, x.key, d.id DESC) n
  JOIN casesync_internal.lane l USING (lane)
  LEFT JOIN person p ON p.id::text = n.key
 WHERE CASE WHEN p.consent THEN n.removal OR n.record->>'v' <> p.v ELSE NOT n.removal END
SQL
is($wrong, '', 'and every partner has what is so');
if (my ($partner, $key) = $wrong =~ /^(p\d)\|(\d+)\|/)
{
	diag($node->safe_psql('postgres', "SELECT n.id, n.state, n.state_reason, n.place, n.seq, n.removal, n.record->>'v', d.id, d.outcome, d.at
	  FROM casesync_internal.notification n JOIN casesync_internal.lane l USING (lane) LEFT JOIN casesync_internal.disclosure d USING (reference_id)
	 WHERE l.partner = '$partner' AND n.key = '$key' ORDER BY n.id, d.id"));
}
$node->stop;
done_testing;
