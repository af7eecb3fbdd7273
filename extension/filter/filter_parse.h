/*
 * filter_parse.h
 *		What the readers of a filter's shapes share: the bounds, and the sentence for the partner.
 *
 * Knows nothing of records, columns or SQL. A reader that returns NULL has said why.
 */
#ifndef CASESYNC_FILTER_PARSE_H
#define CASESYNC_FILTER_PARSE_H

#include "filter/filter_tree.h"

typedef struct FilterParser
{
	int node_count;
	int value_count;
	char *problem; /* the first one; it never has a value of the filter in it */
} FilterParser;

/* Remember the problem, unless there is one already; always NULL. */
extern FilterNode *filter_refuse(FilterParser *parser, const char *format, ...)
	pg_attribute_printf(2, 3);

/* Count a node of the tree. */
extern bool filter_count_node(FilterParser *parser);

/* The member of that name; false when there is none or it is null. */
extern bool filter_member(JsonbContainer *object, const char *name, JsonbValue *value);

extern bool filter_is_object(const JsonbValue *value);
extern bool filter_is_list(const JsonbValue *value);

/* A JSON string's text without a prefix such as ns:org:QueryType: */
extern char *filter_plain_text(const JsonbValue *value);

/*
 * A comparison by its written name (of an attribute or a type of identifier), operator (with or
 * without $; NULL: eq) and value.
 */
extern FilterNode *filter_read_comparison(FilterParser *parser, const char *name,
										  const char *operation, const JsonbValue *value);

/* One identifier of the record's own subject. */
extern FilterNode *filter_read_identifier(FilterParser *parser, JsonbContainer *object);

/* A query, {"$and": [{"attribute": {"$lt": 5}}]}, within what partners put around it. */
extern FilterNode *filter_read_expression(FilterParser *parser, JsonbContainer *object);

/* A list of predicates. */
extern FilterNode *filter_read_predicates(FilterParser *parser, JsonbContainer *list);

#endif /* CASESYNC_FILTER_PARSE_H */
