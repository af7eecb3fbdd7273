/*
 * jwt_verify.c
 *		The signatures of RFC 7518 and RFC 8037, by the crypto library. Must not decide which
 *		algorithm is accepted: that has been done when it is called.
 */
#include "token/jwt_verify.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "key/key_jwk.h"

/* Base64url characters of four bytes: a larger public exponent is only work for us. */
#define EXPONENT_TEXT_MAX 6

typedef struct VerifyRow
{
	JwtAlgorithm algorithm;
	const char *key_type;
	const char *curve;		/* NULL: the kind of key has none */
	const char *digest;		/* NULL: the algorithm has its own */
	size_t coordinate_size; /* of r and of s; 0: the signature is one number */
	bool is_pss;
} VerifyRow;

static const VerifyRow rows[] = {
	{JWT_EDDSA, "OKP", "Ed25519", NULL, 0, false},
	{JWT_ES256, "EC", "P-256", "SHA256", 32, false},
	{JWT_ES384, "EC", "P-384", "SHA384", 48, false},
	{JWT_ES512, "EC", "P-521", "SHA512", 66, false},
	{JWT_PS256, "RSA", NULL, "SHA256", 0, true},
	{JWT_PS384, "RSA", NULL, "SHA384", 0, true},
	{JWT_PS512, "RSA", NULL, "SHA512", 0, true},
	{JWT_RS256, "RSA", NULL, "SHA256", 0, false},
	{JWT_RS384, "RSA", NULL, "SHA384", 0, false},
	{JWT_RS512, "RSA", NULL, "SHA512", 0, false},
};

static const VerifyRow *
row_of(JwtAlgorithm algorithm)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].algorithm == algorithm)
			return &rows[i];
	return NULL;
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
key_fits(const VerifyRow *row, const json_t *jwk)
{
	const json_t *alg = json_object_get(jwk, "alg");
	const json_t *operations = json_object_get(jwk, "key_ops");

	if (!member_is(jwk, "kty", row->key_type) ||
		(row->curve != NULL && !member_is(jwk, "crv", row->curve)))
		return false;
	if (json_object_get(jwk, "use") != NULL && !member_is(jwk, "use", "sig"))
		return false;
	if (alg != NULL && jwt_algorithm_find(json_string_value(alg)) != row->algorithm)
		return false;
	if (json_string_length(json_object_get(jwk, "e")) > EXPONENT_TEXT_MAX)
		return false;
	return operations == NULL || list_has(operations, "verify");
}

/* PSS as RFC 7518 has it: MGF1 by the same digest, a salt of its length, no other. */
static bool
padding_set(const VerifyRow *row, EVP_PKEY_CTX *context)
{
	if (strcmp(row->key_type, "RSA") != 0)
		return true;
	if (!row->is_pss)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
		   EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, row->digest, NULL) == 1 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
bytes_verify(const VerifyRow *row, EVP_PKEY *key, const Jwt *jwt, const unsigned char *signature,
			 size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	bool ok = context != NULL &&
			  EVP_DigestVerifyInit_ex(context, &options, row->digest, NULL, NULL, key, NULL) == 1 &&
			  padding_set(row, options) &&
			  EVP_DigestVerify(context, signature, length, (const unsigned char *) jwt->text,
							   jwt->signed_length) == 1;

	EVP_MD_CTX_free(context);
	return ok;
}

/* A token has r and s one behind the other, each of full length; the library wants them in DER. */
static bool
ecdsa_verify(const VerifyRow *row, EVP_PKEY *key, const Jwt *jwt)
{
	int size = (int) row->coordinate_size;
	BIGNUM *r = BN_bin2bn(jwt->signature, size, NULL);
	BIGNUM *s = BN_bin2bn(jwt->signature + size, size, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *der = NULL;
	bool ok = false;

	if (r != NULL && s != NULL && pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1)
	{
		int length;

		r = NULL;
		s = NULL;
		length = i2d_ECDSA_SIG(pair, &der);
		ok = length > 0 && bytes_verify(row, key, jwt, der, (size_t) length);
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	BN_free(s);
	BN_free(r);
	return ok;
}

/*
 * One signature, one text: the library takes a PSS signature whose leading zero bytes are missing,
 * so the length is compared here.
 */
static bool
length_is_right(const VerifyRow *row, const EVP_PKEY *key, const Jwt *jwt)
{
	size_t wanted =
		row->coordinate_size != 0 ? 2 * row->coordinate_size : (size_t) EVP_PKEY_get_size(key);

	return jwt->signature_length == wanted;
}

bool
jwt_is_signed_by(const Jwt *jwt, const json_t *jwk)
{
	const VerifyRow *row = row_of(jwt->algorithm);
	EVP_PKEY *key = row != NULL && key_fits(row, jwk) ? key_jwk_read_signer(jwk, NULL) : NULL;
	bool ok = key != NULL && length_is_right(row, key, jwt);

	if (ok && row->coordinate_size != 0)
		ok = ecdsa_verify(row, key, jwt);
	else if (ok)
		ok = bytes_verify(row, key, jwt, jwt->signature, jwt->signature_length);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}
