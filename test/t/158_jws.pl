# Partners that sign by a JSON Web Signature, detached as OpenG2P does or compact as OpenCRVS does: with keys of their own, and noted.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP;
use Test::More;

my $sp = BridgeTest->new;
my $peer = $sp->start_partner;
$sp->create_application;
$sp->add_partner('registry.example.org', $peer->{port});
$sp->agree_in('in-registry', 'registry.example.org');
my $rsa = "$sp->{folder}/rsa.key";
system('openssl', 'genrsa', '-out', $rsa, '2048') == 0 or die 'openssl';
my $jwk = BridgeTest::python('sign_jws', 'jwk', $rsa);
is($sp->sql("SELECT casesync.add_key('registry.example.org', '$jwk')"), 'rsa1', 'an RSA key that verifies signatures is registered');
$sp->start_bridge;
$sp->wait_ready;

sub send_signed
{
	my ($name, %order) = @_;
	my $record = { member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => $name } ], employment_status => '1' };
	my $message = { transaction_id => "t-$name", notify_event => [ { reference_id => "r-$name", timestamp => '2026-11-22T10:00:00+00:00',
		data => { reg_type => 'ESS', reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => $record } } ] };
	my $header = $sp->header('notify', sender_id => 'registry.example.org');
	return $sp->post('/registry/notify', BridgeTest::python('sign_jws', JSON::PP->new->utf8->encode({ header => $header, message => $message, %order }), $rsa))->{short};
}
is(send_signed('ID-1'), '200 ACK', 'a detached one is taken');
is(send_signed('ID-2', compact => \1), '200 ACK', 'a compact one is taken');
is($sp->sql("SELECT code, messages FROM casesync.deviations WHERE partner = 'registry.example.org'"), 'signature_jws|2', 'and both are counted');
is(send_signed('ID-3', kid => 'other'), '401 ERR err.signature.invalid', 'one by a key that is not registered is not');
is(send_signed('ID-4', alg => 'none'), '401 ERR err.signature.invalid', 'nor one by no algorithm');
is(send_signed('ID-5', age => 700), '401 ERR err.signature.invalid', 'nor an old one');
is($sp->sql('SELECT count(*) FROM casesync_internal.inbox_item'), 2, 'and only the good ones are in the inbox');

done_testing;
