/*
 * upkeep.h
 *		What the bridge that routes does between turns: leaves are emptied, what is old is forgotten
 *		in small steps. When to ask for which, and the questions to the database.
 */
#ifndef UPKEEP_H
#define UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/event_loop.h"
#include "base/failure.h"
#include "base/log.h"
#include "database/pg_session.h"

typedef struct Upkeep Upkeep;

typedef struct UpkeepHandlers
{
	/* It is time for something: upkeep_ask() is to be called when the session is free. */
	void (*is_due)(void *context);
	/* What upkeep_ask() has asked is answered, or failed for good. */
	void (*go_on)(void *context);
	/* Logs and queues would grow: the database is in trouble. Instead of go_on. */
	void (*failed)(void *context, const char *event, const Failure *failure);
} UpkeepHandlers;

extern Upkeep *upkeep_new(EventLoop *loop, const Log *log, PgSession *session,
						  const UpkeepHandlers *handlers, void *context, Failure *failure);
extern void upkeep_free(Upkeep *upkeep);

/* True: a question is under way, and go_on or failed follows, unless the session is lost before. */
extern bool upkeep_ask(Upkeep *upkeep);

#endif
