# A partner that answers with everything but what it should: each answer leads to the outcome that
# was promised, no other partner waits for it, and in the end each record arrives in order.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $bad = $sp->start_partner(name => 'bad');
my $well = $sp->start_partner(name => 'well');
$sp->create_application;
$sp->add_partner('bad.example.org', $bad->{port});
$sp->add_partner('well.example.org', $well->{port});
$sp->start_bridge(send_timeout => '1s', connect_timeout => '1s');
$sp->wait_ready;

my $serial = 0;
my $next_person = 1;

sub due { return $sp->sql("SELECT sum(due) FROM casesync.queue WHERE partner = 'bad.example.org'"); }
sub nothing_due { return BridgeTest::wait_for('nothing due', sub { due() == 0 }); }
sub dead { return $sp->sql("SELECT count(*) FROM casesync.dead_letter WHERE partner = 'bad.example.org'"); }

# How the last attempt at the bad partner before the one that succeeded was recorded.
sub outcomes
{
	return $sp->sql("SELECT string_agg(DISTINCT concat_ws(' ', verdict, http_status, ack_status, error_code), ', ')
		FROM casesync.attempts WHERE partner = 'bad.example.org' AND verdict <> 'delivered'");
}

sub insert
{
	my $id = $next_person++;
	$sp->sql("INSERT INTO person VALUES ($id, 'ID-$id', 'A')");
	return $id;
}

sub person_of
{
	my ($item) = @_;
	my ($id) = BridgeTest->encode($item->{data}{reg_records}) =~ /"(ID-\d+|UNREADABLE)"/;
	return $id;
}

sub forget { $sp->sql("DELETE FROM casesync_internal.attempt"); return; }

insert();
ok($bad->wait_received(1) && $well->wait_received(1), 'both get the first');
nothing_due();

# --- what is tried again, and arrives with the same reference_id ---
my @retried = (
	[ { mode => 'status', status => 500 }, 'retry 500 as.told', 'HTTP 500' ],
	[ { mode => 'status', status => 503, retry_after => 0 }, 'retry 503 as.told', 'HTTP 503' ],
	[ { mode => 'status', status => 429 }, 'retry 429 as.told', 'HTTP 429' ],
	[ { mode => 'status', status => 408 }, 'retry 408 as.told', 'HTTP 408' ],
	[ { mode => 'garbage' }, 'retry 200', 'garbage' ],
	[ { mode => 'empty' }, 'retry 200', 'an empty answer' ],
	[ { mode => 'long' }, 'retry 200', 'an endless answer' ],
	# over a kept connection libcurl itself sends once more, over a new one, before it gives up
	[ { mode => 'early', count => 2 }, 'retry', 'a connection that ends early' ],
	[ { mode => 'hang' }, 'retry', 'no answer in time' ],
	[ { mode => 'err', code => 'err.service.unavailable' }, 'retry 200 ERR err.service.unavailable', 'ERR that passes' ],
);
for my $case (@retried)
{
	my ($order, $recorded, $name) = @$case;
	my $before = () = $bad->received;
	my $well_before = () = $well->received;
	forget();
	my $count = $order->{count} // 1;
	$bad->order(%$order, count => $count);
	insert();
	ok($bad->wait_received($before + $count + 1), "$name: tried again");
	ok(nothing_due(), "$name: and delivered");
	is(outcomes(), $recorded, "$name: recorded as $recorded");
	ok($well->wait_received($well_before + 1), "$name: the other partner got its own");
	my @messages = ($bad->received)[ $before, $before + $count ];
	my @references = map { $_->{message}{message}{notify_event}[0]{reference_id} } @messages;
	is($references[0], $references[1], "$name: the same reference_id");
	isnt($messages[0]{message}{header}{message_id}, $messages[1]{message}{header}{message_id},
		"$name: a new message_id");
}

# --- how long the partner wants us to wait ---
for my $case ([ sub { 2 }, 2000, 'seconds' ],
	[ sub { POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 3)) }, 1000, 'a date' ],
	[ sub { 'soon' }, 0, 'what is neither' ])
{
	my ($asked, $at_least, $name) = @$case;
	my $before = () = $bad->received;
	my $log_before = length $sp->log_text;
	$bad->order(mode => 'status', status => 503, count => 1, retry_after => $asked->());
	insert();
	ok($bad->wait_received($before + 2), "Retry-After in $name: tried again");
	my ($wait) = substr($sp->log_text, $log_before) =~ /http_status=503 .*wait_ms=(\d+)/;
	cmp_ok($wait, '>=', $at_least, 'not before that');
	cmp_ok($wait, '<=', $at_least > 0 ? 3500 : 1000, 'nor long after');
	ok(nothing_due(), 'and delivered');
}

# --- what counts as delivered ---
for my $case ([ { mode => 'nack' }, 'NACK' ], [ { mode => 'err', code => 'rjct.message_id.duplicate' }, 'a duplicate message_id' ])
{
	my $before = () = $bad->received;
	$bad->order(%{ $case->[0] }, count => 1);
	insert();
	ok($bad->wait_received($before + 1) && nothing_due(), "$case->[1] counts as delivered");
	is(scalar(() = $bad->received), $before + 1, "$case->[1]: once");
}
is(dead(), 0, 'no dead letter so far');

# --- what is refused: the single record that the partner refuses is found, the others arrive ---
forget();
$bad->order(mode => 'err', code => 'err.request.bad', containing => 'UNREADABLE');
$sp->sql("INSERT INTO person SELECT n, CASE n WHEN 117 THEN 'UNREADABLE' ELSE 'ID-' || n END, 'A' FROM generate_series(101, 140) n");
ok(BridgeTest::wait_for('a dead letter', sub { dead() == 1 }), 'the record that is refused becomes a dead letter');
ok(nothing_due(), 'and the others are worked off');
is($sp->sql("SELECT reason ~ 'err.request.bad' FROM casesync.dead_letter"), 't', 'with the reason');
my %arrived;
for my $item ($bad->items)
{
	next unless $item->{mode} eq 'ack';
	$arrived{ person_of($item) }++;
}
is(scalar(grep { /^ID-1[0-4]\d$/ } keys %arrived), 39, 'all the others arrived');
is(scalar(grep { $_ > 1 } values %arrived), 0, 'none of them twice');
cmp_ok($sp->sql("SELECT count(*) FROM casesync.attempts WHERE partner = 'bad.example.org'"), '<', 25,
	'found by halving, not one by one');

# --- what looks like trouble of the partner's, or with who we are, and is with one record ---
my $many = 200;
for my $case ([ { mode => 'err', code => 'err.signature.invalid' }, 'a signature that is not valid for one letter' ],
	[ { mode => 'status', status => 401 }, '401 for one record' ], [ { mode => 'status', status => 500 }, '500 for one record' ])
{
	my ($answer, $name) = @$case;
	my $dead = dead();
	forget();
	$bad->order(%$answer, containing => 'UNREADABLE');
	$sp->sql("INSERT INTO person SELECT n, CASE n WHEN $many + 7 THEN 'UNREADABLE' ELSE 'ID-' || n END, 'A' FROM generate_series($many, $many + 19) n");
	ok(BridgeTest::wait_for('a dead letter', sub { dead() == $dead + 1 }), "$name: a dead letter");
	ok(nothing_due(), "$name: the others are worked off");
	my %had = map { person_of($_) => 1 } grep { $_->{mode} eq 'ack' } $bad->items;
	is(scalar(grep { $had{"ID-$_"} } $many .. $many + 19), 19, "$name: all the others arrived");
	$many += 100;
}
forget();
my $dead_before = dead();
$bad->order(mode => 'status', status => 401, count => 12);
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series($many, $many + 5) n");
ok(BridgeTest::wait_for('all of them', sub {
	my %had = map { person_of($_) => 1 } grep { $_->{mode} eq 'ack' } $bad->items;
	return 6 == grep { $had{"ID-$_"} } $many .. $many + 5;
}), 'a partner that lets nobody in for a while gets all in the end');
is(dead(), $dead_before, 'and nothing of it is a dead letter');

# --- a partner whose status is all that it says ---
forget();
$sp->sql("SELECT casesync.set_partner('bad.example.org', acknowledges => 'status')");
my $posts = () = $bad->received;
$bad->order(mode => 'status', status => 204, count => 1);
insert();
ok(BridgeTest::wait_for('a delivery', sub { $sp->sql("SELECT count(*) FROM casesync.attempts
	WHERE partner = 'bad.example.org' AND verdict = 'delivered' AND http_status = 204 AND ack_status IS NULL") == 1 }),
	'where it was said that a status is enough, 204 is a delivery');
nothing_due();
is(scalar(() = $bad->received) - $posts, 1, 'and nothing comes twice');
$sp->sql("SELECT casesync.set_partner('bad.example.org', acknowledges => 'message')");

forget();
$bad->order(mode => 'status', status => 404, count => 1);
insert();
ok(BridgeTest::wait_for('a dead letter', sub { dead() == $dead_before + 1 }), 'HTTP 404 is a refusal');
is(outcomes(), 'refused 404 as.told', 'recorded as such');

# --- what stops a lane: nothing is sent until somebody says so ---
for my $case ([ 410, {} ], [ 302, { location => "http://127.0.0.1:$well->{port}/elsewhere" } ])
{
	my ($code, $more) = @$case;
	my $before = () = $bad->received;
	forget();
	$bad->order(mode => 'status', status => $code, %$more, count => 1);
	insert();
	ok(BridgeTest::wait_for('the lane to stop', sub {
		$sp->sql("SELECT bool_or(is_stopped) FROM casesync.lane_status WHERE partner = 'bad.example.org'") eq 't' }), "HTTP $code stops the lane");
	is(outcomes(), "stop $code as.told", 'recorded as such');
	is(due(), 1, 'what was to be sent is kept');
	insert();
	my $well_now = () = $well->received;
	ok($well->wait_received($well_now), 'others get on');
	is(scalar(() = $bad->received), $before + 1, 'nothing more is sent');
	$sp->sql("SELECT casesync.resume_sharing('bad.example.org')");
	ok(nothing_due(), 'after resume_sharing everything arrives');
}
is(scalar(grep { $_->{path} eq '/elsewhere' } $well->received), 0, 'a redirect is not followed');

# --- a partner that is away for a while ---
my $port = $bad->{port};
$bad->stop;
my $began = time;
my $people = $sp->sql('SELECT count(*) FROM person');
$sp->sql("UPDATE person SET status = 'S', note = note + 1");
# else both changes of a person could be looked at in one turn, and told as one state
ok(BridgeTest::wait_for('the first state of everybody to be routed', sub {
	$sp->sql("SELECT sum(due) FROM casesync.queue WHERE partner = 'bad.example.org'") >= $people }),
	'changes are routed while the partner is away');
$sp->sql("UPDATE person SET status = 'I', note = note + 1 WHERE id <= 5");
ok(BridgeTest::wait_for('the other partner to have all', sub {
	$sp->sql("SELECT sum(due) FROM casesync.queue WHERE partner = 'well.example.org'") == 0 }), 'a dead partner does not delay another');
$sp->wait_log(qr/partner=bad.example.org .*verdict=retry .*attempt=[3-9]/);
$bad = $sp->start_partner(name => 'back', port => $port);
ok(nothing_due(), 'when it is back, everything arrives');
my %states;
push @{ $states{ person_of($_) } }, $_ for $bad->items;
# (those whose record cannot be read have one name)
is(scalar(keys %states), $people - 3, 'of every person');
is_deeply([ map { scalar @{ $states{"ID-$_"} } } 1 .. 5 ], [ 2, 2, 2, 2, 2 ], 'each state');
is($sp->sql("SELECT count(*) FROM casesync.quarantined"), 0, 'nothing in quarantine');

# --- order: of each person as its note counts ---
my %last;
my $disorder = 0;
for my $item ($well->items)
{
	my ($note) = BridgeTest->encode($item->{data}{reg_records}) =~ /Cash (\d+)/;
	my $id = person_of($item);
	$disorder++ if ($last{$id} // -1) > $note;
	$last{$id} = $note;
}
is($disorder, 0, 'no person\'s states in disorder');

# --- an address that is not allowed ---
$sp->sql("SELECT casesync.set_partner('well.example.org', networks => '{10.0.0.0/8}')");
my $well_before = () = $well->received;
insert();
ok($sp->wait_log(qr/partner=well.example.org .*address not allowed/), 'an address outside the partner\'s networks is not connected to');
is(scalar(() = $well->received), $well_before, 'even over a connection that is still open');
unlike($sp->log_text, qr/ID-\d|UNREADABLE|Cash/, 'the log has no content');
$sp->stop_ok;

done_testing();
