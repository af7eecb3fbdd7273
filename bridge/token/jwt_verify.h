/*
 * jwt_verify.h
 *		Did this key sign this token? Knows nothing of what the token says.
 */
#ifndef JWT_VERIFY_H
#define JWT_VERIFY_H

#include "token/jwt.h"

/*
 * True when this public key (JWK) made the signature. Key and algorithm must be of one kind, and
 * what the key says of its own use is kept to. RSA keys must have 2048 to 8192 bits.
 */
extern bool jwt_is_signed_by(const Jwt *jwt, const json_t *jwk);

#endif /* JWT_VERIFY_H */
