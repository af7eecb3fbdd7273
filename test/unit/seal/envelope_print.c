/*
 * envelope_print.c
 *		Prints our public key and some signed messages, one a line; for recipe_test.py, which
 *		verifies them with nothing but the recipe of doc/signing-and-encryption.md.
 */
#include <stdio.h>

#include "seal/envelope.h"
#include "test_key.h"

/* What JSON writers disagree about: order, escapes, non-ASCII text, decimals. */
static const char *const messages[] = {
	"{\"transaction_id\":\"t\",\"notify_event\":[]}",
	"{\"zeta\":1,\"alpha\":{\"b\":[true,false,null],\"a\":\"\"},\"Alpha\":0,\"_\":-1}",
	"{\"name\":\"Zo\\u00eb \\u540d\\u524d \\ud83d\\ude00 \\u0301\",\"quote\":\"\\\"\\\\\\/\"}",
	"{\"control\":\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\u0080\\u2028\\u2029\"}",
	"{\"pr\\u00e9nom\":\"x\",\"prenom\":\"y\",\"\\u540d\":\"z\",\"\":\"w\"}",
	"{\"n\":[0,-0.0,1.0,1.50,0.1,0.0001,123456789.125,1e3,9007199254740991,-9007199254740991]}",
};

int
main(void)
{
	KeyRing *keys = test_ring_load();
	EnvelopeFields fields = {"0b8f3a2e-7f3e-4c55-9a3c-2f0c9e1d4b6a",
							 "notify",
							 "ess.example.org",
							 "sp.example.org",
							 NULL,
							 "succ",
							 1,
							 1,
							 NULL,
							 "{\"stream\":\"s\",\"items\":[{\"seq\":1}]}",
							 NULL,
							 NULL,
							 NULL,
							 NULL};
	size_t i;

	printf("%s\n", key_ring_jwk(keys, 0));
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
	{
		Failure failure;
		Buffer body;

		buffer_init(&body, 100000);
		fields.message = messages[i];
		if (!envelope_build(&fields, INT64_C(1795309323456), keys, &body, &failure))
		{
			fprintf(stderr, "%s\n", failure.text);
			return 1;
		}
		printf("%s\n", body.data);
		buffer_free(&body);
	}
	key_ring_free(keys);
	return 0;
}
