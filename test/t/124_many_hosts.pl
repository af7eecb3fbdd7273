# The database's servers stand in one connection string: one that is there and says nothing does not
# keep the bridge from the others, whichever place it has.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;

my $sp = BridgeTest->new;
$sp->create_application;
my $well = $sp->{server};

# The kernel takes the connection; no program ever does.
my $frozen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 4096) or die "listen: $!";

sub servers
{
	my (@servers) = @_;
	return sprintf 'host=%s port=%s dbname=app user=bridge', join(',', map { $_->[0] } @servers), join(',', map { $_->[1] } @servers);
}

my $silent = [ '127.0.0.1', $frozen->sockport ];
my $refuses = [ '127.0.0.1', free_port() ];
my $primary = [ $well->host, $well->port ];

foreach my $list ([ $silent, $primary ], [ $refuses, $silent, $silent, $primary ], [ $refuses, $primary, $silent ])
{
	$sp->start_bridge(database => servers(@$list));
	ok($sp->wait_ready, 'ready with ' . servers(@$list));
	$sp->stop_ok;
}

done_testing();
