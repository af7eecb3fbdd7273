/*
 * condition_list.c
 *		The closed list that conditions are made of: columns, constants, and what PostgreSQL and
 *		casesync bring. Must not evaluate, plan or run anything, nor let the parser do it.
 *
 * A condition is written by one and read by others: an agreement's as the owner of a view, a
 * tracking's by whoever makes its triggers anew. So no code of a user may be in it. Looking at the
 * finished tree would be too late, since the parser evaluates literals: that of a composite type
 * runs the CHECK of its domains, and which type a literal has is decided by casts, by columns and
 * by the arguments of functions. So names are looked at before anything is resolved, columns as
 * they are, and the tree when it is finished.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_expr.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/condition_list.h"
#include "base/pg_compat.h"

pg_noreturn static void condition_refuse(const ConditionText *condition, const char *part);
static Node *column_resolve(ParseState *state, ColumnRef *reference);

static int
condition_hint(const ConditionText *condition)
{
	return strcmp(condition->what, "condition") == 0
			   ? errhint("Put what the row itself says into a column of the table: ALTER TABLE … "
						 "ADD COLUMN matters boolean GENERATED ALWAYS AS (…) STORED; then "
						 "condition => 'matters'. What depends on time, on users or on other "
						 "tables belongs into the view.")
			   : errhint("Put what else it takes into a column of the view, whose owner answers "
						 "for it: CREATE OR REPLACE VIEW … AS SELECT …, … AS consents FROM …; "
						 "then subjects => 'consents'.");
}

static void
condition_refuse(const ConditionText *condition, const char *part)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg("a condition cannot use %s", part),
			 errdetail("It is read with rights that are not its author's, so it consists of "
					   "columns, constants, and immutable functions, operators and casts of "
					   "PostgreSQL and casesync."),
			 condition_hint(condition)));
}

/* ---- types ---- */

/* Names of objects that are constants may run them: regclass and its like are no plain types. */
static bool
type_names_objects(Oid type)
{
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGNAMESPACEOID:
		case REGROLEOID:
			return true;
		default:
			return false;
	}
}

/*
 * Whether reading or comparing a value of the type runs nothing that a user wrote. Base types are
 * made by superusers only; a domain runs its CHECK, a composite those of its columns, a range the
 * functions that were given for it.
 */
static bool
type_is_plain(Oid type)
{
	Oid element = get_element_type(type);

	if (OidIsValid(element))
		return type_is_plain(element);
	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
			return get_typisdefined(type) && !type_names_objects(type);
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
		case TYPTYPE_MULTIRANGE:
			return type < FirstNormalObjectId;
		default:
			return false;
	}
}

static void
type_check(const ConditionText *condition, Oid type)
{
	if (!type_is_plain(type))
		condition_refuse(condition, psprintf("type %s", format_type_be(type)));
}

/* ---- names, before anything is resolved ---- */

/*
 * Qualified names must be of a schema whose functions may be used at all; which, is seen in the
 * finished tree. The arguments of others must not even be resolved: literals take their types.
 */
static void
name_check(const ConditionText *condition, const char *what, List *name)
{
	const char *schema;

	if (list_length(name) == 1)
		return;
	schema = strVal(linitial(name));
	if (list_length(name) != 2 ||
		(strcmp(schema, "pg_catalog") != 0 && strcmp(schema, "casesync") != 0))
		condition_refuse(condition, psprintf("%s %s", what, NameListToString(name)));
}

/* A function of another schema is named as what it is, not as one that does not exist. */
static void
function_is_visible(const ConditionText *condition, const FuncCall *call)
{
	char *name = strVal(llast(call->funcname));
	CatCList *found;
	bool is_ours = false;
	bool is_theirs = false;

	if (list_length(call->funcname) != 1)
		return;
	found = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < found->n_members; i++)
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(&found->members[i]->tuple);

		if (function->pronamespace == PG_CATALOG_NAMESPACE ||
			function->pronamespace == get_namespace_oid("casesync", true))
			is_ours = true;
		else if (FunctionIsVisible(function->oid))
			is_theirs = true;
	}
	ReleaseCatCacheList(found);
	if (is_theirs && !is_ours)
		condition_refuse(condition, psprintf("function %s", quote_identifier(name)));
}

static void
function_name_check(const ConditionText *condition, const FuncCall *call)
{
	name_check(condition, "function", call->funcname);
	function_is_visible(condition, call);
	if (call->agg_order != NIL || call->agg_filter != NULL || call->over != NULL ||
		call->agg_within_group || call->agg_star || call->agg_distinct)
		condition_refuse(condition, psprintf("aggregate or window function %s",
											 NameListToString(call->funcname)));
}

/* What a type's name means is settled here; the parser then takes it by its number. */
static void
type_settle(const ConditionText *condition, TypeName *name)
{
	Oid type;

	if (name->pct_type || name->setof)
		condition_refuse(condition, "the type of a column");
	type = typenameTypeId(NULL, name);
	type_check(condition, type);
	name->names = NIL;
	name->arrayBounds = NIL;
	name->typeOid = type;
}

static void
collation_settle(CollateClause *clause)
{
	Oid collation = get_collation_oid(clause->collname, false);
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	clause->collname = list_make2(makeString(get_namespace_name(form->collnamespace)),
								  makeString(pstrdup(NameStr(form->collname))));
	ReleaseSysCache(tuple);
}

/* (column).word would call a function of that name. */
static void
indirection_check(const ConditionText *condition, const A_Indirection *indirection)
{
	ListCell *cell;

	foreach (cell, indirection->indirection)
		if (!IsA(lfirst(cell), A_Indices))
			condition_refuse(condition, "a part of a composite value");
}

static const char *
raw_kind(Node *node)
{
	switch (nodeTag(node))
	{
		case T_SubLink:
			return "a query";
		case T_ParamRef:
			return "a parameter";
		case T_SQLValueFunction:
			return "the present time or user";
		case T_RowExpr:
			return "a row";
		default:
			return "an expression of this kind";
	}
}

static bool
raw_walk(Node *node, void *context)
{
	const ConditionText *condition = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_A_Const:
		case T_A_ArrayExpr:
		case T_A_Indices:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NamedArgExpr:
			break;
		case T_ColumnRef:
			return false;
		case T_A_Expr:
			name_check(condition, "operator", castNode(A_Expr, node)->name);
			break;
		case T_A_Indirection:
			indirection_check(condition, castNode(A_Indirection, node));
			break;
		case T_FuncCall:
			function_name_check(condition, castNode(FuncCall, node));
			break;
		case T_TypeCast:
			type_settle(condition, castNode(TypeCast, node)->typeName);
			return raw_walk(castNode(TypeCast, node)->arg, context);
		case T_CollateClause:
			collation_settle(castNode(CollateClause, node));
			break;
		default:
			condition_refuse(condition, raw_kind(node));
	}
	return raw_expression_tree_walker(node, raw_walk, context);
}

void
condition_check_raw(const ConditionText *condition, Node *raw)
{
	(void) raw_walk(raw, (void *) unconstify(ConditionText *, condition));
}

/* ---- columns, as they are looked up ---- */

/*
 * A column of a domain may be read, which runs nothing; but at once as what lies beneath, or a
 * literal beside it could become one of the domain.
 */
static Node *
column_plain(const ConditionText *condition, Node *column)
{
	Oid type;

	if (!IsA(column, Var) || ((Var *) column)->varattno <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
						errmsg("\"%s\" uses the whole row or a system column", condition->source),
						errhint("Name the columns it needs.")));
	type = getBaseType(((Var *) column)->vartype);
	type_check(condition, type);
	if (type == ((Var *) column)->vartype)
		return column;
	return (Node *) makeRelabelType((Expr *) column, type, -1, InvalidOid, COERCE_EXPLICIT_CAST);
}

static Node *
column_resolve(ParseState *state, ColumnRef *reference)
{
	Node *column;

	state->p_pre_columnref_hook = NULL;
	column = transformExpr(state, (Node *) reference, state->p_expr_kind);
	state->p_pre_columnref_hook = column_resolve;
	return column_plain(state->p_ref_hook_state, column);
}

void
condition_watch_columns(const ConditionText *condition, ParseState *state)
{
	state->p_pre_columnref_hook = column_resolve;
	state->p_ref_hook_state = unconstify(ConditionText *, condition);
}

/* ---- the finished tree ---- */

/* PostgreSQL's own is what initdb made, or anybody who may write to pg_catalog could add to it. */
static bool
function_is_listed(const HeapTuple tuple)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);

	if (function->prokind != PROKIND_FUNCTION || function->proretset || function->prosecdef)
		return false;
	for (int i = 0; i < function->pronargs; i++)
		if (function->proargtypes.values[i] == ANYOID)
			return false;
	if (function->oid < FirstNormalObjectId)
		return function->pronamespace == PG_CATALOG_NAMESPACE;
	return (function->prolang == ClanguageId || function->prolang == INTERNALlanguageId) &&
		   getExtensionOfObject(ProcedureRelationId, function->oid) ==
			   get_extension_oid("casesync", true);
}

static bool
function_check(Oid oid, void *context)
{
	const ConditionText *condition = context;
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", oid);
	if (!function_is_listed(tuple))
		condition_refuse(condition, psprintf("function %s", format_procedure(oid)));
	if (((Form_pg_proc) GETSTRUCT(tuple))->provolatile != PROVOLATILE_IMMUTABLE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("\"%s\" is not immutable", condition->source),
						errdetail("The result of %s may change although the row does not.",
								  format_procedure(oid)),
						condition_hint(condition)));
	ReleaseSysCache(tuple);
	return false;
}

/*
 * A type of an extension that is taken for another one without a word: with the extension's own
 * operators it may mean something else (citext compares letters of both cases alike).
 */
static void
coercion_check(const ConditionText *condition, Node *argument, CoercionForm format)
{
	Oid type = getBaseType(exprType(argument));

	if (OidIsValid(get_element_type(type)))
		type = get_element_type(type);
	if (format == COERCE_IMPLICIT_CAST && type >= FirstNormalObjectId)
		condition_refuse(condition,
						 psprintf("type %s as another one without a cast", format_type_be(type)));
}

static void
comparison_check(const ConditionText *condition, const MinMaxExpr *expression)
{
	TypeCacheEntry *entry = lookup_type_cache(expression->minmaxtype, TYPECACHE_CMP_PROC);

	if (!OidIsValid(entry->cmp_proc))
		condition_refuse(condition,
						 psprintf("the order of type %s", format_type_be(expression->minmaxtype)));
	(void) function_check(entry->cmp_proc, unconstify(ConditionText *, condition));
}

/* What the node is made of, apart from types and functions. Refuses kinds that are not listed. */
static void
node_check(const ConditionText *condition, Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_NamedArgExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_SubscriptingRef:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_CoalesceExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CollateExpr:
			break;
		case T_FuncExpr:
			if (castNode(FuncExpr, node)->args != NIL)
				coercion_check(condition, linitial(castNode(FuncExpr, node)->args),
							   castNode(FuncExpr, node)->funcformat);
			break;
		case T_RelabelType:
			coercion_check(condition, (Node *) castNode(RelabelType, node)->arg,
						   castNode(RelabelType, node)->relabelformat);
			break;
		case T_CoerceViaIO:
			coercion_check(condition, (Node *) castNode(CoerceViaIO, node)->arg,
						   castNode(CoerceViaIO, node)->coerceformat);
			break;
		case T_ArrayCoerceExpr:
			coercion_check(condition, (Node *) castNode(ArrayCoerceExpr, node)->arg,
						   castNode(ArrayCoerceExpr, node)->coerceformat);
			break;
		case T_MinMaxExpr:
			comparison_check(condition, castNode(MinMaxExpr, node));
			break;
		default:
			condition_refuse(condition, "an expression of this kind");
	}
}

static bool
tree_walk(Node *node, void *context)
{
	const ConditionText *condition = context;

	if (node == NULL)
		return false;
	if (!IsA(node, List) && !IsA(node, CaseWhen))
	{
		node_check(condition, node);
		(void) check_functions_in_node(node, function_check, context);
		type_check(condition, IsA(node, Var) ? getBaseType(exprType(node)) : exprType(node));
	}
	return expression_tree_walker(node, tree_walk, context);
}

void
condition_check_tree(const ConditionText *condition, Node *expression)
{
	(void) tree_walk(expression, unconstify(ConditionText *, condition));
}
