/*
 * fence.h
 *		Until when a message that was taken, or an answer, may leave. Knows sessions and the clock,
 *		nothing of messages or of how they are sent.
 */
#ifndef FENCE_H
#define FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "database/pg_session.h"

typedef struct Fence
{
	const PgSession *session;
	int epoch;		  /* of the session that took the message */
	int64_t asked_at; /* by event_loop_now, as is the next */
	int64_t begins_until;
	int64_t within_ms;
} Fence;

/*
 * How long from asking for a message until it has begun to leave: so long stop_sharing() waits for
 * what a lost session has taken.
 */
extern int64_t fence_within_ms(int64_t connect_timeout_ms);

/* Before the question that takes a message. */
extern void fence_prepare(Fence *fence, int64_t within_ms);

/* In the handler of that question. */
extern void fence_raise(Fence *fence, const PgSession *session);

/*
 * Has the session that took it the lock for it still, as far as can be known here and now, and has
 * this process not stood still since? Else it is to be taken, and asked whether it may leave, anew.
 */
extern bool fence_is_held(const Fence *fence);

/* Immediately before the first byte. */
extern bool fence_lets_begin(const Fence *fence);

/* Before each further piece of what has begun to leave. */
extern bool fence_lets_go_on(const Fence *fence);

/* Is there less than half of the time left? */
extern bool fence_is_near_end(const Fence *fence);

#endif
