/*
 * filter_parse.c
 *		Which of the standard's shapes a filter has, and the SQL functions that read one.
 *
 * Must not know records, columns or agreements: what a filter may ask is decided where it is used.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "filter/filter_parse.h"

PG_FUNCTION_INFO_V1(casesync_filter_parse);
PG_FUNCTION_INFO_V1(casesync_filter_identifier);
PG_FUNCTION_INFO_V1(casesync_filter_weight);

#define GRAPHQL_REFUSED "graphql is not supported; send idtype-value, expression or predicate"

typedef enum FilterShape
{
	SHAPE_IDENTIFIER,
	SHAPE_EXPRESSION,
	SHAPE_PREDICATE,
	SHAPE_REFUSED
} FilterShape;

static FilterShape
shape_refuse(FilterParser *parser, const char *problem)
{
	filter_refuse(parser, "%s", problem);
	return SHAPE_REFUSED;
}

/* The shape by the name that came beside the filter. */
static FilterShape
shape_named(FilterParser *parser, const char *name)
{
	const char *colon = strrchr(name, ':');
	const char *word = colon == NULL ? name : colon + 1;

	if (pg_strcasecmp(word, "idtype-value") == 0)
		return SHAPE_IDENTIFIER;
	if (pg_strcasecmp(word, "expression") == 0)
		return SHAPE_EXPRESSION;
	if (pg_strcasecmp(word, "predicate") == 0)
		return SHAPE_PREDICATE;
	if (pg_strcasecmp(word, "graphql") == 0)
		return shape_refuse(parser, GRAPHQL_REFUSED);
	return shape_refuse(parser, "the type of a filter is idtype-value, expression or predicate");
}

/* No name came: a list is of predicates; type and a plain value are an identifier. */
static FilterShape
shape_guessed(const JsonbValue *filter)
{
	JsonbValue value;

	if (filter_is_list(filter))
		return SHAPE_PREDICATE;
	if (filter_member(filter->val.binary.data, "type", &value) && value.type == jbvString &&
		filter_member(filter->val.binary.data, "value", &value) && value.type != jbvBinary)
		return SHAPE_IDENTIFIER;
	return SHAPE_EXPRESSION;
}

/* A filter that calls itself graphql is one, whatever name came beside it. */
static bool
says_graphql(const JsonbValue *filter)
{
	JsonbValue type;

	return filter_is_object(filter) && filter_member(filter->val.binary.data, "type", &type) &&
		   type.type == jbvString && pg_strcasecmp(filter_plain_text(&type), "graphql") == 0;
}

static FilterNode *
read_shape(FilterParser *parser, FilterShape shape, const JsonbValue *filter)
{
	if (shape == SHAPE_REFUSED)
		return NULL;
	if (says_graphql(filter))
		return filter_refuse(parser, GRAPHQL_REFUSED);
	if (shape == SHAPE_PREDICATE && filter_is_list(filter))
		return filter_read_predicates(parser, filter->val.binary.data);
	if (shape == SHAPE_PREDICATE)
		return filter_refuse(parser, "a predicate filter is a list of objects with expression1");
	if (!filter_is_object(filter))
		return filter_refuse(parser, "a filter of this type is an object, not a list");
	if (shape == SHAPE_IDENTIFIER)
		return filter_read_identifier(parser, filter->val.binary.data);
	return filter_read_expression(parser, filter->val.binary.data);
}

/* Absent, null, {} and [] ask for everybody. */
static bool
filter_is_empty(Jsonb *filter)
{
	JsonbValue scalar;

	if (JB_ROOT_IS_SCALAR(filter))
		return JsonbExtractScalar(&filter->root, &scalar) && scalar.type == jbvNull;
	return JB_ROOT_COUNT(filter) == 0;
}

static Datum
return_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

/* filter_parse(filter jsonb, filter_type text, OUT tree jsonb, OUT problem text) */
Datum
casesync_filter_parse(PG_FUNCTION_ARGS)
{
	FilterParser parser = {0};
	FilterShape shape = SHAPE_EXPRESSION;
	FilterNode *node = NULL;
	Datum values[2] = {0};
	bool nulls[2] = {true, true};
	Jsonb *filter = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	JsonbValue value;

	if (!PG_ARGISNULL(1))
		shape = shape_named(&parser, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (filter != NULL && !filter_is_empty(filter))
	{
		value.type = jbvBinary;
		value.val.binary.data = &filter->root;
		value.val.binary.len = VARSIZE(filter) - VARHDRSZ;
		if (JB_ROOT_IS_SCALAR(filter))
			filter_refuse(&parser, "a filter is an object or a list");
		else if (VARSIZE(filter) > FILTER_BYTES_MAX)
			filter_refuse(&parser, "the filter has more than %d bytes", FILTER_BYTES_MAX);
		else
			node = read_shape(&parser, PG_ARGISNULL(1) ? shape_guessed(&value) : shape, &value);
	}
	nulls[0] = node == NULL || parser.problem != NULL;
	nulls[1] = parser.problem == NULL;
	if (!nulls[0])
		values[0] = JsonbPGetDatum(filter_tree_write(node));
	if (!nulls[1])
		values[1] = CStringGetTextDatum(parser.problem);
	return return_row(fcinfo, values, nulls);
}

/*
 * filter_identifier(tree jsonb, OUT id_type text, OUT id_value text): both NULL for other
 * filters
 */
Datum
casesync_filter_identifier(PG_FUNCTION_ARGS)
{
	Datum values[2] = {0};
	bool nulls[2] = {true, true};

	if (!PG_ARGISNULL(0))
	{
		FilterNode *node = filter_tree_read(PG_GETARG_JSONB_P(0));

		if (node->kind == FILTER_EQ && node->identifier != NULL && node->value_count == 1)
		{
			values[0] = CStringGetTextDatum(node->identifier);
			values[1] = CStringGetTextDatum(node->values[0]);
			nulls[0] = nulls[1] = false;
		}
	}
	return return_row(fcinfo, values, nulls);
}

/* filter_weight(tree jsonb) → integer: how many nodes and values a tree has */
Datum
casesync_filter_weight(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(filter_tree_weight(filter_tree_read(PG_GETARG_JSONB_P(0))));
}
