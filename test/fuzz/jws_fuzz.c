/*
 * jws_fuzz.c
 *		The text of a signature that claims to be a JWS: of this message by this key only those pass
 *		that we make ourselves, letter for letter.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "seal/jws_make.h"
#include "seal/signature.h"
#include "test_key.h"

#define NOW INT64_C(1795309323000)
/* in the form of RFC 8785, so that what is detached has one form only */
#define CONTENT                                                                                    \
	"{\"header\":{\"message_id\":\"m\",\"message_ts\":\"2026-11-22T01:02:00Z\","                   \
	"\"sender_id\":\"ess.example.org\"},\"message\":{\"a\":1,\"b\":\"\xc3\xa9\"}}"

static const char keys_text[] =
	"[{\"kid\":\"" TEST_KEY_KID
	"\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" TEST_KEY_X "\"}}]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ed25519 has only one signature of a text, and nobody else has the key. */
static bool
text_is_ours(const char *text)
{
	static SigningKey *key;
	bool is_ours = false;
	Buffer content;
	Failure failure;

	if (key == NULL)
		key = test_key_load();
	buffer_init(&content, 1000);
	if (!buffer_append_text(&content, CONTENT))
		abort();
	for (int i = 0; i < 4; i++)
	{
		const JwsForm form = {(i & 1) != 0, (i & 2) != 0};
		Buffer ours;

		buffer_init(&ours, JWS_ROOM(content.length));
		if (!jws_create(key, &form, &content, &ours, &failure))
			abort();
		is_ours = is_ours || strcmp(ours.data, text) == 0;
		buffer_free(&ours);
	}
	buffer_free(&content);
	return is_ours;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *keys = json_loads(keys_text, 0, NULL);
	json_t *envelope = json_loads(CONTENT, 0, NULL);
	json_t *text = json_stringn((const char *) data, size);
	char kid[SIGNATURE_KID_SIZE];
	Failure failure;

	/* a text that JSON cannot carry does not get this far */
	if (text != NULL && strlen(json_string_value(text)) == size)
	{
		bool passes;

		json_object_set(envelope, "signature", text);
		passes = signature_verify(envelope, CONTENT, sizeof(CONTENT) - 1, keys, NOW, kid, NULL,
								  NULL, &failure);
		if (passes != text_is_ours(json_string_value(text)))
			abort();
	}
	json_decref(text);
	json_decref(envelope);
	json_decref(keys);
	return 0;
}
