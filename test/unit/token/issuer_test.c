/*
 * issuer_test.c
 *		Tokens of outside issuers, each algorithm, signed by libjose's own signing.
 */
#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/jws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tap.h"
#include "test_token.h"

#define OUTSIDE "https://login.example.org/realm"

static Tap tap;
static BearerVerifier *verifier;
static int unknown_keys;

/* A token of the outside issuer by libjose's own signing, or with the algorithm none. */
static char *
outside_token(const json_t *jwk, const char *alg, const char *changes)
{
	json_t *claims = test_claims_make("{\"iss\":\"" OUTSIDE "\",\"client_id\":null}");
	json_t *news = json_loads(changes, 0, NULL);
	json_t *jws = json_object();
	json_t *header = json_pack("{s:{s:s, s:s}}", "protected", "alg", alg, "kid", "k1");
	Buffer token;
	char *text;

	json_object_update(claims, news);
	text = json_dumps(claims, JSON_COMPACT);
	json_object_set_new(jws, "payload", jose_b64_enc(text, strlen(text)));
	if (!jose_jws_sig(NULL, jws, header, jwk))
		printf("# libjose does not sign with %s\n", alg);
	buffer_init(&token, 20000);
	buffer_printf(&token, "Bearer %s.%s.%s", json_string_value(json_object_get(jws, "protected")),
				  json_string_value(json_object_get(jws, "payload")),
				  json_string_value(json_object_get(jws, "signature")));
	free(text);
	json_decref(claims);
	json_decref(news);
	json_decref(jws);
	json_decref(header);
	return buffer_take(&token, NULL);
}

static json_t *
key_make(const char *description)
{
	json_t *jwk = json_loads(description, 0, NULL);

	if (!jose_jwk_gen(NULL, jwk))
		printf("# libjose makes no key from %s\n", description);
	json_object_del(jwk, "alg");
	json_object_del(jwk, "key_ops");
	json_object_set_new(jwk, "kid", json_string("k1"));
	return jwk;
}

static json_t *
public_of(const json_t *jwk)
{
	json_t *copy = json_deep_copy(jwk);

	jose_jwk_pub(NULL, copy);
	return copy;
}

/* Trusts the outside issuer's key for these algorithms. */
static void
trust(const json_t *jwk, const char *algorithm)
{
	json_t *issuers =
		json_pack("[{s:s, s:s, s:[s], s:s, s:s, s:o?}]", "issuer", OUTSIDE, "audience", TEST_NODE,
				  "algorithms", algorithm, "client_claim", "sub", "scope_claim", "scope", "keys",
				  jwk != NULL ? json_pack("[o]", public_of(jwk)) : NULL);
	Failure failure = {0};

	tap_ok(&tap, bearer_set_issuers(verifier, issuers, &failure),
		   "the outside issuer is trusted with %s", algorithm);
	json_decref(issuers);
}

static void
check_algorithm(const json_t *jwk, const json_t *other, const char *alg)
{
	char *token = outside_token(jwk, alg, "{}");
	char *forged = outside_token(other, alg, "{}");
	char *claiming_ours = outside_token(jwk, alg, "{\"iss\":\"" TEST_NODE "\"}");

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
}

static void
check_key_use(json_t *jwk)
{
	char *token = outside_token(jwk, "RS256", "{}");

	json_object_set_new(jwk, "alg", json_string("PS256"));
	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not good"), "a key for another algorithm");
	json_object_set_new(jwk, "alg", json_string("RS256"));
	json_object_set_new(jwk, "use", json_string("enc"));
	trust(jwk, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not good"), "a key for encryption");
	json_object_set_new(jwk, "use", json_string("sig"));
	json_object_set_new(jwk, "key_ops", json_pack("[s]", "verify"));
	trust(jwk, "RS256");
	tap_ok(&tap, test_token_passes(verifier, token, NULL), "a key for this");
	free(token);
}

/* The public key's own text as a shared secret: the classic confusion. */
static void
check_confusion(const json_t *rsa)
{
	json_t *public = public_of(rsa);
	char *text = json_dumps(public, JSON_COMPACT);
	json_t *secret = json_pack("{s:s, s:o}", "kty", "oct", "k", jose_b64_enc(text, strlen(text)));
	char *token = outside_token(secret, "HS256", "{}");

	trust(rsa, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "HS256 with the public key as secret");
	trust(rsa, "HS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "even where somebody listed HS256");
	free(token);
	token = outside_token(secret, "HS256", "{\"iss\":\"" TEST_NODE "\"}");
	tap_ok(&tap, !test_token_passes(verifier, token, "algorithm is not accepted"),
		   "and as a token of ours");
	free(token);
	free(text);
	json_decref(secret);
	json_decref(public);
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
check_outside(void)
{
	static const char *const rsa_algorithms[] = {"RS256", "RS384", "RS512",
												 "PS256", "PS384", "PS512"};
	static const char *const curves[][2] = {
		{"P-256", "ES256"}, {"P-384", "ES384"}, {"P-521", "ES512"}};
	json_t *rsa = key_make("{\"kty\":\"RSA\",\"bits\":2048}");
	json_t *other = key_make("{\"kty\":\"RSA\",\"bits\":2048}");
	BearerClaims claims;
	Failure failure;
	char *token;

	for (size_t i = 0; i < 6; i++)
		check_algorithm(rsa, other, rsa_algorithms[i]);
	for (size_t i = 0; i < 3; i++)
	{
		char description[64];
		json_t *ec;
		json_t *other_ec;

		snprintf(description, sizeof(description), "{\"kty\":\"EC\",\"crv\":\"%s\"}", curves[i][0]);
		ec = key_make(description);
		other_ec = key_make(description);
		check_algorithm(ec, other_ec, curves[i][1]);
		json_decref(ec);
		json_decref(other_ec);
	}
	check_confusion(rsa);
	check_weak();

	token = outside_token(rsa, "RS256", "{\"sub\":\"them\"}");
	unknown_keys = 0;
	json_object_set_new(rsa, "kid", json_string("k2"));
	trust(rsa, "RS256");
	tap_ok(&tap, !test_token_passes(verifier, token, "not one of its issuer"),
		   "a key that the issuer does not have");
	tap_is_int(&tap, unknown_keys, 1, "is asked for");
	trust(NULL, "RS256");
	tap_ok(&tap,
		   !bearer_verify(verifier, token, TEST_NOW * 1000, &claims, &failure) &&
			   failure.kind == FAILURE_NETWORK,
		   "no keys yet: our trouble");
	json_object_set_new(rsa, "kid", json_string("k1"));
	trust(rsa, "RS256");
	tap_ok(&tap, bearer_verify(verifier, token, TEST_NOW * 1000, &claims, &failure),
		   "with the key it is good");
	tap_is(&tap, claims.client, "them", "its holder is the claim of this issuer's rules");
	tap_is(&tap, claims.issuer, OUTSIDE, "its issuer is the outside one");
	free(token);
	check_key_use(rsa);
	json_decref(rsa);
	json_decref(other);
}

int
main(void)
{
	SigningKey *key = test_key_load();

	verifier = bearer_new();
	bearer_on_unknown_key(verifier, unknown_key, NULL);
	tap_ok(&tap, bearer_set_own(verifier, TEST_NODE, test_jwks(key)), "our own tokens are trusted");
	check_outside();
	bearer_free(verifier);
	signing_key_free(key);
	return tap_done(&tap);
}
