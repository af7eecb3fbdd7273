/*
 * jwks_turn.h
 *		Keeps up with keys that others publish: fetches them when the database says so, and tells
 *		the verifier of tokens about outside issuers. Knows nothing of what a key is worth.
 */
#ifndef JWKS_TURN_H
#define JWKS_TURN_H

#include "token/bearer.h"
#include "config/config.h"
#include "database/pg_session.h"
#include "net/sender.h"

typedef struct JwksTurn JwksTurn;

typedef struct JwksParts
{
	EventLoop *loop;
	const Log *log;
	const Config *const *config; /* read anew at each use */
	PgSession *session;			 /* shared with others; asked little */
	Sender *sender;
	BearerVerifier *bearer;
} JwksParts;

/* NULL when out of memory. */
extern JwksTurn *jwks_turn_new(const JwksParts *parts);
extern void jwks_turn_free(JwksTurn *turn); /* after the session and the sender */

/* May it fetch? Issuers are asked for all the same. */
extern void jwks_turn_set_open(JwksTurn *turn, bool is_open);

#endif /* JWKS_TURN_H */
