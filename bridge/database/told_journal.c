/*
 * told_journal.c
 *		Files of lines, each an encrypted entry; a new one when it is large or old. Must not ask the
 *		database.
 */
#include "database/told_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/uuid.h"
#include "database/told_entry.h"

#define FILE_BYTES (16 * 1024 * 1024)
#define FILE_SECONDS 86400

/* Files of this and other bridges, oldest first, as they were found. */
typedef struct FileList
{
	char **names;
	int count;
} FileList;

struct ToldJournal
{
	int directory;
	int file; /* that is written; locked, so that no other bridge deletes it; -1: none yet */
	size_t written;
	time_t begun;
	int days;
	bool has_key;
	unsigned char key[TOLD_KEY_BYTES];
	char id[UUID_SIZE];
	char name[64]; /* of the file */
	FileList read; /* kept while it is read, whatever is written meanwhile */
};

static bool
journal_fail(Failure *failure, const char *what)
{
	failure_set(failure, FAILURE_SYSTEM, "journal of what was told: %s: %s", what, strerror(errno));
	return false;
}

static int
is_journal_file(const struct dirent *entry)
{
	return strncmp(entry->d_name, "told-", 5) == 0;
}

static void
file_list_free(FileList *list)
{
	for (int i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (FileList){0};
}

/* Names begin with the time, so their order is that of their making. */
static FileList
journal_find(const ToldJournal *journal)
{
	struct dirent **found = NULL;
	int count = scandirat(journal->directory, ".", &found, is_journal_file, alphasort);
	FileList list = {.names = calloc((size_t) (count > 0 ? count : 1), sizeof(char *))};

	for (int i = 0; i < count; i++)
	{
		char *name = list.names != NULL ? strdup(found[i]->d_name) : NULL;

		if (name != NULL)
			list.names[list.count++] = name;
		free(found[i]);
	}
	free(found);
	return list;
}

/* One that another bridge writes is not deleted: that one still adds to it. */
static void
journal_delete(const ToldJournal *journal, const char *name)
{
	int file = openat(journal->directory, name, O_RDWR | O_CLOEXEC);

	if (file < 0)
		return;
	if (flock(file, LOCK_EX | LOCK_NB) == 0)
		(void) unlinkat(journal->directory, name, 0);
	close(file);
}

static void
journal_expire(const ToldJournal *journal)
{
	FileList list = journal_find(journal);
	struct stat about;

	for (int i = 0; i < list.count; i++)
		if (fstatat(journal->directory, list.names[i], &about, 0) == 0 &&
			about.st_mtime < time(NULL) - (time_t) journal->days * 86400)
			journal_delete(journal, list.names[i]);
	file_list_free(&list);
}

static bool
journal_begin_file(ToldJournal *journal, Failure *failure)
{
	struct timespec now;
	unsigned int random_part;
	int file;

	clock_gettime(CLOCK_REALTIME, &now);
	if (RAND_bytes((unsigned char *) &random_part, sizeof(random_part)) != 1)
		random_part = (unsigned int) getpid();
	snprintf(journal->name, sizeof(journal->name), "told-%012lld%03ld-%08x", (long long) now.tv_sec,
			 now.tv_nsec / 1000000, random_part);
	file = openat(journal->directory, journal->name,
				  O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	/* its name must be on disk, too */
	if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0 || fsync(journal->directory) != 0)
	{
		journal_fail(failure, journal->name);
		if (file >= 0)
			close(file);
		return false;
	}
	if (journal->file >= 0)
		close(journal->file);
	journal->file = file;
	journal->written = 0;
	journal->begun = now.tv_sec;
	journal_expire(journal);
	return true;
}

/* Whoever comes first gives the directory its name; written apart and put in place whole. */
static bool
journal_name_directory(ToldJournal *journal, Failure *failure)
{
	char made[UUID_SIZE];
	char apart[64];
	int file;
	bool is_there;

	if (!uuid_random(made, failure))
		return false;
	snprintf(apart, sizeof(apart), "id-%s", made);
	file = openat(journal->directory, apart, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return journal_fail(failure, apart);
	is_there = write(file, made, UUID_SIZE - 1) == UUID_SIZE - 1 && fsync(file) == 0;
	close(file);
	if (is_there)
		is_there =
			linkat(journal->directory, apart, journal->directory, "id", 0) == 0 || errno == EEXIST;
	(void) unlinkat(journal->directory, apart, 0);
	file = is_there ? openat(journal->directory, "id", O_RDONLY | O_CLOEXEC) : -1;
	is_there = file >= 0 && read(file, journal->id, UUID_SIZE - 1) == UUID_SIZE - 1;
	if (file >= 0)
		close(file);
	if (!is_there || !uuid_is_valid(journal->id))
		return journal_fail(failure, "id");
	return true;
}

ToldJournal *
told_journal_open(const char *directory, int days, Failure *failure)
{
	ToldJournal *journal = calloc(1, sizeof(ToldJournal));

	if (journal == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	journal->file = -1;
	journal->days = days;
	(void) mkdir(directory, 0700);
	journal->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (journal->directory < 0)
		journal_fail(failure, directory);
	else if (journal_name_directory(journal, failure) && journal_begin_file(journal, failure))
		return journal;
	told_journal_close(journal);
	return NULL;
}

void
told_journal_close(ToldJournal *journal)
{
	if (journal == NULL)
		return;
	/* an empty file would only be looked through */
	if (journal->file >= 0 && journal->written == 0)
		(void) unlinkat(journal->directory, journal->name, 0);
	if (journal->file >= 0)
		close(journal->file);
	if (journal->directory >= 0)
		close(journal->directory);
	file_list_free(&journal->read);
	OPENSSL_cleanse(journal->key, sizeof(journal->key));
	free(journal);
}

const char *
told_journal_id(const ToldJournal *journal)
{
	return journal->id;
}

bool
told_journal_set_key(ToldJournal *journal, const char *hex)
{
	journal->has_key = told_key_read(hex, journal->key);
	return journal->has_key;
}

bool
told_journal_write(ToldJournal *journal, const char *entry, Failure *failure)
{
	char *line;
	size_t length;
	bool is_written;

	if (journal == NULL || entry == NULL)
		return true;
	if ((journal->written > FILE_BYTES || time(NULL) - journal->begun > FILE_SECONDS) &&
		!journal_begin_file(journal, failure))
		return false;
	line = journal->has_key ? told_entry_seal(journal->key, entry, &length) : NULL;
	if (line == NULL)
	{
		failure_set(failure, FAILURE_SYSTEM, "journal of what was told: could not encrypt");
		return false;
	}
	/* half a line would spoil the next one, which begins where it ends: so each begins anew */
	is_written =
		write(journal->file, line, length) == (ssize_t) length && fdatasync(journal->file) == 0;
	journal->written += length;
	free(line);
	return is_written || journal_fail(failure, journal->name);
}

/* Appends one line's entry; false when it has no place any more. Others' lines are passed over. */
static bool
journal_append(const ToldJournal *journal, const char *line, Buffer *entries)
{
	char *entry = told_entry_open(journal->key, line);
	bool has_place = true;

	if (entry != NULL)
	{
		size_t length = entries->length;

		has_place =
			(length == 0 || buffer_append_char(entries, ',')) && buffer_append_text(entries, entry);
		if (!has_place)
			buffer_cut(entries, length);
	}
	OPENSSL_cleanse(entry, entry != NULL ? strlen(entry) : 0);
	free(entry);
	return has_place;
}

static FILE *
journal_open(const ToldJournal *journal, const char *name)
{
	int file = openat(journal->directory, name, O_RDONLY | O_CLOEXEC);
	FILE *stream = file >= 0 ? fdopen(file, "r") : NULL;

	if (stream == NULL && file >= 0)
		close(file);
	return stream;
}

bool
told_journal_read(ToldJournal *journal, ToldPlace *place, Buffer *entries)
{
	char *line = NULL;
	size_t size = 0;
	bool is_full = false;

	for (; place->file < journal->read.count && !is_full; place->file += is_full ? 0 : 1)
	{
		FILE *stream = journal_open(journal, journal->read.names[place->file]);

		if (stream == NULL)
			continue;
		if (fseek(stream, place->offset, SEEK_SET) == 0)
			while (!is_full && getline(&line, &size, stream) > 0)
			{
				/* one that is too large for an empty buffer is passed over, not tried for ever */
				is_full = !journal_append(journal, line, entries) && entries->length > 0;
				if (!is_full)
					place->offset = ftell(stream);
			}
		fclose(stream);
		if (!is_full)
			place->offset = 0;
	}
	free(line);
	return entries->length > 0;
}

/* A line has more bytes than its entry: so many bytes of lines fit. */
void
told_journal_newest(ToldJournal *journal, Buffer *entries)
{
	ToldPlace place = {0};
	struct stat about;
	size_t bytes = 0;

	told_journal_turn(journal, false);
	for (place.file = journal->read.count; place.file > 0 && bytes < entries->ceiling; place.file--)
		if (fstatat(journal->directory, journal->read.names[place.file - 1], &about, 0) == 0)
		{
			bytes += (size_t) about.st_size;
			if (bytes > entries->ceiling)
				place.offset = (long) (bytes - entries->ceiling);
		}
	(void) told_journal_read(journal, &place, entries);
}

void
told_journal_turn(ToldJournal *journal, bool begins_file)
{
	Failure failure;

	file_list_free(&journal->read);
	journal->read = journal_find(journal);
	if (begins_file)
		(void) journal_begin_file(journal, &failure);
}

void
told_journal_forget(ToldJournal *journal)
{
	for (int i = 0; i < journal->read.count; i++)
		if (strcmp(journal->read.names[i], journal->name) != 0)
			journal_delete(journal, journal->read.names[i]);
}
