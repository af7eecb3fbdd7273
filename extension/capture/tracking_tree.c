/*
 * tracking_tree.c
 *		Writes out the trees of a tracking. It reads them from the table itself, so that nobody can
 *		hand over another text: the server would believe it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/expression_tree.h"

PG_FUNCTION_INFO_V1(casesync_tracking_tree_written);

/* Not those of another place, nor one beside a text of which it was not made. */
static const char *const tree_query =
	"SELECT t.relation::pg_catalog.oid, pg_catalog.substr(t.trees[$2], 33) "
	"FROM casesync_internal.tracking t "
	"WHERE t.id = $1 AND t.place = casesync_internal.tracking_place(t.relation) "
	"AND t.trees[$2] OPERATOR(pg_catalog.^@) pg_catalog.md5((ARRAY[t.condition, t.key, "
	"t.subjects])[$2])";

/* casesync_internal.tracking_tree_written(id, which): which is 1 condition, 2 key, 3 subjects. */
Datum
casesync_tracking_tree_written(PG_FUNCTION_ARGS)
{
	Oid types[] = {INT4OID, INT4OID};
	Datum values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	MemoryContext caller = CurrentMemoryContext;
	char *written = NULL;
	text *answer = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(tree_query, 2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "a tracking could not be read");
	if (SPI_processed == 1)
	{
		HeapTuple row = SPI_tuptable->vals[0];
		bool is_null;
		Oid relation = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));

		written = expression_write(relation, SPI_getvalue(row, SPI_tuptable->tupdesc, 2));
	}
	if (written != NULL)
	{
		MemoryContext ours = MemoryContextSwitchTo(caller);

		answer = cstring_to_text(written);
		MemoryContextSwitchTo(ours);
	}
	SPI_finish();
	if (answer == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(answer);
}
