/*
 * jws.h
 *		A message whose signature is a JSON Web Signature (RFC 7515), as some systems write it:
 *		compact, or detached (its appendix F). Knows nothing of partners, HTTP or the database.
 */
#ifndef JWS_H
#define JWS_H

#include <jansson.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/failure.h"

#define JWS_KID_SIZE 128

/* Is the signature of the message of that kind? It may still be a bad one. */
extern bool jws_is_one(const json_t *envelope);

/*
 * As signature_verify() of a message of which jws_is_one() said so. A compact one must hold header
 * and message and nothing else; a detached one is over them as received, or in the form of RFC
 * 8785. content: ours to write into, with a ceiling; on true it is left empty unless the body could
 * be read as another message than was signed.
 */
extern bool jws_verify(const json_t *envelope, const char *body, size_t length, const json_t *keys,
					   int64_t now_ms, char kid[JWS_KID_SIZE], Buffer *content, Failure *failure);

#endif /* JWS_H */
