# TLS in both directions: who is believed and who is not, on which protocol, and that new files count
# after SIGHUP while bad ones change nothing.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Certificates;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $sp = BridgeTest->new;
my $folder = $sp->{folder};
my $ours = Certificates->new("$folder/ours");
my $theirs = Certificates->new("$folder/theirs");
my $server = $ours->certificate('server');
my $member = $ours->certificate('member', purpose => 'clientAuth');
my $stranger = $theirs->certificate('stranger', purpose => 'clientAuth');
my $no_client = $ours->certificate('no_client', purpose => 'serverAuth');
my $over = $ours->certificate('over', purpose => 'clientAuth', days => -1);
my $path = '/registry/notify';

# Files that the settings name; a test changes what is in them.
my %file = map { $_ => "$folder/in.$_" } qw(cert key ca);

sub put_server
{
	my ($pair) = @_;
	BridgeTest::replace_file($pair->{$_}, $file{$_}) for qw(cert key);
	return;
}

sub reload
{
	my ($expected, %settings) = @_;
	my $before = () = $sp->log_text =~ /event=$expected\b/g;
	$sp->write_settings(%settings);
	kill 'HUP', $sp->{bridge};
	return BridgeTest::wait_for($expected, sub { (() = $sp->log_text =~ /event=$expected\b/g) > $before });
}

sub request
{
	my (@options) = @_;
	my $answer = BridgeTest::python('tls_client', '{}', $sp->{port}, $path, $ours->ca, @options);
	chomp $answer;
	return $answer;
}

sub serial
{
	my ($pair) = @_;
	my $text = `openssl x509 -in $pair->{cert} -noout -serial`;
	return $text =~ /serial=(\w+)/ ? $1 : die 'no serial';
}

sub identity
{
	my ($pair) = @_;
	return ('--cert', $pair->{cert}, '--key', $pair->{key});
}

$sp->create_application;
put_server($server);
BridgeTest::replace_file($ours->ca, $file{ca});
mkdir "$folder/partners" or die $!;
$sp->sql("SELECT casesync.set_partner('ess.example.org')");
$sp->start_bridge;
$sp->wait_ready;
my $token = $sp->token('ess.example.org');
$sp->end_bridge('TERM');
# Two seconds, and more where the bridge is slow: a large body is to arrive in this time.
my $patience = int($BridgeTest::answer_seconds + 0.5) . 's';
my %settings = (tls_cert_file => $file{cert}, tls_key_file => $file{key}, tls_directory => "$folder/partners",
	request_timeout => $patience);
$sp->start_bridge(%settings);
$sp->wait_ready;

# --- in: the server ---
my $told = '401 ' . serial($server);
is(request(), $told, 'a request over TLS is answered');
is(request('--host', 'localhost'), $told, 'by both names of the certificate');
is(request('--version', '1.2'), $told, 'TLS 1.2');
is(request('--version', '1.3'), $told, 'TLS 1.3');
like(request('--version', '1.1'), qr/^refused: .*(protocol version|unsupported protocol|alert|EOF)/i, 'TLS 1.1 is refused');
like(request('--version', '1.2', '--ciphers', 'ECDHE-ECDSA-AES128-SHA'), qr/^refused: /, 'a cipher of old is refused');
like(BridgeTest::python('tls_client', '{}', $sp->{port}, $path, $theirs->ca), qr/^refused: .*CERTIFICATE_VERIFY_FAILED/,
	'a client that does not know our authority goes away');
is(HTTP::Tiny->new(timeout => 20)->get("http://127.0.0.1:$sp->{ops_port}/livez")->{status}, 200,
	'the address for operations stays plain');
my $plain = HTTP::Tiny->new(timeout => 20)->post("http://127.0.0.1:$sp->{port}$path", { content => '{}' });
is($plain->{status}, 599, 'plain HTTP to the TLS port gets no HTTP answer');
unlike($plain->{content}, qr/ack_status/, 'and nothing of ours');
my $large = BridgeTest::python('tls_client', '[' . ' ' x 9_000_000 . ']', $sp->{port}, $path, $ours->ca, '--token', $token);
is($large, '200 ' . serial($server) . "\n", 'a large body arrives over TLS');

# --- in: clients that are slow in the handshake ---
sub cpu_seconds
{
	my @stat = split ' ', BridgeTest::slurp("/proc/$sp->{bridge}/stat") =~ s/.*\) //r;
	return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}
my $begin = time;
my $used = cpu_seconds();
my @slow = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}) } 1 .. 50;
syswrite $_, "\x16\x03\x01\x02\x00\x01\x00" for @slow;    # the first bytes of a ClientHello
my $asked = time;
is(request(), $told, 'while fifty clients stop in the handshake another one is answered');
cmp_ok(time - $asked, '<', 2, 'at once');
my $closed = 0;
for my $socket (@slow)
{
	local $SIG{ALRM} = sub { die "still open\n" };
	alarm 30;
	1 while sysread $socket, my $bytes, 1000;
	alarm 0;
	$closed++;
}
is($closed, 50, 'and all of them are cut off');
cmp_ok(time - $begin, '>', 1.5, 'when their time was over');
cmp_ok(cpu_seconds() - $used, '<', (time - $begin) / 2, 'without keeping the processor busy');

# --- in: certificates of clients ---
ok(reload('reloaded', %settings, tls_client_auth => 'required', tls_client_ca_file => $file{ca}),
	'client certificates are required after SIGHUP');
is(request(identity($member)), $told, 'a client with a certificate is answered');
is(request(identity($member), '--version', '1.2'), $told, 'over TLS 1.2 too');
like(request(), qr/^refused: /, 'one without is refused');
like(request('--version', '1.2'), qr/^refused: /, 'over TLS 1.2 too');
like(request(identity($stranger)), qr/^refused: /, 'one of another authority is refused');
like(request(identity($stranger), '--version', '1.2'), qr/^refused: /, 'over TLS 1.2 too');
like(request(identity($no_client)), qr/^refused: /, 'a certificate for servers is refused');
like(request(identity($over)), qr/^refused: /, 'one that is over is refused');
ok(reload('reloaded', %settings, tls_client_auth => 'optional', tls_client_ca_file => $file{ca}), 'asked for');
is(request(), $told, 'optional: a client without a certificate is answered');
is(request(identity($member)), $told, 'optional: with one too');
like(request(identity($stranger)), qr/^refused: /, 'optional: a bad one is refused all the same');
BridgeTest::replace_file($theirs->ca, $file{ca});
ok(reload('reloaded', %settings, tls_client_auth => 'required', tls_client_ca_file => $file{ca}), 'another authority');
is(request(identity($stranger)), $told, 'whose clients are answered now');
like(request(identity($member)), qr/^refused: /, 'and those of the old one no more');

# --- in: new files, bad files ---
my $second = $ours->certificate('second', days => 20);
put_server($second);
ok(reload('reloaded', %settings), 'a new certificate');
my $second_told = '401 ' . serial($second);
isnt($second_told, $told, 'is another one');
is(request(), $second_told, 'and is served after SIGHUP');
like($sp->log_text, qr/level=warning event=tls_certificate_expires .*days=(19|20)\b/, 'the log warns when a certificate ends soon');
BridgeTest::replace_file($server->{cert}, $file{cert});
ok(reload('reload_refused', %settings), 'a certificate without its key');
is(request(), $second_told, 'changes nothing');
like($sp->log_text, qr/event=reload_refused .*tls_cert_file/, 'and the log says which file');
open my $empty, '>', $file{cert} or die $!;
close $empty;
ok(reload('reload_refused', %settings), 'an empty file');
is(request(), $second_told, 'changes nothing');
put_server($server);
chmod 0644, $file{key};
ok(reload('reload_refused', %settings), 'a key that everybody may read');
is(request(), $second_told, 'changes nothing');
chmod 0600, $file{key};
ok(reload('reload_refused', %settings, tls_client_auth => 'required', tls_client_ca_file => "$folder/none"), 'no such authority');
is(request(), $second_told, 'changes nothing');
ok(reload('reload_refused', %settings, tls_client_auth => 'required'), 'clients checked by nobody');
ok(reload('reload_refused', %settings, tls_cert_file => '', tls_key_file => ''), 'back to plain HTTP needs a restart');
ok(reload('reloaded', %settings), 'good files again');
is(request(), $told, 'are served again');
put_server($ours->certificate('ended', days => -1));
ok(reload('reloaded', %settings), 'a certificate that is over');
like($sp->log_text, qr/level=error event=tls_certificate_expired /, 'is told as an error');
put_server($server);
ok(reload('reloaded', %settings), 'and replaced');

# --- out ---
my $good = $theirs->certificate('good');
my $wrong = $theirs->certificate('wrong', san => 'DNS:other.example.org');
my $ended = $theirs->certificate('ended', days => -1);
my $client = $ours->certificate('client', purpose => 'clientAuth');
my %partner = (
	private => $sp->start_partner(name => 'private', %$good),
	nameless => $sp->start_partner(name => 'nameless', %$good),
	wrong => $sp->start_partner(name => 'wrong', %$wrong),
	ended => $sp->start_partner(name => 'ended', %$ended),
	asking => $sp->start_partner(name => 'asking', %$good, client_ca => $ours->ca),
	denied => $sp->start_partner(name => 'denied', %$good, client_ca => $ours->ca),
	old => $sp->start_partner(name => 'old', %$good, old_tls => 1),
	lost => $sp->start_partner(name => 'lost', %$good),
);
for my $name (sort keys %partner)
{
	$sp->add_partner("$name.example.org", $partner{$name}{port}, scheme => 'https');
	next if $name eq 'nameless';
	$sp->sql("SELECT casesync.set_partner('$name.example.org', tls_name => '$name')");
	BridgeTest::replace_file($theirs->ca, "$folder/partners/$name.ca") if $name ne 'lost';
}
BridgeTest::replace_file($client->{cert}, "$folder/partners/asking.crt");
BridgeTest::replace_file($client->{key}, "$folder/partners/asking.key");
BridgeTest::replace_file($client->{cert}, "$folder/partners/lost.crt");
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");
ok($partner{private}->wait_received(1), 'tls_name: a private authority is believed');
ok($partner{asking}->wait_received(1), 'a server that asks gets our certificate');
ok($sp->wait_log(qr/partner=$_->[0].example.org .*verdict=retry .*reason=.*$_->[1]/), "$_->[0]: refused, $_->[2]")
  for [ 'nameless', 'certificate', 'its authority is not known here' ],
	[ 'wrong', 'certificate is for another host', 'the certificate is for another host' ],
	[ 'ended', 'certificate', 'the certificate is over' ],
	[ 'denied', '(TLS|lost before the answer)', 'it wants a certificate that we do not have' ],
	[ 'old', 'TLS', 'it knows TLS 1.1 only' ],
	[ 'lost', 'has no lost.key', 'half of a pair of files' ];
is(scalar($partner{$_}->received), 0, "nothing reached $_") for qw(nameless wrong ended denied old lost);

# New files count for new connections, and the old connections are not used any more.
BridgeTest::replace_file($ours->ca, "$folder/partners/private.ca");
BridgeTest::replace_file($client->{$_}, "$folder/partners/denied." . ($_ eq 'cert' ? 'crt' : 'key')) for qw(cert key);
ok(reload('reloaded', %settings), 'new files for partners');
ok($partner{denied}->wait_received(1), 'a certificate that was missing is shown now');
$sp->sql("UPDATE person SET status = 'S' WHERE id = 1");
ok($partner{asking}->wait_received(2), 'the next message reaches a partner whose files are the same');
ok($sp->wait_log(qr/partner=private.example.org .*verdict=retry .*certificate/), 'and not the one whose authority is another now');
is(scalar($partner{private}->received), 1, 'which has received nothing more');
BridgeTest::replace_file($theirs->ca, "$folder/partners/private.ca");
ok(reload('reloaded', %settings), 'the right authority again');
ok($partner{private}->wait_received(2), 'and it arrives');
chmod 0640, "$folder/partners/asking.key";
$sp->sql("UPDATE person SET status = 'X' WHERE id = 1");
ok($sp->wait_log(qr/partner=asking.example.org .*verdict=retry .*asking.key.* is open to others/), 'a key that others may read is not used');
is(scalar($partner{asking}->received), 2, 'nothing is sent with it');
ok(reload('reload_refused', %settings), 'nor taken over');
chmod 0600, "$folder/partners/asking.key";
ok($partner{asking}->wait_received(3), 'until only we may read it');
unlike($sp->log_text, qr/ID-1|BEGIN|PRIVATE/, 'the log has nothing of messages and keys');
$sp->stop_ok;

# --- --check-config ---
sub checked
{
	my $conf = $sp->write_settings(%settings);
	return scalar `@{[ BridgeTest::tree() ]}/bridge/casesync-bridge --config=$conf --check-config`;
}
like(checked(), qr/^ok      TLS certificate, good until 20/m, '--check-config tells how long the certificate is good');
like(checked(), qr/^ok      keys for TLS with partners/m, 'and that only we may read our keys for partners');
chmod 0644, "$folder/partners/asking.key";
like(checked(), qr/^not ok  keys for TLS with partners: .*asking.key.* is open to others/m, 'or that others may');
chmod 0600, "$folder/partners/asking.key";
put_server($over);
like(checked(), qr/^not ok  TLS certificate, good until .* it is over/m, 'and when it is over');
BridgeTest::replace_file($server->{key}, $file{key});
like(checked(), qr/^not ok  TLS: tls_cert_file .* cannot be used/m, 'and when its key is another one');

done_testing();
