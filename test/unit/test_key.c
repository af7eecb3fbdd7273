/*
 * test_key.c
 *		Writes and loads the test key. Whatever fails here ends the test.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
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

/* Git does not keep the mode of a file: the keys are copied, so that nobody else can read them. */
static void
key_copy(const char *name, char path[64])
{
	char text[4096];
	char source[128];
	size_t length;
	FILE *file;

	snprintf(source, sizeof(source), "test/vectors/%s", name);
	file = fopen(source, "r");
	if (file == NULL)
	{
		perror(source);
		exit(1);
	}
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	test_file_write(path, text, 0600);
}

static KeyRing *
ring_load(const char *rsa_file)
{
	static const char *const names[] = {"encryption_p256.pem", "encryption_p521.pem",
										"encryption_rsa.pem"};
	char signing[64];
	char paths[3][64];
	char list[256];
	const KeyFiles files = {signing, rsa_file, "", list};
	KeyRing *ring;
	Failure failure;
	int i;

	test_file_write(signing, TEST_KEY_PEM, 0600);
	for (i = 0; i < 3; i++)
		key_copy(names[i], paths[i]);
	snprintf(list, sizeof(list), "%s, %s,%s", paths[0], paths[1], paths[2]);
	if (!key_ring_load(&files, &ring, &failure))
	{
		printf("Bail out! %s\n", failure.text);
		exit(1);
	}
	unlink(signing);
	for (i = 0; i < 3; i++)
		unlink(paths[i]);
	return ring;
}

KeyRing *
test_ring_load(void)
{
	return ring_load("");
}

void
test_rsa_write(unsigned int bits, char path[64])
{
	EVP_PKEY *key = EVP_RSA_gen(bits);
	FILE *file;

	test_file_write(path, "", 0600);
	file = fopen(path, "w");
	if (key == NULL || file == NULL ||
		PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) != 0)
	{
		printf("Bail out! no RSA key\n");
		exit(1);
	}
	EVP_PKEY_free(key);
}

KeyRing *
test_ring_load_rsa(void)
{
	char path[64];
	KeyRing *ring;

	test_rsa_write(2048, path);
	ring = ring_load(path);
	unlink(path);
	return ring;
}
