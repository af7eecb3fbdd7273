/*
 * message_check.h
 *		The rules of the message envelope as a table. Judges form, never business content, and
 *		knows nothing of partners, signatures or HTTP.
 */
#ifndef MESSAGE_CHECK_H
#define MESSAGE_CHECK_H

#include "message_parse.h"

typedef enum MessageAction
{
	MESSAGE_SUBSCRIBE,
	MESSAGE_UNSUBSCRIBE,
	MESSAGE_ON_SUBSCRIBE,
	MESSAGE_ON_UNSUBSCRIBE,
	MESSAGE_NOTIFY
} MessageAction;

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
