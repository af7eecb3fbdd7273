# Certificates for tests, made by openssl: authorities, and what they sign. Knows nothing of casesync.
package Certificates;

use strict;
use warnings FATAL => 'all';

use POSIX qw(strftime);

# Certificates->new(folder): an authority of its own in a new folder.
sub new
{
	my ($class, $folder) = @_;
	my $self = bless { folder => $folder }, $class;
	mkdir $folder or die "$folder: $!";
	$self->write('index.txt', '');
	$self->write('index.txt.attr', "unique_subject = no\n");
	$self->write('serial', "01\n");
	$self->write('ca.cnf', <<"CONF");
[ca]
default_ca = own
[own]
database = $folder/index.txt
new_certs_dir = $folder
serial = $folder/serial
certificate = $folder/ca.crt
private_key = $folder/ca.key
default_md = sha256
policy = any
[any]
commonName = supplied
CONF
	openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/ca.key", '-out', "$folder/ca.crt",
		'-days', 2, '-subj', '/CN=Test authority', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
	return $self;
}

sub openssl
{
	open my $stderr, '>&', \*STDERR or die $!;
	open STDERR, '>', '/dev/null' or die $!;
	my $status = system 'openssl', @_;
	open STDERR, '>&', $stderr or die $!;
	die "openssl @_ failed" if $status != 0;
	return;
}

sub write
{
	my ($self, $name, $text) = @_;
	open my $file, '>', "$self->{folder}/$name" or die $!;
	print $file $text;
	close $file;
	return;
}

sub ca { return "$_[0]{folder}/ca.crt"; }

# Signs NAME.crt for a new NAME.key. Options: san, purpose (serverAuth or clientAuth), days (how many it
# is still good for: negative is over).
sub certificate
{
	my ($self, $name, %options) = @_;
	my $folder = $self->{folder};
	my $path = "$folder/$name";
	my $end = time + ($options{days} // 300) * 86400;
	$self->write("$name.ext", 'subjectAltName=' . ($options{san} // 'IP:127.0.0.1,DNS:localhost') . "\n"
		  . 'extendedKeyUsage=' . ($options{purpose} // 'serverAuth') . "\n"
		  . "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
		  . "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
	openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', "$path.key",
		'-out', "$path.csr", '-subj', "/CN=$name");
	openssl('ca', '-batch', '-notext', '-config', "$folder/ca.cnf", '-in', "$path.csr", '-out', "$path.crt",
		'-extfile', "$path.ext", '-startdate', strftime('%Y%m%d%H%M%SZ', gmtime($end - 400 * 86400)),
		'-enddate', strftime('%Y%m%d%H%M%SZ', gmtime $end));
	chmod 0600, "$path.key";
	return { cert => "$path.crt", key => "$path.key" };
}

1;
