/*
 * jws_check.c
 *		EdDSA and RS256 by the crypto library. Must not ask what is signed.
 */
#include "seal/jws_check.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "key/key_jwk.h"

/* Base64url characters of four bytes: a larger public exponent is only work for us. */
#define EXPONENT_TEXT_MAX 6

static bool
member_is(const json_t *jwk, const char *member, const char *wanted)
{
	const char *value = json_string_value(json_object_get(jwk, member));

	return value != NULL && strcmp(value, wanted) == 0;
}

static bool
is_for_signing(const json_t *jwk)
{
	return json_object_get(jwk, "use") == NULL || member_is(jwk, "use", "sig");
}

bool
jws_alg_fits(const char *alg, const json_t *jwk)
{
	if (!is_for_signing(jwk))
		return false;
	if (strcmp(alg, "EdDSA") == 0 || strcmp(alg, "Ed25519") == 0)
		return member_is(jwk, "kty", "OKP") && member_is(jwk, "crv", "Ed25519");
	return strcmp(alg, "RS256") == 0 && member_is(jwk, "kty", "RSA") &&
		   json_string_length(json_object_get(jwk, "e")) <= EXPONENT_TEXT_MAX;
}

bool
jws_is_signed_by(const json_t *jwk, const void *bytes, size_t length,
				 const unsigned char *signature, size_t signature_length)
{
	bool is_rsa = member_is(jwk, "kty", "RSA");
	EVP_PKEY *key = key_jwk_read_signer(jwk, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	bool ok = key != NULL && context != NULL &&
			  EVP_PKEY_get_id(key) == (is_rsa ? EVP_PKEY_RSA : EVP_PKEY_ED25519) &&
			  signature_length == (size_t) EVP_PKEY_get_size(key) &&
			  EVP_DigestVerifyInit_ex(context, &options, is_rsa ? "SHA256" : NULL, NULL, NULL, key,
									  NULL) == 1 &&
			  (!is_rsa || EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PADDING) == 1) &&
			  EVP_DigestVerify(context, signature, signature_length, bytes, length) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}
