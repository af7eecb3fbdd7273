/*
 * told_journal_test.c
 *		The journal of what was told: what is written is read again, and a full disk costs what was
 *		not written and nothing else.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "database/told_journal.h"
#include "tap.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_KEY "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static const char *
journal_content(ToldJournal *journal, Buffer *entries)
{
	buffer_clear(entries);
	told_journal_newest(journal, entries);
	return entries->data != NULL ? entries->data : "";
}

/* A disk is full at any byte: here no file may have more than so many. */
static void
disk_has(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void
test_entries(Tap *tap, const char *directory, Buffer *entries)
{
	Failure failure;
	ToldJournal *journal = told_journal_open(directory, 1, &failure);
	char id[64];

	if (!tap_ok(tap, journal != NULL, "a journal is made"))
		return;
	snprintf(id, sizeof(id), "%s", told_journal_id(journal));
	tap_ok(tap, !told_journal_write(journal, "{}", &failure), "nothing is written without a key");
	tap_ok(tap, !told_journal_set_key(journal, "short"), "a key has 64 digits");
	tap_ok(tap, told_journal_set_key(journal, KEY), "it is given its key");
	tap_ok(tap, told_journal_write(journal, "{\"a\":1}", &failure), "an entry is written");
	tap_ok(tap, told_journal_write(journal, "{\"b\":2}", &failure), "and another");
	tap_is(tap, journal_content(journal, entries), "{\"a\":1},{\"b\":2}", "both are read");
	told_journal_close(journal);
	journal = told_journal_open(directory, 1, &failure);
	tap_is(tap, told_journal_id(journal), id, "the directory keeps its name");
	tap_ok(tap, told_journal_set_key(journal, OTHER_KEY), "another key");
	tap_is(tap, journal_content(journal, entries), "", "reads nothing");
	told_journal_turn(journal, false);
	told_journal_forget(journal);
	told_journal_set_key(journal, KEY);
	tap_is(tap, journal_content(journal, entries), "", "what is forgotten is gone");
	told_journal_close(journal);
}

/*
 * Wherever it ends: the entries before and after it are read. One of which only the end of its line
 * was refused may be read, too: that somebody is looked at again for nothing is no harm.
 */
static void
test_full_disk(Tap *tap, const char *directory, Buffer *entries)
{
	int lost = 0;
	int spoiled = 0;

	for (rlim_t room = 0; room < 120; room++)
	{
		Failure failure;
		ToldJournal *journal = told_journal_open(directory, 1, &failure);
		bool is_written;

		told_journal_set_key(journal, KEY);
		(void) told_journal_write(journal, "{\"a\":1}", &failure);
		/* of the bytes of one entry there are so many left */
		disk_has(50 + room);
		failure_clear(&failure);
		is_written = told_journal_write(journal, "{\"b\":2}", &failure);
		if (!is_written && failure.kind != FAILURE_SYSTEM)
			lost++;
		disk_has(RLIM_INFINITY);
		(void) told_journal_write(journal, "{\"c\":3}", &failure);
		if (strcmp(journal_content(journal, entries), "{\"a\":1},{\"b\":2},{\"c\":3}") != 0 &&
			(is_written || strcmp(entries->data, "{\"a\":1},{\"c\":3}") != 0))
			spoiled++;
		told_journal_turn(journal, true);
		told_journal_forget(journal);
		told_journal_close(journal);
	}
	tap_is_int(tap, lost, 0, "what a full disk did not take is a failure of the system");
	tap_is_int(tap, spoiled, 0, "and spoils neither the entry before it nor the one after it");
}

/* No room for a file at all, as when a bridge starts. */
static void
test_no_room(Tap *tap, const char *directory)
{
	Failure failure;
	ToldJournal *journal;

	disk_has(0);
	failure_clear(&failure);
	journal = told_journal_open(directory, 1, &failure);
	disk_has(RLIM_INFINITY);
	tap_ok(tap, journal == NULL, "without room for its name no journal is begun");
	tap_has(tap, failure.text, "journal of what was told", "and it is said why");
	journal = told_journal_open(directory, 1, &failure);
	tap_ok(tap, journal != NULL, "with room it is");
	told_journal_close(journal);
}

int
main(void)
{
	Tap tap = {0};
	char directory[] = "/tmp/told_journal.XXXXXX";
	char other[] = "/tmp/told_journal.XXXXXX";
	char command[128];
	Buffer entries;

	/* as the bridge's own limits would be: an error, not a signal */
	signal(SIGXFSZ, SIG_IGN);
	buffer_init(&entries, 4096);
	if (mkdtemp(directory) == NULL || mkdtemp(other) == NULL)
		return 1;
	test_entries(&tap, directory, &entries);
	test_full_disk(&tap, directory, &entries);
	test_no_room(&tap, other);
	buffer_free(&entries);
	snprintf(command, sizeof(command), "rm -rf %s %s", directory, other);
	if (system(command) != 0)
		return 1;
	return tap_done(&tap);
}
