/*
 * request_turn.c
 *		A few sessions. In each stored requests are answered one after another, each in its own
 *		transaction, until there is none, then it sleeps until somebody wakes it or the backstop
 *		poll. Must not know what is asked.
 */
#include "turn/request_turn.h"

#include <stdlib.h>

#include "base/backoff.h"
#include "database/pg_row.h"
#include "database/pg_session.h"
#include "database/sql_call.h"
#include "database/turn_trouble.h"

/* a partner has one at a time: one that asks for much keeps only itself waiting */
#define SESSIONS 4
#define REST_FIRST_MS 500
#define REST_LAST_MS 60000
#define STATEMENT_TIMEOUT_MS 60000

/* One session, and what it is at. */
typedef struct RequestWorker
{
	RequestTurn *turn;
	PgSession *session;
	Timer *timer;
	bool is_open;
	bool is_asking;
	bool is_wanted;
	int troubles; /* one after another: the database is not to be asked in a circle */
	int64_t rest_until;
} RequestWorker;

struct RequestTurn
{
	const Log *log;
	const Config *const *config;
	void (*answered)(void *context);
	void *context;
	TurnTrouble answering;
	RequestWorker workers[SESSIONS];
};

static void worker_step(RequestWorker *worker);

static void
worker_trouble(RequestWorker *worker, const Failure *failure)
{
	int64_t rest_ms;

	/* whatever was asked may not have been done: it is asked again */
	worker->is_asking = false;
	worker->is_wanted = true;
	if (!pg_session_is_connected(worker->session))
		return;
	turn_trouble_failed(&worker->turn->answering, worker->session, failure);
	log_error(worker->turn->log, "work_requests_failed", "reason", failure->text, NULL);
	rest_ms = backoff_wait(REST_FIRST_MS, REST_LAST_MS, ++worker->troubles);
	worker->rest_until = event_loop_now() + rest_ms;
	timer_set(worker->timer, rest_ms);
}

static void
worker_done(void *context, const PGresult *result, const Failure *failure)
{
	RequestWorker *worker = context;
	bool has_claimed;

	if (result == NULL)
	{
		worker_trouble(worker, failure);
		return;
	}
	worker->is_asking = false;
	worker->troubles = 0;
	turn_trouble_passed(&worker->turn->answering, worker->session);
	if (pg_row_is_true(result, 0, 1))
		worker->is_wanted = true;
	has_claimed = pg_row_is_true(result, 0, 1) && pg_row_number(result, 0, 0) == 0;
	/* its answer is on the way out now: delivery has something to do */
	if (pg_row_number(result, 0, 0) > 0)
		worker->turn->answered(worker->turn->context);
	worker_step(worker);
	/* where there was one there may be others, of other partners */
	if (has_claimed)
		request_turn_wake(worker->turn);
}

static void
worker_step(RequestWorker *worker)
{
	Failure failure;

	if (worker->is_asking)
		return;
	timer_set_sooner(worker->timer, (*worker->turn->config)->poll_interval_ms);
	if (!worker->is_wanted || !worker->is_open || !pg_session_is_connected(worker->session) ||
		event_loop_now() < worker->rest_until)
		return;
	/* before asking, so that a wake-up during the question is not lost */
	worker->is_wanted = false;
	worker->is_asking = pg_session_query(worker->session, SQL_CALL(CALL_WORK_REQUESTS), NULL,
										 worker_done, worker, &failure);
	if (!worker->is_asking)
		worker_trouble(worker, &failure);
}

static bool
worker_is_free(const RequestWorker *worker)
{
	return worker->is_open && !worker->is_asking && pg_session_is_connected(worker->session) &&
		   event_loop_now() >= worker->rest_until;
}

/* One looks; if it finds something, so does the next. */
void
request_turn_wake(RequestTurn *turn)
{
	for (int i = 0; i < SESSIONS; i++)
	{
		RequestWorker *worker = &turn->workers[i];

		if (worker_is_free(worker))
		{
			worker->is_wanted = true;
			worker_step(worker);
			return;
		}
	}
	for (int i = 0; i < SESSIONS; i++)
	{
		turn->workers[i].is_wanted = true;
		worker_step(&turn->workers[i]);
	}
}

static void
worker_wake(void *context)
{
	RequestWorker *worker = context;

	worker->is_wanted = true;
	worker_step(worker);
}

static void
worker_lost(void *context)
{
	RequestWorker *worker = context;

	worker->is_asking = false;
	turn_trouble_forget(&worker->turn->answering);
}

void
request_turn_set_open(RequestTurn *turn, bool is_open)
{
	for (int i = 0; i < SESSIONS; i++)
		turn->workers[i].is_open = is_open;
	if (is_open)
		request_turn_wake(turn);
	else
		turn_trouble_forget(&turn->answering);
}

bool
request_turn_is_connected(const RequestTurn *turn)
{
	for (int i = 0; i < SESSIONS; i++)
		if (pg_session_is_connected(turn->workers[i].session))
			return true;
	return false;
}

const char *
request_turn_trouble(const RequestTurn *turn)
{
	return turn_trouble_text(&turn->answering);
}

static bool
worker_begin(RequestWorker *worker, EventLoop *loop, Failure *failure)
{
	const RequestTurn *turn = worker->turn;
	const PgSessionHandlers handlers = {.connected = worker_wake, .lost = worker_lost};
	const PgSessionSettings settings = {.conninfo = (*turn->config)->database,
										.name = "requests",
										.connect_timeout_ms = PG_SESSION_CONNECT_MS,
										.statement_timeout_ms = STATEMENT_TIMEOUT_MS};

	worker->timer = timer_new(loop, worker_wake, worker);
	if (worker->timer == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	worker->session = pg_session_new(loop, turn->log, &settings, &handlers, worker, failure);
	return worker->session != NULL;
}

RequestTurn *
request_turn_new(EventLoop *loop, const Log *log, const Config *const *config,
				 void (*answered)(void *context), void *context, Failure *failure)
{
	RequestTurn *turn = calloc(1, sizeof(RequestTurn));

	if (turn == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	turn->log = log;
	turn->config = config;
	turn->answered = answered;
	turn->answering.turn = "answering";
	turn->context = context;
	for (int i = 0; i < SESSIONS; i++)
	{
		turn->workers[i].turn = turn;
		if (!worker_begin(&turn->workers[i], loop, failure))
		{
			request_turn_free(turn);
			return NULL;
		}
	}
	return turn;
}

void
request_turn_free(RequestTurn *turn)
{
	if (turn == NULL)
		return;
	for (int i = 0; i < SESSIONS; i++)
	{
		pg_session_free(turn->workers[i].session);
		timer_free(turn->workers[i].timer);
	}
	free(turn);
}
