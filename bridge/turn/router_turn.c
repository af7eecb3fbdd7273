/*
 * router_turn.c
 *		One turn: get the router's lock, route until there is no more, apply what was received,
 *		linger, sleep until the doorbell, the backstop poll or the next due time. Must not know of
 *		delivery.
 */
#include "turn/router_turn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "database/pg_row.h"
#include "database/sql_call.h"
#include "database/turn_trouble.h"
#include "turn/gate.h"
#include "turn/upkeep.h"

#define REST_FIRST_MS 500
#define REST_LAST_MS 60000
#define LOOK_EVERY_MS 60000
/* How soon another bridge is missed that was stopped: its locks went with its sessions. */
#define LOCK_EVERY_MS 1000
#define WATCH_EVERY_MS 2000
#define WATCH_REST_MS 3600000
#define APPLY_RUN_MS 20
/* A single change may fail once for a reason that passes: a lock, a server that restarts. */
#define ALONE_TRIES 2
/* So many turns before a larger one is tried: it would meet what failed once more. */
#define GOOD_TURNS 20

typedef enum RouterState
{
	ROUTER_ASLEEP,
	ROUTER_LOCKING,
	ROUTER_WATCHING,
	ROUTER_ROUTING,
	ROUTER_APPLYING,
	ROUTER_KEEPING_UP,
	ROUTER_LOOKING, /* at all subjects of a registry again */
	ROUTER_AT_GATE
} RouterState;

struct RouterTurn
{
	const Log *log;
	const Config *const *config;
	PgSession *session;
	void (*routed)(void *context, bool is_news);
	void *context;
	Timer *timer;
	Gate *gate;
	Upkeep *upkeep;
	RouterState state;
	bool is_open;
	bool is_locked;
	bool wants_route;
	bool wants_apply;
	int64_t route_from; /* items are applied until then, so that neither starves the other */
	bool has_told;		/* routed was called since the last route() */
	int64_t next_lock;	/* another bridge routes: do not ask at every doorbell */
	int64_t next_watch; /* for other bridges that were stopped with locks of theirs */
	int64_t next_look;	/* registries of which all are to be looked at again */
	int troubles;		/* one after another: the database is not to be asked in a circle */
	int64_t rest_until;
	int chunk; /* changes of one turn: halved when it fails, doubled after some that did not */
	int good_turns;
	int alone_troubles; /* turns with one change that failed, one after another */
	char why[sizeof(((Failure *) NULL)->text)]; /* the last of them */
	TurnTrouble routing;
	TurnTrouble applying;
};

static void router_step(RouterTurn *router);

static void
router_trouble(RouterTurn *router, const char *event, const Failure *failure)
{
	int64_t rest_ms;

	router->state = ROUTER_ASLEEP;
	if (!pg_session_is_connected(router->session))
		return;
	/* what was asked for may not have been done: nothing wanted is forgotten */
	log_error(router->log, event, "reason", failure->text, NULL);
	router->wants_route = true;
	rest_ms = backoff_wait(REST_FIRST_MS, REST_LAST_MS, ++router->troubles);
	router->rest_until = event_loop_now() + rest_ms;
	timer_set_sooner(router->timer, rest_ms);
}

static void
router_forget_trouble(RouterTurn *router)
{
	turn_trouble_forget(&router->routing);
	turn_trouble_forget(&router->applying);
}

static void
router_ask(RouterTurn *router, RouterState state, SqlCallId call, const PgParam *params,
		   PgResultHandler handler, const char *trouble)
{
	Failure failure;

	router->state = state;
	if (!pg_session_query(router->session, SQL_CALL(call), params, handler, router, &failure))
		router_trouble(router, trouble, &failure);
}

/*
 * One change may take more time or memory than there is. Half as many are tried until it is alone,
 * and then it is set aside, so that those behind it do not wait for ever.
 */
static void
router_shrink(RouterTurn *router, const Failure *failure)
{
	if (router->chunk <= 1)
		router->alone_troubles++;
	else
		router->troubles = 0;
	router->good_turns = 0;
	router->chunk = router->chunk / 2 > 1 ? router->chunk / 2 : 1;
	snprintf(router->why, sizeof(router->why), "%s", failure->text);
}

static void
router_grow(RouterTurn *router)
{
	int most = (*router->config)->routing_chunk;

	router->alone_troubles = 0;
	if (router->chunk >= most || ++router->good_turns < GOOD_TURNS)
		return;
	router->good_turns = 0;
	router->chunk = router->chunk > most / 2 ? most : router->chunk * 2;
}

static void
router_tell(RouterTurn *router, bool is_news)
{
	router->has_told = true;
	router->routed(router->context, is_news);
}

/* How long to sleep at most. */
static int64_t
router_patience(const RouterTurn *router)
{
	int64_t poll_ms = (*router->config)->poll_interval_ms;
	int64_t most_ms = router->is_locked ? gate_look_within(router->gate) : LOCK_EVERY_MS;

	return most_ms == 0 || poll_ms < most_ms ? poll_ms : most_ms;
}

static void
router_locked(void *context, const PGresult *result, const Failure *failure)
{
	RouterTurn *router = context;

	if (result == NULL)
	{
		turn_trouble_failed(&router->routing, router->session, failure);
		router_trouble(router, "lock_router_failed", failure);
		return;
	}
	router->state = ROUTER_ASLEEP;
	router->is_locked = pg_row_is_true(result, 0, 0);
	/* a doorbell must not make every idle bridge ask for the lock */
	router->next_lock = event_loop_now() + router_patience(router);
	if (router->is_locked)
		log_info(router->log, "router_lock_taken", NULL);
	else
	{
		router->wants_route = router->wants_apply = false;
		router_forget_trouble(router);
	}
	router_step(router);
}

static void
router_has_watched(void *context, const PGresult *result, const Failure *failure)
{
	RouterTurn *router = context;

	router->state = ROUTER_ASLEEP;
	if (result == NULL && pg_session_is_connected(router->session))
	{
		/* an extension that is older than this bridge does not know the question */
		log_warning(router->log, "end_stopped_bridges_failed", "reason", failure->text, NULL);
		router->next_watch = event_loop_now() + WATCH_REST_MS;
	}
	else if (result != NULL && pg_row_number(result, 0, 0) > 0)
		log_warning(router->log, "stopped_bridge_ended", "sessions",
					LOG_INT(pg_row_number(result, 0, 0)), NULL);
	router_step(router);
}

static void
router_has_routed(void *context, const PGresult *result, const Failure *failure)
{
	RouterTurn *router = context;

	if (result == NULL)
	{
		/* where there is no room for one change there is none for any */
		if (failure->kind != FAILURE_DISK_FULL)
			router_shrink(router, failure);
		turn_trouble_failed(&router->routing, router->session, failure);
		router_trouble(router, "route_failed", failure);
		return;
	}
	turn_trouble_passed(&router->routing, router->session);
	router_grow(router);
	router->state = ROUTER_ASLEEP;
	router->troubles = 0;
	/* what was received gets its share of time before routing goes on */
	router->route_from = event_loop_now() + APPLY_RUN_MS;
	if (pg_row_is_true(result, 0, 2))
		router->wants_route = true;
	if (pg_row_number(result, 0, 0) > 0)
	{
		gate_found(router->gate);
		log_info(router->log, "routed", "changes", LOG_INT(pg_row_number(result, 0, 0)),
				 "notifications", LOG_INT(pg_row_number(result, 0, 1)), NULL);
	}
	if (pg_row_number(result, 0, 1) > 0)
		router_tell(router, true);
	router_step(router);
}

static void
router_has_set_aside(void *context, const PGresult *result, const Failure *failure)
{
	RouterTurn *router = context;

	/* or tried once more, and set aside if it fails again */
	router->alone_troubles = 0;
	if (result == NULL)
	{
		turn_trouble_failed(&router->routing, router->session, failure);
		router_trouble(router, "route_aside_failed", failure);
		return;
	}
	router->state = ROUTER_ASLEEP;
	log_error(router->log, "change_set_aside", "changes", LOG_INT(pg_row_number(result, 0, 0)),
			  "reason", router->why, NULL);
	router->wants_route = true;
	router_step(router);
}

static void
router_has_applied(void *context, const PGresult *result, const Failure *failure)
{
	RouterTurn *router = context;

	if (result == NULL)
	{
		turn_trouble_failed(&router->applying, router->session, failure);
		router_trouble(router, "apply_failed", failure);
		return;
	}
	turn_trouble_passed(&router->applying, router->session);
	router->state = ROUTER_ASLEEP;
	router->troubles = 0;
	if (pg_row_number(result, 0, 0) > 0)
	{
		log_info(router->log, "applied", "items", LOG_INT(pg_row_number(result, 0, 0)), NULL);
		router->has_told = false; /* it may have made something due */
	}
	if (pg_row_is_true(result, 0, 1))
		router->wants_apply = true;
	if (pg_row_number(result, 0, 2) > 0)
		timer_set_sooner(router->timer, pg_row_number(result, 0, 2));
	router_step(router);
}

static void
router_has_looked(void *context, const PGresult *result, const Failure *failure)
{
	RouterTurn *router = context;

	/* every minute at least; where there are more, at once */
	router->next_look = event_loop_now() + LOOK_EVERY_MS;
	if (result == NULL)
	{
		router_trouble(router, "look_again_failed", failure);
		return;
	}
	router->state = ROUTER_ASLEEP;
	if (pg_row_is_true(result, 0, 0))
		router->next_look = 0;
	router->wants_route = true;
	router_step(router);
}

/* Does the next thing that is wanted and allowed, or goes to sleep. */
static void
router_step(RouterTurn *router)
{
	const Config *config = *router->config;
	char chunk[16];
	const PgParam params[] = {PG_TEXT(chunk)};
	const PgParam aside[] = {PG_TEXT(router->why)};
	bool can_ask = router->is_open && pg_session_is_connected(router->session) &&
				   event_loop_now() >= router->rest_until;

	/* One question at a time; each handler steps again. */
	if (router->state != ROUTER_ASLEEP)
		return;
	timer_set_sooner(router->timer, router_patience(router));
	if (can_ask && router->is_locked && gate_ask(router->gate, false))
		router->state = ROUTER_AT_GATE;
	else if (can_ask && !router->is_locked && event_loop_now() >= router->next_lock)
		router_ask(router, ROUTER_LOCKING, CALL_LOCK_ROUTER, NULL, router_locked,
				   "lock_router_failed");
	else if (can_ask && event_loop_now() >= router->next_watch)
	{
		router->next_watch = event_loop_now() + WATCH_EVERY_MS;
		router_ask(router, ROUTER_WATCHING, CALL_END_STOPPED_BRIDGES, NULL, router_has_watched,
				   "end_stopped_bridges_failed");
	}
	else if (can_ask && router->is_locked && event_loop_now() >= router->next_look)
		router_ask(router, ROUTER_LOOKING, CALL_LOOK_AGAIN_DUE, NULL, router_has_looked,
				   "look_again_failed");
	else if (can_ask && router->is_locked && upkeep_ask(router->upkeep))
		router->state = ROUTER_KEEPING_UP;
	else if (can_ask && router->is_locked && router->wants_route &&
			 !(router->wants_apply && event_loop_now() < router->route_from))
	{
		/* before asking, so that a ring during the question is not lost */
		router->wants_route = false;
		gate_look(router->gate);
		if (router->alone_troubles >= ALONE_TRIES)
		{
			router_ask(router, ROUTER_ROUTING, CALL_ROUTE_ASIDE, aside, router_has_set_aside,
					   "route_aside_failed");
			return;
		}
		if (router->chunk < 1 || router->chunk > config->routing_chunk)
			router->chunk = config->routing_chunk;
		snprintf(chunk, sizeof(chunk), "%d", router->chunk);
		router_ask(router, ROUTER_ROUTING, CALL_ROUTE, params, router_has_routed, "route_failed");
	}
	else if (can_ask && router->is_locked && router->wants_apply)
	{
		router->wants_apply = false;
		router_ask(router, ROUTER_APPLYING, CALL_APPLY_INBOX, NULL, router_has_applied,
				   "apply_failed");
	}
	else
	{
		if (!router->has_told)
			router_tell(router, false);
		if (can_ask && router->is_locked && gate_ask(router->gate, true))
			router->state = ROUTER_AT_GATE;
	}
}

void
router_turn_wake(RouterTurn *router)
{
	/* Whatever rang: there is one bell for all, and a look that finds nothing is cheap. */
	router->wants_route = true;
	router->wants_apply = true;
	router->has_told = false;
	router_step(router);
}

void
router_turn_wake_inbox(RouterTurn *router)
{
	router->wants_apply = true;
	router_step(router);
}

static void
router_timer(void *context)
{
	router_turn_wake(context);
}

static void
router_look(void *context)
{
	RouterTurn *router = context;

	/* changes alone: who leaves something else always rings */
	router->wants_route = true;
	router_step(router);
}

static void
router_is_due(void *context)
{
	router_step(context);
}

static void
router_upkeep_failed(void *context, const char *event, const Failure *failure)
{
	router_trouble(context, event, failure);
}

static void
router_go_on(void *context)
{
	RouterTurn *router = context;

	router->state = ROUTER_ASLEEP;
	router_step(router);
}

void
router_turn_set_open(RouterTurn *router, bool is_open)
{
	if (is_open && !router->is_open)
		router->next_look = 0; /* it may be open because another life has begun */
	router->is_open = is_open;
	if (is_open)
		router_turn_wake(router);
	else
		router_forget_trouble(router);
}

void
router_turn_connected(RouterTurn *router)
{
	/* a new connection holds no lock, and the one before may be what held it */
	router->next_lock = 0;
	router->next_look = 0;
	router_turn_wake(router);
}

void
router_turn_lost(RouterTurn *router)
{
	router->is_locked = false;
	router->state = ROUTER_ASLEEP;
	gate_lost(router->gate);
	router_forget_trouble(router);
}

const char *
router_turn_trouble(const RouterTurn *router)
{
	const char *text = turn_trouble_text(&router->routing);

	return text != NULL ? text : turn_trouble_text(&router->applying);
}

bool
router_turn_is_router(const RouterTurn *router)
{
	return router->is_locked;
}

RouterTurn *
router_turn_new(EventLoop *loop, const Log *log, const Config *const *config, PgSession *session,
				void (*routed)(void *context, bool is_news), void *context, Failure *failure)
{
	static const GateHandlers at_gate = {.look = router_look, .go_on = router_go_on};
	static const UpkeepHandlers upkeep = {
		.is_due = router_is_due, .go_on = router_go_on, .failed = router_upkeep_failed};
	RouterTurn *router = calloc(1, sizeof(RouterTurn));

	if (router != NULL)
	{
		router->log = log;
		router->config = config;
		router->session = session;
		router->routing.turn = "routing";
		router->applying.turn = "applying";
		router->routed = routed;
		router->context = context;
		router->timer = timer_new(loop, router_timer, router);
		router->gate = gate_new(loop, log, session, &at_gate, router, failure);
		router->upkeep = upkeep_new(loop, log, session, &upkeep, router, failure);
	}
	if (router == NULL || router->timer == NULL || router->gate == NULL || router->upkeep == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		router_turn_free(router);
		return NULL;
	}
	return router;
}

void
router_turn_free(RouterTurn *router)
{
	if (router == NULL)
		return;
	timer_free(router->timer);
	gate_free(router->gate);
	upkeep_free(router->upkeep);
	free(router);
}
