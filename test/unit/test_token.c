/*
 * test_token.c
 *		Tokens for tests, good and not. Whatever is tested must not be used to make them.
 */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "test_token.h"

json_t *
test_claims_make(const char *changes)
{
	json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", TEST_NODE, "aud", TEST_NODE,
							   "sub", "client-1", "client_id", "client-1", "iat",
							   (json_int_t) TEST_NOW, "exp", (json_int_t) TEST_NOW + 3600);
	json_t *news = json_loads(changes, 0, NULL);
	const char *name;
	json_t *value;

	json_object_foreach(news, name, value)
	{
		if (json_is_null(value))
			json_object_del(claims, name);
		else
			json_object_set(claims, name, value);
	}
	json_decref(news);
	return claims;
}

const char *
test_jwks(const SigningKey *key)
{
	static char text[512];

	snprintf(text, sizeof(text), "{\"keys\":[%s]}", signing_key_jwk(key));
	return text;
}

static void
part_append(Buffer *token, const char *text)
{
	char encoded[8192];

	base64url_encode(text, strlen(text), encoded);
	buffer_append_text(token, encoded);
}

char *
test_token_sign(const SigningKey *key, const char *header, const char *claims)
{
	unsigned char signature[64];
	char encoded[BASE64_SIZE(64)];
	Buffer token;
	Failure failure;

	buffer_init(&token, 20000);
	buffer_append_text(&token, "Bearer ");
	part_append(&token, header);
	buffer_append_char(&token, '.');
	part_append(&token, claims);
	signing_key_sign(key, token.data + 7, token.length - 7, signature, &failure);
	base64url_encode(signature, 64, encoded);
	buffer_append_char(&token, '.');
	buffer_append_text(&token, encoded);
	return buffer_take(&token, NULL);
}

bool
test_token_passes(const BearerVerifier *verifier, const char *authorization, const char *reason)
{
	BearerClaims claims;
	Failure failure = {0};
	bool ok = bearer_verify(verifier, authorization, TEST_NOW * 1000, &claims, &failure);

	if (!ok && (reason == NULL || strstr(failure.text, reason) == NULL))
		printf("# refused: %s\n", failure.text);
	return ok || (reason != NULL &&
				  (strstr(failure.text, reason) == NULL || failure.kind != FAILURE_INPUT));
}
