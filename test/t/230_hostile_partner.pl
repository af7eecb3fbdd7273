# Partners who are as costly as their quotas allow, beside one who asks for little: he is answered as if they were
# not there. Measured by what is done for them while he waits, not by time.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;

my @hostile = map { "evil$_.example.org" } 1 .. 3;
my $sp = BridgeTest->new;
my $good = $sp->start_partner;
$sp->create_application;
$sp->add_partner('good.example.org', $good->{port}, signature => 'unsigned_accepted');
$sp->sql("SELECT casesync.set_partner('$_', 'http://127.0.0.1:9', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted',
	callback_prefixes => '{http://127.0.0.1:*}')") for @hostile;
$sp->start_bridge(send_timeout => '120s');
$sp->wait_ready;

my $serial = 0;

sub body
{
	my ($sender, $action, $message, %more) = @_;
	return $sp->encode({ header => { message_id => 'm-' . ++$serial . "-$$", message_ts => '2026-11-26T10:00:00Z', action => $action,
		sender_id => $sender, receiver_id => 'sp.example.org', total_count => 1, %more }, message => $message });
}

sub status_question
{
	my ($sender, %more) = @_;
	return body($sender, 'txn-status', { transaction_id => 't', txnstatus_request => { reference_id => 'r', txn_type => 'search',
		attribute_type => 'transaction_id', attribute_value => 'unknown' } }, %more);
}

# --- what is sent: servers that take a message and never answer, at more addresses than there are places ---
my @silent = map { IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') // die "listen: $!" } 1 .. 31;
for my $partner (@hostile)
{
	for my $server (@silent)
	{
		my $answer = $sp->post('/registry/txn/status', status_question($partner,
			sender_uri => 'http://127.0.0.1:' . $server->sockport . '/registry/txn/on-status'));
		die "$answer->{short}" if $answer->{short} ne '200 ACK';
	}
}

sub in_flight
{
	my ($partners) = @_;
	return $sp->sql("SELECT count(*) FROM casesync.lane_status WHERE in_flight AND partner LIKE '$partners'");
}

sub hostile_attempts { return scalar(() = $sp->log_text =~ /event=sent .*partner=evil/g); }

ok(BridgeTest::wait_for('lanes', sub { $sp->sql("SELECT count(*) FROM casesync.lane_status
	WHERE partner LIKE 'evil%' AND address <> ''") == 93 }), 'hostile partners have 93 addresses');
ok(BridgeTest::wait_for('messages to them', sub { in_flight('evil%') >= 3 }), 'and messages under way');
for my $round (1 .. 10)
{
	$sp->sql("INSERT INTO person VALUES ($round, 'ID-$round', 'A')");
	ok($good->wait_received($round, 30), "news $round arrives at the good one") or last;
}
is(hostile_attempts(), 0, 'not one of theirs has ended meanwhile: nothing waited for them');
cmp_ok(in_flight('evil%'), '<=', 12, 'each has a few places of the 64');
@silent = ();
ok(BridgeTest::wait_for('the ends of those', sub { hostile_attempts() >= 93 }), 'when their servers go away, all 93 are tried in turn');


# --- what is asked: more than they may, and all of it costly ---
my $wanted = 150;

sub search
{
	my ($sender, $type, $query) = @_;
	return body($sender, 'search', { transaction_id => 't', search_request => [ { reference_id => '@ID@', timestamp => '2026-11-26T10:00:00Z',
		search_criteria => { query_type => $type, query => $query } } ] }, message_id => '@ID@');
}

# One filter of 200 nodes with long words, looked for in many people.
sub heavy_search
{
	my ($sender) = @_;
	my @nodes = map { my $node = $_; { enrollment_status => { '$in' => [ map { "w$node-$_" . 'z' x 100 } 1 .. 8 ] } } } 1 .. 60;
	return search($sender, 'expression', { '$or' => \@nodes });
}

# As many bytes as are checked, and a signature that is not good.
sub forged_notify
{
	my ($sender) = @_;
	my $key = $sp->{folder} . '/evil.key';
	my $rows = [ map { [ map { $_ * 1.37 } 1 .. 1000 ] } 1 .. 300 ];
	my $body = BridgeTest::python('sign_message', $sp->encode({ header => { version => '1.0.0', message_id => 'm', message_ts => '2026-11-26T10:00:00Z',
		action => 'notify', sender_id => $sender, receiver_id => 'sp.example.org', total_count => 1 },
		message => { transaction_id => 't', notify_event => [ { rows => $rows } ] } }), $key);
	my $wrong = 'B' x 85 . 'A==';
	$body =~ s/signature=\\"[^\\]+\\"/signature=\\"$wrong\\"/ or die 'no signature';
	return $body;
}

my %hostile = ($hostile[0] => [ '/registry/sync/search', 8 ], $hostile[1] => [ '/registry/notify', 6 ],
	$hostile[2] => [ '/registry/sync/txn/status', 32 ]);

sub start_loop
{
	my ($partner, $path, $connections, $body) = @_;
	my $record = "$sp->{folder}/$partner.loop";
	open my $order, '>:raw', "$record.order" or die $!;
	print $order $sp->encode({ path => $path, body => $body, authorization => 'Bearer ' . $sp->token($partner) });
	close $order;
	my $harness = IPC::Run::start([ BridgeTest::tree() . '/test/lib/request_loop', $sp->{port}, $connections, $record, "$record.order" ],
		'<', \my $in, '>', \my $out);
	return { record => $record, harness => $harness };
}

sub answers
{
	my ($loop) = @_;
	return map { (split / /)[2] // () } split /\n/, BridgeTest::slurp($loop->{record});
}

# What was done for each partner so far: refusals of the budget cost nothing.
my ($read, %served) = (0);

sub served
{
	open my $log, '<', $sp->{log} or die $!;
	seek $log, $read, 0;
	while (my $line = <$log>)
	{
		last if $line !~ /\n\z/;
		$read += length $line;
		$served{$1}++ if $line =~ /event=received .*partner=(\S+) http_status=(\d+)/ && $2 ne '429';
	}
	return %served;
}

# The good one asks, one question after the other: what was done for each other one while it waited?
sub ask_steadily
{
	my %during;
	my @status;
	for my $number (1 .. $wanted)
	{
		my ($path, $body) = $number % 2 ? ('sync/search', search('good.example.org', 'idtype-value', { type => 'NATIONAL_ID', value => 'ID-1' }))
		  : ('txn/status', status_question('good.example.org'));
		$body =~ s/\@ID\@/good-$number-$$/g;
		my %before = served();
		push @status, $sp->post("/registry/$path", $body)->{short};
		my %after = served();
		push @{ $during{$_} }, ($after{$_} // 0) - ($before{$_} // 0) for @hostile;
	}
	return (\@status, map { $_ => [ sort { $a <=> $b } @{ $during{$_} } ] } @hostile);
}

my ($key, $jwk) = $sp->make_key('evil');
$sp->sql("SELECT casesync.add_key('$hostile[1]', '$jwk')");
$sp->sql("SELECT casesync.set_partner('$hostile[1]', signature => 'required')");
$sp->sql("INSERT INTO person SELECT n, 'ID-' || n, 'A' FROM generate_series(1000, 4000) n");
$sp->agree_out(s/\W/-/gr, $_, services => '{notify,search}', lookups_per_day => 1000000) for 'good.example.org', $hostile[0];
$sp->agree_out('good-example-org', 'good.example.org', services => '{notify,search}', lookups_per_day => 1000000,
	subjects => 'subject_key IN (\'\'1\'\', \'\'2\'\')');
my ($alone) = ask_steadily();
is(scalar(grep { /^200/ } @$alone), $wanted, 'alone, the good one is always answered');

my @loops = map { start_loop($_, @{ $hostile{$_} }, $_ eq $hostile[0] ? heavy_search($_) : $_ eq $hostile[1] ? forged_notify($_)
	: status_question($_) =~ s/"m-\d+-\d+"/"\@ID\@"/r) } @hostile;
ok(BridgeTest::wait_for("work for $hostile[$_]", sub { scalar(grep { /^(200|401|503)$/ } answers($loops[$_])) >= 3 }), "$hostile[$_] is served") for 0 .. 2;
my $is_slow = BridgeTest::is_instrumented();
SKIP: {
	skip 'with checks all is costly', 2 if $is_slow;
	ok(BridgeTest::wait_for("refusals", sub { scalar(grep { /^429$/ } answers($loops[$_])) >= 1 }), "$hostile[$_] is told to wait") for 0 .. 1;
}
my ($status, %during) = ask_steadily();
my $answered = grep { /^200/ } @$status;
cmp_ok($answered, '>=', $is_slow ? $wanted * .95 : $wanted, 'beside them, it is always answered') or diag join ' ', grep { !/^200/ } @$status;
for my $number (0 .. 2)
{
	my ($partner, $done) = ($hostile[$number], $during{ $hostile[$number] });
	my %said;
	$said{$_}++ for answers($loops[$number]);
	note join ' ', $partner, 'while the good one waited:', @$done[ $wanted / 2, $wanted * .99 ], 'in all:', map { "$_ x$said{$_}" } sort keys %said;
	cmp_ok($done->[ $wanted / 2 ], '<=', 10, "$partner has no more than its turns while the good one waits");
	cmp_ok($done->[ $wanted * .99 ], '<=', $is_slow ? 10 : 3, 'and of what is costly few') if $number < 2;
}
for my $partner (@hostile[ 0, 1 ])
{
	my ($client) = $sp->client($partner);
	like($sp->log_text, qr/event=refused_for_now partner=\S+ client=$client requests=\d/, "the log tells of the client of $partner");
}
cmp_ok(scalar(() = $sp->log_text =~ /event=refused_for_now/g), '<', 20, 'but not of each refusal');

# What a loop has seen: how long each answer took, and what it was.
sub answered_at_once
{
	my ($loop) = @_;
	return grep { my (undef, $took, $said) = split / /; defined $said && $said eq '429' && $took < 0.19 }
	  split /\n/, BridgeTest::slurp($loop->{record});
}

is(scalar(map { answered_at_once($_) } @loops), 0, 'nobody is told to wait at once, and so does not come back at once');
my ($cut, @said) = (0, answers($loops[1]));
$cut++ for grep { /[a-z]/i } @said;
cmp_ok($cut, '<=', @said / 4, 'large bodies of one partner wait for each other, they do not push each other out');
$_->{harness}->kill_kill for @loops;

# --- bodies that are not costly one by one: light questions do not wait for them ---
my $rows = [ map { [ map { [] } 1 .. 1000 ] } 1 .. 270 ];
my @middling = map { start_loop($_, '/registry/notify', 6, body($_, 'notify', { transaction_id => 't', notify_event => [ { rows => $rows } ] })) } @hostile;
ok(BridgeTest::wait_for("bodies of $hostile[$_]", sub { scalar(answers($middling[$_])) > 0 }), "$hostile[$_] is read") for 0 .. 2;
my %before = served();
($status) = ask_steadily();
my %after = served();
is(scalar(grep { /^200/ } @$status), $wanted, 'beside bodies of middling cost the good one is always answered');
my $theirs = 0;
$theirs += ($after{$_} // 0) - ($before{$_} // 0) for @hostile;
cmp_ok($theirs, '<', $wanted, "and has had $wanted questions while $theirs of them were read");
$_->{harness}->kill_kill for @middling;

$sp->stop_ok;

done_testing();
