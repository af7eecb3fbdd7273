/*
 * dispatcher.c
 *		Finds out which lanes have something to send and sets them to work, as many as may be at a
 *		time: by partner, however many addresses one has. Must not know how a lane does it.
 */
#include "delivery/dispatcher.h"

#include <stdlib.h>
#include <string.h>

#include "database/turn_trouble.h"

#include "delivery/prober.h"

#define PARTNER_LANES 4 /* of one partner at a time; fewer when few are left */
#define LIKELY_LANES 4	/* of more the next news is hardly of the same */

struct Dispatcher
{
	LaneCommon common;
	void (*idle)(void *context);
	void *context;
	SLIST_HEAD(PartyList, LaneParty) parties;
	Lane **lanes; /* ordered by number */
	int lane_count;
	int next;				  /* lane to begin with, so that all get their turn */
	int likely[LIKELY_LANES]; /* those that had something when some last had */
	int likely_count;
	bool is_beginning;
	bool is_looking;
	bool look_again;
	TurnTrouble looking;
};

static int
lane_compare(const void *number, const void *element)
{
	const Lane *lane = *(Lane *const *) element;
	int wanted = *(const int *) number;

	return (wanted > lane->number) - (wanted < lane->number);
}

static Lane *
lane_find(Dispatcher *dispatcher, int number)
{
	Lane **found = NULL;

	if (dispatcher->lane_count > 0)
		found = bsearch(&number, dispatcher->lanes, (size_t) dispatcher->lane_count, sizeof(Lane *),
						lane_compare);
	return found != NULL ? *found : NULL;
}

/* NULL when out of memory. */
static LaneParty *
party_find(Dispatcher *dispatcher, const char *partner)
{
	LaneParty *party;

	SLIST_FOREACH (party, &dispatcher->parties, entry)
		if (strncmp(party->partner, partner, sizeof(party->partner) - 1) == 0)
			return party;
	party = calloc(1, sizeof(LaneParty));
	if (party != NULL)
	{
		strncpy(party->partner, partner, sizeof(party->partner) - 1);
		SLIST_INSERT_HEAD(&dispatcher->parties, party, entry);
	}
	return party;
}

static Lane *
lane_add(Dispatcher *dispatcher, const DeliveryLane *due)
{
	size_t size = ((size_t) dispatcher->lane_count + 1) * sizeof(Lane *);
	Lane **longer = realloc(dispatcher->lanes, size);
	LaneParty *party = party_find(dispatcher, due->partner);
	Lane *lane = party != NULL ? lane_new(&dispatcher->common, party, due->lane) : NULL;
	int at = dispatcher->lane_count;

	/* realloc has freed the old list even where the lane could not be made */
	if (longer != NULL)
		dispatcher->lanes = longer;
	if (longer == NULL || lane == NULL)
	{
		lane_free(lane);
		return NULL;
	}
	/* Kept in order for bsearch; lanes are added rarely and looked up at each doorbell. */
	for (; at > 0 && dispatcher->lanes[at - 1]->number > due->lane; at--)
		dispatcher->lanes[at] = dispatcher->lanes[at - 1];
	dispatcher->lanes[at] = lane;
	dispatcher->lane_count++;
	return lane;
}

/* An outcome that the database does not know yet is in flight too: stopping waits for it. */
int
dispatcher_in_flight(const Dispatcher *dispatcher)
{
	int outcomes = 0;

	for (int i = 0; i < dispatcher->lane_count; i++)
		if (dispatcher->lanes[i]->state == LANE_IDLE && dispatcher->lanes[i]->has_outcome)
			outcomes++;
	return dispatcher->common.in_flight + outcomes;
}

/*
 * May this lane take one of the free places for a message? A partner gets the less the fewer are
 * left, so that there is always one for a partner that has none. Where the last message did not
 * arrive the next may hang for as long as a message may: one of those for each partner, and never
 * the last quarter.
 */
static bool
dispatcher_may_send(const Dispatcher *dispatcher, const Lane *lane)
{
	int limit = (*dispatcher->common.parts.config)->max_lanes;
	int left = limit - dispatcher->common.in_flight;
	int share = left / 4 < PARTNER_LANES ? left / 4 : PARTNER_LANES;

	if (lane->is_failing && (lane->party->failing_in_flight > 0 || left <= limit / 4))
		return false;
	return lane->party->in_flight < (share > 1 ? share : 1) && left > 0;
}

static bool
dispatcher_has_place(const Dispatcher *dispatcher, const Lane *lane)
{
	int left = (*dispatcher->common.parts.config)->max_lanes - dispatcher->common.in_flight;

	/* it sends nothing: an outcome is told to the database, or the lane left to another bridge */
	if (lane->has_outcome || !lane->is_wanted)
		return left > 0;
	return dispatcher_may_send(dispatcher, lane);
}

/* The last place is not kept: who waits for one goes before. */
static bool
dispatcher_keeps_place(const Dispatcher *dispatcher, const Lane *lane)
{
	int left = (*dispatcher->common.parts.config)->max_lanes - dispatcher->common.in_flight;

	return left > 1 && dispatcher_may_send(dispatcher, lane);
}

/* Sets idle lanes to work as far as the limit allows. */
static void
dispatcher_fill(void *context)
{
	Dispatcher *dispatcher = context;
	int begin = dispatcher->next;
	int64_t now = event_loop_now();

	if (pg_session_is_connected(dispatcher->common.parts.session))
		for (int i = 0; i < dispatcher->lane_count; i++)
		{
			int at = (begin + i) % dispatcher->lane_count;
			Lane *lane = dispatcher->lanes[at];

			/* begin behind the lane that took a place, or the first ones would take it always */
			if (dispatcher_has_place(dispatcher, lane) &&
				lane_step(lane, now, dispatcher_keeps_place(dispatcher, lane)))
				dispatcher->next = at + 1;
		}
	if (dispatcher->common.is_stopping && dispatcher_in_flight(dispatcher) == 0)
		dispatcher->idle(dispatcher->context);
}

static void
dispatcher_want(Dispatcher *dispatcher, DeliveryLane due)
{
	Lane *lane;

	/* Not due yet: the timer looks again then, and the database says anew what is due. */
	if (due.wait_ms > 0)
	{
		timer_set_sooner(dispatcher->common.timer, due.wait_ms);
		prober_want(dispatcher->common.prober, due.lane, due.wait_ms);
		return;
	}
	lane = lane_find(dispatcher, due.lane);
	if (lane == NULL)
		lane = lane_add(dispatcher, &due);
	if (lane != NULL)
		lane->is_wanted = true;
}

/* What was found says which lanes the next news is likely to be for. */
static void
dispatcher_remember(Dispatcher *dispatcher, const PGresult *result)
{
	int count = 0;

	for (int row = 0; row < PQntuples(result); row++)
	{
		DeliveryLane due = delivery_queue_read_lane(result, row);

		if (due.wait_ms == 0 && ++count <= LIKELY_LANES)
			dispatcher->likely[count - 1] = due.lane;
	}
	if (count > 0)
		dispatcher->likely_count = count <= LIKELY_LANES ? count : 0;
}

/* A lane that has nothing after all has taken nothing: what is due is asked behind it. */
static void
dispatcher_guess(Dispatcher *dispatcher)
{
	for (int i = 0; i < dispatcher->likely_count; i++)
	{
		Lane *lane = lane_find(dispatcher, dispatcher->likely[i]);

		if (lane != NULL)
			lane->is_wanted = true;
	}
	dispatcher_fill(dispatcher);
}

static void
dispatcher_looked(void *context, const PGresult *result, const Failure *failure)
{
	Dispatcher *dispatcher = context;

	dispatcher->is_looking = false;
	if (result == NULL)
	{
		turn_trouble_failed(&dispatcher->looking, dispatcher->common.parts.session, failure);
		if (pg_session_is_connected(dispatcher->common.parts.session))
			log_error(dispatcher->common.parts.log, "lanes_failed", "reason", failure->text, NULL);
		return;
	}
	turn_trouble_passed(&dispatcher->looking, dispatcher->common.parts.session);
	for (int row = 0; row < PQntuples(result); row++)
		dispatcher_want(dispatcher, delivery_queue_read_lane(result, row));
	dispatcher_remember(dispatcher, result);
	dispatcher_fill(dispatcher);
	/* Somebody rang while the question was under way: its answer may be older than the ring. */
	if (dispatcher->look_again)
		dispatcher_look(dispatcher, false);
}

static void
dispatcher_began(void *context, const PGresult *result, const Failure *failure)
{
	Dispatcher *dispatcher = context;

	dispatcher->is_beginning = false;
	if (result != NULL)
	{
		dispatcher->common.turn = delivery_queue_read_turn(result);
		dispatcher_look(dispatcher, false);
		dispatcher_fill(dispatcher);
	}
	else if (pg_session_is_connected(dispatcher->common.parts.session))
		log_error(dispatcher->common.parts.log, "delivery_begin_failed", "reason", failure->text,
				  NULL);
}

/* Once in a session; when it fails, the next look tries again. */
static void
dispatcher_begin(Dispatcher *dispatcher)
{
	Failure failure;

	if (!dispatcher->is_beginning)
		dispatcher->is_beginning = delivery_queue_begin(dispatcher->common.parts.session,
														dispatcher_began, dispatcher, &failure);
}

void
dispatcher_look(Dispatcher *dispatcher, bool is_news)
{
	Failure failure;

	if (dispatcher->common.keys == NULL || dispatcher->common.is_stopping)
		return;
	if (dispatcher->common.turn.number[0] == '\0')
	{
		dispatcher_begin(dispatcher);
		return;
	}
	if (is_news)
		dispatcher_guess(dispatcher);
	dispatcher->look_again = dispatcher->is_looking;
	if (dispatcher->is_looking)
		return;
	dispatcher->is_looking =
		delivery_queue_lanes(dispatcher->common.parts.session, &dispatcher->common.turn,
							 dispatcher_looked, dispatcher, &failure);
}

void
dispatcher_wake(void *context)
{
	Dispatcher *dispatcher = context;

	dispatcher_look(dispatcher, false);
	dispatcher_fill(dispatcher);
}

void
dispatcher_set_keys(Dispatcher *dispatcher, const KeyRing *keys)
{
	dispatcher->common.keys = keys;
	if (keys == NULL)
		turn_trouble_forget(&dispatcher->looking);
	dispatcher_look(dispatcher, false);
	dispatcher_fill(dispatcher);
}

void
dispatcher_connected(Dispatcher *dispatcher)
{
	dispatcher_look(dispatcher, false);
	dispatcher_fill(dispatcher);
}

/* The questions under way have been answered with a failure; the locks went with the session. */
void
dispatcher_lost(Dispatcher *dispatcher)
{
	dispatcher->is_looking = dispatcher->is_beginning = false;
	dispatcher->common.turn.number[0] = '\0';
	turn_trouble_forget(&dispatcher->looking);
	for (int i = 0; i < dispatcher->lane_count; i++)
		dispatcher->lanes[i]->is_locked = false;
}

void
dispatcher_stop(Dispatcher *dispatcher)
{
	dispatcher->common.is_stopping = true;
	dispatcher_fill(dispatcher);
}

const char *
dispatcher_trouble(const Dispatcher *dispatcher)
{
	return turn_trouble_text(&dispatcher->looking);
}

Dispatcher *
dispatcher_new(const LaneParts *parts, void (*idle)(void *context), void *context, Failure *failure)
{
	Dispatcher *dispatcher = calloc(1, sizeof(Dispatcher));

	if (dispatcher != NULL)
	{
		dispatcher->common.parts = *parts;
		dispatcher->common.changed = dispatcher_fill;
		dispatcher->common.context = dispatcher;
		dispatcher->idle = idle;
		dispatcher->looking.turn = "delivery";
		dispatcher->context = context;
		dispatcher->common.timer = timer_new(parts->loop, dispatcher_wake, dispatcher);
		dispatcher->common.prober = prober_new(&dispatcher->common, dispatcher_wake, dispatcher);
	}
	if (dispatcher == NULL || dispatcher->common.timer == NULL || dispatcher->common.prober == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		dispatcher_free(dispatcher);
		return NULL;
	}
	return dispatcher;
}

void
dispatcher_free(Dispatcher *dispatcher)
{
	if (dispatcher == NULL)
		return;
	for (int i = 0; i < dispatcher->lane_count; i++)
		lane_free(dispatcher->lanes[i]);
	free(dispatcher->lanes);
	while (!SLIST_EMPTY(&dispatcher->parties))
	{
		LaneParty *party = SLIST_FIRST(&dispatcher->parties);

		SLIST_REMOVE_HEAD(&dispatcher->parties, entry);
		free(party);
	}
	prober_free(dispatcher->common.prober);
	timer_free(dispatcher->common.timer);
	free(dispatcher);
}
