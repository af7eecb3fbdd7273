/*
 * lane_state.c
 *		What a lane is doing, and when it may go on. Must not know how a message is sent.
 */
#include "delivery/lane_state.h"

#include "base/backoff.h"
#include "delivery/prober.h"

#define REST_FIRST_MS 500
#define REST_LAST_MS 60000

/* The one place where the state of a lane changes, and with it the number in flight. */
void
lane_state_enter(Lane *lane, LaneState state)
{
	int change = (state != LANE_IDLE) - (lane->state != LANE_IDLE);

	lane->common->in_flight += change;
	lane->party->in_flight += change;
	if (lane->is_failing)
		lane->party->failing_in_flight += change;
	lane->state = state;
	if (state == LANE_IDLE && lane->has_outcome)
		lane->is_failing = lane->outcome.wait_ms > 0;
}

/* A question to the database went wrong. A lost connection is no news: its session tells. */
void
lane_state_trouble(Lane *lane, const char *event, const Failure *failure)
{
	const LaneParts *parts = &lane->common->parts;
	int64_t rest_ms;

	lane_state_enter(lane, LANE_IDLE);
	if (!pg_session_is_connected(parts->session))
		return;
	log_error(parts->log, event, "lane", LOG_INT(lane->number), "reason", failure->text, NULL);
	rest_ms = backoff_wait(REST_FIRST_MS, REST_LAST_MS, ++lane->troubles);
	/* given up, the message stays in flight there and will be taken again */
	if (rest_ms >= REST_LAST_MS)
		lane->has_outcome = false;
	lane->rest_until = event_loop_now() + rest_ms;
	timer_set_sooner(lane->common->timer, rest_ms);
}

static void
lane_noted(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;

	if (result != NULL)
		lane->outcome.is_to_note = false;
	else if (pg_session_is_connected(lane->common->parts.session))
		log_error(lane->common->parts.log, "note_failed", "lane", LOG_INT(lane->number), "reason",
				  failure->text, NULL);
}

/* Whether that can be told or not, the outcome counts. */
void
lane_state_note(Lane *lane)
{
	Failure failure;

	if (lane->outcome.is_to_note)
		(void) delivery_queue_note(lane->common->parts.session, lane->number, &lane->outcome,
								   lane_noted, lane, &failure);
}

/* Recorded or stale, the outcome is done with: what is true now is asked by the next take. */
void
lane_state_told(Lane *lane, bool counts)
{
	LaneCommon *common = lane->common;

	lane->has_outcome = false;
	lane->troubles = 0;
	if (!counts)
		log_warning(common->parts.log, "outcome_stale", "lane", LOG_INT(lane->number), "message_id",
					lane->outcome.message_id, NULL);
	if (lane->outcome.wait_ms > 0)
	{
		timer_set_sooner(common->timer, lane->outcome.wait_ms);
		prober_want(common->prober, lane->number, lane->outcome.wait_ms);
	}
	else
		prober_forget(common->prober, lane->number);
}
