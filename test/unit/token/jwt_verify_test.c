/*
 * jwt_verify_test.c
 *		The published signatures of RFC 7515, 7520 and 8037, and what comes near to a good one.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "key/key_jwk.h"
#include "tap.h"
#include "test_token.h"
#include "token/jwt_verify.h"

/* What is signed where it does not matter. */
#define SIGNED "eyJhbGciOiI_In0.e30"

static Tap tap;

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* No bit of the signature, no character of what is signed can be another. */
static void
check_every_change(const Jwt *good, const json_t *jwk, const char *name)
{
	char *text = strdup(good->text);
	Jwt jwt = *good;
	int taken = 0;

	for (size_t i = 0; i < jwt.signature_length; i++)
	{
		jwt.signature[i] ^= (unsigned char) (1U << i % 8);
		taken += jwt_is_signed_by(&jwt, jwk);
		jwt.signature[i] ^= (unsigned char) (1U << i % 8);
	}
	jwt.text = text;
	for (size_t i = 0; i < jwt.signed_length; i++)
	{
		text[i] ^= 1;
		taken += jwt_is_signed_by(&jwt, jwk);
		text[i] ^= 1;
	}
	tap_is_int(&tap, taken, 0, "%s: none with one thing changed", name);
	tap_ok(&tap, jwt_is_signed_by(&jwt, jwk), "%s: it was that change", name);
	free(text);
}

static void
check_lengths(const Jwt *good, const json_t *jwk, const char *name)
{
	Jwt jwt = *good;

	jwt.signature_length--;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: a byte short", name);
	jwt.signature_length += 2;
	jwt.signature[good->signature_length] = 0;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: a byte long", name);
	memmove(jwt.signature + 1, jwt.signature, good->signature_length);
	jwt.signature[0] = 0;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: a zero before it", name);
	jwt.signature_length = 0;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: nothing", name);
	memset(jwt.signature, 0, sizeof(jwt.signature));
	jwt.signature_length = good->signature_length;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: all zero", name);
	memset(jwt.signature, 0xff, sizeof(jwt.signature));
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: all ones", name);
}

static void
check_vectors(void)
{
	static const char *const algorithms[] = {"EdDSA", "ES256", "ES384", "ES512", "PS256",
											 "PS384", "PS512", "RS256", "RS384", "RS512"};
	json_t *vectors = json_load_file("test/vectors/token.json", JSON_REJECT_DUPLICATES, NULL);
	const json_t *vector;
	size_t i;

	json_array_foreach(vectors, i, vector)
	{
		const json_t *jwk = json_object_get(vector, "jwk");
		const char *name = text_of(vector, "source");
		const char *alg = text_of(vector, "alg");
		bool taken = json_is_true(json_object_get(vector, "taken"));
		Jwt jwt = test_jwt_cut(text_of(vector, "token"), alg);
		int others = 0;

		tap_ok(&tap, jwt_is_signed_by(&jwt, jwk) == taken, "%s: %s", name, alg);
		for (size_t k = 0; k < sizeof(algorithms) / sizeof(algorithms[0]); k++)
		{
			jwt.algorithm = (JwtAlgorithm) jwt_algorithm_find(algorithms[k]);
			if (strcmp(algorithms[k], alg) != 0)
				others += jwt_is_signed_by(&jwt, jwk);
		}
		tap_is_int(&tap, others, 0, "%s: for no other algorithm", name);
		jwt.algorithm = (JwtAlgorithm) jwt_algorithm_find(alg);
		if (taken)
		{
			check_every_change(&jwt, jwk, name);
			check_lengths(&jwt, jwk, name);
		}
	}
	tap_is_int(&tap, (long long) i, 9, "there were vectors");
	json_decref(vectors);
}

/* A token with such a signature. */
static Jwt
signed_make(EVP_PKEY *key, const char *alg, const char *text)
{
	Jwt jwt = {.text = text,
			   .signed_length = strlen(text),
			   .algorithm = (JwtAlgorithm) jwt_algorithm_find(alg)};

	jwt.signature_length = test_issuer_sign(key, alg, text, strlen(text), jwt.signature);
	return jwt;
}

/*
 * One signature in 256 begins with a zero byte. Without it OpenSSL itself takes the PSS ones, and
 * a reader of numbers the others.
 */
static void
check_leading_zero(EVP_PKEY *key, const char *alg)
{
	json_t *jwk = key_jwk_public(key);
	char text[64];
	Jwt jwt;
	int i = 0;

	do
	{
		snprintf(text, sizeof(text), "%s.%d", SIGNED, i++);
		jwt = signed_make(key, alg, text);
	} while (jwt.signature[0] != 0);
	tap_ok(&tap, jwt_is_signed_by(&jwt, jwk), "%s: a signature that begins with zero", alg);
	jwt.signature_length--;
	memmove(jwt.signature, jwt.signature + 1, jwt.signature_length);
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s: but not without the zero", alg);
	json_decref(jwk);
}

/* PSS with another salt or mask than RFC 7518, 3.5 has. */
static Jwt
pss_make(EVP_PKEY *key, int salt, const char *mask_digest)
{
	Jwt jwt = {.text = SIGNED, .signed_length = strlen(SIGNED), .algorithm = JWT_PS256};
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;

	jwt.signature_length = sizeof(jwt.signature);
	if (EVP_DigestSignInit_ex(context, &options, "SHA256", NULL, NULL, key, NULL) != 1 ||
		EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_mgf1_md_name(options, mask_digest, NULL) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt) != 1 ||
		EVP_DigestSign(context, jwt.signature, &jwt.signature_length,
					   (const unsigned char *) SIGNED, strlen(SIGNED)) != 1)
		tap_ok(&tap, false, "the crypto library signs with PSS");
	EVP_MD_CTX_free(context);
	return jwt;
}

static void
check_pss(EVP_PKEY *key)
{
	static const struct
	{
		int salt;
		const char *mask_digest;
		bool is_good;
	} cases[] = {{32, "SHA256", true},
				 {0, "SHA256", false},
				 {20, "SHA256", false},
				 {33, "SHA256", false},
				 {RSA_PSS_SALTLEN_MAX, "SHA256", false},
				 {32, "SHA1", false},
				 {32, "SHA512", false}};
	json_t *jwk = key_jwk_public(key);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Jwt jwt = pss_make(key, cases[i].salt, cases[i].mask_digest);

		tap_ok(&tap, jwt_is_signed_by(&jwt, jwk) == cases[i].is_good, "PSS: salt of %d, mask by %s",
			   cases[i].salt, cases[i].mask_digest);
	}
	json_decref(jwk);
}

/* The same signature as a sequence of two numbers in DER, as most libraries make it. */
static void
check_der(void)
{
	EVP_PKEY *key = test_issuer_key_make("ES256");
	json_t *jwk = key_jwk_public(key);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	Jwt jwt = {.text = SIGNED, .signed_length = strlen(SIGNED), .algorithm = JWT_ES256};

	jwt.signature_length = sizeof(jwt.signature);
	tap_ok(&tap,
		   EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
			   EVP_DigestSign(context, jwt.signature, &jwt.signature_length,
							  (const unsigned char *) SIGNED, strlen(SIGNED)) == 1,
		   "ES256: a signature in DER");
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "is none of a token");
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	json_decref(jwk);
}

/* An EC key that is none, or of another curve than it says, and r or s outside of the group. */
static void
check_curves(void)
{
	EVP_PKEY *key = test_issuer_key_make("ES256");
	EVP_PKEY *longer = test_issuer_key_make("ES384");
	json_t *jwk = key_jwk_public(key);
	Jwt good = signed_make(key, "ES256", SIGNED);
	Jwt jwt = good;
	static const char order[] = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";

	tap_ok(&tap, base64_decode(order, strlen(order), jwt.signature, 32), "r is the group's order");
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "r out of range");
	memset(jwt.signature, 0, 32);
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "r is zero");
	jwt = good;
	memset(jwt.signature + 32, 0, 32);
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "s is zero");
	jwt = signed_make(longer, "ES384", SIGNED);
	jwt.algorithm = JWT_ES256;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "a signature of another curve's length");

	json_object_set_new(jwk, "y", json_string(text_of(jwk, "x")));
	tap_ok(&tap, !jwt_is_signed_by(&good, jwk), "a point that is not on the curve");
	json_object_set_new(jwk, "x", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	json_object_set_new(jwk, "y", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	tap_ok(&tap, !jwt_is_signed_by(&good, jwk), "a point of zeros");
	json_decref(jwk);
	jwk = key_jwk_public(longer);
	json_object_set_new(jwk, "crv", json_string("P-256"));
	tap_ok(&tap, !jwt_is_signed_by(&good, jwk), "a point of another curve's length");
	json_decref(jwk);
	EVP_PKEY_free(longer);
	EVP_PKEY_free(key);
}

/* A public key that says another thing of itself than what it is, or that is worth nothing. */
static void
check_rsa_keys(EVP_PKEY *key)
{
	static const struct
	{
		const char *member;
		const char *value; /* NULL: the member is missing */
		const char *name;
	} changes[] = {{"e", "AQ", "an exponent of one"},
				   {"e", "BA", "an even exponent"},
				   {"e", "AQAAAAE", "an exponent of five bytes"},
				   {"e", NULL, "no exponent"},
				   {"n", NULL, "no modulus"},
				   {"kty", "EC", "an RSA key that says EC"},
				   {"kty", "rsa", "rsa in small letters"},
				   {"use", "enc", "a key for encryption"},
				   {"alg", "RS512", "a key for RS512"},
				   {"alg", "none", "a key for none"},
				   {"n", "AQ", "a modulus of one"}};
	Jwt jwt = signed_make(key, "RS256", SIGNED);

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		json_t *jwk = key_jwk_public(key);

		if (changes[i].value != NULL)
			json_object_set_new(jwk, changes[i].member, json_string(changes[i].value));
		else
			json_object_del(jwk, changes[i].member);
		tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "%s", changes[i].name);
		json_decref(jwk);
	}
	tap_ok(&tap, !jwt_is_signed_by(&jwt, NULL), "no key");
}

static void
check_rsa_size(void)
{
	EVP_PKEY *small = EVP_RSA_gen(2040);
	EVP_PKEY *large = EVP_RSA_gen(3072);
	json_t *jwk = key_jwk_public(small);
	Jwt jwt = signed_make(small, "RS256", SIGNED);

	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "an RSA key of 2040 bits");
	json_decref(jwk);
	jwk = key_jwk_public(large);
	jwt = signed_make(large, "PS512", SIGNED);
	tap_ok(&tap, jwt_is_signed_by(&jwt, jwk), "an RSA key of 3072 bits");
	jwt.signature[9] ^= 1;
	tap_ok(&tap, !jwt_is_signed_by(&jwt, jwk), "a signature that it did not make");
	tap_is_int(&tap, (long long) ERR_peek_error(), 0, "no error is left behind in the library");
	json_decref(jwk);
	EVP_PKEY_free(small);
	EVP_PKEY_free(large);
}

int
main(void)
{
	EVP_PKEY *rsa = test_issuer_key_make("RS256");
	EVP_PKEY *ec = test_issuer_key_make("ES256");

	check_vectors();
	check_leading_zero(rsa, "PS256");
	check_leading_zero(rsa, "RS256");
	check_leading_zero(ec, "ES256");
	check_pss(rsa);
	check_der();
	check_curves();
	check_rsa_keys(rsa);
	check_rsa_size();
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	return tap_done(&tap);
}
