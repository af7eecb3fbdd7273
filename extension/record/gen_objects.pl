#!/usr/bin/perl
# Makes from data_objects.tsv the C tables of data objects, sorted for a binary search. Knows the
# layout of data_objects.tsv and nothing of PostgreSQL.
#
# Usage: gen_objects.pl data_objects.tsv codes.tsv OUTPUT-FILE
use strict;
use warnings;

my ($facts_file, $codes_file, $target) = @ARGV;
die "usage: gen_objects.pl data_objects.tsv codes.tsv OUTPUT-FILE\n" if !defined $target;

my %kinds = map { $_ => 1 }
  qw(text boolean integer decimal date time code phone email identifier any pairs);
my (%objects, @order, %directories);

sub read_lines
{
	my ($file) = @_;
	open(my $handle, '<', $file) or die "$file: $!\n";
	chomp(my @lines = <$handle>);
	close($handle);
	return @lines;
}

foreach my $line (read_lines($codes_file))
{
	$directories{$1} = 1 if $line =~ /^directory\t(\w+)\t/;
}

my $line_number = 0;
foreach my $line (read_lines($facts_file))
{
	$line_number++;
	next if $line =~ /^\s*(#|$)/;
	my @fields = split /\t/, $line, -1;
	my $place = "$facts_file line $line_number";
	die "$place: seven columns expected\n" if @fields != 7;
	my ($object, $name, $type, $cardinality, $lists, $unknown, $also) = @fields;
	die "$place: neither one nor list\n" if $cardinality !~ /^(one|list)$/;
	die "$place: a code needs directories and a severity\n"
	  if ($type eq 'code') != ($unknown =~ /^(error|warning)$/ && $lists ne '');
	foreach my $directory (split /\|/, $lists)
	{
		die "$place: no directory $directory in $codes_file\n" if !$directories{$directory};
	}
	push @order, $object if !$objects{$object};
	foreach my $spelling ($name, split /\|/, $also)
	{
		die "$place: $object has $spelling twice\n" if $objects{$object}{$spelling};
		$objects{$object}{$spelling} =
		  {name => $name, type => $type, is_list => $cardinality eq 'list', lists => $lists,
			unknown => $unknown, place => $place};
	}
}

my $c = "/* Made from data_objects.tsv by gen_objects.pl; do not edit. */\n";
foreach my $object (@order)
{
	$c .= "\nstatic const DataAttribute attributes_of_$object\[] = {\n";
	foreach my $spelling (sort keys %{$objects{$object}})
	{
		my %row = %{$objects{$object}{$spelling}};
		my ($first, $second, @more) = split /\|/, $row{type};
		my $is_kind = $kinds{$first};
		foreach my $class ($is_kind ? () : grep { defined } $first, $second)
		{
			die "$row{place}: no object $class\n" if !$objects{$class};
		}
		die "$row{place}: at most two objects\n" if @more;
		my @lists = map { "\"$_\"" } split /\|/, $row{lists};
		die "$row{place}: at most three directories\n" if @lists > 3;
		$c .= sprintf "\t{\"%s\", \"%s\", %s, %s, %s, {%s}, {%s}},\n", $spelling, $row{name},
		  'ATTRIBUTE_' . ($is_kind ? uc $first : 'OBJECT'), $row{is_list} ? 'true' : 'false',
		  $row{unknown} eq 'error' ? 'true' : 'false', join(', ', @lists, 'NULL'),
		  $is_kind ? 'NULL' : join(', ', map { "\"$_\"" } grep { defined } $first, $second, undef);
	}
	$c .= "};\n";
}
$c .= "\nstatic const DataObject data_objects[] = {\n";
foreach my $object (sort @order)
{
	$c .= "\t{\"$object\", attributes_of_$object, lengthof(attributes_of_$object)},\n";
}
$c .= "};\n";

open(my $handle, '>', $target) or die "$target: $!\n";
print $handle $c;
close($handle) or die "$target: $!\n";
