/*
 * filter_reach.c
 *		Whether a filter's path can find anything at all in records of which only some fields are
 *		agreed: known without a look at any record.
 *
 * Errs on the side of "it can": then records are looked at, and nothing is found.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "record/data_object.h"

PG_FUNCTION_INFO_V1(casesync_filter_path_may_exist);

#define ATTRIBUTES_KEY "additional_attributes"

static bool
names_are_equal(const char *a, int a_length, const char *b, int b_length)
{
	return (a_length == b_length && memcmp(a, b, a_length) == 0) ||
		   data_object_names_are_related(a, a_length, b, b_length);
}

/* One is the beginning of the other, in whatever spelling: a field keeps all that is below it. */
static bool
paths_meet(const char *path, const char *field)
{
	for (;;)
	{
		int path_length = strcspn(path, ".");
		int field_length = strcspn(field, ".");

		if (!names_are_equal(path, path_length, field, field_length))
			return false;
		if (path[path_length] == '\0' || field[field_length] == '\0')
			return true;
		path += path_length + 1;
		field += field_length + 1;
	}
}

static bool
field_reaches(const char *path, const char *field)
{
	if (paths_meet(path, field))
		return true;

	/* A name alone also finds an additional attribute. */
	return strchr(path, '.') == NULL && paths_meet(psprintf("%s.%s", ATTRIBUTES_KEY, path), field);
}

/*
 * filter_path_may_exist(path text, fields text[]) → boolean
 *
 * Identifiers are kept wherever they stand, by their types and not by fields.
 */
Datum
casesync_filter_path_may_exist(PG_FUNCTION_ARGS)
{
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum *fields;
	bool *nulls;
	int count;
	int i;

	if (strstr(path, "identifier") != NULL)
		PG_RETURN_BOOL(true);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &fields, &nulls,
					  &count);
	for (i = 0; i < count; i++)
	{
		if (!nulls[i] && field_reaches(path, TextDatumGetCString(fields[i])))
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}
