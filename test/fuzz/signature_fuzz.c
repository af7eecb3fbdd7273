/*
 * signature_fuzz.c
 *		The text of a signature, taken apart and verified: only the one signature of this message
 *		by this key ever passes, however the text around it is written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "seal/signature.h"
#include "seal/signature_text.h"
#include "test_key.h"

#define NOW INT64_C(1795309323000)
#define MEMBERS                                                                                    \
	"\"header\":{\"message_id\":\"m\",\"sender_id\":\"ess.example.org\"},\"message\":{\"a\":1}"

static const char keys_text[] =
	"[{\"kid\":\"" TEST_KEY_KID
	"\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" TEST_KEY_X "\"}}]";
static const char body[] = "{" MEMBERS "}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The signature that this text claims must be ours: Ed25519 has only one for created and
 * expires.
 */
static void
text_is_ours(const char *text)
{
	static SigningKey *key;
	SignatureText claimed;
	SignatureText made;
	unsigned char bytes[2][64];
	Buffer content;
	Buffer ours;
	Failure failure;

	if (key == NULL)
		key = test_key_load();
	buffer_init(&content, 1000);
	buffer_init(&ours, 2000);
	if (!signature_text_parse(text, &claimed, &failure) || !buffer_append_text(&content, body) ||
		!signature_create(key, "ess.example.org", &content, claimed.created_seconds * 1000, &ours,
						  &failure) ||
		!signature_text_parse(ours.data, &made, &failure) ||
		strcmp(claimed.kid, TEST_KEY_KID) != 0 ||
		!base64_decode(claimed.signature, strlen(claimed.signature), bytes[0], 64) ||
		!base64_decode(made.signature, strlen(made.signature), bytes[1], 64))
		abort();
	if (claimed.expires_seconds == made.expires_seconds &&
		strcmp(claimed.created, made.created) == 0 && strcmp(claimed.expires, made.expires) == 0 &&
		memcmp(bytes[0], bytes[1], 64) != 0)
		abort();
	buffer_free(&ours);
	buffer_free(&content);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *keys = json_loads(keys_text, 0, NULL);
	json_t *envelope = json_loads(body, 0, NULL);
	json_t *text = json_stringn((const char *) data, size);
	char kid[SIGNATURE_KID_SIZE];
	Failure failure;

	/* a text that JSON cannot carry does not get this far */
	if (text != NULL && strlen(json_string_value(text)) == size)
	{
		json_object_set(envelope, "signature", text);
		if (signature_verify(envelope, body, sizeof(body) - 1, keys, NOW, kid, NULL, NULL,
							 &failure))
			text_is_ours(json_string_value(text));
	}
	json_decref(text);
	json_decref(envelope);
	json_decref(keys);
	return 0;
}
