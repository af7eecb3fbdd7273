/*
 * filter_tree.c
 *		A filter's normal form: made, written as jsonb and read again. See filter_tree.h.
 *
 * Must not know in which shapes filters come, nor what they are compared with.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "filter/filter_tree.h"

static const char *const kind_words[] = {"and", "or", "not", "eq", "lt", "le", "gt", "ge"};

static FilterNode *node_read(const JsonbValue *value);

FilterNode *
filter_node_logic(FilterKind kind, int room)
{
	FilterNode *node = palloc0(sizeof(FilterNode));

	node->kind = kind;
	node->children = palloc(sizeof(FilterNode *) * Max(room, 1));
	return node;
}

void
filter_node_add(FilterNode *node, FilterNode *child)
{
	node->children[node->child_count++] = child;
}

FilterNode *
filter_node_not(FilterNode *child)
{
	FilterNode *node = filter_node_logic(FILTER_NOT, 1);

	filter_node_add(node, child);
	return node;
}

bool
filter_node_is_comparison(const FilterNode *node)
{
	return node->kind >= FILTER_EQ;
}

int
filter_tree_weight(const FilterNode *node)
{
	int weight = 1 + node->value_count;
	int i;

	check_stack_depth();
	for (i = 0; i < node->child_count; i++)
		weight += filter_tree_weight(node->children[i]);
	return weight;
}

/* True for lt, le, gt, ge. */
static bool
filter_kind_is_range(FilterKind kind)
{
	return kind > FILTER_EQ;
}

static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *string)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, string);
	value.val.string.len = strlen(string);
	pushJsonbValue(state, token, &value);
}

/*
 * Every list holds texts, whatever was sent: what they are compared as depends on the attribute,
 * not on how a partner wrote them.
 */
static JsonbValue *
push_node(JsonbParseState **state, const FilterNode *node)
{
	int i;

	check_stack_depth();
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, WJB_KEY, "op");
	push_text(state, WJB_VALUE, kind_words[node->kind]);
	if (filter_node_is_comparison(node))
	{
		push_text(state, WJB_KEY, node->identifier != NULL ? "identifier" : "attribute");
		push_text(state, WJB_VALUE, node->identifier != NULL ? node->identifier : node->attribute);
		push_text(state, WJB_KEY, "values");
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (i = 0; i < node->value_count; i++)
			push_text(state, WJB_ELEM, node->values[i]);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
	else
	{
		push_text(state, WJB_KEY, "of");
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (i = 0; i < node->child_count; i++)
			push_node(state, node->children[i]);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
filter_tree_write(const FilterNode *node)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(push_node(&state, node));
}

/*
 * A tree comes from filter_parse() and from tables: with another form something else has written
 * it, which no partner can.
 */
static void
refuse_tree(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("this is not a filter tree"),
		 errhint("Make one with SELECT tree, problem FROM casesync_internal.filter_parse(filter, "
				 "filter_type);")));
}

static char *
member_text(JsonbContainer *object, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(object, name, strlen(name), &value) == NULL)
		return NULL;
	if (value.type != jbvString)
		refuse_tree();
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* The list that is a member of an object; with at least one element. */
static JsonbContainer *
member_list(JsonbContainer *object, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(object, name, strlen(name), &value) == NULL ||
		value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data) ||
		JsonContainerSize(value.val.binary.data) == 0)
		refuse_tree();
	return value.val.binary.data;
}

static FilterKind
kind_read(JsonbContainer *object)
{
	char *word = member_text(object, "op");
	int i;

	for (i = 0; word != NULL && i < lengthof(kind_words); i++)
	{
		if (strcmp(kind_words[i], word) == 0)
			return (FilterKind) i;
	}
	refuse_tree();
	return FILTER_AND; /* not reached */
}

static FilterNode *
logic_read(FilterKind kind, JsonbContainer *object)
{
	JsonbContainer *list = member_list(object, "of");
	FilterNode *node = filter_node_logic(kind, JsonContainerSize(list));
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;

	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
		filter_node_add(node, node_read(&element));
	if (kind == FILTER_NOT && node->child_count != 1)
		refuse_tree();
	return node;
}

/* Read as strictly as if it were foreign: a tree may be years old, and of another version. */
static FilterNode *
comparison_read(FilterKind kind, JsonbContainer *object)
{
	JsonbContainer *list = member_list(object, "values");
	FilterNode *node = palloc0(sizeof(FilterNode));
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;

	node->kind = kind;
	node->attribute = member_text(object, "attribute");
	node->identifier = member_text(object, "identifier");
	node->values = palloc(sizeof(char *) * JsonContainerSize(list));
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (element.type != jbvString)
			refuse_tree();
		node->values[node->value_count++] =
			pnstrdup(element.val.string.val, element.val.string.len);
	}
	if ((node->attribute == NULL) == (node->identifier == NULL) ||
		(filter_kind_is_range(kind) && node->value_count != 1))
		refuse_tree();
	return node;
}

static FilterNode *
node_read(const JsonbValue *value)
{
	JsonbContainer *object;
	FilterKind kind;

	check_stack_depth();
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		refuse_tree();
	object = value->val.binary.data;
	kind = kind_read(object);
	return kind >= FILTER_EQ ? comparison_read(kind, object) : logic_read(kind, object);
}

FilterNode *
filter_tree_read(Jsonb *tree)
{
	JsonbValue value;

	value.type = jbvBinary;
	value.val.binary.data = &tree->root;
	value.val.binary.len = VARSIZE(tree) - VARHDRSZ;
	return node_read(&value);
}
