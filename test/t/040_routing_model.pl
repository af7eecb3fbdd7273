# Random histories against a model: many subjects, two partners, writers with aborts, savepoints and
# prepared transactions, a router with chunks of any size, partners that refuse, lose answers and
# take things twice. Afterwards each partner must know exactly what its agreement lets pass.
# ROUTING_SEED repeats the decisions of a run.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{ROUTING_SEED} || int(rand(1_000_000));
srand($seed);
note("ROUTING_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('model');
$node->init(extra => ['--encoding=UTF8', '--no-locale']);
$node->append_conf('postgresql.conf',
	"fsync = off\nmax_prepared_transactions = 10\ndeadlock_timeout = 20ms\nlog_min_messages = fatal\n");
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION casesync;
CREATE TABLE item (id integer PRIMARY KEY, v integer NOT NULL, w integer NOT NULL, shared boolean NOT NULL);
CREATE TABLE history (n bigserial PRIMARY KEY, id integer, v integer, w integer);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO history (id, v, w) VALUES (NEW.id, NEW.v, NEW.w); RETURN NULL; END $$;
CREATE TRIGGER remember AFTER INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION remember();
CREATE VIEW items AS SELECT id AS subject_key, shared, jsonb_build_object('member_identifier',
	jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', id::text)),
	'v', v, 'w', w, 'secret', 'never') AS record FROM item;
SELECT casesync.set_node('sp', 'https://sp.example', four_eyes => false);
SELECT casesync.publish('items', 'items', 'Member');
SELECT casesync.track('item', '{items}', 'id', on_insert => 'enrolment',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SELECT casesync.set_partner(p, 'https://' || p) FROM unnest('{all,some}'::text[]) p;
SELECT casesync.set_agreement('A', 'all', registries => '{items}', event_types => '{enrolment,enrolment_status_change}',
	fields => '{v}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'x', on_leave => 'identifier_only');
SELECT casesync.set_agreement('S', 'some', registries => '{items}', event_types => '{enrolment,enrolment_status_change}',
	fields => '{v,w}', identifier_types => '{UIN}', subjects => 'shared', valid_from => '2020-01-01', legal_basis => 'x', on_leave => 'identifier_only');
SELECT casesync.activate(a) FROM unnest('{A,S}'::text[]) a;
SELECT casesync.subscribe(p, e, 'Member') FROM unnest('{all,some}'::text[]) p, unnest('{enrolment,enrolment_status_change}'::text[]) e;

/* Transactions of three rows are large, so that the window passes over some. */
DO $do$ BEGIN
	EXECUTE regexp_replace(regexp_replace(pg_get_functiondef('casesync_internal.turn_limit'::regproc),
		'(''bulk''::text THEN) \d+', '\1 2'), '(''window''::text THEN) \d+', '\1 1');
END $do$;
/* What the partners got, in the order in which they got it. */
CREATE TABLE received (n bigserial PRIMARY KEY, partner text, reference_id text, code text, seq bigint, record jsonb);
CREATE PROCEDURE deliver(partner_name text, messages integer, trouble float) LANGUAGE plpgsql AS $$
DECLARE
	l integer := (SELECT x.lane FROM casesync_internal.lane x WHERE x.partner = partner_name AND x.kind = 'notify');
	p record;
	arrives boolean;
	verdict text;
BEGIN
	FOR i IN 1 .. messages LOOP
		SELECT * INTO p FROM casesync_internal.take(l);
		EXIT WHEN NOT FOUND;
		COMMIT;
		/* Refused is what did not arrive; a lost answer may belong to a message that did. */
		verdict := CASE WHEN random() >= trouble THEN 'delivered' WHEN random() < 0.3 THEN 'refused' ELSE 'retry' END;
		arrives := verdict = 'delivered' OR verdict = 'retry' AND random() < 0.5;
		IF arrives THEN
			INSERT INTO received (partner, reference_id, code, seq, record)
			SELECT partner_name, e.value->>'reference_id', m.value->>'code', (m.value->>'seq')::bigint, e.value#>'{data,reg_records}'
			  FROM jsonb_array_elements(p.message::jsonb->'notify_event') WITH ORDINALITY e(value, n)
			  JOIN jsonb_array_elements(p.meta::jsonb->'items') WITH ORDINALITY m(value, n) USING (n) ORDER BY n;
		END IF;
		COMMIT;
		PERFORM casesync_internal.record_outcome(l, p.message_id, verdict, 0, CASE WHEN verdict = 'delivered' THEN 200 ELSE 400 END, NULL, NULL, NULL);
		COMMIT;
	END LOOP;
END $$;
CREATE TABLE passed_over (xid xid8);
CREATE FUNCTION pass_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.passed_over VALUES (NEW.xid); RETURN NULL; END $$;
CREATE TRIGGER pass_over AFTER INSERT ON casesync_internal.bulk_transaction FOR EACH ROW EXECUTE FUNCTION pass_over();
CREATE TABLE finished (yes boolean PRIMARY KEY);
CREATE PROCEDURE route_until_finished() LANGUAGE plpgsql AS $$ BEGIN
	WHILE NOT EXISTS (SELECT FROM finished) LOOP
		PERFORM casesync_internal.route(1 + (random() * 8)::integer);
		COMMIT;
	END LOOP;
END $$;
CREATE PROCEDURE deliver_until_finished(partner_name text) LANGUAGE plpgsql AS $$ BEGIN
	WHILE NOT EXISTS (SELECT FROM finished) LOOP
		CALL deliver(partner_name, 3, 0.3);
		COMMIT;
	END LOOP;
END $$;
SQL

sub write_one
{
	# So many that most are written rarely: a lost change must not be hidden by the next one.
	my $id = 1 + int(rand(600));
	my ($v, $w) = (int(rand(1000)), int(rand(3)));
	my $shared = rand() < 0.7 ? 'true' : 'false';
	my $kind = rand();
	return "DELETE FROM item WHERE id = $id;" if $kind < 0.15;
	return "DELETE FROM item WHERE id = $id; INSERT INTO item VALUES ($id, $v, $w, $shared) ON CONFLICT DO NOTHING;" if $kind < 0.25;
	return "UPDATE item SET id = id + 600 WHERE id = $id AND NOT EXISTS (SELECT FROM item WHERE id = $id + 600);" if $kind < 0.3;
	return "UPDATE item SET w = $w WHERE id % 60 = $id % 60;" if $kind < 0.32;
	return "UPDATE item SET v = v WHERE id = $id;" if $kind < 0.37;
	return "INSERT INTO item VALUES ($id, $v, $w, $shared) ON CONFLICT (id) DO UPDATE SET v = excluded.v, w = excluded.w, shared = excluded.shared;";
}

sub write_transaction
{
	my ($name) = @_;
	my $sql = "BEGIN;\n";
	for (0 .. int(rand(4)))
	{
		$sql .= write_one() . "\n";
		$sql .= "SAVEPOINT s; " . write_one() . (rand() < 0.5 ? " ROLLBACK TO s;\n" : " RELEASE s;\n") if rand() < 0.3;
	}
	my $end = rand();
	return $sql . "ROLLBACK;\n" if $end < 0.15;
	return $sql . "PREPARE TRANSACTION '$name';\nSELECT count(*) FROM history;\n"
		. (rand() < 0.3 ? 'ROLLBACK' : 'COMMIT') . " PREPARED '$name';\n" if $end < 0.3;
	return $sql . "COMMIT;\n";
}

# Errors of writers (deadlocks, duplicate keys) are part of the history.
my @sessions;
for my $writer (1 .. 4)
{
	push @sessions, [ join('', map { write_transaction("w${writer}_$_") } 1 .. 250), 0 ];
}
for my $router (1 .. 2)
{
	push @sessions, [ 'SELECT setseed(' . rand() . ");\nCALL route_until_finished();\n", 1 ];
}
for my $partner ('all', 'some')
{
	push @sessions, [ 'SELECT setseed(' . rand() . ");\nCALL deliver_until_finished('$partner');\n", 1 ];
}
# By files: a pipe would be fed only when its session's turn has come.
my $directory = PostgreSQL::Test::Utils::tempdir();
my @running;
for my $session (@sessions)
{
	my ($script, $stop) = @$session;
	my $file = $directory . '/' . scalar(@running);
	append_to_file("$file.sql", $script);
	push @running, { errors => "$file.err", must_work => $stop, handle => IPC::Run::start(
		[ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-v', "ON_ERROR_STOP=$stop", '-f', "$file.sql" ],
		'<', '/dev/null', '>', "$file.out", '2>', "$file.err", IPC::Run::timeout(180)) };
}
for my $run (@running)
{
	$node->safe_psql('postgres', 'INSERT INTO finished VALUES (true) ON CONFLICT DO NOTHING') if $run->{must_work};
	IPC::Run::finish($run->{handle});
	is(slurp_file($run->{errors}), '', 'a router or deliverer met no error') if $run->{must_work};
}
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM history'), '>', 300, 'there was a history');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'no transaction is left open');

# A load of everybody, and small changes behind it.
$node->safe_psql('postgres', 'UPDATE item SET v = v + 1000');
$node->safe_psql('postgres', 'UPDATE item SET v = v + 1 WHERE id % 50 = 0');
for (1 .. 1000)
{
	last if $node->safe_psql('postgres', 'SELECT count(*) FROM passed_over') ne '0';
	$node->safe_psql('postgres', 'SELECT casesync_internal.route(5)');
}
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM passed_over'), '>', 0, 'the window passes over large transactions');

# Let everything settle: dead letters are retried until none is left and nothing is due.
my $rounds = 0;
while ($rounds++ < 50)
{
	1 while $node->safe_psql('postgres', 'SELECT more FROM casesync_internal.route(1000)') eq 't';
	$node->safe_psql('postgres', "CALL deliver('$_', 1000000, 0)") for 'all', 'some';
	my $dead = $node->safe_psql('postgres', "SELECT count(casesync.retry(reference_id)::text) FROM casesync.dead_letter");
	last if $dead eq '0'
		&& $node->safe_psql('postgres', "SELECT count(*) FROM casesync_internal.notification WHERE state = 'due'") eq '0'
		&& $node->safe_psql('postgres', 'SELECT changes FROM casesync_internal.route(1000)') eq '0';
}
cmp_ok($rounds, '<', 50, 'it settles');

sub none_of
{
	my ($name, $sql) = @_;
	is($node->safe_psql('postgres', $sql), '', $name) or diag("ROUTING_SEED=$seed");
}

cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT reference_id) FROM received'), '>', 100, 'there was something to tell');
none_of('each partner knows the last state of each subject, and of no other', q{
	WITH known AS (
		SELECT DISTINCT ON (partner, id) partner, id, record FROM (
			SELECT r.*, (record#>>'{member_identifier,0,identifier_value}')::integer AS id FROM received r) r
		 ORDER BY partner, id, n DESC
	), expected AS (
		SELECT 'all' AS partner, id, jsonb_build_object('v', v) AS record FROM item
		UNION ALL
		SELECT 'some', id, jsonb_build_object('v', v, 'w', w) FROM item WHERE shared
	)
	SELECT coalesce(k.partner, e.partner), coalesce(k.id, e.id), k.record, e.record
	  FROM (SELECT partner, id, record - 'member_identifier' AS record FROM known WHERE NOT record ? 'additional_attributes') k
	  FULL JOIN expected e ON e.partner = k.partner AND e.id = k.id
	 WHERE k.record IS DISTINCT FROM e.record});
none_of('only agreed fields', q{
	SELECT partner, k FROM received CROSS JOIN jsonb_object_keys(record) k
	 WHERE k NOT IN ('member_identifier', 'v', CASE partner WHEN 'some' THEN 'w' ELSE 'v' END, 'additional_attributes')});
none_of('nothing is fabricated', q{
	SELECT * FROM received r WHERE NOT record ? 'additional_attributes' AND NOT EXISTS (
		SELECT FROM history h WHERE h.id::text = r.record#>>'{member_identifier,0,identifier_value}'
		   AND h.v = (r.record->>'v')::integer AND (r.partner = 'all' OR h.w = (r.record->>'w')::integer))});
none_of('what comes twice has its number', q{
	SELECT reference_id FROM received GROUP BY partner, reference_id HAVING count(DISTINCT (seq, code)) > 1});
none_of('what comes twice says the same, or what was so later', q{
	WITH was AS MATERIALIZED (
		SELECT r.n, r.partner, r.reference_id, min(h.n) AS since, max(h.n) AS until
		  FROM received r JOIN history h ON h.id::text = r.record#>>'{member_identifier,0,identifier_value}'
			AND h.v = (r.record->>'v')::integer AND (r.partner = 'all' OR h.w = (r.record->>'w')::integer)
		 WHERE NOT r.record ? 'additional_attributes' GROUP BY r.n)
	SELECT a.reference_id FROM was a JOIN was b USING (partner, reference_id) WHERE a.n < b.n AND b.until < a.since});
none_of('every number of a subscription is given once, without a gap', q{
	SELECT subscription FROM casesync_internal.notification WHERE seq IS NOT NULL
	 GROUP BY subscription HAVING count(*) <> max(seq) OR count(DISTINCT seq) <> max(seq)});
none_of('what was not refused comes in the order of its numbers', q{
	SELECT * FROM (
		SELECT r.code, r.seq, lag(r.seq) OVER (PARTITION BY r.code ORDER BY r.first) AS before
		  FROM (SELECT code, seq, reference_id, min(n) AS first FROM received GROUP BY 1, 2, 3) r
		 WHERE r.reference_id NOT IN (SELECT about FROM casesync.audit WHERE what = 'retry')) o
	 WHERE before >= seq});
none_of('nobody is in quarantine', q{SELECT * FROM casesync.quarantine});

done_testing();
