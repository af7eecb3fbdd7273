/*
 * message_check.h
 *		The rules of the message envelope as a table. Judges form, never business content, and
 *		knows nothing of partners, signatures or HTTP.
 */
#ifndef MESSAGE_CHECK_H
#define MESSAGE_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_MAX_DEPTH 32
#define MESSAGE_MAX_ITEMS 1000
#define MESSAGE_MAX_STRING (64 * 1024)
#define MESSAGE_MAX_HEADER (16 * 1024)

typedef enum MessageAction
{
	MESSAGE_SUBSCRIBE,
	MESSAGE_UNSUBSCRIBE,
	MESSAGE_ON_SUBSCRIBE,
	MESSAGE_ON_UNSUBSCRIBE,
	MESSAGE_NOTIFY
} MessageAction;

/* What is wrong: one of the standard's codes, and a text that says what to change. */
typedef struct MessageProblem
{
	const char *error_code; /* a constant, "err.request.bad", ... */
	char text[512];			/* no content of the message but names of its members */
} MessageProblem;

/*
 * Parse a body: JSON object, UTF-8, no duplicate member, no NUL, depth, string and list bounds.
 * The caller owns *envelope (json_decref) on true.
 */
extern bool message_parse(const char *body, size_t length, json_t **envelope,
						  MessageProblem *problem);

/*
 * Check a parsed body against the rules of its path. receiver_id: ours; NULL = any is accepted
 * (unsigned_accepted partners).
 */
extern bool message_check(const json_t *envelope, MessageAction action, const char *receiver_id,
						  MessageProblem *problem);

/* header.sender_id, header.message_id: NULL unless a non-empty string of at most 255 bytes. */
extern const char *message_sender_id(const json_t *envelope);
extern const char *message_message_id(const json_t *envelope);

/* "subscribe", "on-subscribe", ...: the word in header.action. */
extern const char *message_action_name(MessageAction action);

#endif /* MESSAGE_CHECK_H */
