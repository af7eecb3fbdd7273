# A copy of this tree in which made-up later versions are built, and a private PostgreSQL installation
# that has what the copy built last. Nothing is written to the tree itself.
package VersionTree;

use strict;
use warnings FATAL => 'all';

use BridgeTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;

sub new
{
	my ($class) = @_;
	my $self = bless { folder => PostgreSQL::Test::Utils::tempdir() . '/tree', pg_config => $ENV{PG_CONFIG} // 'pg_config' }, $class;
	my $tree = tree();
	mkdir $self->{folder} or die $!;
	# Objects come along with their times, so that only what changes is built again.
	system("tar -C '$tree' --exclude=./.git --exclude=./build -cf - . | tar -C '$self->{folder}' -xf -") == 0 or die 'tar failed';
	$self->{version} = slurp("$tree/casesync.control") =~ /^default_version *= *'(.*)'/m ? $1 : die 'no version';
	$self->{bindir} = qx('$self->{folder}/test/stage' '$self->{pg_config}' '$self->{folder}/build/pg');
	chomp $self->{bindir};
	die 'test/stage failed' unless $? == 0 && -x "$self->{bindir}/postgres";
	return $self;
}

sub install_path { return dirname($_[0]{bindir}); }
sub path { return "$_[0]{folder}/$_[1]"; }

sub write_file
{
	my ($self, $path, $text) = @_;
	open my $file, '>:raw', $self->path($path) or die "$path: $!";
	print $file $text;
	close $file or die $!;
	return;
}

# Changes a file of the copy; what is to be changed must be there.
sub edit
{
	my ($self, $path, $pattern, $by) = @_;
	my $text = slurp($self->path($path));
	my $made = $text =~ s/$pattern/$by->()/e;
	die "nothing like $pattern in $path" unless $made;
	$self->write_file($path, $text);
	return;
}

sub append
{
	my ($self, $path, $text) = @_;
	$self->write_file($path, slurp($self->path($path)) . $text);
	return;
}

# The file of extension/ that makes an object of SQL.
sub file_making
{
	my ($self, $object) = @_;
	for my $path (split /\n/, qx(cd '$self->{folder}' && find extension -name '*.sql' ! -name '*--*' ! -path '*/generated/*'))
	{
		return $path if slurp($self->path($path)) =~ /^CREATE (?:OR REPLACE )?\Q$object\E\b/m;
	}
	die "no file makes $object";
}

# From here on the copy is of this version, as somebody would begin it after a release.
sub raise_version
{
	my ($self, $version) = @_;
	my $old = $self->{version};
	$self->make('freeze') unless -e $self->path("extension/released/casesync--$old.sql");
	$self->edit('casesync.control', qr/^default_version *= *'.*'/m, sub { "default_version = '$version'" });
	$self->edit('META.json', qr/"version": "\Q$old\E"/, sub { qq("version": "$version") }) for 1 .. 2;
	$self->{version} = $version;
	return $old;
}

sub make
{
	my ($self, @goals) = @_;
	local $ENV{MAKEFLAGS} = '-j2';
	my $out = qx(make -C '$self->{folder}' PG_CONFIG='$self->{pg_config}' @goals 2>&1);
	die "make @goals: $out" unless $? == 0;
	return $out;
}

sub make_fails
{
	my ($self, @goals) = @_;
	my $out = qx(make -C '$self->{folder}' PG_CONFIG='$self->{pg_config}' @goals 2>&1);
	return $? == 0 ? undef : $out;
}

# Builds library and scripts and puts them where the server finds them, as make install does: files
# are replaced, so that a session that has the old library goes on with it.
sub install
{
	my ($self) = @_;
	# Without optimisation: it is built for one run.
	$self->make('PG_EXTRA_CFLAGS=-O0', 'casesync.so', $self->scripts);
	my $sharedir = qx('$self->{bindir}/pg_config' --sharedir);
	my $libdir = qx('$self->{bindir}/pg_config' --pkglibdir);
	chomp($sharedir, $libdir);
	my @scripts = glob $self->path('extension/casesync--*.sql');
	system('cp', '--remove-destination', $self->path('casesync.so'), "$libdir/") == 0 or die 'cp failed';
	system('cp', '--remove-destination', $self->path('casesync.control'), @scripts, "$sharedir/extension/") == 0 or die 'cp failed';
	return;
}

# The names of the scripts that make builds of this version.
sub scripts
{
	my ($self) = @_;
	my @upgrades = map { s{.*/upgrade/}{extension/casesync--}r } glob $self->path("extension/upgrade/*--$self->{version}.sql");
	return "extension/casesync--$self->{version}.sql", @upgrades;
}

1;
