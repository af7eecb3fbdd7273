/*
 * row_expression.h
 *		Expressions over a relation's columns as parts of queries.
 */
#ifndef CASESYNC_ROW_EXPRESSION_H
#define CASESYNC_ROW_EXPRESSION_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/nodes.h"
#include "parser/parse_node.h"
#include "utils/relcache.h"

/*
 * A condition over the relation, made of what the closed list allows, where the query that is being
 * analysed has the relation's columns in sight by their names.
 */
extern Node *condition_in_query(ParseState *state, Relation relation, const char *condition);

/* A key or a condition in the form in which it is stored, over the relation's columns of now. */
extern Node *row_expression_read(const char *what, const char *source, Relation relation);

/*
 * Likewise, over the relation's own columns, when those of these numbers had these names as it was
 * written. With the rights of the current user, whoever that is.
 */
extern Node *condition_of_columns(Relation relation, const char *condition, char **names,
								  const AttrNumber *numbers, int count);

#endif /* CASESYNC_ROW_EXPRESSION_H */
