# Where we connect to: the connected address decides, whatever the name or the spelling; no redirects,
# no proxies, no plain HTTP unless it is allowed.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

my $sp = BridgeTest->new;
my $target = $sp->start_partner(name => 'target');
my $proxy = $sp->start_partner(name => 'proxy');
my $elsewhere = $sp->start_partner(name => 'elsewhere');
my $mover = $sp->start_partner(name => 'mover');
$sp->create_application;

# Every host here is this machine, in one spelling or another.
my %host = (
	plain => '127.0.0.1',
	short => '127.1',
	number => '2130706433',
	octal => '0177.0.0.1',
	hexadecimal => '0x7f000001',
	mixed => '0x7f.0.1',
	other => '127.9.9.9',
	name => 'localhost',
	mapped => '[::ffff:127.0.0.1]',
	mapped_hexadecimal => '[::ffff:7f00:1]',
	zero => '0.0.0.0',
);
# Never reached by anybody who has no route there; refused before that is even tried.
my %far = (
	metadata => '169.254.169.254',
	metadata_number => '2852039166',
	metadata_v6 => '[fd00:ec2::254]',
	private => '10.255.255.1',
	shared => '100.64.0.1',
	translated => '[64:ff9b::10.0.0.1]',
	tunnel => '[2002:a00:1::1]',
	link => '[fe80::1]',
	multicast => '224.0.0.1',
);

sub add
{
	my ($name, $url, $networks) = @_;
	$sp->add_partner("$name.example.org", $target->{port});
	$sp->sql("SELECT casesync.set_partner('$name.example.org', '$url', networks => '$networks')");
	return;
}

add("${_}-no", "http://$host{$_}:$target->{port}/$_-no", '{}') for sort keys %host;
add("${_}-no", "http://$far{$_}:$target->{port}/$_-no", '{}') for sort keys %far;
add("${_}-elsewhere", "http://$host{$_}:$target->{port}/$_-elsewhere", '{10.0.0.0/8,fd00::/8,127.5.0.0/16}') for qw(plain number name);
add("${_}-yes", "http://$host{$_}:$target->{port}/$_-yes", '{127.0.0.0/8}') for qw(plain short number octal hexadecimal name);
add('zero-yes', "http://$host{zero}:$target->{port}/zero-yes", '{0.0.0.0/0,::/0}');
$sp->add_partner('mover.example.org', $mover->{port});
$mover->order(mode => 'status', status => 307, location => "http://127.0.0.1:$elsewhere->{port}/moved");

{
	my $address = "http://127.0.0.1:$proxy->{port}";
	local @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY)} = ($address) x 5;
	$sp->start_bridge;
}
$sp->wait_ready;
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A')");

for my $name (sort((map { "$_-no" } keys %host, keys %far), (map { "$_-elsewhere" } qw(plain number name)), 'zero-yes'))
{
	ok($sp->wait_log(qr/partner=$name.example.org .*verdict=stop .*reason="address not allowed: /), "$name: refused");
}
ok(BridgeTest::wait_for('the allowed ones', sub { (() = $target->received) >= 6 }), 'allowed by their own networks, they arrive');
is(join(' ', sort map { $_->{path} =~ m{^/([\w-]+)} } $target->received),
	join(' ', map { "$_-yes" } sort qw(plain short number octal hexadecimal name)), 'and no others, over kept connections neither');
ok($sp->wait_log(qr/partner=mover.example.org .*http_status=307/), 'a redirect is told');
ok($mover->wait_received(1), 'by who gave it');
is(scalar($elsewhere->received), 0, 'and not followed');
is(scalar($proxy->received), 0, 'a proxy from the environment is not used');

# A partner whose networks do not allow the address does not get in by a connection that another one keeps.
$sp->sql("SELECT casesync.set_partner('late.example.org', 'http://127.0.0.1:$target->{port}/late')");
$sp->add_partner('late.example.org', $target->{port});
$sp->sql("SELECT casesync.set_partner('late.example.org', 'http://127.0.0.1:$target->{port}/late', networks => '{}')");
$sp->sql("UPDATE person SET status = 'S' WHERE id = 1");
ok($sp->wait_log(qr/partner=late.example.org .*verdict=stop .*reason="address not allowed: /), 'a kept connection is checked again');
is(scalar(grep { $_->{path} =~ /late/ } $target->received), 0, 'nothing was sent over it');
$sp->stop_ok;

# Schemes: http only where it is allowed, and nothing else ever.
$sp->start_bridge(allow_http => 'off');
$sp->wait_ready;
my $before = () = $target->received;
$sp->sql("UPDATE person SET status = 'I' WHERE id = 1");
ok($sp->wait_log(qr/partner=plain-yes.example.org .*verdict=stop .*reason="only https is allowed"/), 'http is refused unless allowed');
is(scalar($target->received), $before, 'and nothing was sent');
$sp->stop_ok;

done_testing();
