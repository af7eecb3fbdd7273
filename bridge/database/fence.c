/*
 * fence.c
 *		A message may leave while the session that took it lives, since that holds the lock which
 *		stop_sharing() waits for; and it begins by a deadline, since a session may end unseen while
 *		this process, or the machine, stands still. What was taken before a standstill begins no
 *		more: whom it is about may have left since. Must not know what is sent.
 */
#include "database/fence.h"

#include "base/event_loop.h"

#define AFTER_CONNECT_MS 5000
#define WITHIN_MAX_MS 60000 /* take() allows no more */

/* Well below what the server waits for a silent bridge (pg_connect.c), above the heartbeat. */
#define UNHEARD_MS 5000

int64_t
fence_within_ms(int64_t connect_timeout_ms)
{
	int64_t within_ms = connect_timeout_ms + AFTER_CONNECT_MS;

	return within_ms < WITHIN_MAX_MS ? within_ms : WITHIN_MAX_MS;
}

void
fence_prepare(Fence *fence, int64_t within_ms)
{
	fence->asked_at = event_loop_now();
	fence->within_ms = within_ms;
}

void
fence_raise(Fence *fence, const PgSession *session)
{
	fence->session = session;
	fence->epoch = pg_session_epoch(session);
	fence->begins_until = pg_session_heard_of(session) + fence->within_ms;
}

static bool
fence_has_session(const Fence *fence)
{
	return pg_session_epoch(fence->session) == fence->epoch && pg_session_is_alive(fence->session);
}

bool
fence_is_held(const Fence *fence)
{
	return fence_has_session(fence) && event_loop_stood_still_at() <= fence->asked_at;
}

bool
fence_lets_begin(const Fence *fence)
{
	return event_loop_now() < fence->begins_until && fence_is_held(fence);
}

bool
fence_lets_go_on(const Fence *fence)
{
	return event_loop_now() < pg_session_heard_of(fence->session) + UNHEARD_MS &&
		   fence_has_session(fence);
}

bool
fence_is_near_end(const Fence *fence)
{
	return event_loop_now() > fence->begins_until - fence->within_ms / 2;
}
