/*
 * tracking_trigger.c
 *		Makes one trigger. Must not know of what tracking it is.
 *
 * The WHEN of a trigger is a text until CREATE TRIGGER has read it, which has to wait for whoever
 * writes to the table. Meanwhile the name of a type in it may become another's, whose literals run
 * code as they are read; and it may be a superuser who waits. So names of types are settled and
 * looked at here, and what is waited with is no text.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "parser/parser.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#include "base/condition_list.h"

PG_FUNCTION_INFO_V1(casesync_trigger_make);

/* casesync_internal.trigger_make(statement): a CREATE TRIGGER, with the rights of the caller. */
Datum
casesync_trigger_make(PG_FUNCTION_ARGS)
{
	char *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ConditionText condition = {"condition", source};
	List *statements = raw_parser(source, RAW_PARSE_DEFAULT);
	PlannedStmt *statement = makeNode(PlannedStmt);

	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, CreateTrigStmt))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("casesync_internal.trigger_make takes one CREATE TRIGGER")));
	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = linitial_node(RawStmt, statements)->stmt;
	condition_check_raw(&condition, castNode(CreateTrigStmt, statement->utilityStmt)->whenClause);
	ProcessUtility(statement, source, false, PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver,
				   NULL);
	CommandCounterIncrement();
	PG_RETURN_VOID();
}
