# A private installation of PostgreSQL is made beside an installed casesync without touching it, and
# says what stopped it when it cannot be made.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = abs_path("$FindBin::Bin/../..");
my ($control) = slurp_file("$tree/casesync.control") =~ /default_version *= *'(.*)'/;
my $folder = PostgreSQL::Test::Utils::tempdir();

# A server in which another build of this version, and a version that this tree does not have, were
# installed: its files can be written, as root's are by root.
my $server = "$folder/server";
my %installed = (
	'bin/postgres' => "the server\n",
	'lib/other.so' => "another library\n",
	'lib/casesync.so' => "an installed library\n",
	'share/extension/casesync.control' => "default_version = '99.0'\n",
	"share/extension/casesync--$control.sql" => "an installed script\n",
	'share/extension/casesync--99.0.sql' => "a script of another version\n",
);
mkdir $_ for map { "$server$_" } '', '/bin', '/lib', '/share', '/share/extension', '/include';
append_to_file("$server/$_", $installed{$_}) for keys %installed;
append_to_file("$folder/pg_config", <<"CONFIG");
#!/bin/sh
case \$1 in
	--bindir) echo '$server/bin' ;;
	--pkglibdir) echo '$server/lib' ;;
	--sharedir) echo '$server/share' ;;
	--includedir-server) echo '$server/include' ;;
esac
CONFIG
chmod 0755, "$folder/pg_config";

my ($output, $errors) = ('', '');
my $staged = IPC::Run::run([ "$tree/test/stage", "$folder/pg_config", "$folder/private" ],
	'>', \$output, '2>', \$errors);
ok($staged, 'a server with casesync installed can be staged') or diag($errors);
is($output, "$folder/private$server/bin\n", 'and the place of its programs is told');
is(slurp_file("$server/$_"), $installed{$_}, "$_ is what was installed") for sort keys %installed;

my $private = "$folder/private$server";
is(slurp_file("$private/$_->[0]"), slurp_file("$tree/$_->[1]"), "the private $_->[0] is this tree's")
  for [ 'lib/casesync.so', 'casesync.so' ],
  [ 'share/extension/casesync.control', 'casesync.control' ],
  [ "share/extension/casesync--$control.sql", "extension/casesync--$control.sql" ];
is(slurp_file("$private/lib/other.so"), $installed{'lib/other.so'}, 'other libraries are at hand');
ok(!-e "$private/share/extension/casesync--99.0.sql", 'no other version of casesync is');

# The demo and the sandbox, on such a server, say why they cannot start.
unlink "$server/lib/casesync.so", "$server/lib/other.so";
rmdir "$server/lib" or die "$server/lib: $!";
local $ENV{PG_CONFIG} = "$folder/pg_config";
for my $program ('demo/demo', 'sandbox/sandbox')
{
	$errors = '';
	ok(!IPC::Run::run([ "$tree/test/$program" ], '>', \$output, '2>', \$errors, IPC::Run::timeout(60)),
		"test/$program fails where there is no server");
	like($errors, qr{cp: .*\Q$server\E/lib}, 'and shows what the failed step said');
	unlike($errors, qr/Traceback/, 'instead of its own insides');
}

done_testing();
