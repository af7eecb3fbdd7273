/*
 * key_file.h
 *		A key of ours from a PEM file. The file's permissions are part of the check: a key that
 *		others can read is no identity. Knows nothing of what the key is for.
 */
#ifndef KEY_FILE_H
#define KEY_FILE_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/failure.h"

/*
 * The private key in path, NULL with FAILURE_KEY and what to do in the text: the file cannot be
 * read, is readable by others (the group may read it only when root owns it), or holds no private
 * key without passphrase. expected ends the sentence, for example "Ed25519 private key".
 */
extern EVP_PKEY *key_file_private(const char *path, const char *expected, Failure *failure);

/*
 * The same, but the file may also hold only the public half; then nobody else may be able to
 * write to it.
 */
extern EVP_PKEY *key_file_any(const char *path, const char *expected, Failure *failure);

/* Only the file's permissions, for a key that somebody else reads: as for a private key. */
extern bool key_file_check(const char *path, Failure *failure);

#endif /* KEY_FILE_H */
