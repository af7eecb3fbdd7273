/*
 * json_span.h
 *		Where in the received bytes a member of the outer object stands: a signature is checked
 *		over the sender's own bytes, not over our idea of them. Pure.
 */
#ifndef JSON_SPAN_H
#define JSON_SPAN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct JsonSpan
{
	const char *start;
	size_t length;
} JsonSpan;

/*
 * Find the value of the first member called name (written without escapes) of the object in
 * body. body must already have been accepted by message_parse: this is a walk, not a check.
 */
extern bool json_span_find(const char *body, size_t length, const char *name, JsonSpan *span);

#endif /* JSON_SPAN_H */
