/*
 * gate_test.c
 *		What the gate asks and what it calls, with answers as a database would give them: above all
 *		that a look follows when it has been shut, since somebody may have passed it meanwhile.
 */
#include "turn/gate.c"

#include <string.h>
#include <unistd.h>

#include "tap.h"

/* Instead of a database, and of an event loop. */
static struct
{
	int64_t now;
	bool is_connected;
	bool takes_queries;
	const char *asked; /* the statement under way */
	PgResultHandler handler;
	void *handler_context;
	bool is_closed;
	int64_t look_within_ms;
	int64_t timer_ms; /* -1: not set */
	TimerHandler timer_handler;
	void *timer_context;
	char calls[64]; /* L: look, G: go on */
} world;

static const Failure refused = {.kind = FAILURE_DATABASE, .text = "no such function"};

bool
pg_session_query(PgSession *session, const PgStatement *statement, const PgParam *params,
				 PgResultHandler handler, void *context, Failure *failure)
{
	(void) session;
	(void) params;
	*failure = refused;
	if (!world.takes_queries)
		return false;
	world.asked = statement->sql;
	world.handler = handler;
	world.handler_context = context;
	return true;
}

bool
pg_session_is_connected(const PgSession *session)
{
	(void) session;
	return world.is_connected;
}

bool
pg_row_is_true(const PGresult *result, int row, int column)
{
	(void) result;
	return row == 0 && column == 0 && world.is_closed;
}

int64_t
pg_row_number(const PGresult *result, int row, int column)
{
	(void) result;
	return row == 0 && column == 1 ? world.look_within_ms : -1;
}

int64_t
event_loop_now(void)
{
	return world.now;
}

Timer *
timer_new(EventLoop *loop, TimerHandler handler, void *context)
{
	(void) loop;
	world.timer_handler = handler;
	world.timer_context = context;
	return (Timer *) &world;
}

void
timer_free(Timer *timer)
{
	(void) timer;
}

void
timer_set_sooner(Timer *timer, int64_t ms)
{
	(void) timer;
	world.timer_ms = ms;
}

static void
on_look(void *context)
{
	(void) context;
	strcat(world.calls, "L");
}

static void
on_go_on(void *context)
{
	(void) context;
	strcat(world.calls, "G");
}

static void
answer(bool is_result)
{
	static int row;

	world.calls[0] = '\0';
	world.handler(world.handler_context, is_result ? (const PGresult *) &row : NULL, &refused);
}

/* The question that gate_ask() puts, "" for none. */
static const char *
ask(Gate *gate, bool is_idle)
{
	world.asked = "";
	world.timer_ms = -1;
	if (!gate_ask(gate, is_idle))
		return "";
	if (strstr(world.asked, "gate_close") != NULL)
		return "close";
	return strstr(world.asked, "gate_open") != NULL ? "open" : world.asked;
}

static void
stream(Gate *gate)
{
	for (int i = 0; i < 2; i++)
	{
		world.now += 5;
		gate_look(gate);
		gate_found(gate);
	}
}

int
main(void)
{
	static const GateHandlers handlers = {on_look, on_go_on};
	Tap tap = {0, 0};
	Failure failure;
	const Log log = log_open(STDERR_FILENO, LOG_LEVEL_ERROR);
	Gate *gate = gate_new(NULL, &log, NULL, &handlers, NULL, &failure);

	world.now = 1000;
	world.is_connected = world.takes_queries = true;
	world.is_closed = true;
	world.look_within_ms = 250;

	tap_is(&tap, ask(gate, false), "", "with work to do an open gate is left alone");
	tap_is(&tap, ask(gate, true), "close", "idle: it is shut");
	answer(true);
	tap_is(&tap, world.calls, "LG", "shut: one more look, then it goes on");
	tap_is_int(&tap, gate_look_within(gate), 250, "and how long may be slept");
	tap_is(&tap, ask(gate, true), "", "shut already: nothing is asked");
	tap_is_int(&tap, world.timer_ms, -1, "and no look is planned");

	stream(gate);
	tap_is(&tap, ask(gate, false), "open", "a stream: it is opened before the next look");
	answer(true);
	tap_is(&tap, world.calls, "G", "opened: the look that was due");
	tap_is(&tap, ask(gate, true), "", "nothing is asked in a stream");
	tap_is_int(&tap, world.timer_ms, 2, "but it looks again soon");
	world.calls[0] = '\0';
	world.timer_handler(world.timer_context);
	tap_is(&tap, world.calls, "L", "when the time has come");

	world.now += 1000;
	world.is_closed = false;
	tap_is(&tap, ask(gate, true), "close", "the stream is over: it is to be shut");
	answer(true);
	tap_is(&tap, world.calls, "G", "somebody was in the way");
	tap_is(&tap, ask(gate, true), "", "so it stays open");
	tap_is_int(&tap, world.timer_ms, 25, "and a look comes soon");
	gate_look(gate);
	world.is_closed = true;
	tap_is(&tap, ask(gate, true), "close", "after which it is tried again");
	answer(true);

	gate_lost(gate);
	tap_is(&tap, ask(gate, true), "close", "with a new session all begins anew");
	answer(false);
	tap_is(&tap, world.calls, "G", "an answer that is an error");
	tap_is(&tap, ask(gate, true), "", "is not asked for again at once");
	tap_is_int(&tap, world.timer_ms, 250, "and nobody waits for bells that may not ring");

	gate_lost(gate);
	world.takes_queries = false;
	tap_is(&tap, ask(gate, true), "", "a question that could not be put");
	tap_is_int(&tap, world.timer_ms, 250, "is no reason to sleep either");
	world.is_connected = false;
	gate_lost(gate);
	tap_is(&tap, ask(gate, true), "", "nor without a connection");

	gate_free(gate);
	return tap_done(&tap);
}
