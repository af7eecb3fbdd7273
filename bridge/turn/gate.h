/*
 * gate.h
 *		The gate that commits of changes pass while the router is awake, and that it shuts before it
 *		sleeps: when to do which, and the two questions to the database. See doc/capture.md.
 */
#ifndef GATE_H
#define GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/event_loop.h"
#include "base/failure.h"
#include "base/log.h"
#include "database/pg_session.h"

typedef struct Gate Gate;

typedef struct GateHandlers
{
	/* Changes are to be looked for: nobody has rung for them. */
	void (*look)(void *context);
	/* What gate_ask() has asked is answered. */
	void (*go_on)(void *context);
} GateHandlers;

/* The session is the router's: its locks are what keeps the gate shut. */
extern Gate *gate_new(EventLoop *loop, const Log *log, PgSession *session,
					  const GateHandlers *handlers, void *context, Failure *failure);
extern void gate_free(Gate *gate);

/*
 * To be called before each look and, with is_idle, when there is nothing to do. True: it has a
 * question under way, and go_on follows, unless the session is lost before.
 */
extern bool gate_ask(Gate *gate, bool is_idle);

extern void gate_look(Gate *gate);	/* a look begins */
extern void gate_found(Gate *gate); /* it has found changes, and is over */
extern void gate_lost(Gate *gate);	/* the session is over, and what it has shut is open */

/* How long may be slept with the gate shut: some commits cannot ring. 0: for ever. */
extern int64_t gate_look_within(const Gate *gate);

#endif
