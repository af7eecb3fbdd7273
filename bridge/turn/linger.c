/*
 * linger.c
 *		When changes come so fast that a router which looks by itself costs less than their bells.
 */
#include "turn/linger.h"

/*
 * From the end of a look that found something to the beginning of the next that does: there is a
 * stream of changes. How long they took says nothing, since a look routes what it finds.
 */
#define STREAM_MS 10
/* So long after the last one: longer than a pause in a stream, else it falls asleep in each. */
#define LINGER_MS 50
#define LOOK_EVERY_MS 2
/* A commit may hang for hours, for a standby that is gone: not every few milliseconds then. */
#define IN_THE_WAY_MS 25
/* An extension that is older than this bridge has no gate. */
#define UNKNOWN_LOOK_MS 250
#define UNKNOWN_REST_MS 60000

void
linger_look(Linger *linger, int64_t now)
{
	linger->wait_ms = 0;
	linger->looked_at = now;
}

void
linger_found(Linger *linger, int64_t now)
{
	if (linger->found_at != 0 && linger->looked_at - linger->found_at <= STREAM_MS)
		linger->busy_until = now + LINGER_MS;
	linger->found_at = now;
}

LingerStep
linger_step(const Linger *linger, int64_t now)
{
	bool is_busy = now < linger->busy_until;

	if (linger->is_shut)
		return is_busy ? LINGER_OPEN : LINGER_SLEEP;
	if (is_busy || linger->wait_ms > 0 || now < linger->awake_until)
		return LINGER_LOOK;
	return LINGER_SHUT;
}

int64_t
linger_wait(const Linger *linger, int64_t now)
{
	if (now < linger->busy_until)
		return LOOK_EVERY_MS;
	return now < linger->awake_until ? UNKNOWN_LOOK_MS : linger->wait_ms;
}

void
linger_opened(Linger *linger)
{
	linger->is_shut = false;
}

void
linger_shut(Linger *linger, bool is_shut)
{
	linger->is_shut = is_shut;
	linger->wait_ms = is_shut ? 0 : IN_THE_WAY_MS;
}

void
linger_failed(Linger *linger, int64_t now)
{
	linger->is_shut = false;
	linger->awake_until = now + UNKNOWN_REST_MS;
}
