/*
 * record_match.c
 *		Does one record say anything that another does not say already?
 *
 * "No" keeps a notification from being sent back to where it came from, so every doubt is "yes".
 * Must not know partners or subscriptions.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "code/code_directory.h"
#include "record/data_object.h"
#include "filter/filter_value.h"
#include "base/pg_compat.h"
#include "record/record_identity.h"
#include "base/text_format.h"

PG_FUNCTION_INFO_V1(casesync_record_contains);

/*
 * Lists are compared element by element, while the router waits: a partner must not make that long.
 * What is not found out by then is told to the partner once more.
 */
#define COMPARISONS_MAX 50000

typedef struct Match
{
	int comparisons;
} Match;

static bool value_is_known(Match *match, const JsonbValue *key, const JsonbValue *known,
						   const JsonbValue *value);

static const DataAttribute *
find_attribute(const JsonbValue *key)
{
	return data_object_any_attribute(key->val.string.val, key->val.string.len);
}

/* What JSON-LD says about the document, and when it was touched, is no fact about the person. */
static bool
key_is_no_fact(const JsonbValue *key)
{
	return (key->val.string.len > 0 && key->val.string.val[0] == '@') ||
		   record_key_is(key, "last_updated");
}

static bool
keys_are_related(const JsonbValue *a, const JsonbValue *b)
{
	return data_object_names_are_related(a->val.string.val, a->val.string.len, b->val.string.val,
										 b->val.string.len);
}

static char *
scalar_text(const JsonbValue *value)
{
	if (value->type == jbvBool)
		return value->val.boolean ? "true" : "false";
	return record_scalar_text(value);
}

/* The same code in any of the directories the attribute may be of, first things first. */
static bool
codes_are_equal(const DataAttribute *attribute, const char *a, const char *b)
{
	int i;

	for (i = 0; attribute->directories[i] != NULL; i++)
	{
		const CodeDirectory *directory = code_directory_by_name(attribute->directories[i]);
		int16 first;
		int16 second;

		if (code_find(directory, a, strlen(a), &first) &&
			code_find(directory, b, strlen(b), &second))
			return first == second;
	}
	return false;
}

static bool
times_are_equal(const char *a, const char *b)
{
	TimestampTz first;
	TimestampTz second;

	return text_is_date_time(a, strlen(a)) && text_is_date_time(b, strlen(b)) &&
		   filter_value_time(a, &first) && filter_value_time(b, &second) && first == second;
}

static bool
scalars_are_equal(const JsonbValue *key, const JsonbValue *a, const JsonbValue *b)
{
	const DataAttribute *attribute;
	char *first = scalar_text(a);
	char *second = scalar_text(b);

	if (first == NULL || second == NULL)
		return false;
	if (strcmp(first, second) == 0)
		return true;
	if (a->type == jbvNumeric && b->type == jbvNumeric)
		return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a->val.numeric),
												NumericGetDatum(b->val.numeric)));
	attribute = key == NULL ? NULL : find_attribute(key);
	if (attribute != NULL && attribute->kind == ATTRIBUTE_CODE)
		return codes_are_equal(attribute, first, second);
	return times_are_equal(first, second);
}

/* The same spelling decides where it is used; only else the others are looked for. */
static bool
member_is_known(Match *match, JsonbContainer *known, const JsonbValue *key, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue known_key;
	JsonbValue known_value;

	if (getKeyJsonValueFromContainer(known, key->val.string.val, key->val.string.len,
									 &known_value) != NULL)
		return value_is_known(match, key, &known_value, value);
	iterator = JsonbIteratorInit(known);
	JsonbIteratorNext(&iterator, &known_key, true);
	while (JsonbIteratorNext(&iterator, &known_key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &known_value, true);
		if (match->comparisons++ > COMPARISONS_MAX)
			return false;
		if (keys_are_related(&known_key, key))
			return value_is_known(match, key, &known_value, value);
	}
	return value->type == jbvNull;
}

static bool
object_is_known(Match *match, const JsonbValue *known, JsonbContainer *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbValue value;

	if (known->type != jbvBinary || !JsonContainerIsObject(known->val.binary.data))
		return false;
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &value, true);
		if (!key_is_no_fact(&key) && !member_is_known(match, known->val.binary.data, &key, &value))
			return false;
	}
	return true;
}

/* Whether any element of a list is, or holds, the value; something single is a list of one. */
static bool
any_is_known(Match *match, const JsonbValue *key, const JsonbValue *known, const JsonbValue *value)
{
	JsonbIterator *iterator = JsonbIteratorInit(known->val.binary.data);
	JsonbValue element;

	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (value_is_known(match, key, &element, value))
			return true;
	}
	return false;
}

static bool
list_is_known(Match *match, const JsonbValue *key, const JsonbValue *known, JsonbContainer *list)
{
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;

	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (!value_is_known(match, key, known, &element))
			return false;
	}
	return true;
}

/* Lists of which each system shares its own part: that one is shorter says nothing. */
static bool
list_is_open(const JsonbValue *key)
{
	static const char *const names[] = {"identifier", "member_identifier", "group_identifier",
										"additional_attributes"};

	for (size_t i = 0; key != NULL && i < lengthof(names); i++)
	{
		if (key->val.string.len == (int) strlen(names[i]) &&
			memcmp(key->val.string.val, names[i], key->val.string.len) == 0)
			return true;
	}
	return false;
}

/*
 * An element that was dropped from a list is news, although every other one is known. An empty
 * list says nothing: it is never sent.
 */
static bool
list_is_shorter(const JsonbValue *key, const JsonbValue *known, JsonbContainer *list)
{
	return JsonContainerSize(list) > 0 && !list_is_open(key) && known->type == jbvBinary &&
		   JsonContainerIsArray(known->val.binary.data) &&
		   JsonContainerSize(known->val.binary.data) > JsonContainerSize(list);
}

static bool
value_is_known(Match *match, const JsonbValue *key, const JsonbValue *known,
			   const JsonbValue *value)
{
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (match->comparisons++ > COMPARISONS_MAX)
		return false;
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
		return !list_is_shorter(key, known, value->val.binary.data) &&
			   list_is_known(match, key, known, value->val.binary.data);
	if (known->type == jbvBinary && JsonContainerIsArray(known->val.binary.data))
		return any_is_known(match, key, known, value);
	if (value->type == jbvBinary)
		return object_is_known(match, known, value->val.binary.data);
	if (value->type == jbvNull)
		return known->type == jbvNull;
	return scalars_are_equal(key, known, value);
}

static void
set_container(JsonbValue *value, Jsonb *json)
{
	value->type = jbvBinary;
	value->val.binary.data = &json->root;
	value->val.binary.len = VARSIZE(json) - VARHDRSZ;
}

/* record_contains(known jsonb, record jsonb) → boolean */
Datum
casesync_record_contains(PG_FUNCTION_ARGS)
{
	Match match = {0};
	JsonbValue known;
	JsonbValue value;

	set_container(&known, PG_GETARG_JSONB_P(0));
	set_container(&value, PG_GETARG_JSONB_P(1));
	PG_RETURN_BOOL(value_is_known(&match, NULL, &known, &value));
}
