/*
 * record_check.c
 *		Records against the table of data objects.
 *
 * Errors are what nobody could use; warnings what we understand although the standard says it
 * otherwise. A later release may turn errors into warnings, never the other way: CHECK constraints
 * rest on it. Must not know tables, registries or local words. No problem text has a value in it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "record/data_object.h"
#include "record/record_identity.h"
#include "record/record_limits.h"
#include "record/record_value.h"

PG_FUNCTION_INFO_V1(casesync_is_valid_record);
PG_FUNCTION_INFO_V1(casesync_check_record);

#define PROBLEMS_SHOWN_MAX 100
#define VALUES_MAX 100000
#define NAME_SHOWN_MAX 100

/* Of what the standard has no attribute for, only bounds and names are checked. */
static const DataAttribute any_attribute = {.kind = ATTRIBUTE_ANY};

/* One step of the way to a value; the text of the way is only made for a problem. */
typedef struct Path
{
	const struct Path *parent;
	const JsonbValue *key; /* NULL: an element of a list */
	int index;
	int depth;
} Path;

typedef struct Check
{
	ReturnSetInfo *result; /* NULL: only whether it is valid */
	int values;
	int errors;
	int warnings;
	int shown;
	bool is_lenient; /* below what the standard has no object for; its bounds are asked elsewhere */
} Check;

static void check_value(Check *check, const Path *path, const DataAttribute *attribute,
						const JsonbValue *value);

/* Nothing more can change the answer. */
static bool
is_decided(const Check *check)
{
	return check->result == NULL && check->errors > 0;
}

static void
append_path(StringInfo out, const Path *path)
{
	if (path->parent == NULL)
		return;
	append_path(out, path->parent);
	if (path->key == NULL)
		appendStringInfo(out, "[%d]", path->index);
	else
		appendStringInfo(
			out, "%s%.*s", out->len > 0 ? "." : "",
			pg_mbcliplen(path->key->val.string.val, path->key->val.string.len, NAME_SHOWN_MAX),
			path->key->val.string.val);
}

static void
put_row(Check *check, const char *where, const char *problem, bool is_error)
{
	Datum columns[3];
	bool nulls[3] = {false, false, false};

	columns[0] = CStringGetTextDatum(where);
	columns[1] = CStringGetTextDatum(problem);
	columns[2] = CStringGetTextDatum(is_error ? "error" : "warning");
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, columns, nulls);
	check->shown++;
}

static void
report(Check *check, const Path *path, bool is_error, const char *format, const char *argument)
{
	StringInfoData where;
	int *count;

	is_error = is_error && !check->is_lenient;
	count = is_error ? &check->errors : &check->warnings;

	/* Each kind has its own share, so that many warnings do not hide an error. */
	if ((*count)++ >= PROBLEMS_SHOWN_MAX || check->result == NULL)
		return;
	initStringInfo(&where);
	append_path(&where, path);
	put_row(check, where.data, argument == NULL ? format : psprintf(format, argument), is_error);
	pfree(where.data);
}

static void
check_text_length(Check *check, const Path *path, const JsonbValue *string)
{
	if (string->val.string.len > RECORD_TEXT_LENGTH_MAX && !check->is_lenient)
		report(check, path, true, "a text of more than 64 KiB", NULL);
}

/* False when the walk must not go further down. */
static bool
check_bounds(Check *check, const Path *path, const JsonbValue *value)
{
	if (++check->values > VALUES_MAX)
	{
		if (check->values == VALUES_MAX + 1)
			report(check, path, true, "a record of more than 100000 values", NULL);
		return false;
	}
	if (value->type == jbvString)
		check_text_length(check, path, value);
	if (value->type == jbvBinary && path->depth > RECORD_DEPTH_MAX)
	{
		report(check, path, true, "nested too deeply", NULL);
		return false;
	}
	return !is_decided(check);
}

static Path
path_below(const Path *path, const JsonbValue *key, int index)
{
	Path below = {path, key, index, path->depth + 1};

	return below;
}

static void
check_key(Check *check, const Path *path, const JsonbValue *key)
{
	int i;

	if (check->is_lenient)
		return;
	check_text_length(check, path, key);
	for (i = 0; i < key->val.string.len; i++)
	{
		if (IS_HIGHBIT_SET(key->val.string.val[i]))
		{
			report(check, path, true, "a name that is not ASCII", NULL);
			return;
		}
	}
}

/* The attribute of a key; what it is called says a warning when the standard calls it otherwise. */
static const DataAttribute *
find_attribute(Check *check, const Path *path, const DataObject *object, const JsonbValue *key)
{
	const char *name = key->val.string.val;
	int length = key->val.string.len;
	const DataAttribute *attribute = data_object_attribute(object, name, length);

	if (attribute == NULL)
	{
		report(check, path, false, "no attribute of %s", object->name);
		return &any_attribute;
	}
	if (strlen(attribute->name) != length || memcmp(attribute->name, name, length) != 0)
		report(check, path, false, "the standard calls this %s", attribute->name);
	return attribute;
}

static bool
is_annotation(const JsonbValue *key)
{
	return key->val.string.len > 0 && key->val.string.val[0] == '@';
}

/* The first ten characters of a date or time, which compare as dates do. */
static const char *
find_day(JsonbContainer *object, const char *key, JsonbValue *value)
{
	if (getKeyJsonValueFromContainer(object, key, strlen(key), value) == NULL ||
		value->type != jbvString || value->val.string.len < 10)
		return NULL;
	return value->val.string.val;
}

static void
check_order(Check *check, const Path *path, JsonbContainer *object, const char *earlier,
			const char *later, const char *problem)
{
	JsonbValue first_value;
	JsonbValue second_value;
	const char *first = find_day(object, earlier, &first_value);
	const char *second = find_day(object, later, &second_value);

	if (first != NULL && second != NULL && memcmp(second, first, 10) < 0)
		report(check, path, true, problem, NULL);
}

static bool
has_key(JsonbContainer *object, const char *key)
{
	JsonbValue value;

	return getKeyJsonValueFromContainer(object, key, strlen(key), &value) != NULL &&
		   value.type != jbvNull;
}

/* What no attribute can say alone. */
static void
check_whole_object(Check *check, const Path *path, const DataObject *object,
				   JsonbContainer *container)
{
	if (strcmp(object->name, "Identifier") == 0)
	{
		if (!has_key(container, "identifier_value"))
			report(check, path, true, "an identifier without identifier_value", NULL);
		if (!has_key(container, "identifier_type"))
			report(check, path, false, "an identifier without identifier_type", NULL);
	}
	else if (strcmp(object->name, "Person") == 0)
		check_order(check, path, container, "birth_date", "death_date", "died before being born");
	else if (strcmp(object->name, "EmploymentInfo") == 0)
		check_order(check, path, container, "start_date", "end_date", "ends before it starts");
	else if (strcmp(object->name, "Programme") == 0 && !has_key(container, "programme_name") &&
			 !has_key(container, "programme_identifier") && !has_key(container, "programme_code"))
		report(check, path, false, "a programme without name and identifier", NULL);
	else if (strcmp(object->name, "Beneficiary") == 0 && !has_key(container, "member") &&
			 !has_key(container, "group"))
		report(check, path, false, "a beneficiary without member and group", NULL);
}

static void
check_object(Check *check, const Path *path, const DataObject *object, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue key;
	JsonbValue value;

	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY && !is_decided(check))
	{
		Path below = path_below(path, &key, 0);

		JsonbIteratorNext(&iterator, &value, true);
		check_key(check, &below, &key);
		check_value(check, &below,
					is_annotation(&key) ? &any_attribute
										: find_attribute(check, &below, object, &key),
					&value);
	}
	check_whole_object(check, path, object, container);
}

/* Anything: only bounds and names, down to the bottom. */
static void
check_anything(Check *check, const Path *path, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue key;
	JsonbValue value;
	JsonbIteratorToken token;
	int index = 0;

	check_stack_depth();
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE && !is_decided(check))
	{
		Path below = path_below(path, token == WJB_KEY ? &key : NULL, index);

		if (token == WJB_KEY)
		{
			JsonbIteratorNext(&iterator, &value, true);
			check_key(check, &below, &key);
		}
		else if (token == WJB_ELEM)
		{
			value = key;
			index++;
		}
		else
			continue;
		if (check_bounds(check, &below, &value) && value.type == jbvBinary)
			check_anything(check, &below, value.val.binary.data);
	}
}

/*
 * A joint plan or a referral. Others may mean something else by these names, and records that were
 * valid stay so: what is wrong is a warning. check_anything() counts its values.
 */
static void
check_own_object(Check *check, const Path *path, const JsonbValue *key, const JsonbValue *value)
{
	const char *name = record_key_is(key, "plan")		? "Plan"
					   : record_key_is(key, "referral") ? "Referral"
														: NULL;
	int values = check->values;

	if (name == NULL || value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return;
	check->is_lenient = true;
	check_object(check, path, data_object_find(name), value->val.binary.data);
	check->is_lenient = false;
	check->values = values;
}

/* Names with values. An enrolment status among them has a meaning of its own (A1). */
static void
check_pairs(Check *check, const Path *path, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue key;
	JsonbValue value;
	ValueProblem problem;

	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY && !is_decided(check))
	{
		Path below = path_below(path, &key, 0);

		JsonbIteratorNext(&iterator, &value, true);
		if ((record_key_is(&key, "enrolment_status") || record_key_is(&key, "enrollment_status")) &&
			!record_value_check(
				data_object_attribute(data_object_find("Member"), "enrolment_status", 16), &value,
				&problem))
			report(check, &below, problem.is_error, problem.format, problem.argument);
		check_own_object(check, &below, &key, &value);
	}
	check_anything(check, path, container);
}

/* Of the objects an attribute may be, the one whose attributes these are. */
static const DataObject *
choose_object(const DataAttribute *attribute, JsonbContainer *container)
{
	const DataObject *first = data_object_find(attribute->objects[0]);
	const DataObject *second;
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbIteratorToken token;

	if (attribute->objects[1] == NULL)
		return first;
	second = data_object_find(attribute->objects[1]);
	iterator = JsonbIteratorInit(container);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token == WJB_KEY &&
			data_object_attribute(first, key.val.string.val, key.val.string.len) == NULL &&
			data_object_attribute(second, key.val.string.val, key.val.string.len) != NULL)
			return second;
	}
	return first;
}

/*
 * A bare word where an object belongs; known of identifiers, programmes and frequencies (C6,
 * C7).
 */
static void
check_bare_word(Check *check, const Path *path, const DataAttribute *attribute,
				const JsonbValue *value)
{
	const char *object = attribute->objects[0];
	bool is_known = strcmp(object, "Identifier") == 0 || strcmp(object, "Programme") == 0 ||
					strcmp(object, "BenefitFrequency") == 0;

	if (value->type == jbvNull)
		return;
	report(check, path, !is_known || value->type == jbvBool, "an object %s is expected", object);
}

static void
check_single(Check *check, const Path *path, const DataAttribute *attribute,
			 const JsonbValue *value)
{
	JsonbContainer *container = value->type == jbvBinary ? value->val.binary.data : NULL;
	ValueProblem problem;

	if (container != NULL && JsonContainerIsArray(container) && attribute->kind != ATTRIBUTE_ANY)
		report(check, path, true, "a list in a list", NULL);
	else if (attribute->kind == ATTRIBUTE_OBJECT && container != NULL)
		check_object(check, path, choose_object(attribute, container), container);
	else if (attribute->kind == ATTRIBUTE_OBJECT)
		check_bare_word(check, path, attribute, value);
	else if (attribute->kind == ATTRIBUTE_PAIRS && container != NULL)
		check_pairs(check, path, container);
	else if (attribute->kind == ATTRIBUTE_ANY && container != NULL)
		check_anything(check, path, container);
	else if (attribute->kind != ATTRIBUTE_PAIRS && !record_value_check(attribute, value, &problem))
		report(check, path, problem.is_error, problem.format, problem.argument);
}

static void
check_list(Check *check, const Path *path, const DataAttribute *attribute, JsonbContainer *list)
{
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;
	int index = 0;

	if (!attribute->is_list && attribute->kind != ATTRIBUTE_ANY)
		report(check, path, false, "the standard has one value here, not a list", NULL);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM && !is_decided(check))
	{
		Path below = path_below(path, NULL, index++);

		if (check_bounds(check, &below, &element))
			check_single(check, &below, attribute, &element);
	}
}

static void
check_value(Check *check, const Path *path, const DataAttribute *attribute, const JsonbValue *value)
{
	if (!check_bounds(check, path, value) || value->type == jbvNull)
		return;
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
	{
		check_list(check, path, attribute, value->val.binary.data);
		return;
	}
	if (attribute->is_list)
		report(check, path, false, "the standard has a list here", NULL);
	check_single(check, path, attribute, value);
}

static void
check_root(Check *check, const char *record_type, Jsonb *record)
{
	const DataObject *object = data_object_of_record(record_type);
	Path root = {NULL, NULL, 0, 1};

	if (object == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown record type \"%s\"", record_type),
						errhint("The record types are Member, Person, Group and Beneficiary.")));
	if (JB_ROOT_IS_OBJECT(record))
		check_object(check, &root, object, &record->root);
	else
		report(check, &root, true, "a record is a JSON object", NULL);
}

/* is_valid_record(record_type text, record jsonb) → boolean */
Datum
casesync_is_valid_record(PG_FUNCTION_ARGS)
{
	Check check = {0};

	check_root(&check, text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1));
	PG_RETURN_BOOL(check.errors == 0);
}

/* check_record(record_type text, record jsonb) → (path, problem, severity) */
Datum
casesync_check_record(PG_FUNCTION_ARGS)
{
	Check check = {0};
	int hidden;

	InitMaterializedSRF(fcinfo, 0);
	check.result = (ReturnSetInfo *) fcinfo->resultinfo;
	check_root(&check, text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1));
	hidden = check.errors + check.warnings - check.shown;
	if (hidden > 0)
		put_row(&check, "", psprintf("%d more problems are not shown", hidden),
				check.errors > PROBLEMS_SHOWN_MAX);
	return (Datum) 0;
}
