/*
 * bearer.c
 *		Finds the issuer that a token claims, then believes nothing that this issuer's keys and
 *		rules do not confirm.
 */
#include "token/bearer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "token/jwt_claims.h"
#include "token/jwt_verify.h"

#define KEYS_TRIED_MAX 4
#define EVERY_ALGORITHM (~0U)

typedef struct BearerIssuer
{
	char issuer[256];
	char audience[256];
	char client_claim[64];
	char scope_claim[64]; /* "": the token's scopes do not concern us */
	unsigned int algorithms;
	bool is_ours;
	json_t *keys; /* a list, or NULL while none were got */
} BearerIssuer;

struct BearerVerifier
{
	BearerIssuer own;
	BearerIssuer *others;
	size_t other_count;
	void (*unknown_key)(void *context, const char *issuer);
	void *context;
};

BearerVerifier *
bearer_new(void)
{
	return calloc(1, sizeof(BearerVerifier));
}

static void
issuers_free(BearerIssuer *issuers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_decref(issuers[i].keys);
	free(issuers);
}

void
bearer_free(BearerVerifier *verifier)
{
	if (verifier == NULL)
		return;
	json_decref(verifier->own.keys);
	issuers_free(verifier->others, verifier->other_count);
	free(verifier);
}

/* False when it does not fit: a cut name would be another one. */
static bool
text_fit(char *to, size_t size, const json_t *value)
{
	size_t length = json_string_length(value);

	if (!json_is_string(value) || length >= size)
		return false;
	memcpy(to, json_string_value(value), length + 1);
	return true;
}

bool
bearer_set_own(BearerVerifier *verifier, const char *sender_id, const char *jwks)
{
	BearerIssuer own = {.client_claim = "client_id",
						.scope_claim = "scope",
						.algorithms = JWT_EDDSA,
						.is_ours = true};
	json_t *set;

	json_decref(verifier->own.keys);
	verifier->own.keys = NULL;
	if (jwks == NULL || strlen(sender_id) >= sizeof(own.issuer))
		return jwks == NULL;
	snprintf(own.issuer, sizeof(own.issuer), "%s", sender_id);
	snprintf(own.audience, sizeof(own.audience), "%s", sender_id);
	set = json_loads(jwks, 0, NULL);
	/* the set is freed with everything else in it */
	own.keys = json_incref(json_object_get(set, "keys"));
	json_decref(set);
	if (!json_is_array(own.keys))
	{
		json_decref(own.keys);
		return false;
	}
	verifier->own = own;
	return true;
}

static bool
issuer_read(const json_t *row, BearerIssuer *issuer)
{
	const json_t *algorithms = json_object_get(row, "algorithms");
	json_t *keys = json_object_get(row, "keys");

	for (size_t i = 0; i < json_array_size(algorithms); i++)
		issuer->algorithms |= jwt_algorithm_find(json_string_value(json_array_get(algorithms, i)));
	if (json_is_array(keys))
		issuer->keys = json_incref(keys);
	return text_fit(issuer->issuer, sizeof(issuer->issuer), json_object_get(row, "issuer")) &&
		   text_fit(issuer->audience, sizeof(issuer->audience), json_object_get(row, "audience")) &&
		   text_fit(issuer->client_claim, sizeof(issuer->client_claim),
					json_object_get(row, "client_claim")) &&
		   text_fit(issuer->scope_claim, sizeof(issuer->scope_claim),
					json_object_get(row, "scope_claim"));
}

bool
bearer_set_issuers(BearerVerifier *verifier, const json_t *issuers, Failure *failure)
{
	size_t count = json_array_size(issuers);
	BearerIssuer *others = calloc(count + 1, sizeof(BearerIssuer));

	if (others == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (!issuer_read(json_array_get(issuers, i), &others[i]))
		{
			failure_set(failure, FAILURE_INPUT, "an outside issuer cannot be used");
			issuers_free(others, count);
			return false;
		}
	}
	issuers_free(verifier->others, verifier->other_count);
	verifier->others = others;
	verifier->other_count = count;
	return true;
}

void
bearer_on_unknown_key(BearerVerifier *verifier,
					  void (*unknown_key)(void *context, const char *issuer), void *context)
{
	verifier->unknown_key = unknown_key;
	verifier->context = context;
}

/* The token itself, behind the word Bearer and its blanks; NULL when there is none. */
static const char *
token_find(const char *authorization)
{
	if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	authorization += 7;
	return authorization + strspn(authorization, " ");
}

/* What the token says of its issuer only chooses whose rules and keys it must stand up to. */
static const BearerIssuer *
issuer_find(const BearerVerifier *verifier, const Jwt *jwt)
{
	const json_t *claim = json_object_get(jwt->claims, "iss");
	const char *name = json_string_value(claim);

	if (name == NULL)
		return NULL;
	/* ours first: no outside issuer may be set up under our own name */
	if (verifier->own.keys != NULL && strcmp(verifier->own.issuer, name) == 0)
		return &verifier->own;
	for (size_t i = 0; i < verifier->other_count; i++)
		if (strcmp(verifier->others[i].issuer, name) == 0)
			return &verifier->others[i];
	return NULL;
}

static bool
key_is_named(const json_t *jwk, const char *kid)
{
	const char *have = json_string_value(json_object_get(jwk, "kid"));

	return have != NULL && strcmp(have, kid) == 0;
}

/* A token that names a key is checked with this one only; others with a few. */
static bool
signature_check(const BearerVerifier *verifier, const BearerIssuer *issuer, const Jwt *jwt,
				Failure *failure)
{
	int tried = 0;

	for (size_t i = 0; i < json_array_size(issuer->keys) && tried < KEYS_TRIED_MAX; i++)
	{
		const json_t *jwk = json_array_get(issuer->keys, i);

		if (jwt->kid != NULL && !key_is_named(jwk, jwt->kid))
			continue;
		if (jwt_is_signed_by(jwt, jwk))
			return true;
		tried++;
	}
	/*
	 * Issuers change their keys; whoever invents a key id can make us ask, which is limited there.
	 */
	if (tried == 0 && !issuer->is_ours && verifier->unknown_key != NULL)
		verifier->unknown_key(verifier->context, issuer->issuer);
	if (issuer->keys == NULL)
		failure_set(failure, FAILURE_NETWORK,
					"token: the keys of its issuer have not been fetched yet");
	else
		failure_set(failure, FAILURE_INPUT, "token: %s",
					tried == 0 ? "its key is not one of its issuer" : "its signature is not good");
	return false;
}

/* One text of all words, however the issuer writes them. */
static bool
scope_read(const json_t *value, char *scope, size_t size)
{
	size_t used = 0;

	scope[0] = '\0';
	if (value == NULL || json_is_string(value))
		return value == NULL || text_fit(scope, size, value);
	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++)
	{
		const json_t *word = json_array_get(value, i);

		if (used + 1 >= size || !text_fit(scope + used, size - used - 1, word))
			return false;
		used += json_string_length(word);
		scope[used++] = ' ';
		scope[used] = '\0';
	}
	return true;
}

static bool
claims_take(const BearerIssuer *issuer, const Jwt *jwt, BearerClaims *claims, Failure *failure)
{
	const json_t *scope =
		issuer->scope_claim[0] != '\0' ? json_object_get(jwt->claims, issuer->scope_claim) : NULL;

	snprintf(claims->issuer, sizeof(claims->issuer), "%s", issuer->issuer);
	if (!text_fit(claims->client, sizeof(claims->client),
				  json_object_get(jwt->claims, issuer->client_claim)) ||
		claims->client[0] == '\0')
	{
		failure_set(failure, FAILURE_INPUT, "token: it has no claim %s that names its holder",
					issuer->client_claim);
		return false;
	}
	/* a list of no scopes allows nothing, and "" would allow all */
	if (!scope_read(scope, claims->scope, sizeof(claims->scope)) ||
		(scope != NULL && claims->scope[0] == '\0'))
	{
		failure_set(failure, FAILURE_INPUT, "token: its scopes are no list of words, or too many");
		return false;
	}
	return true;
}

bool
bearer_verify(const BearerVerifier *verifier, const char *authorization, int64_t now_ms,
			  BearerClaims *claims, Failure *failure)
{
	const char *token = token_find(authorization);
	const BearerIssuer *issuer;
	JwtRules rules;
	bool ok = false;
	Jwt jwt;

	memset(claims, 0, sizeof(*claims));
	if (token == NULL)
	{
		failure_set(failure, FAILURE_INPUT,
					"token: send one in the header Authorization: Bearer …");
		return false;
	}
	if (!jwt_parse(token, strlen(token), EVERY_ALGORITHM, &jwt, failure))
		return false;
	issuer = issuer_find(verifier, &jwt);
	if (issuer == NULL && verifier->own.keys == NULL)
		failure_set(failure, FAILURE_KEY, "this node cannot check tokens at the moment");
	else if (issuer == NULL)
		failure_set(failure, FAILURE_INPUT, "token: its issuer is not known here");
	else if ((jwt.algorithm & issuer->algorithms) == 0)
		failure_set(failure, FAILURE_INPUT, "token: its algorithm is not accepted");
	else
	{
		rules = (JwtRules){.issuer = issuer->issuer,
						   .audience = issuer->audience,
						   .is_access_token = issuer->is_ours};
		/* the claims first: they cost nothing, and an expired token is never worth a signature */
		ok = jwt_claims_check(&jwt, &rules, now_ms, &claims->expires, failure) &&
			 signature_check(verifier, issuer, &jwt, failure) &&
			 claims_take(issuer, &jwt, claims, failure);
	}
	jwt_free(&jwt);
	return ok;
}

/* The word registry.subscribe, also written registry/subscribe, in a list of words. */
static bool
scope_has(const char *scopes, const char *wanted)
{
	size_t length = strlen(wanted);

	while (*scopes != '\0')
	{
		size_t word = strcspn(scopes, " ");
		size_t i = 0;

		while (i < word && i < length &&
			   (scopes[i] == wanted[i] || (scopes[i] == '/' && wanted[i] == '.')))
			i++;
		if (word == length && i == length)
			return true;
		scopes += word;
		scopes += strspn(scopes, " ");
	}
	return false;
}

bool
bearer_allows(const BearerClaims *claims, const char *scope)
{
	/* No scope at all means that the issuer does not restrict: agreements do, in the database. */
	if (claims->scope[0] == '\0' || scope_has(claims->scope, scope))
		return true;
	return strcmp(scope, "registry.unsubscribe") == 0 &&
		   scope_has(claims->scope, "registry.subscribe");
}
