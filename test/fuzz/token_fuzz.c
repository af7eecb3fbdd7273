/*
 * token_fuzz.c
 *		Bearer tokens as anybody may send them, and with a good signature around any content: none
 *		passes that our key has not signed, and none says what the rules do not allow. Requests for
 *		tokens and answers to ours are read on the way.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "token/bearer.h"
#include "token/jwt_claims.h"
#include "test_key.h"
#include "token/token_answer.h"
#include "token/token_request.h"

#define NOW INT64_C(1800000000)
#define NODE "sp.example.org"

/* Outside issuers, whose private keys nobody has: nothing of theirs can pass. */
static const char issuers_text[] =
	"[{\"issuer\":\"out\",\"audience\":\"" NODE
	"\",\"algorithms\":[\"RS256\",\"PS256\",\"ES256\"],\"client_claim\":\"sub\",\"scope_claim\":"
	"\"scope\",\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":"
	"\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":"
	"\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"},{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":"
	"\"AQAB\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aP"
	"FFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4"
	"QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08q"
	"NLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
	"nqDKgw\"}]}]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SigningKey *key;
static BearerVerifier *verifier;

static void
set_up(void)
{
	json_t *issuers = json_loads(issuers_text, 0, NULL);
	char jwks[512];
	Failure failure;

	key = test_key_load();
	verifier = bearer_new();
	snprintf(jwks, sizeof(jwks), "{\"keys\":[%s]}", signing_key_jwk(key));
	if (!bearer_set_own(verifier, NODE, jwks) || !bearer_set_issuers(verifier, issuers, &failure))
		abort();
	json_decref(issuers);
}

/* Ed25519 has one signature for each text and key. */
static void
signature_is_ours(const char *token)
{
	const char *last = strrchr(token, '.');
	unsigned char ours[64];
	unsigned char theirs[64];
	Failure failure;

	if (last == NULL || !signing_key_sign(key, token, (size_t) (last - token), ours, &failure) ||
		!base64_decode(last + 1, strlen(last + 1), theirs, 64) || memcmp(ours, theirs, 64) != 0)
		abort();
}

static void
token_try(const char *authorization)
{
	BearerClaims claims;
	Failure failure = {0};

	if (!bearer_verify(verifier, authorization, NOW * 1000, &claims, &failure))
	{
		if (failure.kind != FAILURE_INPUT || failure.text[0] == '\0')
			abort();
		return;
	}
	signature_is_ours(authorization + 7 + strspn(authorization + 7, " "));
	if (strcmp(claims.issuer, NODE) != 0 || claims.client[0] == '\0' ||
		claims.expires + JWT_SKEW_SECONDS <= NOW ||
		claims.expires > NOW + JWT_MAX_LIFETIME_SECONDS + 2 * JWT_SKEW_SECONDS)
		abort();
	(void) bearer_allows(&claims, "registry.search");
}

/* Header and claims from the input, with a zero byte between, signed as if they were ours. */
static void
signed_try(const char *text, size_t size)
{
	const char *claims = memchr(text, '\0', size);
	size_t header_size = claims != NULL ? (size_t) (claims - text) : size;
	size_t claims_size = claims != NULL ? size - header_size - 1 : 0;
	char *token = malloc(BASE64_SIZE(size) * 2 + 128);
	unsigned char signature[64];
	Failure failure;
	char *end;

	strcpy(token, "Bearer ");
	base64url_encode(text, header_size, token + 7);
	end = token + strlen(token);
	*end++ = '.';
	base64url_encode(text + size - claims_size, claims_size, end);
	end += strlen(end);
	if (!signing_key_sign(key, token + 7, (size_t) (end - token - 7), signature, &failure))
		abort();
	*end++ = '.';
	base64url_encode(signature, sizeof(signature), end);
	token_try(token);
	free(token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	TokenRequest request;
	TokenProblem problem;
	TokenAnswer answer;
	Failure failure;

	if (key == NULL)
		set_up();
	memcpy(text, data, size);
	text[size] = '\0';
	token_try(text);
	signed_try(text, size);
	if (token_request_read(NULL, text, size, &request, &problem) && request.client_id[0] == '\0')
		abort();
	(void) token_request_read(text, "grant_type=client_credentials", 29, &request, &problem);
	if (token_answer_read(200, text, size, &answer, &failure) &&
		strpbrk(answer.authorization, "\r\n\t") != NULL)
		abort();
	free(text);
	return 0;
}
