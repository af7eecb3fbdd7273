/*
 * row_expression.c
 *		Reads what a DBA writes about rows: an expression over a relation's columns (keys and
 *		conditions of track(), subjects of an agreement); parses it, checks it and writes it out
 *		again. Must not store or run anything.
 *
 * What comes out is the server's own deparse of what it understood: unambiguous, with schemas
 * wherever the search path pg_catalog would not find a name, and never the text that came in.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/varlena.h"

#include "base/condition_list.h"
#include "base/owner_scope.h"
#include "base/pg_compat.h"
#include "base/reading.h"
#include "base/row_expression.h"

PG_FUNCTION_INFO_V1(casesync_row_expression);
PG_FUNCTION_INFO_V1(casesync_renamed_condition);

static const char *const condition_hint =
	"A condition uses functions and operators of PostgreSQL and casesync; put what else it takes "
	"into a column.";

pg_noreturn static void expression_refuse(const Reading *reading, const char *detail);

static void
expression_refuse(const Reading *reading, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" is not a single expression", reading->source), errdetail("%s", detail),
			 errhint("Write one expression over the table's columns, for example "
					 "%s.",
					 strcmp(reading->what, "key") == 0 ? "key => 'lower(person_number)'"
													   : "condition => 'programme_id = 3'")));
}

/* The one raw expression in the text. */
static Node *
expression_parse(const Reading *reading)
{
	List *statements = raw_parser(reading->source, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select;
	ResTarget *target;

	if (statements == NIL)
		expression_refuse(reading, "It is empty.");
	select = castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);
	if (select->op != SETOP_NONE || select->valuesLists != NIL || select->fromClause != NIL ||
		select->whereClause != NULL || select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->sortClause != NIL || select->limitCount != NULL ||
		select->limitOffset != NULL || select->lockingClause != NIL || select->withClause != NULL ||
		select->distinctClause != NIL || select->intoClause != NULL)
		expression_refuse(reading, "It has a clause of a query.");
	if (select->targetList == NIL)
		expression_refuse(reading, "It is empty.");
	if (list_length(select->targetList) != 1)
		expression_refuse(reading, "It has more than one column.");
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		expression_refuse(reading, "It names its result.");
	/* Alone, for all columns, it is none that the parser of expressions knows. */
	if (IsA(target->val, ColumnRef) &&
		IsA(linitial(castNode(ColumnRef, target->val)->fields), A_Star))
		expression_refuse(reading, "It is all columns.");
	return target->val;
}

/* Columns that are added change the whole row, each write a system column: none is captured. */
static bool
whole_or_system_column(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0;
	return expression_tree_walker(node, whole_or_system_column, context);
}

/* Planned, since an inlined function may call what is volatile. */
static void
key_check(const Reading *reading, Node *expression)
{
	Node *planned = (Node *) expression_planner((Expr *) copyObject(expression));

	if (whole_or_system_column(expression, NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
						errmsg("\"%s\" uses the whole row or a system column", reading->source),
						errhint("Name the columns it needs.")));
	if (contain_volatile_functions(planned))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("\"%s\" calls a volatile function", reading->source),
						errhint("Use only immutable or stable functions.")));
}

static ParseState *
table_state(const Reading *reading, Relation relation, Alias *alias)
{
	ParseState *state = make_parsestate(NULL);
	ParseNamespaceItem *item;

	state->p_sourcetext = reading->source;
	item = addRangeTableEntryForRelation(state, relation, AccessShareLock, alias, false, true);
	addNSItemToQuery(state, item, false, true, true);
	return state;
}

/* A key is the code of the table's owner, and is read and run as he. */
static Node *
key_transform(const Reading *reading, Relation relation)
{
	ParseState *state = table_state(reading, relation, NULL);
	Node *key = transformExpr(state, expression_parse(reading), EXPR_KIND_TRIGGER_WHEN);

	assign_expr_collations(state, key);
	key_check(reading, key);
	free_parsestate(state);
	return key;
}

/*
 * Types and collations mean what they mean to the caller; functions and operators are PostgreSQL's
 * and ours. Not planned: that evaluates constants. alias: NULL, or other names for the table's
 * columns, as renamed_alias() makes them.
 */
static Node *
condition_transform(const Reading *reading, Relation relation, Alias *alias)
{
	ConditionText read = {reading->what, reading->source};
	ParseState *state = table_state(reading, relation, alias);
	Node *condition = expression_parse(reading);
	int level;

	condition_check_raw(&read, condition);
	level = reading_path_enter(CONDITION_PATH);
	condition_watch_columns(&read, state);
	condition = transformExpr(state, condition, EXPR_KIND_TRIGGER_WHEN);
	condition = coerce_to_boolean(state, condition, "condition");
	assign_expr_collations(state, condition);
	condition_check_tree(&read, condition);
	AtEOXact_GUC(true, level);
	free_parsestate(state);
	return condition;
}

/*
 * The table under the names its columns had: those of the arrays where they give one, and for
 * the others names that nobody can mean.
 */
static Alias *
renamed_alias(Relation relation, char **names, const AttrNumber *numbers, int count)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	Alias *alias = makeAlias(RelationGetRelationName(relation), NIL);

	for (int i = 0; i < descriptor->natts; i++)
	{
		char *name = psprintf("?column %d?", i + 1);

		if (TupleDescAttr(descriptor, i)->attisdropped)
			continue;
		for (int k = 0; k < count; k++)
			if (numbers[k] == i + 1)
				name = names[k];
		alias->colnames = lappend(alias->colnames, makeString(name));
	}
	return alias;
}

/* The condition in the form in which it is stored: what is not of PostgreSQL has its schema. */
static Node *
condition_stored(const Reading *reading, Relation relation, Alias *alias)
{
	int level = reading_path_enter("pg_catalog");
	Node *condition = condition_transform(reading, relation, alias);

	AtEOXact_GUC(true, level);
	return condition;
}

/* The columns of a condition, to be found again in a query. */
typedef struct ColumnSight
{
	ParseState *state;
	Relation relation;
} ColumnSight;

static Node *
column_in_sight(Node *node, void *context)
{
	const ColumnSight *sight = context;
	const char *name;
	Node *found;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, column_in_sight, context);
	name = get_attname(RelationGetRelid(sight->relation), ((Var *) node)->varattno, false);
	found = colNameToVar(sight->state, name, false, -1);
	if (found == NULL || exprType(found) != ((Var *) node)->vartype)
		elog(ERROR, "column \"%s\" is not what it was", name);
	return found;
}

Node *
condition_in_query(ParseState *state, Relation relation, const char *condition)
{
	Reading reading = {"subjects", condition, error_context_stack};
	ErrorContextCallback context = {NULL, reading_context, &reading};
	ColumnSight sight = {state, relation};
	Node *expression;

	error_context_stack = &context;
	expression = condition_stored(&reading, relation, NULL);
	error_context_stack = reading.outer;
	return column_in_sight(expression, &sight);
}

Node *
row_expression_read(const char *what, const char *source, Relation relation)
{
	Reading reading = {what, source, error_context_stack};
	ErrorContextCallback context = {NULL, reading_context, &reading};
	Node *expression;

	error_context_stack = &context;
	expression = strcmp(what, "key") == 0 ? key_transform(&reading, relation)
										  : condition_transform(&reading, relation, NULL);
	error_context_stack = reading.outer;
	return expression;
}

Node *
condition_of_columns(Relation relation, const char *condition, char **names,
					 const AttrNumber *numbers, int count)
{
	Reading reading = {"condition", condition, error_context_stack};

	return condition_stored(&reading, relation, renamed_alias(relation, names, numbers, count));
}

static Datum
expression_columns(Node *expression, TupleDesc descriptor)
{
	Bitmapset *numbers = NULL;
	Datum *names = palloc(descriptor->natts * sizeof(Datum));
	int count = 0;
	int member = -1;

	pull_varattnos(expression, 1, &numbers);
	while ((member = bms_next_member(numbers, member)) >= 0)
	{
		int number = member + FirstLowInvalidHeapAttributeNumber;

		names[count++] = NameGetDatum(&TupleDescAttr(descriptor, number - 1)->attname);
	}
	return PointerGetDatum(
		construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

/*
 * casesync_internal.row_expression(relation, what, expression, path, OUT plain, OUT old_row, OUT
 * new_row, OUT columns): the expression over plain columns, over OLD and over NEW, and what it
 * names.
 */
Datum
casesync_row_expression(PG_FUNCTION_ARGS)
{
	Oid oid = PG_GETARG_OID(0);
	Reading reading = {text_to_cstring(PG_GETARG_TEXT_PP(1)), text_to_cstring(PG_GETARG_TEXT_PP(2)),
					   error_context_stack, condition_hint};
	ErrorContextCallback context = {NULL, reading_context, &reading};
	Relation relation;
	OwnerScope scope;
	int level;
	TupleDesc descriptor;
	Node *expression;
	Datum values[4];
	bool nulls[4] = {false, false, false, false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "casesync_internal.row_expression must return a row");

	relation = reading_scope_enter(&scope, oid);
	level = reading_path_enter(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	error_context_stack = &context;
	if (strcmp(reading.what, "key") == 0)
		reading.hint = NULL;
	expression = strcmp(reading.what, "key") == 0 ? key_transform(&reading, relation)
												  : condition_transform(&reading, relation, NULL);
	error_context_stack = reading.outer;
	AtEOXact_GUC(true, level);
	owner_scope_leave(&scope);

	level = reading_style_enter();
	values[0] = CStringGetTextDatum(deparse_expression(
		expression, deparse_context_for(RelationGetRelationName(relation), oid), false, false));
	values[1] = CStringGetTextDatum(
		deparse_expression(expression, deparse_context_for("old", oid), true, false));
	values[2] = CStringGetTextDatum(
		deparse_expression(expression, deparse_context_for("new", oid), true, false));
	values[3] = expression_columns(expression, RelationGetDescr(relation));
	AtEOXact_GUC(true, level);
	table_close(relation, NoLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

static Alias *
arrays_alias(Relation relation, ArrayType *names, ArrayType *numbers)
{
	Datum *name_list;
	Datum *number_list;
	int count;
	int number_count;
	char **had;
	AttrNumber *have;

	deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &name_list, NULL, &count);
	deconstruct_array(numbers, INT2OID, sizeof(int16), true, TYPALIGN_SHORT, &number_list, NULL,
					  &number_count);
	count = Min(count, number_count);
	had = palloc(count * sizeof(char *));
	have = palloc(count * sizeof(AttrNumber));
	for (int i = 0; i < count; i++)
	{
		had[i] = pstrdup(NameStr(*DatumGetName(name_list[i])));
		have[i] = DatumGetInt16(number_list[i]);
	}
	return renamed_alias(relation, had, have, count);
}

/*
 * casesync_internal.renamed_condition(relation, condition, names, numbers): the condition, written
 * when the columns of these numbers had these names, with the names they have now.
 */
Datum
casesync_renamed_condition(PG_FUNCTION_ARGS)
{
	Oid oid = PG_GETARG_OID(0);
	Reading reading = {"condition", text_to_cstring(PG_GETARG_TEXT_PP(1)), error_context_stack,
					   condition_hint};
	ErrorContextCallback context = {NULL, reading_context, &reading};
	Relation relation;
	Alias *alias;
	OwnerScope scope;
	Node *expression;
	char *renamed;
	int level;

	relation = reading_scope_enter(&scope, oid);
	alias = arrays_alias(relation, PG_GETARG_ARRAYTYPE_P(2), PG_GETARG_ARRAYTYPE_P(3));
	error_context_stack = &context;
	expression = condition_transform(&reading, relation, alias);
	error_context_stack = reading.outer;
	owner_scope_leave(&scope);
	level = reading_style_enter();
	renamed = deparse_expression(
		expression, deparse_context_for(RelationGetRelationName(relation), oid), false, false);
	AtEOXact_GUC(true, level);
	table_close(relation, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(renamed));
}
