/*
 * message_parse.h
 *		Received bytes into a JSON value, within bounds. Knows nothing of what a message says.
 */
#ifndef MESSAGE_PARSE_H
#define MESSAGE_PARSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_MAX_STRING (64 * 1024)

/* What is wrong: one of the standard's codes, and a text that says what to change. */
typedef struct MessageProblem
{
	const char *error_code; /* a constant, "err.request.bad", ... */
	char text[512];			/* names of members and our limits, never content */
} MessageProblem;

/*
 * Parse a body: JSON object, UTF-8, no duplicate member, no NUL, within json_bounds, strings too.
 * The caller owns *envelope (json_decref) on true.
 */
extern bool message_parse(const char *body, size_t length, json_t **envelope,
						  MessageProblem *problem);

#endif /* MESSAGE_PARSE_H */
