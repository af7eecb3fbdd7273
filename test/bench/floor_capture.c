/*
 * floor_capture.c
 *		The least that a trigger can do which keeps a change: one row with the same facts as
 *		casesync's log, by one heap and one index insertion. A measure; not for use: it knows one
 *		kind of log, and nothing of upgrades, rights or settings.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(floor_capture);

#define LOG_COLUMNS 15

/* Kept for the session: this is a floor, and looking it up is no part of it. */
static Oid log_table = InvalidOid;
static Oid log_index = InvalidOid;
static IndexInfo *log_index_info = NULL;
static FmgrInfo *column_outputs = NULL;
static Oid outputs_of = InvalidOid;
static int64 last_id = 0;

static void
log_find(const char *name)
{
	MemoryContext context = MemoryContextSwitchTo(TopMemoryContext);
	Relation table;
	Relation index;
	List *indexes;

	log_table = RelnameGetRelid(name);
	table = table_open(log_table, RowExclusiveLock);
	indexes = RelationGetIndexList(table);
	log_index = linitial_oid(indexes);
	index = index_open(log_index, RowExclusiveLock);
	log_index_info = BuildIndexInfo(index);
	index_close(index, NoLock);
	table_close(table, NoLock);
	MemoryContextSwitchTo(context);
}

static void
outputs_find(Relation relation)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	MemoryContext context = MemoryContextSwitchTo(TopMemoryContext);

	column_outputs = palloc0(descriptor->natts * sizeof(FmgrInfo));
	for (int i = 0; i < descriptor->natts; i++)
	{
		Oid output;
		bool is_varlena;

		getTypeOutputInfo(TupleDescAttr(descriptor, i)->atttypid, &output, &is_varlena);
		fmgr_info(output, &column_outputs[i]);
	}
	outputs_of = RelationGetRelid(relation);
	MemoryContextSwitchTo(context);
}

static void
word_push(JsonbParseState **state, JsonbIteratorToken token, const char *word)
{
	JsonbValue value = {jbvString};

	value.val.string.val = (char *) word;
	value.val.string.len = strlen(word);
	pushJsonbValue(state, token, &value);
}

/* {"column": [old, new]} of those that differ; the tables of the bench have no NULL. */
static Jsonb *
differences(TupleDesc descriptor, HeapTuple old_row, HeapTuple new_row)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, i);
		bool is_null;
		Datum old_value = heap_getattr(old_row, i + 1, descriptor, &is_null);
		Datum new_value = heap_getattr(new_row, i + 1, descriptor, &is_null);

		if (datumIsEqual(old_value, new_value, column->attbyval, column->attlen))
			continue;
		word_push(&state, WJB_KEY, NameStr(column->attname));
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		word_push(&state, WJB_ELEM, OutputFunctionCall(&column_outputs[i], old_value));
		word_push(&state, WJB_ELEM, OutputFunctionCall(&column_outputs[i], new_value));
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
log_insert(Datum *values, bool *nulls)
{
	Relation table = table_open(log_table, RowExclusiveLock);
	Relation index = index_open(log_index, RowExclusiveLock);
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(table), values, nulls);
	Datum keys[2] = {values[1], values[0]};
	bool key_nulls[2] = {false, false};

	simple_heap_insert(table, tuple);
	index_insert(index, keys, key_nulls, &tuple->t_self, table, UNIQUE_CHECK_YES, false,
				 log_index_info);
	index_close(index, NoLock);
	table_close(table, NoLock);
}

Datum
floor_capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	TimestampTz now = GetCurrentTimestamp();
	NameData session_user_name;
	Datum values[LOG_COLUMNS] = {0};
	bool nulls[LOG_COLUMNS] = {0};
	bool is_null;

	if (!OidIsValid(log_table))
		log_find(trigger->tg_trigger->tgargs[0]);
	if (outputs_of != RelationGetRelid(trigger->tg_relation))
		outputs_find(trigger->tg_relation);
	last_id = Max(last_id + 1, now);
	namestrcpy(&session_user_name, GetUserNameFromId(GetSessionUserId(), false));
	values[0] = Int64GetDatum(last_id);
	values[1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[2] = Int32GetDatum(1);
	values[3] = Int64GetDatum((int64) GetCurrentCommandId(true));
	values[4] = ObjectIdGetDatum(RelationGetRelid(trigger->tg_relation));
	values[5] = CharGetDatum(is_update									  ? 'U'
							 : TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? 'I'
																		  : 'D');
	values[6] = Int32GetDatum(1);
	values[7] = CStringGetTextDatum(
		OutputFunctionCall(&column_outputs[0], heap_getattr(row, 1, descriptor, &is_null)));
	if (is_update)
		values[9] = JsonbPGetDatum(differences(descriptor, trigger->tg_trigtuple, row));
	values[12] = NameGetDatum(&session_user_name);
	values[14] = TimestampTzGetDatum(now);
	nulls[8] = nulls[10] = nulls[11] = nulls[13] = true;
	nulls[9] = !is_update;
	log_insert(values, nulls);
	return PointerGetDatum(NULL);
}
