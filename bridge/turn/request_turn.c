/*
 * request_turn.c
 *		One turn: answer stored requests one after another, each in its own transaction, until there
 *		is none, then sleep until somebody wakes us or the backstop poll. Must not know what is
 *		asked.
 */
#include "turn/request_turn.h"

#include <stdlib.h>

#include "base/backoff.h"
#include "database/pg_row.h"
#include "database/pg_session.h"
#include "database/sql_call.h"

#define REST_FIRST_MS 500
#define REST_LAST_MS 60000
#define STATEMENT_TIMEOUT_MS 60000

struct RequestTurn
{
	const Log *log;
	const Config *const *config;
	PgSession *session;
	void (*answered)(void *context);
	void *context;
	Timer *timer;
	bool is_open;
	bool is_asking;
	bool is_wanted;
	int troubles; /* one after another: the database is not to be asked in a circle */
	int64_t rest_until;
};

static void turn_step(RequestTurn *turn);

static void
turn_trouble(RequestTurn *turn, const Failure *failure)
{
	int64_t rest_ms;

	/* whatever was asked may not have been done: it is asked again */
	turn->is_asking = false;
	turn->is_wanted = true;
	if (!pg_session_is_connected(turn->session))
		return;
	log_error(turn->log, "work_requests_failed", "reason", failure->text, NULL);
	rest_ms = backoff_wait(REST_FIRST_MS, REST_LAST_MS, ++turn->troubles);
	turn->rest_until = event_loop_now() + rest_ms;
	timer_set(turn->timer, rest_ms);
}

static void
turn_worked(void *context, const PGresult *result, const Failure *failure)
{
	RequestTurn *turn = context;

	if (result == NULL)
	{
		turn_trouble(turn, failure);
		return;
	}
	turn->is_asking = false;
	turn->troubles = 0;
	if (pg_row_is_true(result, 0, 1))
		turn->is_wanted = true;
	/* its answer is on the way out now: delivery has something to do */
	if (pg_row_number(result, 0, 0) > 0)
		turn->answered(turn->context);
	turn_step(turn);
}

static void
turn_step(RequestTurn *turn)
{
	Failure failure;

	if (turn->is_asking)
		return;
	timer_set_sooner(turn->timer, (*turn->config)->poll_interval_ms);
	if (!turn->is_wanted || !turn->is_open || !pg_session_is_connected(turn->session) ||
		event_loop_now() < turn->rest_until)
		return;
	/* before asking, so that a wake-up during the question is not lost */
	turn->is_wanted = false;
	turn->is_asking = pg_session_query(turn->session, SQL_CALL(CALL_WORK_REQUESTS), NULL,
									   turn_worked, turn, &failure);
	if (!turn->is_asking)
		turn_trouble(turn, &failure);
}

void
request_turn_wake(RequestTurn *turn)
{
	turn->is_wanted = true;
	turn_step(turn);
}

static void
turn_wake(void *context)
{
	request_turn_wake(context);
}

static void
turn_lost(void *context)
{
	((RequestTurn *) context)->is_asking = false;
}

void
request_turn_set_open(RequestTurn *turn, bool is_open)
{
	turn->is_open = is_open;
	if (is_open)
		request_turn_wake(turn);
}

bool
request_turn_is_connected(const RequestTurn *turn)
{
	return pg_session_is_connected(turn->session);
}

RequestTurn *
request_turn_new(EventLoop *loop, const Log *log, const Config *const *config,
				 void (*answered)(void *context), void *context, Failure *failure)
{
	const PgSessionHandlers handlers = {.connected = turn_wake, .lost = turn_lost};
	const PgSessionSettings settings = {.conninfo = (*config)->database,
										.name = "requests",
										.connect_timeout_ms = PG_SESSION_CONNECT_MS,
										.statement_timeout_ms = STATEMENT_TIMEOUT_MS};
	RequestTurn *turn = calloc(1, sizeof(RequestTurn));

	if (turn != NULL)
		turn->timer = timer_new(loop, turn_wake, turn);
	if (turn == NULL || turn->timer == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		request_turn_free(turn);
		return NULL;
	}
	turn->log = log;
	turn->config = config;
	turn->answered = answered;
	turn->context = context;
	turn->session = pg_session_new(loop, log, &settings, &handlers, turn, failure);
	if (turn->session == NULL)
	{
		request_turn_free(turn);
		return NULL;
	}
	return turn;
}

void
request_turn_free(RequestTurn *turn)
{
	if (turn == NULL)
		return;
	pg_session_free(turn->session);
	timer_free(turn->timer);
	free(turn);
}
