/*
 * message_rules.h
 *		The rules of every kind of message as tables: which members, of what kind, how many. Data
 *		only; message_check.c walks it.
 */
#ifndef MESSAGE_RULES_H
#define MESSAGE_RULES_H

#include "message/message_check.h"
#include "message/message_value.h"

#define MESSAGE_ALIASES 2
#define MESSAGE_WORDS 6

typedef struct FieldRule
{
	const char *name;
	const char *aliases[MESSAGE_ALIASES]; /* the standard's own misspellings, accepted on input */
	ValueKind kind;
	size_t limit;
	bool is_required;
	const char *error_code;			/* NULL: err.request.bad */
	const char *reason;				/* the standard's reason code, named in the text, or NULL */
	const char *const *words;		/* for VALUE_WORD */
	const struct FieldRule *inside; /* of an object, or of each item of a list; NULL: anything */
} FieldRule;

/* One row for each action: what its message must hold. */
typedef struct ActionRule
{
	const char
		*words[MESSAGE_WORDS]; /* of header.action, up to NULL; the first is the standard's */
	const FieldRule *message;  /* ends with a name of NULL */
	const char *items;		   /* the member that total_count counts, or NULL: one request */
	bool is_count_required;	   /* MsgHeader demands total_count, MsgCallbackHeader does not */
	bool is_one_request;	   /* the items are one request: a total_count of 1 is right too */
	bool is_void_if_rejected;  /* a header that says rjct needs no message */
} ActionRule;

extern const FieldRule message_header_rules[];
extern const ActionRule message_action_rules[];

#endif
