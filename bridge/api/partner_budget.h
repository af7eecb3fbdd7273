/*
 * partner_budget.h
 *		Who gets how much of this bridge: places to work in, by turns over partners, and time. Pure:
 *		the clock is the caller's, and so is what is done at a place.
 */
#ifndef PARTNER_BUDGET_H
#define PARTNER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* What is shared: threads that check messages, sessions of the database that store or answer. */
typedef enum BudgetPool
{
	BUDGET_CHECK,
	BUDGET_STORE,
	BUDGET_ANSWER,
	BUDGET_POOLS
} BudgetPool;

#define BUDGET_BURST_SECONDS 10 /* a partner may use the share of so long a time at once */
#define BUDGET_PACED_SECONDS 1	/* and of so long, of a session, while others ask as well */
#define BUDGET_OTHERS_MS 250	/* they did, so lately */
#define BUDGET_WAITING 100		/* jobs of one partner that may wait for a pool */
#define BUDGET_LIGHT_US 5000	/* a check that takes no longer keeps nobody waiting */
#define BUDGET_MIDDLE_US 50000	/* nor does this keep waiting whoever has a large message */
#define BUDGET_QUICK_US 200000 /* nor does such a question to the database, on a busy machine too */
#define BUDGET_PARTNERS 1024   /* that are remembered while they do nothing */

typedef struct PartnerBudget PartnerBudget;
typedef struct BudgetQueue BudgetQueue;

/*
 * Light jobs may have every place; the others share a quarter of them, each kind its own. How
 * costly comes first, in order.
 */
typedef enum BudgetKind
{
	BUDGET_LIGHT,
	BUDGET_MIDDLE,	 /* of checks: not as costly, but it would be felt by those with light ones */
	BUDGET_HEAVY,	 /* it is known to be costly, or its partner's last ones were */
	BUDGET_STRANGER, /* nobody knows yet who it is for */
	BUDGET_KINDS
} BudgetKind;

/* Part of what waits or works; begins as zeroes. */
typedef struct BudgetJob
{
	TAILQ_ENTRY(BudgetJob) entry;
	BudgetQueue *queue; /* NULL: it neither waits nor works */
	bool is_working;
	BudgetKind kind;
	int64_t charged_us;
} BudgetJob;

/* NULL when out of memory. Freed when no job waits or works. */
extern PartnerBudget *partner_budget_new(void);
extern void partner_budget_free(PartnerBudget *budget);

/*
 * places: of the pool; own: how many of them one partner may have; percent: of the time of one
 * place that a partner may use in the long run, 0 for no limit. Beyond it a check is refused, since
 * its time is the processor's. A session's time may also be somebody else's fault: then the
 * partner counts as one with costly jobs, and while others ask it waits until time has come back.
 */
extern void partner_budget_set(PartnerBudget *budget, BudgetPool pool, int places, int own,
							   int percent);

/* From now on what this client does counts for the partner, with all that its other clients do. */
extern void partner_budget_know(PartnerBudget *budget, const char *client, const char *partner);

/* A number that stands for whoever this is, the same for all clients of a partner. */
extern uint64_t partner_budget_number(PartnerBudget *budget, const char *who);

/* What ask would answer, if it refused for the time that was used. */
extern int64_t partner_budget_wait(PartnerBudget *budget, BudgetPool pool, const char *who,
								   int64_t now_ms);

/*
 * 0: charged with what it is expected to take, and it waits for its turn. Else nothing is done, and
 * in so many milliseconds it may be asked again.
 */
extern int64_t partner_budget_ask(PartnerBudget *budget, BudgetPool pool, BudgetJob *job,
								  const char *who, int64_t expected_us, int64_t now_ms);

/* The job whose turn it is; it works from now on. NULL when there is none, or no place. */
extern BudgetJob *partner_budget_next(PartnerBudget *budget, BudgetPool pool, int64_t now_ms);

/*
 * In how many milliseconds a job that waits for its partner's time may have its turn, if nothing
 * ends before; -1 when none does.
 */
extern int64_t partner_budget_pause(PartnerBudget *budget, BudgetPool pool, int64_t now_ms);

/* Does it wait because of what its own partner does? */
extern bool partner_budget_is_own_fault(const PartnerBudget *budget, const BudgetJob *job);

/* Its end, whatever it was at: what it really took is charged. Nothing for a job in no queue. */
extern void partner_budget_end(PartnerBudget *budget, BudgetJob *job, int64_t took_us,
							   int64_t now_ms);

/*
 * Counts what was refused to somebody: 0 when that was told less than a minute ago, else how many
 * times since it was told last.
 */
extern int partner_budget_count_refusal(PartnerBudget *budget, const char *who, int64_t now_ms);

#endif
