/*
 * jws_make.c
 *		What is signed is header, dot and content in base64url: it is written once, and what is
 *		detached is taken out of it again. A content of ours has the members header and message, so
 *		no token that we would take can be made of it.
 */
#include "seal/jws_make.h"

#include <stdlib.h>

#include "base/base64.h"

static bool
base64url_append(const void *bytes, size_t length, Buffer *text)
{
	char *encoded = malloc(BASE64_SIZE(length));
	bool ok = encoded != NULL;

	if (ok)
		base64url_encode(bytes, length, encoded);
	ok = ok && buffer_append_text(text, encoded);
	free(encoded);
	return ok;
}

/* A kid of ours is base64url: nothing in it has to be escaped. */
static bool
header_append(const SigningKey *key, const JwsForm *form, Buffer *text)
{
	Buffer header;
	bool ok;

	buffer_init(&header, 256);
	ok = buffer_printf(&header, "{\"alg\":\"%s\"", signing_key_alg(key)) &&
		 (!form->has_kid || buffer_printf(&header, ",\"kid\":\"%s\"", signing_key_kid(key))) &&
		 buffer_append_char(&header, '}') && base64url_append(header.data, header.length, text);
	buffer_free(&header);
	return ok;
}

bool
jws_create(const SigningKey *key, const JwsForm *form, const Buffer *content, Buffer *text,
		   Failure *failure)
{
	size_t start = text->length;
	size_t payload;
	unsigned char signature[SIGNING_KEY_SIGNATURE_MAX];
	size_t length;

	failure_set(failure, FAILURE_MEMORY, "no room for the signature");
	if (!header_append(key, form, text) || !buffer_append_char(text, '.'))
		goto failed;
	payload = text->length;
	if (!base64url_append(content->data, content->length, text) ||
		!signing_key_sign_any(key, text->data + start, text->length - start, signature, &length,
							  failure))
		goto failed;
	if (!form->is_compact)
		buffer_cut(text, payload);
	if (buffer_append_char(text, '.') && base64url_append(signature, length, text))
	{
		failure_clear(failure);
		return true;
	}

failed:
	buffer_cut(text, start);
	return false;
}
