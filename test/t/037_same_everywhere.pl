# Several systems hold the same people and tell each other, in a pair, a ring or all to all, one of them perhaps a
# system that knows nothing of versions and ways. People are changed everywhere at once, messages are late, overtake each
# other and come twice, systems are away. In the end all have the same, and nothing moves any more.
# RING_SEED repeats a run, RING_RUNS makes more of them.
use strict;
use warnings;

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seed = $ENV{RING_SEED} || int rand 1_000_000;
my $json = JSON::PP->new->canonical;
my @fields = qw(employment_status occupation additional_attributes.note);

my $server = PostgreSQL::Test::Cluster->new('ring');
$server->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$server->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = fatal\n");
$server->start;

# The apply function is the plainest there is: it writes what it is handed, whatever stands there.
$server->safe_psql('postgres', 'CREATE DATABASE pattern');
$server->safe_psql('pattern', <<'SQL');
CREATE EXTENSION casesync;
CREATE SCHEMA app;
CREATE TABLE app.person (id integer PRIMARY KEY, status text, job text, note text);
CREATE VIEW app.people AS SELECT id::text AS subject_key, jsonb_build_object(
	'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', 'U' || id)),
	'employment_status', status, 'occupation', job,
	'additional_attributes', jsonb_build_array(jsonb_build_object('note', note))) AS record FROM app.person;
INSERT INTO app.person SELECT n, 'a', 'b', 'c' FROM generate_series(1, 3) n;
CREATE FUNCTION app.apply(e casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
	UPDATE person SET status = e.record->>'employment_status', job = e.record->>'occupation',
		note = jsonb_path_query_first(e.record, '$.additional_attributes[*].note') #>> '{}'
	 WHERE id = substr(casesync.identifier_of(e.record, 'UIN'), 2)::integer;
	RETURN CASE WHEN FOUND THEN 'applied' ELSE 'review: nobody' END;
END
$$;
CREATE FUNCTION app.settle() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	LOOP
		UPDATE casesync_internal.inbox_item SET next_try = NULL WHERE next_try IS NOT NULL;
		SELECT * INTO r FROM casesync_internal.apply_inbox();
		EXIT WHEN NOT r.more;
	END LOOP;
END
$$;
CREATE FUNCTION app.route() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	LOOP
		SELECT * INTO r FROM casesync_internal.route(5);
		EXIT WHEN NOT r.more;
	END LOOP;
END
$$;
CREATE FUNCTION app.take(whose text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	p casesync_internal.parcel;
	l integer := (SELECT x.lane FROM casesync_internal.lane x WHERE x.partner = whose AND x.kind = 'notify');
BEGIN
	LOOP
		SELECT * INTO p FROM casesync_internal.take(l);
		EXIT WHEN NOT FOUND;
		PERFORM casesync_internal.record_outcome(l, p.message_id, 'delivered', 0, 200, 'ACK', NULL, NULL);
		RETURN NEXT jsonb_build_object('id', p.message_id, 'message', p.message::jsonb, 'meta', p.meta::jsonb)::text;
	END LOOP;
END
$$;
CREATE FUNCTION app.hear(sender text, parcel jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', r.ack_status, r.error_message) FROM casesync_internal.receive(sender, parcel->>'id', convert_to(jsonb_build_object('signature', 'x', 'header',
		jsonb_strip_nulls(jsonb_build_object('action', 'notify', 'message_id', parcel->'id', 'message_ts', now(), 'meta', parcel->'meta')),
		'message', parcel->'message')::text, 'UTF8'), NULL, 'k') r
$$;
CREATE FUNCTION app.state() RETURNS text LANGUAGE sql AS $$ SELECT jsonb_agg(record ORDER BY subject_key)::text FROM app.people $$;
SQL

my $run = 0;

package System
{
	sub query { my ($self, $sql) = @_; return $self->{psql}->query_safe($sql) }
	sub edit { my ($self, $id, $column, $value) = @_; return $self->query("UPDATE app.person SET $column = '$value' WHERE id = $id") }
	sub take { my ($self, $to) = @_; $self->query('SELECT app.route()'); return split /\n/, $self->query("SELECT app.take('$to')") }
	sub hear { my ($self, $from, $text) = @_; my $said = $self->query("SELECT app.hear('$from', \$m\$$text\$m\$)"); die $said if $said ne 'ACK'; return }
	sub state { my ($self) = @_; return $self->query('SELECT app.state()') }
	sub work { my ($self) = @_; $self->query('SELECT app.route()'); $self->query('SELECT app.settle()'); $self->query('SELECT app.route()'); return }
}

# A system that writes whatever comes, tells whatever it writes, and knows nothing else.
package Plain
{
	sub new { my ($class, @told) = @_; return bless { told => [@told], out => {}, serial => 0,
		people => { map { $_ => { status => 'a', job => 'b', note => 'c' } } 1 .. 3 } }, $class }
	sub tell
	{
		my ($self, $id) = @_;
		my $p = $self->{people}{$id};
		my @now = gmtime;
		my $at = sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', $now[5] + 1900, $now[4] + 1, @now[3, 2, 1, 0],
			1_000_000 * (Time::HiRes::time() - int Time::HiRes::time());
		for my $to (@{ $self->{told} })
		{
			my $n = ++$self->{serial};
			push @{ $self->{out}{$to} }, $json->encode({ id => "plain-$run-$to-$n", message => { transaction_id => 't', notify_event => [ {
				reference_id => "r-$run-$to-$n", timestamp => $at, data => { reg_event_type => 'enrolment_status_change', reg_record_type => 'Member',
					reg_records => { member_identifier => [ { identifier_type => 'UIN', identifier_value => "U$id" } ], employment_status => $p->{status},
						occupation => $p->{job}, additional_attributes => [ { note => $p->{note} } ] } } } ] } });
		}
		return;
	}
	sub edit { my ($self, $id, $column, $value) = @_; $self->{people}{$id}{$column} = $value; $self->tell($id); return }
	sub take { my ($self, $to) = @_; my @out = @{ $self->{out}{$to} // [] }; $self->{out}{$to} = []; return @out }
	sub hear
	{
		my ($self, $from, $text) = @_;
		for my $event (@{ $json->decode($text)->{message}{notify_event} })
		{
			my $record = $event->{data}{reg_records};
			my ($id) = $record->{member_identifier}[0]{identifier_value} =~ /(\d+)/;
			my %new = (status => $record->{employment_status}, job => $record->{occupation}, note => $record->{additional_attributes}[0]{note});
			my $old = $self->{people}{$id};
			next unless grep { $new{$_} ne $old->{$_} } keys %new;
			$self->{people}{$id} = \%new;
			$self->tell($id);
		}
		return;
	}
	sub state
	{
		my ($self) = @_;
		return $json->encode([ map { { additional_attributes => [ { note => $_->{note} } ], employment_status => $_->{status}, occupation => $_->{job} } }
			map { $self->{people}{$_} } 1 .. 3 ]);
	}
	sub work { return }
}

package main;

sub make_system
{
	my ($name, $hears, $tells) = @_;
	$server->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE pattern");
	my %known = map { $_ => 1 } @$hears, @$tells;
	my $list = join ',', @fields;
	$server->safe_psql($name, join "\n", "SELECT casesync.set_node('$name', 'https://$name.test', four_eyes => false);",
		"SELECT casesync.publish('person', 'app.people', 'Member');",
		"SELECT casesync.track('app.person', '{person}', 'id', on_update => 'enrolment_status_change');",
		"SELECT casesync.on_notify('Member', 'enrolment_status_change', 'app.apply(casesync.inbound)');",
		(map { "SELECT casesync.set_partner('$_', 'https://$_.test');" } sort keys %known),
		(map { "SELECT casesync.set_agreement('OUT-$_', '$_', registries => '{person}', event_types => '{enrolment_status_change}', fields => '{$list}',
			identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'x'); SELECT casesync.activate('OUT-$_');
			SELECT casesync.subscribe('$_', 'enrolment_status_change', 'Member');" } @$tells),
		(map { "SELECT casesync.set_agreement('IN-$_', '$_', direction => 'in', event_types => '{enrolment_status_change}', fields => '{$list}',
			identifier_types => '{UIN}', apply_mode => 'auto', valid_from => '2020-01-01', legal_basis => 'x'); SELECT casesync.activate('IN-$_');
			SELECT casesync.subscribe_to('$_', 'enrolment_status_change', 'Member');" } @$hears));
	return bless { name => $name, psql => $server->background_psql($name) }, 'System';
}

sub same
{
	my ($state) = @_;
	return $json->encode([ map { my %p = %$_; delete $p{member_identifier}; \%p } @{ $json->decode($state) } ]);
}

# One history; returns what is wrong, and how many messages came.
sub history
{
	my ($kind, $links, $plain, $is_hasty, $steps) = @_;
	$run++;
	my %names = map { $_ => 1 } map { @$_ } @$links;
	my (%systems, %way, @away);
	my %called = map { $_ => $_ eq ($plain // '') ? "plain$run" : "$_$run" } keys %names;
	my @links = map { [ map { $called{$_} } @$_ ] } @$links;
	for my $name (sort values %called)
	{
		my @tells = map { $_->[1] } grep { $_->[0] eq $name } @links;
		my @hears = map { $_->[0] } grep { $_->[1] eq $name } @links;
		$systems{$name} = $name =~ /^plain/ ? Plain->new(@tells) : make_system($name, \@hears, \@tells);
	}
	$_->work for values %systems;
	my @names = sort keys %systems;
	my (%queue, $messages);
	my $collect = sub {
		my ($link) = @_;
		push @{ $queue{"@$link"} }, $systems{ $link->[0] }->take($link->[1]);
	};
	my $deliver = sub {
		my ($link, $is_wild) = @_;
		my $waiting = $queue{"@$link"} // [];
		return unless @$waiting;
		# a plain system's messages, and those to it, come in order and once
		my $is_plain = "@$link" =~ /plain/;
		my $n = $is_wild && !$is_plain ? int rand @$waiting : 0;
		my $text = $is_wild && !$is_plain && rand() < 0.2 ? $waiting->[$n] : splice @$waiting, $n, 1;
		$messages++;
		$systems{ $link->[1] }->hear($link->[0], $text);
		return 1;
	};
	my ($value, %last) = (0);
	for (1 .. $steps)
	{
		my $die = rand;
		my $name = $names[rand @names];
		my $link = $links[rand @links];
		@away = rand() < 0.5 ? ($names[rand @names]) : () if rand() < 0.1;
		if ($die < 0.4)
		{
			my $id = 1 + int rand 3;
			# at once on several systems, or on one
			for my $at (rand() < 0.4 ? @names : $name)
			{
				my $column = (qw(status job note))[rand 3];
				# all that one look finds changed has the time of the last change
				$systems{$at}->work unless $is_hasty;
				$systems{$at}->edit($id, $column, 'v' . ++$value);
				$last{"$id $column"} = "v$value";
			}
		}
		elsif ($die < 0.6) { $systems{$name}->work unless grep { $_ eq $name } @away; }
		elsif ($die < 0.75) { $collect->($link) unless grep { $_ eq $link->[0] } @away; }
		else { $deliver->($link, 1) unless grep { $_ eq $link->[1] } @away; }
	}
	my $rounds = 0;
	while ($rounds++ < 40)
	{
		my $moved = 0;
		$_->work for map { $systems{$_} } @names;
		for my $link (@links)
		{
			$collect->($link);
			$moved++ while $deliver->($link, 0);
		}
		$_->work for map { $systems{$_} } @names;
		last unless $moved;
	}
	my %states = map { same($systems{$_}->state) => $_ } @names;
	my @wrong;
	# with versions the last change of each field is what all have
	if (!$plain && !$is_hasty)
	{
		my $people = $json->decode($systems{ $names[0] }->state);
		for my $field (sort keys %last)
		{
			my ($id, $column) = split / /, $field;
			my $p = $people->[ $id - 1 ];
			my %now = (status => $p->{employment_status}, job => $p->{occupation}, note => $p->{additional_attributes}[0]{note});
			push @wrong, "$column of $id is $now{$column}, and $last{$field} was last" if $now{$column} ne $last{$field};
		}
	}
	push @wrong, 'it does not come to rest' if $rounds > 40;
	push @wrong, map { "$states{$_}: $_" } sort keys %states if keys %states > 1;
	for my $system (grep { $_->isa('System') } values %systems)
	{
		my $health = $system->query("SELECT coalesce(string_agg(problem, '; '), '') FROM casesync.health WHERE problem ~ 'items of|conflict'");
		push @wrong, "$system->{name}: $health" if $health ne '';
		$system->{conflicts} = $system->query('SELECT count(*) FROM casesync.conflicts');
		$system->{psql}->quit;
	}
	my $conflicts = 0;
	$conflicts += $_->{conflicts} // 0 for values %systems;
	note("$kind: $messages messages, $rounds rounds, $conflicts conflicts");
	unless (@wrong && $ENV{RING_KEEP})
	{
		$server->safe_psql('postgres', "DROP DATABASE $_ WITH (FORCE)") for grep { $systems{$_}->isa('System') } @names;
	}
	return (\@wrong, $conflicts);
}

my @kinds = (
	[ 'two', [ [qw(a b)], [qw(b a)] ] ],
	[ 'two, looked at now and then', [ [qw(a b)], [qw(b a)] ], undef, 1 ],
	[ 'a ring of three', [ [qw(a b)], [qw(b c)], [qw(c a)] ] ],
	[ 'a ring of three, looked at now and then', [ [qw(a b)], [qw(b c)], [qw(c a)] ], undef, 1 ],
	[ 'three, all to all', [ [qw(a b)], [qw(b a)], [qw(b c)], [qw(c b)], [qw(a c)], [qw(c a)] ] ],
	[ 'two, one of them plain', [ [qw(a b)], [qw(b a)] ], 'b' ],
	[ 'a ring of three, one of them plain', [ [qw(a b)], [qw(b c)], [qw(c a)] ], 'c' ],
);
my $wanted = $ENV{RING_KIND} // '';
for my $n (1 .. $ENV{RING_RUNS} // 1)
{
	for my $kind (grep { $_->[0] =~ /$wanted/ } @kinds)
	{
		srand($seed);
		my ($wrong, $conflicts) = history(@$kind[0 .. 3], $ENV{RING_STEPS} // 40);
		ok(!@$wrong, "$kind->[0]: all the same in the end, seed $seed") or diag(join "\n", @$wrong);
	}
	$seed++;
}
$server->stop;
done_testing();
