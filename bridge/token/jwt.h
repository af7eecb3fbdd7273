/*
 * jwt.h
 *		One JSON Web Token in compact form and its parts (pure). Knows nothing of keys, issuers,
 *		partners or HTTP.
 */
#ifndef JWT_H
#define JWT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

#define JWT_MAX_LENGTH 8192
#define JWT_MAX_SIGNATURE 1024 /* RSA of 8192 bits */
#define JWT_KID_SIZE 256

/* Bits, so that an allow-list is a number. There is none for "none" and for shared secrets. */
typedef enum JwtAlgorithm
{
	JWT_EDDSA = 1,
	JWT_ES256 = 2,
	JWT_ES384 = 4,
	JWT_ES512 = 8,
	JWT_PS256 = 16,
	JWT_PS384 = 32,
	JWT_PS512 = 64,
	JWT_RS256 = 128,
	JWT_RS384 = 256,
	JWT_RS512 = 512
} JwtAlgorithm;

/* All members belong to the token or point into its text, which must stay. */
typedef struct Jwt
{
	json_t *header;
	json_t *claims;
	JwtAlgorithm algorithm;
	const char *kid; /* NULL when the token names none */
	const char *text;
	size_t header_length;
	size_t signed_length; /* header, dot, claims: what was signed */
	unsigned char signature[JWT_MAX_SIGNATURE];
	size_t signature_length;
} Jwt;

/* The algorithm's bit, 0 when it is not one of ours; "none" and HS256 never are. */
extern unsigned int jwt_algorithm_find(const char *name);

/*
 * Takes a token apart; its algorithm must be in the allow-list. On false (FAILURE_INPUT with a
 * text fit for whoever sent it, or FAILURE_MEMORY) there is nothing to free.
 */
extern bool jwt_parse(const char *text, size_t length, unsigned int allowed, Jwt *jwt,
					  Failure *failure);
extern void jwt_free(Jwt *jwt);

#endif /* JWT_H */
