/*
 * worker.h
 *		Threads beside the event loop, for what takes long. Knows nothing of what is worked on.
 */
#ifndef WORKER_H
#define WORKER_H

#include "base/event_loop.h"

typedef struct Worker Worker;

/* In a thread: may touch nothing but its context, and what nobody changes meanwhile. */
typedef void (*WorkerWork)(void *context);

/* In the loop, when the work is done; cpu_us is what it cost. */
typedef void (*WorkerDone)(void *context, int64_t cpu_us);

/* NULL with a failure when threads cannot be had. */
extern Worker *worker_new(EventLoop *loop, int threads, Failure *failure);

/* Waits for what is being worked on; done is called for nothing any more. */
extern void worker_free(Worker *worker);

/*
 * False when too much waits already, of all or of this one. Owners take turns, so that nobody
 * waits for all that another one has given. who is copied.
 */
extern bool worker_give(Worker *worker, const char *who, WorkerWork work, WorkerDone done,
						void *context);

/* True when the work with this context had not begun: then neither work nor done will be called. */
extern bool worker_withdraw(Worker *worker, const void *context);

#endif
