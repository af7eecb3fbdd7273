/*
 * lane_lock.h
 *		Who serves a lane. Each asks the database; its answer steps the lane.
 */
#ifndef LANE_LOCK_H
#define LANE_LOCK_H

#include "delivery/lane.h"

extern void lane_lock(Lane *lane);
extern void lane_unlock(Lane *lane); /* we cannot serve it, another bridge perhaps can */

#endif
