/*
 * unseen_write.c
 *		The trigger of tracked tables that notices what is written in the role of a replica, where
 *		the others do not fire. Must not look at rows.
 *
 * It is enabled for that role only. Once per statement, since whoever sets the role may load
 * millions of rows; and not for the workers of logical replication, who fire no triggers of
 * statements: what they bring is recorded where the tracking says so.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/doorbell.h"
#include "capture/change_batch.h"
#include "capture/change_origin.h"
#include "capture/tracking_cache.h"

PG_FUNCTION_INFO_V1(casesync_note_unseen);

static const char *const unseen_reason = "{\"reason\": \"session_replication_role was replica\"}";

static TriggerData *
unseen_check_call(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casesync_internal.note_unseen must be called as a trigger after each "
						"statement, with the number of a tracking"),
				 errhint("Let casesync make its triggers: SELECT casesync.track(…);")));
	return trigger;
}

/* A row of the log says that rows are missing from it, and why. */
static void
unseen_append(const TriggerData *trigger, const TrackedTable *table)
{
	Change change;

	memset(&change, 0, sizeof(change));
	change.at = GetCurrentTimestamp();
	change.id = change_id_next(change.at);
	change.xid = GetTopFullTransactionId();
	change.era = change_era_current();
	change.command = GetCurrentCommandId(false);
	change.relation = RelationGetRelid(trigger->tg_relation);
	change.operation = CHANGE_GAP;
	change.tracking = table->tracking;
	change.changed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(unseen_reason)));
	change.session_user_name = GetUserNameFromId(GetSessionUserId(), false);
	change_batch_append(&change);
	doorbell_ask();
	table->gap_mark->transaction = change.xid;
	table->gap_mark->subtransaction = GetCurrentSubTransactionId();
}

/*
 * casesync_internal.note_unseen(tracking): AFTER INSERT, UPDATE, DELETE or TRUNCATE, for the
 * statement. On a table that has left the tracked one nothing is missed.
 */
Datum
casesync_note_unseen(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = unseen_check_call(fcinfo);
	int32 tracking = pg_strtoint32(trigger->tg_trigger->tgargs[0]);
	const TrackedTable *table;

	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA ||
		tracking_root_name(tracking, trigger->tg_relation) == NULL)
		return PointerGetDatum(NULL);
	table = tracking_cache_get(tracking, trigger->tg_relation);
	if (table->is_recording &&
		(table->gap_mark->subtransaction != GetCurrentSubTransactionId() ||
		 !FullTransactionIdEquals(table->gap_mark->transaction, GetTopFullTransactionId())))
		unseen_append(trigger, table);
	return PointerGetDatum(NULL);
}
