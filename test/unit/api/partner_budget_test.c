/*
 * partner_budget_test.c
 *		Turns over partners, places that costly jobs do not get, and time that is used up.
 */
#include <stdio.h>

#include "api/partner_budget.h"
#include "tap.h"

#define JOBS 200

static BudgetJob jobs[JOBS];

static int
number_of(const BudgetJob *job)
{
	return job != NULL ? (int) (job - jobs) : -1;
}

static int64_t
ask(PartnerBudget *budget, int job, const char *who, int64_t now_ms)
{
	return partner_budget_ask(budget, BUDGET_CHECK, &jobs[job], who, 1000, now_ms);
}

static int
next(PartnerBudget *budget, int64_t now_ms)
{
	return number_of(partner_budget_next(budget, BUDGET_CHECK, now_ms));
}

static void
end(PartnerBudget *budget, int job, int64_t took_us, int64_t now_ms)
{
	partner_budget_end(budget, &jobs[job], took_us, now_ms);
}

static void
test_turns(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();

	partner_budget_set(budget, BUDGET_CHECK, 1, 1, 0);
	for (int i = 0; i < 50; i++)
		(void) ask(budget, i, "a", 0);
	tap_is_int(tap, next(budget, 0), 0, "the first begins");
	tap_is_int(tap, next(budget, 0), -1, "there is one place");
	(void) ask(budget, 100, "b", 0);
	(void) ask(budget, 101, "b", 0);
	(void) ask(budget, 110, "c", 0);
	end(budget, 0, 1000, 0);
	tap_is_int(tap, next(budget, 0), 1, "who waited before others came has its turn");
	end(budget, 1, 1000, 0);
	tap_is_int(tap, next(budget, 0), 100, "then each other one, whatever else it waits for");
	end(budget, 100, 1000, 0);
	tap_is_int(tap, next(budget, 0), 110, "each of them");
	end(budget, 110, 1000, 0);
	tap_is_int(tap, next(budget, 0), 2, "and the first again");
	end(budget, 101, 0, 0);
	end(budget, 101, 0, 0);
	end(budget, 2, 1000, 0);
	tap_is_int(tap, next(budget, 0), 3, "who does not wait any more is left out");
	tap_ok(tap, jobs[101].queue == NULL, "and may be ended twice");
	for (int i = 3; i < 50; i++)
		end(budget, i, 0, 0);
	partner_budget_free(budget);
}

static void
test_places(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();

	partner_budget_set(budget, BUDGET_CHECK, 8, 2, 0);
	for (int i = 0; i < 10; i++)
		(void) ask(budget, i, "a", 0);
	tap_is_int(tap, next(budget, 0) + next(budget, 0), 1, "a partner has two places");
	tap_is_int(tap, next(budget, 0), -1, "and not a third");
	tap_ok(tap, partner_budget_is_own_fault(budget, &jobs[2]), "its next waits for its own");
	/* two seconds each: known to be costly from now on */
	for (int i = 0; i < 10; i++)
		end(budget, i, i < 2 ? 2000000 : 0, 2000);
	for (int i = 0; i < 3; i++)
	{
		const char *const names[] = {"b", "c", "d"};

		(void) ask(budget, 20 + i, names[i], 2000);
		tap_is_int(tap, next(budget, 2000), 20 + i, "%s has not been costly yet", names[i]);
		end(budget, 20 + i, 2000000, 2000);
	}
	(void) ask(budget, 20, "b", 2000);
	(void) ask(budget, 21, "c", 2000);
	(void) ask(budget, 22, "d", 2000);
	(void) ask(budget, 0, "a", 2000);
	tap_is_int(tap, next(budget, 2000), 20, "costly partners share a quarter of the places");
	tap_is_int(tap, next(budget, 2000), 21, "which are two here");
	tap_is_int(tap, next(budget, 2000), -1, "and no more, while five are free");
	tap_ok(tap, partner_budget_is_own_fault(budget, &jobs[22]), "that is their own fault");
	(void) ask(budget, 50, "good", 2000);
	tap_is_int(tap, next(budget, 2000), 50, "whoever is not costly does not wait for them");
	end(budget, 20, 1000, 2000);
	tap_is_int(tap, next(budget, 2000), 22, "they have their turns among themselves");
	jobs[60].kind = BUDGET_STRANGER;
	jobs[61].kind = BUDGET_STRANGER;
	jobs[62].kind = BUDGET_STRANGER;
	for (int i = 60; i < 63; i++)
		(void) ask(budget, i, "address", 2000);
	tap_is_int(tap, next(budget, 2000), 60, "strangers do not wait for costly partners");
	end(budget, 22, 1000, 2000);
	end(budget, 21, 1000, 2000);
	end(budget, 0, 1000, 2000);
	(void) ask(budget, 0, "a", 62000);
	(void) ask(budget, 20, "b", 62000);
	tap_is_int(tap, next(budget, 62000) >= 0 && next(budget, 62000) >= 0, 1,
			   "a minute later it is forgotten");
	for (int i = 0; i < JOBS; i++)
		end(budget, i, 0, 62000);
	partner_budget_free(budget);
}

static void
test_time(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();
	int64_t most = BUDGET_BURST_SECONDS * INT64_C(500000);
	int taken;

	partner_budget_set(budget, BUDGET_CHECK, 4, 4, 50);
	(void) ask(budget, 0, "a", 0);
	(void) next(budget, 0);
	end(budget, 0, most + 500000, 0);
	tap_is_int(tap, ask(budget, 0, "a", 0), 1001, "a second too much is refused for a time");
	tap_is_int(tap, ask(budget, 1, "b", 0), 0, "not to another one");
	tap_is_int(tap, ask(budget, 0, "a", 1001), 0, "and taken when that is over");
	end(budget, 0, 0, 1001);
	end(budget, 1, 0, 1001);
	partner_budget_know(budget, "a's other client", "partner");
	partner_budget_know(budget, "a's client", "partner");
	(void) ask(budget, 0, "a's client", 1001);
	(void) next(budget, 1001);
	end(budget, 0, most * 2, 1001);
	tap_ok(tap, ask(budget, 0, "a's other client", 1001) > 0, "clients of one partner have one");
	tap_ok(tap, ask(budget, 0, "partner", 1001) > 0, "that of the partner");
	for (taken = 0; taken < JOBS && ask(budget, taken, "crowd", 1001) == 0;)
		taken++;
	tap_is_int(tap, taken, BUDGET_WAITING, "so many may wait");
	for (int i = 0; i < taken; i++)
		end(budget, i, 0, 1001);
	(void) partner_budget_ask(budget, BUDGET_CHECK, &jobs[0], "big", 60000, 1001);
	tap_is_int(tap, jobs[0].kind, BUDGET_HEAVY, "what is known to be costly is so from the start");
	end(budget, 0, 0, 1001);
	partner_budget_free(budget);
}

/* Jobs that are not costly one by one are felt by whoever has light ones, all the same. */
static void
test_middle(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();

	partner_budget_set(budget, BUDGET_CHECK, 3, 1, 0);
	(void) partner_budget_ask(budget, BUDGET_CHECK, &jobs[0], "a", 40000, 0);
	tap_is_int(tap, jobs[0].kind, BUDGET_MIDDLE, "a check of 40 ms is not light");
	end(budget, 0, 0, 0);
	for (int i = 0; i < 10; i++)
	{
		(void) ask(budget, 0, "a", 0);
		(void) next(budget, 0);
		end(budget, 0, 20000, 0);
	}
	(void) ask(budget, 0, "a", 0);
	tap_is_int(tap, next(budget, 0), 0, "who took more than expected has its turn");
	tap_is_int(tap, jobs[0].kind, BUDGET_MIDDLE, "but with those whose checks are not light");
	(void) partner_budget_ask(budget, BUDGET_CHECK, &jobs[1], "b", 40000, 0);
	(void) partner_budget_ask(budget, BUDGET_CHECK, &jobs[2], "c", 60000, 0);
	(void) ask(budget, 3, "d", 0);
	tap_is_int(tap, next(budget, 0), 2, "a costly one does not wait for them");
	tap_is_int(tap, next(budget, 0), 3, "nor does a light one");
	end(budget, 3, 1000, 0);
	tap_is_int(tap, next(budget, 0), -1, "they wait for each other");
	for (int i = 0; i < 4; i++)
		end(budget, i, 0, 0);
	partner_budget_free(budget);
}

/* Of sessions no time is refused: whoever has used it up waits with the costly ones. */
static void
test_sessions(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();

	partner_budget_set(budget, BUDGET_ANSWER, 4, 1, 50);
	for (int i = 0; i < 60; i++)
	{
		(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[0], "a", 1000, 0);
		(void) partner_budget_next(budget, BUDGET_ANSWER, 0);
		partner_budget_end(budget, &jobs[0], 100000, 0);
	}
	tap_is_int(tap, partner_budget_ask(budget, BUDGET_ANSWER, &jobs[0], "a", 1000, 0), 0,
			   "who has used up its time of sessions is let in");
	jobs[1].kind = BUDGET_HEAVY;
	(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[1], "b", 1000, 0);
	(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[2], "c", 1000, 0);
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 250)), 0, "has a place");
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 250)), 2,
			   "which it shares with the costly ones");
	for (int i = 0; i < 3; i++)
		partner_budget_end(budget, &jobs[i], 0, 0);
	partner_budget_free(budget);
}

/* While others ask, whoever has used a second's share of a session waits until time is back. */
static void
test_pauses(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();

	partner_budget_set(budget, BUDGET_ANSWER, 4, 1, 50);
	(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[0], "a", 1000, 0);
	(void) partner_budget_next(budget, BUDGET_ANSWER, 0);
	partner_budget_end(budget, &jobs[0], 600000, 0);
	(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[0], "a", 1000, 0);
	tap_is_int(tap, partner_budget_pause(budget, BUDGET_ANSWER, 0), -1, "alone it may go on");
	(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[1], "b", 1000, 100);
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 100)), 1,
			   "when another asks, that one goes first");
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 100)), -1,
			   "and the first waits");
	tap_is_int(tap, partner_budget_pause(budget, BUDGET_ANSWER, 100), 103,
			   "for what it has had beyond half a second, at 500 us a millisecond");
	tap_ok(tap, partner_budget_is_own_fault(budget, &jobs[0]), "which is its own fault");
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 202)), -1, "not yet");
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 203)), 0, "then it goes");
	partner_budget_end(budget, &jobs[0], 2000000, 203);
	partner_budget_end(budget, &jobs[1], 1000, 203);
	(void) partner_budget_ask(budget, BUDGET_ANSWER, &jobs[0], "a", 1000, 203);
	tap_is_int(tap, partner_budget_pause(budget, BUDGET_ANSWER, 300), 50,
			   "nor longer than anybody else has asked lately");
	tap_is_int(tap, number_of(partner_budget_next(budget, BUDGET_ANSWER, 350)), 0,
			   "a session that nobody wants may be all its own");
	partner_budget_end(budget, &jobs[0], 0, 350);
	partner_budget_free(budget);
}

static void
test_memory(Tap *tap)
{
	PartnerBudget *budget = partner_budget_new();
	char who[32];
	int refused = 0;

	partner_budget_set(budget, BUDGET_CHECK, 2, 1, 50);
	(void) ask(budget, 0, "busy", 0);
	(void) next(budget, 0);
	for (int i = 0; i < 100000; i++)
	{
		snprintf(who, sizeof(who), "caller %d", i);
		refused += ask(budget, 1, who, 0) != 0;
		end(budget, 1, 0, 0);
	}
	tap_is_int(tap, refused, 0, "more partners than are remembered: none pays for another");
	end(budget, 0, 60000000, 0);
	tap_ok(tap, ask(budget, 0, "busy", 0) > 0, "one that works is not forgotten");
	tap_is_int(tap, partner_budget_count_refusal(budget, "busy", 1), 1, "a refusal is told");
	tap_is_int(tap, partner_budget_count_refusal(budget, "busy", 1000), 0, "but not each");
	tap_is_int(tap, partner_budget_count_refusal(budget, "busy", 60001), 2, "with their number");
	partner_budget_free(budget);
}

int
main(void)
{
	Tap tap = {0, 0};

	test_turns(&tap);
	test_places(&tap);
	test_time(&tap);
	test_middle(&tap);
	test_sessions(&tap);
	test_pauses(&tap);
	test_memory(&tap);
	return tap_done(&tap);
}
