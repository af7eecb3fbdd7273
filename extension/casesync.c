/*
 * casesync.c
 *		Module magic, start of the parts, settings. Nothing else.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/doorbell.h"
#include "base/proven_person.h"
#include "base/settings.h"
#include "capture/change_batch.h"
#include "capture/change_leaf.h"
#include "capture/change_origin.h"
#include "capture/statement_end.h"
#include "capture/tracking_cache.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

/* A claim is copied into every change row: long enough for a name, too short for content. */
#define CLAIM_MAX_BYTES 200

int casesync_capture = CAPTURE_ON;
int casesync_render_timeout = 10000;
double casesync_filter_timeout = 5;
int casesync_search_timeout = 5000;
int casesync_search_limit = 10000;
bool casesync_review = true;
int casesync_doorbell = DOORBELL_AUTO;
char *casesync_actor = NULL;
char *casesync_channel = NULL;

static const struct config_enum_entry capture_modes[] = {
	{"on", CAPTURE_ON, false},
	{"off", CAPTURE_OFF, false},
	{NULL, 0, false},
};

static const struct config_enum_entry doorbell_modes[] = {
	{"auto", DOORBELL_AUTO, false},
	{"always", DOORBELL_ALWAYS, false},
	{"never", DOORBELL_NEVER, false},
	{NULL, 0, false},
};

static bool
claim_check(char **value, void **extra, GucSource source)
{
	if (*value != NULL && strlen(*value) > CLAIM_MAX_BYTES)
	{
		GUC_check_errdetail("The value has %zu bytes, more than %d.", strlen(*value),
							CLAIM_MAX_BYTES);
		return false;
	}
	return true;
}

static void
settings_define(void)
{
	DefineCustomEnumVariable("casesync.capture", "Whether changes of tracked tables are recorded.",
							 "\"off\" records a gap that stays visible until it is filled.",
							 &casesync_capture, CAPTURE_ON, capture_modes, PGC_SUSET, 0, NULL, NULL,
							 NULL);
	DefineCustomEnumVariable(
		"casesync.doorbell", "Whether a commit that changed tracked rows sends NOTIFY.",
		"\"auto\" does while the bridge sleeps, since NOTIFY makes commits wait for each other.",
		&casesync_doorbell, DOORBELL_AUTO, doorbell_modes, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"casesync.render_timeout",
		"How long a user's view, condition or apply function may run in one call.",
		"A subject that takes longer waits in quarantine; 0 sets no limit.",
		&casesync_render_timeout, 10000, 0, INT_MAX / 2, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomRealVariable(
		"casesync.filter_timeout",
		"How long all filters of one partner may compute for one subject, on average.",
		"A partner whose filters take longer gets them paused; 0 sets no limit.",
		&casesync_filter_timeout, 5, 0, 60000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"casesync.search_timeout", "How long a partner's search may take.",
		"A synchronous request as a whole, or one search of an asynchronous one.",
		&casesync_search_timeout, 5000, 1, INT_MAX / 20, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"casesync.search_limit", "How many records a partner's search may match.",
		"A search that matches more is refused and must be narrowed.", &casesync_search_limit,
		10000, 1, 1000000, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"casesync.review", "Whether what is written of a configuration is looked through at once.",
		"publish, track, set_agreement and activate then warn of what review() finds.",
		&casesync_review, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("casesync.actor", "Who makes the changes, as the application says.",
							   NULL, &casesync_actor, "", PGC_USERSET, 0, claim_check, NULL, NULL);
	DefineCustomStringVariable("casesync.channel",
							   "Through what the changes are made, as the application says.", NULL,
							   &casesync_channel, "", PGC_USERSET, 0, claim_check, NULL, NULL);
	MarkGUCPrefixReserved("casesync");
}

void
_PG_init(void)
{
	settings_define();
	doorbell_init();
	proven_person_init();
	change_origin_init();
	change_leaf_init();
	change_batch_init();
	statement_end_init();
	tracking_cache_init();
}

PG_FUNCTION_INFO_V1(casesync_setting_text);

/* A session that has not called us yet does not know our settings; this call makes it know them. */
Datum
casesync_setting_text(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(GetConfigOptionByName(name, NULL, false)));
}
