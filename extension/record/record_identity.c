/*
 * record_identity.c
 *		Where a record says whom it is about: which keys and shapes are identifiers.
 *
 * Recognition errs on the safe side: what could be an identifier in another spelling is one.
 * Must not know agreements, fields or partners.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "code/code_directory.h"
#include "record/record_identity.h"

PG_FUNCTION_INFO_V1(casesync_record_identifiers);
PG_FUNCTION_INFO_V1(casesync_identifier_of);
PG_FUNCTION_INFO_V1(casesync_fold_identifier_type);

typedef struct IdentifierList
{
	int count;
	int room;
	RecordIdentifier *items;
} IdentifierList;

/*
 * Whatever stands before the last colon is a prefix (A17), and case differs between peers: one that
 * is missed would be one that leaves.
 */
bool
record_key_is(const JsonbValue *key, const char *name)
{
	const char *name_start = key->val.string.val;
	int length = key->val.string.len;
	int i;

	for (i = length - 1; i >= 0; i--)
	{
		if (name_start[i] == ':')
			break;
	}
	name_start += i + 1;
	length -= i + 1;
	return length == strlen(name) && pg_strncasecmp(name_start, name, length) == 0;
}

bool
record_key_is_identifier(const JsonbValue *key)
{
	return record_key_is(key, "identifier") || record_key_is(key, "member_identifier") ||
		   record_key_is(key, "group_identifier");
}

/* Identifiers come as numbers too; written out they are what they were. */
char *
record_scalar_text(const JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(
			DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return NULL;
}

/* The standard's pairs have key and value; peers write name. */
bool
record_read_pair(JsonbContainer *object, JsonbValue *name, JsonbValue *value)
{
	JsonbValue *found;

	if (getKeyJsonValueFromContainer(object, "value", 5, value) == NULL)
		return false;
	found = getKeyJsonValueFromContainer(object, "key", 3, name);
	if (found == NULL)
		found = getKeyJsonValueFromContainer(object, "name", 4, name);
	return found != NULL && found->type == jbvString;
}

/*
 * By what it holds, not by the key it stands under: an identifier in a place that nobody expects is
 * one all the same.
 */
bool
record_is_identifier(JsonbContainer *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token == WJB_KEY &&
			(record_key_is(&key, "identifier_type") || record_key_is(&key, "identifier_value")))
			return true;
	}
	return false;
}

/*
 * With two types or two values it is none: which belong together would be a guess, and a guess
 * could let the wrong one leave.
 */
bool
record_read_identifier(JsonbContainer *object, char **type, char **value)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbValue member;
	int types = 0;
	int values = 0;

	*type = NULL;
	*value = NULL;
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &member, true);
		if (record_key_is(&key, "identifier_type"))
		{
			*type = record_scalar_text(&member);
			types++;
		}
		else if (record_key_is(&key, "identifier_value"))
		{
			*value = record_scalar_text(&member);
			values++;
		}
	}
	return types == 1 && values == 1 && *type != NULL && **type != '\0' && *value != NULL &&
		   **value != '\0';
}

/* Whether the object has a key that starts a part; a JSON null there is no part. */
static bool
has_part(JsonbContainer *object, const char *name)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue key;
	JsonbValue member;

	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &member, true);
		if (record_key_is(&key, name) && member.type == jbvBinary)
			return true;
	}
	return false;
}

/*
 * The parts in which a record names its own subject. Relatives, members of a household and heads of
 * it are other people: their identifiers are fields like others, and must be agreed as such.
 */
SubjectPart
record_subject_part(SubjectPart part, JsonbContainer *object, const JsonbValue *key)
{
	if (part == SUBJECT_NONE || part == SUBJECT_IDENTIFIER)
		return part;
	if (record_key_is_identifier(key))
		return SUBJECT_IDENTIFIER;
	if ((part == SUBJECT_RECORD || part == SUBJECT_MEMBER) &&
		record_key_is(key, "demographic_info"))
		return SUBJECT_PERSON;
	if (part != SUBJECT_RECORD)
		return SUBJECT_NONE;
	if (record_key_is(key, "member") || record_key_is(key, "personal_details"))
		return SUBJECT_MEMBER;
	/* A household's number does not name its member. */
	if (record_key_is(key, "group") && !has_part(object, "member"))
		return SUBJECT_GROUP;
	return SUBJECT_NONE;
}

/* A type that is not in the list is a country's own, and stays as it is. */
char *
record_fold_identifier_type(const char *type)
{
	const CodeDirectory *directory = code_directory_by_name("identifier_type");
	char buffer[CODE_TEXT_SIZE];
	int16 number;

	if (!code_find(directory, type, strlen(type), &number))
		return pstrdup(type);
	return pstrdup(code_text(directory, number, buffer));
}

/* Records are of any size up to jsonb's own limit, hence repalloc_huge. */
static void
add_identifier(IdentifierList *list, JsonbContainer *object)
{
	RecordIdentifier *item;
	char *type;
	char *value;

	if (!record_read_identifier(object, &type, &value))
		return;
	if (list->count == list->room)
	{
		list->room = list->room * 2 + 8;
		list->items = list->items == NULL
						  ? palloc(sizeof(RecordIdentifier) * list->room)
						  : repalloc_huge(list->items, sizeof(RecordIdentifier) * list->room);
	}
	item = &list->items[list->count];
	item->type = record_fold_identifier_type(type);
	item->value = value;
	item->position = list->count++;
	item->is_repeated = false;
}

/* Walk only where the subject itself may be named; everybody else's parts are not entered. */
static void
collect_identifiers(IdentifierList *list, JsonbContainer *container, SubjectPart part)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue key;
	JsonbValue member;
	JsonbIteratorToken token;

	check_stack_depth();
	if (part == SUBJECT_IDENTIFIER && JsonContainerIsObject(container))
	{
		add_identifier(list, container);
		return;
	}
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		SubjectPart below = part;

		if (token == WJB_KEY)
		{
			JsonbIteratorNext(&iterator, &member, true);
			below = record_subject_part(part, container, &key);
		}
		else if (token == WJB_ELEM)
			member = key;
		else
			continue;
		if (below != SUBJECT_NONE && member.type == jbvBinary)
			collect_identifiers(list, member.val.binary.data, below);
	}
}

static int
compare_identifiers(const void *a, const void *b)
{
	const RecordIdentifier *first = a;
	const RecordIdentifier *second = b;
	int order = strcmp(first->type, second->type);

	if (order == 0)
		order = strcmp(first->value, second->value);
	return order != 0 ? order : first->position - second->position;
}

static int
compare_positions(const void *a, const void *b)
{
	return ((const RecordIdentifier *) a)->position - ((const RecordIdentifier *) b)->position;
}

/* Sorting finds repetitions also where a hostile record has thousands of identifiers. */
static void
mark_repeated(IdentifierList *list)
{
	int i;

	qsort(list->items, list->count, sizeof(RecordIdentifier), compare_identifiers);
	for (i = 1; i < list->count; i++)
		list->items[i].is_repeated = strcmp(list->items[i].type, list->items[i - 1].type) == 0 &&
									 strcmp(list->items[i].value, list->items[i - 1].value) == 0;
	qsort(list->items, list->count, sizeof(RecordIdentifier), compare_positions);
}

RecordIdentifier *
record_subject_identifiers(JsonbContainer *record, int *count)
{
	IdentifierList list = {0};

	if (JsonContainerIsObject(record))
		collect_identifiers(&list, record, SUBJECT_RECORD);
	*count = list.count;
	return list.items;
}

static IdentifierList
find_identifiers(Jsonb *record)
{
	IdentifierList list = {0};

	if (JB_ROOT_IS_OBJECT(record))
		collect_identifiers(&list, &record->root, SUBJECT_RECORD);
	if (list.count > 1)
		mark_repeated(&list);
	return list;
}

/* record_identifiers(record jsonb): the subject's own identifiers, each once */
Datum
casesync_record_identifiers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	IdentifierList list;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	list = find_identifiers(PG_GETARG_JSONB_P(0));
	for (i = 0; i < list.count; i++)
	{
		Datum columns[2];
		bool nulls[2] = {false, false};

		if (list.items[i].is_repeated)
			continue;
		columns[0] = CStringGetTextDatum(list.items[i].type);
		columns[1] = CStringGetTextDatum(list.items[i].value);
		tuplestore_putvalues(result->setResult, result->setDesc, columns, nulls);
	}
	return (Datum) 0;
}

/* identifier_of(record jsonb, identifier_type text) → text: the first in the record's own order */
Datum
casesync_identifier_of(PG_FUNCTION_ARGS)
{
	IdentifierList list = find_identifiers(PG_GETARG_JSONB_P(0));
	char *wanted = record_fold_identifier_type(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	int i;

	for (i = 0; i < list.count; i++)
	{
		if (pg_strcasecmp(list.items[i].type, wanted) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(list.items[i].value));
	}
	PG_RETURN_NULL();
}

Datum
casesync_fold_identifier_type(PG_FUNCTION_ARGS)
{
	char *type = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(record_fold_identifier_type(type)));
}
