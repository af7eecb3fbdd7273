/*
 * jwt.c
 *		Takes tokens apart and lets no key near one whose algorithm was not asked for. Must not know
 *		whom a token speaks for.
 */
#include "token/jwt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "token/jwt_jose.h"

typedef struct AlgorithmRow
{
	const char *name;
	JwtAlgorithm algorithm;
	const char *key_type;
	const char *curve; /* NULL: the kind of key has none */
} AlgorithmRow;

static const AlgorithmRow algorithms[] = {
	{"EdDSA", JWT_EDDSA, "OKP", "Ed25519"}, {"Ed25519", JWT_EDDSA, "OKP", "Ed25519"},
	{"ES256", JWT_ES256, "EC", "P-256"},	{"ES384", JWT_ES384, "EC", "P-384"},
	{"ES512", JWT_ES512, "EC", "P-521"},	{"PS256", JWT_PS256, "RSA", NULL},
	{"PS384", JWT_PS384, "RSA", NULL},		{"PS512", JWT_PS512, "RSA", NULL},
	{"RS256", JWT_RS256, "RSA", NULL},		{"RS384", JWT_RS384, "RSA", NULL},
	{"RS512", JWT_RS512, "RSA", NULL},
};

#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

unsigned int
jwt_algorithm_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < ALGORITHM_COUNT; i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return algorithms[i].algorithm;
	return 0;
}

static bool
jwt_refuse(Failure *failure, const char *text)
{
	failure_set(failure, FAILURE_INPUT, "token: %s", text);
	return false;
}

/*
 * Base64url without padding, and each text of a value but one refused: *bytes is malloc'ed. NULL
 * for anything else.
 */
static unsigned char *
part_decode(const char *text, size_t length, size_t *decoded_length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char *bytes;

	if (length == 0 || length % 4 == 1)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0' || strchr(digits, text[i]) == NULL)
			return NULL;
	*decoded_length = length * 3 / 4;
	bytes = malloc(*decoded_length);
	if (bytes != NULL && !base64_decode(text, length, bytes, *decoded_length))
	{
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* A member twice: two readers would not see the same token. */
static json_t *
object_decode(const char *text, size_t length)
{
	size_t decoded_length = 0;
	unsigned char *bytes = part_decode(text, length, &decoded_length);
	json_t *value = NULL;

	if (bytes != NULL)
		value = json_loadb((const char *) bytes, decoded_length, JSON_REJECT_DUPLICATES, NULL);
	free(bytes);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

static bool
signature_decode(Jwt *jwt, const char *text, size_t length)
{
	unsigned char *bytes = part_decode(text, length, &jwt->signature_length);
	bool fits = bytes != NULL && jwt->signature_length <= sizeof(jwt->signature);

	if (fits)
		memcpy(jwt->signature, bytes, jwt->signature_length);
	free(bytes);
	return fits;
}

static bool
header_check(Jwt *jwt, unsigned int allowed, Failure *failure)
{
	const json_t *kid = json_object_get(jwt->header, "kid");

	jwt->algorithm =
		(JwtAlgorithm) jwt_algorithm_find(json_string_value(json_object_get(jwt->header, "alg")));
	if (jwt->algorithm == 0 || (jwt->algorithm & allowed) == 0)
		return jwt_refuse(failure, "its algorithm is not accepted");
	if (json_object_get(jwt->header, "crit") != NULL)
		return jwt_refuse(failure, "it has a crit header, which is not supported");
	if (kid != NULL && (!json_is_string(kid) || json_string_length(kid) >= JWT_KID_SIZE))
		return jwt_refuse(failure, "its kid is no text of at most 255 bytes");
	jwt->kid = json_string_value(kid);
	return true;
}

bool
jwt_parse(const char *text, size_t length, unsigned int allowed, Jwt *jwt, Failure *failure)
{
	const char *claims;
	const char *signature;

	memset(jwt, 0, sizeof(*jwt));
	if (length > JWT_MAX_LENGTH)
		return jwt_refuse(failure, "it is too long");
	claims = memchr(text, '.', length);
	signature =
		claims != NULL ? memchr(claims + 1, '.', length - (size_t) (claims + 1 - text)) : NULL;
	if (signature == NULL)
		return jwt_refuse(failure, "it is no JSON Web Token in compact form");
	jwt->text = text;
	jwt->header_length = (size_t) (claims - text);
	jwt->signed_length = (size_t) (signature - text);
	jwt->header = object_decode(text, jwt->header_length);
	if (jwt->header == NULL)
		return jwt_refuse(failure, "its header is no JSON object in base64url");
	if (!header_check(jwt, allowed, failure))
		goto failed;
	jwt->claims = object_decode(claims + 1, (size_t) (signature - claims - 1));
	if (jwt->claims == NULL ||
		!signature_decode(jwt, signature + 1, length - jwt->signed_length - 1))
	{
		jwt_refuse(failure, jwt->claims == NULL ? "its claims are no JSON object in base64url"
												: "its signature is not base64url");
		goto failed;
	}
	return true;

failed:
	jwt_free(jwt);
	return false;
}

void
jwt_free(Jwt *jwt)
{
	json_decref(jwt->header);
	json_decref(jwt->claims);
	jwt->header = NULL;
	jwt->claims = NULL;
}

static bool
member_is(const json_t *jwk, const char *member, const char *wanted)
{
	const char *value = json_string_value(json_object_get(jwk, member));

	return value != NULL && strcmp(value, wanted) == 0;
}

static bool
list_has(const json_t *list, const char *wanted)
{
	for (size_t i = 0; i < json_array_size(list); i++)
	{
		const char *value = json_string_value(json_array_get(list, i));

		if (value != NULL && strcmp(value, wanted) == 0)
			return true;
	}
	return false;
}

/* The kind of the key decides, not what the token would like it to be (key confusion). */
static bool
key_fits(const Jwt *jwt, const json_t *jwk)
{
	const AlgorithmRow *row = algorithms;
	const json_t *alg = json_object_get(jwk, "alg");
	const json_t *operations = json_object_get(jwk, "key_ops");

	while (row->algorithm != jwt->algorithm)
		row++;
	if (!member_is(jwk, "kty", row->key_type) ||
		(row->curve != NULL && !member_is(jwk, "crv", row->curve)))
		return false;
	if (json_object_get(jwk, "use") != NULL && !member_is(jwk, "use", "sig"))
		return false;
	if (alg != NULL && jwt_algorithm_find(json_string_value(alg)) != jwt->algorithm)
		return false;
	return operations == NULL || list_has(operations, "verify");
}

static bool
eddsa_verify(const Jwt *jwt, const json_t *jwk)
{
	const json_t *x = json_object_get(jwk, "x");
	unsigned char point[32];
	EVP_PKEY *key = NULL;
	EVP_MD_CTX *context = NULL;
	bool ok;

	if (!json_is_string(x) || jwt->signature_length != 64 ||
		!base64_decode(json_string_value(x), json_string_length(x), point, sizeof(point)))
		return false;
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, sizeof(point));
	context = EVP_MD_CTX_new();
	ok = key != NULL && context != NULL &&
		 EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		 EVP_DigestVerify(context, jwt->signature, jwt->signature_length,
						  (const unsigned char *) jwt->text, jwt->signed_length) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

bool
jwt_is_signed_by(const Jwt *jwt, const json_t *jwk)
{
	if (!key_fits(jwt, jwk))
		return false;
	return jwt->algorithm == JWT_EDDSA ? eddsa_verify(jwt, jwk) : jwt_jose_verify(jwt, jwk);
}
