/*
 * api_parts.h
 *		What the endpoints are given by the bridge. Knows no endpoint.
 */
#ifndef API_PARTS_H
#define API_PARTS_H

#include <stdbool.h>

#include "database/control.h"
#include "key/key_ring.h"
#include "token/bearer.h"

/* This bridge's own share of the work, as it is now. */
typedef struct ApiReadiness
{
	bool can_sign;
	const char *cannot_sign_reason; /* "" when it can */
	bool is_connected;				/* the sessions for routing and delivery */
	bool is_router;
	const char *turn_trouble; /* what it does again and again and fails to do now; NULL: nothing */
	bool is_stopping;
} ApiReadiness;

typedef struct ApiParts
{
	EventLoop *loop;
	const Log *log;
	const ControlNode *node;
	const KeyRing *const *keys; /* read anew at each use; NULL there: they cannot be read now */
	const Config *const *config;
	const BearerVerifier *bearer;

	/* The key that answers are signed with; NULL while this node may not speak. */
	const SigningKey *(*signing_key)(void *context);
	void (*received)(void *context); /* a message was stored */
	ApiReadiness (*readiness)(void *context);
	void *context;
} ApiParts;

#endif
