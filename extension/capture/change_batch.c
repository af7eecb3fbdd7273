/*
 * change_batch.c
 *		Collects the changes of a statement, so that they are written together. Must not know
 *		triggers, the leaves, nor how a statement's end is told.
 *
 * Nothing depends on being told: what is collected is written before its transaction commits or is
 * prepared, and belongs to the subtransaction that made it. It is written only while that one is
 * running, since rows of another would be undone, or stand, with the other. Within a
 * subtransaction what outer ones have left stays; they go on when it has ended.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "capture/change_batch.h"
#include "capture/change_leaf.h"
#include "capture/change_log.h"

/* What a session may keep in memory; beyond it rows are written in mid-statement. */
#define BATCH_MAX_ROWS 1000
#define BATCH_MAX_BYTES (256 * 1024)

/* Those of outer subtransactions come first. */
static LogRow *rows = NULL;
static SubTransactionId *owners = NULL; /* whose each row is */
static int row_count = 0;
static int row_room = 0;
static Size byte_count = 0;		   /* of all that was put into the context */
static CommandId last_command = 0; /* that collected a row */
static MemoryContext batch_context = NULL;

static uint64 appended = 0; /* ever, by this session */
static int statements = 0;	/* under way, whose end we shall be told of */

/* The library came while a statement was under way, of whose end nobody will tell. */
static bool came_late = false;

/* Transaction callbacks have been called: what comes now is written by nobody else. */
static bool is_committing = false;

/* A trigger on a leaf may write to tracked tables: its changes do not join what is written now. */
static bool is_writing = false;

static void
batch_empty(void)
{
	row_count = 0;
	row_room = 0;
	byte_count = 0;
	MemoryContextReset(batch_context);
}

/* An allocation that fails leaves the room as it was. */
static void
batch_make_room(void)
{
	int room = row_room == 0 ? 16 : row_room * 2;

	if (row_count < row_room)
		return;
	if (row_room == 0)
	{
		rows = palloc(room * sizeof(LogRow));
		owners = palloc(room * sizeof(SubTransactionId));
	}
	else
	{
		rows = repalloc(rows, room * sizeof(LogRow));
		owners = repalloc(owners, room * sizeof(SubTransactionId));
	}
	row_room = room;
}

static bool
batch_is_full(void)
{
	return row_count >= BATCH_MAX_ROWS || byte_count >= BATCH_MAX_BYTES;
}

static int
rows_of_outer(void)
{
	SubTransactionId current = GetCurrentSubTransactionId();
	int count = row_count;

	while (count > 0 && owners[count - 1] == current)
		count--;
	return count;
}

static void
rows_write(const LogRow *first, int count, CommandId command)
{
	bool was_writing = is_writing;

	is_writing = true;
	PG_TRY();
	{
		change_log_write(first, count, command);
	}
	PG_FINALLY();
	{
		is_writing = was_writing;
	}
	PG_END_TRY();
}

/* Writes what the running subtransaction has collected. */
static void
batch_write(void)
{
	MemoryContext caller;
	int outer;

	if (row_count == 0 || is_writing)
		return;
	outer = rows_of_outer();
	if (outer == row_count)
		return;
	caller = MemoryContextSwitchTo(batch_context);
	rows_write(&rows[outer], row_count - outer, last_command);
	MemoryContextSwitchTo(caller);
	row_count = outer;
	if (row_count == 0)
		batch_empty();
}

static void
batch_add(const Change *change)
{
	MemoryContext caller = MemoryContextSwitchTo(batch_context);

	batch_make_room();
	byte_count += sizeof(LogRow) + change_row_fill(&rows[row_count], change);
	owners[row_count] = GetCurrentSubTransactionId();
	last_command = GetCurrentCommandId(true);
	row_count++; /* last: an error before leaves no half a row */
	MemoryContextSwitchTo(caller);
	if (batch_is_full())
		batch_write();
}

static void
change_write_now(const Change *change)
{
	LogRow row;

	change_row_fill(&row, change);
	rows_write(&row, 1, GetCurrentCommandId(true));
}

void
change_batch_append(const Change *change)
{
	appended++;
	if ((statements > 0 || came_late) && !is_committing && !is_writing && change_leaf_is_plain() &&
		!batch_is_full())
		batch_add(change);
	else
		change_write_now(change);
}

/* ---- statements ---- */

StatementMark
change_batch_begin(void)
{
	statements++;
	return appended;
}

void
change_batch_end(StatementMark mark)
{
	statements--;
	if (appended != mark)
		batch_write();
}

void
change_batch_abandon(void)
{
	statements--;
}

void
change_batch_settle(void)
{
	if (statements == 0)
		batch_write();
}

/* ---- transactions ---- */

static void
batch_at_transaction_event(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			is_committing = true;
			batch_write();
			if (row_count > 0)
				elog(ERROR, "%d changes would be lost", row_count);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			batch_empty();
			is_committing = false;
			came_late = false;
			break;
		default:
			break;
	}
}

/* What was collected in a subtransaction goes with it, or becomes its parent's. */
static void
batch_at_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
							  SubTransactionId parent, void *argument)
{
	if (row_count == 0)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (row_count > 0 && owners[row_count - 1] == subtransaction)
			row_count--;
		if (row_count == 0)
			batch_empty();
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (int i = row_count; i > 0 && owners[i - 1] == subtransaction; i--)
			owners[i - 1] = parent;
}

void
change_batch_init(void)
{
	batch_context =
		AllocSetContextCreate(TopMemoryContext, "casesync changes", ALLOCSET_DEFAULT_SIZES);
	came_late = IsTransactionState();
	RegisterXactCallback(batch_at_transaction_event, NULL);
	RegisterSubXactCallback(batch_at_subtransaction_event, NULL);
}
