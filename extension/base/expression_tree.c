/*
 * expression_tree.c
 *		Keeps what a DBA wrote about rows as the server's own tree, and writes it out again by the
 *		names that things have now. Must not store or run anything.
 *
 * A tree names types, labels, collations, functions and columns by their numbers, so whatever is
 * renamed it means the same; but only in the database in which it was made, and in no dump.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/expression_tree.h"
#include "base/pg_compat.h"
#include "base/reading.h"
#include "base/row_expression.h"
#include "base/subjects_query.h"

PG_FUNCTION_INFO_V1(casesync_expression_tree);

/*
 * casesync_internal.expression_tree(relation, what, source): of a condition, a key or a query for
 * subjects in the form in which it is stored.
 */
Datum
casesync_expression_tree(PG_FUNCTION_ARGS)
{
	OwnerScope scope;
	Relation relation = reading_scope_enter(&scope, PG_GETARG_OID(0));
	const char *what = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const char *source = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int level = reading_path_enter("pg_catalog");
	Node *tree = strcmp(what, "subjects") == 0 ? (Node *) subjects_query_read(source)
											   : row_expression_read(what, source, relation);

	AtEOXact_GUC(true, level);
	owner_scope_leave(&scope);
	table_close(relation, NoLock);
	PG_RETURN_TEXT_P(cstring_to_text(nodeToString(tree)));
}

/* A column that is gone, or has another type now: then the text has to be read anew. */
static bool
column_differs(Node *node, void *relation)
{
	HeapTuple tuple;
	Form_pg_attribute column;
	bool is_same;

	if (node == NULL)
		return false;
	if (!IsA(node, Var))
		return expression_tree_walker(node, column_differs, relation);
	tuple = SearchSysCacheAttNum(*(Oid *) relation, ((Var *) node)->varattno);
	if (!HeapTupleIsValid(tuple))
		return true;
	column = (Form_pg_attribute) GETSTRUCT(tuple);
	is_same = column->atttypid == ((Var *) node)->vartype &&
			  column->attcollation == ((Var *) node)->varcollid;
	ReleaseSysCache(tuple);
	return !is_same;
}

char *
expression_write(Oid relation, const char *tree_text)
{
	Node *tree = stringToNode(tree_text);
	char *name = get_rel_name(relation);
	int level;
	char *written;

	if (name == NULL || (!IsA(tree, Query) && column_differs(tree, &relation)))
		return NULL;
	level = reading_path_enter("pg_catalog");
	(void) reading_style_enter();
	written = IsA(tree, Query)
				  ? pg_get_querydef((Query *) tree, false)
				  : deparse_expression(tree, deparse_context_for(name, relation), false, false);
	AtEOXact_GUC(true, level);
	/* So the server writes the name of a column that is gone. */
	return strstr(written, "\"?dropped?column?\"") == NULL ? written : NULL;
}
