/*
 * expression_tree.h
 *		What a DBA wrote about rows, kept as a tree.
 */
#ifndef CASESYNC_EXPRESSION_TREE_H
#define CASESYNC_EXPRESSION_TREE_H

#include "postgres.h"

/*
 * A tree that casesync_internal.expression_tree() made in this database, written out by the names
 * that things have now; NULL when columns are gone or have other types. No other text may be given:
 * the server believes what it reads as a tree.
 */
extern char *expression_write(Oid relation, const char *tree_text);

#endif /* CASESYNC_EXPRESSION_TREE_H */
