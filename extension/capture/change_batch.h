/*
 * change_batch.h
 *		Changes on their way to the log: those of one statement are collected and written together.
 */
#ifndef CASESYNC_CHANGE_BATCH_H
#define CASESYNC_CHANGE_BATCH_H

#include "capture/change.h"

extern void change_batch_init(void);

/*
 * Leaves the change for the log, in the running (sub)transaction: it is written when the statement
 * ends, or at once where nobody would tell of its end. Errors are raised.
 */
extern void change_batch_append(const Change *change);

/*
 * Between begin and end of a statement changes may be collected. End writes them, if there were
 * any; who leaves by an error abandons the statement instead.
 */
typedef uint64 StatementMark;

extern StatementMark change_batch_begin(void);
extern void change_batch_end(StatementMark mark);
extern void change_batch_abandon(void);

/*
 * A command begins: what earlier ones have left is written, so that it can be seen. Does nothing
 * within a statement, which is not over yet.
 */
extern void change_batch_settle(void);

#endif /* CASESYNC_CHANGE_BATCH_H */
