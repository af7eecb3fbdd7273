/*
 * jwt_jose.c
 *		RS, PS and ES signatures by libjose. Must not decide which algorithm is accepted: that has
 *		been done when it is called.
 */
#include "token/jwt_jose.h"

#include <jose/jws.h>
#include <openssl/err.h>
#include <string.h>

#include "base/base64.h"

/* base64url characters of 2048 and of 8192 bits; a larger key is work for nothing */
#define MODULUS_MIN 342
#define MODULUS_MAX 1366
#define EXPONENT_MAX 6

static bool
rsa_size_is_sane(const json_t *jwk)
{
	const json_t *modulus = json_object_get(jwk, "n");
	const json_t *exponent = json_object_get(jwk, "e");

	return json_is_string(modulus) && json_string_length(modulus) >= MODULUS_MIN &&
		   json_string_length(modulus) <= MODULUS_MAX && json_is_string(exponent) &&
		   json_string_length(exponent) <= EXPONENT_MAX;
}

/* Only what a public key is: libjose must not meet other members, least of all private ones. */
static json_t *
public_part(const json_t *jwk)
{
	static const char *const members[] = {"kty", "n", "e", "crv", "x", "y"};
	json_t *part = json_object();

	for (size_t i = 0; part != NULL && i < sizeof(members) / sizeof(members[0]); i++)
	{
		json_t *value = json_object_get(jwk, members[i]);

		if (value != NULL)
			(void) json_object_set(part, members[i], value);
	}
	return part;
}

bool
jwt_jose_verify(const Jwt *jwt, const json_t *jwk)
{
	const char *claims = jwt->text + jwt->header_length + 1;
	char signature[BASE64_SIZE(JWT_MAX_SIGNATURE)];
	json_t *parts;
	json_t *key;
	bool ok;

	if (json_object_get(jwk, "n") != NULL && !rsa_size_is_sane(jwk))
		return false;
	base64url_encode(jwt->signature, jwt->signature_length, signature);
	parts = json_pack("{s:s%, s:s%, s:s}", "protected", jwt->text, jwt->header_length, "payload",
					  claims, jwt->signed_length - jwt->header_length - 1, "signature", signature);
	key = public_part(jwk);
	ok = parts != NULL && key != NULL && jose_jws_ver(NULL, parts, NULL, key, true);
	json_decref(parts);
	json_decref(key);
	ERR_clear_error();
	return ok;
}
