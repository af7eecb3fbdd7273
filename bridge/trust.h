/*
 * trust.h
 *		How partners get in and we get in at partners, as one part of the bridge: the verifier of
 *		tokens, our own tokens at partners, keys that others publish. Knows nothing of messages.
 */
#ifndef TRUST_H
#define TRUST_H

#include "database/control.h"
#include "token/jwks_turn.h"
#include "key/key_ring.h"
#include "token/token_client.h"

typedef struct Trust
{
	TokenClient *tokens;
	BearerVerifier *bearer;
	JwksTurn *jwks;
} Trust;

/* The parts' bearer is ours. False when out of memory; then trust_free all the same. */
extern bool trust_set_up(Trust *trust, const JwksParts *parts);
extern void trust_free(Trust *trust); /* after the session and the sender */

/*
 * Something about the node or its keys is different. keys: NULL while they are not what they
 * should be; then tokens of our own do not count. False when out of memory: they do not either.
 */
extern bool trust_judge(Trust *trust, const ControlNode *node, const KeyRing *keys, bool may_act);

#endif /* TRUST_H */
