/*
 * query_mend.c
 *		Identifiers, "everybody" and lists of predicates as others write them. An operator that the
 *		standard does not have stays: to guess what it compares would find others than were meant.
 */
#include "message/query_mend.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXPRESSIONS 9

static const char *
last_word(const char *text)
{
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;

	return colon != NULL ? colon + 1 : text;
}

static bool
type_is(const json_t *object, const char *name, const char *word)
{
	const char *text = last_word(json_string_value(json_object_get(object, name)));

	return text != NULL && strcasecmp(text, word) == 0;
}

static void
query_replace(json_t *criteria, const QueryNames *names, json_t *query, const char *type)
{
	(void) json_object_set_new(criteria, names->query, query);
	(void) json_object_set_new(criteria, names->type, json_string(type));
}

/* Type and value of an identifier under whatever names; false when there are none. */
static bool
identifier_find(const json_t *object, const json_t **type, const json_t **value)
{
	static const char *const names[][2] = {
		{"type", "value"}, {"id_type", "id_value"}, {"identifier_type", "identifier_value"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		*type = json_object_get(object, names[i][0]);
		*value = json_object_get(object, names[i][1]);
		if (json_is_string(*type) && json_is_string(*value) && json_object_size(object) == 2)
			return true;
	}
	return false;
}

/* {"UIN": "…"}: one member, whose name is none of those that mean something else. */
static bool
identifier_is_named(const json_t *object, const char **name, const json_t **value)
{
	static const char *const others[] = {"type", "value", "query", "expression", "collection"};
	void *at = json_object_iter((json_t *) object);

	if (json_object_size(object) != 1)
		return false;
	*name = json_object_iter_key(at);
	*value = json_object_iter_value(at);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
	{
		if (strcmp(*name, others[i]) == 0)
			return false;
	}
	return json_is_string(*value) && (*name)[0] != '$';
}

static void
identifier_mend(json_t *criteria, const QueryNames *names, const char *path, OddForms *found)
{
	const json_t *query = json_object_get(criteria, names->query);
	const json_t *inner = json_object_get(query, "value");
	const json_t *object = json_is_object(inner) ? inner : query;
	bool is_called_so = type_is(criteria, names->type, "idtype-value") ||
						(json_is_object(inner) && type_is(query, "type", "idtype-value"));
	const json_t *type;
	const json_t *value;
	const char *name;
	json_t *identifier = NULL;

	if (identifier_find(object, &type, &value))
	{
		/* as the standard has it already */
		if (object == query && json_object_get(query, "type") != NULL)
			return;
		identifier = json_pack("{s:O,s:O}", "type", type, "value", value);
	}
	else if (is_called_so && identifier_is_named(object, &name, &value))
		identifier = json_pack("{s:s,s:O}", "type", name, "value", value);
	if (identifier != NULL && odd_form_note(found, ODD_ID_TYPE, path, names->query))
		query_replace(criteria, names, identifier, "idtype-value");
	else
		json_decref(identifier);
}

static bool
star_mend(json_t *criteria, const QueryNames *names, const char *path, OddForms *found)
{
	const json_t *query = json_object_get(criteria, names->query);
	const json_t *type;
	const json_t *value;

	if (!identifier_find(query, &type, &value) || strcmp(json_string_value(type), "*") != 0 ||
		strcmp(json_string_value(value), "*") != 0 ||
		!odd_form_note(found, ODD_STAR, path, names->query))
		return false;
	query_replace(criteria, names, json_object(), "expression");
	return true;
}

/* What stands inside the objects that others put around a query. */
static const json_t *
query_unwrap(const json_t *query)
{
	static const char *const wrappers[] = {"value", "expression", "query"};

	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
	{
		const json_t *inner = json_object_get(query, wrappers[i]);

		if (json_is_object(inner) || json_is_array(inner))
			query = inner;
	}
	return query;
}

static bool
empty_and_mend(json_t *criteria, const QueryNames *names, const char *path, OddForms *found)
{
	const json_t *query = query_unwrap(json_object_get(criteria, names->query));
	const json_t *joined = json_object_get(query, "$and");

	if (joined == NULL)
		joined = json_object_get(query, "and");
	if (json_object_size(query) != 1 || !json_is_array(joined) || json_array_size(joined) != 0 ||
		!odd_form_note(found, ODD_EMPTY_AND, path, names->query))
		return false;
	query_replace(criteria, names, json_object(), "expression");
	return true;
}

/* A list is of predicates, whatever it is called: no other filter is a list of objects. */
static void
predicates_mend(json_t *criteria, const QueryNames *names, const char *path, OddForms *found)
{
	const json_t *query = json_object_get(criteria, names->query);
	json_t *list = (json_t *) query_unwrap(query);

	if (!json_is_array(list) || json_object_get(json_array_get(list, 0), "expression1") == NULL ||
		(list == query && !type_is(criteria, names->type, "expression") &&
		 !type_is(criteria, names->type, "idtype-value")))
		return;
	if (odd_form_note(found, ODD_PREDICATE_LIST, path, names->query))
		query_replace(criteria, names, json_incref(list), "predicate");
}

/*
 * Each one alone with the condition is joined to the next one by it, the last one says nothing.
 * Only of a list of one: among others it would have to be in brackets, which predicates have not.
 */
static json_t *
expressions_split(const json_t *predicate)
{
	json_t *list = json_array();

	for (int i = 1; i <= EXPRESSIONS; i++)
	{
		char name[24];
		json_t *expression;

		snprintf(name, sizeof(name), "expression%d", i);
		expression = json_object_get(predicate, name);
		if (expression == NULL)
			break;
		(void) json_array_append_new(list, json_pack("{s:i,s:O,s:O}", "seq_num", i, "expression1",
													 expression, "condition",
													 json_object_get(predicate, "condition")));
	}
	return list;
}

static void
expressions_mend(json_t *criteria, const QueryNames *names, const char *path, OddForms *found)
{
	const json_t *list = json_object_get(criteria, names->query);
	const json_t *predicate = json_array_get(list, 0);
	const char *condition = json_string_value(json_object_get(predicate, "condition"));

	if (json_array_size(list) != 1 || json_object_get(predicate, "expression3") == NULL ||
		condition == NULL ||
		(strcasecmp(condition, "and") != 0 && strcasecmp(condition, "or") != 0))
		return;
	if (odd_form_note(found, ODD_THREE_EXPRESSIONS, path, names->query))
		query_replace(criteria, names, expressions_split(predicate), "predicate");
}

void
query_mend(json_t *criteria, const QueryNames *names, const char *path, OddForms *found)
{
	if (!json_is_object(criteria) || json_object_get(criteria, names->query) == NULL)
		return;
	if (star_mend(criteria, names, path, found) || empty_and_mend(criteria, names, path, found))
		return;
	identifier_mend(criteria, names, path, found);
	predicates_mend(criteria, names, path, found);
	expressions_mend(criteria, names, path, found);
}
