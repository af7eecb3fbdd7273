# The database's servers stand in one connection string: one that is there and says nothing does not
# keep the bridge from the others, whichever place it has.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;

my $sp = BridgeTest->new;
$sp->create_application;
my $well = $sp->{server};

# The kernel takes the connection; no program ever does.
my $frozen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 4096) or die "listen: $!";

# Nor does the kernel here: whoever comes is not answered, as by a machine that is cut off.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
my @crowd = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0) } 1 .. 8;

sub servers
{
	my (@servers) = @_;
	return sprintf 'host=%s port=%s dbname=app user=bridge', join(',', map { $_->[0] } @servers), join(',', map { $_->[1] } @servers);
}

my $silent = [ '127.0.0.1', $frozen->sockport ];
my $cut_off = [ '127.0.0.1', $full->sockport ];
my $refuses = [ '127.0.0.1', free_port() ];
my $primary = [ $well->host, $well->port ];

foreach my $list ([ $silent, $primary ], [ $refuses, $silent, $cut_off, $cut_off, $primary ], [ $refuses, $primary, $silent ])
{
	$sp->start_bridge(database => servers(@$list));
	ok($sp->wait_ready, 'ready with ' . servers(@$list));
	$sp->stop_ok;
}

# --check-config asks all of them before it says no.
sub check_config
{
	my $file = $sp->write_settings(database => servers(@_));
	my ($said, $err) = run_command([ tree() . '/bridge/casesync-bridge', "--config=$file", '--check-config' ]);
	return $said . $err;
}

like(check_config($cut_off, $refuses, $primary), qr/^ok\b.*connection to the database/m, '--check-config finds the one that answers');
unlike(check_config($cut_off, $refuses), qr/^ok\b.*connection to the database/m, 'and says so where none does');

done_testing();
