/*
 * linger_test.c
 *		Histories of a router: looks that find something or not, and what the gate says.
 */
#include "turn/linger.h"
#include "tap.h"

#define TURN_MS 8

typedef enum Event
{
	LOOK,
	FOUND,
	OPENED,
	SHUT,
	IN_THE_WAY,
	FAILED
} Event;

typedef struct Row
{
	int64_t at;
	Event event;
	LingerStep step; /* then */
	int64_t wait_ms; /* of LINGER_LOOK */
} Row;

static const Row calm[] = {
	{1000, LOOK, LINGER_SHUT, 0},  /* of a new session the gate is open */
	{1000, SHUT, LINGER_SLEEP, 0}, /* and once more looks are for nothing */
	{1001, LOOK, LINGER_SLEEP, 0},
	/* fifty a second ring each */
	{1020, FOUND, LINGER_SLEEP, 0},
	{1040, FOUND, LINGER_SLEEP, 0},
	{1060, FOUND, LINGER_SLEEP, 0},
};

static const Row stream[] = {
	{1000, SHUT, LINGER_SLEEP, 0},
	{1000, FOUND, LINGER_SLEEP, 0},
	{1018, FOUND, LINGER_OPEN, 0},
	{1019, OPENED, LINGER_LOOK, 2},
	/* a pause in the stream is not its end */
	{1050, FOUND, LINGER_LOOK, 2},
	{1067, LOOK, LINGER_LOOK, 2},
	{1068, LOOK, LINGER_SHUT, 0},
	{1068, SHUT, LINGER_SLEEP, 0},
};

/* What passed while the gate was being shut begins the stream anew. */
static const Row found_late[] = {
	{1000, FOUND, LINGER_SHUT, 0},
	{1005, SHUT, LINGER_SLEEP, 0},
	{1012, FOUND, LINGER_OPEN, 0},
};

static const Row in_the_way[] = {
	{1000, IN_THE_WAY, LINGER_LOOK, 25},
	{1025, LOOK, LINGER_SHUT, 0}, /* after each look it is tried again */
	{1030, IN_THE_WAY, LINGER_LOOK, 25},
	{1055, LOOK, LINGER_SHUT, 0},
	{1055, SHUT, LINGER_SLEEP, 0},
};

/* Nothing is known, so nothing may be missed, and the database is not asked in a circle. */
static const Row failed[] = {
	{1000, FAILED, LINGER_LOOK, 250},
	{1250, LOOK, LINGER_LOOK, 250},
	{1300, FOUND, LINGER_LOOK, 250},
	{1312, FOUND, LINGER_LOOK, 2},
	{60999, LOOK, LINGER_LOOK, 250},
	{61000, LOOK, LINGER_SHUT, 0},
	{61000, SHUT, LINGER_SLEEP, 0},
	{70000, FAILED, LINGER_LOOK, 250}, /* when it was to be opened */
};

static void
happen(Linger *linger, const Row *row)
{
	switch (row->event)
	{
		case LOOK:
			linger_look(linger, row->at);
			break;
		case FOUND:
			/* to route what is found takes time, in which more is written */
			linger_look(linger, row->at - TURN_MS);
			linger_found(linger, row->at);
			break;
		case OPENED:
			linger_opened(linger);
			break;
		case SHUT:
			linger_shut(linger, true);
			break;
		case IN_THE_WAY:
			linger_shut(linger, false);
			break;
		case FAILED:
			linger_failed(linger, row->at);
			break;
	}
}

static void
test_history(Tap *tap, const char *name, const Row *rows, unsigned long count)
{
	Linger linger = {0};

	for (unsigned long i = 0; i < count; i++)
	{
		happen(&linger, &rows[i]);
		tap_is_int(tap, linger_step(&linger, rows[i].at), rows[i].step, "%s, row %lu: step", name,
				   i);
		if (rows[i].step == LINGER_LOOK)
			tap_is_int(tap, linger_wait(&linger, rows[i].at), rows[i].wait_ms, "%s, row %lu: wait",
					   name, i);
	}
}

#define HISTORY(rows) test_history(&tap, #rows, rows, sizeof(rows) / sizeof(rows[0]))

int
main(void)
{
	Tap tap = {0, 0};

	HISTORY(calm);
	HISTORY(stream);
	HISTORY(found_late);
	HISTORY(in_the_way);
	HISTORY(failed);
	return tap_done(&tap);
}
