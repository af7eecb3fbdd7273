/*
 * tracking_store.c
 *		Writes casesync's tables for the owner of a tracked table, who has no rights on them.
 *		Must not know what the rows mean: who may write is decided here, what is right in SQL.
 *
 * Only the SQL of 0.2.0 calls these; the same functions are tracking_store.sql and gap.sql now. The
 * library serves both for one version.
 *
 * track() and its sisters run with their caller's rights. SECURITY DEFINER could not see who
 * calls; these functions do, check that the caller owns the table, and then run one fixed
 * statement as the owner of the extension's tables.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/own_relation.h"
#include "base/owner_scope.h"
#include "base/pg_compat.h"

PG_FUNCTION_INFO_V1(casesync_tracking_write);
PG_FUNCTION_INFO_V1(casesync_gap_begin);
PG_FUNCTION_INFO_V1(casesync_gap_end);

/* One fixed statement with its parameters, to be run as the owner of the extension's tables. */
typedef struct FixedStatement
{
	const char *sql;
	int count;
	Oid types[4];
	Datum values[4];
	char nulls[4]; /* ' ' or 'n', as SPI wants it */
} FixedStatement;

static void
statement_add(FixedStatement *statement, Oid type, Datum value, bool is_null)
{
	int i = statement->count++;

	statement->types[i] = type;
	statement->values[i] = value;
	statement->nulls[i] = is_null ? 'n' : ' ';
}

static void
statement_run(FixedStatement *statement, int expected)
{
	Oid caller;
	int security;
	int result;

	GetUserIdAndSecContext(&caller, &security);
	SetUserIdAndSecContext(relation_owner(own_relation_get("tracking")),
						   security | SECURITY_LOCAL_USERID_CHANGE);
	result = SPI_execute_with_args(statement->sql, statement->count, statement->types,
								   statement->values, statement->nulls, false, 0);
	if (result != expected)
		elog(ERROR, "statement of casesync failed: %s", SPI_result_code_string(result));
	SetUserIdAndSecContext(caller, security); /* an error restores it by itself */
}

/* The table that tracking ID is about; InvalidOid if there is none. */
static Oid
tracking_relation(int32 tracking)
{
	FixedStatement statement = {
		"SELECT relation::oid FROM casesync_internal.tracking WHERE id = $1"};
	bool is_null;
	Datum datum;

	statement_add(&statement, INT4OID, Int32GetDatum(tracking), false);
	statement_run(&statement, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return InvalidOid;
	datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	return is_null ? InvalidOid : DatumGetObjectId(datum);
}

/* tracking_write(tracking) of 0.2.0: inserts the row, or replaces the one of its id. */
Datum
casesync_tracking_write(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	FixedStatement removal = {"DELETE FROM casesync_internal.tracking WHERE id = ($1).id"};
	FixedStatement insertion = {"INSERT INTO casesync_internal.tracking SELECT ($1).*"};
	Oid type = HeapTupleHeaderGetTypeId(row);
	bool id_is_null;
	bool relation_is_null;
	Datum id = GetAttributeByName(row, "id", &id_is_null);
	Datum relation = GetAttributeByName(row, "relation", &relation_is_null);

	if (id_is_null || relation_is_null)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("a tracking needs an id and a relation")));
	SPI_connect();
	caller_must_own(DatumGetObjectId(relation));
	caller_must_own(tracking_relation(DatumGetInt32(id)));
	statement_add(&removal, type, PG_GETARG_DATUM(0), false);
	statement_run(&removal, SPI_OK_DELETE);
	statement_add(&insertion, type, PG_GETARG_DATUM(0), false);
	statement_run(&insertion, SPI_OK_INSERT);
	SPI_finish();
	PG_RETURN_VOID();
}

static void
trackings_must_be_owned(ArrayType *trackings)
{
	Datum *elements;
	int count;

	deconstruct_array(trackings, INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		caller_must_own(tracking_relation(DatumGetInt32(elements[i])));
}

/* casesync_internal.gap_begin(trackings, relation, reason): stops these trackings under a new gap.
 */
Datum
casesync_gap_begin(PG_FUNCTION_ARGS)
{
	FixedStatement insertion = {
		"INSERT INTO casesync_internal.gap (tracking, relation, registries, reason, who, started) "
		"SELECT CASE WHEN cardinality($1) = 1 THEN $1[1] END, $2, "
		"ARRAY(SELECT DISTINCT r FROM casesync_internal.tracking, unnest(registries) AS r "
		"WHERE id = ANY ($1) ORDER BY r), $3, session_user, clock_timestamp() RETURNING id"};
	FixedStatement stop = {
		"UPDATE casesync_internal.tracking SET stopped_gap = $2 WHERE id = ANY ($1)"};
	Datum gap;
	bool is_null;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("a gap needs trackings and a reason")));
	SPI_connect();
	trackings_must_be_owned(PG_GETARG_ARRAYTYPE_P(0));
	statement_add(&insertion, INT4ARRAYOID, PG_GETARG_DATUM(0), false);
	statement_add(&insertion, REGCLASSOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	statement_add(&insertion, TEXTOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	statement_run(&insertion, SPI_OK_INSERT_RETURNING);
	gap = Int64GetDatum(
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)));
	statement_add(&stop, INT4ARRAYOID, PG_GETARG_DATUM(0), false);
	statement_add(&stop, INT8OID, gap, false);
	statement_run(&stop, SPI_OK_UPDATE);
	SPI_finish();
	PG_RETURN_DATUM(gap);
}

/* casesync_internal.gap_end(gap, trackings): they record again; the gap ends when none is left in
 * it. */
Datum
casesync_gap_end(PG_FUNCTION_ARGS)
{
	FixedStatement start = {"UPDATE casesync_internal.tracking SET stopped_gap = NULL "
							"WHERE id = ANY ($2) AND stopped_gap = $1"};
	FixedStatement end = {
		"UPDATE casesync_internal.gap SET ended = clock_timestamp() "
		"WHERE id = $1 AND ended IS NULL AND EXISTS "
		"(SELECT FROM casesync_internal.tracking WHERE id = ANY ($2)) AND NOT EXISTS "
		"(SELECT FROM casesync_internal.tracking WHERE stopped_gap = $1)"};

	SPI_connect();
	trackings_must_be_owned(PG_GETARG_ARRAYTYPE_P(1));
	statement_add(&start, INT8OID, PG_GETARG_DATUM(0), false);
	statement_add(&start, INT4ARRAYOID, PG_GETARG_DATUM(1), false);
	statement_run(&start, SPI_OK_UPDATE);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gap " INT64_FORMAT " stops none of these trackings", PG_GETARG_INT64(0)),
				 errhint("SELECT * FROM casesync.gaps;")));
	statement_add(&end, INT8OID, PG_GETARG_DATUM(0), false);
	statement_add(&end, INT4ARRAYOID, PG_GETARG_DATUM(1), false);
	statement_run(&end, SPI_OK_UPDATE);
	SPI_finish();
	PG_RETURN_VOID();
}
