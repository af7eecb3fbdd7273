/*
 * worker_test.c
 *		Work beside the loop: done once each, reported in the loop, nobody waits for all of another
 *		one's, and what has not begun can be taken back.
 */
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "base/worker.h"
#include "tap.h"

typedef struct Step
{
	const char *owner;
	bool blocks;
	bool is_worked;
	int64_t cpu_us;
} Step;

static EventLoop *loop;
static Worker *worker;
static sem_t begun;
static sem_t gate;
static char order[32];
static int left;

static void
step_work(void *context)
{
	Step *step = context;

	if (step->blocks)
	{
		sem_post(&begun);
		sem_wait(&gate);
	}
	for (volatile int i = 0; i < 1000000; i++)
		;
	step->is_worked = true;
}

static void
step_done(void *context, int64_t cpu_us)
{
	Step *step = context;

	step->cpu_us = cpu_us;
	strncat(order, step->owner, sizeof(order) - strlen(order) - 1);
	if (--left == 0)
		event_loop_stop(loop);
}

static bool
give(Step *step)
{
	bool ok = worker_give(worker, step->owner, step_work, step_done, step);

	left += ok;
	return ok;
}

static void
test_order(Tap *tap)
{
	Step first = {.owner = "a", .blocks = true};
	Step more[10];
	Step other[2] = {{.owner = "b"}, {.owner = "b"}};
	Step third = {.owner = "c"};
	Failure failure;
	int taken = 0;

	give(&first);
	sem_wait(&begun);
	for (int i = 0; i < 10; i++)
	{
		more[i] = (Step){.owner = "a"};
		taken += give(&more[i]);
	}
	tap_is_int(tap, taken, 8, "one owner may have eight waiting");
	tap_ok(tap, give(&other[0]) && give(&other[1]) && give(&third),
		   "others have room all the same");
	tap_ok(tap, worker_withdraw(worker, &more[7]), "what has not begun can be taken back");
	tap_ok(tap, !worker_withdraw(worker, &more[7]), "once");
	tap_ok(tap, !worker_withdraw(worker, &first), "what has begun cannot");
	left--;
	sem_post(&gate);
	tap_ok(tap, event_loop_run(loop, &failure), "the loop hears of what is done");
	tap_is(tap, order, "aabcabaaaaa", "owners take turns");
	tap_ok(tap, first.is_worked && third.is_worked && more[6].is_worked, "all is done");
	tap_ok(tap, !more[7].is_worked, "but for what was taken back");
	tap_ok(tap, third.cpu_us > 0, "and it is known what it cost");
}

/* Only worked on or not at all: nothing is done to what waits, and it is not reported. */
static void
test_end(Tap *tap)
{
	Step first = {.owner = "a", .blocks = true};
	Step second = {.owner = "b"};

	order[0] = '\0';
	give(&first);
	sem_wait(&begun);
	give(&second);
	sem_post(&gate);
	worker_free(worker);
	tap_ok(tap, first.is_worked, "the end waits for what has begun");
	tap_is(tap, order, "", "and reports nothing");
}

int
main(void)
{
	Tap tap = {0, 0};
	Failure failure;

	sem_init(&begun, 0, 0);
	sem_init(&gate, 0, 0);
	loop = event_loop_new(&failure);
	worker = worker_new(loop, 1, &failure);
	tap_ok(&tap, worker != NULL, "there are threads");
	test_order(&tap);
	test_end(&tap);
	event_loop_free(loop);
	return tap_done(&tap);
}
