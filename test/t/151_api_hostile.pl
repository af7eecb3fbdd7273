# Requests that break the rules of the wire, one rule at a time: each is refused with the standard's code
# and leaves nothing behind, and nothing that a partner chose reaches the log.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use IO::Socket::INET;
use Test::More;

my $sp = BridgeTest->new;
$sp->create_application;
$sp->sql(<<'SQL');
SELECT casesync.set_partner(p, 'http://' || p, signature => s) FROM (VALUES ('old.example.org', 'unsigned_accepted'),
	('ess.example.org', 'required'), ('other.example.org', 'unsigned_accepted')) v (p, s);
INSERT INTO person VALUES (1, 'SEEDED-PERSON', 'A', 1);
SQL
$sp->agree_out('out', 'old.example.org', services => '{notify,search,check_enrollment}', fields => '{enrollment_status}',
	subscribing => 'auto');
$sp->{first_partner} = 'old.example.org';    # whose token goes with a body that names nobody
$sp->start_bridge(log_level => 'debug', allow_http => 'off');
$sp->wait_ready;

my $now = '2026-11-22T10:00:00Z';
my $serial = 0;
my $seed = 'seeded-by-the-partner';

sub header
{
	my ($action, %more) = @_;
	my $header = { version => '1.0.0', message_id => "$seed-" . ++$serial, message_ts => $now, action => $action,
		sender_id => 'old.example.org', receiver_id => 'sp.example.org', total_count => \1, %more };
	delete @$header{ grep { ref $header->{$_} eq 'CODE' } keys %$header };
	return $header;
}

# Numbers are given as references, so that a string stays one.
sub text
{
	my ($value) = @_;
	my $json = JSON::PP->new->utf8->canonical->allow_nonref;
	my $plain;
	$plain = sub {
		my ($v) = @_;
		return { map { $_ => $plain->($v->{$_}) } keys %$v } if ref $v eq 'HASH';
		return [ map { $plain->($_) } @$v ] if ref $v eq 'ARRAY';
		return $$v + 0 if ref $v eq 'SCALAR';
		return $v;
	};
	return $json->encode($plain->($value));
}

sub body { return text({ header => $_[0], message => $_[1] }); }

my $gone = sub { };    # a member that is left out
my %good = (
	subscribe => sub { { transaction_id => "$seed-t", subscribe_request => [ { reference_id => "$seed-r", timestamp => $now, locale => 'eng',
		subscribe_criteria => { reg_event_type => 'enrolment_status_change', notify_record_type => 'Beneficiary',
			filter_type => 'idtype-value', filter => { type => 'NATIONAL_ID', value => 'SEEDED-PERSON' } }, @_ } ] } },
	unsubscribe => sub { { transaction_id => "$seed-t", timestamp => $now, subscription_codes => ["$seed-code"], @_ } },
	search => sub { { transaction_id => "$seed-t", search_request => [ { reference_id => "$seed-r", timestamp => $now, locale => 'eng',
		search_criteria => { query_type => 'idtype-value', query => { type => 'NATIONAL_ID', value => 'SEEDED-PERSON' }, @_ } } ] } },
	'txn-status' => sub { { transaction_id => "$seed-t", txnstatus_request => { reference_id => "$seed-r", txn_type => 'search',
		attribute_type => 'transaction_id', attribute_value => "$seed-t", @_ } } },
	enrollementstatus => sub { { transaction_id => "$seed-t", enrolled_criteria => { query_type => 'expression',
		query => { NATIONAL_ID => { eq => 'SEEDED-PERSON' } }, @_ } } },
	notify => sub { { transaction_id => "$seed-t", notify_event => [ { reference_id => "$seed-r", timestamp => $now,
		data => { reg_event_type => 'enrolment_status_change', reg_record_type => 'Member', reg_records => { x => 'SEEDED-PERSON' }, @_ } } ] } },
	'on-search' => sub { { transaction_id => "$seed-t", correlation_id => 'c', search_response => [ { reference_id => "$seed-r", timestamp => $now,
		status => 'succ', data => { reg_records => [] }, @_ } ] } },
	'on-subscribe' => sub { { transaction_id => "$seed-t", correlation_id => 'c', subscribe_response => [ { reference_id => "$seed-r", timestamp => $now, status => 'succ', @_ } ] } },
	'on-unsubscribe' => sub { { transaction_id => "$seed-t", correlation_id => 'c', timestamp => $now, status => 'succ', @_ } },
	'txn-on-status' => sub { { transaction_id => "$seed-t", correlation_id => 'c', txnstatus_response => { txn_type => 'search', txn_status => {}, @_ } } },
);
my %action_of = ('txn/status' => 'txn-status', 'txn/on-status' => 'txn-on-status', 'sync/search' => 'search',
	'sync/txn/status' => 'txn-status', 'sync/check-enrollment' => 'enrollementstatus');
my @async = qw(subscribe unsubscribe search txn/status notify on-search on-subscribe on-unsubscribe txn/on-status);
my @sync = qw(sync/search sync/txn/status sync/check-enrollment);
my $effects = sub { $sp->sql('SELECT (SELECT count(*) FROM casesync_internal.message_in), (SELECT count(*) FROM casesync_internal.subscription),
	(SELECT count(*) FROM casesync_internal.request_in), (SELECT count(*) FROM casesync.inbox), (SELECT count(*) FROM casesync_internal.disclosure)') };
my $nothing = $effects->();

# Refused in the way of its path: 200 with ERR, or 400.
sub is_refused
{
	my ($path, $body, $code, $what) = @_;
	my $expected = ($path =~ /^sync/ ? 400 : 200) . " ERR $code";
	my $answer = $sp->post("/registry/$path", $body);
	is($answer->{short}, $expected, "$path: $what") or diag $answer->{content};
	return $answer->{json}{message}{error}{message} // '';
}

# --- rules of every message ---
my %header_rules = (
	'rejects_version_2' => [ 'err.version.not_supported', version => '2.0.0' ],
	'rejects_message_ts_without_zone' => [ 'err.request.bad', message_ts => '2026-11-22T10:00:00' ],
	'rejects_no_message_id' => [ 'err.request.bad', message_id => $gone ],
	'rejects_message_id_of_256' => [ 'err.request.bad', message_id => 'x' x 256 ],
	'rejects_line_break_in_message_id' => [ 'err.request.bad', message_id => "$seed\r\nX-Injected: yes" ],
	'rejects_escape_sequence_in_message_id' => [ 'err.request.bad', message_id => "\e[2J$seed" ],
	'rejects_action_of_another_path' => [ 'err.request.bad', action => 'pay' ],
	'rejects_total_count_that_is_no_number' => [ 'err.request.bad', total_count => '1 ' ],
	'rejects_meta_that_is_no_object' => [ 'err.request.bad', meta => "$seed" ],
	'rejects_encryption_flag_without_ciphertext' => [ 'err.encryption.invalid', is_msg_encrypted => JSON::PP::true ],
	'rejects_encryption_flag_that_is_text' => [ 'err.encryption.invalid', is_msg_encrypted => 'true' ],
);
for my $path (@async, @sync)
{
	my $action = $action_of{$path} // $path;
	for my $rule (sort keys %header_rules)
	{
		my ($code, %more) = @{ $header_rules{$rule} };
		is_refused($path, body(header($action, %more), $good{$action}->()), $code, $rule);
	}
	is_refused($path, body(header($action), { %{ $good{$action}->() }, transaction_id => 'x' x 100 }), 'err.request.bad',
		'rejects_transaction_id_of_100');
	is_refused($path, text({ header => header($action) }), 'err.request.bad', 'rejects_no_message');
	is_refused($path, body(header($action), { ciphertext => 'x', iv => 'x', tag => 'x', encrypted_key => '', header => {} }),
		'err.encryption.invalid', 'rejects_ciphertext_that_is_not_announced');
	is_refused($path, '{"header":', 'err.request.bad', 'rejects_half_a_body');
	is_refused($path, '[]', 'err.request.bad', 'rejects_a_list');
	is_refused($path, '{"a":1,"a":2}', 'err.request.bad', 'rejects_a_member_twice');
	is_refused($path, '{"a":' . '[' x 40 . ']' x 40 . '}', 'err.request.bad', 'rejects_40_levels');
	is_refused($path, '{"a":[' . '0,' x 1000 . '0]}', 'err.request.bad', 'rejects_1001_items');
	is_refused($path, '{"a":"' . 'x' x 70_000 . '"}', 'err.request.bad', 'rejects_a_string_of_70_kB');
}

# --- rules of single paths ---
my $beside = sub { my $m = $good{search}->(); $m->{search_request}[0]{pagination} = $_[0]; $m };
my @rules = (
	[ [qw(search sync/search)], 'rejects_page_size_0', $good{search}->(pagination => { page_size => \0 }) ],
	[ [qw(search sync/search)], 'rejects_page_number_0', $good{search}->(pagination => { page_size => \1, page_number => \0 }) ],
	[ [qw(search sync/search)], 'rejects_negative_page_size', $good{search}->(pagination => { page_size => \-5 }) ],
	[ [qw(search sync/search)], 'rejects_page_size_as_text', $good{search}->(pagination => { page_size => 'ten' }) ],
	[ [qw(search sync/search)], 'rejects_page_size_beyond_31_bits', $good{search}->(pagination => { page_size => \4294967297 }) ],
	[ [qw(search sync/search)], 'rejects_page_size_0_beside_the_criteria', $beside->({ page_size => \0 }) ],
	[ [qw(search sync/search)], 'rejects_other_query_type', $good{search}->(query_type => 'sql') ],
	[ [qw(search sync/search)], 'rejects_query_that_is_text', $good{search}->(query => "' OR 1=1 --") ],
	[ [qw(search sync/search)], 'rejects_other_sort_order', $good{search}->(sort => [ { attribute_name => 'a', sort_order => '; DROP' } ]) ],
	[ [qw(search sync/search)], 'rejects_empty_search_request', { transaction_id => 't', search_request => [] } ],
	[ [qw(search sync/search)], 'rejects_locale_of_two_letters', do { my $m = $good{search}->(); $m->{search_request}[0]{locale} = 'en'; $m } ],
	[ [qw(search sync/search)], 'rejects_locale_in_capitals', do { my $m = $good{search}->(); $m->{search_request}[0]{locale} = 'ENG'; $m } ],
	[ [qw(search sync/search)], 'rejects_timestamp_without_zone', do { my $m = $good{search}->(); $m->{search_request}[0]{timestamp} = '2026-11-22T10:00:00'; $m } ],
	[ [qw(txn/status sync/txn/status)], 'rejects_other_txn_type', $good{'txn-status'}->(txn_type => 'pay') ],
	[ [qw(txn/status sync/txn/status)], 'rejects_other_attribute_type', $good{'txn-status'}->(attribute_type => 'name') ],
	[ [qw(txn/status sync/txn/status)], 'rejects_number_as_attribute_value', $good{'txn-status'}->(attribute_value => \7) ],
	[ ['sync/check-enrollment'], 'rejects_other_query_type', $good{enrollementstatus}->(query_type => 'sql') ],
	[ ['sync/check-enrollment'], 'rejects_no_criteria', { transaction_id => 't' } ],
	[ ['subscribe'], 'rejects_empty_batch', { transaction_id => 't', subscribe_request => [] } ],
	[ ['subscribe'], 'rejects_locale_of_two_letters', $good{subscribe}->(locale => 'en') ],
	[ ['subscribe'], 'rejects_timestamp_without_zone', $good{subscribe}->(timestamp => '2026-11-22') ],
	[ ['subscribe'], 'rejects_criteria_that_are_a_list', $good{subscribe}->(subscribe_criteria => []) ],
	[ ['unsubscribe'], 'rejects_no_codes', $good{unsubscribe}->(subscription_codes => []) ],
	[ ['unsubscribe'], 'rejects_code_of_100', $good{unsubscribe}->(subscription_codes => [ 'x' x 100 ]) ],
	[ ['notify'], 'rejects_no_records', $good{notify}->(reg_records => undef) ],
	[ ['notify'], 'rejects_records_that_are_text', $good{notify}->(reg_records => 'SEEDED-PERSON') ],
	[ ['on-search'], 'rejects_other_status', $good{'on-search'}->(status => 'done') ],
	[ ['on-subscribe'], 'rejects_other_status', $good{'on-subscribe'}->(status => 'done') ],
	[ ['on-unsubscribe'], 'rejects_other_status', $good{'on-unsubscribe'}->(status => 'done') ],
	[ ['txn/on-status'], 'rejects_text_as_txn_status', $good{'txn-on-status'}->(txn_status => 'completed') ],
);
for my $rule (@rules)
{
	my ($paths, $name, $message) = @$rule;
	is_refused($_, body(header($action_of{$_} // $_), $message), 'err.request.bad', $name) for @$paths;
}

# --- where callbacks may go: refused when asked, not when sent ---
for my $uri ('http://old.example.org/on', 'https://10.0.0.1/on', 'https://127.1/on', 'https://0x7f000001/on', 'https://2130706433/on',
	'https://[::1]/on', 'https://localhost/on', 'https://169.254.169.254/latest', 'https://old.example.org@10.0.0.1/on',
	'https://old.example.org.evil.example/on', 'http://old.example.org/../on', 'http://old.example.org/%2e%2e/on', 'file:///etc/passwd',
	"https://old.example.org/on\r\nX: y", 'gopher://old.example.org/', 'https://old.example.org:99999/')
{
	(my $shown = $uri) =~ s/[\r\n]/ /g;
	for my $path (qw(subscribe unsubscribe search txn/status))
	{
		my $action = $action_of{$path} // $path;
		is_refused($path, body(header($action, sender_uri => $uri), $good{$action}->()), 'err.sender_uri.invalid', "rejects_sender_uri $shown");
	}
}

# --- who is it, before what is it: nothing of the body is told to whoever has no business ---
my $token = $sp->token('old.example.org');
for my $path (@async, @sync)
{
	my $action = $action_of{$path} // $path;
	my $body = body(header($action), $good{$action}->());
	my $answer = $sp->post("/registry/$path", $body, Authorization => undef);
	is($answer->{short}, '401 ERR err.request.unauthorized', "$path: no token");
	like($answer->{headers}{'www-authenticate'} // '', qr/^Bearer /, 'and how to get in is said');
	is($answer->{json}{errors}[0]{code}, 'err.request.unauthorized', 'in both shapes');
	is($sp->post("/registry/$path", 'no JSON', Authorization => undef, 'Content-Type' => 'text/plain')->{short}, '401 ERR err.request.unauthorized',
		'also when all else is wrong');
	is($sp->post("/registry/$path", 'no JSON', Authorization => "Bearer $token", 'Content-Type' => 'text/plain')->{short}, '415 ERR err.request.bad',
		'then the content type');
	is($sp->post("/registry/$path", $body, Authorization => 'Bearer ' . $sp->token('other.example.org'))->{short}, '401 ERR err.sender_id.invalid',
		'then whose token it is');
	is($sp->post("/registry/$path", body(header('nonsense', sender_id => 'ess.example.org'), {}), Authorization => 'Bearer ' . $sp->token('ess.example.org'))->{short},
		'401 ERR err.signature.missing', 'then the signature, before the form');
	is($sp->post("/registry/$path", body(header($action, sender_id => 'nobody.example.org'), {}), Authorization => "Bearer $token")->{short},
		'401 ERR err.sender_id.invalid', 'a sender_id that nobody has');
}
like($sp->post('/registry/search', 'x', 'Content-Type' => 'multipart/form-data; boundary=x')->{json}{message}{error}{message}, qr/multipart/,
	'files are refused with a clear text');
for my $bad ('Bearer', 'Bearer ', "Basic $token", $token, "Bearer $token.x", 'Bearer ' . 'x' x 9000, "bearer\t$token", 'Bearer a.b.c')
{
	is($sp->post('/registry/search', '{}', Authorization => $bad)->{short}, '401 ERR err.request.unauthorized', 'rejects_token ' . substr $bad, 0, 12);
}

# --- whoever has no token cannot make us hold much ---
sub raw
{
	my ($text, $more) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $sp->{port}, Timeout => 10) or die "connect: $!";
	local $SIG{ALRM} = sub { die "no end\n" };
	local $SIG{PIPE} = 'IGNORE';
	my $all = eval { alarm 20; print $socket $text; $more->($socket) if $more; shutdown $socket, 1; local $/; my $got = <$socket>; alarm 0; $got };
	alarm 0;
	return $all // "$@";
}
my $notify = "POST /registry/notify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
# also what is refused before anything is read has both shapes
for my $refused ([ 413, "${notify}Authorization: Bearer $token\r\nContent-Length: 50000000\r\n\r\n" ], [ 401, "${notify}Content-Length: 5000000\r\n\r\n" ],
	[ 404, $notify =~ s/registry/nowhere/r . "Content-Length: 0\r\n\r\n" ], [ 400, "${notify}Host: y\r\nContent-Length: 0\r\n\r\n" ],
	[ 431, $notify . "X: y\r\n" x 150 . "Content-Length: 0\r\n\r\n" ])
{
	my ($status, $request) = @$refused;
	my ($head, $body) = split /\r\n\r\n/, raw($request), 2;
	like($head, qr/^HTTP\/1\.1 $status .*^Content-Type: application\/json\r?$/ms, "$status as JSON");
	push @{ $sp->{answers} }, $body;
}
like(raw("${notify}Content-Length: 5000000\r\n\r\n"), qr/^HTTP\/1\.1 401 .*^WWW-Authenticate: Bearer.*err\.request\.unauthorized/ms,
	'a large body without a token is refused before it is sent');
like(raw("${notify}Authorization: Bearer x.y.z\r\nContent-Length: 5000000\r\n\r\n"), qr/^HTTP\/1\.1 401 /, 'also with a bad one');
like(raw("${notify}Transfer-Encoding: chunked\r\n\r\n", sub {
	my ($socket) = @_;
	print $socket "4000\r\n", ' ' x 16384, "\r\n" for 1 .. 6;
	print $socket "0\r\n\r\n";
}), qr/^HTTP\/1\.1 401 /, 'and when it grows in chunks');
is($sp->post('/registry/notify', '{"a":"' . ' ' x 60_000 . '","b":"' . ' ' x 60_000 . '"}', Authorization => "Bearer $token")->{short},
	'401 ERR err.sender_id.invalid', 'with a token it is read');

# --- paths and methods ---
for my $path ('/registry/subscribe//', '/registry//subscribe', '/registry/./subscribe', '/registry/%2e%2e/livez', '/registry/../livez', '/REGISTRY/subscribe',
	'/registry/subscribe%00', '/registry/subscribe%2f', '/livez', '/readyz', '/metrics', '/ess/ess/registry/subscribe', '/ess', '/', '/.well-known/../registry/x', '/' . 'x' x 2000)
{
	is($sp->post($path, '{}', Authorization => "Bearer $token")->{status}, 404, '404 for ' . substr $path, 0, 40);
}
for my $method (qw(GET PUT DELETE PATCH OPTIONS TRACE))
{
	my $answer = HTTP::Tiny->new->request($method, $sp->base_url . '/registry/subscribe');
	is("$answer->{status} $answer->{headers}{allow}", '405 POST', "405 with Allow for $method");
	is($answer->{headers}{'content-type'}, 'application/json', 'as JSON');
	push @{ $sp->{answers} }, $answer->{content};
}
is(HTTP::Tiny->new->post($sp->base_url . '/.well-known/jwks.json')->{status}, 405, 'nobody can give us keys');

# --- bytes that no HTTP library would send ---
my $head = "POST /registry/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
for my $header ("Authorization: Bearer $token\r\nX-\x01: y", "X: a\x00b", 'Authorization: Bearer ' . 'x' x 40_000, "X: \xff\xfe")
{
	unlike(raw("$head$header\r\nContent-Length: 2\r\n\r\n{}"), qr/^HTTP\/1.1 200 .*disclos|no end/s, 'a header of odd bytes is survived');
}
unlike(raw("POST /registry/search%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), qr/X-Injected/, 'no line of ours comes from a path');
unlike(raw("$head" . "Authorization: Bearer $token\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /x HTTP/1.1\r\n\r\n"), qr/no end/, 'two lengths are survived');
is($effects->(), $nothing, 'all that left nothing behind');

# --- too many requests ---
is($sp->end_bridge('TERM'), 0, 'the bridge stops');
$sp->start_bridge(log_level => 'debug', rate_limit => 1, rate_burst => 3);
$sp->wait_ready;
my @short;
my $refused;
for (1 .. 8)
{
	my $answer = $sp->post('/registry/search', '{}', Authorization => "Bearer $token");
	push @short, $answer->{status};
	$refused //= $answer if $answer->{status} == 429;
}
is(join(' ', @short[ 0 .. 2 ]), '200 200 200', 'a burst is taken');
is($refused->{short}, '429 ERR err.request.too_many_requests', 'then it is too many');
cmp_ok($refused->{headers}{'retry-after'}, '>=', 1, 'with the time to wait');
is($sp->post('/registry/search', '{}', Authorization => 'Bearer ' . $sp->token('other.example.org'))->{status}, 200, 'others are not concerned');
ok(BridgeTest::wait_for('room', sub { $sp->post('/registry/search', '{}', Authorization => "Bearer $token")->{status} == 200 }), 'and it passes');

# --- what everybody was told, and what was written down ---
is(BridgeTest::python('check_schema', join('', map { "$_\n" } @{ $sp->{answers} }), 'answer',
	BridgeTest::tree() . '/test/schema/answer.json'), '', 'every answer has both shapes or is an acknowledgement');
unlike(join('', @{ $sp->{answers} }), qr/SEEDED-PERSON|\Q$seed\E/, 'no answer repeats what was sent');
my $log = $sp->log_text;
unlike($log, qr/SEEDED|\Q$seed\E|Injected|evil|nobody\.example|passwd/, 'nothing of what partners sent is in the log');
is(join('', grep { !/^[\x20-\x7e]*\n$/ } split /^/, $log), '', 'which has no odd bytes');
is(join('', grep { !/^time=/ && !/^==|valgrind/ } split /^/, $log), '', 'and no line that is not ours');
$sp->stop_ok;

done_testing();
