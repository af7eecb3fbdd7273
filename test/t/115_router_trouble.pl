# What stops the router for one partner or one person stops it for nobody else: turns that fail are
# halved, a change that cannot be routed is set aside, filters that take too long are paused.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $good = $sp->start_partner(name => 'good');
my $evil = $sp->start_partner(name => 'evil');
$sp->create_application;
$sp->add_partner('good.example.org', $good->{port});
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1, 1000) n");
$sp->start_bridge(poll_interval => '1s');
$sp->wait_ready;

# How many people the good partner knows in their present state.
sub told
{
	return $sp->sql("SELECT count(DISTINCT n.key) FROM casesync_internal.notification n
		JOIN person p ON p.id::text = n.key
		WHERE n.state = 'delivered' AND n.record->'programme_identifier'->0->>'programme_name' = 'Cash ' || p.note
		  AND n.agreement = 'good-example-org'");
}

sub all_told
{
	my ($count, $what) = @_;
	return ok(BridgeTest::wait_for($what, sub { told() == $count }, 120), $what);
}

all_told(1000, 'everybody is told of');

# --- a turn that is too large ---
$sp->sql(<<'SQL');
CREATE FUNCTION too_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF (SELECT count(*) FROM fresh) > 100 THEN
		RAISE EXCEPTION USING errcode = 'out_of_memory', message = 'no memory for so many';
	END IF;
	RETURN NULL;
END $$;
SELECT format('CREATE TRIGGER too_many AFTER INSERT ON casesync_internal.notification_%s
	REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION too_many()', n) FROM generate_series(0, 7) n \gexec
UPDATE person SET note = note + 1;
SQL
all_told(1000, 'a turn that fails is tried again with fewer changes');
my $failed = () = $sp->log_text =~ /event=route_failed/g;
cmp_ok($failed, '>=', 4, 'it was halved down to less than a hundred');
is($sp->sql('SELECT count(*) FROM casesync.quarantine'), 0, 'nobody was set aside');

# --- a change that cannot be routed ---
$sp->sql(<<'SQL');
SELECT format('DROP TRIGGER too_many ON casesync_internal.notification_%s', n) FROM generate_series(0, 7) n \gexec
CREATE FUNCTION too_much() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.key = '500' THEN RAISE EXCEPTION USING errcode = 'query_canceled', message = 'this takes for ever'; END IF;
	RETURN NEW;
END $$;
SELECT format('CREATE TRIGGER too_much BEFORE INSERT ON casesync_internal.notification_%s
	FOR EACH ROW EXECUTE FUNCTION too_much()', n) FROM generate_series(0, 7) n \gexec
UPDATE person SET note = note + 1;
SQL
all_told(999, 'all others are told of');
like($sp->log_text, qr/event=change_set_aside .*this takes for ever/, 'the log says that one was set aside');
is($sp->sql("SELECT string_agg(concat_ws(' ', key, error_code, reason), ', ') FROM casesync.quarantine"),
	'500 CS003 SQLSTATE 57014: this takes for ever', 'it stands in quarantine');
like($sp->sql('SELECT problem FROM casesync.health'), qr/1 subjects of registry person cannot be rendered \(CS003\)/,
	'and health says so');
$sp->sql(<<'SQL');
SELECT format('DROP TRIGGER too_much ON casesync_internal.notification_%s', n) FROM generate_series(0, 7) n \gexec
SELECT casesync.retry_quarantine();
SQL
all_told(1000, 'it is told of when it can be');

# --- filters that take too long ---
$sp->sql("ALTER DATABASE app SET casesync.filter_timeout = '0.1ms'");
$sp->add_partner('evil.example.org', $evil->{port});
$sp->sql(<<'SQL');
SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE partner = 'evil.example.org';
SELECT count(casesync.subscribe('evil.example.org', 'enrolment_status_change', 'Beneficiary', (
	SELECT jsonb_build_object('$or', jsonb_agg(jsonb_build_object('enrollment_status',
		jsonb_build_object('$in', ARRAY[format('%s-%s-a', i, k), format('%s-%s-b', i, k)])))) FROM generate_series(1, 400) k)))
  FROM generate_series(1, 50) i;
UPDATE casesync_internal.subscription SET is_seeded = true;
SQL
# sessions that began before know nothing of the setting
$sp->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bridge'");
$sp->sql('UPDATE person SET note = note + 1');
all_told(1000, 'a partner whose filters take long holds up nobody');
is($sp->sql("SELECT count(*) || ' ' || count(paused_at) FROM casesync.subscriptions
	WHERE partner = 'evil.example.org' AND state = 'active'"), '50 50', 'its filters are paused');
like($sp->sql('SELECT problem FROM casesync.health'),
	qr/50 subscriptions of evil.example.org to filters are paused since .*: the filters took [0-9.]+ ms for/, 'health says so');

# --- paused ones miss nothing ---
$sp->sql(<<'SQL');
SELECT casesync.unsubscribe(code) FROM casesync.subscriptions WHERE partner = 'evil.example.org';
SELECT casesync.resume_filters('evil.example.org');
SQL
sub nothing_again
{
	return BridgeTest::wait_for('nothing to look at again', sub {
		$sp->sql('SELECT (SELECT count(*) FROM casesync_internal.missed) + (SELECT count(*) FROM casesync_internal.look_again_entry)') == 0
	});
}
ok(nothing_again(), 'what filters missed that are no more is looked at');
$sp->sql(<<'SQL');
SELECT casesync.subscribe('evil.example.org', 'enrolment_status_change', 'Beneficiary', '{"enrollment_status": {"$eq": "2"}}');
UPDATE casesync_internal.subscription SET is_seeded = true, paused_at = now() WHERE partner = 'evil.example.org' AND state = 'active';
UPDATE person SET status = 'X', note = note + 1 WHERE id <= 10;
SQL
all_told(1000, 'the good one is told');
is($sp->sql("SELECT count(*) FROM casesync_internal.missed"), 10, 'what the paused one misses is remembered');
$sp->sql("SELECT casesync.resume_filters('evil.example.org')");
ok(nothing_again(), 'when it goes on, that is looked at again');

$sp->stop_ok;
done_testing();
