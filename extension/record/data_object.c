/*
 * data_object.c
 *		Lookups in the constant table of data objects. See data_object.h.
 *
 * Must not know JSON, SQL or records; allocates nothing.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "record/data_object.h"

#include "generated/object_tables.h"

static const char *const record_types[] = {"Beneficiary", "Group", "Member", "Person"};

/* What follows the last colon. */
static const char *
strip_prefix(const char *key, int *length)
{
	int i;

	for (i = *length - 1; i >= 0; i--)
	{
		if (key[i] == ':')
			break;
	}
	*length -= i + 1;
	return key + i + 1;
}

const DataObject *
data_object_find(const char *name)
{
	int i;

	for (i = 0; i < lengthof(data_objects); i++)
	{
		if (strcmp(data_objects[i].name, name) == 0)
			return &data_objects[i];
	}
	return NULL;
}

const DataObject *
data_object_of_record(const char *record_type)
{
	int length = strlen(record_type);
	const char *name = strip_prefix(record_type, &length);
	int i;

	for (i = 0; i < lengthof(record_types); i++)
	{
		if (pg_strcasecmp(record_types[i], name) == 0)
			return data_object_find(record_types[i]);
	}
	return NULL;
}

/* As strcmp, for a key that does not end with a zero byte. */
static int
compare_key(const char *spelling, const char *key, int length)
{
	int result = strncmp(spelling, key, length);

	return result != 0 ? result : (unsigned char) spelling[length];
}

const DataAttribute *
data_object_attribute(const DataObject *object, const char *key, int length)
{
	int low = 0;
	int high = object->attribute_count - 1;

	key = strip_prefix(key, &length);
	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = compare_key(object->attributes[middle].spelling, key, length);

		if (order == 0)
			return &object->attributes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

static const DataAttribute *
find_any_attribute(const char *key, int length)
{
	const DataAttribute *first = NULL;
	int i;

	for (i = 0; i < lengthof(data_objects); i++)
	{
		const DataAttribute *attribute = data_object_attribute(&data_objects[i], key, length);

		if (attribute != NULL && attribute->kind == ATTRIBUTE_CODE)
			return attribute;
		if (first == NULL)
			first = attribute;
	}
	return first;
}

/* Filters ask for the same few names for each record and each condition. */
const DataAttribute *
data_object_any_attribute(const char *key, int length)
{
	static struct
	{
		char key[48];
		int length;
		const DataAttribute *attribute;
	} known[64];
	uint32 place;

	if (length < 1 || length > (int) sizeof(known[0].key))
		return find_any_attribute(key, length);
	place = hash_bytes((const unsigned char *) key, length) % lengthof(known);
	if (known[place].length != length || memcmp(known[place].key, key, length) != 0)
	{
		known[place].length = length;
		memcpy(known[place].key, key, length);
		known[place].attribute = find_any_attribute(key, length);
	}
	return known[place].attribute;
}

/* Beneficiary and Programme spell two of theirs differently. */
bool
data_object_names_are_related(const char *a, int a_length, const char *b, int b_length)
{
	static const char *const pairs[][2] = {{"enrollment_status", "enrolment_status"},
										   {"enrollment_date", "enrolment_date"}};
	const DataAttribute *first = data_object_any_attribute(a, a_length);
	const DataAttribute *second = data_object_any_attribute(b, b_length);
	int i;

	if (first == NULL || second == NULL)
		return false;
	if (strcmp(first->name, second->name) == 0)
		return true;
	for (i = 0; i < lengthof(pairs); i++)
	{
		if ((strcmp(first->name, pairs[i][0]) == 0 && strcmp(second->name, pairs[i][1]) == 0) ||
			(strcmp(first->name, pairs[i][1]) == 0 && strcmp(second->name, pairs[i][0]) == 0))
			return true;
	}
	return false;
}
