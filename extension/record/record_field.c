/*
 * record_field.c
 *		Which attributes the standard has at a place of a record, for people who name one.
 *
 * Must not know agreements. What is agreed is compared as written (projection.c): here only is
 * looked for what somebody may have meant.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "record/data_object.h"

PG_FUNCTION_INFO_V1(casesync_standard_fields);
PG_FUNCTION_INFO_V1(casesync_names_are_related);

/* The object at the end of a path, or NULL: of several that it may be the first. */
static const DataObject *
object_at(const DataObject *object, const char *path)
{
	while (object != NULL && *path != '\0')
	{
		int length = strcspn(path, ".");
		const DataAttribute *attribute = data_object_attribute(object, path, length);

		if (attribute == NULL || attribute->kind == ATTRIBUTE_CODE)
			return NULL;
		object = attribute->objects[0] == NULL ? NULL : data_object_find(attribute->objects[0]);
		path += length + (path[length] == '.');
	}
	return object;
}

/* casesync_internal.standard_fields(record_type text, place text) → text[]; NULL: says nothing */
Datum
casesync_standard_fields(PG_FUNCTION_ARGS)
{
	const DataObject *object = data_object_of_record(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Datum *names;
	int i;

	object = object_at(object, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (object == NULL)
		PG_RETURN_NULL();
	names = palloc(sizeof(Datum) * Max(object->attribute_count, 1));
	for (i = 0; i < object->attribute_count; i++)
		names[i] = CStringGetTextDatum(object->attributes[i].spelling);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(names, object->attribute_count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* casesync_internal.names_are_related(a text, b text) → boolean */
Datum
casesync_names_are_related(PG_FUNCTION_ARGS)
{
	text *a = PG_GETARG_TEXT_PP(0);
	text *b = PG_GETARG_TEXT_PP(1);

	PG_RETURN_BOOL(data_object_names_are_related(VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
												 VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b)));
}
