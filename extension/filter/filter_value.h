/*
 * filter_value.h
 *		Compares a value that a filter names with what a record or a column holds.
 *
 * The one place that says what fits which type, for evaluation and for SQL alike. Knows nothing of
 * trees, paths or agreements. No time zone, locale or other setting counts: times without a zone
 * are taken as UTC, texts in the order of their bytes.
 */
#ifndef CASESYNC_FILTER_VALUE_H
#define CASESYNC_FILTER_VALUE_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "code/code_directory.h"
#include "record/data_object.h"

/* What a column holds, as far as comparing is concerned. */
typedef enum FilterFamily
{
	FAMILY_ANY, /* compared as a value of a record is, by its JSON */
	FAMILY_INTEGER,
	FAMILY_NUMBER,
	FAMILY_REAL,
	FAMILY_DOUBLE,
	FAMILY_BOOLEAN,
	FAMILY_TEXT,
	FAMILY_PADDED, /* blanks at the end do not count */
	FAMILY_UUID,
	FAMILY_DATE,
	FAMILY_TIMESTAMP,
	FAMILY_TIMESTAMPTZ,
	FAMILY_CODE
} FilterFamily;

typedef struct FilterType
{
	FilterFamily family;
	const CodeDirectory *directory; /* of FAMILY_CODE */
} FilterType;

/* The type by its written name (integer, text, code:sex, …); FAMILY_ANY for a name not known. */
extern FilterType filter_type_read(const char *name);

/* Readers of a filter's value; false when the text is not such a thing. */
extern bool filter_value_number(const char *written, Numeric *number);
extern bool filter_value_time(const char *written, TimestampTz *time);
extern bool filter_value_boolean(const char *written, bool *value);
extern bool filter_value_uuid(const char *written, char uuid[37]);
extern bool filter_value_real(const char *written, float4 *number);
extern bool filter_value_double(const char *written, float8 *number);

/*
 * Compare what a column of that type holds, as filter_columns() writes it, with a filter's value.
 * False when the value does not fit the type; else the order is that of column to value.
 */
extern bool filter_column_compare(const FilterType *type, const char *held, const char *written,
								  int *order);

/* A scalar of a record, read once for all values that it is compared with. */
typedef struct FilterScalar
{
	const DataAttribute *attribute; /* or NULL; says which codes it holds */
	char *text;
	int code_count; /* in how many of the attribute's directories it is a code */
	const CodeDirectory *directories[lengthof(((DataAttribute *) NULL)->directories)];
	int16 codes[lengthof(((DataAttribute *) NULL)->directories)];
	bool is_time;
	bool is_number;
	TimestampTz time;
	Numeric number;
} FilterScalar;

extern void filter_scalar_read(const DataAttribute *attribute, const JsonbValue *scalar,
							   FilterScalar *held);

/*
 * Compare it with a filter's value. Always gives an order: codes by their place, times, numbers,
 * else texts.
 */
extern int filter_scalar_compare(const FilterScalar *held, const char *written);

/* A scalar of a record as one is sorted by: a code's number, a time in UTC, a number, a text. */
extern void filter_scalar_sort_key(const DataAttribute *attribute, const JsonbValue *held,
								   JsonbValue *key);

/* A time as text in UTC, in the form of one of FAMILY_DATE, _TIMESTAMP and _TIMESTAMPTZ. */
extern char *filter_time_text(TimestampTz time, FilterFamily family);

#endif /* CASESYNC_FILTER_VALUE_H */
