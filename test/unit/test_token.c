/*
 * test_token.c
 *		Tokens for tests, good and not. Whatever is tested must not be used to make them.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
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

static void
library_require(bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! the crypto library does not %s\n", what);
	exit(1);
}

EVP_PKEY *
test_issuer_key_make(const char *alg)
{
	const char *curve = strcmp(alg, "ES256") == 0	? "P-256"
						: strcmp(alg, "ES384") == 0 ? "P-384"
													: "P-521";
	EVP_PKEY *key = alg[0] == 'E' ? EVP_EC_gen(curve) : EVP_RSA_gen(2048);

	library_require(key != NULL, "make a key");
	return key;
}

/* DER to r and s, each as long as the curve's numbers. */
static size_t
pair_write(const EVP_PKEY *key, const unsigned char *der, size_t length, unsigned char *signature)
{
	int size = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long) length);

	library_require(pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, size) == size &&
						BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + size, size) == size,
					"take its own signature apart");
	ECDSA_SIG_free(pair);
	return 2 * (size_t) size;
}

size_t
test_issuer_sign(EVP_PKEY *key, const char *alg, const char *text, size_t length,
				 unsigned char *signature)
{
	unsigned char made[JWT_MAX_SIGNATURE];
	size_t made_length = sizeof(made);
	char digest[16];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;

	snprintf(digest, sizeof(digest), "SHA%s", alg + 2);
	library_require(EVP_DigestSignInit_ex(context, &options, digest, NULL, NULL, key, NULL) == 1,
					"begin to sign");
	if (alg[0] == 'P')
		library_require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
							EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1,
						"pad");
	library_require(
		EVP_DigestSign(context, made, &made_length, (const unsigned char *) text, length) == 1,
		"sign");
	EVP_MD_CTX_free(context);
	if (alg[0] == 'E')
		return pair_write(key, made, made_length, signature);
	memcpy(signature, made, made_length);
	return made_length;
}

Jwt
test_jwt_cut(const char *token, const char *alg)
{
	const char *claims = strchr(token, '.');
	const char *signature = strrchr(token, '.');
	Jwt jwt = {.text = token,
			   .algorithm = (JwtAlgorithm) jwt_algorithm_find(alg),
			   .header_length = (size_t) (claims - token),
			   .signed_length = (size_t) (signature - token)};
	size_t length = strlen(signature + 1);

	jwt.signature_length = length * 3 / 4;
	library_require(jwt.signature_length <= sizeof(jwt.signature) &&
						base64_decode(signature + 1, length, jwt.signature, jwt.signature_length),
					"see base64url");
	return jwt;
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
