/*
 * partner_budget.c
 *		Accounts of partners, and for each pool the queues of those who wait, served by turns. Must
 *		not know what is waited for.
 */
#include "api/partner_budget.h"

#include <stdlib.h>
#include <string.h>

#include "base/caller_hash.h"

/* beyond what a kind's jobs take, not yet forgotten: then the next kind is the partner's */
#define MIDDLE_BEYOND_US 100000
#define HEAVY_BEYOND_US 400000
#define FORGOTTEN_US_A_MS 50 /* of it */
#define CHAINS 256
#define TOLD_EVERY_MS 60000
#define FULL_MS 1000 /* when to come again if too many wait */

typedef TAILQ_HEAD(JobList, BudgetJob) JobList;
typedef TAILQ_HEAD(QueueList, BudgetQueue) QueueList;

/* What one partner does in one pool. */
struct BudgetQueue
{
	TAILQ_ENTRY(BudgetQueue) turn; /* in the pool's list while something waits */
	struct Account *account;
	BudgetPool pool;
	JobList waiting;
	int waits;
	int works;
	int64_t used_us;				 /* as of at_ms; less with time */
	int64_t beyond_us[BUDGET_HEAVY]; /* what its jobs took beyond those of a kind; likewise */
	int64_t at_ms;
};

typedef struct Account
{
	LIST_ENTRY(Account) chain;
	TAILQ_ENTRY(Account) age; /* the one not seen for longest is first */
	uint64_t who;
	uint64_t same_as; /* the partner that this client is of; 0 = not known */
	int jobs;
	int refusals;
	int64_t told_at_ms;
	BudgetQueue queues[BUDGET_POOLS];
} Account;

typedef struct Pool
{
	int places;
	int own;
	int percent;
	int working;
	int kinds_working[BUDGET_KINDS];
	QueueList turns;
	const BudgetQueue *last; /* who asked last, only to compare with */
	int64_t last_ms;
	int64_t other_ms; /* when somebody else did */
} Pool;

struct PartnerBudget
{
	CallerHash hash;
	int accounts;
	LIST_HEAD(AccountChain, Account) chains[CHAINS];
	TAILQ_HEAD(AccountList, Account) ages;
	Pool pools[BUDGET_POOLS];
};

PartnerBudget *
partner_budget_new(void)
{
	PartnerBudget *budget = calloc(1, sizeof(PartnerBudget));

	if (budget == NULL || !caller_hash_init(&budget->hash))
	{
		free(budget);
		return NULL;
	}
	TAILQ_INIT(&budget->ages);
	for (int i = 0; i < BUDGET_POOLS; i++)
		TAILQ_INIT(&budget->pools[i].turns);
	return budget;
}

void
partner_budget_free(PartnerBudget *budget)
{
	Account *account;

	if (budget == NULL)
		return;
	while ((account = TAILQ_FIRST(&budget->ages)) != NULL)
	{
		TAILQ_REMOVE(&budget->ages, account, age);
		free(account);
	}
	free(budget);
}

void
partner_budget_set(PartnerBudget *budget, BudgetPool pool, int places, int own, int percent)
{
	budget->pools[pool].places = places;
	budget->pools[pool].own = own;
	budget->pools[pool].percent = percent;
}

static Account *
account_new(PartnerBudget *budget, uint64_t who)
{
	Account *account = calloc(1, sizeof(Account));

	if (account == NULL)
		return NULL;
	account->who = who;
	for (int i = 0; i < BUDGET_POOLS; i++)
	{
		account->queues[i].account = account;
		account->queues[i].pool = (BudgetPool) i;
		TAILQ_INIT(&account->queues[i].waiting);
	}
	LIST_INSERT_HEAD(&budget->chains[who % CHAINS], account, chain);
	TAILQ_INSERT_TAIL(&budget->ages, account, age);
	budget->accounts++;
	return account;
}

/* Whoever is forgotten begins anew; but not while something of it waits or works. */
static void
account_forget_oldest(PartnerBudget *budget)
{
	for (Account *account = TAILQ_FIRST(&budget->ages); account != NULL;
		 account = TAILQ_NEXT(account, age))
	{
		if (account->jobs > 0)
			continue;
		LIST_REMOVE(account, chain);
		TAILQ_REMOVE(&budget->ages, account, age);
		free(account);
		budget->accounts--;
		return;
	}
}

/* NULL when out of memory. */
static Account *
account_find(PartnerBudget *budget, uint64_t who)
{
	Account *account;

	LIST_FOREACH (account, &budget->chains[who % CHAINS], chain)
		if (account->who == who)
		{
			TAILQ_REMOVE(&budget->ages, account, age);
			TAILQ_INSERT_TAIL(&budget->ages, account, age);
			return account;
		}
	if (budget->accounts >= BUDGET_PARTNERS)
		account_forget_oldest(budget);
	return account_new(budget, who);
}

static Account *
account_of(PartnerBudget *budget, const char *who)
{
	Account *account = account_find(budget, caller_hash(&budget->hash, who));

	if (account != NULL && account->same_as != 0)
		account = account_find(budget, account->same_as);
	return account;
}

void
partner_budget_know(PartnerBudget *budget, const char *client, const char *partner)
{
	uint64_t who = caller_hash(&budget->hash, client);
	Account *account = account_find(budget, who);
	uint64_t same_as = caller_hash(&budget->hash, partner);

	if (account != NULL && same_as != who)
		account->same_as = same_as;
}

static int64_t
lessened(int64_t value, int64_t passed_ms, int64_t a_ms)
{
	return a_ms > 0 && passed_ms < value / a_ms ? value - passed_ms * a_ms : 0;
}

/* What jobs of a kind take at most; of sessions nothing is between light and heavy. */
static int64_t
pool_kind_us(BudgetPool pool, BudgetKind kind)
{
	if (pool != BUDGET_CHECK)
		return BUDGET_QUICK_US;
	return kind == BUDGET_LIGHT ? BUDGET_LIGHT_US : BUDGET_MIDDLE_US;
}

/* What a partner may use at once. */
static int64_t
pool_most_us(const Pool *pool)
{
	return INT64_C(10000) * BUDGET_BURST_SECONDS * pool->percent;
}

/* A millisecond has a thousand microseconds, so of each a partner with p percent gets ten p. */
static void
queue_settle(const Pool *pool, BudgetQueue *queue, int64_t now_ms)
{
	int64_t passed = now_ms > queue->at_ms ? now_ms - queue->at_ms : 0;

	queue->used_us = lessened(queue->used_us, passed, INT64_C(10) * pool->percent);
	for (int kind = BUDGET_LIGHT; kind < BUDGET_HEAVY; kind++)
		queue->beyond_us[kind] = lessened(queue->beyond_us[kind], passed, FORGOTTEN_US_A_MS);
	queue->at_ms = now_ms;
}

static bool
queue_is_used_up(const Pool *pool, const BudgetQueue *queue)
{
	return pool->percent > 0 && queue->used_us >= pool_most_us(pool);
}

static void
pool_note_asker(Pool *pool, const BudgetQueue *queue, int64_t now_ms)
{
	if (pool->last != queue)
		pool->other_ms = pool->last != NULL ? pool->last_ms : now_ms - BUDGET_OTHERS_MS;
	pool->last = queue;
	pool->last_ms = now_ms;
}

/* A session that nobody else wants may be all its own. Milliseconds until it may go on. */
static int64_t
queue_pause_ms(const Pool *pool, const BudgetQueue *queue, int64_t now_ms)
{
	int64_t paced_us = INT64_C(10000) * BUDGET_PACED_SECONDS * pool->percent;
	int64_t other_ms = pool->last == queue ? pool->other_ms : pool->last_ms;
	int64_t wait_ms;

	if (queue->pool != BUDGET_ANSWER || pool->percent == 0 || queue->used_us < paced_us)
		return 0;
	wait_ms = (queue->used_us - paced_us) / (10 * pool->percent) + 1;
	if (now_ms - other_ms >= BUDGET_OTHERS_MS)
		return 0;
	return wait_ms < other_ms + BUDGET_OTHERS_MS - now_ms ? wait_ms
														  : other_ms + BUDGET_OTHERS_MS - now_ms;
}

/* Whoever has used up its time must not be let in; whoever has some left may use more once. */
static int64_t
queue_wait_ms(const Pool *pool, BudgetQueue *queue, int64_t now_ms)
{
	queue_settle(pool, queue, now_ms);
	if (queue->pool != BUDGET_CHECK || !queue_is_used_up(pool, queue))
		return 0;
	return (queue->used_us - pool_most_us(pool)) / (10 * pool->percent) + 1;
}

uint64_t
partner_budget_number(PartnerBudget *budget, const char *who)
{
	const Account *account = account_of(budget, who);

	return account != NULL ? account->who : 0;
}

int64_t
partner_budget_wait(PartnerBudget *budget, BudgetPool pool, const char *who, int64_t now_ms)
{
	Account *account = account_of(budget, who);

	return account != NULL ? queue_wait_ms(&budget->pools[pool], &account->queues[pool], now_ms)
						   : FULL_MS;
}

int64_t
partner_budget_ask(PartnerBudget *budget, BudgetPool pool_number, BudgetJob *job, const char *who,
				   int64_t expected_us, int64_t now_ms)
{
	Pool *pool = &budget->pools[pool_number];
	Account *account = account_of(budget, who);
	BudgetQueue *queue;
	int64_t wait_ms;

	if (account == NULL)
		return FULL_MS;
	queue = &account->queues[pool_number];
	wait_ms = queue_wait_ms(pool, queue, now_ms);
	if (wait_ms > 0)
		return wait_ms;
	if (queue->waits >= BUDGET_WAITING)
		return FULL_MS;
	while (job->kind < BUDGET_HEAVY && expected_us > pool_kind_us(pool_number, job->kind))
		job->kind++;
	pool_note_asker(pool, queue, now_ms);
	job->charged_us = expected_us;
	queue->used_us += expected_us;
	job->queue = queue;
	job->is_working = false;
	TAILQ_INSERT_TAIL(&queue->waiting, job, entry);
	if (queue->waits++ == 0)
		TAILQ_INSERT_TAIL(&pool->turns, queue, turn);
	account->jobs++;
	return 0;
}

static BudgetKind
job_kind(const Pool *pool, const BudgetJob *job)
{
	const BudgetQueue *queue = job->queue;

	if (job->kind >= BUDGET_HEAVY)
		return job->kind;
	if (queue->beyond_us[BUDGET_MIDDLE] > HEAVY_BEYOND_US || queue_is_used_up(pool, queue))
		return BUDGET_HEAVY;
	if (queue->pool == BUDGET_CHECK && queue->beyond_us[BUDGET_LIGHT] > MIDDLE_BEYOND_US)
		return BUDGET_MIDDLE;
	return job->kind;
}

static bool
job_kind_has_place(const Pool *pool, BudgetKind kind)
{
	int quarter = pool->places / 4 > 1 ? pool->places / 4 : 1;

	return kind == BUDGET_LIGHT || pool->kinds_working[kind] < quarter;
}

static void
job_leave_waiting(Pool *pool, BudgetJob *job)
{
	BudgetQueue *queue = job->queue;

	TAILQ_REMOVE(&queue->waiting, job, entry);
	TAILQ_REMOVE(&pool->turns, queue, turn);
	/* whoever had its turn is the last from now on */
	if (--queue->waits > 0)
		TAILQ_INSERT_TAIL(&pool->turns, queue, turn);
}

BudgetJob *
partner_budget_next(PartnerBudget *budget, BudgetPool pool_number, int64_t now_ms)
{
	Pool *pool = &budget->pools[pool_number];

	if (pool->working >= pool->places)
		return NULL;
	for (BudgetQueue *queue = TAILQ_FIRST(&pool->turns); queue != NULL;
		 queue = TAILQ_NEXT(queue, turn))
	{
		BudgetJob *job = TAILQ_FIRST(&queue->waiting);
		BudgetKind kind;

		queue_settle(pool, queue, now_ms);
		kind = job_kind(pool, job);
		if (queue->works >= pool->own || !job_kind_has_place(pool, kind) ||
			queue_pause_ms(pool, queue, now_ms) > 0)
			continue;
		job_leave_waiting(pool, job);
		job->kind = kind;
		job->is_working = true;
		queue->works++;
		pool->working++;
		pool->kinds_working[kind]++;
		return job;
	}
	return NULL;
}

int64_t
partner_budget_pause(PartnerBudget *budget, BudgetPool pool_number, int64_t now_ms)
{
	const Pool *pool = &budget->pools[pool_number];
	int64_t least_ms = -1;
	BudgetQueue *queue;

	TAILQ_FOREACH (queue, &pool->turns, turn)
	{
		int64_t pause_ms;

		queue_settle(pool, queue, now_ms);
		pause_ms = queue_pause_ms(pool, queue, now_ms);
		if (pause_ms > 0 && queue->works < pool->own && (least_ms < 0 || pause_ms < least_ms))
			least_ms = pause_ms;
	}
	return least_ms;
}

bool
partner_budget_is_own_fault(const PartnerBudget *budget, const BudgetJob *job)
{
	const BudgetQueue *queue = job->queue;
	const Pool *pool;
	BudgetKind kind;

	if (queue == NULL || job->is_working)
		return false;
	pool = &budget->pools[queue->pool];
	kind = job_kind(pool, job);
	return pool->places > 0 &&
		   (queue->works >= pool->own || queue_pause_ms(pool, queue, queue->at_ms) > 0 ||
			kind == BUDGET_MIDDLE || kind == BUDGET_HEAVY);
}

void
partner_budget_end(PartnerBudget *budget, BudgetJob *job, int64_t took_us, int64_t now_ms)
{
	BudgetQueue *queue = job->queue;
	Pool *pool;

	if (queue == NULL)
		return;
	pool = &budget->pools[queue->pool];
	queue_settle(pool, queue, now_ms);
	if (job->is_working)
	{
		queue->works--;
		pool->working--;
		pool->kinds_working[job->kind]--;
	}
	else
	{
		job_leave_waiting(pool, job);
		took_us = 0;
	}
	queue->used_us += took_us - job->charged_us;
	if (queue->used_us < 0)
		queue->used_us = 0;
	for (BudgetKind kind = BUDGET_LIGHT; kind < BUDGET_HEAVY; kind++)
		if (took_us > pool_kind_us(queue->pool, kind))
			queue->beyond_us[kind] += took_us - pool_kind_us(queue->pool, kind);
	queue->account->jobs--;
	*job = (BudgetJob){0};
}

int
partner_budget_count_refusal(PartnerBudget *budget, const char *who, int64_t now_ms)
{
	Account *account = account_of(budget, who);
	int count;

	if (account == NULL)
		return 0;
	count = ++account->refusals;
	if (account->told_at_ms != 0 && now_ms - account->told_at_ms < TOLD_EVERY_MS)
		return 0;
	account->told_at_ms = now_ms;
	account->refusals = 0;
	return count;
}
