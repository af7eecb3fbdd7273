/*
 * time_budget.c
 *		A ceiling on how long users' code may run in one call. Must not know what is run.
 *
 * Not statement_timeout: that is armed for the statement of the client only, and its end could not
 * be told from a cancel that somebody asked for.
 *
 * Code may catch the cancel and go on. So it is asked for again as soon as it is raised: the next
 * statement, be it in the handler or of the loop around, is cancelled too, and each cancel leaves
 * at least one block behind. Languages in which a loop needs no statement of SQL must be stopped by
 * ending the session, after so many tries.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

#include "base/time_budget.h"

#define MOST_CANCELS 10000

static TimeoutId timer = MAX_TIMEOUTS;
static int depth = 0;
static int cancels = 0;
static volatile sig_atomic_t is_up = false;
static ErrorContextCallback watch;

/* In a signal handler: only what pg_cancel_backend's own handler does. */
static void
time_is_up(void)
{
	is_up = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/* Sees each error before any handler does. */
static void
cancel_again(void *argument)
{
	if (!is_up || geterrcode() != ERRCODE_QUERY_CANCELED)
		return;
	if (++cancels > MOST_CANCELS)
		ProcDiePending = true;
	else
		QueryCancelPending = true;
	InterruptPending = true;
}

/*
 * Users' code may call one of our functions, which runs users' code: the inner call gets no time of
 * its own, or a view could have as much as it wants.
 */
void
time_budget_start(int milliseconds)
{
	if (timer == MAX_TIMEOUTS)
		timer = RegisterTimeout(USER_TIMEOUT, time_is_up);
	if (depth++ > 0)
		return;
	is_up = false;
	cancels = 0;
	watch.callback = cancel_again;
	watch.previous = error_context_stack;
	error_context_stack = &watch;
	if (milliseconds > 0)
		enable_timeout_after(timer, milliseconds);
}

bool
time_budget_stop(void)
{
	if (--depth > 0)
		return is_up;
	disable_timeout(timer, false);
	error_context_stack = watch.previous;

	/* It may have run out when the query was over already: nothing is left to cancel. */
	if (is_up)
		QueryCancelPending = false;
	return is_up;
}
