# A partner's server whose answers have no end, in every place where HTTP allows something of any
# length: the bridge's memory stays what it is, the attempt fails for a reason that can be read, is
# tried again, and nobody else waits.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $bad = $sp->start_partner(name => 'bad');
my $well = $sp->start_partner(name => 'well');
$sp->create_application;
$sp->add_partner('bad.example.org', $bad->{port});
$sp->add_partner('well.example.org', $well->{port});
$sp->start_bridge(send_timeout => '3s', connect_timeout => '1s');
$sp->wait_ready;

my $next_person = 1;
sub insert { my $id = $next_person++; $sp->sql("INSERT INTO person VALUES ($id, 'ID-$id', 'A')"); return; }

# The most memory the bridge ever had, in MB.
sub peak
{
	my ($kilobytes) = BridgeTest::slurp("/proc/$sp->{bridge}/status") =~ /^VmHWM:\s+(\d+) kB/m;
	return $kilobytes / 1024;
}

sub last_failure
{
	return $sp->sql("SELECT concat_ws(' ', verdict, http_status, detail) FROM casesync_internal.attempt
		JOIN casesync_internal.lane USING (lane)
		WHERE partner = 'bad.example.org' AND verdict <> 'delivered' ORDER BY id DESC LIMIT 1");
}

insert();
ok($bad->wait_received(1) && $well->wait_received(1), 'both get the first');
my $start = peak();

my $head = "HTTP/1.1 200 OK\r\n";
my $chunked = $head . "Transfer-Encoding: chunked\r\n\r\n";
my $ack = '{"message":{"ack_status":"ACK"}}';
my $whole = $chunked . sprintf("%x\r\n%s\r\n", length $ack, $ack);
my $endless = qr/^retry the partner's answer does not end/;
my @cases = (
	[ 'large headers', $head, 'X: ' . 'y' x 60000 . "\r\n", $endless ],
	[ 'many headers', $head, "a:b\r\n", $endless ],
	[ 'one header', $head . 'X: ', 'y' x 1000, $endless ],
	[ 'a folded header', $head . "X: y\r\n", " y\r\n", $endless ],
	[ 'a status line', 'HTTP/1.1 200 ', 'O' x 1000, $endless ],
	[ 'interim answers', '', "HTTP/1.1 100 Continue\r\n\r\n", $endless ],
	[ 'other interim answers', '', "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", $endless ],
	[ 'a body', "$head\r\n", ' ' x 1000, qr/^retry 200 answer without/ ],
	[ 'the extension of a chunk', $chunked . '1;', 'e' x 1000, $endless ],
	[ 'extensions of chunks', $chunked, '1;' . 'e' x 10000 . "\r\nx\r\n", $endless ],
	[ 'the size of a chunk', $chunked, '0' x 1000, qr/^retry partner not reached/ ],
	[ 'trailers of many names', "${whole}0\r\n", join('', map { "T-$_: y\r\n" } 1 .. 1000), $endless ],
	[ 'trailers', "${whole}0\r\n", "a:b\r\n", $endless ],
	[ 'a compressed body', $head . "Content-Encoding: gzip\r\n\r\n", "\x1f\x08" . 'z' x 998, qr/^retry 200 answer without/ ],
	[ 'one byte a time', $head, 'X', qr/^retry partner not reached/, 100 ],
);
for my $case (@cases)
{
	my ($name, $first, $repeat, $failure, $ms) = @$case;
	my $before = () = $bad->received;
	my $well_before = () = $well->received;
	$sp->sql('DELETE FROM casesync_internal.attempt');
	$bad->order(mode => 'endless', first => $first, repeat => $repeat, count => 1, $ms ? (ms => $ms) : ());
	insert();
	ok($well->wait_received($well_before + 1), "$name: the other partner got its own");
	ok($bad->wait_received($before + 2), "$name: tried again");
	like(last_failure(), $failure, "$name: failed for a reason");
}
my $more = peak() - $start;
cmp_ok($more, '<', 16, sprintf('the bridge needed %.1f MB more than for one message', $more));
ok(BridgeTest::wait_for('all delivered', sub { $sp->sql("SELECT sum(due) FROM casesync.queue") == 0 }),
	'in the end everything is delivered');
is(scalar(keys %{ { map { $_->{reference_id} => 1 } $bad->items } }), @cases + 1, 'every record once');
unlike($sp->log_text, qr/ID-\d|Cash/, 'the log has no content');
$sp->stop_ok;
done_testing();
