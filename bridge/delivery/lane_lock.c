/*
 * lane_lock.c
 *		A lane is served by one bridge at a time: it asks for the lock that says so, and gives it
 *		back. Must not know what is sent.
 */
#include "delivery/lane_lock.h"

#include "delivery/lane_state.h"

#define LOCK_AGAIN_MS 1000

static void
lane_lock_answered(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;

	if (result == NULL)
		lane_state_trouble(lane, "lock_failed", failure);
	else
	{
		lane_state_enter(lane, LANE_IDLE);
		lane->is_locked = delivery_queue_read_claim(result);
		if (!lane->is_locked)
		{
			/* another bridge serves this lane; it will take what we had in flight again */
			lane->is_wanted = false;
			lane->has_outcome = false;
			/* unless that one was stopped: then its locks go with its sessions */
			timer_set_sooner(lane->common->timer, LOCK_AGAIN_MS);
		}
	}
	lane->common->changed(lane->common->context);
}

void
lane_lock(Lane *lane)
{
	Failure failure;

	lane_state_enter(lane, LANE_LOCKING);
	if (!delivery_queue_lock(lane->common->parts.session, lane->number, lane_lock_answered, lane,
							 &failure))
		lane_state_trouble(lane, "lock_failed", &failure);
}

static void
lane_unlocked(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;

	if (result == NULL)
		lane_state_trouble(lane, "unlock_failed", failure);
	else
		lane_state_enter(lane, LANE_IDLE);
	lane->common->changed(lane->common->context);
}

void
lane_unlock(Lane *lane)
{
	Failure failure;

	lane->is_locked = false;
	lane_state_enter(lane, LANE_LOCKING);
	if (!delivery_queue_unlock(lane->common->parts.session, lane->number, lane_unlocked, lane,
							   &failure))
		lane_state_trouble(lane, "unlock_failed", &failure);
}
