/*
 * test_key.c
 *		Writes and loads the test key. Whatever fails here ends the test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_key.h"

void
test_file_write(char path[64], const char *text, unsigned int mode)
{
	int fd;

	strcpy(path, "/tmp/casesync_unit_XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t) strlen(text) || fchmod(fd, mode) != 0)
	{
		perror("test file");
		exit(1);
	}
	close(fd);
}

SigningKey *
test_key_load(void)
{
	char path[64];
	Failure failure;
	SigningKey *key;

	test_file_write(path, TEST_KEY_PEM, 0600);
	if (!signing_key_load(path, &key, &failure))
	{
		printf("Bail out! %s\n", failure.text);
		exit(1);
	}
	unlink(path);
	return key;
}
