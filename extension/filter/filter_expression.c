/*
 * filter_expression.c
 *		Reads a filter of the shape "expression": attributes with operators, joined by $and, $or,
 *		$not.
 *
 * Must not know the other shapes, nor what attributes exist.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/jsonb.h"

#include "filter/filter_parse.h"

static bool
word_is(const JsonbValue *key, const char *word)
{
	const char *start = key->val.string.val;
	int length = key->val.string.len;

	if (length > 0 && start[0] == '$')
	{
		start++;
		length--;
	}
	return length == strlen(word) && pg_strncasecmp(start, word, length) == 0;
}

static FilterNode *read_query(FilterParser *parser, JsonbContainer *object, int depth);

static FilterNode *
read_nested(FilterParser *parser, const JsonbValue *value, int depth)
{
	if (!filter_is_object(value))
		return filter_refuse(parser, "$and, $or and $not take queries: {\"attribute\": {\"$eq\": "
									 "\"value\"}}");
	return read_query(parser, value->val.binary.data, depth + 1);
}

/* The queries of $and or $or: a list of them, or an object with one for each member. */
static FilterNode *
read_joined(FilterParser *parser, FilterKind kind, const JsonbValue *value, int depth)
{
	JsonbIterator *iterator;
	JsonbValue element;
	FilterNode *node;

	if (!filter_is_list(value) || JsonContainerSize(value->val.binary.data) == 0)
		return filter_refuse(parser, "$and and $or take a list with at least one query");
	if (JsonContainerSize(value->val.binary.data) > FILTER_NODES_MAX)
		return filter_refuse(parser, "the filter has more than %d conditions", FILTER_NODES_MAX);
	if (!filter_count_node(parser))
		return NULL;
	node = filter_node_logic(kind, JsonContainerSize(value->val.binary.data));
	iterator = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		FilterNode *child = read_nested(parser, &element, depth);

		if (child == NULL)
			return NULL;
		filter_node_add(node, child);
	}
	return node;
}

static FilterNode *
read_negated(FilterParser *parser, const JsonbValue *value, int depth)
{
	FilterNode *child;

	if (!filter_count_node(parser))
		return NULL;
	child = read_nested(parser, value, depth);
	return child == NULL ? NULL : filter_node_not(child);
}

static FilterNode *read_attribute(FilterParser *parser, const char *name, const JsonbValue *value,
								  int depth);

static FilterNode *
read_operation(FilterParser *parser, const char *name, const JsonbValue *key,
			   const JsonbValue *value, int depth)
{
	FilterNode *child;

	if (!word_is(key, "not"))
		return filter_read_comparison(parser, name,
									  pnstrdup(key->val.string.val, key->val.string.len), value);
	if (!filter_count_node(parser))
		return NULL;
	child = read_attribute(parser, name, value, depth + 1);
	return child == NULL ? NULL : filter_node_not(child);
}

/* What is asked of one attribute: a value, or operators with values, all of which must hold. */
static FilterNode *
read_attribute(FilterParser *parser, const char *name, const JsonbValue *value, int depth)
{
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue member;
	FilterNode *node;

	if (!filter_is_object(value))
		return filter_read_comparison(parser, name, NULL, value);
	if (depth > FILTER_DEPTH_MAX)
		return filter_refuse(parser, "the filter is nested deeper than %d", FILTER_DEPTH_MAX);
	if (JsonContainerSize(value->val.binary.data) == 0)
		return filter_refuse(parser, "an attribute needs an operator: {\"$eq\": \"value\"}");
	if (JsonContainerSize(value->val.binary.data) > FILTER_NODES_MAX)
		return filter_refuse(parser, "the filter has more than %d conditions", FILTER_NODES_MAX);
	node = filter_node_logic(FILTER_AND, JsonContainerSize(value->val.binary.data));
	iterator = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		FilterNode *child;

		JsonbIteratorNext(&iterator, &member, true);
		child = read_operation(parser, name, &key, &member, depth);
		if (child == NULL)
			return NULL;
		filter_node_add(node, child);
	}
	return node->child_count == 1 ? node->children[0] : node;
}

static FilterNode *
read_member(FilterParser *parser, const JsonbValue *key, const JsonbValue *value, int depth)
{
	if (word_is(key, "and"))
		return read_joined(parser, FILTER_AND, value, depth);
	if (word_is(key, "or"))
		return read_joined(parser, FILTER_OR, value, depth);
	if (word_is(key, "not"))
		return read_negated(parser, value, depth);
	if (key->val.string.len > 0 && key->val.string.val[0] == '$')
		return filter_refuse(parser, "of words with $ only $and, $or and $not join queries");
	return read_attribute(parser, pnstrdup(key->val.string.val, key->val.string.len), value,
						  depth + 1);
}

/* A query: {"$and": [{"attribute": {"$lt": 5}}]}. */
static FilterNode *
read_query(FilterParser *parser, JsonbContainer *object, int depth)
{
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue value;
	FilterNode *node;

	check_stack_depth();
	if (depth > FILTER_DEPTH_MAX)
		return filter_refuse(parser, "the filter is nested deeper than %d", FILTER_DEPTH_MAX);
	if (JsonContainerSize(object) == 0)
		return filter_refuse(parser, "a query within the filter is empty");
	if (JsonContainerSize(object) > FILTER_NODES_MAX)
		return filter_refuse(parser, "the filter has more than %d conditions", FILTER_NODES_MAX);
	node = filter_node_logic(FILTER_AND, JsonContainerSize(object));
	iterator = JsonbIteratorInit(object);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		FilterNode *child;

		JsonbIteratorNext(&iterator, &value, true);
		child = read_member(parser, &key, &value, depth);
		if (child == NULL)
			return NULL;
		filter_node_add(node, child);
	}
	return node->child_count == 1 ? node->children[0] : node;
}

/*
 * Partners put up to three objects around a query: {"type", "value"}, {"expression"} and
 * {"collection", "query"}. The collection says what the registry says already.
 */
FilterNode *
filter_read_expression(FilterParser *parser, JsonbContainer *object)
{
	static const char *const wrappers[] = {"value", "expression", "query"};
	JsonbValue inner;
	int i;

	for (i = 0; i < lengthof(wrappers); i++)
	{
		if (!filter_member(object, wrappers[i], &inner))
			continue;
		if (filter_is_object(&inner))
			object = inner.val.binary.data;
		else if (i == 1)
			return filter_refuse(parser, "an expression must be an object like {\"query\": "
										 "{\"attribute\": {\"$eq\": \"value\"}}}, not a text in a "
										 "query language");
	}
	return read_query(parser, object, 1);
}
