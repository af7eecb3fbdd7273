# Who keeps the bridge from its work is named by health: a transaction that somebody left open, in the midst of a decision, of a
# lock for a table, or prepared. And what failed is taken back as soon as it does not fail any more, whichever bridge said so.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $server = $sp->{server};
my $partner = $sp->start_partner;
$sp->create_application;
$sp->add_partner('partner.example.org', $partner->{port});
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
$sp->start_bridge(poll_interval => '1s');
$sp->wait_ready;

sub told
{
	my ($what) = @_;
	return ok(BridgeTest::wait_for($what, sub {
		$sp->sql("SELECT count(*) FROM person p WHERE NOT EXISTS (SELECT FROM casesync_internal.notification n
			WHERE n.key = p.id::text AND n.state = 'delivered'
			  AND n.record->'programme_identifier'->0->>'programme_name' = 'Cash ' || p.note)") == 0
	}), $what);
}

# What health says of a transaction, as soon as it does.
sub keeps
{
	my ($pid, $severity, $what) = @_;
	my $named = "SELECT severity || ' ' || problem FROM casesync.health WHERE problem ~ 'keeps the bridge' ORDER BY 1";
	BridgeTest::wait_for($what, sub { $sp->sql($named) ne '' }, 60);
	return like($sp->sql($named), qr/^$severity session $pid of role "\w+" keeps the bridge from its work; its transaction is open since \d/,
		$what);
}

sub transaction
{
	my ($statement) = @_;
	my $session = $server->background_psql('app', on_error_stop => 1);
	$session->query_safe("BEGIN; $statement");
	return ($session, $session->query_safe('SELECT pg_backend_pid()'));
}

sub nothing_held
{
	my ($what) = @_;
	return is($sp->sql("SELECT count(*) FROM casesync.health WHERE problem ~ 'keeps the bridge'"), 0, $what);
}

told('the first one');
nothing_held('nobody keeps the bridge waiting');

# --- a decision that is not committed keeps the router from its turn ---
my ($idle, $pid) = transaction('SELECT count(*) FROM (SELECT casesync.look_again(\'person\')) x');
$sp->sql('UPDATE person SET note = note + 1');
keeps($pid, 'critical', 'an open transaction that keeps the router is named');
my $mend = $sp->sql("SELECT mend FROM casesync.health WHERE problem ~ 'keeps the bridge'");
like($mend, qr/^SELECT \* FROM pg_stat_activity WHERE pid = $pid;/, 'with the SQL to look at it');
$idle->query_safe('COMMIT');
$idle->quit;
told('when it has ended, changes are told');
nothing_held('nobody is named any more');

# --- a table that somebody has locked makes the bridge wait; who waits himself is not named ---
my ($first, $first_pid) = transaction('LOCK casesync_internal.notification_0 IN SHARE MODE');
my ($lock, $lock_pid) = transaction('SELECT 1');
$lock->query_until(qr/begun/, "\\echo begun\nLOCK casesync_internal.notification_0 IN SHARE ROW EXCLUSIVE MODE;\n");
$sp->sql('UPDATE person SET note = note + 1');
keeps($first_pid, 'critical', 'who has locked a table that the bridge needs is named');
is($sp->sql("SELECT count(*) FROM casesync.health WHERE problem ~ 'session $lock_pid '"), 0, 'who waits for it as well is not');
$first->query_safe('ROLLBACK');
$first->quit;
$lock->query_safe('ROLLBACK');
$lock->quit;
told('and then changes are told');

# --- so is a prepared transaction ---
$sp->sql("BEGIN; LOCK casesync_internal.notification_0 IN SHARE MODE; PREPARE TRANSACTION 'forgotten'");
$sp->sql('UPDATE person SET note = note + 1');
ok(BridgeTest::wait_for('a prepared one to be named', sub {
	$sp->sql("SELECT count(*) FROM casesync.health WHERE problem ~ '^a prepared transaction keeps the bridge from its work since'") == 1
}, 60), 'a prepared transaction is named');
$sp->sql("ROLLBACK PREPARED 'forgotten'");
told('when it has ended, changes are told again');

# --- what a bridge said that is gone is taken back by the next one that has a turn ---
my $fails = "SELECT count(*) FROM casesync.health WHERE problem ~ 'routing fails'";
$sp->sql(<<'SQL');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	RAISE EXCEPTION USING errcode = 'query_canceled', message = 'canceled';
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON casesync_internal.routing_state FOR EACH STATEMENT EXECUTE FUNCTION refuse();
UPDATE person SET note = note + 1;
SQL
ok(BridgeTest::wait_for('health to say that routing fails', sub { $sp->sql($fails) == 1 }), 'health says that routing fails');
kill 'STOP', $sp->{bridge};
$sp->sql('DROP TRIGGER refuse ON casesync_internal.routing_state');
my $since = time;
$sp->kill_bridge;
told('the next bridge tells');
ok(BridgeTest::wait_for('health to take it back', sub { $sp->sql($fails) == 0 }, 60), 'and takes back what the first one said');
cmp_ok(time - $since, '<', 100, 'long before it is forgotten by itself');

$sp->stop_ok;
done_testing();
