/*
 * secret_file.c
 *		Secrets live in files beside the bridge, never in the database: whoever can read the
 *		database can not speak in our name to partners.
 */
#include "base/secret_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 100

static bool
name_is_plain(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t length = strlen(name);

	return length > 0 && length <= NAME_MAX_LENGTH && name[0] != '.' &&
		   strspn(name, allowed) == length;
}

/* As key files: owner only, or root's and read by a group. */
static bool
file_is_private(int fd, const char *name, Failure *failure)
{
	struct stat status;
	mode_t forbidden;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
	{
		failure_set(failure, FAILURE_KEY, "secret \"%s\" is not a regular file", name);
		return false;
	}
	forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	if ((status.st_mode & forbidden) == 0 &&
		(status.st_uid == geteuid() || status.st_uid == 0 || geteuid() == 0))
		return true;
	failure_set(failure, FAILURE_KEY,
				"secret \"%s\" is open to others or somebody else's; it must belong to the user "
				"who runs the bridge, with mode 0600",
				name);
	return false;
}

static bool
first_line_read(int fd, const char *name, char secret[SECRET_MAX], Failure *failure)
{
	ssize_t length = read(fd, secret, SECRET_MAX - 1);

	secret[length > 0 ? length : 0] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	if (secret[0] != '\0' && length < SECRET_MAX - 1)
		return true;
	failure_set(failure, FAILURE_KEY, "secret \"%s\" is empty, or longer than %d bytes", name,
				SECRET_MAX - 2);
	return false;
}

bool
secret_file_read(const char *directory, const char *name, char secret[SECRET_MAX], Failure *failure)
{
	char path[4096];
	bool ok;
	int fd;

	secret[0] = '\0';
	if (directory[0] == '\0' || !name_is_plain(name) ||
		snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int) sizeof(path))
	{
		failure_set(failure, FAILURE_KEY,
					directory[0] == '\0' ? "setting secrets_directory is empty"
										 : "secret_name is no plain name of a file");
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
	{
		failure_set(failure, FAILURE_KEY, "could not open secret \"%s\": %s", name,
					strerror(errno));
		return false;
	}
	ok = file_is_private(fd, name, failure) && first_line_read(fd, name, secret, failure);
	close(fd);
	return ok;
}

bool
secret_files_check(const char *directory, Failure *failure)
{
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	char secret[SECRET_MAX];
	bool ok = true;

	if (entries == NULL)
	{
		failure_set(failure, FAILURE_KEY, "could not read secrets_directory \"%s\": %s", directory,
					strerror(errno));
		return false;
	}
	while (ok && (entry = readdir(entries)) != NULL)
		ok = !name_is_plain(entry->d_name) ||
			 secret_file_read(directory, entry->d_name, secret, failure);
	explicit_bzero(secret, sizeof(secret));
	closedir(entries);
	return ok;
}
