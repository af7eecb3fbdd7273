/*
 * jws.c
 *		Signatures in the form of RFC 7515. Their header is a claim: which key counts, the registry
 *		of keys says, and which algorithm, the key. Any doubt is a failure.
 */
#include "seal/jws.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/iso_time.h"
#include "message/canonical_json.h"
#include "message/message_parse.h"
#include "seal/jws_check.h"
#include "seal/signature.h"
#include "seal/signed_content.h"

#define HEADER_MAX 2048		 /* characters */
#define SIGNATURE_BYTES 1024 /* RSA of 8192 bits */

typedef struct Jws
{
	const char *text; /* the protected header begins here */
	size_t header_length;
	const char *payload; /* behind the first dot; empty when detached */
	size_t payload_length;
	unsigned char signature[SIGNATURE_BYTES];
	size_t signature_length;
	char alg[16];
	char kid[JWS_KID_SIZE]; /* "" when it names none */
} Jws;

static bool
jws_refuse(Failure *failure, const char *reason)
{
	failure_set(failure, FAILURE_SIGNATURE_INVALID, "signature: as a JWS, %s", reason);
	return false;
}

/* No other text of a signature begins with base64url of {" or has no quotation mark. */
bool
jws_is_one(const json_t *envelope)
{
	const char *text = json_string_value(json_object_get(envelope, "signature"));
	const char *dot = text != NULL && strncmp(text, "ey", 2) == 0 ? strchr(text, '.') : NULL;

	return dot != NULL && strchr(dot + 1, '.') != NULL && strchr(text, '"') == NULL;
}

/* Base64url without padding, of at most size bytes. */
static bool
part_decode(const char *text, size_t length, unsigned char *bytes, size_t size, size_t *decoded)
{
	*decoded = length * 3 / 4;
	return length > 0 && length % 4 != 1 && *decoded <= size && memchr(text, '=', length) == NULL &&
		   memchr(text, '+', length) == NULL && memchr(text, '/', length) == NULL &&
		   base64_decode(text, length, bytes, *decoded);
}

static bool
text_take(const json_t *header, const char *name, char *field, size_t size)
{
	const json_t *member = json_object_get(header, name);

	field[0] = '\0';
	if (member == NULL)
		return true;
	if (!json_is_string(member) || json_string_length(member) == 0 ||
		json_string_length(member) >= size)
		return false;
	strcpy(field, json_string_value(member));
	return true;
}

static bool
header_read(Jws *jws, Failure *failure)
{
	unsigned char bytes[HEADER_MAX];
	MessageProblem problem;
	size_t decoded;
	json_t *header = NULL;
	bool ok = false;

	if (jws->header_length > HEADER_MAX ||
		!part_decode(jws->text, jws->header_length, bytes, sizeof(bytes), &decoded) ||
		!message_parse((const char *) bytes, decoded, &header, &problem))
		jws_refuse(failure, "its header is no JSON object in base64url, or too long");
	else if (json_object_get(header, "crit") != NULL || json_object_get(header, "b64") != NULL)
		/* crit names what must be understood to trust it; we understand none of it */
		jws_refuse(failure, "it has the header member crit or b64, which is not supported");
	else if (!text_take(header, "alg", jws->alg, sizeof(jws->alg)) || jws->alg[0] == '\0' ||
			 !text_take(header, "kid", jws->kid, sizeof(jws->kid)))
		jws_refuse(failure, "alg is missing, or alg or kid is no text, empty or too long");
	else
		ok = true;
	json_decref(header);
	return ok;
}

static bool
jws_read(const char *text, Jws *jws, Failure *failure)
{
	const char *dot = strchr(text, '.');
	const char *end = strchr(dot + 1, '.');

	jws->text = text;
	jws->header_length = (size_t) (dot - text);
	jws->payload = dot + 1;
	jws->payload_length = (size_t) (end - dot - 1);
	if (!part_decode(end + 1, strlen(end + 1), jws->signature, sizeof(jws->signature),
					 &jws->signature_length))
		return jws_refuse(failure, "the part behind its last dot is no signature in base64url");
	return header_read(jws, failure);
}

/* It has no times of its own: that of the message, which is signed, says how old it is. */
static bool
time_check(const json_t *envelope, int64_t now_ms, Failure *failure)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(envelope, "header"), "message_ts"));
	int64_t made;

	if (text == NULL || !iso_time_parse(text, &made))
		return jws_refuse(failure, "it says no time itself, so header.message_ts must be a time "
								   "with a zone");
	if (made > now_ms + SIGNATURE_SKEW_SECONDS * 1000)
		return jws_refuse(failure, "header.message_ts lies in the future; check the clock");
	if (made <= now_ms - SIGNATURE_MAX_SECONDS * 1000)
		return jws_refuse(failure, "header.message_ts is more than 600 seconds ago; make the "
								   "message anew before each sending");
	return true;
}

/* The registered key: of that kid, or, when the signature names none, the only one. */
static const json_t *
key_choose(const Jws *jws, const json_t *keys, char kid[JWS_KID_SIZE], Failure *failure)
{
	const json_t *jwk = NULL;

	for (size_t i = 0; i < json_array_size(keys); i++)
	{
		const json_t *entry = json_array_get(keys, i);
		const char *have = json_string_value(json_object_get(entry, "kid"));

		if (have == NULL || strlen(have) >= JWS_KID_SIZE ||
			(jws->kid[0] == '\0' ? json_array_size(keys) != 1 : strcmp(have, jws->kid) != 0))
			continue;
		strcpy(kid, have);
		jwk = json_object_get(entry, "jwk");
		break;
	}
	if (jwk == NULL)
		jws_refuse(failure, jws->kid[0] == '\0'
								? "it has no kid, which goes only while one key is registered here"
								: "the key that kid names is not registered here, or not now");
	else if (!jws_alg_fits(jws->alg, jwk))
	{
		jws_refuse(failure, "alg does not fit the registered key: EdDSA of an Ed25519 key, "
							"RS256 of an RSA key");
		jwk = NULL;
	}
	return jwk;
}

/* Are header, dot, content in base64url what the key signed? */
static bool
detached_holds(const Jws *jws, const json_t *jwk, const Buffer *content)
{
	size_t head = jws->header_length + 1;
	char *text = malloc(head + BASE64_SIZE(content->length));
	bool ok;

	if (text == NULL)
		return false;
	memcpy(text, jws->text, head);
	base64url_encode(content->data, content->length, text + head);
	ok = jws_is_signed_by(jwk, text, strlen(text), jws->signature, jws->signature_length);
	free(text);
	return ok;
}

/* True with content empty, or holding the message when the body's digits may say another one. */
static bool
written_take(const json_t *envelope, const char *body, size_t length, Buffer *content,
			 Failure *failure)
{
	if (!canonical_json_has_numbers(body, length))
		return signed_content_finish(envelope, content, failure);
	buffer_clear(content);
	return true;
}

static bool
detached_verify(const Jws *jws, const json_t *jwk, const json_t *envelope, const char *body,
				size_t length, Buffer *content, Failure *failure)
{
	if (signed_content_raw(body, length, content) && detached_holds(jws, jwk, content))
	{
		buffer_clear(content);
		return true;
	}
	if (signed_content_write(envelope, canonical_json, content) &&
		detached_holds(jws, jwk, content))
		return written_take(envelope, body, length, content, failure);
	return jws_refuse(failure, "detached, it does not fit header and message as received, nor "
							   "their RFC 8785 form");
}

/* Header and message of the payload, in canonical form; nothing else may be in it. */
static bool
payload_write(const Jws *jws, Buffer *written)
{
	size_t decoded = 0;
	unsigned char *bytes = malloc(jws->payload_length + 1);
	MessageProblem problem;
	json_t *payload = NULL;
	bool ok =
		bytes != NULL &&
		part_decode(jws->payload, jws->payload_length, bytes, jws->payload_length, &decoded) &&
		message_parse((const char *) bytes, decoded, &payload, &problem) &&
		json_object_size(payload) == 2 && signed_content_write(payload, canonical_json, written);

	json_decref(payload);
	free(bytes);
	return ok;
}

static bool
compact_verify(const Jws *jws, const json_t *jwk, const json_t *envelope, const char *body,
			   size_t length, Buffer *content, Failure *failure)
{
	size_t signed_length = jws->header_length + 1 + jws->payload_length;
	Buffer written;
	bool ok;

	if (!jws_is_signed_by(jwk, jws->text, signed_length, jws->signature, jws->signature_length))
		return jws_refuse(failure, "it is not what the registered key signed");
	buffer_init(&written, 6 * length + 64);
	ok = payload_write(jws, &written) && signed_content_write(envelope, canonical_json, content) &&
		 content->length == written.length &&
		 memcmp(content->data, written.data, written.length) == 0;
	buffer_free(&written);
	if (!ok)
		return jws_refuse(failure, "its payload is not header and message of this body");
	return written_take(envelope, body, length, content, failure);
}

bool
jws_verify(const json_t *envelope, const char *body, size_t length, const json_t *keys,
		   int64_t now_ms, char kid[JWS_KID_SIZE], Buffer *content, Failure *failure)
{
	Jws jws = {0};
	const json_t *jwk;

	if (!jws_read(json_string_value(json_object_get(envelope, "signature")), &jws, failure) ||
		!time_check(envelope, now_ms, failure))
		return false;
	jwk = key_choose(&jws, keys, kid, failure);
	if (jwk == NULL)
		return false;
	if (jws.payload_length == 0)
		return detached_verify(&jws, jwk, envelope, body, length, content, failure);
	return compact_verify(&jws, jwk, envelope, body, length, content, failure);
}
