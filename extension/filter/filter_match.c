/*
 * filter_match.c
 *		Evaluates a filter on one record and the agreed columns beside it.
 *
 * Three-valued as SQL is: what is not there is unknown, also under not, so that nobody learns of a
 * withheld attribute by asking for its opposite. Must not know agreements: it sees only what one
 * lets pass.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "filter/filter_match.h"
#include "filter/filter_path.h"
#include "filter/filter_value.h"
#include "base/pg_compat.h"
#include "record/record_identity.h"

PG_FUNCTION_INFO_V1(casesync_filter_matches);
PG_FUNCTION_INFO_V1(casesync_filter_sort_key);

/* What a filter is evaluated on; either may be NULL. */
typedef struct Subject
{
	JsonbContainer *record;
	JsonbContainer *columns;
} Subject;

/* One comparison, as it meets one scalar after the other. */
typedef struct Comparing
{
	const FilterNode *node;
	FilterTruth truth;
} Comparing;

static FilterTruth node_evaluate(const Subject *subject, const FilterNode *node);

static bool
order_fits(FilterKind kind, int order)
{
	switch (kind)
	{
		case FILTER_EQ:
			return order == 0;
		case FILTER_LT:
			return order < 0;
		case FILTER_LE:
			return order <= 0;
		case FILTER_GT:
			return order > 0;
		case FILTER_GE:
			return order >= 0;
		default:
			return false;
	}
}

static bool
compare_scalar(void *context, const DataAttribute *attribute, const JsonbValue *scalar)
{
	Comparing *comparing = context;
	FilterScalar held;
	int i;

	filter_scalar_read(attribute, scalar, &held);
	for (i = 0; i < comparing->node->value_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (order_fits(comparing->node->kind,
					   filter_scalar_compare(&held, comparing->node->values[i])))
		{
			comparing->truth = TRUTH_TRUE;
			return true;
		}
	}
	comparing->truth = TRUTH_FALSE;
	return false;
}

/* A column with a type: a value that does not fit it says nothing. */
static FilterTruth
typed_evaluate(const FilterNode *node, const FilterType *type, const JsonbValue *held)
{
	FilterTruth truth = TRUTH_FALSE;
	char *written;
	int order;
	int i;

	if (held->type == jbvBool)
		written = held->val.boolean ? "true" : "false";
	else
		written = record_scalar_text(held);
	if (written == NULL)
		return TRUTH_UNKNOWN;
	for (i = 0; i < node->value_count; i++)
	{
		if (!filter_column_compare(type, written, node->values[i], &order))
			truth = TRUTH_UNKNOWN;
		else if (order_fits(node->kind, order))
			return TRUTH_TRUE;
	}
	return truth;
}

/* {"type": "date", "value": …}, as filter_columns() writes it, or a value without a type. */
static FilterTruth
column_evaluate(const FilterNode *node, const char *name, const JsonbValue *column)
{
	Comparing comparing = {node, TRUTH_UNKNOWN};
	JsonbValue type_name;
	JsonbValue value = *column;
	FilterType type = {FAMILY_ANY, NULL};

	if (column->type == jbvBinary && JsonContainerIsObject(column->val.binary.data) &&
		getKeyJsonValueFromContainer(column->val.binary.data, "type", 4, &type_name) != NULL &&
		type_name.type == jbvString &&
		getKeyJsonValueFromContainer(column->val.binary.data, "value", 5, &value) != NULL)
		type = filter_type_read(pnstrdup(type_name.val.string.val, type_name.val.string.len));
	if (value.type == jbvNull)
		return TRUTH_UNKNOWN;
	if (type.family != FAMILY_ANY)
		return typed_evaluate(node, &type, &value);
	(void) filter_value_visit(&value, name, compare_scalar, &comparing);
	return comparing.truth;
}

/* Identifiers are only ever equal or not; there is no order among people. */
static FilterTruth
identifier_evaluate(const Subject *subject, const FilterNode *node)
{
	FilterTruth truth = TRUTH_UNKNOWN;
	RecordIdentifier *items;
	int count;
	int i;
	int k;

	if (subject->record == NULL || node->kind != FILTER_EQ)
		return TRUTH_UNKNOWN;
	items = record_subject_identifiers(subject->record, &count);
	for (i = 0; i < count; i++)
	{
		if (node->identifier != NULL && pg_strcasecmp(items[i].type, node->identifier) != 0)
			continue;
		truth = TRUTH_FALSE;
		for (k = 0; k < node->value_count; k++)
		{
			if (strcmp(items[i].value, node->values[k]) == 0)
				return TRUTH_TRUE;
		}
	}
	return truth;
}

/* A type of identifier finds a column in any case of letters, an attribute only its own name. */
static bool
find_column(const Subject *subject, const FilterNode *node, JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue key;

	if (subject->columns == NULL || !JsonContainerIsObject(subject->columns))
		return false;
	if (node->attribute != NULL)
		return getKeyJsonValueFromContainer(subject->columns, node->attribute,
											strlen(node->attribute), value) != NULL;
	iterator = JsonbIteratorInit(subject->columns);
	JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, value, true);
		if (key.val.string.len == strlen(node->identifier) &&
			pg_strncasecmp(key.val.string.val, node->identifier, key.val.string.len) == 0)
			return true;
	}
	return false;
}

static FilterTruth
comparison_evaluate(const Subject *subject, const FilterNode *node)
{
	Comparing comparing = {node, TRUTH_UNKNOWN};
	JsonbValue column;

	if (find_column(subject, node, &column))
		return column_evaluate(node, node->attribute != NULL ? node->attribute : node->identifier,
							   &column);
	if (node->identifier != NULL || strcmp(node->attribute, FILTER_ANY_IDENTIFIER) == 0)
		return identifier_evaluate(subject, node);
	if (subject->record != NULL)
		(void) filter_path_visit(subject->record, node->attribute, compare_scalar, &comparing);
	return comparing.truth;
}

/* and, or: the first child that decides does; else one that is unknown makes all unknown. */
static FilterTruth
logic_evaluate(const Subject *subject, const FilterNode *node, FilterTruth deciding)
{
	FilterTruth truth = deciding == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
	int i;

	for (i = 0; i < node->child_count; i++)
	{
		FilterTruth child = node_evaluate(subject, node->children[i]);

		if (child == deciding)
			return deciding;
		if (child == TRUTH_UNKNOWN)
			truth = TRUTH_UNKNOWN;
	}
	return truth;
}

static FilterTruth
node_evaluate(const Subject *subject, const FilterNode *node)
{
	FilterTruth truth;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	switch (node->kind)
	{
		case FILTER_AND:
			return logic_evaluate(subject, node, TRUTH_FALSE);
		case FILTER_OR:
			return logic_evaluate(subject, node, TRUTH_TRUE);
		case FILTER_NOT:
			truth = node_evaluate(subject, node->children[0]);
			if (truth == TRUTH_UNKNOWN)
				return truth;
			return truth == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
		default:
			return comparison_evaluate(subject, node);
	}
}

FilterTruth
filter_evaluate(const FilterNode *node, JsonbContainer *record, JsonbContainer *columns)
{
	Subject subject = {record, columns};

	return node_evaluate(&subject, node);
}

/*
 * filter_matches(tree jsonb, record jsonb, columns jsonb) → boolean; a NULL tree is for
 * everybody
 */
Datum
casesync_filter_matches(PG_FUNCTION_ARGS)
{
	FilterTruth truth;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(true);
	truth = filter_evaluate(filter_tree_read(PG_GETARG_JSONB_P(0)),
							PG_ARGISNULL(1) ? NULL : &PG_GETARG_JSONB_P(1)->root,
							PG_ARGISNULL(2) ? NULL : &PG_GETARG_JSONB_P(2)->root);
	if (truth == TRUTH_UNKNOWN)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(truth == TRUTH_TRUE);
}

/* What a record is sorted by: a code by its place, times and numbers as such, else the text. */
static bool
read_sort_key(void *context, const DataAttribute *attribute, const JsonbValue *scalar)
{
	JsonbValue *key = context;

	filter_scalar_sort_key(attribute, scalar, key);
	return true;
}

/* filter_sort_key(record jsonb, path text) → jsonb: the first value at the path, or NULL */
Datum
casesync_filter_sort_key(PG_FUNCTION_ARGS)
{
	Jsonb *record = PG_GETARG_JSONB_P(0);
	JsonbValue key;

	if (!filter_path_visit(&record->root, text_to_cstring(PG_GETARG_TEXT_PP(1)), read_sort_key,
						   &key))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&key));
}
