/*
 * tls_files_test.c
 *		Which files belong to a name, and names that lead elsewhere.
 */
#include "tap.h"
#include "net/tls_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "build/unit/tls_files_XXXXXX";

static const char *const names[] = {"all.crt",	 "all.key",	 "all.ca",	  "own.crt",  "own.key",
									"anchor.ca", "half.crt", "other.key", "other.ca", "a.b-c_1.ca"};

static const struct
{
	const char *name;
	const char *certificate; /* NULL: refused */
	const char *ca;
	const char *reason;
} rows[] = {
	{NULL, "", "", NULL},
	{"all", "all.crt", "all.ca", NULL},
	{"own", "own.crt", "", NULL},
	{"anchor", "", "anchor.ca", NULL},
	{"a.b-c_1", "", "a.b-c_1.ca", NULL},
	{"half", NULL, NULL, "has no half.key"},
	{"other", NULL, NULL, "has no other.crt"},
	{"none", NULL, NULL, "has no none.crt"},
	{"", NULL, NULL, "not a plain file name"},
	{".", NULL, NULL, "not a plain file name"},
	{"..", NULL, NULL, "not a plain file name"},
	{"../all", NULL, NULL, "not a plain file name"},
	{"./all", NULL, NULL, "not a plain file name"},
	{"/etc/ssl/private/x", NULL, NULL, "not a plain file name"},
	{"all\n", NULL, NULL, "not a plain file name"},
	{"-all", NULL, NULL, "not a plain file name"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL,
	 "not a plain file name"},
};

static void
files_change(void (*change)(const char *path))
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		change(path);
	}
}

static void
file_make(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fclose(file) != 0 || chmod(path, 0600) != 0)
		abort();
}

static void
file_remove(const char *path)
{
	(void) unlink(path);
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int
main(void)
{
	Tap tap = {0, 0};
	TlsFiles files;
	Failure failure;
	char path[256];

	if (mkdtemp(directory) == NULL)
		abort();
	files_change(file_make);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		const char *name = rows[i].name != NULL ? rows[i].name : "no name";
		bool ok = tls_files_find(directory, rows[i].name, &files, &failure);

		tap_ok(&tap, ok == (rows[i].certificate != NULL), "%s: %s", name,
			   rows[i].certificate != NULL ? "found" : "refused");
		if (rows[i].certificate == NULL)
		{
			tap_has(&tap, failure.text, rows[i].reason, "%s: reason", name);
			continue;
		}
		tap_is(&tap, last_part(files.certificate), rows[i].certificate, "%s: certificate", name);
		tap_is(&tap, last_part(files.ca), rows[i].ca, "%s: CA", name);
		tap_ok(&tap, (files.key[0] != '\0') == (files.certificate[0] != '\0'), "%s: key", name);
	}
	snprintf(path, sizeof(path), "%s/own.key", directory);
	(void) chmod(path, 0644);
	tap_ok(&tap, !tls_files_find(directory, "own", &files, &failure), "rejects_key_open_to_others");
	tap_has(&tap, failure.text, "is open to others (mode 0644)", "and says so");
	tap_ok(&tap, tls_files_find(directory, "all", &files, &failure), "whatever another key is");
	tap_ok(&tap, !tls_files_check(directory, &failure), "a check of all finds it");
	tap_has(&tap, failure.text, ".key\"", "or one that is no key");
	tap_ok(&tap, tls_files_check("", &failure), "no directory, no keys");
	tap_ok(&tap, !tls_files_check("/nowhere", &failure), "rejects_directory_that_is_not_there");
	tap_ok(&tap, !tls_files_find("", "all", &files, &failure), "rejects_name_without_directory");
	tap_has(&tap, failure.text, "tls_directory is not set", "and says what is missing");
	files_change(file_remove);
	(void) rmdir(directory);
	return tap_done(&tap);
}
