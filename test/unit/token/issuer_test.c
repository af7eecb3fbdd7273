/*
 * issuer_test.c
 *		Tokens of outside issuers, each algorithm, and the confusions of keys and algorithms.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "key/key_jwk.h"
#include "tap.h"
#include "test_token.h"

#define OUTSIDE "https://login.example.org/realm"

static Tap tap;
static BearerVerifier *verifier;
static int unknown_keys;

static void
part_append(Buffer *token, const char *text)
{
	char encoded[4096];

	base64url_encode(text, strlen(text), encoded);
	buffer_append_text(token, encoded);
}

/* "Bearer HEADER.CLAIMS." of the outside issuer: what is to be signed begins at byte 7. */
static void
outside_text(const char *alg, const char *changes, Buffer *token)
{
	json_t *claims = test_claims_make("{\"iss\":\"" OUTSIDE "\",\"client_id\":null}");
	json_t *news = json_loads(changes, 0, NULL);
	char header[64];
	char *text;

	json_object_update(claims, news);
	text = json_dumps(claims, JSON_COMPACT);
	snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"k1\"}", alg);
	buffer_init(token, 20000);
	buffer_append_text(token, "Bearer ");
	part_append(token, header);
	buffer_append_char(token, '.');
	part_append(token, text);
	free(text);
	json_decref(claims);
	json_decref(news);
}

static char *
signature_append(Buffer *token, const unsigned char *signature, size_t length)
{
	char encoded[BASE64_SIZE(JWT_MAX_SIGNATURE)];

	base64url_encode(signature, length, encoded);
	buffer_append_char(token, '.');
	buffer_append_text(token, encoded);
	return buffer_take(token, NULL);
}

/* A token of the outside issuer. */
static char *
outside_token(EVP_PKEY *key, const char *alg, const char *changes)
{
	unsigned char signature[JWT_MAX_SIGNATURE];
	size_t length;
	Buffer token;

	outside_text(alg, changes, &token);
	length = test_issuer_sign(key, alg, token.data + 7, token.length - 7, signature);
	return signature_append(&token, signature, length);
}

static char *
secret_token(const char *secret, const char *changes)
{
	unsigned char signature[32];
	Buffer token;

	outside_text("HS256", changes, &token);
	HMAC(EVP_sha256(), secret, (int) strlen(secret), (const unsigned char *) token.data + 7,
		 token.length - 7, signature, NULL);
	return signature_append(&token, signature, sizeof(signature));
}

/* What the issuer publishes of its key. */
static json_t *
public_of(const EVP_PKEY *key, const char *kid)
{
	json_t *jwk = key_jwk_public(key);

	json_object_set_new(jwk, "kid", json_string(kid));
	return jwk;
}

/* Trusts the outside issuer's key for these algorithms. */
static void
trust(json_t *jwk, const char *algorithm)
{
	json_t *issuers =
		json_pack("[{s:s, s:s, s:[s], s:s, s:s, s:o?}]", "issuer", OUTSIDE, "audience", TEST_NODE,
				  "algorithms", algorithm, "client_claim", "sub", "scope_claim", "scope", "keys",
				  jwk != NULL ? json_pack("[O]", jwk) : NULL);
	Failure failure = {0};

	tap_ok(&tap, bearer_set_issuers(verifier, issuers, &failure),
		   "the outside issuer is trusted with %s", algorithm);
	json_decref(issuers);
}

static void
check_algorithm(EVP_PKEY *key, EVP_PKEY *other, const char *alg)
{
	json_t *jwk = public_of(key, "k1");
	char *token = outside_token(key, alg, "{}");
	char *forged = outside_token(other, alg, "{}");
	char *claiming_ours = outside_token(key, alg, "{\"iss\":\"" TEST_NODE "\"}");

	trust(jwk, alg);
	tap_ok(&tap, test_token_passes(verifier, token, NULL), "%s: a good token", alg);
	tap_ok(&tap, !test_token_passes(verifier, forged, "signature is not good"),
		   "%s: signed with another key", alg);
	tap_ok(&tap, !test_token_passes(verifier, claiming_ours, "algorithm is not accepted"),
		   "%s: claims to be ours", alg);
	token[strlen(token) - 2] ^= 1;
	tap_ok(&tap, !test_token_passes(verifier, token, "token: "),
		   "%s: a signature with one bit changed", alg);
	token[strlen(token) - 2] ^= 1;
	trust(jwk, "EdDSA");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "%s: not in the list of the issuer", alg);
	free(token);
	free(forged);
	free(claiming_ours);
	json_decref(jwk);
}

static void
check_key_use(EVP_PKEY *key)
{
	json_t *jwk = public_of(key, "k1");
	char *token = outside_token(key, "RS256", "{}");

	json_object_set_new(jwk, "alg", json_string("PS256"));
	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not good"), "a key for another algorithm");
	json_object_set_new(jwk, "alg", json_string("RS256"));
	json_object_set_new(jwk, "use", json_string("enc"));
	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not good"), "a key for encryption");
	json_object_set_new(jwk, "use", json_string("sig"));
	json_object_set_new(jwk, "key_ops", json_pack("[s]", "encrypt"));
	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not good"), "a key for another operation");
	json_object_set_new(jwk, "key_ops", json_pack("[s]", "verify"));
	trust(jwk, "RS256");
	tap_ok(&tap, test_token_passes(verifier, token, NULL), "a key for this");
	free(token);
	json_decref(jwk);
}

/* The public key's own text as a shared secret: the classic confusion. */
static void
check_confusion(EVP_PKEY *key)
{
	json_t *jwk = public_of(key, "k1");
	char *text = json_dumps(jwk, JSON_COMPACT);
	char *token = secret_token(text, "{}");

	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "HS256 with the public key as secret");
	trust(jwk, "HS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "even where somebody listed HS256");
	free(token);
	token = secret_token(text, "{\"iss\":\"" TEST_NODE "\"}");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "and as a token of ours");
	free(token);
	free(text);
	json_decref(jwk);
}

/* A key that anybody with some patience can find the private part of. */
static void
check_weak(void)
{
	static const char modulus[] =
		"o-cjYSnulMnnnLZ0s2JerDQWGNPWiEju8iuS2ZBd6BSvtRL1RV6q17VX_TUz7s5oIHisw46Mop618Uy8"
		"dWZ_kRN4PZnbYPoqOqc_esf-hVZVGqltBaRzA8134XbRnIKcBF2OTL310YhusTGPr_ootJt_c_uTydBY"
		"ZkaxhJ0Q8Ls";
	static const char token[] =
		"Bearer "
		"eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUub3Jn"
		"L3JlYWxtIiwiYXVkIjoic3AuZXhhbXBsZS5vcmciLCJzdWIiOiJjbGllbnQtMSIsImV4cCI6MTgwMDAw"
		"MzYwMH0.JuBZwkuCLzOQIIpKTMb6J6FO_m1xkM_IbPJfPoD5vl9b97Xqqn0Do5BUIW-s9YxNqp_XozI9"
		"K8ioVZvUOohPxwB0KOgPsTxEOnK74WEdosdkeKAhsSKC0y7LeAz9SRVU2ZPdtIsRrE50UoeWXXYy4mTm"
		"hYZmg-H7DMOrF-xw8pY";
	json_t *jwk =
		json_pack("{s:s, s:s, s:s, s:s}", "kty", "RSA", "kid", "k1", "e", "AQAB", "n", modulus);

	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not good"), "an RSA key of 1024 bits");
	json_decref(jwk);
}

static void
unknown_key(void *context, const char *issuer)
{
	(void) context;
	unknown_keys += strcmp(issuer, OUTSIDE) == 0;
}

static void
check_algorithms(EVP_PKEY *rsa)
{
	static const char *const rsa_algorithms[] = {"RS256", "RS384", "RS512",
												 "PS256", "PS384", "PS512"};
	static const char *const ec_algorithms[] = {"ES256", "ES384", "ES512"};
	EVP_PKEY *other = test_issuer_key_make("RS256");

	for (size_t i = 0; i < 6; i++)
		check_algorithm(rsa, other, rsa_algorithms[i]);
	EVP_PKEY_free(other);
	for (size_t i = 0; i < 3; i++)
	{
		EVP_PKEY *ec = test_issuer_key_make(ec_algorithms[i]);

		other = test_issuer_key_make(ec_algorithms[i]);
		check_algorithm(ec, other, ec_algorithms[i]);
		EVP_PKEY_free(ec);
		EVP_PKEY_free(other);
	}
}

/* Which key it is asked for, and who is to blame when it is not there. */
static void
check_keys_of_issuer(EVP_PKEY *rsa)
{
	json_t *named = public_of(rsa, "k1");
	json_t *renamed = public_of(rsa, "k2");
	char *token = outside_token(rsa, "RS256", "{\"sub\":\"them\"}");
	BearerClaims claims;
	Failure failure;

	unknown_keys = 0;
	trust(renamed, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not one of its issuer"),
		   "a key that the issuer does not have");
	tap_is_int(&tap, unknown_keys, 1, "is asked for");
	trust(NULL, "RS256");
	tap_ok(&tap,
		   !bearer_verify(verifier, token, TEST_NOW * 1000, &claims, &failure) &&
			   failure.kind == FAILURE_NETWORK,
		   "no keys yet: our trouble");
	trust(named, "RS256");
	tap_ok(&tap, bearer_verify(verifier, token, TEST_NOW * 1000, &claims, &failure),
		   "with the key it is good");
	tap_is(&tap, claims.client, "them", "its holder is the claim of this issuer's rules");
	tap_is(&tap, claims.issuer, OUTSIDE, "its issuer is the outside one");
	free(token);
	json_decref(named);
	json_decref(renamed);
}

int
main(void)
{
	SigningKey *key = test_key_load();
	EVP_PKEY *rsa = test_issuer_key_make("RS256");

	verifier = bearer_new();
	bearer_on_unknown_key(verifier, unknown_key, NULL);
	tap_ok(&tap, bearer_set_own(verifier, TEST_NODE, test_jwks(key)), "our own tokens are trusted");
	check_algorithms(rsa);
	check_confusion(rsa);
	check_weak();
	check_keys_of_issuer(rsa);
	check_key_use(rsa);
	bearer_free(verifier);
	EVP_PKEY_free(rsa);
	signing_key_free(key);
	return tap_done(&tap);
}
