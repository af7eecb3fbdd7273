# Signed messages that somebody has captured, and messages turned back on their sender: whoever sends
# them anew, anywhere, changed or not, brings nothing about that they did not bring about the first time.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $partner = $sp->start_partner;
$sp->create_application;
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A', 1)");
my %key;
for my $name (qw(ess far))
{
	my ($file, $jwk) = $sp->make_key($name);
	$key{"$name.example.org"} = $file;
	$sp->sql(<<"SQL");
SELECT casesync.set_partner('$name.example.org', 'http://127.0.0.1:$partner->{port}/$name', networks => '{127.0.0.0/8}');
SELECT casesync.add_key('$name.example.org', '$jwk');
SQL
	$sp->agree_out("out-$name", "$name.example.org", services => '{notify,search,check_enrollment}', fields => '{enrollment_status}',
		subscribing => 'auto');
}
$sp->start_bridge;
$sp->wait_ready;

my $now = '2026-11-22T10:00:00Z';

sub signed
{
	my ($action, $message, %more) = @_;
	my $by = delete $more{by};
	my $header = $sp->header($action, %more);
	my $order = $sp->encode({ header => $header, message => $message }) =~ s/"(total_count)":"(\d+)"/"$1":$2/gr;
	return BridgeTest::python('sign_message', $order, $key{ $by // $header->{sender_id} });
}

my %message = (
	subscribe => { transaction_id => 't-1', subscribe_request => [ { reference_id => 'r-1', timestamp => $now,
		subscribe_criteria => { reg_event_type => 'enrolment_status_change', notify_record_type => 'Beneficiary' } } ] },
	search => { transaction_id => 't-2', search_request => [ { reference_id => 'r-2', timestamp => $now,
		search_criteria => { query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => 'ID-1' } } } ] },
	unsubscribe => { transaction_id => 't-3', timestamp => $now, subscription_codes => ['nobodys'] },
);
my @paths = qw(subscribe unsubscribe search txn/status notify on-subscribe on-unsubscribe on-search txn/on-status
  sync/search sync/txn/status sync/check-enrollment);
my $effects = sub { $sp->sql('SELECT (SELECT count(*) FROM casesync_internal.message_in), (SELECT count(*) FROM casesync_internal.subscription),
	(SELECT count(*) FROM casesync_internal.request_in), (SELECT count(*) FROM casesync.inbox), (SELECT count(*) FROM casesync_internal.outgoing)') };
my %token = map { $_ => 'Bearer ' . $sp->token($_) } sort keys %key;

for my $action (sort keys %message)
{
	my $captured = signed($action, $message{$action});
	my $first = $sp->post("/registry/$action", $captured);
	is($first->{short}, '200 ACK', "a signed $action is acknowledged");
	ok(BridgeTest::wait_for('its callback', sub { grep { ($_->{message}{message}{correlation_id} // '') eq $first->{json}{message}{correlation_id} }
		$partner->received }), 'and answered');
	my $before = $effects->();

	# the same bytes
	is($sp->post("$_/registry/$action", $captured)->{content}, $first->{content}, "again at $_/registry/$action: the first answer")
	  for '', '/ess', '/sp';
	for my $path (grep { $_ ne $action && $_ ne "sync/$action" } @paths)
	{
		my $answer = $sp->post("/registry/$path", $captured);
		is($answer->{short}, ($path =~ /^sync/ ? 400 : 200) . ' ERR err.request.bad', "at $path: refused");
	}
	is($sp->post("/registry/$action", $captured, Authorization => undef)->{short}, '401 ERR err.request.unauthorized', 'without a token: refused');
	is($sp->post("/registry/$action", $captured, Authorization => $token{'far.example.org'})->{short}, '401 ERR err.sender_id.invalid',
		'with the token of another partner: refused');

	# changed
	my %changed = (
		'another message_id' => $captured =~ s/"message-\d+"/"message-0"/r,
		'another action' => $captured =~ s/"action": "\w+"/"action": "notify"/r,
		'a sender_uri' => $captured =~ s/"header": \{/"header": {"sender_uri": "http:\/\/127.0.0.1:$partner->{port}\/ess\/x", /r,
		'another transaction_id' => $captured =~ s/"t-\d"/"t-9"/r,
		'more in the message' => $captured =~ s/"message": \{/"message": {"more": 1, /r,
		'a later end' => $captured =~ s/(?<=expires=\\")(\d+)/$1 + 60/er,
		'the other\'s name' => $captured =~ s/ess\.example\.org/far.example.org/gr,
		'the other\'s name in the header' => $captured =~ s/"sender_id": "ess\./"sender_id": "far./r,
	);
	for my $what (sort keys %changed)
	{
		isnt($changed{$what}, $captured, "$what: changed");
		my $whose = $changed{$what} =~ /"sender_id": "far/ ? 'far.example.org' : 'ess.example.org';
		is($sp->post("/registry/$action", $changed{$what}, Authorization => $token{$whose})->{short}, '401 ERR err.signature.invalid', "$what: refused");
	}
	is($effects->(), $before, 'none of it had an effect');
}

# --- one name, one key, one token ---
my $before = $effects->();
is($sp->post('/registry/search', signed('search', $message{search}, by => 'far.example.org'))->{short}, '401 ERR err.signature.invalid',
	'the key of another partner does not sign for this one');
is($sp->post('/registry/search', signed('search', $message{search}, receiver_id => 'far.example.org'))->{short}, '200 ERR err.receiver_id.invalid',
	'a message to somebody else is not one to us');
my $far = signed('search', $message{search}, sender_id => 'far.example.org');
for my $path (@paths)
{
	is($sp->post("/registry/$path", $far, Authorization => $token{'ess.example.org'})->{short}, '401 ERR err.sender_id.invalid',
		"$path: a token of one partner, a message of another");
}

# --- our own messages, turned back on us ---
for my $sent ($partner->received)
{
	my ($path) = $sent->{path} =~ m{/registry/(.+)};
	# the sides of an answer may be those of its question: then its signature says whose it is
	my $why = $path =~ /\bon-/ ? 'signature' : 'sender_id';
	is($sp->post("/registry/$path", $sent->{body}, Authorization => $token{'ess.example.org'})->{short}, "401 ERR err.$why.invalid",
		"our own $path is nobody's");
}
is($effects->(), $before, 'nothing of that had an effect');
$sp->stop_ok;

done_testing();
