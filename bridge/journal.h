/*
 * journal.h
 *		Where the journal of what was told is kept, by the settings. Knows nothing of what is in it.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "base/log.h"
#include "config/config.h"
#include "database/told_journal.h"

/* NULL, said in the log, when it cannot be written: then each other server is taken for a loss. */
extern ToldJournal *journal_begin(const Config *config, const Log *log);

#endif
