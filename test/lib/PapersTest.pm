# Examples in the pages of doc/: blocks of statements, each behind a prompt, with what they print below.
package PapersTest;

use strict;
use warnings;
use Exporter 'import';
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(statements_of is_what_the_page_shows masked);

my $prompt = qr/\w*=> .*\n(?:\w*-> .*\n)*/;

# The statements of all blocks of a kind, with their prompts, in the order of the page.
sub statements_of
{
	my ($page, $kind) = @_;
	return map { /^($prompt)/mg } $page =~ /^```$kind\n(.*?)^```$/msg;
}

# Ids, numbers and times of one run, and what they make of the width of a column, differ from another's.
sub masked
{
	my ($text) = @_;
	$text =~ s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(id)/g;
	$text =~ s/\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00|Z)?/(time)/g;
	$text =~ s/\b20\d\d-\d\d-\d\d\b/(day)/g;
	$text =~ s/\b\d{3,}\b/(number)/g;
	$text =~ s/[ \t]+/ /g;
	$text =~ s/ ?(?=\n)//g;
	$text =~ s/^ //mg;
	$text =~ s/-{2,}/--/g;
	$text =~ s/\n+\z/\n/;
	return $text;
}

# Compares what the statements of a page have printed, one text for each, with what stands there. The page
# as it would be is written to build/check/tap/papers, to be read and then copied.
sub is_what_the_page_shows
{
	my ($file, $kind, @printed) = @_;
	my $page = slurp_file($file);
	my ($name) = $file =~ m{([\w-]+\.md)\z};
	my @statements = statements_of($page, $kind);
	is(scalar @printed, scalar @statements, "$name: every statement ends");
	my $made = $page =~ s{^```$kind\n(.*?)^```$}{
		"```$kind\n" . join('', map { $_ . ((shift(@printed) // '') =~ s/[ \t]+$//mgr) } $1 =~ /^($prompt)/mg) . "```"
	}megrs;
	make_path("$ENV{TESTDIR}/papers");
	my $place = "$ENV{TESTDIR}/papers/$name";
	unlink $place;
	append_to_file($place, $made);
	my ($shown, $is) = map { join '', /^```$kind\n(.*?)^```$/msg } $page, $made;
	is(masked($is), masked($shown), "$name: they print what it shows");
	return scalar @statements;
}

1;
