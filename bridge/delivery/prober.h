/*
 * prober.h
 *		Finds out whether a partner that was not there is back, so that its lanes need not rest for
 *		as long as they would. Knows lanes by their numbers only.
 */
#ifndef PROBER_H
#define PROBER_H

#include "delivery/lane.h"

/* back is called when a lane has something to do again. */
extern Prober *prober_new(const LaneCommon *common, void (*back)(void *context), void *context);
extern void prober_free(Prober *prober); /* after the session and the sender */

/* The lane rests for so long. */
extern void prober_want(Prober *prober, int lane, int64_t wait_ms);

/* The partner has it: nothing is remembered against its address. */
extern void prober_forget(Prober *prober, int lane);

#endif
