# Searches that are answered by their own response, as OpenCRVS and OpenG2P do: judged as any message, taken, or refused for a reason.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP;
use Test::More;

my $sp = BridgeTest->new;
my $rsa = BridgeTest::generate_key("$sp->{folder}/crvs.key", 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
my $rsa_jwk = BridgeTest::python('sign_jws', 'jwk', $rsa);
my ($own, $own_jwk) = $sp->make_key('partner');
my %kind = ('crvs.example.org' => 'opencrvs', 'g2p.example.org' => 'openg2p');
my %peer;
$sp->create_application;
for my $partner (sort keys %kind)
{
	my ($name) = split /\./, $partner;
	my $in = 'in-' . $name;
	$peer{$partner} = $sp->start_partner(name => $name);
	$sp->add_partner($partner, $peer{$partner}{port});
	$sp->agree_in($in, $partner);
	$sp->sql("SELECT casesync.set_agreement('$in', '$partner', direction => 'in', event_types => '{search,enrolment_status_change}'); SELECT casesync.activate('$in')");
	$sp->sql("SELECT casesync.add_key('$partner', '$_')") for $rsa_jwk, $own_jwk;
	$sp->sql("SELECT casesync.set_partner('$partner', profile => '$kind{$partner}')");
}
$sp->start_bridge;
$sp->wait_ready;

# Asks, and waits until something has come of it: state, reason, records, total_count.
sub ask
{
	my ($partner, $shape, $key) = @_;
	$peer{$partner}->order(mode => 'made', by => [ '/usr/bin/python3', "$FindBin::RealBin/../lib/answer_search", $shape, $key // $rsa ]);
	my $id = $sp->sql(qq{SELECT casesync.search_at('$partner', 'Member', '{"type": "NATIONAL_ID", "value": "ID-1"}')});
	$sp->{server}->poll_query_until('app', "SELECT state <> 'requested' FROM casesync.my_requests WHERE reference_id = '$id'")
	  or diag $sp->sql("SELECT detail FROM casesync.attempts ORDER BY at DESC LIMIT 3");
	return $sp->sql("SELECT concat_ws(' ', state, reason, records, total_count) FROM casesync.my_requests WHERE reference_id = '$id'");
}

# --- taken ---
my $crvs = 'crvs.example.org';
my $g2p = 'g2p.example.org';
is(ask($crvs, 'opencrvs'), 'answered 1 1', 'the response of OpenCRVS is the answer');
is(($peer{$crvs}->received)[0]{path}, '/registry/sync/search', 'and was asked for where responses are answers');
is($sp->sql("SELECT concat_ws(' ', partner, event_type, record_type, record->'identifier'->0->>'identifier_value') FROM casesync.inbox"), "$crvs search Member ID-1",
	'whom it found is in the inbox');
is($sp->sql("SELECT string_agg(code, ' ' ORDER BY code) FROM casesync.deviations WHERE partner = '$crvs'"), 'sides signature_jws type_object',
	'what is odd about it is noted');
is(ask($crvs, 'nobody'), 'answered 0 0', 'no item is an answer, too');
is(ask($g2p, 'openg2p'), 'answered 1 1', 'the response of OpenG2P is one, too');
is(ask($g2p, 'plain', $own), 'answered 1 1', 'and that of whoever keeps to the standard');
is($sp->sql('SELECT count(*) FROM casesync.inbox'), 3, 'each is in the inbox once');

# --- refused, and nothing of it taken ---
my ($other) = $sp->make_key('other');
is(ask($g2p, 'unsigned'), "refused HTTP 200 err.signature.missing the partner's answer was refused here", 'not without a signature');
is(ask($g2p, 'plain', $other), "refused HTTP 200 err.signature.invalid the partner's answer was refused here", 'nor with another one\'s');
is(ask($crvs, 'opencrvs', BridgeTest::generate_key("$sp->{folder}/thief.key", 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')),
	"refused HTTP 200 err.signature.invalid the partner's answer was refused here", 'of whatever form');
like(ask($g2p, 'other', $own), qr/^refused HTTP 200 err\.request\.bad the partner's answer was refused here/, 'nor for a question that was not asked');
like(ask($g2p, 'notify', $own), qr/^refused HTTP 200 err\.request\.bad the partner's answer was refused here/, 'nor what is no answer');
is($sp->sql('SELECT count(*) FROM casesync.inbox'), 3, 'nothing of these is in the inbox');
$sp->sql("SELECT casesync.set_partner('$g2p', signature => 'unsigned_accepted')");
is(ask($g2p, 'unsigned'), 'answered 1 1', 'unless that was agreed');

# --- what is lost on the way is asked for again ---
$peer{$g2p}->order(mode => 'status', status => 503, count => 1);
my $before = () = $peer{$g2p}->received;
my $id = $sp->sql(qq{SELECT casesync.search_at('$g2p', 'Member', '{"type": "NATIONAL_ID", "value": "ID-1"}')});
ok($peer{$g2p}->wait_received($before + 2), 'a partner that fails is asked again');
ok($sp->{server}->poll_query_until('app', "SELECT state = 'answered' FROM casesync.my_requests WHERE reference_id = '$id'"), 'until it answers');

# --- and so is what cannot be stored here ---
my $items = $sp->sql('SELECT count(*) FROM casesync.inbox');
my $holder = $sp->{server}->background_psql('app');
$holder->query_safe('BEGIN; LOCK TABLE casesync_internal.message_in IN SHARE MODE');
$id = $sp->sql(qq{SELECT casesync.search_at('$g2p', 'Member', '{"type": "NATIONAL_ID", "value": "ID-1"}')});
ok($sp->wait_log(qr/partner=g2p\.\S+ .*verdict=retry .*the partner's answer could not be stored/), 'an answer that cannot be stored is not taken for one');
is($sp->sql('SELECT count(*) FROM casesync.inbox'), $items, 'nothing of it is kept');
$holder->quit;
ok($sp->{server}->poll_query_until('app', "SELECT state = 'answered' FROM casesync.my_requests WHERE reference_id = '$id'"), 'it is asked for again');
is($sp->sql('SELECT count(*) FROM casesync.inbox'), $items + 1, 'and kept once');
$sp->stop_ok;

done_testing;
