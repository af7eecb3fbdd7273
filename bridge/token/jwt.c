/*
 * jwt.c
 *		Takes tokens apart, those only whose algorithm was asked for. Must not know whom a token
 *		speaks for.
 */
#include "token/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "message/json_bounds.h"

typedef struct AlgorithmRow
{
	const char *name;
	JwtAlgorithm algorithm;
} AlgorithmRow;

static const AlgorithmRow algorithms[] = {
	{"EdDSA", JWT_EDDSA}, {"Ed25519", JWT_EDDSA}, {"ES256", JWT_ES256}, {"ES384", JWT_ES384},
	{"ES512", JWT_ES512}, {"PS256", JWT_PS256},	  {"PS384", JWT_PS384}, {"PS512", JWT_PS512},
	{"RS256", JWT_RS256}, {"RS384", JWT_RS384},	  {"RS512", JWT_RS512},
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

	/* no bytes have so many characters */
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

/* A member twice, a number that rounds: two readers would not see the same token. */
static json_t *
object_decode(const char *text, size_t length)
{
	size_t decoded_length = 0;
	unsigned char *bytes = part_decode(text, length, &decoded_length);
	char reason[128];
	json_t *value = NULL;

	if (bytes != NULL &&
		json_bounds_check((const char *) bytes, decoded_length, reason, sizeof(reason)))
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
	/* crit names what must be understood to trust the token; we understand none of it */
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
	/* before anything is decoded: headers of this size reach us without any token */
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
		jwt_refuse(
			failure,
			jwt->claims == NULL
				? "its claims are no JSON object in base64url, or have a number that not every "
				  "reader takes for the same"
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
