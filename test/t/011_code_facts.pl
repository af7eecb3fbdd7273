# gen_codes.pl must refuse a table of facts that would break what the code types promise, and make
# the same files from the same facts. No server is needed.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $code = dirname(abs_path($0)) . '/../../extension/code';
my $directory = tempdir(CLEANUP => 1);

sub read_file
{
	my ($file) = @_;
	open(my $handle, '<', $file) or die "$file: $!";
	local $/;
	return scalar <$handle>;
}

# Runs gen_codes.pl over these lines; returns its exit code and what it said.
sub generate
{
	my @lines = @_;
	open(my $handle, '>', "$directory/facts.tsv") or die $!;
	print $handle map { "$_\n" } @lines;
	close($handle);
	my $said = `"$^X" "$code/gen_codes.pl" "$directory/facts.tsv" "$code/code_type.template.sql" "$directory" 2>&1`;
	return ($? >> 8, $said);
}

my $colour = "directory\tcolour\tX.01\tcode colour\tnowhere";
my $red = "code\tcolour\t1\t1\tRed\tlabel\t\tThe colour red.";

my ($exit, $said) = generate($colour, $red, "code\tcolour\t2\t2\tBlue\tlabel\tazure\tThe colour blue.");
is($exit, 0, 'a sound table is accepted') or diag($said);
like(read_file("$directory/code_tables.h"), qr/\{"azure", 2, SPELLING_CODE\}/, 'and its spellings are in the C table');

my @refused = (
	['code of another row as output', qr/does not read back|written for two rows/,
		$colour, "code\tcolour\t1\tRED\tblue\tlabel\t\tx", "code\tcolour\t2\tBLUE\tazure\tlabel\t\tx"],
	['label of two rows as output', qr/written for two rows|does not read back/,
		$colour, $red, "code\tcolour\t2\t2\tred\tlabel\t\tx"],
	['label of two rows as output of the first', qr/does not read back/,
		$colour, $red, "code\tcolour\t2\t2\tred\tcode\t\tx"],
	['output beyond ASCII', qr/not plain ASCII/, $colour, "code\tcolour\t1\t1\tRos\x{c3}\x{a9}\tlabel\t\tx"],
	['the same code twice', qr/code 1 twice/, $colour, $red, "code\tcolour\t2\t1\tBlue\tlabel\t\tx"],
	['codes that differ in case only', qr/code B twice/, $colour, "code\tcolour\t1\tb\tx\tcode\t\tx", "code\tcolour\t2\tB\ty\tcode\t\ty"],
	['spelling of two rows', qr/spelling "rouge" twice/,
		$colour, "code\tcolour\t1\t1\tRed\tlabel\trouge\tx", "code\tcolour\t2\t2\tBlue\tlabel\tRouge\tx"],
	['gap in the numbers', qr/number is not 2/, $colour, $red, "code\tcolour\t3\t3\tBlue\tlabel\t\tx"],
	['number that is not the code', qr/number is not the code/, $colour, "code\tcolour\t1\t2\tRed\tlabel\t\tx"],
	['number among the local codes', qr/reaches into the local codes/, $colour, "code\tcolour\t900\t900\tRed\tlabel\t\tx"],
	['spelling that looks local', qr/looks like a local code/, $colour, "code\tcolour\t1\tlocal:1\tRed\tlabel\t\tx"],
	['spelling with a blank at its end', qr/begins or ends with a blank/, $colour, "code\tcolour\t1\t1\tRed \tlabel\t\tx"],
	['spelling too long', qr/is too long/, $colour, "code\tcolour\t1\t1\t" . ('x' x 128) . "\tlabel\t\tx"],
	['no description', qr/no description/, $colour, "code\tcolour\t1\t1\tRed\tlabel\t\t"],
	['output that is neither', qr/neither label nor code/, $colour, "code\tcolour\t1\t1\tRed\tboth\t\tx"],
	['directory without codes', qr/no codes/, $colour],
	['directory twice', qr/directory colour twice/, $colour, $red, $colour],
	['code of no directory', qr/neither directory, code nor cast/, $red],
	['missing column', qr/wrong number of columns/, $colour, "code\tcolour\t1\t1\tRed\tlabel\tx"],
	['cast that leaves a code out', qr/nothing for 2/,
		$colour, $red, "code\tcolour\t2\t2\tBlue\tlabel\t\tx", "cast\tcolour\tcolour\t1=1"],
	['cast to a code that is not there', qr/nothing for 1/, $colour, $red, "cast\tcolour\tcolour\t1=9"],
	['cast from a code that is not there', qr/unknown numbers 7/, $colour, $red, "cast\tcolour\tcolour\t1=1 7=1"],
	['cast to no directory', qr/no such directory/, $colour, $red, "cast\tcolour\ttaste\t1=1"],
);
foreach my $case (@refused)
{
	my ($name, $pattern, @lines) = @$case;
	($exit, $said) = generate(@lines);
	ok($exit != 0 && $said =~ $pattern, "refuses: $name") or diag("exit $exit: $said");
}

# The facts themselves: twice the same files.
my @facts = split /\n/, read_file("$code/codes.tsv");
($exit, $said) = generate(@facts);
is($exit, 0, 'the facts are accepted') or diag($said);
my $first = join('', map { read_file("$directory/$_") } qw(code_tables.h code_types.h code_type.sql));
generate(@facts);
my $second = join('', map { read_file("$directory/$_") } qw(code_tables.h code_types.h code_type.sql));
ok($first eq $second, 'the same facts give the same files');
done_testing();
