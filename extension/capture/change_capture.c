/*
 * change_capture.c
 *		The triggers of tracked tables: prove the call, build a Change, hand it on. Must not know
 *		how the log is stored or how the bridge is woken.
 *
 * No SQL of anybody runs here, only the condition of the tracking, which is made of the server's
 * functions and ours, and output functions of the columns' types.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/doorbell.h"
#include "base/proven_person.h"
#include "base/settings.h"
#include "capture/change_image.h"
#include "capture/change_batch.h"
#include "capture/change_origin.h"
#include "capture/tracking_cache.h"

PG_FUNCTION_INFO_V1(casesync_capture_change);
PG_FUNCTION_INFO_V1(casesync_refuse_truncate);

static int32
argument_tracking(const TriggerData *trigger)
{
	if (trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" must have exactly one argument, the number of a tracking",
						trigger->tg_trigger->tgname),
				 errhint("Let casesync make its triggers: SELECT casesync.track(…);")));
	return pg_strtoint32(trigger->tg_trigger->tgargs[0]);
}

static TriggerData *
capture_check_call(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("casesync_internal.capture_change must be called as a trigger after each row"),
			 errhint("Let casesync make its triggers: SELECT casesync.track(…);")));
	return trigger;
}

/*
 * The command that wrote the row. Triggers of the application may fire ours in another order
 * than the rows were written; this number and then the id tell the true one.
 */
static CommandId
row_command(const TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return HeapTupleHeaderGetCmax(trigger->tg_trigtuple->t_data);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return HeapTupleHeaderGetCmin(trigger->tg_newtuple->t_data);
	return HeapTupleHeaderGetCmin(trigger->tg_trigtuple->t_data);
}

/* NULL for a claim that nobody made. */
static const char *
claim_get(const char *setting)
{
	return setting == NULL || setting[0] == '\0' ? NULL : setting;
}

/* A person's own transaction is that, whatever the portal's session claims. */
static void
change_set_claims(Change *change)
{
	bool is_own = proven_person_is_known();

	change->actor = is_own ? NULL : claim_get(casesync_actor);
	change->channel = is_own ? "beneficiary" : claim_get(casesync_channel);
}

/* Everything about a change that is not in the row. */
static void
change_start(Change *change, const TriggerData *trigger, int32 tracking, char operation)
{
	memset(change, 0, sizeof(*change));
	change->at = GetCurrentTimestamp();
	change->id = change_id_next(change->at);
	change->xid = GetTopFullTransactionId();
	change->era = change_era_current();
	change->command = row_command(trigger);
	change->relation = RelationGetRelid(trigger->tg_relation);
	change->operation = operation;
	change->tracking = tracking;
	change_set_claims(change);
	change->session_user_name = GetUserNameFromId(GetSessionUserId(), false);
	change->origin = change_origin_current();
}

static void
change_finish(const Change *change)
{
	change_batch_append(change);
	doorbell_ask();
}

/*
 * An update matters when the row did before it or does after it: else a row that leaves the
 * condition would leave unseen.
 */
static bool
row_matters(const ChangeImage *image, const TrackedTable *table)
{
	if (table->condition == NULL)
		return true;
	return (image->old_row != NULL && tracking_condition_holds(table->condition, image->old_row)) ||
		   tracking_condition_holds(table->condition, image->new_row);
}

static void
change_write_keys(Change *change, const ChangeImage *image, const TrackedTable *table)
{
	const char *old_key;

	change->key = change_image_key(table, image->new_row);
	if (image->old_row == NULL)
		return;
	old_key = change_image_key(table, image->old_row);
	if (old_key != NULL && (change->key == NULL || strcmp(old_key, change->key) != 0))
		change->old_key = old_key;
}

static void
capture_row(const TriggerData *trigger, const TrackedTable *table, const ChangeImage *image,
			const bool *is_changed)
{
	int settings = change_image_begin();
	Change change;

	change_start(&change, trigger, table->tracking,
				 TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)	  ? CHANGE_UPDATE
				 : TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? CHANGE_INSERT
															  : CHANGE_DELETE);
	if (image->old_row != NULL)
		change.changed = change_image_differences(image, table, is_changed);
	change_write_keys(&change, image, table);
	change_finish(&change);
	change_image_end(settings);
}

static Jsonb *
gap_reason(const char *lost_key)
{
	JsonbParseState *state = NULL;
	JsonbValue word = {jbvString};
	char *reason = psprintf("its key column \"%s\" is gone", lost_key);

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	word.val.string.val = "reason";
	word.val.string.len = strlen("reason");
	pushJsonbValue(&state, WJB_KEY, &word);
	word.val.string.val = reason;
	word.val.string.len = strlen(reason);
	pushJsonbValue(&state, WJB_VALUE, &word);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * Capture is off, or there is nothing to name the subject by: once per (sub)transaction and table a
 * row says so, which is undone with the subtransaction whose rows it stands for.
 */
static void
capture_gap(const TriggerData *trigger, const TrackedTable *table)
{
	GapMark *mark = table->gap_mark;
	Change change;

	if (mark->subtransaction == GetCurrentSubTransactionId() &&
		FullTransactionIdEquals(mark->transaction, GetTopFullTransactionId()))
		return;
	change_start(&change, trigger, table->tracking, CHANGE_GAP);
	if (casesync_capture != CAPTURE_OFF)
		change.changed = gap_reason(table->lost_key);
	change_finish(&change);
	mark->transaction = change.xid;
	mark->subtransaction = GetCurrentSubTransactionId();
}

/* casesync_internal.capture_change(tracking): AFTER INSERT, UPDATE or DELETE, for each row */
Datum
casesync_capture_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = capture_check_call(fcinfo);
	const TrackedTable *table =
		tracking_cache_get(argument_tracking(trigger), trigger->tg_relation);
	ChangeImage image = {NULL, trigger->tg_trigslot};
	bool *is_changed = NULL;

	if (!table->is_recording)
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		image.old_row = trigger->tg_trigslot;
		image.new_row = trigger->tg_newslot;
		is_changed = palloc(table->column_count * sizeof(bool));
		if (!change_image_compare(&image, table, is_changed))
			return PointerGetDatum(NULL);
	}
	if (!row_matters(&image, table))
		return PointerGetDatum(NULL);
	if (casesync_capture == CAPTURE_OFF || table->lost_key != NULL)
		capture_gap(trigger, table);
	else
		capture_row(trigger, table, &image, is_changed);
	return PointerGetDatum(NULL);
}

/*
 * casesync_internal.refuse_truncate(tracking): BEFORE TRUNCATE, for the statement. On a table that
 * has left the tracked one (a detached partition) nothing is refused.
 */
Datum
casesync_refuse_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	char *root;
	char *name;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casesync_internal.refuse_truncate must be called as a trigger before "
						"truncate")));
	root = tracking_root_name(argument_tracking(trigger), trigger->tg_relation);
	if (root == NULL)
		return PointerGetDatum(NULL);

	name = RelationGetRelationName(trigger->tg_relation);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table \"%s\" is tracked by casesync and cannot be truncated", name),
			 errdetail("TRUNCATE names no rows, so partners would not learn what is gone."),
			 errhint("DELETE FROM %s; or stop the tracking first: SELECT casesync.untrack(%s, "
					 "keep => true);",
					 quote_identifier(name), quote_literal_cstr(root))));
	return PointerGetDatum(NULL);
}
