/*
 * key_file.c
 *		A key of ours from a PEM file, which nobody else may read or, for a public key, write.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key/key_file.h"

static bool
file_is_ours(const struct stat *status, const char *path, Failure *failure)
{
	if (!S_ISREG(status->st_mode))
	{
		failure_set(failure, FAILURE_KEY, "key file \"%s\" is not a regular file", path);
		return false;
	}
	if (status->st_uid != geteuid() && status->st_uid != 0 && geteuid() != 0)
	{
		failure_set(failure, FAILURE_KEY,
					"key file \"%s\" belongs to another user; it must belong to the user who runs "
					"the bridge, or to root",
					path);
		return false;
	}
	return true;
}

/*
 * Owner only; as PostgreSQL has it for its own keys, root may own the file and let a group read
 * it. Root itself may use anybody's file.
 */
static bool
file_is_private(const struct stat *status, const char *path, Failure *failure)
{
	mode_t forbidden = status->st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;

	if ((status->st_mode & forbidden) == 0)
		return true;
	failure_set(
		failure, FAILURE_KEY, "key file \"%s\" is open to others (mode %04o); run: chmod %s %s",
		path, (unsigned int) status->st_mode & 07777, status->st_uid == 0 ? "0640" : "0600", path);
	return false;
}

/* A public key is no secret, but whoever can write it can make us believe in theirs. */
static bool
file_is_unwritable(const struct stat *status, const char *path, Failure *failure)
{
	if ((status->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	failure_set(failure, FAILURE_KEY,
				"key file \"%s\" can be written by others (mode %04o); run: chmod go-w %s", path,
				(unsigned int) status->st_mode & 07777, path);
	return false;
}

/* A key with a passphrase cannot be used by a daemon: give none instead of asking the terminal. */
static int
passphrase_refuse(char *buffer, int size, int is_writing, void *unused)
{
	(void) buffer;
	(void) size;
	(void) is_writing;
	(void) unused;
	return -1;
}

static FILE *
file_open(const char *path, struct stat *status, Failure *failure)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = NULL;

	if (fd < 0)
	{
		failure_set(failure, FAILURE_KEY, "could not open key file \"%s\": %s", path,
					strerror(errno));
		return NULL;
	}
	if (fstat(fd, status) != 0 || (file = fdopen(fd, "r")) == NULL)
	{
		failure_set(failure, FAILURE_KEY, "could not look at key file \"%s\": %s", path,
					strerror(errno));
		close(fd);
		return NULL;
	}
	/* no buffer of the C library keeps a copy of the key */
	(void) setvbuf(file, NULL, _IONBF, 0);
	if (file_is_ours(status, path, failure))
		return file;
	fclose(file);
	return NULL;
}

static EVP_PKEY *
key_refuse(const char *path, const char *expected, Failure *failure)
{
	failure_set(failure, FAILURE_KEY, "key file \"%s\" holds no %s", path, expected);
	return NULL;
}

bool
key_file_check(const char *path, Failure *failure)
{
	struct stat status;
	FILE *file = file_open(path, &status, failure);
	bool ok = file != NULL && file_is_private(&status, path, failure);

	if (file != NULL)
		fclose(file);
	return ok;
}

EVP_PKEY *
key_file_private(const char *path, const char *expected, Failure *failure)
{
	EVP_PKEY *key = NULL;
	struct stat status;
	FILE *file = file_open(path, &status, failure);

	if (file == NULL)
		return NULL;
	if (file_is_private(&status, path, failure))
	{
		key = PEM_read_PrivateKey(file, NULL, passphrase_refuse, NULL);
		if (key == NULL)
			key_refuse(path, expected, failure);
	}
	fclose(file);
	ERR_clear_error();
	return key;
}

EVP_PKEY *
key_file_any(const char *path, const char *expected, Failure *failure)
{
	EVP_PKEY *key = NULL;
	struct stat status;
	FILE *file = file_open(path, &status, failure);

	if (file == NULL)
		return NULL;
	key = PEM_read_PUBKEY(file, NULL, passphrase_refuse, NULL);
	ERR_clear_error();
	if (key != NULL && !file_is_unwritable(&status, path, failure))
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	else if (key == NULL && fseek(file, 0, SEEK_SET) == 0 &&
			 file_is_private(&status, path, failure))
	{
		key = PEM_read_PrivateKey(file, NULL, passphrase_refuse, NULL);
		if (key == NULL)
			key_refuse(path, expected, failure);
	}
	fclose(file);
	ERR_clear_error();
	return key;
}
