/*
 * signing_key_test.c
 *		The key file: what is accepted, the vectors of RFC 8032 and 8037, base64.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "key/signing_key.h"
#include "tap.h"
#include "test_key.h"

/* A P-256 key; made by openssl for this test. */
#define P256_KEY_PEM                                                                               \
	"-----BEGIN PRIVATE KEY-----\n"                                                                \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcB+hFou952JQZiTF\n"                           \
	"Pd8X5dJAlIsRgGKO2l7/l0O6MXOhRANCAAQ7gnoSQj23+6lNAyn6GdBnD5N0sm+B\n"                           \
	"w7x0oi7eUnuWH5NBVssePbhY4FTBppfeIBm1faqJKh8J0KzZUMDtHwIk\n"                                   \
	"-----END PRIVATE KEY-----\n"

static const struct
{
	const char *name;
	const char *text;
	unsigned int mode;
	const char *reason; /* NULL: accepted */
} files[] = {
	{"owner may read", TEST_KEY_PEM, 0600, NULL},
	{"read-only", TEST_KEY_PEM, 0400, NULL},
	{"rejects_world_readable", TEST_KEY_PEM, 0604, "run: chmod 06"},
	{"rejects_group_writable", TEST_KEY_PEM, 0620, "run: chmod 06"},
	{"rejects_empty", "", 0600, "openssl genpkey -algorithm ed25519"},
	{"rejects_text", "hello\n", 0600, "no Ed25519 private key"},
	{"rejects_other_algorithm", P256_KEY_PEM, 0600, "no Ed25519 private key"},
	{"rejects_cut_key",
	 "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n", 0600,
	 "no Ed25519 private key"},
};

static void
test_files(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		Failure failure;
		SigningKey *key;
		char path[64];
		bool ok;

		test_file_write(path, files[i].text, files[i].mode);
		ok = signing_key_load(path, &key, &failure);
		unlink(path);
		tap_ok(tap, ok == (files[i].reason == NULL), "%s", files[i].name);
		if (files[i].reason != NULL)
			tap_has(tap, failure.text, files[i].reason, "%s: says what to do", files[i].name);
		tap_ok(tap, ok || failure.kind == FAILURE_KEY, "%s: kind", files[i].name);
		signing_key_free(key);
	}
}

/* Root's file may be read by a group, anybody else's by its owner only. */
static void
test_owners(Tap *tap)
{
	Failure failure;
	SigningKey *key;
	char path[64];

	test_file_write(path, TEST_KEY_PEM, 0640);
	tap_ok(tap, signing_key_load(path, &key, &failure) == (geteuid() == 0),
		   "a group may read the file only when root owns it");
	signing_key_free(key);
	if (geteuid() == 0 && chown(path, 65534, 65534) != 0)
		perror("chown");
	tap_ok(tap, !signing_key_load(path, &key, &failure), "rejects_group_readable");
	tap_has(tap, failure.text, "run: chmod 0600", "and says what to do");
	chmod(path, 0600);
	tap_ok(tap, signing_key_load(path, &key, &failure), "accepts it when only its owner may read");
	signing_key_free(key);
	unlink(path);
}

static void
test_vectors(Tap *tap)
{
	/* RFC 8032, 7.1, test 1: the empty message. */
	static const char expected[] =
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
		"1cf9b46bd25bf5f0595bbe24655141438e7a100b";
	SigningKey *key = test_key_load();
	unsigned char signature[64];
	char text[129];
	Failure failure;
	int i;

	tap_is(tap, signing_key_kid(key), TEST_KEY_KID, "thumbprint of RFC 8037, A.3");
	tap_is(tap, signing_key_jwk(key),
		   "{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"kid\":\"" TEST_KEY_KID
		   "\",\"kty\":\"OKP\",\"use\":\"sig\",\"x\":\"" TEST_KEY_X "\"}",
		   "public JWK, without the private part");
	tap_ok(tap, signing_key_sign(key, "", 0, signature, &failure), "signs");
	for (i = 0; i < 64; i++)
		snprintf(text + 2 * i, 3, "%02x", signature[i]);
	tap_is(tap, text, expected, "signature of RFC 8032, test 1");
	signing_key_free(key);
}

static void
test_base64(Tap *tap)
{
	/* RFC 4648, section 10. */
	static const char *const vectors[][2] = {{"", ""},
											 {"f", "Zg=="},
											 {"fo", "Zm8="},
											 {"foo", "Zm9v"},
											 {"foob", "Zm9vYg=="},
											 {"fooba", "Zm9vYmE="},
											 {"foobar", "Zm9vYmFy"}};
	unsigned char bytes[16];
	char text[32];
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		size_t length = strlen(vectors[i][0]);

		base64_encode(vectors[i][0], length, text);
		tap_is(tap, text, vectors[i][1], "base64 of \"%s\"", vectors[i][0]);
		tap_ok(tap,
			   base64_decode(text, strlen(text), bytes, length) &&
				   memcmp(bytes, vectors[i][0], length) == 0,
			   "and back");
	}
	base64url_encode("\xfb\xff", 2, text);
	tap_is(tap, text, "-_8", "URL-safe, no padding");
	tap_ok(tap, base64_decode("-_8", 3, bytes, 2) && base64_decode("+/8=", 4, bytes, 2),
		   "either alphabet is read");
	tap_ok(tap, !base64_decode("-_9", 3, bytes, 2), "rejects_bits_left_over");
	tap_ok(tap, !base64_decode("-_8=", 4, bytes, 3), "rejects_other_length");
	tap_ok(tap, !base64_decode("-_8a", 4, bytes, 2), "rejects_wrong_padding");
	tap_ok(tap, !base64_decode("-_ ", 3, bytes, 2), "rejects_blank");
}

int
main(void)
{
	Tap tap = {0, 0};
	Failure failure;
	SigningKey *key;

	test_files(&tap);
	test_owners(&tap);
	tap_ok(&tap, !signing_key_load("/nonexistent/key.pem", &key, &failure), "rejects_no_file");
	tap_has(&tap, failure.text, "No such file", "and says why");
	tap_ok(&tap, !signing_key_load("/dev/null", &key, &failure), "rejects_device");
	signing_key_free(NULL);
	test_vectors(&tap);
	test_base64(&tap);
	return tap_done(&tap);
}
