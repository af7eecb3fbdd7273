/*
 * filter_sql.c
 *		Makes a condition over a view from a filter's tree: columns as columns, the rest by
 *		filter_matches() on the projected record.
 *
 * It says what filter_matches() says, with one addition: where a type of identifier also is a
 * column of the view, the column must agree, so that an index finds the few rows that matter.
 * Names come from the view's own columns, quoted; whatever a partner sent is an argument. Must not
 * know agreements: it is told which columns are agreed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "filter/filter_sql.h"
#include "base/pg_compat.h"

PG_FUNCTION_INFO_V1(casesync_filter_sql);

/* A column of the view that filters may use. */
typedef struct Column
{
	char *name;
	FilterType type;
	bool is_agreed; /* else it only finds identifiers that the record has as well */
} Column;

typedef struct Producer
{
	Column *columns;
	int column_count;
	char **identifier_types; /* the agreed ones */
	int identifier_type_count;
	const char *record; /* the record's column, quoted */
	FilterArguments arguments;
	StringInfoData sql;
} Producer;

static void produce_node(Producer *producer, const FilterNode *node, bool is_positive);

static const char *
node_name(const FilterNode *node)
{
	return node->attribute != NULL ? node->attribute : node->identifier;
}

/*
 * Identifiers in any case, as everywhere; other columns by their exact name, or "Status" would be
 * compared for who has agreed on "status".
 */
static const Column *
find_column(const Producer *producer, const char *name, bool is_agreed, bool folds_case)
{
	int i;

	for (i = 0; i < producer->column_count; i++)
	{
		const Column *column = &producer->columns[i];

		if (column->is_agreed == is_agreed &&
			(folds_case ? pg_strcasecmp(column->name, name) == 0 : strcmp(column->name, name) == 0))
			return column;
	}
	return NULL;
}

/* The agreed column that a comparison is about, as filter_matches() would find it. */
static const Column *
comparison_column(const Producer *producer, const FilterNode *node)
{
	const char *name = node_name(node);

	return name == NULL ? NULL : find_column(producer, name, true, node->identifier != NULL);
}

/*
 * Whether no comparison below needs SQL of its own. Those are asked together, by one call for a
 * row: each call projects the record anew.
 */
static bool
node_is_of_record(const Producer *producer, const FilterNode *node)
{
	int i;

	check_stack_depth();
	if (filter_node_is_comparison(node))
		return comparison_column(producer, node) == NULL && node->identifier == NULL &&
			   strcmp(node->attribute, FILTER_ANY_IDENTIFIER) != 0;
	for (i = 0; i < node->child_count; i++)
	{
		if (!node_is_of_record(producer, node->children[i]))
			return false;
	}
	return true;
}

/* The tree travels as an argument, for its values are the partner's. */
static char *
tree_text(const FilterNode *node)
{
	Jsonb *tree = filter_tree_write(node);

	return JsonbToCString(NULL, &tree->root, VARSIZE(tree));
}

/* Of the projected record, never of the record: what is not agreed is not there, and so unknown. */
static void
produce_record(Producer *producer, const FilterNode *node)
{
	appendStringInfo(
		&producer->sql,
		"casesync_internal.filter_matches(($1[%d])::jsonb, casesync_internal.project(%s, "
		"($1[1])::text[], ($1[2])::text[]), NULL)",
		filter_argument_add(&producer->arguments, tree_text(node)), producer->record);
}

/* A column of a type that others made is compared as JSON, by the same code as in evaluation. */
static void
produce_any_column(Producer *producer, const FilterNode *node, const Column *column)
{
	appendStringInfo(&producer->sql,
					 "casesync_internal.filter_matches(($1[%d])::jsonb, NULL, "
					 "pg_catalog.jsonb_build_object(%s, pg_catalog.jsonb_build_object('type', "
					 "'any', 'value', pg_catalog.to_jsonb(%s))))",
					 filter_argument_add(&producer->arguments, tree_text(node)),
					 quote_literal_cstr(column->name), quote_identifier(column->name));
}

static void
produce_column(Producer *producer, const FilterNode *node, const Column *column)
{
	if (column->type.family == FAMILY_ANY)
		produce_any_column(producer, node, column);
	else
		filter_column_condition(&producer->sql, &producer->arguments,
								quote_identifier(column->name), &column->type, node);
}

/* The columns that have the identifiers of all agreed types; false when one has none. */
static bool
produce_any_identifier(Producer *producer, const FilterNode *node)
{
	int i;

	for (i = 0; i < producer->identifier_type_count; i++)
	{
		if (find_column(producer, producer->identifier_types[i], false, true) == NULL)
			return false;
	}
	if (producer->identifier_type_count == 0)
		return false;
	for (i = 0; i < producer->identifier_type_count; i++)
	{
		appendStringInfoString(&producer->sql, i == 0 ? "((" : " OR ");
		produce_column(producer, node,
					   find_column(producer, producer->identifier_types[i], false, true));
	}
	appendStringInfoString(&producer->sql, ") AND ");
	return true;
}

/* Under not a column that says less than the record would let people pass: there it is not used. */
static void
produce_identifier(Producer *producer, const FilterNode *node, bool is_positive)
{
	const Column *column = NULL;
	bool is_narrowed = false;

	if (is_positive && node->kind == FILTER_EQ)
	{
		if (node->identifier == NULL)
			is_narrowed = produce_any_identifier(producer, node);
		else
			column = find_column(producer, node->identifier, false, true);
	}
	if (column != NULL)
	{
		appendStringInfoChar(&producer->sql, '(');
		produce_column(producer, node, column);
		appendStringInfoString(&producer->sql, " AND ");
		is_narrowed = true;
	}
	produce_record(producer, node);
	if (is_narrowed)
		appendStringInfoChar(&producer->sql, ')');
}

static void
produce_comparison(Producer *producer, const FilterNode *node, bool is_positive)
{
	const Column *column = comparison_column(producer, node);

	if (column != NULL)
		produce_column(producer, node, column);
	else if (node_is_of_record(producer, node))
		produce_record(producer, node);
	else
		produce_identifier(producer, node, is_positive);
}

/*
 * What is about columns comes first; all that is about the record is asked at once. The order of
 * the parts does not change what is found, only what is read: columns are cheap, projecting a
 * record is not.
 */
static void
produce_joined(Producer *producer, const FilterNode *node, bool is_positive)
{
	FilterNode *rest = filter_node_logic(node->kind, node->child_count);
	const char *word = node->kind == FILTER_AND ? " AND " : " OR ";
	bool is_first = true;
	int i;

	appendStringInfoChar(&producer->sql, '(');
	for (i = 0; i < node->child_count; i++)
	{
		if (node_is_of_record(producer, node->children[i]))
		{
			filter_node_add(rest, node->children[i]);
			continue;
		}
		appendStringInfoString(&producer->sql, is_first ? "" : word);
		produce_node(producer, node->children[i], is_positive);
		is_first = false;
	}
	if (rest->child_count > 0)
	{
		appendStringInfoString(&producer->sql, is_first ? "" : word);
		produce_record(producer, rest);
	}
	appendStringInfoChar(&producer->sql, ')');
}

/*
 * Under NOT nothing may be narrowed down any more (is_positive), on no level below it: NOT NOT is
 * not taken for nothing.
 */
static void
produce_node(Producer *producer, const FilterNode *node, bool is_positive)
{
	check_stack_depth();
	switch (node->kind)
	{
		case FILTER_AND:
		case FILTER_OR:
			produce_joined(producer, node, is_positive);
			break;
		case FILTER_NOT:
			appendStringInfoString(&producer->sql, "(NOT ");
			produce_node(producer, node->children[0], false);
			appendStringInfoChar(&producer->sql, ')');
			break;
		default:
			produce_comparison(producer, node, is_positive);
			break;
	}
}

static char **
read_texts(FunctionCallInfo fcinfo, int argument, int *count)
{
	Datum *elements;
	bool *nulls;
	char **texts;
	int i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, count);
	texts = palloc(sizeof(char *) * Max(*count, 1));
	for (i = 0; i < *count; i++)
		texts[i] = nulls[i] ? "" : TextDatumGetCString(elements[i]);
	return texts;
}

/* elog: filter_condition() makes the three lists itself. */
static void
read_columns(FunctionCallInfo fcinfo, Producer *producer)
{
	int type_count;
	int agreed_count;
	char **names = read_texts(fcinfo, 2, &producer->column_count);
	char **types = read_texts(fcinfo, 3, &type_count);
	char **agreed = read_texts(fcinfo, 4, &agreed_count);
	int i;

	if (type_count != producer->column_count || agreed_count != producer->column_count)
		elog(ERROR, "columns, types and marks differ in number");
	producer->columns = palloc0(sizeof(Column) * Max(producer->column_count, 1));
	for (i = 0; i < producer->column_count; i++)
	{
		producer->columns[i].name = names[i];
		producer->columns[i].type = filter_type_read(types[i]);
		producer->columns[i].is_agreed = strcmp(agreed[i], "agreed") == 0;
	}
}

static Datum
write_texts(const FilterArguments *arguments)
{
	Datum *elements = palloc(sizeof(Datum) * arguments->count);
	int i;

	for (i = 0; i < arguments->count; i++)
		elements[i] = CStringGetTextDatum(arguments->texts[i]);
	return PointerGetDatum(
		construct_array(elements, arguments->count, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * filter_sql(tree jsonb, record_column text, columns text[], column_types text[],
 *		column_uses text[] ('agreed' or 'identifier'), fields text, identifier_types text[],
 *		OUT condition text, OUT arguments text[])
 */
Datum
casesync_filter_sql(PG_FUNCTION_ARGS)
{
	Producer producer = {0};
	Datum values[2];
	bool nulls[2] = {false, false};
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	initStringInfo(&producer.sql);
	producer.record = quote_identifier(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	read_columns(fcinfo, &producer);
	filter_argument_add(&producer.arguments, text_to_cstring(PG_GETARG_TEXT_PP(5)));
	filter_argument_add(&producer.arguments, text_to_cstring(PG_GETARG_TEXT_PP(6)));
	producer.identifier_types = read_texts(fcinfo, 7, &producer.identifier_type_count);
	produce_node(&producer, filter_tree_read(PG_GETARG_JSONB_P(0)), true);
	values[0] = CStringGetTextDatum(producer.sql.data);
	values[1] = write_texts(&producer.arguments);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}
