/*
 * execute_apart.c
 *		Runs a statement as if no script of the extension was running.
 *
 * Rights that a script of an extension gives or takes count as those that the extension was born
 * with: pg_dump leaves them out, and a restored database would lack them. What is granted to roles
 * is the site's, also when an upgrade grants it anew.
 */
#include "postgres.h"

#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(casesync_execute_apart);

/* casesync_internal.execute_apart(statement): for the owner of the extension only. */
Datum
casesync_execute_apart(PG_FUNCTION_ARGS)
{
	char *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool is_script = creating_extension;
	int result;

	SPI_connect();
	PG_TRY();
	{
		creating_extension = false;
		result = SPI_execute(statement, false, 0);
	}
	PG_FINALLY();
	{
		creating_extension = is_script;
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "statement of casesync failed: %s", SPI_result_code_string(result));
	SPI_finish();
	PG_RETURN_VOID();
}
