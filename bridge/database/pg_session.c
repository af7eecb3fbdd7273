/*
 * pg_session.c
 *		Asynchronous libpq behind five events; the only file that opens a PGconn. A connection that
 *		is lost is made again with growing pauses. Must not know what the queries mean.
 */
#include "database/pg_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "database/pg_connect.h"
#include "database/plan_age.h"

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 2000
#define HEARTBEAT_MS 2000	  /* the server drops who is silent for a while: pg_connect.c */
#define ANSWER_GRACE_MS 10000 /* beyond the server's own statement timeout */
#define COMPLAIN_EVERY_MS 60000

typedef enum PgSessionState
{
	SESSION_RESTING, /* no connection; the timer starts the next attempt */
	SESSION_CONNECTING,
	SESSION_IDLE,
	SESSION_BUSY /* the first query of the queue is with the server */
} PgSessionState;

struct PgSession
{
	EventLoop *loop;
	const Log *log;
	PGconn *conn;
	PgSessionState state;
	Watch *watch;
	Timer *timer; /* next attempt, connect timeout, heartbeat or answer timeout, by state */
	PgSessionHandlers handlers;
	void *context;
	PGresult *answer;	/* of the first query, until the server says that it is done */
	const char *broken; /* why the connection is to be given up as soon as the loop turns */
	PgQueue queue;
	int64_t sent_at; /* the first query of the queue, while it is with the server */
	int64_t heard_of;
	PlanAge plan_age;
	int epoch;
	int attempts; /* to connect, in vain */
	int passed;	  /* servers that were silent in this one */
	int64_t complained_at;
	char *conninfo;
	PgHosts *hosts;
	char *options;
	char *name;
	char application_name[64];
	int connect_timeout_ms;
	int statement_timeout_ms;
};

static void session_lose(PgSession *session, const char *why);
static void session_ready(void *context, int events);

static void
session_drop_connection(PgSession *session)
{
	watch_free(session->watch);
	session->watch = NULL;
	timer_stop(session->timer);
	PQclear(session->answer);
	session->answer = NULL;
	session->broken = NULL;
	PQfinish(session->conn);
	session->conn = NULL;
	session->state = SESSION_RESTING;
}

static void
session_rest(PgSession *session)
{
	int64_t half = backoff_wait(RETRY_FIRST_MS, RETRY_LAST_MS, ++session->attempts) / 2;

	/* sessions that were lost together must not come back together */
	timer_set(session->timer, half + random() % (half + 1));
}

/* A server that is away for hours is not worth a line per attempt. */
static void
session_complain(PgSession *session, const char *why)
{
	int64_t now = event_loop_now();
	Failure reason;

	if (session->complained_at != 0 && now - session->complained_at < COMPLAIN_EVERY_MS)
		return;
	session->complained_at = now;
	/* the first line says it, the rest is advice */
	failure_set(&reason, FAILURE_DATABASE, "%.*s", (int) strcspn(why, "\n"), why);
	log_warning(session->log, "database_unreachable", "session", session->name, "reason",
				reason.text, NULL);
}

static void
session_fail_attempt(PgSession *session, const char *why)
{
	session_complain(session, why);
	if (session->handlers.refused != NULL)
		session->handlers.refused(session->context, why);
	session_drop_connection(session);
	session->passed = 0;
	session_rest(session);
}

static bool
session_watch(PgSession *session, int events)
{
	session->watch =
		watch_new(session->loop, PQsocket(session->conn), events, session_ready, session);
	return session->watch != NULL;
}

static void
session_established(PgSession *session)
{
	if (PQsetnonblocking(session->conn, 1) != 0 || !session_watch(session, WATCH_READ))
	{
		session_fail_attempt(session, "could not watch the connection");
		return;
	}
	session->state = SESSION_IDLE;
	session->epoch++;
	session->attempts = 0;
	session->passed = 0;
	session->complained_at = 0;
	plan_age_begin(&session->plan_age, event_loop_now());
	log_info(session->log, "database_connected", "session", session->name, NULL);
	timer_set(session->timer, HEARTBEAT_MS);
	if (session->handlers.connected != NULL)
		session->handlers.connected(session->context);
}

static void
session_be_patient(PgSession *session)
{
	timer_set(session->timer,
			  pg_connect_patience_ms(session->conn, session->hosts, session->connect_timeout_ms));
}

static void
session_connect_step(PgSession *session)
{
	PostgresPollingStatusType status;
	bool was_taken = PQstatus(session->conn) != CONNECTION_STARTED;

	/* libpq may change the socket from one step to the next, even under the same number */
	watch_free(session->watch);
	session->watch = NULL;
	status = PQconnectPoll(session->conn);
	if (status == PGRES_POLLING_OK)
	{
		session_established(session);
		return;
	}
	if (status == PGRES_POLLING_FAILED)
	{
		session_fail_attempt(session, PQerrorMessage(session->conn));
		return;
	}
	if (!session_watch(session, status == PGRES_POLLING_READING ? WATCH_READ : WATCH_WRITE))
		session_fail_attempt(session, "could not watch the connection");
	/* the server has taken the connection, or it is another server's turn */
	else if (!was_taken || PQstatus(session->conn) == CONNECTION_STARTED)
		session_be_patient(session);
}

static void
session_connect(PgSession *session)
{
	session->conn = pg_connect_start(session->conninfo, session->hosts, session->options,
									 session->application_name);
	session->state = SESSION_CONNECTING;
	if (session->conn == NULL)
	{
		session_fail_attempt(session, "out of memory");
		return;
	}
	if (PQstatus(session->conn) == CONNECTION_BAD)
	{
		session_fail_attempt(session, PQerrorMessage(session->conn));
		return;
	}
	session_be_patient(session);
	if (!session_watch(session, WATCH_WRITE))
		session_fail_attempt(session, "could not watch the connection");
}

/* Of several servers one was silent: all of them have their turn before the attempt has failed. */
static void
session_pass_host(PgSession *session)
{
	pg_hosts_pass(session->hosts, PQhost(session->conn), PQport(session->conn));
	if (++session->passed >= pg_hosts_count(session->hosts))
	{
		session_fail_attempt(session, "no answer within the connect timeout");
		return;
	}
	session_drop_connection(session);
	session_connect(session);
}

static void
session_aside_done(void *context, const PGresult *result, const Failure *failure)
{
	(void) context;
	(void) result;
	(void) failure;
}

static void
session_timer(void *context)
{
	static const PgStatement heartbeat = {"", 0};
	PgSession *session = context;
	Failure failure;

	if (session->broken != NULL)
	{
		session_lose(session, session->broken);
		return;
	}
	/* one timer for all states: each has one thing to wait for at most */
	switch (session->state)
	{
		case SESSION_RESTING:
			session_connect(session);
			break;
		case SESSION_CONNECTING:
			session_pass_host(session);
			break;
		case SESSION_IDLE:
			if (!pg_session_query(session, &heartbeat, NULL, session_aside_done, NULL, &failure))
				timer_set(session->timer, HEARTBEAT_MS);
			break;
		case SESSION_BUSY:
			session_lose(session, "no answer within the statement timeout");
			break;
	}
}

static void
session_lose(PgSession *session, const char *why)
{
	int answers = session->queue.length;
	Failure failure;

	session_complain(session, why);
	/* first the state, then the handlers: what they ask must see that there is no connection */
	session_drop_connection(session);
	session_rest(session);
	failure_set(&failure, FAILURE_DATABASE, "the connection to the database was lost");
	/* a handler cannot queue anew: there is no connection */
	while (answers-- > 0)
	{
		PgQuery *query = pg_queue_take(&session->queue);
		query->handler(query->context, NULL, &failure);
		free(query);
	}
	if (session->handlers.lost != NULL)
		session->handlers.lost(session->context);
}

static void
session_finish_query(PgSession *session)
{
	PgQuery *query = pg_queue_take(&session->queue);
	PGresult *result = session->answer;
	Failure failure;

	session->answer = NULL;
	session->state = SESSION_IDLE;
	session->heard_of = session->sent_at;
	timer_set(session->timer, HEARTBEAT_MS);
	log_debug(session->log, "database_answered", "session", session->name, "rows",
			  LOG_INT(PQntuples(result)), "ms", LOG_INT(event_loop_now() - session->sent_at),
			  "statement", query->sql, NULL);
	if (result == NULL)
	{
		failure_set(&failure, FAILURE_DATABASE, "the server sent no result");
		query->handler(query->context, NULL, &failure);
	}
	else if (pg_query_judge(result, &failure))
		query->handler(query->context, result, NULL);
	else
		query->handler(query->context, NULL, &failure);
	PQclear(result);
	free(query);
}

/*
 * Handlers of queries may be at work further up the stack, so a connection that breaks while
 * something is sent is given up by the timer, not here.
 */
void
pg_session_end(PgSession *session, const char *why)
{
	session->broken = why;
	timer_set(session->timer, 0);
}

/* Collects what has come; true when the query at the server is complete. */
static bool
session_collect(PgSession *session)
{
	PGresult *part;

	/* PQgetResult would block while it is busy */
	while (!PQisBusy(session->conn))
	{
		part = PQgetResult(session->conn);
		if (part == NULL)
			return true;
		/* one statement per query: only a server that shuts down adds a second, which counts */
		PQclear(session->answer);
		session->answer = part;
	}
	return false;
}

/* Not everything may fit into the socket at once; then we also wait until it can be written. */
static void
session_flush(PgSession *session)
{
	int left = PQflush(session->conn);

	if (left < 0)
		pg_session_end(session, "the connection broke while sending");
	else if (!watch_change(session->watch, left > 0 ? WATCH_READ | WATCH_WRITE : WATCH_READ))
		pg_session_end(session, "could not watch the connection");
}

static void
session_send_next(PgSession *session)
{
	PgQuery *query = STAILQ_FIRST(&session->queue.list);

	if (session->state != SESSION_IDLE || session->broken != NULL || query == NULL)
		return;
	session->state = SESSION_BUSY;
	session->sent_at = event_loop_now();
	timer_set(session->timer, session->statement_timeout_ms + ANSWER_GRACE_MS);
	/* always with parameters, results as text: no value is ever part of a statement */
	if (PQsendQueryParams(session->conn, query->sql, query->count, NULL, query->values,
						  query->lengths, query->formats, 0) == 0)
		pg_session_end(session, "the connection broke while sending");
	else
		session_flush(session);
}

static void
session_ready(void *context, int events)
{
	PgSession *session = context;

	if (session->state == SESSION_CONNECTING)
	{
		session_connect_step(session);
		return;
	}
	if (events & WATCH_WRITE)
		session_flush(session);
	if (PQconsumeInput(session->conn) == 0)
	{
		session_lose(session, PQerrorMessage(session->conn));
		return;
	}
	/* After a complete answer the server may have closed the session: that is looked at first. */
	if (session->state == SESSION_BUSY && session_collect(session))
	{
		if (pg_connect_is_dead(session->conn, session->answer))
		{
			session_lose(session, "the server ended the session");
			return;
		}
		session_finish_query(session);
	}
	session_send_next(session);
	if (pg_connect_rang(session->conn) && session->handlers.notified != NULL)
		session->handlers.notified(session->context);
}

bool
pg_session_query(PgSession *session, const PgStatement *statement, const PgParam *params,
				 PgResultHandler handler, void *context, Failure *failure)
{
	PgQuery *query;

	if (!pg_session_is_connected(session))
	{
		failure_set(failure, FAILURE_DATABASE, "there is no connection to the database");
		return false;
	}
	query = plan_age_renew(&session->plan_age, event_loop_now(), session_aside_done);
	if (query != NULL)
		pg_queue_append(&session->queue, query);
	query = pg_query_new(statement, params, handler, context);
	if (query == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	pg_queue_append(&session->queue, query);
	session_send_next(session);
	return true;
}

bool
pg_session_is_connected(const PgSession *session)
{
	return (session->state == SESSION_IDLE || session->state == SESSION_BUSY) &&
		   session->broken == NULL;
}

int
pg_session_epoch(const PgSession *session)
{
	return session->epoch;
}

bool
pg_session_is_alive(const PgSession *session)
{
	return pg_session_is_connected(session) && pg_connect_is_open(session->conn);
}

int64_t
pg_session_heard_of(const PgSession *session)
{
	return session->heard_of;
}

int
pg_session_queue_length(const PgSession *session)
{
	return session->queue.length;
}

int
pg_session_backend_pid(const PgSession *session)
{
	return session->conn != NULL ? PQbackendPID(session->conn) : 0;
}

PgSession *
pg_session_new(EventLoop *loop, const Log *log, const PgSessionSettings *settings,
			   const PgSessionHandlers *handlers, void *context, Failure *failure)
{
	PgSession *session = calloc(1, sizeof(PgSession));

	if (session == NULL)
		goto failed;
	pg_queue_init(&session->queue);
	session->loop = loop;
	session->log = log;
	session->handlers = *handlers;
	session->context = context;
	session->connect_timeout_ms = settings->connect_timeout_ms;
	session->statement_timeout_ms = settings->statement_timeout_ms;
	session->conninfo = strdup(settings->conninfo);
	session->name = strdup(settings->name);
	session->hosts = pg_hosts_new(settings->conninfo);
	session->options = pg_connect_options(settings->conninfo, settings->statement_timeout_ms);
	session->timer = timer_new(loop, session_timer, session);
	snprintf(session->application_name, sizeof(session->application_name), "casesync-bridge %s",
			 settings->name);
	if (session->conninfo == NULL || session->name == NULL || session->hosts == NULL ||
		session->options == NULL || session->timer == NULL)
		goto failed;
	timer_set(session->timer, 0);
	return session;

failed:
	failure_set(failure, FAILURE_MEMORY, "out of memory");
	pg_session_free(session);
	return NULL;
}

void
pg_session_free(PgSession *session)
{
	if (session == NULL)
		return;
	while (session->queue.length > 0)
		free(pg_queue_take(&session->queue));
	if (session->timer != NULL)
		session_drop_connection(session);
	timer_free(session->timer);
	free(session->options);
	pg_hosts_free(session->hosts);
	free(session->name);
	free(session->conninfo);
	free(session);
}
