/*
 * linger.h
 *		Whether a router with nothing to do sleeps until somebody rings, or lingers and looks again
 *		by itself. While it sleeps every commit of a change sends NOTIFY, which makes commits wait
 *		for each other; while it lingers none does, and the database is asked in vain. Pure; the
 *		clock is an argument (milliseconds, event_loop_now()).
 */
#ifndef LINGER_H
#define LINGER_H

#include <stdbool.h>
#include <stdint.h>

typedef enum LingerStep
{
	LINGER_SLEEP, /* the gate is shut: until the bell or the backstop poll */
	LINGER_OPEN,  /* open the gate: changes come so fast that ringing for each is too much */
	LINGER_LOOK,  /* look again after linger_wait() */
	LINGER_SHUT	  /* shut the gate, look once more, and sleep then */
} LingerStep;

/* Of a session that has just begun: all zero. The gate is open to all then, and nobody looks. */
typedef struct Linger
{
	bool is_shut;
	int64_t
		wait_ms; /* it could not be shut: until the next look, after which that is tried again */
	int64_t looked_at;
	int64_t found_at;
	int64_t busy_until;
	int64_t awake_until; /* nothing is known of the gate: it is not tried again before */
} Linger;

/* A look begins; it has found changes, and is over. */
extern void linger_look(Linger *linger, int64_t now);
extern void linger_found(Linger *linger, int64_t now);

/* What to do next; asked before each look too, but there only LINGER_OPEN counts. */
extern LingerStep linger_step(const Linger *linger, int64_t now);

/* Milliseconds until the next look of a router that lingers. */
extern int64_t linger_wait(const Linger *linger, int64_t now);

/* The database's answers; it may also not know the question, or fail. */
extern void linger_opened(Linger *linger);
extern void linger_shut(Linger *linger, bool is_shut);
extern void linger_failed(Linger *linger, int64_t now);

#endif
