/*
 * jwt_claims.h
 *		The claims of a token against what its issuer is expected to say (pure). Knows nothing of
 *		keys and signatures.
 */
#ifndef JWT_CLAIMS_H
#define JWT_CLAIMS_H

#include <stdint.h>

#include "token/jwt.h"

#define JWT_SKEW_SECONDS 60
#define JWT_MAX_LIFETIME_SECONDS 86400

typedef struct JwtRules
{
	const char *issuer;
	const char *audience;
	bool is_access_token; /* typ must say so (RFC 9068), and iat must be there */
} JwtRules;

/* False (FAILURE_INPUT, a text fit for whoever sent the token) when it does not count now. */
extern bool jwt_claims_check(const Jwt *jwt, const JwtRules *rules, int64_t now_ms,
							 int64_t *expires, Failure *failure);

#endif /* JWT_CLAIMS_H */
