/*
 * told_journal.h
 *		What partners are told, written down beside the database before it is sent: a database that
 *		lost its last hours does not know it itself. Encrypted with a key that only the database
 *		has. Knows nothing of what stands in an entry.
 */
#ifndef TOLD_JOURNAL_H
#define TOLD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/failure.h"

typedef struct ToldJournal ToldJournal;

/* Where a bridge reads on; begins zeroed. */
typedef struct ToldPlace
{
	int file;
	long offset;
} ToldPlace;

/*
 * The directory is made when it is not there. Entries older than so many days are deleted. NULL
 * with a failure when it cannot be written. Several bridges may have the same directory.
 */
extern ToldJournal *told_journal_open(const char *directory, int days, Failure *failure);
extern void told_journal_close(ToldJournal *journal);

/* The directory's own name, a UUID that stays. */
extern const char *told_journal_id(const ToldJournal *journal);

/* As the database says it: 64 hexadecimal digits. */
extern bool told_journal_set_key(ToldJournal *journal, const char *hex);

/*
 * On disk when it returns true. What is not written down is not said: a database that forgets it
 * could not take it back. Without a journal, or an entry, there is nothing to do.
 */
extern bool told_journal_write(ToldJournal *journal, const char *entry, Failure *failure);

/*
 * Appends entries, with commas between them, up to the buffer's ceiling. Newest: the last ones that
 * there are; else those at place, which moves on. False: out of memory, or there are no more.
 */
extern void told_journal_newest(ToldJournal *journal, Buffer *entries);
extern bool told_journal_read(ToldJournal *journal, ToldPlace *place, Buffer *entries);

/*
 * What is there now is read from now on, and forgotten in the end. With begins_file what is written
 * from now on is apart from it, and stays.
 */
extern void told_journal_turn(ToldJournal *journal, bool begins_file);
extern void told_journal_forget(ToldJournal *journal);

#endif
