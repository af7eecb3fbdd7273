/*
 * gate.c
 *		Opens and shuts the gate as linger.h says. Must not know what the router does.
 */
#include "turn/gate.h"

#include <stdlib.h>

#include "database/pg_row.h"
#include "database/sql_call.h"
#include "turn/linger.h"

/* Commits that pass the gate just now are over in about that time. */
#define SHUT_WAIT_MS "5"

struct Gate
{
	const Log *log;
	PgSession *session;
	GateHandlers handlers;
	void *context;
	Timer *timer;
	Linger linger;
	int64_t look_within_ms;
};

/* Nothing is known of the gate then: the router looks by itself. */
static void
gate_failed(Gate *gate, const Failure *failure)
{
	if (!pg_session_is_connected(gate->session))
		return;
	log_warning(gate->log, "gate_failed", "reason", failure->text, NULL);
	linger_failed(&gate->linger, event_loop_now());
}

static void
gate_opened(void *context, const PGresult *result, const Failure *failure)
{
	Gate *gate = context;

	if (result != NULL)
		linger_opened(&gate->linger);
	else
		gate_failed(gate, failure);
	gate->handlers.go_on(gate->context);
}

static void
gate_shut(void *context, const PGresult *result, const Failure *failure)
{
	Gate *gate = context;

	if (result != NULL)
	{
		linger_shut(&gate->linger, pg_row_is_true(result, 0, 0));
		gate->look_within_ms = pg_row_number(result, 0, 1);
		/* for what has passed before it was shut */
		if (gate->linger.is_shut)
			gate->handlers.look(gate->context);
	}
	else
		gate_failed(gate, failure);
	gate->handlers.go_on(gate->context);
}

static bool
gate_query(Gate *gate, SqlCallId call, const PgParam *params, PgResultHandler handler)
{
	Failure failure;

	if (pg_session_query(gate->session, SQL_CALL(call), params, handler, gate, &failure))
		return true;
	gate_failed(gate, &failure);
	return false;
}

bool
gate_ask(Gate *gate, bool is_idle)
{
	static const PgParam wait[] = {PG_TEXT(SHUT_WAIT_MS)};
	int64_t now = event_loop_now();

	switch (linger_step(&gate->linger, now))
	{
		case LINGER_OPEN:
			return gate_query(gate, CALL_GATE_OPEN, NULL, gate_opened);
		case LINGER_SHUT:
			if (is_idle && gate_query(gate, CALL_GATE_CLOSE, wait, gate_shut))
				return true;
			break;
		default:
			break;
	}
	if (is_idle && linger_step(&gate->linger, now) == LINGER_LOOK)
		timer_set_sooner(gate->timer, linger_wait(&gate->linger, now));
	return false;
}

static void
gate_timer(void *context)
{
	Gate *gate = context;

	gate->handlers.look(gate->context);
}

void
gate_look(Gate *gate)
{
	linger_look(&gate->linger, event_loop_now());
}

void
gate_found(Gate *gate)
{
	linger_found(&gate->linger, event_loop_now());
}

void
gate_lost(Gate *gate)
{
	gate->linger = (Linger){0};
}

int64_t
gate_look_within(const Gate *gate)
{
	return gate->look_within_ms;
}

Gate *
gate_new(EventLoop *loop, const Log *log, PgSession *session, const GateHandlers *handlers,
		 void *context, Failure *failure)
{
	Gate *gate = calloc(1, sizeof(Gate));

	if (gate != NULL)
	{
		gate->log = log;
		gate->session = session;
		gate->handlers = *handlers;
		gate->context = context;
		gate->timer = timer_new(loop, gate_timer, gate);
	}
	if (gate == NULL || gate->timer == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		gate_free(gate);
		return NULL;
	}
	return gate;
}

void
gate_free(Gate *gate)
{
	if (gate == NULL)
		return;
	timer_free(gate->timer);
	free(gate);
}
