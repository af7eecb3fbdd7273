/*
 * pg_row.h
 *		Reads fields of a result. A row that is not there reads like one of NULLs. Knows nothing of
 *		what the fields mean.
 */
#ifndef PG_ROW_H
#define PG_ROW_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* The texts live as long as the result. */
extern const char *pg_row_text(const PGresult *result, int row, int column); /* NULL: SQL NULL */
extern const char *pg_row_word(const PGresult *result, int row, int column); /* "": SQL NULL */

/* 0 and false: SQL NULL. */
extern int64_t pg_row_number(const PGresult *result, int row, int column);
extern bool pg_row_is_true(const PGresult *result, int row, int column);

#endif
