/*
 * lane_state.h
 *		Changes what a lane is doing. Knows nothing of messages.
 */
#ifndef LANE_STATE_H
#define LANE_STATE_H

#include "delivery/lane.h"

/* The number in flight changes with it. */
extern void lane_state_enter(Lane *lane, LaneState state);

/* A question to the database went wrong: logged, and the lane rests. */
extern void lane_state_trouble(Lane *lane, const char *event, const Failure *failure);

/* Tells the database why a message did not arrive, before the outcome is recorded. */
extern void lane_state_note(Lane *lane);

/* The database knows the outcome; false: it counts no more. */
extern void lane_state_told(Lane *lane, bool counts);

#endif
