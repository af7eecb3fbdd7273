/*
 * workers.h
 *		Threads for what would keep the event loop from everything else; their results come back by
 *		the loop. Knows nothing of the work.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/event_loop.h"
#include "base/failure.h"

typedef struct Workers Workers;

/* Stays where it is until done has been called. */
typedef struct WorkerTask
{
	STAILQ_ENTRY(WorkerTask) entry;
	void (*run)(void *work); /* on a thread: touches only what is its own */
	void *work;
	void (*done)(void *context, int64_t took_us); /* on the loop; took is the processor's time */
	void *context;
	int64_t took_us;
} WorkerTask;

/* niceness: how far the threads stand back behind all else on this machine, as of nice(1). */
extern Workers *workers_new(EventLoop *loop, int threads, int niceness, Failure *failure);

/* Waits for what runs; done is not called any more. NULL is fine. */
extern void workers_free(Workers *workers);

extern void workers_run(Workers *workers, WorkerTask *task);

/* Until nothing runs: what tasks read may then be changed. */
extern void workers_wait(Workers *workers);

#endif
