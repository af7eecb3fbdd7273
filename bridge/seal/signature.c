/*
 * signature.c
 *		The signature of a message: made with our key, verified with a registered one. The
 *		algorithm comes from the key. Any doubt is a failure.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/base64.h"
#include "key/key_jwk.h"
#include "message/canonical_json.h"
#include "message/json_span.h"
#include "seal/jws.h"
#include "seal/signature.h"
#include "seal/signature_text.h"
#include "seal/signed_content.h"

#define DIGEST_SIZE 32
#define SIGNED_TEXT_SIZE 256

static bool
library_failed(Failure *failure)
{
	ERR_clear_error();
	failure_set(failure, FAILURE_SYSTEM, "the crypto library refused to work");
	return false;
}

static bool
signature_refuse(Failure *failure, const char *reason)
{
	failure_set(failure, FAILURE_SIGNATURE_INVALID, "%s", reason);
	return false;
}

/* The string that is signed. */
static void
signed_text_build(const char *created, const char *expires, const unsigned char digest[DIGEST_SIZE],
				  char text[SIGNED_TEXT_SIZE])
{
	char encoded[BASE64_SIZE(DIGEST_SIZE)];

	base64_encode(digest, DIGEST_SIZE, encoded);
	snprintf(text, SIGNED_TEXT_SIZE, "(created): %s\n(expires): %s\ndigest: %s", created, expires,
			 encoded);
}

/* Could sender_id break out of its place in kidId? */
static bool
sender_id_is_plain(const char *sender_id)
{
	const unsigned char *c;

	/* ASCII only: the text is signed, and two systems would encode the rest in two ways */
	for (c = (const unsigned char *) sender_id; *c != '\0'; c++)
	{
		if (*c <= ' ' || *c == '"' || *c == '|' || *c == '\\' || *c >= 0x7f)
			return false;
	}
	return c != (const unsigned char *) sender_id;
}

bool
signature_create(const SigningKey *key, const char *sender_id, const Buffer *content,
				 int64_t now_ms, Buffer *text, Failure *failure)
{
	int64_t now = now_ms / 1000;
	char created[24];
	char expires[24];
	unsigned char digest[DIGEST_SIZE];
	char signed_text[SIGNED_TEXT_SIZE];
	unsigned char signature[64];
	char encoded[BASE64_SIZE(64)];

	if (key == NULL || !sender_id_is_plain(sender_id))
	{
		failure_set(failure, FAILURE_KEY,
					key == NULL ? "there is no signing key"
								: "sender_id cannot stand in a signature: use printable ASCII "
								  "without blank, quotation mark, | or backslash");
		return false;
	}
	snprintf(created, sizeof(created), "%lld", (long long) now);
	snprintf(expires, sizeof(expires), "%lld", (long long) now + SIGNATURE_VALID_SECONDS);
	if (EVP_Digest(content->data, content->length, digest, NULL, EVP_sha256(), NULL) != 1)
		return library_failed(failure);
	signed_text_build(created, expires, digest, signed_text);
	if (!signing_key_sign(key, signed_text, strlen(signed_text), signature, failure))
		return false;
	base64_encode(signature, sizeof(signature), encoded);
	if (!buffer_printf(text,
					   "Signature: namespace=\"spdci\", kidId=\"%s|%s|ed25519\", "
					   "algorithm=\"ed25519\", created=\"%s\", expires=\"%s\", "
					   "headers=\"(created) (expires) digest\", signature=\"%s\"",
					   sender_id, signing_key_kid(key), created, expires, encoded))
	{
		failure_set(failure, FAILURE_MEMORY, "no room for the signature");
		return false;
	}
	return true;
}

bool
signature_is_absent(const json_t *envelope)
{
	const json_t *member = json_object_get(envelope, "signature");
	const char *text = json_string_value(member);

	if (member == NULL || json_is_null(member))
		return true;
	return text != NULL && (*text == '\0' || strncasecmp(text, "unsigned", 8) == 0);
}

/*
 * The whole text, or what stands in it where a signature does. A text that only contains one of
 * them is no marker: somebody signed it.
 */
bool
signature_is_marker(const json_t *envelope)
{
	static const char *const markers[] = {"mock-signature", "NO_SIG_CHECK",
										  "signature_validation_disabled",
										  "Signature not implemented", "Base64(signing content)"};
	const char *text = json_string_value(json_object_get(envelope, "signature"));
	const char *inner = text != NULL ? strstr(text, " signature=\"") : NULL;
	size_t length = inner != NULL ? strcspn(inner + 12, "\"") : 0;

	for (size_t i = 0; text != NULL && i < sizeof(markers) / sizeof(markers[0]); i++)
	{
		if (strcasecmp(text, markers[i]) == 0 ||
			(length == strlen(markers[i]) && strncmp(inner + 12, markers[i], length) == 0))
			return true;
	}
	return false;
}

static bool
times_check(const SignatureText *parsed, int64_t now_ms, Failure *failure)
{
	int64_t now = now_ms / 1000;

	/* The clock of the sender may be ahead by so much; expires is the sender's own promise. */
	if (parsed->created_seconds > now + SIGNATURE_SKEW_SECONDS)
		return signature_refuse(failure, "signature: created lies in the future; check the clock");
	if (parsed->expires_seconds <= now)
		return signature_refuse(failure,
								"signature: it has expired; sign anew before each sending");
	if (parsed->expires_seconds <= parsed->created_seconds ||
		parsed->expires_seconds - parsed->created_seconds > SIGNATURE_MAX_SECONDS)
		return signature_refuse(failure,
								"signature: expires must be after created, at most 600 seconds");
	return true;
}

/* The JWK registered under kid, or NULL. */
static const json_t *
key_find(const json_t *keys, const char *kid)
{
	size_t i;

	for (i = 0; i < json_array_size(keys); i++)
	{
		const json_t *entry = json_array_get(keys, i);
		const char *have = json_string_value(json_object_get(entry, "kid"));

		if (have != NULL && strcmp(have, kid) == 0)
			return json_object_get(entry, "jwk");
	}
	return NULL;
}

static bool
jwk_member_is(const json_t *jwk, const char *member, const char *wanted)
{
	const char *value = json_string_value(json_object_get(jwk, member));

	return value != NULL && strcmp(value, wanted) == 0;
}

/* A registered key as a key of the crypto library; only Ed25519 so far. */
static EVP_PKEY *
jwk_load(const json_t *jwk, Failure *failure)
{
	EVP_PKEY *key;

	if (!jwk_member_is(jwk, "kty", "OKP") || !jwk_member_is(jwk, "crv", "Ed25519") ||
		(json_object_get(jwk, "use") != NULL && !jwk_member_is(jwk, "use", "sig")) ||
		(json_object_get(jwk, "alg") != NULL && !jwk_member_is(jwk, "alg", "EdDSA") &&
		 !jwk_member_is(jwk, "alg", "Ed25519")))
	{
		signature_refuse(failure, "signature: the registered key is no Ed25519 signing key; "
								  "only these are supported");
		return NULL;
	}
	key = key_jwk_read_signer(jwk, failure);
	if (key == NULL)
		signature_refuse(failure, "signature: the registered key is damaged");
	return key;
}

/* Does the signature hold for content of this digest? A failure is set when the library fails. */
static bool
digest_verify(EVP_PKEY *key, const SignatureText *parsed, const unsigned char signature[64],
			  const unsigned char digest[DIGEST_SIZE], Failure *failure)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	char text[SIGNED_TEXT_SIZE];
	bool ok = false;

	signed_text_build(parsed->created, parsed->expires, digest, text);
	if (context == NULL || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) != 1)
		library_failed(failure);
	else
		ok = EVP_DigestVerify(context, signature, 64, (const unsigned char *) text, strlen(text)) ==
			 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return ok;
}

/* Of {"header":...,"message":...} in the sender's own bytes, which are not copied for it. */
static bool
raw_digest(const char *body, size_t length, unsigned char digest[DIGEST_SIZE])
{
	static const char *const names[] = {"header", "message"};
	JsonSpan spans[2];
	EVP_MD_CTX *context;
	bool ok;

	if (!json_span_find(body, length, names, 2, spans))
		return false;
	context = EVP_MD_CTX_new();
	ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		 EVP_DigestUpdate(context, "{\"header\":", 10) == 1 &&
		 EVP_DigestUpdate(context, spans[0].start, spans[0].length) == 1 &&
		 EVP_DigestUpdate(context, ",\"message\":", 11) == 1 &&
		 EVP_DigestUpdate(context, spans[1].start, spans[1].length) == 1 &&
		 EVP_DigestUpdate(context, "}", 1) == 1 && EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	return ok;
}

/* Of the same as write writes it, which is left in content. */
static bool
written_digest(const json_t *envelope, SignedContentWriter write, Buffer *content,
			   unsigned char digest[DIGEST_SIZE])
{
	return signed_content_write(envelope, write, content) &&
		   EVP_Digest(content->data, content->length, digest, NULL, EVP_sha256(), NULL) == 1;
}

/*
 * First over what was received. Only a signature that does not fit that costs the written forms, of
 * which the one that is signed is left in canonical when the body could be read as another message.
 */
static bool
any_verify(EVP_PKEY *key, const SignatureText *parsed, const json_t *envelope, const char *body,
		   size_t length, Buffer *canonical, bool *is_python, Failure *failure)
{
	unsigned char signature[64];
	unsigned char digest[DIGEST_SIZE];

	if (!base64_decode(parsed->signature, strlen(parsed->signature), signature, 64))
		return signature_refuse(failure, "signature: signature=\"...\" is no base64 of 64 bytes");
	failure_set(failure, FAILURE_SIGNATURE_INVALID,
				"signature: it does not fit header and message as received, nor their RFC 8785 "
				"form; the key may be another one, or the message was changed on its way");
	if (raw_digest(body, length, digest) && digest_verify(key, parsed, signature, digest, failure))
		return true;
	if (written_digest(envelope, canonical_json, canonical, digest) &&
		digest_verify(key, parsed, signature, digest, failure))
	{
		if (!canonical_json_has_numbers(body, length))
			return signed_content_finish(envelope, canonical, failure);
		buffer_free(canonical);
		return true;
	}
	*is_python = written_digest(envelope, canonical_json_python, canonical, digest) &&
				 digest_verify(key, parsed, signature, digest, failure);
	return *is_python && signed_content_finish(envelope, canonical, failure);
}

/* What can be said without the key. */
static bool
signature_read(const json_t *envelope, int64_t now_ms, SignatureText *parsed, Failure *failure)
{
	const json_t *member = json_object_get(envelope, "signature");
	const char *sender_id =
		json_string_value(json_object_get(json_object_get(envelope, "header"), "sender_id"));

	if (signature_is_absent(envelope))
	{
		failure_set(failure, FAILURE_SIGNATURE_MISSING,
					"the message is not signed; put the signature text into \"signature\"");
		return false;
	}
	if (!json_is_string(member))
		return signature_refuse(failure, "signature must be a string");
	if (!signature_text_parse(json_string_value(member), parsed, failure) ||
		!times_check(parsed, now_ms, failure))
		return false;
	/* kidId is not signed: without this a key of one partner could sign for another's message */
	if (sender_id == NULL || strcmp(sender_id, parsed->sender_id) != 0)
		return signature_refuse(failure, "signature: kidId and header.sender_id differ");
	return true;
}

static bool
registered_verify(const json_t *envelope, const char *body, size_t length, const json_t *keys,
				  const SignatureText *parsed, Buffer *canonical, bool *is_python, Failure *failure)
{
	const json_t *jwk = key_find(keys, parsed->kid);
	EVP_PKEY *key;
	bool ok;

	if (jwk == NULL)
		return signature_refuse(failure,
								"signature: the key in kidId is not registered here, or not now");
	key = jwk_load(jwk, failure);
	if (key == NULL)
		return false;
	ok = any_verify(key, parsed, envelope, body, length, canonical, is_python, failure);
	EVP_PKEY_free(key);
	return ok;
}

/* The standard's own text. */
static bool
text_verify(const json_t *envelope, const char *body, size_t length, const json_t *keys,
			int64_t now_ms, char kid[SIGNATURE_KID_SIZE], Buffer *content, bool *is_python,
			Failure *failure)
{
	SignatureText parsed;

	if (!signature_read(envelope, now_ms, &parsed, failure) ||
		!registered_verify(envelope, body, length, keys, &parsed, content, is_python, failure))
		return false;
	memcpy(kid, parsed.kid, sizeof(parsed.kid));
	return true;
}

bool
signature_verify(const json_t *envelope, const char *body, size_t length, const json_t *keys,
				 int64_t now_ms, char kid[SIGNATURE_KID_SIZE], Buffer *canonical, bool *is_python,
				 Failure *failure)
{
	Buffer content;
	bool is_of_python = false;

	kid[0] = '\0';
	/* escapes and exponents can make it larger than the body, but never six times */
	buffer_init(&content, 6 * length + 64);
	if (canonical != NULL)
		buffer_init(canonical, 0);
	if (!(jws_is_one(envelope)
			  ? jws_verify(envelope, body, length, keys, now_ms, kid, &content, failure)
			  : text_verify(envelope, body, length, keys, now_ms, kid, &content, &is_of_python,
							failure)))
	{
		kid[0] = '\0';
		buffer_free(&content);
		return false;
	}
	if (canonical != NULL)
		*canonical = content;
	else
		buffer_free(&content);
	if (is_python != NULL)
		*is_python = is_of_python;
	failure_clear(failure);
	return true;
}

const char *
signature_error_code(const Failure *failure)
{
	if (failure->kind == FAILURE_SIGNATURE_MISSING)
		return "err.signature.missing";
	if (failure->kind == FAILURE_SIGNATURE_INVALID)
		return "err.signature.invalid";
	return "err.service.unavailable";
}
