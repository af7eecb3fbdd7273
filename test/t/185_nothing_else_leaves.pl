# What is not agreed never leaves, by no way out: the records are full of marks in every field that is
# not agreed, and everything that partners get, plain or encrypted, and every log is searched for them.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use BridgeTest;
use JSON::PP ();
use Test::More;

my $mark = 'Geheim';
my $json = JSON::PP->new->utf8->canonical;
my $now = '2026-11-22T10:00:00.000Z';
my $sp = BridgeTest->new;
my %server = map { $_ => $sp->start_partner(name => $_) } qw(ess far);
my %hidden = map { $_ => "$sp->{folder}/$_.ec" } qw(our far);
BridgeTest::generate_key($_, 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256') for values %hidden;

# --- marks beside what is agreed, within it, in the subject's key and in columns of the view ---
$sp->create_application;
$sp->sql(<<"SQL");
CREATE FUNCTION marked(record jsonb, id integer) RETURNS jsonb LANGUAGE sql IMMUTABLE AS \$\$
	SELECT jsonb_set(record, '{programme_identifier,0}', record #> '{programme_identifier,0}' || '{"programme_description": "$mark-programme"}')
		|| jsonb_build_object('remarks', '$mark-remarks', 'benefits', '[{"benefit_type": "$mark-benefit"}]'::jsonb,
			'additional_attributes', '[{"$mark-name": "$mark-value"}]'::jsonb, '$mark-attribute', 1)
\$\$;
CREATE OR REPLACE VIEW shared_person AS
SELECT '$mark-key-' || id AS subject_key, marked(casesync.beneficiary(
		member => casesync.member(identifiers => ARRAY[casesync.identifier('NATIONAL_ID', national_id), casesync.identifier('UIN', '$mark-UIN-' || id)],
			demographic_info => casesync.person(name => casesync.name('$mark-surname', '$mark-given'),
				phone_number => ARRAY['+49$mark'], email => ARRAY['$mark\@example.org'], address => ARRAY[casesync.address('$mark-street')]),
			additional_attributes => '[{"$mark": "$mark-inside"}]'),
		programmes => ARRAY[casesync.enrolment('Cash ' || note, casesync.to_code('app', status, NULL::casesync.enrolment_status))]), id) AS record,
	note <> 13 AS shared, '$mark-column-' || id AS district
  FROM person;
SELECT casesync.untrack('person');
SELECT casesync.track('person', '{person}', '''$mark-key-'' || id', on_insert => 'enrolment_status_change',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SQL
my %key;
for my $partner (sort keys %server)
{
	$sp->add_partner("$partner.example.org", $server{$partner}{port});
	($key{$partner}, my $jwk) = $sp->make_key($partner);
	$sp->sql("SELECT casesync.add_key('$partner.example.org', '$jwk')");
	$sp->sql("SELECT casesync.set_agreement('$partner-example-org', '$partner.example.org', subjects => 'shared', on_leave => 'identifier_only',
		services => '{notify,search,check_enrollment}', subscribing => 'auto', must_encrypt => " . ($partner eq 'far' ? 'true' : 'false') . ");
		SELECT casesync.activate('$partner-example-org')");
}
my $far_jwk = BridgeTest::python('encrypt_message', '', 'jwk', $hidden{far});
$sp->sql("SELECT casesync.add_key('far.example.org', '$far_jwk')");
$sp->start_bridge(encryption_key_files => $hidden{our}, log_level => 'debug');
$sp->wait_ready;
my ($our_jwk) = grep { ($_->{use} // '') eq 'enc' }
  @{ $json->decode(HTTP::Tiny->new->get($sp->base_url . '/.well-known/jwks.json')->{content})->{keys} };

# Every text that a partner has got, decrypted; and every answer to it.
my %answers = map { $_ => [] } keys %server;

sub opened
{
	my ($text) = @_;
	my $envelope = eval { $json->decode($text) } // return $text;
	my $message = ref $envelope eq 'HASH' ? $envelope->{message} : undef;
	return $text unless ref $message eq 'HASH' && exists $message->{ciphertext};
	return "$text\n" . $json->encode($json->decode(BridgeTest::python('encrypt_message', $json->encode($message), 'decrypt', $hidden{far})));
}

sub got
{
	my ($partner) = @_;
	return map { opened($_) } (map { $_->{body} } $server{$partner}->received), @{ $answers{$partner} };
}

my $serial = 0;

sub ask
{
	my ($partner, $path, $action, $message, %header) = @_;
	my $header = { version => '1.0.0', message_id => 'message-' . ++$serial, message_ts => $now, action => $action, total_count => 1,
		sender_id => "$partner.example.org", receiver_id => 'sp.example.org', %header };
	if ($partner eq 'far')
	{
		$header->{is_msg_encrypted} = JSON::PP::true;
		$message = $json->decode(BridgeTest::python('encrypt_message', $json->encode({ message => $message, jwk => $our_jwk }), 'encrypt'));
	}
	my $order = $json->encode({ header => $header, message => $message }) =~ s/"(total_count|page_size|page_number)":"(\d+)"/"$1":$2/gr;
	my $answer = $sp->post("/registry/$path", BridgeTest::python('sign_message', $order, $key{$partner}));
	push @{ $answers{$partner} }, $answer->{content};
	my $text = opened($answer->{content});
	$text =~ s/^.*\n//;    # of an encrypted one what is inside
	return { status => $answer->{status}, text => $text };
}

sub criteria
{
	my ($query, %more) = @_;
	return { transaction_id => 't' . ++$serial, search_request => [ { reference_id => "r$serial", timestamp => $now, locale => 'eng', search_criteria => {
		reg_type => 'ns:org:RegistryType:ESS', reg_record_type => 'Beneficiary', query => $query, %more } } ] };
}

# An answer without what is new in each: two that say the same are equal.
sub plainly
{
	my ($text, $guess) = @_;
	$text =~ s/\Q$guess\E/GUESS/g;
	$text =~ s/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g;
	$text =~ s/"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"/"TIME"/g;
	$text =~ s/"(signature|stream)":"(?:[^"\\]|\\.)*"/"$1":""/g;
	$text =~ s/"(r|t)\d+"/"$1"/g;
	$text =~ s/"message-\d+"/"m"/g;
	$text =~ s/"(iv|ciphertext|tag|encrypted_key|epk|x|y)":"[^"]*"/"$1":""/g;
	return $text;
}

# --- notifications: a new person, a change of what is agreed, of what is not, of somebody not shared, and an end ---
$sp->sql("INSERT INTO person VALUES (1, 'ID-1', 'A', 0), (2, 'ID-2', 'S', 0), (3, '$mark-ID-3', 'A', 13), (4, 'ID-4', '$mark-word', 0)");
for my $partner (sort keys %server)
{
	ok(BridgeTest::wait_for('the first notification', sub { grep { /"ID-2"/ } got($partner) }), "$partner: knows of somebody who will leave");
}
ok(BridgeTest::wait_for('its outcome', sub { $sp->sql('SELECT sum(due) FROM casesync.queue') == 0 }), 'nothing is due');
$sp->sql("UPDATE person SET status = 'X' WHERE id IN (1, 3)");
$sp->sql('DELETE FROM person WHERE id = 2');
$sp->sql("INSERT INTO person VALUES (5, 'ID-5', 'A')");
for my $partner (sort keys %server)
{
	ok(BridgeTest::wait_for('the last notification', sub { grep { /"ID-5"/ } got($partner) }), "$partner: notifications arrive");
	my $all = join "\n", got($partner);
	like($all, qr/"programme_name":"Cash 0"/, "$partner: with what is agreed");
	like($all, qr/"removed"/, "$partner: and removals");
}
is($sp->sql("SELECT count(*) FROM casesync.quarantine WHERE reason ~ '$mark'"), 1, 'one person cannot be rendered, and the reason quotes content');

for my $partner (sort keys %server)
{
	# --- questions, good ones ---
	like(ask($partner, 'sync/search', 'search', criteria({ type => 'NATIONAL_ID', value => 'ID-1' }, query_type => 'idtype-value'))->{text},
		qr/"identifier_value":"ID-1"/, "$partner: a search finds somebody");
	like(ask($partner, 'sync/search', 'search', criteria({}, sort => [ { attribute_name => 'enrollment_status', sort_order => 'asc' } ]))->{text}, qr/"ID-5"/,
		"$partner: a search for everybody");
	like(ask($partner, 'search', 'search', criteria({ enrollment_status => { eq => 'Active' } }, query_type => 'expression'))->{text}, qr/"ACK"/, "$partner: one that is answered later");
	like(ask($partner, 'sync/check-enrollment', 'enrollementstatus', { transaction_id => 't' . ++$serial, enrolled_criteria => { query_type => 'expression',
		response_entity => 'Member', query => { NATIONAL_ID => { eq => 'ID-1' } } } })->{text}, qr/"enrolled_status":"Inactive"/, "$partner: a check of enrolment");
	like(ask($partner, $_->[0], 'txn-status', { transaction_id => 't' . ++$serial, txnstatus_request => { reference_id => 's', txn_type => 'search',
		attribute_type => 'reference_id_list', attribute_value => [ map { "r$_" } 1 .. $serial ] } })->{text}, $_->[1], "$partner: what became of all that ($_->[0])")
	  for ([ 'sync/txn/status', qr/"search_response"/ ], [ 'txn/status', qr/"ACK"/ ]);
	like(ask($partner, 'subscribe', 'subscribe', { transaction_id => "wish-$partner", subscribe_request => [ { reference_id => "wish-$partner", timestamp => $now,
		subscribe_criteria => { reg_event_type => 'enrolment_status_change', notify_record_type => 'Beneficiary', filter_type => 'expression',
			filter => { enrollment_status => { eq => 'Active' } } } } ] })->{text}, qr/"ACK"/, "$partner: a subscription");
	like(ask($partner, 'unsubscribe', 'unsubscribe', { transaction_id => 't' . ++$serial, timestamp => $now, subscription_codes => ['x'] })->{text}, qr/"ACK"/, "$partner: its end");
	ok(BridgeTest::wait_for("callbacks to $partner", sub { my %path = map { $_->{path} => 1 } $server{$partner}->received;
		!grep { !$path{"/registry/$_"} } qw(notify on-search on-subscribe on-unsubscribe txn/on-status) }), "$partner: all callbacks come");

	# --- whoever cannot be rendered is not explained ---
	ask($partner, 'sync/search', 'search', criteria({ type => 'NATIONAL_ID', value => 'ID-4' }, query_type => 'idtype-value'));
	ask($partner, 'sync/check-enrollment', 'enrollementstatus', { transaction_id => 't' . ++$serial, enrolled_criteria => { query_type => 'expression',
		response_entity => 'Member', query => { NATIONAL_ID => { eq => 'ID-4' } } } });
	my $all = join "\n", got($partner);
	unlike($all, qr/$mark/i, "$partner: nothing that is not agreed in all of it");
	ok(length($all) > 5000, "$partner: and that was a lot");

	# --- guessing: a right guess at what is not agreed, or at somebody not shared, gets the answer of a wrong one ---
	my %guess = (
		'another identifier' => sub { ({ type => 'UIN', value => "$_[0]-UIN-1" }, query_type => 'idtype-value') },
		'an identifier within a record' => sub { ({ 'member.member_identifier.identifier_value' => { eq => "$_[0]-UIN-1" } }, query_type => 'expression') },
		'somebody not shared' => sub { ({ type => 'NATIONAL_ID', value => "$_[0]-ID-3" }, query_type => 'idtype-value') },
		'a name' => sub { ({ 'member.demographic_info.name.surname' => { eq => "$_[0]-surname" } }, query_type => 'expression') },
		'not a name' => sub { ({ '$not' => { 'member.demographic_info.name.surname' => { eq => "$_[0]-surname" } } }, query_type => 'expression') },
		'a range' => sub { ({ '$and' => [ { 'remarks' => { ge => "$_[0]-r" } }, { remarks => { le => "$_[0]-s" } } ] }, query_type => 'expression') },
		'one of several' => sub { ({ remarks => { in => [ 'x', "$_[0]-remarks" ] } }, query_type => 'expression') },
		'a predicate' => sub { ([ { seq_num => '1', expression1 => { attribute_name => 'remarks', operator => 'eq', attribute_value => "$_[0]-remarks" } } ], query_type => 'predicate') },
		'a column' => sub { ({ district => { eq => "$_[0]-column-1" } }, query_type => 'expression') },
		'the key' => sub { ({ subject_key => { eq => "$_[0]-key-3" } }, query_type => 'expression') },
		'an attribute' => sub { ({ "additional_attributes.$_[0]-name" => { eq => "$_[0]-value" } }, query_type => 'expression') },
		'the name of an attribute' => sub { ({ "$_[0]-attribute" => { eq => 1 } }, query_type => 'expression') },
		'an order' => sub { ({}, sort => [ { attribute_name => "$_[0]-attribute", sort_order => 'asc' } ]) },
	);
	for my $what (sort keys %guess)
	{
		my @said = map { my $answer = ask($partner, 'sync/search', 'search', criteria($guess{$what}->($_))); pop @{ $answers{$partner} };
			"$answer->{status} " . plainly($answer->{text}, $_) } $mark, 'Zufall';
		is($said[0], $said[1], "$partner: $what is not guessed by searching");
	}
	my @said = map { my $answer = ask($partner, 'sync/check-enrollment', 'enrollementstatus', { transaction_id => 't' . ++$serial, enrolled_criteria => {
			query_type => 'expression', response_entity => 'Member', query => { NATIONAL_ID => { eq => "$_-ID-3" } } } }); pop @{ $answers{$partner} };
		"$answer->{status} " . plainly($answer->{text}, $_) } $mark, 'Zufall';
	is($said[0], $said[1], "$partner: nor by asking for an enrolment");
	# nor by subscribing: what is withheld lets nobody in, whatever is guessed
	for my $guess ($mark, 'Zufall')
	{
		ask($partner, 'subscribe', 'subscribe', { transaction_id => "guess-$guess", subscribe_request => [ { reference_id => "guess-$partner-$guess", timestamp => $now,
			subscribe_criteria => { reg_event_type => 'enrolment_status_change', notify_record_type => 'Beneficiary', filter_type => 'expression',
				filter => { remarks => { eq => "$guess-remarks" } } } } ] });
		pop @{ $answers{$partner} };
	}
	my $before = () = $server{$partner}->received;
	$sp->sql("UPDATE person SET status = CASE status WHEN 'A' THEN 'I' ELSE 'A' END WHERE id = 5");
	ok($server{$partner}->wait_received($before + 1), "$partner: a change");
	is($sp->sql("SELECT count(*) FROM casesync_internal.notification n JOIN casesync_internal.subscription s ON s.id = n.subscription WHERE s.reference_id ~ '^guess-'"), 0,
		"$partner: and whoever subscribed by a guess is told nothing");
}

# --- a number of people is on record as told, also with a page on which nobody is ---
for my $guess ([ 'ID-1', 1 ], [ 'ID-99', 0 ], [ "$mark-ID-3", 0 ])
{
	my $counted = "SELECT count(*) FROM casesync.disclosed WHERE way = 'count' AND partner = 'ess.example.org'";
	my $lookups = "SELECT sum(lookups) FROM casesync.lookups WHERE partner = 'ess.example.org'";
	my ($before, $paid) = ($sp->sql($counted), $sp->sql($lookups));
	my $text = ask('ess', 'sync/search', 'search', criteria({ type => 'NATIONAL_ID', value => $guess->[0] }, query_type => 'idtype-value',
		pagination => { page_size => 1, page_number => 1000 }))->{text};
	pop @{ $answers{ess} };
	like($text, qr/"total_count":$guess->[1]\b/, "a page behind the end: $guess->[1]");
	is($sp->sql($counted) - $before, $guess->[1], 'and so many are on record for it');
	is($sp->sql($lookups) - $paid, 1, 'it counts as a lookup');
}

# --- what a partner says goes on to others as far as it is agreed, and nothing that stands beside it ---
$sp->sql(<<'SQL');
CREATE FUNCTION hear(event casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE person SET status = 'S' WHERE national_id = casesync.identifier_of(event.record, 'NATIONAL_ID');
	RETURN 'applied';
END
$$;
SELECT casesync.on_notify('Beneficiary', 'enrolment_status_change', 'hear(casesync.inbound)');
SELECT casesync.set_agreement('ess-in', 'ess.example.org', direction => 'in', event_types => '{enrolment_status_change}', fields => '{enrollment_status}',
	identifier_types => '{NATIONAL_ID}', apply_mode => 'auto', valid_from => '2020-01-01', legal_basis => 'x');
SELECT casesync.activate('ess-in');
SELECT casesync.subscribe_to('ess.example.org', 'enrolment_status_change', 'Beneficiary');
SQL
my $told = () = $server{far}->received;
like(ask('ess', 'notify', 'notify', { transaction_id => "$mark-transaction", notify_event => [ { reference_id => "$mark-reference", timestamp => $now, locale => 'eng', data => {
		version => '1.0.0', reg_type => "ns:$mark:RegistryType:ESS", reg_event_type => 'enrolment_status_change', reg_record_type => "$mark:Beneficiary", reg_records => {
			enrollment_status => '4', remarks => $mark, member_identifier => [ { identifier_type => 'NATIONAL_ID', identifier_value => 'ID-5' } ] } } } ] },
	message_id => "$mark-message", meta => { stream => "$mark-stream", items => [ { seq => 1, hops => [ "$mark-hop", 'far.example.org', "<$mark>", 'far.example.org', 'x' x 60_000 ] } ] })->{text},
	qr/"ACK"/, 'a partner tells us of somebody');
ok($server{far}->wait_received($told + 1), 'another one is told of it');
my ($last) = grep { /"hops"/ } reverse got('far');
like($last // '', qr/"hops":\["far\.example\.org","ess\.example\.org"\]/, 'by which way, as far as we know who is on it');
unlike(join("\n", got('far')), qr/$mark-(?:hop|message|stream|reference|transaction)|<$mark>|:$mark|$mark:|x{99}/i, 'and of what the first one chose to write nothing goes on');

# --- what else there is to read: headers of answers, our keys, logs ---
unlike($sp->log_text, qr/$mark|ID-\d|Cash/i, 'no log of the bridge says any of it, at any level');
unlike($sp->sql("SELECT string_agg(a::text, ' ') FROM casesync.attempts a"), qr/$mark/i, 'nor do the attempts');
unlike($sp->get('/readyz')->{content}, qr/$mark/i, 'nor readyz');
$sp->stop_ok;
done_testing();
