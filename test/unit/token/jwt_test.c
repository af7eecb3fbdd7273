/*
 * jwt_test.c
 *		Our own tokens, and what somebody tries to get in with instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "test_token.h"
#include "token/token_issue.h"

static Tap tap;
static BearerVerifier *verifier;
static SigningKey *key;

/* Changes to the claims of a good token, and why it is refused then; NULL: it is not. */
static void
check_claims(void)
{
	static const struct
	{
		const char *changes;
		const char *reason;
	} rows[] = {
		{"{}", NULL},
		{"{\"iss\":\"sp.example.com\"}", "issuer is not known"},
		{"{\"iss\":null}", "issuer is not known"},
		{"{\"iss\":[\"" TEST_NODE "\"]}", "issuer is not known"},
		{"{\"aud\":\"ess.example.org\"}", "another audience"},
		{"{\"aud\":null}", "another audience"},
		{"{\"aud\":[\"x\",\"" TEST_NODE "\"]}", NULL},
		{"{\"aud\":[\"x\",7]}", "another audience"},
		{"{\"aud\":{\"" TEST_NODE "\":1}}", "another audience"},
		{"{\"exp\":1799999000}", "expired"},
		{"{\"exp\":1799999941}", NULL},
		{"{\"exp\":1799999940}", "expired"},
		{"{\"exp\":1800003600.5}", NULL},
		{"{\"exp\":\"1800003600\"}", "must be seconds"},
		{"{\"exp\":null}", "exp is missing"},
		{"{\"exp\":0}", "must be seconds"},
		{"{\"exp\":-1}", "must be seconds"},
		{"{\"exp\":1e300}", "a number that not every"},
		{"{\"exp\":9223372036854775807}", "a number that not every"},
		{"{\"exp\":1800086460}", NULL},
		{"{\"exp\":1800086461}", "longer than a day"},
		{"{\"iat\":1800000060}", NULL},
		{"{\"iat\":1800000061}", "not valid yet"},
		{"{\"iat\":null}", "iat is missing"},
		{"{\"iat\":true}", "must be seconds"},
		{"{\"nbf\":1800000060}", NULL},
		{"{\"nbf\":1800000061}", "not valid yet"},
		{"{\"client_id\":null}", "names its holder"},
		{"{\"client_id\":\"\"}", "names its holder"},
		{"{\"client_id\":7}", "names its holder"},
		{"{\"scope\":\"registry.search\"}", NULL},
		{"{\"scope\":[\"registry.search\",\"x\"]}", NULL},
		{"{\"scope\":\"\"}", "scopes"},
		{"{\"scope\":[]}", "scopes"},
		{"{\"scope\":{}}", "scopes"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		json_t *claims = test_claims_make(rows[i].changes);
		char *text = json_dumps(claims, JSON_COMPACT);
		char *token = test_token_sign(key, TEST_HEADER, text);

		tap_ok(&tap, test_token_passes(verifier, token, rows[i].reason) == (rows[i].reason == NULL),
			   "claims %s: %s", rows[i].changes, rows[i].reason != NULL ? rows[i].reason : "good");
		free(token);
		free(text);
		json_decref(claims);
	}
}

static void
check_headers(void)
{
	static const struct
	{
		const char *header;
		const char *reason;
	} rows[] = {
		{TEST_HEADER, NULL},
		{"{\"alg\":\"Ed25519\",\"typ\":\"application/AT+JWT\",\"kid\":\"" TEST_KEY_KID "\"}", NULL},
		{"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", NULL},
		{"{\"alg\":\"none\",\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":\"None\",\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":\"RSA1_5\",\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":\"eddsa\",\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":[\"EdDSA\"],\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"typ\":\"at+jwt\"}", "algorithm is not accepted"},
		{"{\"alg\":\"EdDSA\"}", "type"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", "type"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"]}", "crit"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"crit\":null}", "crit"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"other\"}", "not one of its issuer"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":1}", "kid"},
		{"{\"alg\":\"none\",\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", "header is no JSON"},
		{"{\"alg\":\"EdDSA\\u0000\",\"typ\":\"at+jwt\"}", "header is no JSON"},
		{"[\"EdDSA\"]", "header is no JSON"},
		{"\"EdDSA\"", "header is no JSON"},
		{"{\"alg\":\"EdDSA\",", "header is no JSON"},
	};
	json_t *claims = test_claims_make("{}");
	char *text = json_dumps(claims, JSON_COMPACT);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		char *token = test_token_sign(key, rows[i].header, text);

		tap_ok(&tap, test_token_passes(verifier, token, rows[i].reason) == (rows[i].reason == NULL),
			   "header %s: %s", rows[i].header, rows[i].reason != NULL ? rows[i].reason : "good");
		free(token);
	}
	free(text);
	json_decref(claims);
}

/* What is no token at all, and a good one with one thing about its text changed. */
static void
check_forms(void)
{
	static const char *const bad[] = {"",
									  "Bearer",
									  "Bearer ",
									  "Basic Zm9vOmJhcg==",
									  "Bearer x",
									  "Bearer .",
									  "Bearer ..",
									  "Bearer ...",
									  "Bearer e30.e30.",
									  "Bearer e30.e30.e30",
									  "Bearer eyJhbGciOiJFZERTQSJ9..",
									  "Bearer eyJhbGciOiJFZERTQSJ9.e30.AA==",
									  "Bearer \xff\xfe.e30.AA"};
	json_t *claims = test_claims_make("{}");
	char *text = json_dumps(claims, JSON_COMPACT);
	char *token = test_token_sign(key, TEST_HEADER, text);
	size_t length = strlen(token);
	bool all_refused = true;

	tap_ok(&tap, !test_token_passes(verifier, NULL, "send one"), "no header at all");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(&tap, !test_token_passes(verifier, bad[i], "token: "), "no token: %s", bad[i]);
	for (size_t i = 7; i < length; i++)
	{
		char had = token[i];

		token[i] = had == 'A' ? 'B' : 'A';
		all_refused = all_refused && !test_token_passes(verifier, token, "token: ");
		token[i] = had;
	}
	tap_ok(&tap, all_refused, "a token with any one character changed is refused");
	for (size_t cut = 7; cut < length; cut++)
	{
		char had = token[cut];

		token[cut] = '\0';
		all_refused = all_refused && !test_token_passes(verifier, token, "token: ");
		token[cut] = had;
	}
	tap_ok(&tap, all_refused, "a token cut anywhere is refused");
	tap_ok(&tap, test_token_passes(verifier, token, NULL), "and as it was it is good");
	memcpy(token, "bEARER", 6);
	tap_ok(&tap, test_token_passes(verifier, token, NULL), "the scheme's name in any case");
	free(token);
	free(text);
	json_decref(claims);

	claims = test_claims_make("{}");
	text = malloc(8000);
	memset(text, 'x', 7999);
	text[7999] = '\0';
	json_object_set_new(claims, "x", json_string(text));
	free(text);
	text = json_dumps(claims, JSON_COMPACT);
	text[6000] = '\0';
	token = test_token_sign(key, TEST_HEADER, text);
	token = realloc(token, 20000);
	memset(token + strlen(token), 'A', 9000);
	token[9000] = '\0';
	tap_ok(&tap, !test_token_passes(verifier, token, "too long"), "a token beyond the size limit");
	free(token);
	free(text);
	json_decref(claims);
}

static void
check_own(void)
{
	const TokenOrder order = {.node = TEST_NODE,
							  .client = "client-1",
							  .scope = "registry.search",
							  .lifetime_seconds = 3600};
	BearerClaims claims;
	Failure failure = {0};
	Buffer token;

	buffer_init(&token, 10000);
	buffer_append_text(&token, "Bearer ");
	tap_ok(&tap, token_issue(key, &order, TEST_NOW * 1000, &token, &failure), "a token is made");
	tap_ok(&tap, bearer_verify(verifier, token.data, TEST_NOW * 1000 + 3599000, &claims, &failure),
		   "and is good an hour later");
	tap_is(&tap, claims.client, "client-1", "client");
	tap_is(&tap, claims.issuer, TEST_NODE, "issuer");
	tap_is(&tap, claims.scope, "registry.search", "scope");
	tap_is_int(&tap, claims.expires, TEST_NOW + 3600, "expires");
	tap_ok(&tap, !bearer_verify(verifier, token.data, TEST_NOW * 1000 + 3660000, &claims, &failure),
		   "but not a minute after that");
	tap_ok(&tap, bearer_set_own(verifier, "other.example.org", test_jwks(key)),
		   "the node has another name");
	tap_ok(&tap, !test_token_passes(verifier, token.data, "issuer is not known"),
		   "tokens of the old name are refused");
	tap_ok(&tap, !bearer_set_own(verifier, TEST_NODE, "{\"keys\":7}"), "keys that are none");
	tap_ok(&tap, bearer_set_own(verifier, TEST_NODE, NULL), "the node has no key");
	tap_ok(&tap,
		   !bearer_verify(verifier, token.data, TEST_NOW * 1000, &claims, &failure) &&
			   failure.kind == FAILURE_KEY,
		   "that is our trouble, not the partner's");
	tap_ok(&tap, bearer_set_own(verifier, TEST_NODE, test_jwks(key)), "and as it was");
	buffer_free(&token);
}

static void
check_scopes(void)
{
	static const struct
	{
		const char *scopes;
		const char *wanted;
		bool allowed;
	} rows[] = {
		{"", "registry.search", true},
		{"registry.search", "registry.search", true},
		{"registry/search", "registry.search", true},
		{"a  registry/search b", "registry.search", true},
		{"registry.search", "registry.subscribe", false},
		{"registry.searc", "registry.search", false},
		{"registry.searches", "registry.search", false},
		{"registry.on-search", "registry.search", false},
		{"registry.subscribe", "registry.unsubscribe", true},
		{"registry/subscribe", "registry.unsubscribe", true},
		{"registry.unsubscribe", "registry.subscribe", false},
		{" ", "registry.search", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		BearerClaims claims = {0};

		strcpy(claims.scope, rows[i].scopes);
		tap_ok(&tap, bearer_allows(&claims, rows[i].wanted) == rows[i].allowed,
			   "scopes \"%s\" and %s", rows[i].scopes, rows[i].wanted);
	}
}

int
main(void)
{
	verifier = bearer_new();
	key = test_key_load();
	tap_ok(&tap, bearer_set_own(verifier, TEST_NODE, test_jwks(key)), "our own tokens are trusted");
	check_own();
	check_claims();
	check_headers();
	check_forms();
	check_scopes();
	bearer_free(verifier);
	signing_key_free(key);
	return tap_done(&tap);
}
