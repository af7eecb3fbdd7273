/*
 * pg_row.c
 *		The one reader of rows. Results are in text form; a missing row is asked for nowhere, as
 *		libpq would warn about it.
 */
#include "database/pg_row.h"

#include <stdlib.h>
#include <string.h>

const char *
pg_row_text(const PGresult *result, int row, int column)
{
	if (row >= PQntuples(result) || PQgetisnull(result, row, column))
		return NULL;
	return PQgetvalue(result, row, column);
}

const char *
pg_row_word(const PGresult *result, int row, int column)
{
	const char *text = pg_row_text(result, row, column);

	return text != NULL ? text : "";
}

int64_t
pg_row_number(const PGresult *result, int row, int column)
{
	return strtoll(pg_row_word(result, row, column), NULL, 10);
}

bool
pg_row_is_true(const PGresult *result, int row, int column)
{
	return strcmp(pg_row_word(result, row, column), "t") == 0;
}
