# Forms that other systems send, against a real server and bridge: each is taken for what it means and counted
# under its code, or refused; nothing of a message gets into what is counted.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use JSON::PP;
use Test::More;

my $sp = BridgeTest->new;
my $mock = $sp->start_partner;
$sp->create_application;
my $base = "http://127.0.0.1:$mock->{port}";
my ($key, $jwk) = $sp->make_key('strict');
$sp->sql(<<"SQL");
INSERT INTO person VALUES (1, 'SEEDED-1', 'A', 1), (2, 'SEEDED-2', 'S', 2), (3, 'SEEDED-3', 'X', 3);
SELECT casesync.set_partner('old.example.org', '$base', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted'),
	casesync.set_partner('loose.example.org', '$base', networks => '{127.0.0.0/8}', signature => 'unsigned_accepted', reading => 'lenient'),
	casesync.set_partner('strict.example.org', '$base', networks => '{127.0.0.0/8}'),
	casesync.add_key('strict.example.org', '$jwk');
SQL
for my $name (qw(old loose strict))
{
	$sp->agree_out("out-$name", "$name.example.org", services => '{notify,search}', fields => '{enrollment_status}',
		subscribing => 'auto');
	$sp->agree_in("in-$name", "$name.example.org");
}
$sp->start_bridge;
$sp->wait_ready;

my $serial = 0;
my $now = '2026-11-22T10:00:00Z';

# A message as text, so that each form is sent byte by byte as it is written here.
sub message
{
	my ($action, $message, %more) = @_;
	my $number = ++$serial;
	my $header = $more{header} // '';
	return qq({"signature": ") . ($more{signature} // '') . qq(", "header": {"version": "1.0.0", "message_id": "form-$number", "message_ts": "$now",)
	  . qq( "action": "$action", "sender_id": ") . ($more{from} // 'old') . qq(.example.org", "receiver_id": "any", "is_msg_encrypted": false, )
	  . ($header =~ /total_count/ ? '' : '"total_count": 1, ') . qq("meta": {}$header}, "message": {$message}});
}

# The same, signed as Python's json writes it.
sub sign_escaped
{
	my ($text) = @_;
	my $order = JSON::PP->new->utf8->decode($text =~ s/"meta": \{\}, //r =~ s/"any"/"sp.example.org"/r);
	return BridgeTest::python('sign_message', JSON::PP->new->utf8->encode({ %$order, escaped => \1 }), $key);
}

sub search
{
	my ($criteria, %more) = @_;
	my $item = $more{item} // qq("reference_id": "r-$serial", "timestamp": "$now");
	return message($more{action} // 'search', qq("transaction_id": "t-$serial", "search_request": [{$item, "search_criteria": {"reg_type": "ESS",)
		  . qq( "reg_record_type": "Beneficiary", $criteria}) . ($more{beside} // '') . '}]', %more);
}

my $one = '"query_type": "idtype-value", "query": {"type": "NATIONAL_ID", "value": "SEEDED-1"}';
my $status_is = '{"attribute_name": "enrollment_status", "operator": "eq", "attribute_value": "%s"}';
my ($active, $suspended, $exited) = map { sprintf $status_is, $_ } qw(Active Suspended Exited);

sub seen
{
	my ($partner, $code) = @_;
	return $sp->sql("SELECT coalesce(max(messages), 0) FROM casesync.deviations WHERE partner = '$partner.example.org' AND code = '$code'");
}

my %taken;

# Taken: answered with so many records, or acknowledged; and counted once.
sub is_taken
{
	my ($path, $body, $code, $wanted, $what, %headers) = @_;
	my $partner = delete $headers{by} // ($body =~ /"sender_id": "(\w+)\./)[0];
	my $before = seen($partner, $code);
	$taken{$code} = 1;
	my $answer = $sp->post($path, $body, Authorization => 'Bearer ' . $sp->token("$partner.example.org"), %headers);
	my $got = $path =~ /sync/ && $answer->{status} == 200 ? join ' ',
	  map { scalar @{ $_->{data}{reg_records} } } @{ $answer->{json}{message}{search_response} } : $answer->{short};
	is($got, $wanted, "$code: $what") or diag $answer->{content};
	is(seen($partner, $code), $before + 1, "$code is counted");
	return $answer;
}

sub is_refused
{
	my ($path, $body, $wanted, $what, %headers) = @_;
	my $partner = delete $headers{by} // ($body =~ /"sender_id": "(\w+)\./)[0];
	my $before = $sp->sql('SELECT sum(messages) FROM casesync.deviations');
	my $answer = $sp->post($path, $body, Authorization => 'Bearer ' . $sp->token("$partner.example.org"), %headers);
	my $item = $answer->{json}{message}{search_response}[0] // {};
	is($answer->{status} == 200 && %$item ? "$item->{status} $item->{status_reason_code}" : $answer->{short}, $wanted, "refused: $what")
	  or diag $answer->{content};
	is($sp->sql('SELECT sum(messages) FROM casesync.deviations'), $before, 'and not counted') unless $wanted =~ /^rjct/;
	return;
}

# --- what is right is nobody's deviation ---
my $sync = '/registry/sync/search';
is(scalar @{ $sp->post($sync, search($one), Authorization => 'Bearer ' . $sp->token('old.example.org'))
	  ->{json}{message}{search_response}[0]{data}{reg_records} }, 1, 'a search in the standard\'s form finds one');
is($sp->sql('SELECT count(*) FROM casesync.deviations'), 0, 'and is no deviation');

# --- the header ---
is_taken($sync, search($one, header => ', "total_count": 10'), 'total_count', 1, 'more than came');
is_taken($sync, search($one, header => ', "total_count": 0'), 'total_count', 1, 'none');
is_taken($sync, search($one, header => ', "x": "total_count"'), 'total_count', 1, 'missing');
is_taken($sync, search($one, header => ', "total_count": "1"'), 'number_as_text', 1, 'total_count');
is_taken($sync, search($one, header => ', "sender_uri": "", "completed_count": ""'), 'empty', 1, 'of the header');
is_taken($sync, search($one, action => 'on-search'), 'action', 1, 'of the other direction');
is_taken($sync, search($one, action => 'SEARCH'), 'action', 1, 'in capitals');
is_taken($sync, search($one, action => 'verify'), 'action', 1, 'verify');
is_refused($sync, search($one, action => 'notify'), '400 ERR err.request.bad', 'an action of another path');
is_taken($sync, search($one) =~ s/"is_msg_encrypted": false/"is_msg_encrypted": "false"/r, 'flag_as_text', 1, 'false');
is_taken($sync, search($one) =~ s/"is_msg_encrypted": false/"is_msg_encrypted": null/r, 'flag_as_text', 1, 'null');
is_refused($sync, search($one) =~ s/"is_msg_encrypted": false/"is_msg_encrypted": "true"/r, '400 ERR err.encryption.invalid',
	'a plain message that calls itself encrypted');
is_refused($sync, search($one) =~ s/"header"/"headers"/r, '401 ERR err.sender_id.invalid', 'headers instead of header');

# --- items ---
my $empty = is_taken($sync, search($one, item => qq("reference_id": "", "timestamp": "")) =~ s/"transaction_id": "t-\d+"/"transaction_id": ""/r,
	'empty_id', 1, 'ids');
is($empty->{json}{message}{transaction_id}, "form-$serial", 'the message_id stands for the transaction_id');
is($empty->{json}{message}{search_response}[0]{reference_id}, "form-$serial-1", 'and with the number of the item for its reference_id');
is(seen('old', 'empty_time'), 1, 'the empty timestamp is counted too');
$taken{empty_time} = 1;
is_taken($sync, search("$one, \"consent\": \"\", \"authorize\": [], \"sort\": {}, \"pagination\": {}"), 'empty', 1, 'of the criteria');
is_taken($sync, search("$one, \"sort\": {\"attribute_name\": \"enrollment_status\", \"sort_order\": \"asc\"}"), 'one_for_list', 1, 'sort');
is_taken($sync, search("$one, \"pagination\": {\"page_size\": \"1\", \"page_number\": 1}"), 'number_as_text', 1, 'page_size');
is_taken($sync, search($one =~ s/idtype-value/IDTYPE_VALUE/r), 'word', 1, 'query_type');
is_taken($sync, search($one) =~ s/"search_request": \[(.*)\]\}\}$/"search_request": $1}}/r, 'one_for_list', 1, 'search_request');
is_taken($sync, search($one, beside => ', "locale": "EN/GB"'), 'locale_region', 1, 'with a region');
is_taken($sync, search($one, beside => ', "locale": ""'), 'empty', 1, 'locale');
for my $form ([ 'locale_letters', 'en', beside => ', "locale": "en"' ], [ 'locale_letters', 'ENG', beside => ', "locale": "ENG"' ],
	[ 'time_without_zone', 'of an item', item => '"reference_id": "r", "timestamp": "2026-11-22T10:00:00.123456"' ])
{
	my ($code, $what, %more) = @$form;
	is_refused($sync, search($one, %more), '400 ERR err.request.bad', "$code $what of a partner of whom nothing is said");
	is_taken($sync, search($one, %more, from => 'loose'), $code, 1, $what);
}

# --- queries ---
is_taken($sync, search("\"query_type\": \"idtype-value\", \"query\": $_"), 'id_type', 1, $_)
  for '{"type": "idtype-value", "value": {"id_type": "NATIONAL_ID", "id_value": "SEEDED-1"}}', '{"id_type": "NATIONAL_ID", "id_value": "SEEDED-1"}',
  '{"identifier_type": "NATIONAL_ID", "identifier_value": "SEEDED-1"}', '{"NATIONAL_ID": "SEEDED-1"}';
is_taken($sync, search('"query": {"type": "*", "value": "*"}'), 'star', 3, 'everybody');
is_taken($sync, search('"query_type": "expression", "query": {"$and": []}'), 'empty_and', 3, 'everybody');
is_taken($sync, search("\"query_type\": \"expression\", \"query\": [{\"expression1\": $active}]"), 'predicate_list', 1, 'called an expression');
is_taken($sync, search("\"query_type\": \"expression\", \"query\": {\"type\": \"x\", \"value\": {\"expression\": [{\"expression1\": $active}]}}"),
	'predicate_list', 1, 'in a value');
is_taken($sync, search("\"query_type\": \"predicate\", \"query\": [{\"expression1\": $active, \"condition\": \"or\", \"expression2\": $suspended,"
	  . " \"expression3\": $exited}]"), 'three_expressions', 3, 'any of them');
is_taken($sync, search("\"query_type\": \"predicate\", \"query\": [{\"expression1\": $active, \"condition\": \"and\", \"expression2\": $active,"
	  . " \"expression3\": $exited}]"), 'three_expressions', 0, 'all of them');
is_refused($sync, search("\"query_type\": \"predicate\", \"query\": [{\"expression1\": $active}, {\"expression1\": $active, \"condition\": \"or\","
	  . " \"expression2\": $suspended, \"expression3\": $exited}]"), 'rjct rjct.filter.invalid', 'three expressions among others');
is_refused($sync, search("\"query_type\": \"expression\", \"query\": $_"), 'rjct rjct.filter.invalid', $_)
  for '{"$or": []}', '{"enrollment_status": {"$startsWith": "1"}}', '{"enrollment_status": {"$elemMatch": {"x": 1}}}';
is_refused($sync, search("\"query_type\": \"graphql\", \"query\": {\"type\": \"graphql\", \"value\": \"{ a }\"}"), 'rjct rjct.filter.invalid', 'graphql');
is_refused($sync, search($one) =~ s/"query_type"/"query_type": "x", "query_type"/r, '400 ERR err.request.bad', 'a member twice');

# --- subscriptions and what became of them ---
sub wish
{
	my ($criteria, %more) = @_;
	return message('subscribe', qq("transaction_id": "wish-$serial", "subscribe_request": [{"reference_id": "wish-$serial", "timestamp": "$now",)
		  . qq( "subscribe_criteria": {"reg_event_type": "enrolment_status_change", "notify_record_type": "Beneficiary", $criteria}}]), %more);
}
my $ack = '200 ACK';
is_taken('/registry/subscribe', wish('"filter": {"type": "*", "value": "*"}'), 'star', $ack, 'a subscription to everybody');
is_taken('/registry/subscribe', wish("\"filter\": {\"type\": \"NATIONAL_ID\", \"value\": \"SEEDED-1\"}, \"frequency\": \"daily\""), 'frequency_word', $ack,
	'as a text');
is_taken('/registry/subscribe', wish("\"filter\": {\"type\": \"NATIONAL_ID\", \"value\": \"SEEDED-2\"}, \"frequency\": {\"start_time\": \"$now\","
	  . " \"frequency\": \"weekly\"}"), 'frequency_word', $ack, 'in its object');
is_taken('/registry/subscribe', wish("\"filter\": {\"type\": \"NATIONAL_ID\", \"value\": \"SEEDED-3\"}, \"frequency\": {\"frequency\": \"real-time\"}"),
	'real_time', $ack, 'at once');
is($sp->sql("SELECT string_agg(coalesce(cron, '-'), ' ' ORDER BY id) FROM casesync_internal.subscription"), '- 0 0 * * * 0 0 * * 1 -',
	'and they are told at these times');
my ($wished) = $sp->sql('SELECT max(transaction_id) FROM casesync_internal.request_in WHERE action = \'subscribe\'');
my $told = is_taken('/registry/sync/txn/status', message('txn_status', qq("transaction_id": "s", "txnstatus_request": {"attribute_type": "transaction_id",)
	  . qq( "attribute_value": "$wished"})), 'txn_type', '', 'no kind of request');
is($told->{json}{message}{txnstatus_response}{txn_type}, 'subscribe', 'it is told of the subscribe that there is');
is($told->{json}{message}{txnstatus_response}{txn_status}{subscribe_response}[0]{status}, 'succ', 'and how it ended');
ok(!exists $told->{json}{message}{txnstatus_response}{txn_status}{search_response}, 'and not of searches');
is(seen('old', 'reference_missing'), 1, 'that it had no reference_id is counted too');
$taken{reference_missing} = 1;
is_taken('/registry/sync/txn/status', message('txn-status', qq("transaction_id": "s", "txnstatus_request": [{"reference_id": "q", "txn_type": "search",)
	  . qq( "attribute_type": "transaction_id", "attribute_value": "none"}])), 'list_of_one', '', 'the question');
my $code = $sp->sql('SELECT code FROM casesync_internal.subscription ORDER BY id LIMIT 1');
is_taken('/registry/unsubscribe', message('unsubscribe', qq("transaction_id": "u", "timestamp": "$now", "subscription_code": ["$code"])),
	'subscription_code', $ack, 'a list of one');
is($sp->sql("SELECT state FROM casesync_internal.subscription WHERE code = '$code'"), 'ended', 'and the subscription has ended');

# --- notifications ---
my $record = '{"@type": "Member", "member_identifier": [{"identifier_type": "NATIONAL_ID", "identifier_value": "SEEDED-9"}], "employment_status": "1"}';
my $data = '"reg_type": "ESS", "reg_event_type": "enrolment_status_change", "reg_record_type": "Member"';
is_taken('/registry/notify', message('notify', qq("transaction_id": "n1", "notify_request": [{"reference_id": "n1", "timestamp": "$now",)
	  . qq( "data": {$data, "reg_record": $record}}])), 'notify_request', $ack, 'openIMIS');
is_taken('/registry/notify', message('notify', qq("notification_id": "n2", "notify_event": [{"event_id": "n2", "event_ts": "$now",)
	  . qq( "event_type": "enrolment_status_change", "reg_type": "ESS", "event_data": [$record]}])), 'event_data', $ack, 'OpenSPP2');
is(seen('old', 'notification_id'), 1, 'its notification_id is counted too');
$taken{notification_id} = 1;
is($sp->sql("SELECT string_agg(concat_ws(' ', reference_id, event_type, record_type, record->>'employment_status'), ', ' ORDER BY reference_id) FROM casesync_internal.inbox_item"),
	'n1 enrolment_status_change Member 1, n2 enrolment_status_change Member 1', 'both are in the inbox, with the record as it came');
is_taken('/registry/on-search', message('notify', qq("transaction_id": "n4", "notify_event": [{"reference_id": "n4", "timestamp": "$now",)
	  . qq( "data": {$data, "reg_records": $record}}])), 'callback_path', $ack, 'a notification where answers to a search are expected');
is_refused('/registry/search', message('notify', qq("transaction_id": "n5", "notify_event": [{"reference_id": "n5", "timestamp": "$now",)
	  . qq( "data": {$data, "reg_records": $record}}])), '200 ERR err.request.bad', 'a notification where requests are expected');

# --- answers to what we ask ---
$sp->sql("SELECT casesync.set_agreement('in-old', 'old.example.org', direction => 'in', event_types => '{search,enrolment_status_change}');"
	  . " SELECT casesync.activate('in-old')");
my $asked;

# An answer to a new search of ours; the sides are those of an answer. Without a type it has no item.
sub found
{
	my ($type) = @_;
	$asked = $sp->sql(q{SELECT casesync.search_at('old.example.org', 'Member', '{"type": "NATIONAL_ID", "value": "SEEDED-9"}')});
	my $transaction = $sp->sql("SELECT transaction_id FROM casesync.my_requests WHERE reference_id = '$asked'");
	my $item = $type ? qq({"reference_id": "$asked", "timestamp": "$now", "status": "succ", "locale": "eng", "data": {"reg_record_type": $type,)
	  . qq( "reg_records": [$record]}}) : '';
	return message('on-search', qq("transaction_id": "$transaction", "correlation_id": "c", "search_response": [$item]),
		$type ? () : (header => ', "total_count": 0'));
}

sub answered { return $sp->sql("SELECT concat_ws(' ', state, records, total_count) FROM casesync.my_requests WHERE reference_id = '$asked'"); }
my ($theirs, $ours) = ('"sender_id": "old.example.org", "receiver_id": "any"', '"sender_id": "sp.example.org", "receiver_id": "old.example.org"');
my $answers = '/registry/on-search';
is_taken($answers, found('{"namespace": "person-v1", "value": "Member"}'), 'type_object', $ack, 'of the records found');
is(answered(), 'answered 1', 'and the search is answered');
is_refused($answers, found('{"namespace": "person-v1"}'), '200 ERR err.request.bad', 'a type without a value');
is_taken($answers, found('"Member"') =~ s/$theirs/$ours/r, 'sides', $ack, 'those of the question', by => 'old');
is(answered(), 'answered 1', 'and the search is answered');
is_taken($answers, found('"Member"') =~ s/$theirs, /"x": 1, /r, 'sides', $ack, 'none', by => 'old');
is_refused($answers, found('"Member"') =~ s/$theirs/"sender_id": "sp.example.org", "receiver_id": "loose.example.org"/r,
	'200 ERR err.sender_id.invalid', 'those of a question to somebody else', by => 'old');
is(answered(), 'requested', 'and the search waits');
is_refused('/registry/notify', message('notify', qq("transaction_id": "n6", "notify_event": [{"reference_id": "n6", "timestamp": "$now",)
	  . qq( "data": {$data, "reg_records": $record}}])) =~ s/$theirs/$ours/r, '401 ERR err.sender_id.invalid', 'those of a question in a notification',
	by => 'old');
is_taken($answers, found('"Member"') =~ s/"correlation_id": "c", //r, 'correlation_missing', $ack, 'in an answer');
is(answered(), 'answered 1', 'and the search is answered');
is_taken($answers, found(''), 'nothing_found', $ack, 'in an answer');
is(answered(), 'answered 0 0', 'and the search is answered: nobody');

# --- around the message ---
is_taken($sync, search($one, signature => $_), 'signature_marker', 1, $_)
  for 'mock-signature', 'NO_SIG_CHECK', 'signature_validation_disabled', 'Signature not implemented',
  'Signature: namespace=\"dci\", kidId=\"old.example.org|k1|ed25519\", algorithm=\"ed25519\", created=\"1606970629\", expires=\"1607030629\", '
  . 'headers=\"(created) (expires) digest\", signature=\"Base64(signing content)\"',
  'Signature: namespace=\"dci\", kidId=\"x|k1|ed25519\", algorithm=\"ed25519\", created=\"1\", expires=\"9999999999\", headers=\"\", signature=\"NO_SIG_CHECK\"';
is_refused($sync, search($one, signature => $_), '401 ERR err.signature.invalid', "$_ of a partner that need not sign") for 'mock-signatures', 'c2lnbmF0dXJl';
is_refused($sync, search($one, signature => $_, from => 'strict'), '401 ERR err.signature.invalid', "$_ of a partner that must sign")
  for 'mock-signature', 'NO_SIG_CHECK';
is_taken($sync, sign_escaped(search($one, from => 'strict', header => ", \"meta\": {\"x\": \"\xc3\xa9\"}")), 'digest_python', 1, 'beyond ASCII');
is_refused($sync, search($one, from => 'strict'), '401 ERR err.signature.missing', 'no signature of a partner that must sign');
is_taken($sync, "\xef\xbb\xbf" . search($one), 'bom', 1, 'before a search');
is_taken('/registry/notify', "\xef\xbb\xbf" . message('notify', qq("transaction_id": "n3", "notify_event": [{"reference_id": "n3", "timestamp": "$now",)
	  . qq( "data": {$data, "reg_records": $record}}])), 'bom', $ack, 'before what is stored');
is_refused($sync, search($one), '415 ERR err.request.bad', 'text/plain of a partner of whom nothing is said', 'Content-Type' => 'text/plain');
is_taken($sync, search($one, from => 'loose'), 'content_type', 1, 'text/plain', 'Content-Type' => 'text/plain; charset=utf-8');

# By hand, since the client would not: a whole URL, a slash at the end, no content type.
sub raw
{
	my ($target, $body, $partner, $type) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}, Timeout => 10) or die "connect: $!";
	print $socket "POST $target HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " . $sp->token("$partner.example.org")
	  . "\r\n${type}Content-Length: " . length($body) . "\r\n\r\n$body";
	local $/;
	return (<$socket> =~ m{^HTTP/1.1 (\d+)})[0];
}
my $json_type = "Content-Type: application/json\r\n";
is(raw("http://sp.example.org$sync", search($one), 'old', $json_type), 200, 'a whole URL as target');
is(raw("$sync/", search($one), 'old', $json_type), 200, 'a slash at the end');
is(seen('old', 'trailing_slash'), 1, 'is counted');
$taken{trailing_slash} = 1;
is(raw("$sync//", search($one), 'old', $json_type), 404, 'two of them are another path');
is(raw($sync, search($one), 'old', ''), 415, 'no content type of a partner of whom nothing is said');
is(raw($sync, search($one, from => 'loose'), 'loose', ''), 200, 'no content type');
is(seen('loose', 'content_type'), 2, 'is counted');

# --- what is kept of it ---
# 158_jws.pl tries it, by a partner that signs so
$taken{signature_jws} = 1;
my ($codes) = BridgeTest::slurp(BridgeTest::tree() . '/doc/standard.md') =~ /made by test\/write_papers: forms that others send -->(.*?)<!-- end/s;
is(join(' ', sort keys %taken), join(' ', sort $codes =~ /^\| `(\w+)` \|/mg), 'each form of doc/standard.md is tried here');
is($sp->sql("SELECT count(*) FROM casesync.deviations WHERE place ~ 'SEEDED|form-|wish|example' OR first_seen > last_seen"), 0,
	'of a message only the names of its members are kept');
is($sp->sql('SELECT place FROM casesync.deviations WHERE code = \'locale_region\''), 'message.search_request[0].locale', 'and where it stood');
is($sp->sql("SELECT count(*) FROM casesync_internal.message_in WHERE convert_from(raw, 'UTF8') LIKE '%notify_request%'"), 1,
	'what was received is kept as it came');
unlike($sp->log_text, qr/SEEDED|form-\d/, 'and nothing of it is in the log');
$sp->stop_ok;

done_testing();
