/*
 * fence_test.c
 *		May what was taken begin to leave, and go on? With a clock and a session of the test:
 *		each way in which the lock, or the time, may be gone, at its edge.
 */
#include "database/fence.c"

#include "tap.h"

#define TAKEN_AT 1000000
#define WITHIN 8000

struct PgSession
{
	int epoch;
	bool is_alive;
	int64_t heard_of;
};

static int64_t now, stood_still_at;

int64_t
event_loop_now(void)
{
	return now;
}

int64_t
event_loop_stood_still_at(void)
{
	return stood_still_at;
}

int
pg_session_epoch(const PgSession *session)
{
	return session->epoch;
}

bool
pg_session_is_alive(const PgSession *session)
{
	return session->is_alive;
}

int64_t
pg_session_heard_of(const PgSession *session)
{
	return session->heard_of;
}

/* A message asked for at TAKEN_AT, and given 30 ms later by a session that was just heard of. */
static Fence
fence_of(PgSession *session)
{
	Fence fence;

	*session = (PgSession){.epoch = 7, .is_alive = true};
	now = TAKEN_AT;
	stood_still_at = 0;
	fence_prepare(&fence, WITHIN);
	now += 30;
	session->heard_of = now - 5;
	fence_raise(&fence, session);
	return fence;
}

static void
test_begin(Tap *tap)
{
	PgSession session;
	Fence fence = fence_of(&session);

	tap_ok(tap, fence_is_held(&fence) && fence_lets_begin(&fence) && fence_lets_go_on(&fence),
		   "what was just taken may leave");
	now = TAKEN_AT + 25 + WITHIN - 1;
	session.heard_of = now;
	tap_ok(tap, fence_lets_begin(&fence), "it may begin until the deadline");
	now++;
	tap_ok(tap, !fence_lets_begin(&fence), "and not at the deadline, though the session is well");
	tap_ok(tap, fence_is_held(&fence) && fence_lets_go_on(&fence), "what has begun goes on");
}

static void
test_near_end(Tap *tap)
{
	PgSession session;
	Fence fence = fence_of(&session);

	now = TAKEN_AT + 25 + WITHIN / 2;
	tap_ok(tap, !fence_is_near_end(&fence), "half of the time is enough");
	now++;
	tap_ok(tap, fence_is_near_end(&fence), "less than half is not");
}

static void
test_session_lost(Tap *tap)
{
	PgSession session;
	Fence fence = fence_of(&session);

	session.is_alive = false;
	tap_ok(tap, !fence_is_held(&fence) && !fence_lets_begin(&fence), "the session has ended");
	tap_ok(tap, !fence_lets_go_on(&fence), "and what has begun stops");
	session.is_alive = true;
	session.epoch++;
	tap_ok(tap, !fence_is_held(&fence) && !fence_lets_begin(&fence),
		   "the session is another one by the same name");
	tap_ok(tap, !fence_lets_go_on(&fence), "what has begun under the one before stops");
}

static void
test_unheard(Tap *tap)
{
	PgSession session;
	Fence fence = fence_of(&session);

	now = session.heard_of + UNHEARD_MS - 1;
	tap_ok(tap, fence_lets_go_on(&fence), "a server that was silent for less than five seconds");
	now++;
	tap_ok(tap, !fence_lets_go_on(&fence), "a server that is silent for longer may be gone");
	session.heard_of = now;
	tap_ok(tap, fence_lets_go_on(&fence), "until it is heard of again");
}

static void
test_standstill(Tap *tap)
{
	PgSession session;
	Fence fence = fence_of(&session);

	stood_still_at = TAKEN_AT;
	tap_ok(tap, fence_lets_begin(&fence), "we stood still before we asked: it was asked since");
	stood_still_at = TAKEN_AT + 1;
	tap_ok(tap, !fence_is_held(&fence) && !fence_lets_begin(&fence),
		   "we stood still since: whom it is about may have left");
	tap_ok(tap, fence_lets_go_on(&fence), "what has begun before goes on");
}

static void
test_within(Tap *tap)
{
	tap_is_int(tap, fence_within_ms(2000), 7000, "the time to connect, and five seconds");
	tap_is_int(tap, fence_within_ms(600000), WITHIN_MAX_MS, "never more than the database allows");
}

int
main(void)
{
	Tap tap = {0};

	test_begin(&tap);
	test_near_end(&tap);
	test_session_lost(&tap);
	test_unheard(&tap);
	test_standstill(&tap);
	test_within(&tap);
	return tap_done(&tap);
}
