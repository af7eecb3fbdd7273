/*
 * secret_file.h
 *		Reads one secret from its file. The file's permissions are part of the check. Knows nothing
 *		of what the secret is for.
 */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

#define SECRET_MAX 1024

/*
 * The first line of the file called name in the directory; name is one of letters, digits and
 * _ . - and does not begin with a dot. The caller cleanses secret. False (FAILURE_KEY, with what to
 * do) when there is none, or others can read it.
 */
extern bool secret_file_read(const char *directory, const char *name, char secret[SECRET_MAX],
							 Failure *failure);

/* Can every secret in the directory be read? False names the first that cannot. */
extern bool secret_files_check(const char *directory, Failure *failure);

#endif /* SECRET_FILE_H */
