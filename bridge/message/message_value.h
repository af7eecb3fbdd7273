/*
 * message_value.h
 *		The kinds of value that stand in a message, and what to tell a partner about a wrong one.
 *		Pure; knows no message.
 */
#ifndef MESSAGE_VALUE_H
#define MESSAGE_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum ValueKind
{
	VALUE_TEXT,		  /* non-empty string of at most limit characters, none a control one */
	VALUE_ID,		  /* a text without blanks and what cannot be seen */
	VALUE_NAME,		  /* string of at most limit characters, none a control one, may be empty */
	VALUE_NOTE,		  /* string of at most limit characters, may be empty */
	VALUE_WORD,		  /* one of the words, which may have a prefix: ns:org:QueryType:expression */
	VALUE_TIME,		  /* ISO 8601 with zone */
	VALUE_LOCALE,	  /* three lower-case letters */
	VALUE_VERSION,	  /* 1.x */
	VALUE_URI,		  /* absolute http or https of at most limit characters */
	VALUE_STATUS,	  /* rcvd, pdng, succ, rjct */
	VALUE_COUNT,	  /* integer of at least 0 */
	VALUE_NUMBER,	  /* integer from 1 to 2^31-1 */
	VALUE_BOOLEAN,	  /* true or false */
	VALUE_OBJECT,	  /* object; the rules inside are checked */
	VALUE_LIST,		  /* list of objects; the rules inside are checked for each */
	VALUE_RECORDS,	  /* object or list of objects */
	VALUE_ANY_OF_TWO, /* object or list */
	VALUE_ID_LIST,	  /* list of ids of at most limit characters */
	VALUE_TEXTS		  /* a text or a list of such */
} ValueKind;

/* Does the value fit? The words end with NULL and matter for VALUE_WORD only. */
extern bool value_is_valid(const json_t *value, ValueKind kind, size_t limit,
						   const char *const *words);

/* What it must be, to come after the name of the member: "must be …". */
extern void value_describe(ValueKind kind, size_t limit, const char *const *words, char *text,
						   size_t size);

#endif
