/*
 * router_turn.h
 *		When to look for changes and for received items, and when to sleep: one bridge at a time
 *		routes and applies. Knows nothing of delivery, HTTP or what a change says.
 */
#ifndef ROUTER_TURN_H
#define ROUTER_TURN_H

#include <stdbool.h>

#include "config/config.h"
#include "base/event_loop.h"
#include "base/failure.h"
#include "base/log.h"
#include "database/pg_session.h"

typedef struct RouterTurn RouterTurn;

/*
 * routed is called when something may have become due for delivery, and once at the end of every
 * turn; is_news: notifications have been written. The session is the router's own; the owner
 * passes connected and lost on.
 */
extern RouterTurn *router_turn_new(EventLoop *loop, const Log *log, const Config *const *config,
								   PgSession *session, void (*routed)(void *context, bool is_news),
								   void *context, Failure *failure);
extern void router_turn_free(RouterTurn *router);

/* A node that is paused or unknown neither routes nor applies. */
extern void router_turn_set_open(RouterTurn *router, bool is_open);

extern void router_turn_wake(RouterTurn *router);		/* changes may have been made */
extern void router_turn_wake_inbox(RouterTurn *router); /* something was received */

extern void router_turn_connected(RouterTurn *router);
extern void router_turn_lost(RouterTurn *router);

/* What of it fails now, and why, in words; NULL when nothing does. */
extern const char *router_turn_trouble(const RouterTurn *router);

/* Does this bridge hold the router's lock? */
extern bool router_turn_is_router(const RouterTurn *router);

#endif
