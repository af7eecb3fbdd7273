/*
 * upkeep.c
 *		See upkeep.h. Must not know what the router does.
 */
#include "turn/upkeep.h"

#include <stdlib.h>

#include "database/pg_row.h"
#include "database/sql_call.h"

#define EVERY_MS 60000
/* Between two steps of forgetting what is old others have their turn. */
#define PRUNE_AGAIN_MS 250

struct Upkeep
{
	const Log *log;
	PgSession *session;
	UpkeepHandlers handlers;
	void *context;
	Timer *timer;
	int64_t next_tidy;	/* logs and queues must not grow for ever */
	int64_t next_prune; /* nor what is settled */
};

static void
upkeep_has_tidied(void *context, const PGresult *result, const Failure *failure)
{
	Upkeep *upkeep = context;

	if (result == NULL)
		upkeep->handlers.failed(upkeep->context, "tidy_failed", failure);
	else
		upkeep->handlers.go_on(upkeep->context);
}

/* Nobody waits for it: what fails here holds up nothing, and comes again. */
static void
upkeep_has_pruned(void *context, const PGresult *result, const Failure *failure)
{
	Upkeep *upkeep = context;

	if (result == NULL && pg_session_is_connected(upkeep->session))
		log_warning(upkeep->log, "prune_failed", "reason", failure->text, NULL);
	if (result != NULL && pg_row_number(result, 0, 0) > 0)
		log_info(upkeep->log, "pruned", "rows", LOG_INT(pg_row_number(result, 0, 0)), NULL);
	if (result != NULL && pg_row_is_true(result, 0, 1))
	{
		upkeep->next_prune = event_loop_now() + PRUNE_AGAIN_MS;
		timer_set(upkeep->timer, PRUNE_AGAIN_MS);
	}
	upkeep->handlers.go_on(upkeep->context);
}

static bool
upkeep_query(Upkeep *upkeep, SqlCallId call, PgResultHandler handler, const char *event)
{
	Failure failure;

	if (pg_session_query(upkeep->session, SQL_CALL(call), NULL, handler, upkeep, &failure))
		return true;
	if (pg_session_is_connected(upkeep->session))
		log_warning(upkeep->log, event, "reason", failure.text, NULL);
	return false;
}

bool
upkeep_ask(Upkeep *upkeep)
{
	int64_t now = event_loop_now();

	if (now >= upkeep->next_tidy)
	{
		upkeep->next_tidy = now + EVERY_MS;
		return upkeep_query(upkeep, CALL_TIDY, upkeep_has_tidied, "tidy_failed");
	}
	if (now >= upkeep->next_prune)
	{
		upkeep->next_prune = now + EVERY_MS;
		return upkeep_query(upkeep, CALL_PRUNE_STEP, upkeep_has_pruned, "prune_failed");
	}
	return false;
}

static void
upkeep_timer(void *context)
{
	Upkeep *upkeep = context;

	upkeep->handlers.is_due(upkeep->context);
}

Upkeep *
upkeep_new(EventLoop *loop, const Log *log, PgSession *session, const UpkeepHandlers *handlers,
		   void *context, Failure *failure)
{
	Upkeep *upkeep = calloc(1, sizeof(Upkeep));

	if (upkeep != NULL)
	{
		upkeep->log = log;
		upkeep->session = session;
		upkeep->handlers = *handlers;
		upkeep->context = context;
		upkeep->timer = timer_new(loop, upkeep_timer, upkeep);
	}
	if (upkeep == NULL || upkeep->timer == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		upkeep_free(upkeep);
		return NULL;
	}
	return upkeep;
}

void
upkeep_free(Upkeep *upkeep)
{
	if (upkeep == NULL)
		return;
	timer_free(upkeep->timer);
	free(upkeep);
}
