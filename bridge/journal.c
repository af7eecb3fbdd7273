/*
 * journal.c
 *		Finds the directory of the journal. Must not write to it.
 */
#include "journal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ToldJournal *
journal_begin(const Config *config, const Log *log)
{
	const char *state = getenv("STATE_DIRECTORY");
	char directory[PATH_MAX];
	ToldJournal *journal;
	Failure failure;

	if (config->state_directory[0] != '\0')
		snprintf(directory, sizeof(directory), "%s", config->state_directory);
	else if (state != NULL && state[0] != '\0')
		snprintf(directory, sizeof(directory), "%.*s", (int) strcspn(state, ":"), state);
	else
		snprintf(directory, sizeof(directory), "%s.told", config->key_file);
	journal = told_journal_open(directory, config->journal_days, &failure);
	if (journal == NULL)
		log_warning(log, "no_journal", "directory", directory, "reason", failure.text, NULL);
	return journal;
}
