/*
 * filter_path.c
 *		Finds what stands at a path of a record. See filter_path.h.
 *
 * A name also finds the attribute in another spelling of the standard's, and a name alone that the
 * record does not have also finds the pair of that name in additional_attributes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "filter/filter_path.h"
#include "base/pg_compat.h"
#include "record/record_identity.h"

#define ATTRIBUTES_KEY "additional_attributes"

typedef struct Walk
{
	FilterVisitor visitor;
	void *context;
} Walk;

static bool walk_value(const Walk *walk, const JsonbValue *value, const char *name,
					   const char *rest);

/* Length of the first name of a path. */
static int
name_length(const char *path)
{
	return strcspn(path, ".");
}

/* What follows the first name, or NULL. */
static const char *
path_rest(const char *path)
{
	const char *dot = strchr(path, '.');

	return dot == NULL ? NULL : dot + 1;
}

static bool
key_is_meant(const JsonbValue *key, const char *name, int length)
{
	const char *start = key->val.string.val;
	int key_length = key->val.string.len;
	int i;

	for (i = key_length; i > 0 && start[i - 1] != ':'; i--)
		;
	if (key_length - i == length && memcmp(start + i, name, length) == 0)
		return true;
	return data_object_names_are_related(start, key_length, name, length);
}

/* The member in its own spelling, else in another. */
static bool
find_member(JsonbContainer *object, const char *name, int length, JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue key;

	if (getKeyJsonValueFromContainer(object, name, length, value) != NULL)
		return true;
	iterator = JsonbIteratorInit(object);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, value, true);
		if (key_is_meant(&key, name, length))
			return true;
	}
	return false;
}

static bool
walk_object(const Walk *walk, JsonbContainer *object, const char *path)
{
	JsonbValue value;

	if (!find_member(object, path, name_length(path), &value))
		return false;
	return walk_value(walk, &value, path, path_rest(path));
}

/* An element of additional_attributes: {NAME: V} or {"key": NAME, "value": V}. */
static bool
walk_pair(const Walk *walk, JsonbContainer *object, const char *path)
{
	JsonbValue name;
	JsonbValue value;

	if (!record_read_pair(object, &name, &value))
		return walk_object(walk, object, path);
	if (!key_is_meant(&name, path, name_length(path)))
		return false;
	return walk_value(walk, &value, path, path_rest(path));
}

static bool
walk_list(const Walk *walk, JsonbContainer *list, const char *name, const char *rest)
{
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;

	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (walk_value(walk, &element, name, rest))
			return true;
	}
	return false;
}

/* At the end of the path: an identifier stands for its value, other objects for nothing. */
static bool
visit_end(const Walk *walk, const JsonbValue *value, const char *name)
{
	JsonbValue scalar;
	char *type;
	char *number;

	if (value->type != jbvBinary)
		return value->type != jbvNull &&
			   walk->visitor(walk->context, data_object_any_attribute(name, name_length(name)),
							 value);
	if (!record_is_identifier(value->val.binary.data) ||
		!record_read_identifier(value->val.binary.data, &type, &number))
		return false;
	scalar.type = jbvString;
	scalar.val.string.val = number;
	scalar.val.string.len = strlen(number);
	return walk->visitor(walk->context, data_object_any_attribute("identifier_value", 16), &scalar);
}

/* name: the path from the name of this value on; rest: what is still to be walked, or NULL. */
static bool
walk_value(const Walk *walk, const JsonbValue *value, const char *name, const char *rest)
{
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
		return walk_list(walk, value->val.binary.data, name, rest);
	if (rest == NULL)
		return visit_end(walk, value, name);
	if (value->type != jbvBinary)
		return false;
	if (name_length(name) == strlen(ATTRIBUTES_KEY) &&
		strncmp(name, ATTRIBUTES_KEY, strlen(ATTRIBUTES_KEY)) == 0)
		return walk_pair(walk, value->val.binary.data, rest);
	return walk_object(walk, value->val.binary.data, rest);
}

bool
filter_path_visit(JsonbContainer *record, const char *path, FilterVisitor visitor, void *context)
{
	Walk walk = {visitor, context};
	JsonbValue value;

	if (!JsonContainerIsObject(record))
		return false;
	if (find_member(record, path, name_length(path), &value))
		return walk_value(&walk, &value, path, path_rest(path));
	return path_rest(path) == NULL &&
		   walk_object(&walk, record, psprintf("%s.%s", ATTRIBUTES_KEY, path));
}

bool
filter_value_visit(const JsonbValue *value, const char *name, FilterVisitor visitor, void *context)
{
	Walk walk = {visitor, context};

	return walk_value(&walk, value, name, NULL);
}
