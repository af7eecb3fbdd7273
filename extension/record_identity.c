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

#include "record_identity.h"

PG_FUNCTION_INFO_V1(record_identifiers);
PG_FUNCTION_INFO_V1(fold_identifier_type);

typedef struct IdentifierRows
{
	ReturnSetInfo *set;
	int count;
	char **seen; /* "type\nvalue" of the rows given so far */
} IdentifierRows;

/* A person has a handful; more is a mistake in a view, or somebody's attempt to be everybody. */
#define IDENTIFIERS_MAX 256

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

char *
record_fold_identifier_type(const char *type)
{
	return pstrdup(type);
}

static void
add_identifier(IdentifierRows *rows, JsonbContainer *object)
{
	char *type;
	char *value;
	char *both;
	Datum columns[2];
	bool nulls[2] = {false, false};
	int i;

	if (!record_read_identifier(object, &type, &value))
		return;
	type = record_fold_identifier_type(type);
	both = psprintf("%s\n%s", type, value);
	for (i = 0; i < rows->count; i++)
	{
		if (strcmp(rows->seen[i], both) == 0)
			return;
	}
	if (rows->count == IDENTIFIERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the record's subject has more than %d identifiers", IDENTIFIERS_MAX),
				 errhint("Leave those that no partner knows out of the registry's view.")));
	rows->seen[rows->count++] = both;
	columns[0] = CStringGetTextDatum(type);
	columns[1] = CStringGetTextDatum(value);
	tuplestore_putvalues(rows->set->setResult, rows->set->setDesc, columns, nulls);
}

/* Walk only where the subject itself may be named; everybody else's parts are not entered. */
static void
collect_identifiers(IdentifierRows *rows, JsonbContainer *container, SubjectPart part)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbValue key;
	JsonbValue member;
	JsonbIteratorToken token;

	check_stack_depth();
	if (part == SUBJECT_IDENTIFIER && JsonContainerIsObject(container))
	{
		add_identifier(rows, container);
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
			collect_identifiers(rows, member.val.binary.data, below);
	}
}

/* The subject's own identifiers, each once. */
Datum
record_identifiers(PG_FUNCTION_ARGS)
{
	IdentifierRows rows = {0};
	Jsonb *record;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	record = PG_GETARG_JSONB_P(0);
	rows.set = (ReturnSetInfo *) fcinfo->resultinfo;
	rows.seen = palloc(sizeof(char *) * IDENTIFIERS_MAX);
	if (JB_ROOT_IS_OBJECT(record))
		collect_identifiers(&rows, &record->root, SUBJECT_RECORD);
	return (Datum) 0;
}

Datum
fold_identifier_type(PG_FUNCTION_ARGS)
{
	char *type = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(record_fold_identifier_type(type)));
}
