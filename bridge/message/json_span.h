/*
 * json_span.h
 *		Where in the received bytes members of the outer object stand: a signature is checked over
 *		the sender's own bytes, not over our idea of them. Pure.
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
 * Find the values of the first members with these names (written without escapes) of the object in
 * body, all in one walk; false when one of them is not there. body must already have been accepted
 * by message_parse: this is a walk, not a check.
 */
extern bool json_span_find(const char *body, size_t length, const char *const *names, size_t count,
						   JsonSpan *spans);

#endif /* JSON_SPAN_H */
