/*
 * signing_key.c
 *		Our Ed25519 private key. The file's permissions are part of the check: a key that others
 *		can read is no identity.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base64.h"
#include "signing_key.h"

#define THUMBPRINT_SIZE 44

struct SigningKey
{
	EVP_PKEY *key;
	char kid[THUMBPRINT_SIZE];
	char jwk[256];
};

/*
 * Owner only; as PostgreSQL has it for its own keys, root may own the file and let a group read
 * it. Root itself may use anybody's file.
 */
static bool
file_is_private(int fd, const char *path, Failure *failure)
{
	struct stat status;
	mode_t forbidden;

	if (fstat(fd, &status) != 0)
	{
		failure_set(failure, FAILURE_KEY, "could not look at key file \"%s\": %s", path,
					strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode))
	{
		failure_set(failure, FAILURE_KEY, "key file \"%s\" is not a regular file", path);
		return false;
	}
	if (status.st_uid != geteuid() && status.st_uid != 0 && geteuid() != 0)
	{
		failure_set(failure, FAILURE_KEY,
					"key file \"%s\" belongs to another user; it must belong to the user who runs "
					"the bridge, or to root",
					path);
		return false;
	}
	forbidden = status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	if ((status.st_mode & forbidden) != 0)
	{
		failure_set(failure, FAILURE_KEY,
					"key file \"%s\" is open to others (mode %04o); run: chmod %s %s", path,
					(unsigned int) status.st_mode & 07777, status.st_uid == 0 ? "0640" : "0600",
					path);
		return false;
	}
	return true;
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

static EVP_PKEY *
pem_read(const char *path, Failure *failure)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	EVP_PKEY *key = NULL;
	FILE *file;

	if (fd < 0)
	{
		failure_set(failure, FAILURE_KEY, "could not open key file \"%s\": %s", path,
					strerror(errno));
		return NULL;
	}
	if (!file_is_private(fd, path, failure) || (file = fdopen(fd, "r")) == NULL)
	{
		close(fd);
		return NULL;
	}
	key = PEM_read_PrivateKey(file, NULL, passphrase_refuse, NULL);
	fclose(file);
	ERR_clear_error();
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
	{
		failure_set(failure, FAILURE_KEY,
					"key file \"%s\" holds no Ed25519 private key without passphrase; make one "
					"with: openssl genpkey -algorithm ed25519 -out FILE",
					path);
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

/* RFC 7638: SHA-256 over the required members, sorted, without blanks. Names of RFC 8037. */
static bool
key_describe(SigningKey *key, Failure *failure)
{
	unsigned char point[32];
	unsigned char digest[32];
	char x[BASE64_SIZE(32)];
	char required[128];
	size_t length = sizeof(point);

	if (EVP_PKEY_get_raw_public_key(key->key, point, &length) != 1 || length != sizeof(point))
		goto failed;
	base64url_encode(point, sizeof(point), x);
	snprintf(required, sizeof(required), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	if (EVP_Digest(required, strlen(required), digest, NULL, EVP_sha256(), NULL) != 1)
		goto failed;
	base64url_encode(digest, sizeof(digest), key->kid);

	/* Both values are base64url: nothing in them can need an escape. */
	snprintf(key->jwk, sizeof(key->jwk),
			 "{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"kty\":\"OKP\","
			 "\"use\":\"sig\",\"x\":\"%s\"}",
			 key->kid, x);
	return true;

failed:
	ERR_clear_error();
	failure_set(failure, FAILURE_KEY, "the crypto library could not describe the signing key");
	return false;
}

bool
signing_key_load(const char *path, SigningKey **key, Failure *failure)
{
	SigningKey *loaded = calloc(1, sizeof(*loaded));

	*key = NULL;
	if (loaded == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	failure_set(failure, FAILURE_KEY, "could not read key file \"%s\"", path);
	loaded->key = pem_read(path, failure);
	if (loaded->key == NULL || !key_describe(loaded, failure))
	{
		signing_key_free(loaded);
		return false;
	}
	failure_clear(failure);
	*key = loaded;
	return true;
}

void
signing_key_free(SigningKey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

const char *
signing_key_kid(const SigningKey *key)
{
	return key->kid;
}

const char *
signing_key_jwk(const SigningKey *key)
{
	return key->jwk;
}

bool
signing_key_sign(const SigningKey *key, const void *bytes, size_t length,
				 unsigned char signature[64], Failure *failure)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t signature_length = 64;
	bool ok = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
			  EVP_DigestSign(context, signature, &signature_length, bytes, length) == 1 &&
			  signature_length == 64;

	EVP_MD_CTX_free(context);
	if (!ok)
	{
		ERR_clear_error();
		failure_set(failure, FAILURE_KEY, "the crypto library could not sign");
	}
	return ok;
}
