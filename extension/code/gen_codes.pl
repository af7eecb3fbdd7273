#!/usr/bin/perl
# Makes from codes.tsv the C tables, the list of types and the SQL of the code types, and refuses a
# table that would break a promise (see check_directory). Knows the layout of codes.tsv and nothing
# of PostgreSQL beyond the SQL in code_type.template.sql.
#
# Usage: gen_codes.pl codes.tsv code_type.template.sql OUTPUT-DIRECTORY
use strict;
use warnings;

use constant LOCAL_MIN => 900;
use constant SPELLING_MAX => 127;

my ($facts_file, $template_file, $target) = @ARGV;
die "usage: gen_codes.pl codes.tsv code_type.template.sql OUTPUT-DIRECTORY\n" if !defined $target;

my %directories;
my @casts;

sub read_lines
{
	my ($file) = @_;
	open(my $handle, '<', $file) or die "$file: $!\n";
	chomp(my @lines = <$handle>);
	close($handle);
	return @lines;
}

sub read_facts
{
	my $line_number = 0;

	foreach my $line (read_lines($facts_file))
	{
		$line_number++;
		next if $line =~ /^\s*(#|$)/;
		my ($kind, $name, @fields) = split /\t/, $line, -1;
		my $place = "$facts_file line $line_number";
		if ($kind eq 'directory' && @fields == 3)
		{
			die "$place: directory $name twice\n" if $directories{$name};
			$directories{$name} = {
				name => $name, id => $fields[0], prefixes => [split / /, $fields[1]],
				source => $fields[2], rows => []
			};
		}
		elsif ($kind eq 'code' && @fields == 6 && $directories{$name})
		{
			my %row;
			@row{qw(number code label output spellings description)} = @fields;
			$row{spellings} = [split /\|/, $row{spellings}];
			$row{canonical} = $row{output} eq 'label' ? $row{label} : $row{code};
			push @{$directories{$name}{rows}}, \%row;
		}
		elsif ($kind eq 'cast' && @fields == 2)
		{
			push @casts, {from => $name, to => $fields[0], pairs => [split / /, $fields[1]]};
		}
		else
		{
			die "$place: neither directory, code nor cast, or a wrong number of columns\n";
		}
	}
}

# The same folding as code_directory.c: ASCII letters only, whatever the locale.
sub fold
{
	my ($text) = @_;
	$text =~ tr/A-Z/a-z/;
	return $text;
}

# All spellings of a directory: text => [number, kind]. A code wins over everything, a further
# spelling must not collide, a label that two rows share is kept as ambiguous.
sub collect_spellings
{
	my ($directory) = @_;
	my %spellings;

	foreach my $row (@{$directory->{rows}})
	{
		my $code = fold($row->{code});
		die "$directory->{name}: code $row->{code} twice\n" if $spellings{$code};
		$spellings{$code} = {number => $row->{number}, kind => 'CODE'};
	}
	foreach my $row (@{$directory->{rows}})
	{
		foreach my $text (map { fold($_) } @{$row->{spellings}})
		{
			die "$directory->{name}: spelling \"$text\" twice\n" if $spellings{$text};
			$spellings{$text} = {number => $row->{number}, kind => 'CODE'};
		}
	}
	foreach my $row (@{$directory->{rows}})
	{
		my $text = fold($row->{label});
		my $known = $spellings{$text};
		if (!$known)
		{
			$spellings{$text} = {number => $row->{number}, kind => 'LABEL'};
		}
		elsif ($known->{kind} ne 'CODE')
		{
			$known->{kind} = 'AMBIGUOUS';
		}
	}
	return \%spellings;
}

sub check_spelling
{
	my ($where, $text) = @_;

	die "$where: empty spelling\n" if $text eq '';
	die "$where: \"$text\" is too long\n" if length($text) > SPELLING_MAX;
	die "$where: \"$text\" begins or ends with a blank\n" if $text =~ /^\s|\s$/;
	die "$where: \"$text\" looks like a local code\n" if fold($text) =~ /^local:/;
}

# What the types promise: numbers without gaps below the local range, a canonical text that is
# plain ASCII, unique without regard to case and read back as the same row.
sub check_directory
{
	my ($directory) = @_;
	my $expected = $directory->{rows}[0]{number};
	my %canonical;

	foreach my $row (@{$directory->{rows}})
	{
		my $where = "$directory->{name} $row->{code}";
		die "$where: number is not $expected\n" if $row->{number} ne $expected;
		$expected++;
		die "$where: number reaches into the local codes\n" if $row->{number} >= LOCAL_MIN;
		die "$where: number is not the code\n"
		  if $row->{code} =~ /^[0-9]+$/ && $row->{code} ne $row->{number};
		die "$where: output is neither label nor code\n" if $row->{output} !~ /^(label|code)$/;
		die "$where: no description\n" if $row->{description} eq '';
		check_spelling($where, $_) foreach $row->{code}, $row->{label}, @{$row->{spellings}};

		my $text = fold($row->{canonical});
		die "$where: \"$text\" is written for two rows\n" if $canonical{$text}++;
		die "$where: \"$text\" is not plain ASCII\n" if $text =~ /[^ -~]/;
		my $found = $directory->{spellings}{$text};
		die "$where: \"$text\" does not read back as the same code\n"
		  if $found->{kind} eq 'AMBIGUOUS' || $found->{number} != $row->{number};
	}
}

sub c_string
{
	my ($text) = @_;
	$text =~ s/([\\"])/\\$1/g;
	return "\"$text\"";
}

sub write_file
{
	my ($name, @lines) = @_;
	open(my $handle, '>', "$target/$name") or die "$target/$name: $!\n";
	print $handle map { "$_\n" } @lines;
	close($handle) or die "$target/$name: $!\n";
}

sub directory_tables
{
	my ($directory) = @_;
	my ($name, $rows, $spellings) = @$directory{qw(name rows spellings)};
	my @lines = ("static const CodeRow ${name}_rows[] = {");

	push @lines, map {
		"\t{" . join(', ', map { c_string($_) } @$_{qw(code label canonical description)}) . '},'
	} @$rows;
	push @lines, '};', "static const CodeSpelling ${name}_spellings[] = {";
	push @lines, map {
		my $entry = $spellings->{$_};
		"\t{" . c_string($_) . ", $entry->{number}, SPELLING_$entry->{kind}},"
	} sort keys %$spellings;
	push @lines, '};', "static const char *const ${name}_prefixes[] = {"
	  . join(', ', (map { c_string($_) } @{$directory->{prefixes}}), 'NULL') . '};', '';
	return @lines;
}

sub write_tables
{
	my @names = sort keys %directories;
	my @lines = ('/* Made from codes.tsv by gen_codes.pl; included by code_directory.c only. */');

	push @lines, map { directory_tables($directories{$_}) } @names;
	push @lines, 'static const CodeDirectory code_directories[] = {';
	foreach my $name (@names)
	{
		my $directory = $directories{$name};
		push @lines,
		  sprintf('	{"%s", "%s", %d, %s_rows, lengthof(%s_rows), %s_spellings, lengthof(%s_spellings), %s_prefixes},',
			$name, $directory->{id}, $directory->{rows}[0]{number}, ($name) x 5);
	}
	write_file('code_tables.h', @lines, '};');
}

sub cast_numbers
{
	my ($cast) = @_;
	my ($from, $to) = @directories{$cast->{from}, $cast->{to}};
	my $where = "cast from $cast->{from} to $cast->{to}";
	die "$where: no such directory\n" if !$from || !$to;
	my %pairs = map { split /=/, $_, 2 } @{$cast->{pairs}};
	my %targets = map { $_->{number} => 1 } @{$to->{rows}};
	my @numbers;

	foreach my $row (@{$from->{rows}})
	{
		my $number = delete $pairs{$row->{number}};
		die "$where: nothing for $row->{number}\n" if !defined $number || !$targets{$number};
		push @numbers, $number;
	}
	die "$where: unknown numbers " . join(' ', sort keys %pairs) . "\n" if %pairs;
	return join(', ', @numbers);
}

# An X-macro file: code_type.c defines CODE_TYPE and CODE_CAST before each inclusion.
sub write_type_list
{
	my $index = 0;
	my @lines = ('/* Made from codes.tsv by gen_codes.pl; included by code_type.c only. */');

	push @lines, map { "CODE_TYPE($_, " . $index++ . ')' } sort keys %directories;
	push @lines, map { "CODE_CAST($_->{from}, $_->{to}, " . cast_numbers($_) . ')' } @casts;
	write_file('code_types.h', @lines);
}

# The template has two sections: one is repeated for each type, one for each cast.
sub write_sql
{
	my %sections;
	my $section = '';
	my @lines = ('/* Made from codes.tsv by gen_codes.pl. */');

	foreach my $line (read_lines($template_file))
	{
		if ($line =~ /^-- section (\w+)$/) { $section = $1; }
		else { push @{$sections{$section}}, $line; }
	}
	foreach my $name (sort keys %directories)
	{
		my %values = (TYPE => $name, DIRECTORY_ID => $directories{$name}{id});
		push @lines, map { s/\@(\w+)\@/$values{$1}/gr } @{$sections{type}};
	}
	foreach my $cast (@casts)
	{
		my %values = (FROM => $cast->{from}, TO => $cast->{to});
		push @lines, map { s/\@(\w+)\@/$values{$1}/gr } @{$sections{cast}};
	}
	write_file('code_type.sql', @lines);
}

read_facts();
foreach my $name (sort keys %directories)
{
	my $directory = $directories{$name};
	die "$name: no codes\n" if !@{$directory->{rows}};
	$directory->{spellings} = collect_spellings($directory);
	check_directory($directory);
}
write_tables();
write_type_list();
write_sql();
