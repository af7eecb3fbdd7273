# The bridge's memory is its own: its keys can be read neither by another process of the same user
# nor from a core file, unless a setting says so.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use Test::More;

plan skip_all => 'root may read everything' if $> == 0;
plan skip_all => 'address sanitizer reads the memory of its own process'
	if qx('readelf' --dyn-syms '@{[ BridgeTest::tree() ]}/bridge/casesync-bridge') =~ /__asan_init/;

my $sp = BridgeTest->new;
$sp->create_application;

sub can_read
{
	my ($name) = @_;
	open my $file, '<', "/proc/$sp->{bridge}/$name" or return 0;
	my $ok = defined sysread $file, my $bytes, 1;
	return $ok ? 1 : 0;
}

sub core_limit
{
	open my $file, '<', "/proc/$sp->{bridge}/limits" or return 'nobody may see it';
	my ($soft, $hard) = map { /^Max core file size\s+(\S+)\s+(\S+)/ ? ($1, $2) : () } <$file>;
	return "$soft $hard";
}

$sp->start_bridge;
ok($sp->wait_ready, 'the bridge works');
is(can_read($_), 0, "/proc/PID/$_ is closed, also to its own user") for qw(environ maps auxv);
is((stat "/proc/$sp->{bridge}/environ")[4], 0, 'it is as one of root\'s');
is(system('/bin/sh', '-c', "ls /proc/$sp->{bridge}/fd >/dev/null 2>&1") == 0 ? 1 : 0, 0, 'nor are its open files listed');
is(core_limit(), '0 0', 'and no core file is written');
$sp->stop_ok;

$sp->start_bridge(allow_core_dumps => 'on');
ok($sp->wait_ready, 'the bridge works with allow_core_dumps');
is(can_read('environ'), 1, 'its user may read its memory then');
isnt(core_limit(), '0 0', 'and core files are not forbidden by us') if can_read('limits');
$sp->stop_ok;
done_testing();
