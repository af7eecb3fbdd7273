/*
 * token_issue.c
 *		A token is a signed statement of ours about a client; it is kept nowhere, and ends early
 *		only because the client behind it is looked up at each request.
 */
#include "token/token_issue.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "token/jwt.h"
#include "base/uuid.h"

static bool
part_append(Buffer *token, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	char *encoded = text != NULL ? malloc(BASE64_SIZE(strlen(text))) : NULL;
	bool ok = false;

	if (encoded != NULL)
	{
		base64url_encode(text, strlen(text), encoded);
		ok = buffer_append_text(token, encoded);
	}
	free(encoded);
	free(text);
	return ok;
}

static json_t *
claims_build(const TokenOrder *order, int64_t now, Failure *failure)
{
	char id[UUID_SIZE];
	json_t *claims;

	if (!uuid_random(id, failure))
		return NULL;
	claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s*}", "iss", order->node, "aud",
					   order->node, "sub", order->client, "client_id", order->client, "iat",
					   (json_int_t) now, "exp", (json_int_t) now + order->lifetime_seconds, "jti",
					   id, "scope", order->scope);
	if (claims == NULL)
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	return claims;
}

static bool
token_sign(const SigningKey *key, Buffer *token, size_t start, Failure *failure)
{
	unsigned char signature[64];
	char encoded[BASE64_SIZE(64)];

	if (!signing_key_sign(key, token->data + start, token->length - start, signature, failure))
		return false;
	base64url_encode(signature, sizeof(signature), encoded);
	return buffer_append_char(token, '.') && buffer_append_text(token, encoded);
}

bool
token_issue(const SigningKey *key, const TokenOrder *order, int64_t now_ms, Buffer *token,
			Failure *failure)
{
	size_t start = token->length;
	json_t *claims = claims_build(order, now_ms / 1000, failure);
	json_t *header =
		json_pack("{s:s, s:s, s:s}", "alg", "EdDSA", "typ", "at+jwt", "kid", signing_key_kid(key));
	bool ok;

	failure_set(failure, FAILURE_MEMORY, "no room for the token");
	ok = header != NULL && claims != NULL && part_append(token, header) &&
		 buffer_append_char(token, '.') && part_append(token, claims) &&
		 token_sign(key, token, start, failure) && token->length - start <= JWT_MAX_LENGTH;
	json_decref(header);
	json_decref(claims);
	if (!ok)
		buffer_cut(token, start);
	return ok;
}
