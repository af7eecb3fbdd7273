/*
 * key_ring_test.c
 *		Which keys go together, what is published of them, and which files are refused.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "test_key.h"

static char ed_file[64];
static char rsa_file[64];

static void
test_good(Tap *tap)
{
	const KeyFiles files = {ed_file, rsa_file, rsa_file, ""};
	unsigned char signature[SIGNING_KEY_SIGNATURE_MAX];
	size_t length = 0;
	KeyRing *ring = NULL;
	Failure failure;
	Buffer text;

	buffer_init(&text, KEY_RING_JWKS_MAX);
	tap_ok(tap, key_ring_load(&files, &ring, &failure), "an RSA key beside the Ed25519 one");
	tap_is(tap, signing_key_kid(key_ring_signing(ring)), TEST_KEY_KID, "which is not the first");
	tap_is(tap, signing_key_alg(key_ring_rsa(ring)), "RS256", "but signs, too");
	tap_ok(tap, key_ring_jwk(ring, 1) != NULL && key_ring_jwk(ring, 2) == NULL,
		   "listed twice, it is one");
	tap_ok(tap, key_ring_jwks(ring, &text), "both are published");
	tap_has(tap, text.data, "\"alg\":\"RS256\"", "for RS256");
	tap_ok(tap, strstr(text.data, "\"use\":\"enc\"") == NULL, "and for signatures only");
	buffer_clear(&text);
	tap_ok(tap, key_ring_jwks_named(ring, "ess", &text), "and by whole names");
	tap_ok(tap, strstr(text.data, "RSA") == NULL && strstr(text.data, "|ed25519") != NULL,
		   "those of Ed25519 only");
	tap_ok(tap,
		   signing_key_sign_any(key_ring_rsa(ring), "x", 1, signature, &length, &failure) &&
			   length == 256,
		   "it signs");
	tap_ok(tap, !signing_key_sign(key_ring_rsa(ring), "x", 1, signature, &failure),
		   "refuses_RSA_where_64_bytes_are_wanted");
	buffer_free(&text);
	key_ring_free(ring);
}

static void
test_refused(Tap *tap, const char *name, const KeyFiles *files, const char *reason)
{
	KeyRing *ring = NULL;
	Failure failure;

	tap_ok(tap, !key_ring_load(files, &ring, &failure) && ring == NULL, "%s", name);
	tap_has(tap, failure.text, reason, "%s: why", name);
	tap_is_int(tap, failure.kind, FAILURE_KEY, "%s: kind", name);
	key_ring_free(ring);
}

int
main(void)
{
	Tap tap = {0, 0};
	char other[64];

	test_file_write(ed_file, TEST_KEY_PEM, 0600);
	test_rsa_write(2048, rsa_file);
	test_rsa_write(1024, other);
	test_good(&tap);
	test_refused(&tap, "rejects_short_RSA_key", &(KeyFiles){ed_file, other, "", ""},
				 "2048 to 4096 bits");
	test_refused(&tap, "rejects_short_other_key", &(KeyFiles){ed_file, "", other, ""},
				 "2048 to 4096 bits");
	test_refused(&tap, "rejects_Ed25519_key_for_RSA", &(KeyFiles){ed_file, ed_file, "", ""},
				 "holds no RSA private key");
	test_refused(&tap, "rejects_RSA_key_for_Ed25519", &(KeyFiles){rsa_file, "", "", ""},
				 "holds no Ed25519 private key");
	test_refused(&tap, "rejects_no_file", &(KeyFiles){ed_file, "/nonexistent", "", ""},
				 "No such file");
	test_refused(&tap, "rejects_key_for_two_purposes", &(KeyFiles){ed_file, rsa_file, "", rsa_file},
				 "a key is for one of both");
	chmod(rsa_file, 0644);
	test_refused(&tap, "rejects_RSA_key_open_to_others", &(KeyFiles){ed_file, rsa_file, "", ""},
				 "is open to others");
	unlink(ed_file);
	unlink(rsa_file);
	unlink(other);
	return tap_done(&tap);
}
