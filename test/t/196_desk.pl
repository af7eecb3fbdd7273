# The desk of the demo, visited as each of its people by plain HTTP: what the one system does, the other's page shows; what
# strangers get; and that nothing is left behind. The same story in a browser: make check-desk.
use strict;
use warnings;
use FindBin;

exec "$FindBin::RealBin/../demo/desk/story" or die "test/demo/desk/story: $!";
