# What a client can do to us below HTTP's surface: contradicting headers, endless ones, slow ones, many
# connections. Nothing of it keeps others out.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
$sp->create_application;
$sp->sql("SELECT casesync.set_partner('ess.example.org')");
$sp->start_bridge(request_timeout => '2s', max_body => '64kB', max_notify_body => '1MB', max_connections => 40,
	max_connections_per_address => 30);
$sp->wait_ready;

my $line = "POST /registry/notify HTTP/1.1\r\nHost: x\r\n";
my $head = "${line}Content-Type: application/json\r\n";

sub connect_bridge
{
	my (%options) = @_;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}, Timeout => 20, %options)
	  // die "connect: $@";
}

# Everything that comes until the end, or until what the pattern says has come.
sub answer_of
{
	my ($socket, $until) = @_;
	my $all = '';
	local $SIG{ALRM} = sub { die "no end\n" };
	eval {
		alarm 30;
		while (sysread $socket, my $bytes, 65536)
		{
			$all .= $bytes;
			last if $until && $all =~ $until;
		}
		alarm 0;
		1;
	} or $all .= '(no end)';
	alarm 0;
	return $all;
}

sub raw
{
	my ($text, $until) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $socket = connect_bridge();
	for (my $sent = 0; $sent < length $text;)
	{
		$sent += syswrite($socket, $text, length($text) - $sent, $sent) // last;
	}
	return answer_of($socket, $until);
}

# Complete answers have their JSON at the end.
sub status
{
	my ($text) = @_;
	my $answer = raw($text, qr/\r\n\r\n\{.*\}$/s);
	return $answer =~ /^HTTP\/1.1 (\d+)/ ? $1 : $answer eq '' ? 'cut off' : $answer;
}

is(status("${head}Content-Length: 2\r\n\r\n{}"), 401, 'an ordinary request is answered by its rules');

# --- headers ---
is(status("${head}X: " . ('y' x 15_000) . "\r\nContent-Length: 2\r\n\r\n{}"), 401, 'headers of nearly 16 KiB');
is(status("${head}X: " . ('y' x 17_000) . "\r\nContent-Length: 2\r\n\r\n{}"), 431, 'headers beyond 16 KiB');
is(status($head . "X: y\r\n" x 90 . "Content-Length: 2\r\n\r\n{}"), 401, 'ninety headers');
is(status($head . "X: y\r\n" x 200 . "Content-Length: 2\r\n\r\n{}"), 431, 'two hundred headers');
like(status($head . 'X: ' . 'y' x 1_000_000), qr/^(431|413|cut off)$/, 'a header without end');
like(status('POST /' . 'x' x 100_000 . " HTTP/1.1\r\nHost: x\r\n\r\n"), qr/^(414|431|cut off)$/, 'a path without end');
my %contradicting = (
	'two lengths' => "Content-Length: 2\r\nContent-Length: 2\r\n",
	'two different lengths' => "Content-Length: 2\r\nContent-Length: 20\r\n",
	'length and chunks' => "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
	'chunks and length' => "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
	'an unknown transfer encoding' => "Transfer-Encoding: gzip, chunked\r\n",
	'identity as transfer encoding' => "Transfer-Encoding: identity\r\n",
	'two tokens' => "Content-Length: 2\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n",
	'two hosts' => "Content-Length: 2\r\nHost: y\r\n",
	'a blank before the colon' => "Content-Length : 2\r\n",
	'a negative length' => "Content-Length: -2\r\n",
	'a length with a sign' => "Content-Length: +2\r\n",
	'a length in hexadecimal' => "Content-Length: 0x2\r\n",
	'a list of lengths' => "Content-Length: 2, 2\r\n",
	'a control character' => "Content-Length: 2\r\nX: a\x01b\r\n",
);
for my $case (sort keys %contradicting)
{
	my $answer = raw("$head$contradicting{$case}\r\n{}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
	like($answer, qr/^(HTTP\/1.1 400 |$)/, "$case: refused");
	unlike($answer, qr/HTTP\/1.1 404|no end/, "$case: what follows is not taken for another request");
}
like(status("POST /registry/notify HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"), qr/^400$/, 'no Host');
is(status("${head}Content-Length: 99999999999999999999999\r\n\r\n"), 413, 'a length that no number holds');

like(status("${head}Authorization: Bearer a\0b\r\nContent-Length: 2\r\n\r\n{}"), qr/^(400|401|cut off)$/, 'a NUL in a token');

# --- paths ---
is(status("POST $_ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"), 401, "$_ is a path that wants a token")
  for '/registry/notify/', 'http://127.0.0.1/registry/notify', 'https://other.example.org:8443/registry/notify';
for my $path ('/registry/notify%00', '/registry/%6eotify', '/registry/notify%0d%0aX:y', '/registry/../registry/notify',
	'/registry//notify', '//registry/notify', '/registry/notify//', '/REGISTRY/notify', "/registry/notify\x01",
	'http://127.0.0.1', 'http:///registry//notify', 'http://x//registry/notify', 'ftp://x/registry/notify', '*', '/%2e%2e/registry/notify',
	'/registry/notify;x', "/registry/notify\xff")
{
	(my $shown = $path) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	like(status("POST $path HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
		qr/^(404|400|cut off)$/, "$shown is no path of ours");
}
like(status("POST /registry/notify\0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"), qr/^(4\d\d|cut off)$/,
	'a NUL in the path opens nothing');
like(status("POST /registry/notify x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"), qr/^(400|404|cut off)$/, 'a blank in the path');
like(status("$_ /registry/notify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"), qr/^(405|400|cut off)$/, "method $_")
  for qw(PUT DELETE TRACE CONNECT OPTIONS post BREW);
unlike(raw("TRACE /registry/notify HTTP/1.1\r\nHost: x\r\nX-Secret: told\r\nConnection: close\r\n\r\n"), qr/told/, 'TRACE tells nothing');
like(raw("\x00\x01\x02garbage\r\n\r\n"), qr/^(HTTP\/1.1 400 |$)/, 'what is no HTTP at all');

# --- bodies ---
is(status("${head}Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"), 413,
	'100-continue: a body that is too large is refused before it is sent');
my $socket = connect_bridge();
syswrite $socket, "${head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
like(answer_of($socket, qr/\r\n\r\n/), qr/^HTTP\/1.1 100 /, '100-continue: another one is asked for');
syswrite $socket, '{}';
like(answer_of($socket, qr/\}$/), qr/^HTTP\/1.1 401 /, 'and answered');
like(status("${head}Transfer-Encoding: chunked\r\n\r\n$_"), qr/^(400|413|cut off)$/, 'a chunk of bad length ' . substr($_, 0, 20) =~ s/\W/./gr)
  for "zz\r\n{}\r\n0\r\n\r\n", "-1\r\n{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx\r\n0\r\n\r\n";
is(status("${head}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), 401, 'good chunks are one body');

# --- one connection, many requests ---
my $one = "${head}Content-Length: 2\r\n\r\n{}";
my $pipelined = raw($one x 20 . "${head}Connection: close\r\nContent-Length: 2\r\n\r\n{}");
is(scalar(() = $pipelined =~ /HTTP\/1.1 401 /g), 21, 'pipelined requests are answered one after the other');
unlike($pipelined, qr/no end/, 'and the connection ends when it is told to');

# --- slow clients ---
sub timed
{
	my ($what) = @_;
	my $from = time;
	is(status("${head}Content-Length: 2\r\n\r\n{}"), 401, "$what: a good request is answered");
	cmp_ok(time - $from, '<', 1.5, "$what: soon");
	return;
}

sub cut_off
{
	my ($what, $from, @sockets) = @_;
	my @left = grep { answer_of($_) =~ /no end/ } @sockets;
	is(scalar @left, 0, "$what: all are cut off");
	cmp_ok(time - $from, '<', 10, "$what: in time");
	return;
}

my %slow = (
	'clients that say nothing' => '',
	'clients that stop in the first line' => 'POST /regis',
	'clients that stop in the headers' => "${head}X: ",
	'clients that stop in the body' => "${head}Content-Length: 1000\r\n\r\n{",
	'clients that stop in a chunk' => "${head}Transfer-Encoding: chunked\r\n\r\n100\r\n{",
);
for my $what (sort keys %slow)
{
	my $from = time;
	my @sockets = map { connect_bridge() } 1 .. 29;
	syswrite $_, $slow{$what} for grep { length $slow{$what} } @sockets;
	timed($what);
	cut_off($what, $from, @sockets);
}

# Trickling does not help: the whole request has one deadline.
my $from = time;
$socket = connect_bridge();
my $select = IO::Select->new($socket);
syswrite $socket, $head;
{
	local $SIG{PIPE} = 'IGNORE';
	until ($select->can_read(0.1) || time - $from > 20)
	{
		syswrite($socket, "X: y\r\n") // last;
	}
}
cmp_ok(time - $from, '<', 6, 'a client that sends a header now and then is cut off');
cmp_ok(time - $from, '>', 1.5, 'and not before its time');

# More connections than are allowed: the slowest makes room.
my @many = map { connect_bridge() } 1 .. 60;
timed('more connections from one address than it may have');
is(scalar(grep { IO::Select->new($_)->can_read(0) } @many[ 0 .. 20 ]), 21, 'the oldest were sent away');
my @others = map { my $address = "127.0.0." . ($_ % 5 + 2); connect_bridge(LocalAddr => $address) } 1 .. 100;
timed('more connections from many addresses than there are places');
@many = @others = ();

# Bodies that are nearly there do not use up the room for bodies: eight of the largest.
my $known = $head . 'Authorization: Bearer ' . $sp->token('ess.example.org') . "\r\n";
my $nearly = "${known}Content-Length: 1000000\r\n\r\n{" . ' ' x 999_000;
my @large;
for my $number (1 .. 12)
{
	my $large = connect_bridge(LocalAddr => '127.0.0.' . ($number + 10));
	for (my $sent = 0; $sent < length $nearly;)
	{
		$sent += syswrite($large, $nearly, length($nearly) - $sent, $sent) // last;
	}
	push @large, $large;
}
is(status("${known}Content-Length: 900000\r\n\r\n[" . ' ' x 899_998 . ']'), 200, 'large bodies that never end do not keep others out');
is(scalar(grep { IO::Select->new($_)->can_read(0) } @large[ 0 .. 3 ]), 4, 'those that came first were sent away');
@large = ();

# Whoever does not read its answers is not waited for either.
$socket = connect_bridge();
{
	local $SIG{PIPE} = 'IGNORE';
	$socket->blocking(0);
	$from = time;
	my $select_write = IO::Select->new($socket);
	while (time - $from < 20)
	{
		$select_write->can_write(0.5) or next;
		last unless defined syswrite $socket, $one or $!{EAGAIN};
	}
	cmp_ok(time - $from, '<', 15, 'a client that reads no answer is cut off');
}
timed('after all that');
is($sp->get('/readyz')->{status}, 200, 'the bridge is well');
unlike($sp->log_text, qr/smuggled|X-Secret|Bearer/, 'the log has nothing that clients chose');
# --- the log: strangers do not fill it ---
my $log_before = length $sp->log_text;
$sp->post('/registry/notify', '{}', Authorization => 'Bearer x') for 1 .. 200;
my @lines = grep { /event=received .*error_code=err.request.unauthorized/ } split /\n/, substr $sp->log_text, $log_before;
cmp_ok(scalar @lines, '<=', 60, 'of many requests without a good token not each is logged');
ok(BridgeTest::wait_for('a line that counts the others', sub {
	$sp->post('/registry/notify', '{}', Authorization => 'Bearer x');
	substr($sp->log_text, $log_before) =~ /error_code=err.request.unauthorized .*suppressed=\d{3}/ }), 'and what was left out is counted');
$sp->stop_ok;

done_testing();
