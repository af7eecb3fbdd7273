/*
 * tls_files.c
 *		Finds the files of a partner's tls_name and looks at who may read its key. Must not use
 *		them: libcurl does.
 */
#include "net/tls_files.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "key/key_file.h"

#define NAME_LIMIT 64

/* A file name and nothing that leads elsewhere; the database checks the same. */
static bool
name_is_plain(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return *name != '\0' && *name != '.' && *name != '-' && strlen(name) <= NAME_LIMIT &&
		   strspn(name, letters) == strlen(name);
}

/* Leaves "" when there is no such file. */
static bool
file_find(const char *directory, const char *name, const char *ending, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s/%s.%s", directory, name, ending);

	if (length >= PATH_MAX)
		path[0] = '\0';
	if (path[0] != '\0' && access(path, F_OK) != 0)
		path[0] = '\0';
	return path[0] != '\0';
}

bool
tls_files_find(const char *directory, const char *name, TlsFiles *files, Failure *failure)
{
	bool has_certificate;
	bool has_key;
	bool has_ca;

	files->certificate[0] = files->key[0] = files->ca[0] = '\0';
	if (name == NULL)
		return true;
	if (directory[0] == '\0' || !name_is_plain(name))
	{
		failure_set(failure, FAILURE_CONFIG, "%s",
					directory[0] == '\0'
						? "the partner has a tls_name, but tls_directory is not set"
						: "the partner's tls_name is not a plain file name");
		return false;
	}
	has_certificate = file_find(directory, name, "crt", files->certificate);
	has_key = file_find(directory, name, "key", files->key);
	has_ca = file_find(directory, name, "ca", files->ca);
	if (has_certificate == has_key && (has_certificate || has_ca))
		return !has_key || key_file_check(files->key, failure);
	failure_set(failure, FAILURE_CONFIG, "tls_directory \"%s\" has no %s.%s", directory, name,
				has_certificate ? "key" : "crt");
	return false;
}

static bool
name_is_of_key(const char *name)
{
	const char *ending = strrchr(name, '.');

	return name[0] != '.' && ending != NULL && strcmp(ending, ".key") == 0;
}

static bool
key_check(const char *directory, const char *name, Failure *failure)
{
	char path[PATH_MAX];
	EVP_PKEY *key;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int) sizeof(path))
		return true; /* none that tls_files_find would find */
	key = key_file_private(path, "private key", failure);
	EVP_PKEY_free(key);
	return key != NULL;
}

bool
tls_files_check(const char *directory, Failure *failure)
{
	DIR *entries = directory[0] != '\0' ? opendir(directory) : NULL;
	const struct dirent *entry;
	bool ok = true;

	if (entries == NULL && directory[0] != '\0')
	{
		failure_set(failure, FAILURE_CONFIG, "could not read tls_directory \"%s\": %s", directory,
					strerror(errno));
		return false;
	}
	while (ok && entries != NULL && (entry = readdir(entries)) != NULL)
		ok = !name_is_of_key(entry->d_name) || key_check(directory, entry->d_name, failure);
	if (entries != NULL)
		closedir(entries);
	return ok;
}
