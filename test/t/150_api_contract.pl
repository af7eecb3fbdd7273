# Every endpoint with good and sloppy requests against a real server and bridge: what is answered, what
# follows, and that both are what the published document says.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP ();
use Test::More;

my $sp = BridgeTest->new;
my $ess = $sp->start_partner;
$sp->create_application;
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A', 1), (2, 'ID-2', 'S', 2), (3, 'ID-3', 'X', 3)");
my ($key, $jwk) = $sp->make_key('ess');
$sp->sql(<<"SQL");
SELECT casesync.set_partner('ess.example.org', 'http://127.0.0.1:$ess->{port}', networks => '{127.0.0.0/8}');
SELECT casesync.add_key('ess.example.org', '$jwk');
SELECT casesync.set_partner('old.example.org', 'http://127.0.0.1:$ess->{port}/old', networks => '{127.0.0.0/8}',
	signature => 'unsigned_accepted');
SELECT casesync.set_agreement('out-' || p, p, registries => '{person}', services => '{notify,search,check_enrollment}',
		event_types => '{enrolment_status_change}', identifier_types => '{NATIONAL_ID}', filter_fields => '{}',
		fields => '{programme_identifier.programme_name,enrollment_status}', subjects => 'true', subscribing => 'auto',
		valid_from => now() - interval '1 hour', legal_basis => 'test'),
	casesync.set_agreement('in-' || p, p, direction => 'in', event_types => '{enrolment_status_change,search}',
		identifier_types => '{NATIONAL_ID}', fields => '{employment_status,programme_identifier.programme_name,enrollment_status}',
		apply_mode => 'review', valid_from => now() - interval '1 hour', legal_basis => 'test')
  FROM unnest('{ess.example.org,old.example.org}'::text[]) p;
SELECT casesync.activate(a) FROM unnest('{out-ess.example.org,in-ess.example.org,out-old.example.org,in-old.example.org}'::text[]) a;
SQL
$sp->start_bridge;
$sp->wait_ready;

my $now = '2026-11-22T10:00:00.000Z';
my $api = $BridgeTest::ess_api // '';
my $has_api = -f $api;
my ($calls, %callback_bodies) = (0);

sub header { return $sp->header(@_); }

# As a partner's JSON library writes it: what looks like a number here is one.
sub text
{
	my ($value) = @_;
	return $sp->encode($value) =~ s/"(total_count|completed_count|page_size|page_number|seq_num)":"(-?\d+)"/"$1":$2/gr;
}

sub signed
{
	my ($header, $message) = @_;
	return BridgeTest::python('sign_message', text({ header => $header, message => $message }), $key);
}

sub unsigned
{
	my ($header, $message) = @_;
	return text({ signature => 'unsigned-stub', header => { %$header, sender_id => 'old.example.org' },
		($message ? (message => $message) : ()) });
}

sub wish
{
	my ($reference, $id, %more) = @_;
	return { transaction_id => "txn-$reference", subscribe_request => [ { reference_id => $reference, timestamp => $now,
		subscribe_criteria => { reg_event_type => 'enrolment_status_change', notify_record_type => 'Beneficiary',
			filter_type => 'idtype-value', filter => { type => 'NATIONAL_ID', value => $id } }, locale => 'eng', %more } ] };
}

sub question
{
	my ($reference, $id, %more) = @_;
	return { transaction_id => "txn-$reference", search_request => [ { reference_id => $reference, timestamp => $now,
		search_criteria => { reg_type => 'ns:org:RegistryType:ESS', reg_record_type => 'Beneficiary', query_type => 'idtype-value',
			query => { type => 'NATIONAL_ID', value => $id }, pagination => { page_size => 10, page_number => 1 }, %more }, locale => 'eng' } ] };
}

sub status_of
{
	my ($type, $transaction, %more) = @_;
	return { transaction_id => 'txn-status-' . ++$sp->{serial}, txnstatus_request => { reference_id => 'status-' . ++$sp->{serial},
		txn_type => $type, attribute_type => 'transaction_id', attribute_value => $transaction, %more } };
}

sub enrolled
{
	my ($id) = @_;
	return { transaction_id => 'txn-enrolled', enrolled_criteria => { query_type => 'expression', response_entity => 'Member',
		query => { NATIONAL_ID => { eq => $id } } } };
}

# The callback that belongs to an acknowledgement, once it has come.
sub callback
{
	my ($answer, $what) = @_;
	my $correlation = $answer->{json}{message}{correlation_id};
	my $found = BridgeTest::wait_for($what, sub {
		(grep { ($_->{message}{message}{correlation_id} // '') eq $correlation } $ess->received)[0] });
	push @{ $callback_bodies{ ($found->{path} =~ m{((?:txn/)?[\w-]+)$})[0] } }, $found->{body} if $found;
	return $found // {};
}

sub is_acknowledged
{
	my ($path, $body, $what) = @_;
	my $answer = $sp->post($path, $body);
	is($answer->{short}, '200 ACK', $what) or diag $answer->{content};
	return $answer;
}

# A synchronous answer: 200, by the document, and signed by us.
sub is_answered
{
	my ($path, $body, $what) = @_;
	my $answer = $sp->post($path, $body);
	pop @{ $sp->{answers} } if $answer->{status} == 200;
	is($answer->{status}, 200, "$what: answered") or diag $answer->{content};
	is(BridgeTest::python('verify_signature', $answer->{content}, $sp->public_key, time), "good\n", "$what: signed");
	(my $kind = $path) =~ s|^.*/registry/||;
  SKIP:
	{
		skip 'ESS_API_DOCUMENT names no document', 1 unless $has_api;
		is(BridgeTest::python('check_schema', "$answer->{content}\n", "answer $kind", $api), '', "$what: by the document");
	}
	return $answer->{json};
}

# --- asynchronous requests: acknowledged, and answered at sender_uri or at the registered address ---
my $base = "http://127.0.0.1:$ess->{port}";
my %requests = (
	'subscribe' => [ 'on-subscribe', 'subscribe', wish('s1', 'ID-1') ],
	'search' => [ 'on-search', 'search', question('q1', 'ID-1') ],
	'txn/status' => [ 'txn/on-status', 'txn-status', status_of('search', 'nobody knows') ],
	'unsubscribe' => [ 'on-unsubscribe', 'unsubscribe', { transaction_id => 'txn-u', timestamp => $now, subscription_codes => ['nobodys'] } ],
);
for my $path (sort keys %requests)
{
	my ($back, $action, $message) = @{ $requests{$path} };
	my $uri = "$base/elsewhere/$back";
	my $answer = is_acknowledged("/registry/$path", signed(header($action, sender_uri => $uri), $message), "$path is acknowledged");
	my $callback = callback($answer, "the callback of $path");
	is($callback->{path}, "/elsewhere/$back", "its callback goes to sender_uri as it is");
	is($callback->{message}{message}{transaction_id}, $message->{transaction_id}, 'with the transaction_id of the request');
	is($callback->{message}{header}{action}, $back =~ s|/|-|r, 'and the action of the callback');
	is(join(' ', grep { !exists $callback->{message}{header}{$_} } qw(version message_id message_ts action status sender_id
		receiver_id total_count completed_count)), '', 'its header is the union of both kinds');
	push @{ $callback_bodies{$back} }, $callback->{body};
	$answer = is_acknowledged("/ess/registry/$path", unsigned(header($action), $message), "$path without sender_uri is acknowledged");
	is(callback($answer, "the callback of $path")->{path}, "/old/registry/$back", 'and answered at the registered address');
}

# --- notifications and callbacks of theirs ---
my $event = { transaction_id => 'txn-n', notify_event => [ { reference_id => 'event-1', timestamp => $now,
	data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS', reg_event_type => 'enrolment_status_change',
		reg_record_type => 'Member', reg_records => { member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => 'ID-9' } ],
			employment_status => '1' } } } ] };
is_acknowledged('/registry/notify', signed(header('notify', status => 'succ'), $event), 'notify is acknowledged');
for my $path (qw(notify on-search txn/on-status))
{
	my $action = $path =~ s|/|-|r;
	is_acknowledged("/sp/registry/$path", unsigned(header($action, status => 'rjct'), undef), "$path that says rjct needs no message");
	is($sp->post("/sp/registry/$path", unsigned(header($action, status => 'succ'), undef))->{short}, '200 ERR err.request.bad',
		"$path that says succ does");
}

$sp->sql("SELECT casesync.search_at('ess.example.org', 'Beneficiary', '{\"type\": \"NATIONAL_ID\", \"value\": \"ID-1\"}', 'idtype-value')");
my $asked = BridgeTest::wait_for('our search', sub { (grep { $_->{path} eq '/registry/search' } $ess->received)[0] });
push @{ $callback_bodies{search} }, $asked->{body};
my $found = { transaction_id => $asked->{message}{message}{transaction_id}, correlation_id => 'c_1', search_response => [ {
	reference_id => $asked->{message}{message}{search_request}[0]{reference_id}, timestamp => $now, status => 'succ',
	data => { version => '1.0.0', reg_type => 'ns:org:RegistryType:ESS', reg_record_type => 'Beneficiary', reg_records => [ {
		beneficiary_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => 'ID-1' } ] } ] },
	pagination => { page_size => 10, page_number => 1, total_count => 1 } } ] };
is_acknowledged('/registry/on-search', signed(header('on-search', status => 'succ'), $found), 'on-search is acknowledged');

$sp->sql("SELECT casesync.subscribe_to('ess.example.org', 'enrolment_status_change', 'Member')");
$asked = BridgeTest::wait_for('our subscribe', sub { (grep { $_->{path} eq '/registry/subscribe' } $ess->received)[0] });
push @{ $callback_bodies{subscribe} }, $asked->{body};
my $reference = $asked->{message}{message}{subscribe_request}[0]{reference_id};
is_acknowledged('/registry/on-subscribe', signed(header('on-subscribe'), {
	transaction_id => $asked->{message}{message}{transaction_id}, correlation_id => 'c_2', subscribe_response => [ {
		reference_id => $reference, timestamp => $now, status => 'succ', subscriptions => [ { code => 'their-code', status => 'subscribe', timestamp => $now } ] } ] }),
	'on-subscribe is acknowledged');
$sp->sql("SELECT casesync.unsubscribe_at('ess.example.org', 'their-code')");
$asked = BridgeTest::wait_for('our unsubscribe', sub { (grep { $_->{path} eq '/registry/unsubscribe' } $ess->received)[0] });
push @{ $callback_bodies{unsubscribe} }, $asked->{body};
is_acknowledged('/registry/on-unsubscribe', signed(header('on-unsubscribe'), {
	transaction_id => $asked->{message}{message}{transaction_id}, correlation_id => 'c_3', timestamp => $now, status => 'succ',
	subscription_status => [ { code => 'their-code', status => 'unsubscribe' } ] }), 'on-unsubscribe is acknowledged');

# --- synchronous requests ---
my $said = is_answered('/registry/sync/search', signed(header('search'), question('y1', 'ID-1')), 'search at once');
is($said->{header}{action}, 'on-search', 'with the action of the callback');
is($said->{message}{search_response}[0]{status}, 'succ', 'which succeeded');
is(scalar @{ $said->{message}{search_response}[0]{data}{reg_records} }, 1, 'with one record');
is($said->{message}{search_response}[0]{pagination}{total_count}, 1, 'and says how many there are');
$said = is_answered('/ess/registry/sync/search', unsigned(header('search'), question('y2', 'nobody')), 'search of nobody');
is(ref $said->{message}{search_response}[0]{data}{reg_records}, 'ARRAY', 'reg_records is a list, also when empty');
is(scalar @{ $said->{message}{search_response}[0]{data}{reg_records} }, 0, 'and it is empty');
$said = is_answered('/registry/sync/txn/status', signed(header('txn-status'), status_of('search', 'txn-q1')), 'status at once');
is($said->{header}{action}, 'txn-on-status', 'with the action of the callback');
is($said->{message}{txnstatus_response}{txn_status}{search_response}[0]{reference_id}, 'q1', 'and knows the search');
$said = is_answered('/registry/sync/txn/status', signed(header('txn-status'), status_of('search', 'never was')), 'status of an unknown transaction');
is(scalar @{ $said->{message}{txnstatus_response}{txn_status}{search_response} }, 0, 'is an answer with an empty list');
$said = is_answered('/registry/sync/check-enrollment', signed(header('enrollementstatus'), enrolled('ID-1')), 'check-enrollment');
is($said->{message}{enrolled_response}[0]{enrolled_status}, 'Active', 'says the status');
is($said->{header}{action}, 'txn-on-status', 'with the action that the document demands');
$said = is_answered('/sp/registry/sync/check-enrollment', signed(header('enrollementstatus'), enrolled('nobody')), 'check-enrollment of nobody');
is(scalar @{ $said->{message}{enrolled_response} }, 0, 'is an empty list');

# --- several items, each with its own outcome ---
my $batch = question('b1', 'ID-1');
push @{ $batch->{search_request} }, @{ question('b2', 'ID-2', query_type => 'graphql')->{search_request} };
$said = is_answered('/registry/sync/search', signed(header('search', total_count => 2), $batch), 'a batch');
is(join(' ', map { $_->{reference_id} . ' ' . $_->{status} } @{ $said->{message}{search_response} }), 'b1 succ b2 rjct',
	'each item of a batch has its own outcome');
like($said->{message}{search_response}[1]{status_reason_code}, qr/^rjct\./, 'with a reason');

# --- tolerant of the standard's own typos, and of what libraries write ---
my %sloppy = (
	'timesstamp in an item' => [ 'subscribe', 'subscribe', do { my $w = wish('t1', 'ID-2'); my $i = $w->{subscribe_request}[0]; $i->{timesstamp} = delete $i->{timestamp}; $w } ],
	'timesatmp and sunscription_codes' => [ 'unsubscribe', 'unsubscribe', { transaction_id => 't', timesatmp => $now, sunscription_codes => ['x'] } ],
	'subscibe' => [ 'txn/status', 'txn-status', status_of('subscibe', 'txn-s1') ],
	'txn_type unsubscribe' => [ 'txn/status', 'txn-status', status_of('unsubscribe', 'txn-u') ],
	'a prefix of a code' => [ 'search', 'search', question('t3', 'ID-1', query_type => 'ns:org:QueryType:idtype-value') ],
	'nulls for what is not said' => [ 'search', 'search', question('t4', 'ID-1', sort => undef, pagination => undef, consent => undef), sender_uri => undef, meta => undef, version => undef ],
	'unknown members' => [ 'search', 'search', { %{ question('t5', 'ID-1') }, x => { y => [1] } }, 'x-y' => 'z' ],
	'a record list in notify' => [ 'notify', 'notify', { transaction_id => 'n', notify_event => [ { reference_id => 'l', timestamp => $now,
		data => { reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => [
			{ member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => 'ID-8' } ], employment_status => '1' } ] } } ] } ],
	'pagination beside the criteria' => [ 'search', 'search', do { my $q = question('t6', 'ID-1'); my $i = $q->{search_request}[0];
		$i->{pagination} = delete $i->{search_criteria}{pagination}; $q } ],
	'gte' => [ 'search', 'search', question('t7', 'x', query_type => 'expression', query => { last_updated => { gte => '2020-01-01' } }) ],
	'any receiver_id of an unsigned_accepted partner' => [ 'search', 'search', question('t8', 'ID-1'), receiver_id => 'whoever' ],
);
for my $what (sort keys %sloppy)
{
	my ($path, $action, $message, %more) = @{ $sloppy{$what} };
	is_acknowledged("/registry/$path", unsigned(header($action, %more), $message), "tolerated: $what");
}
for my $word (qw(enrollementstatus enrollmentstatus enrolmentstatus enrolment-status search))
{
	$said = is_answered('/registry/sync/check-enrollment', unsigned(header($word), enrolled('ID-2')), "check-enrollment as $word");
	is($said->{message}{enrolled_response}[0]{enrolled_status}, 'Suspended', 'is answered the same');
}
is_acknowledged('/registry/notify', unsigned(header('notify'), $event), 'no signature at all');

# --- a probe has no effect ---
my $effects = sub { $sp->sql('SELECT (SELECT count(*) FROM casesync_internal.message_in), (SELECT count(*) FROM casesync_internal.subscription), (SELECT count(*) FROM casesync_internal.request_in)') };
my $before = $effects->();
for my $path (qw(subscribe unsubscribe notify search on-search on-subscribe on-unsubscribe txn/status txn/on-status sync/search sync/txn/status sync/check-enrollment))
{
	for my $body ('', '{}', " {\n} ")
	{
		is($sp->post("/registry/$path", $body, Authorization => 'Bearer ' . $sp->token('old.example.org'))->{short}, '200 ACK', "a probe of $path is acknowledged");
	}
}
isnt($sp->post('/registry/subscribe', '{}', Authorization => 'Bearer ' . $sp->token('ess.example.org'))->{short}, '200 ACK',
	'but not of a partner who has to sign');
is($effects->(), $before, 'and nothing was stored');

# --- repetition ---
my $body = signed(header('search'), question('again', 'ID-1'));
my $first = is_acknowledged('/registry/search', $body, 'a request');
callback($first, 'its callback');
is($sp->post('/registry/search', $body)->{content}, $first->{content}, 'repeated with the same message_id: the same answer');
my $other = signed({ %{ header('search') }, message_id => "message-" . ($sp->{serial} - 1) }, question('again', 'ID-2'));
is($sp->post('/registry/search', $other)->{short}, '200 ERR err.request.bad', 'another body under a used message_id is refused');
is_acknowledged('/registry/search', signed(header('search'), question('again', 'ID-3')), 'a repeated transaction_id is normal');

# --- our keys, for everybody ---
my $get = HTTP::Tiny->new->get($sp->base_url . '/.well-known/jwks.json');
is($get->{status}, 200, 'our keys are public');
my $keys = JSON::PP::decode_json($get->{content})->{keys};
is(join(' ', map { $_->{use} // 'sig' } @$keys), 'sig', 'one key for signatures');
is($keys->[0]{kid}, JSON::PP::decode_json($sp->public_key)->{kid}, 'the one that signs');
is(join(' ', grep { exists $_->{d} } @$keys), '', 'and nothing private');
is(HTTP::Tiny->new->request('HEAD', $sp->base_url . '/.well-known/jwks.json')->{status}, 200, 'also by HEAD');

# --- everything that was sent is what the document says ---
is(BridgeTest::python('check_schema', join('', map { "$_\n" } @{ $sp->{answers} }), 'answer',
	BridgeTest::tree() . '/test/schema/answer.json'), '', 'every answer is valid by our schema');
SKIP:
{
	skip 'ESS_API_DOCUMENT names no document', 2 + keys %callback_bodies unless $has_api;
	my @answers = @{ $sp->{answers} };
	is(BridgeTest::python('check_schema', join('', map { "$_\n" } grep { !/"errors"/ } @answers), 'answer', $api), '',
		'every acknowledgement is valid by the published document');
	is(BridgeTest::python('check_schema', join('', map { "$_\n" } grep { /"errors"/ } @answers), 'error', $api), '', 'every error too');
	for my $kind (sort keys %callback_bodies)
	{
		is(BridgeTest::python('check_schema', join('', map { "$_\n" } @{ $callback_bodies{$kind} }), $kind, $api), '',
			"what we send to $kind is valid by the published document");
	}
}
unlike($sp->log_text, qr/ID-\d|message-\d|txn-|event-\d|their-code/, 'the log has nothing of what partners sent');
$sp->stop_ok;

done_testing();
