/*
 * jws_make_print.c
 *		For jws_make_test.py: our public keys, then of each line {"forms":…, "message":…} the signed
 *		body, or "no: " and why there is none. With "few":true no RSA key signs.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "seal/envelope.h"
#include "test_key.h"

#define NOW INT64_C(1795309323456)

static void
line_build(const json_t *line, const KeyRing *keys)
{
	EnvelopeFields fields = {.message_id = "0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a",
							 .action = "search",
							 .sender_id = "https://ess.example.org",
							 .receiver_id = "registry.example.org",
							 .status = "succ",
							 .total_count = 1,
							 .completed_count = 1,
							 .message = json_string_value(json_object_get(line, "message")),
							 .forms = json_string_value(json_object_get(line, "forms"))};
	Failure failure = {FAILURE_NONE, ""};
	Buffer body;

	buffer_init(&body, 100000);
	if (envelope_build(&fields, NOW, keys, &body, &failure))
		printf("%s\n", body.data);
	else
		printf("no: %s%s\n", failure.text, body.length > 0 ? ", but something was left" : "");
	buffer_free(&body);
}

int
main(void)
{
	KeyRing *keys = test_ring_load_rsa();
	KeyRing *few = test_ring_load();
	char *text = NULL;
	size_t size = 0;

	printf("{\"keys\":[%s,%s]}\n", key_ring_jwk(keys, 0), key_ring_jwk(keys, 1));
	while (getline(&text, &size, stdin) > 0)
	{
		json_t *line = json_loads(text, 0, NULL);

		line_build(line, json_is_true(json_object_get(line, "few")) ? few : keys);
		json_decref(line);
	}
	free(text);
	key_ring_free(few);
	key_ring_free(keys);
	return 0;
}
