# What the TAP tests of the bridge share: a server with a small application, casesync on it, a bridge
# beside it, a partner that misbehaves on command. Knows nothing of what is tested.
package BridgeTest;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Copy qw(copy);
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);

our @EXPORT = qw(wait_for free_port slurp python tree);

my $tree = abs_path(dirname(__FILE__) . '/../..');
my $json = JSON::PP->new->utf8->canonical;
my @running;

sub tree { return $tree; }

# No setting of the bridge, and nothing else of ours, may come in from outside.
delete @ENV{ grep { /^CASESYNC_/ } keys %ENV };
our $ess_api = delete $ENV{ESS_API_DOCUMENT};
# The bridge's limit for an answer: make valgrind builds it with a longer one.
our $answer_seconds = ($ENV{ANSWER_WITHIN_MS} // 1800) / 1000;

# Time and memory of a bridge with checks built in, or under valgrind, say nothing about the bridge.
sub is_instrumented
{
	return 1 if defined $ENV{ANSWER_WITHIN_MS};
	return qx('readelf' --dyn-syms '$tree/bridge/casesync-bridge') =~ /__[at]san_init/;
}

# Calls the claim until it is true; says what was waited for when it never becomes so.
sub wait_for
{
	my ($what, $claim, $seconds) = @_;
	# Five times as long under valgrind: what changes all the time piles up there.
	my $until = time + ($seconds // 60) * $answer_seconds / 1.8;
	my $value;
	until ($value = $claim->())
	{
		if (time > $until)
		{
			diag "waited in vain for $what";
			return $value;
		}
		usleep(10_000);
	}
	return $value;
}

# One that no outgoing connection may take while nobody listens there.
sub free_port
{
	return PostgreSQL::Test::Cluster::get_free_port();
}

sub slurp
{
	my ($path) = @_;
	open my $file, '<:raw', $path or return '';
	local $/;
	my $text = <$file>;
	return $text // '';
}

# Runs one of our Python helpers with Debian's own Python, which has the modules.
sub python
{
	my ($script, $input, @arguments) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ '/usr/bin/python3', "$tree/test/lib/$script", @arguments ],
		'<', \$input, '>', \$out, '2>', \$err)
	  or die "$script: $err";
	return $out;
}

# Everything for one test: BridgeTest->new(folder of its own).
sub new
{
	my ($class, %options) = @_;
	my $self = bless {
		name => $options{name} // 'sp',
		sender_id => $options{sender_id} // 'sp.example.org',
		node_id => $options{node_id} // '6f1f7b9e-3c1c-4a39-9d2c-0a8d6a1f0001',
		scheme => $options{scheme} // 'http',
		settings => {},
	}, $class;

	$self->{folder} = PostgreSQL::Test::Utils::tempdir();
	$self->{port} = free_port();
	$self->{ops_port} = free_port();
	$self->{log} = "$self->{folder}/bridge.log";
	$self->{server} = PostgreSQL::Test::Cluster->new($self->{name},
		$options{install_path} ? (install_path => $options{install_path}) : ());
	$self->{server}->init;
	$self->{server}->append_conf('postgresql.conf', "fsync = on\nmax_prepared_transactions = 5\n");
	$self->{server}->start;
	generate_key($self->key_file);
	push @running, $self;
	return $self;
}

# Another bridge of the same node, with addresses and a log of its own.
sub beside
{
	my ($self) = @_;
	my $other = bless { %$self, key_file => $self->key_file }, ref $self;
	$other->{folder} = PostgreSQL::Test::Utils::tempdir();
	$other->{$_} = free_port() for qw(port ops_port);
	$other->{log} = "$other->{folder}/bridge.log";
	delete $other->{bridge};
	push @running, $other;
	return $other;
}

sub key_file { return $_[0]{key_file} // $_[0]{folder} . '/bridge.key'; }
sub public_key { return $_[0]{jwk} //= python('sign_message', 'jwk', $_[0]->key_file); }
sub base_url { return "$_[0]{scheme}://127.0.0.1:$_[0]{port}"; }

sub sql
{
	my ($self, $text) = @_;
	return $self->{server}->safe_psql('app', $text);
}

# The application: persons with a word for a status. It knows nothing of casesync.
sub create_application
{
	my ($self) = @_;
	$self->{server}->safe_psql('postgres', 'CREATE DATABASE app ENCODING UTF8 TEMPLATE template0');
	$self->sql(<<'SQL');
CREATE TABLE person (id integer PRIMARY KEY, national_id text NOT NULL, status text NOT NULL, note integer NOT NULL DEFAULT 0);
CREATE EXTENSION casesync;
CREATE ROLE bridge LOGIN;
SELECT casesync.grant_access('bridge', 'bridge');
SELECT casesync.map_code('app', word, code::casesync.enrolment_status)
  FROM (VALUES ('A', 'Active'), ('S', 'Suspended'), ('X', 'Exited'), ('I', 'Inactive')) m (word, code);
CREATE VIEW shared_person AS
SELECT id::text AS subject_key, casesync.beneficiary(
	identifiers => ARRAY[casesync.identifier('NATIONAL_ID', national_id)],
	programmes => ARRAY[casesync.enrolment('Cash ' || note,
		casesync.to_code('app', status, NULL::casesync.enrolment_status))]) AS record
  FROM person;
SELECT * FROM casesync.publish('person', 'shared_person', 'Beneficiary', 'ESS');
SELECT casesync.track('person', '{person}', 'id', on_insert => 'enrolment_status_change',
	on_update => 'enrolment_status_change', on_delete => 'enrolment_status_change');
SQL
	$self->sql("SELECT casesync.set_node('$self->{sender_id}', '" . $self->base_url
		  . "', four_eyes => false)");
	return;
}

# A partner at a port of this machine that may have everything, and a subscription for it.
sub add_partner
{
	my ($self, $partner, $port, %options) = @_;
	my $scheme = $options{scheme} // 'http';
	my $signature = $options{signature} // 'required';
	my $agreement = $partner =~ s/\W/-/gr;
	$self->{first_partner} //= $partner;
	$self->sql(<<"SQL");
SELECT casesync.set_partner('$partner', '$scheme://127.0.0.1:$port', networks => '{127.0.0.0/8}',
	signature => '$signature');
SQL
	$self->agree_out($agreement, $partner);
	$self->sql("SELECT casesync.subscribe('$partner', 'enrolment_status_change', 'Beneficiary')");
	return;
}

# An agreement under which a partner may have everything, and one under which it tells us what people
# look at first; options are what set_agreement() is told besides.
sub agree_out
{
	my ($self, $agreement, $partner, %options) = @_;
	return $self->agree($agreement, $partner, registries => '{person}', subjects => 'true',
		fields => '{programme_identifier.programme_name,enrollment_status}', %options);
}

sub agree_in
{
	my ($self, $agreement, $partner, %options) = @_;
	return $self->agree($agreement, $partner, direction => 'in', fields => '{employment_status}',
		apply_mode => 'review', %options);
}

sub agree
{
	my ($self, $agreement, $partner, %options) = @_;
	my $options = join ', ', map { "$_ => '$options{$_}'" } sort keys %options;
	$self->sql(<<"SQL");
SELECT casesync.set_agreement('$agreement', '$partner', $options, event_types => '{enrolment_status_change}',
	identifier_types => '{NATIONAL_ID}', valid_from => now() - interval '1 hour', legal_basis => 'test');
SELECT casesync.activate('$agreement');
SQL
	return;
}

sub connection
{
	my ($self) = @_;
	return "host=" . $self->{server}->host . " port=" . $self->{server}->port
	  . " dbname=app user=bridge";
}

sub write_settings
{
	my ($self, %settings) = @_;
	my %all = (
		database => $self->connection, node_id => $self->{node_id}, key_file => $self->key_file,
		listen => "127.0.0.1:$self->{port}", ops_listen => "127.0.0.1:$self->{ops_port}",
		allow_http => 'on', poll_interval => '1s', retry_base => '100ms', retry_cap => '300ms',
		send_timeout => '5s', %{ $self->{settings} }, %settings);
	open my $file, '>', "$self->{folder}/bridge.conf" or die $!;
	print $file "$_ = '$all{$_}'\n" for sort keys %all;
	close $file;
	return "$self->{folder}/bridge.conf";
}

# Starts a bridge with these settings over the usual ones; does not wait.
sub start_bridge
{
	my ($self, %settings) = @_;
	$self->{base_path} = $settings{base_path} // $self->{settings}{base_path} // '';
	my $file = $self->write_settings(%settings);
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDERR, '>>', $self->{log} or POSIX::_exit(127);
		open STDOUT, '>&', \*STDERR or POSIX::_exit(127);
		exec("$tree/bridge/casesync-bridge", "--config=$file") or POSIX::_exit(127);
	}
	$self->{bridge} = $pid;
	return $pid;
}

sub is_running
{
	my ($self) = @_;
	return waitpid($self->{bridge}, POSIX::WNOHANG()) == 0;
}

sub get
{
	my ($self, $path) = @_;
	return HTTP::Tiny->new(timeout => 10)->get("http://127.0.0.1:$self->{ops_port}$path");
}

sub wait_ready
{
	my ($self) = @_;
	return wait_for('the bridge to be ready', sub { $self->get('/readyz')->{status} == 200 });
}

# Sends a signal and waits for the end; the exit status as waitpid gives it.
sub end_bridge
{
	my ($self, $signal) = @_;
	my $pid = delete $self->{bridge} // return;
	kill $signal, $pid;
	my $ended = wait_for('the bridge to end', sub { waitpid($pid, POSIX::WNOHANG()) == $pid });
	return $ended ? $? : undef;
}

# Kills the bridge, whatever it is at, and starts another.
sub kill_bridge
{
	my ($self) = @_;
	my $pid = delete $self->{bridge};
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return $self->start_bridge;
}

sub log_text { return slurp($_[0]{log}); }

sub wait_log
{
	my ($self, $pattern, $seconds) = @_;
	return wait_for("the log to say $pattern", sub { $self->log_text =~ $pattern }, $seconds);
}

# Under valgrind or a sanitizer the end of the process tells of every fault.
sub stop_ok
{
	my ($self) = @_;
	is($self->end_bridge('TERM'), 0, 'the bridge stops cleanly');
	unlike($self->log_text, qr/ERROR: AddressSanitizer|WARNING: ThreadSanitizer|runtime error:|ERROR SUMMARY|definitely lost/,
		'no fault of memory');
	return;
}

# A client of our token endpoint for this partner: name and secret.
sub client
{
	my ($self, $partner) = @_;
	return @{ $self->{clients}{$partner} //=
		  [ split /\|/, $self->sql("SELECT * FROM casesync.issue_client('$partner')") ] };
}

# What the token endpoint answers to these fields, with its JSON decoded in it.
sub ask_token
{
	my ($self, $fields, %headers) = @_;
	my $http = HTTP::Tiny->new(timeout => 10);
	my $answer = $http->post($self->base_url . ($self->{base_path} // '') . '/oauth2/client/token', {
		content => ref $fields ? $http->www_form_urlencode($fields) : $fields,
		headers => { 'Content-Type' => 'application/x-www-form-urlencoded', %headers } });
	$answer->{json} = eval { $json->decode($answer->{content}) };
	return $answer;
}

# A token for this partner, got as the partner would get it; the same one until a minute is over.
sub token
{
	my ($self, $partner) = @_;
	my $kept = $self->{tokens}{$partner};
	return $kept->{token} if $kept && $kept->{until} > time;
	my ($id, $secret) = $self->client($partner);
	my $answer = $self->ask_token(
		{ grant_type => 'client_credentials', client_id => $id, client_secret => $secret });
	die "no token for $partner: $answer->{status} $answer->{content}" unless $answer->{success};
	$self->{tokens}{$partner} = { token => $answer->{json}{access_token}, until => time + 60 };
	return $answer->{json}{access_token};
}

# The header of the partner that the body says it is from, else of the first partner there is.
sub authorization
{
	my ($self, $body) = @_;
	my ($sender) = $body =~ /"sender_id"\s*:\s*"([\w.-]+)"/;
	my $known = $self->{tokens} // {};
	$sender = undef if defined $sender && !$known->{$sender}
	  && $self->sql("SELECT count(*) FROM casesync_internal.partner WHERE partner = '$sender'") == 0;
	$sender //= $self->{first_partner} // return;
	return 'Bearer ' . $self->token($sender);
}

# Posts bytes to a path of the bridge, with the token of whoever the body is from unless another
# Authorization is given; the answer of HTTP::Tiny with its JSON decoded in it.
sub post
{
	my ($self, $path, $body, %headers) = @_;
	$headers{Authorization} = $self->authorization($body) unless exists $headers{Authorization};
	delete $headers{Authorization} unless defined $headers{Authorization};
	my $answer = HTTP::Tiny->new(timeout => 10)->post($self->base_url . $path,
		{ content => $body, headers => { 'Content-Type' => 'application/json', %headers } });
	$answer->{json} = eval { $json->decode($answer->{content}) };
	my $told = $answer->{json}{message} // {};
	$answer->{short} = join ' ', $answer->{status}, $told->{ack_status} // '-',
	  $told->{error}{code} // ();
	push @{ $self->{answers} }, $answer->{content};
	return $answer;
}

# A file with a new private key of this kind, as openssl calls it.
sub generate_key
{
	my ($file, @kind) = @_;
	@kind = 'ed25519' if !@kind;
	system("openssl genpkey -algorithm @kind -out '$file' 2>'$file.log'") == 0
	  or die 'openssl genpkey failed: ' . slurp("$file.log");
	chmod 0600, $file;
	return $file;
}

# Puts a copy of a file where a running bridge may read it at any moment: all of it or nothing.
sub replace_file
{
	my ($from, $to) = @_;
	copy($from, "$to.new") or die "copy $from: $!";
	chmod 0600, "$to.new";
	rename "$to.new", $to or die $!;
	return;
}

# A key of a partner: its file and, once asked for, its public JWK.
sub make_key
{
	my ($self, $name) = @_;
	my $file = generate_key("$self->{folder}/$name.key");
	return ($file, python('sign_message', 'jwk', $file));
}

# The header of a partner's message, with a message_id of its own.
sub header
{
	my ($self, $action, %more) = @_;
	return { version => '1.0.0', message_id => 'message-' . ++$self->{serial}, message_ts => '2026-11-22T10:00:00.000Z',
		action => $action, sender_id => 'ess.example.org', receiver_id => 'sp.example.org', total_count => 1, %more };
}

sub encode { return $json->encode($_[1]); }

# A partner's server; see test/mock_partner/mock_partner.
sub start_partner
{
	my ($self, %options) = @_;
	my $name = $options{name} // 'partner';
	my $record = "$self->{folder}/$name.jsonl";
	my ($in, $out) = ('', '');
	my @tls = $options{cert} ? ('--cert', $options{cert}, '--key', $options{key}) : ();
	push @tls, '--client-ca', $options{client_ca} if $options{client_ca};
	push @tls, '--old-tls' if $options{old_tls};
	my $harness = IPC::Run::start(
		[ "$tree/test/mock_partner/mock_partner", $record, '--port', $options{port} // 0, @tls ],
		'<', \$in, '>', \$out);
	$harness->pump until $out =~ /\n/;
	my $partner = bless {
		harness => $harness, port => $out + 0, record => $record,
		scheme => $options{cert} ? 'https' : 'http'
	}, 'BridgeTest::Partner';
	push @running, $partner;
	return $partner;
}

END
{
	my $status = $?;
	for my $thing (@running)
	{
		kill 'KILL', $thing->{bridge} if $thing->{bridge};
		$thing->{harness}->kill_kill if $thing->{harness};
	}
	$? = $status;
}

package BridgeTest::Partner;

# What comes next: order(mode => 'err', code => ...).
sub order
{
	my ($self, %order) = @_;
	my $body = $json->encode(\%order);
	$body =~ s/"(count|status|ms|required|forget|hold)":"(\d+)"/"$1":$2/g;
	# HTTP::Tiny has no TLS without modules that are not asked for here
	if ($self->{scheme} eq 'https')
	{
		BridgeTest::python('tell_partner', $body, $self->{port});
		return;
	}
	my $answer = HTTP::Tiny->new->post("http://127.0.0.1:$self->{port}/control", { content => $body });
	die "partner: $answer->{status} $answer->{content}" unless $answer->{success};
	return;
}

# How it gives tokens from now on: order_tokens(status => 503, ...); see mock_partner.
sub order_tokens
{
	my ($self, %order) = @_;
	$self->order(tokens => \%order);
	return;
}

# All messages received so far: hashes with number, at, path, body (text), mode and message.
sub received
{
	my ($self) = @_;
	my @records;
	for my $line (split /\n/, BridgeTest::slurp($self->{record}))
	{
		my $record = eval { $json->decode($line) } // next;    # the last line may be half written
		next if $record->{mode} eq 'token';
		utf8::encode($record->{body});
		# a probe carries none, nor a bridge that was ended in the midst of it
		$record->{message} = eval { $json->decode($record->{body}) } // next;
		push @records, $record;
	}
	return @records;
}

# All requests for a token so far.
sub token_requests
{
	my ($self) = @_;
	return grep { $_->{mode} eq 'token' } map { eval { $json->decode($_) } // () }
	  split /\n/, BridgeTest::slurp($self->{record});
}

sub wait_received
{
	my ($self, $count, $seconds) = @_;
	return BridgeTest::wait_for("$count messages at the partner",
		sub { my @records = $self->received; @records >= $count }, $seconds);
}

# Every item of every notify message, in order of arrival.
sub items
{
	my ($self) = @_;
	return map {
		my $record = $_;
		map { { %$_, mode => $record->{mode}, message_id => $record->{message}{header}{message_id} } }
		  @{ $record->{message}{message}{notify_event} // [] }
	} $self->received;
}

sub stop
{
	my ($self) = @_;
	$self->{harness}->kill_kill if $self->{harness};
	delete $self->{harness};
	return;
}

1;
