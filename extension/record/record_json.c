/*
 * record_json.c
 *		Pieces of record JSON, pushed in order. See record_json.h.
 *
 * Must not know the SQL side of the builders.
 */
#include "postgres.h"

#include "utils/jsonb.h"

#include "record/record_identity.h"
#include "record/record_json.h"

void
record_json_set_string(JsonbValue *value, const char *string)
{
	value->type = jbvString;
	value->val.string.val = (char *) string;
	value->val.string.len = strlen(string);
}

void
record_json_push_key(JsonbParseState **state, const char *key)
{
	JsonbValue value;

	record_json_set_string(&value, key);
	pushJsonbValue(state, WJB_KEY, &value);
}

void
record_json_push_list(JsonbParseState **state, JsonbValue *values, int count)
{
	int i;

	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < count; i++)
		pushJsonbValue(state, WJB_ELEM, &values[i]);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* Attributes given as an object {name: value} are sent as the list of pairs of the standard. */
void
record_json_push_pairs(JsonbParseState **state, JsonbContainer *attributes)
{
	JsonbIterator *iterator = JsonbIteratorInit(attributes);
	JsonbValue key;
	JsonbValue value;
	char *string;

	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &value, true);
		if (value.type == jbvNull)
			continue;
		string = value.type == jbvBool ? (value.val.boolean ? "true" : "false")
									   : record_scalar_text(&value);
		if (string != NULL)
			record_json_set_string(&value, string);
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		pushJsonbValue(state, WJB_KEY, &key);
		pushJsonbValue(state, WJB_VALUE, &value);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
}

/* The elements of a list, or the one value that stands for a list of one. */
static void
push_elements(JsonbParseState **state, JsonbValue *list)
{
	JsonbIterator *iterator;
	JsonbValue element;

	if (list->type != jbvBinary || !JsonContainerIsArray(list->val.binary.data))
	{
		pushJsonbValue(state, WJB_ELEM, list);
		return;
	}
	iterator = JsonbIteratorInit(list->val.binary.data);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
		pushJsonbValue(state, WJB_ELEM, &element);
}

/* A member has no attribute for its enrolment status: it travels among the additional ones. */
void
record_json_push_attributes(JsonbParseState **state, JsonbValue *attributes, JsonbValue *status)
{
	record_json_push_key(state, "additional_attributes");
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	if (attributes != NULL && attributes->type == jbvBinary &&
		JsonContainerIsObject(attributes->val.binary.data))
		record_json_push_pairs(state, attributes->val.binary.data);
	else if (attributes != NULL)
		push_elements(state, attributes);
	if (status != NULL)
	{
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		record_json_push_key(state, "enrolment_status");
		pushJsonbValue(state, WJB_VALUE, status);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/*
 * The member or group of a beneficiary, with the identifiers given to the beneficiary itself, which
 * has no attribute for them.
 */
void
record_json_push_subject(JsonbParseState **state, JsonbValue *subject, const char *key,
						 JsonbValue *identifiers, int count)
{
	bool is_group = strcmp(key, "group") == 0;
	const char *identifier_key = is_group ? "group_identifier" : "member_identifier";
	JsonbIterator *iterator;
	JsonbValue name;
	JsonbValue value;
	int i;

	record_json_push_key(state, key);
	if (count == 0 || (subject != NULL && (subject->type != jbvBinary ||
										   !JsonContainerIsObject(subject->val.binary.data))))
	{
		pushJsonbValue(state, WJB_VALUE, subject);
		return;
	}
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	if (subject == NULL)
	{
		record_json_push_key(state, "@type");
		record_json_set_string(&value, "Member");
		pushJsonbValue(state, WJB_VALUE, &value);
	}
	else
	{
		iterator = JsonbIteratorInit(subject->val.binary.data);
		JsonbIteratorNext(&iterator, &name, true);
		while (JsonbIteratorNext(&iterator, &name, true) == WJB_KEY)
		{
			JsonbIteratorNext(&iterator, &value, true);
			if (record_key_is(&name, identifier_key))
				continue;
			pushJsonbValue(state, WJB_KEY, &name);
			pushJsonbValue(state, WJB_VALUE, &value);
		}
	}
	record_json_push_key(state, identifier_key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < count; i++)
		pushJsonbValue(state, WJB_ELEM, &identifiers[i]);
	if (subject != NULL && getKeyJsonValueFromContainer(subject->val.binary.data, identifier_key,
														strlen(identifier_key), &value) != NULL)
		push_elements(state, &value);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}
