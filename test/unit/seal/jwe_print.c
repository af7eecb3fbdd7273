/*
 * jwe_print.c
 *		Encrypts and decrypts for encryption_test.py, which does the same with other programs.
 *
 * Without arguments: our JWK set, then one signed and encrypted message for each way of doing it.
 * With "decrypt": one received message object a line on standard input; prints its plain text, or
 * "refused".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seal/envelope.h"
#include "seal/jwe.h"
#include "test_key.h"

#define MESSAGE                                                                                    \
	"{\"transaction_id\":\"t\",\"notify_event\":[{\"name\":\"Zo\\u00eb \\u540d\\u524d "            \
	"\\ud83d\\ude00\",\"n\":[0,1.5,-7]}]}"

static int
fail(const Failure *failure)
{
	fprintf(stderr, "%s\n", failure->text);
	return 1;
}

static int
print_encrypted(const KeyRing *ring, const char *jwk)
{
	EnvelopeFields fields = {.message_id = "0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a",
							 .action = "notify",
							 .sender_id = "ess.example.org",
							 .receiver_id = "sp.example.org",
							 .status = "succ",
							 .total_count = 1,
							 .completed_count = 1,
							 .message = MESSAGE,
							 .meta = "{\"stream\":\"s\",\"items\":[{\"seq\":1}]}",
							 .encrypt = jwk};
	Failure failure;
	Buffer body;

	buffer_init(&body, 100000);
	if (!envelope_build(&fields, INT64_C(1795309323456), ring, &body, &failure))
		return fail(&failure);
	printf("%s\n", body.data);
	buffer_free(&body);
	return 0;
}

static int
print_all(const KeyRing *ring)
{
	json_t *wrapping = json_loads(key_ring_jwk(ring, 1), 0, NULL);
	char *wrapping_text;
	Buffer jwks;
	int status;

	json_object_set_new(wrapping, "alg", json_string("ECDH-ES+A256KW"));
	wrapping_text = json_dumps(wrapping, 0);
	buffer_init(&jwks, KEY_RING_JWKS_MAX);
	(void) key_ring_jwks(ring, &jwks);
	printf("%s\n", jwks.data);
	status = print_encrypted(ring, key_ring_jwk(ring, 1)) || print_encrypted(ring, wrapping_text) ||
			 print_encrypted(ring, key_ring_jwk(ring, 2)) ||
			 print_encrypted(ring, key_ring_jwk(ring, 3));
	buffer_free(&jwks);
	free(wrapping_text);
	json_decref(wrapping);
	return status;
}

static void
print_decrypted(const KeyRing *ring, const char *line)
{
	json_t *message = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	Failure failure;
	Buffer plain;

	buffer_init(&plain, 100000);
	if (jwe_decrypt(message, ring, &plain, &failure))
		printf("%s\n", plain.data);
	else
		printf("refused\n");
	buffer_free(&plain);
	json_decref(message);
}

int
main(int argc, char *argv[])
{
	KeyRing *ring = test_ring_load();
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	if (argc > 1 && strcmp(argv[1], "decrypt") == 0)
		while (getline(&line, &size, stdin) > 0)
			print_decrypted(ring, line);
	else
		status = print_all(ring);
	free(line);
	key_ring_free(ring);
	return status;
}
