/*
 * filter_predicate.c
 *		Reads a filter of the shape "predicate": a list of {seq_num, expression1, condition,
 *		expression2}.
 *
 * The standard does not say how the items combine, so this does. They are taken in the order of
 * seq_num (those without one last; equal ones as they stand) and joined from left to right, without
 * "and" binding closer than "or": ((first c1 second) c2 third).
 *   - expression1, condition, expression2: the condition joins the two; "not" means expression1
 *     and not expression2. The item is joined to the next one by "and".
 *   - expression1 and a condition alone: "and" and "or" join the item to the next one (behind the
 *     last they say nothing); "not" means not expression1, joined to the next one by "and".
 * Must not know the other shapes, nor what attributes exist.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "filter/filter_parse.h"
#include "filter/filter_value.h"

typedef enum Condition
{
	CONDITION_NONE,
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT
} Condition;

typedef struct Predicate
{
	Numeric sequence; /* NULL: none */
	int position;
	FilterNode *node;
	FilterKind join; /* to the next one */
} Predicate;

static FilterNode *
join(FilterParser *parser, FilterKind kind, FilterNode *left, FilterNode *right)
{
	FilterNode *node;

	if (left->kind == kind)
	{
		/* A chain of the same word is one list, or the tree would be as deep as it is long. */
		left->children = repalloc(left->children, sizeof(FilterNode *) * (left->child_count + 1));
		filter_node_add(left, right);
		return left;
	}
	if (!filter_count_node(parser))
		return NULL;
	node = filter_node_logic(kind, 2);
	filter_node_add(node, left);
	filter_node_add(node, right);
	return node;
}

static FilterNode *
read_expression(FilterParser *parser, const JsonbValue *value)
{
	JsonbValue name;
	JsonbValue operation;
	JsonbValue compared;
	JsonbContainer *object;

	if (!filter_is_object(value))
		return filter_refuse(parser, "expression1 and expression2 must be objects");
	object = value->val.binary.data;
	if (!filter_member(object, "attribute_name", &name) || name.type != jbvString ||
		!filter_member(object, "operator", &operation) || operation.type != jbvString ||
		!filter_member(object, "attribute_value", &compared))
		return filter_refuse(parser, "a predicate's expression needs attribute_name, operator and "
									 "attribute_value");
	return filter_read_comparison(parser, pnstrdup(name.val.string.val, name.val.string.len),
								  pnstrdup(operation.val.string.val, operation.val.string.len),
								  &compared);
}

static bool
read_condition(FilterParser *parser, JsonbContainer *object, Condition *condition)
{
	static const char *const words[] = {"", "and", "or", "not"};
	JsonbValue value;
	char *word;
	int i;

	*condition = CONDITION_NONE;
	if (!filter_member(object, "condition", &value))
		return true;
	word = value.type == jbvString ? pnstrdup(value.val.string.val, value.val.string.len) : "?";
	if (word[0] == '$')
		word++;
	for (i = 0; i < lengthof(words); i++)
	{
		if (pg_strcasecmp(words[i], word) == 0)
		{
			*condition = (Condition) i;
			return true;
		}
	}
	filter_refuse(parser, "a predicate's condition must be and, or or not");
	return false;
}

static bool
read_sequence(FilterParser *parser, JsonbContainer *object, Predicate *predicate)
{
	JsonbValue value;
	char *written;

	if (!filter_member(object, "seq_num", &value))
		return true;
	if (value.type == jbvNumeric)
	{
		predicate->sequence = value.val.numeric;
		return true;
	}
	written = value.type == jbvString ? pnstrdup(value.val.string.val, value.val.string.len) : "";
	if (filter_value_number(written, &predicate->sequence))
		return true;
	filter_refuse(parser, "a predicate's seq_num must be a number");
	return false;
}

static FilterNode *
join_pair(FilterParser *parser, Condition condition, FilterNode *first, FilterNode *second)
{
	if (condition == CONDITION_NOT)
		second = filter_node_not(second);
	return join(parser, condition == CONDITION_OR ? FILTER_OR : FILTER_AND, first, second);
}

static bool
read_predicate(FilterParser *parser, const JsonbValue *value, Predicate *predicate)
{
	JsonbValue member;
	Condition condition;
	FilterNode *first;
	FilterNode *second;

	predicate->join = FILTER_AND;
	if (!filter_is_object(value) || !filter_member(value->val.binary.data, "expression1", &member))
	{
		filter_refuse(parser, "a predicate filter is a list of objects with expression1");
		return false;
	}
	/* passed over it would find more than was asked for */
	if (filter_member(value->val.binary.data, "expression3", &member))
	{
		filter_refuse(parser, "a predicate has expression1 and expression2; send more in items of "
							  "their own");
		return false;
	}
	(void) filter_member(value->val.binary.data, "expression1", &member);
	if (!read_sequence(parser, value->val.binary.data, predicate) ||
		!read_condition(parser, value->val.binary.data, &condition) ||
		(first = read_expression(parser, &member)) == NULL)
		return false;
	if (filter_member(value->val.binary.data, "expression2", &member))
	{
		second = read_expression(parser, &member);
		predicate->node = second == NULL ? NULL : join_pair(parser, condition, first, second);
	}
	else
	{
		predicate->node = condition == CONDITION_NOT ? filter_node_not(first) : first;
		predicate->join = condition == CONDITION_OR ? FILTER_OR : FILTER_AND;
	}
	return predicate->node != NULL;
}

static int
compare_predicates(const void *a, const void *b)
{
	const Predicate *first = a;
	const Predicate *second = b;
	int order = (first->sequence == NULL) - (second->sequence == NULL);

	if (order == 0 && first->sequence != NULL)
		order = DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(first->sequence),
												  NumericGetDatum(second->sequence)));
	return order != 0 ? order : first->position - second->position;
}

FilterNode *
filter_read_predicates(FilterParser *parser, JsonbContainer *list)
{
	int count = JsonContainerSize(list);
	Predicate *predicates;
	JsonbIterator *iterator;
	JsonbValue element;
	FilterNode *node;
	int i = 0;

	if (count > FILTER_NODES_MAX)
		return filter_refuse(parser, "the filter has more than %d conditions", FILTER_NODES_MAX);
	predicates = palloc0(sizeof(Predicate) * Max(count, 1));
	iterator = JsonbIteratorInit(list);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		predicates[i].position = i;
		if (!read_predicate(parser, &element, &predicates[i++]))
			return NULL;
	}
	qsort(predicates, count, sizeof(Predicate), compare_predicates);
	node = predicates[0].node;
	for (i = 1; node != NULL && i < count; i++)
		node = join(parser, predicates[i - 1].join, node, predicates[i].node);
	return node;
}
