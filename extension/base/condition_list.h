/*
 * condition_list.h
 *		The closed list that conditions are made of.
 */
#ifndef CASESYNC_CONDITION_LIST_H
#define CASESYNC_CONDITION_LIST_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "parser/parse_node.h"

/* Where functions and operators of a condition are looked for, whatever path the caller has. */
#define CONDITION_PATH "pg_catalog, casesync, pg_temp"

/* What is being read: the parameter it was given in, and its text. */
typedef struct ConditionText
{
	const char *what;
	const char *source;
} ConditionText;

/*
 * The three looks at a condition, in this order. The first replaces names of types and collations
 * by what they mean in the search path of now; the second is of columns, while they are looked up.
 */
extern void condition_check_raw(const ConditionText *condition, Node *raw);
extern void condition_watch_columns(const ConditionText *condition, ParseState *state);
extern void condition_check_tree(const ConditionText *condition, Node *expression);

#endif /* CASESYNC_CONDITION_LIST_H */
