/*
 * filter_tree.h
 *		A filter in its one normal form, whichever shape a partner sent it in, and its bounds.
 *
 * Knows JSON and the bounds; nothing of shapes, records, columns or SQL.
 */
#ifndef CASESYNC_FILTER_TREE_H
#define CASESYNC_FILTER_TREE_H

#include "utils/jsonb.h"

#define FILTER_BYTES_MAX 65536 /* as jsonb */
#define FILTER_DEPTH_MAX 16
#define FILTER_NODES_MAX 500
#define FILTER_VALUES_MAX 1000 /* of all lists together */
#define FILTER_VALUE_LENGTH_MAX 1000
#define FILTER_NAME_LENGTH_MAX 500

/* Comparisons are those a tree can hold: "ne" is written not eq, "in" is eq with several values. */
typedef enum FilterKind
{
	FILTER_AND,
	FILTER_OR,
	FILTER_NOT,
	FILTER_EQ,
	FILTER_LT,
	FILTER_LE,
	FILTER_GT,
	FILTER_GE
} FilterKind;

typedef struct FilterNode
{
	FilterKind kind;
	struct FilterNode **children; /* of and, or (one or more), not (one) */
	int child_count;
	char *attribute;  /* of a comparison: a path of names joined by dots, or NULL */
	char *identifier; /* of a comparison: a type of identifier, or NULL */
	char **values;	  /* one; of eq: one or more */
	int value_count;
} FilterNode;

/* A comparison that takes any of the record's own identifiers, whatever its type. */
#define FILTER_ANY_IDENTIFIER "person_identifier"

extern FilterNode *filter_node_logic(FilterKind kind, int room);
extern void filter_node_add(FilterNode *node, FilterNode *child);
extern FilterNode *filter_node_not(FilterNode *child);

extern bool filter_node_is_comparison(const FilterNode *node);

/* What it costs to evaluate: how many nodes and values it has. */
extern int filter_tree_weight(const FilterNode *node);

extern Jsonb *filter_tree_write(const FilterNode *node);

/* Reads what filter_tree_write wrote; anything else is an error. */
extern FilterNode *filter_tree_read(Jsonb *tree);

#endif /* CASESYNC_FILTER_TREE_H */
