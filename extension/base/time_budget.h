/*
 * time_budget.h
 *		A ceiling on how long users' code may run in one call.
 */
#ifndef CASESYNC_TIME_BUDGET_H
#define CASESYNC_TIME_BUDGET_H

#include "postgres.h"

/* Our own class of errors: routing must tell "too slow" from all that the code itself can raise. */
#define ERRCODE_CASESYNC_TOO_SLOW MAKE_SQLSTATE('C', 'S', '0', '0', '2')

/*
 * From now on a call may take so many milliseconds, 0 meaning for ever; then it is cancelled as if
 * by pg_cancel_backend. Budgets do not nest: the outermost one counts.
 */
extern void time_budget_start(int milliseconds);

/* The call has ended; whether its time had run out. Also to be called when it failed. */
extern bool time_budget_stop(void);

#endif /* CASESYNC_TIME_BUDGET_H */
