/*
 * jwt_jose.h
 *		Signatures by RSA and elliptic curves; the one place that calls libjose for them. Knows
 *		nothing of what was signed.
 */
#ifndef JWT_JOSE_H
#define JWT_JOSE_H

#include "token/jwt.h"

/*
 * True when the key made the signature. The caller has seen that algorithm and key are of one
 * kind; RSA keys under 2048 bits or of unusual size are refused here.
 */
extern bool jwt_jose_verify(const Jwt *jwt, const json_t *jwk);

#endif /* JWT_JOSE_H */
