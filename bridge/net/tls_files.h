/*
 * tls_files.h
 *		Which files TLS with one partner takes: NAME.crt, NAME.key and NAME.ca in one directory.
 *		Knows nothing of what is in them.
 */
#ifndef TLS_FILES_H
#define TLS_FILES_H

#include <limits.h>
#include <stdbool.h>

#include "base/failure.h"

/* "" = there is no such file. */
typedef struct TlsFiles
{
	char certificate[PATH_MAX];
	char key[PATH_MAX];
	char ca[PATH_MAX];
} TlsFiles;

/*
 * Finds the files of a name; none for NULL. Fails closed: a name that has no file at all, or a
 * certificate without its key, is a failure that says which file is missing; so is a key that
 * others can read.
 */
extern bool tls_files_find(const char *directory, const char *name, TlsFiles *files,
						   Failure *failure);

/* Is every NAME.key of the directory a key that nobody else can read? "" has none. */
extern bool tls_files_check(const char *directory, Failure *failure);

#endif
