/*
 * message_check.h
 *		Checks a message against the tables of message_rules. Judges form, never business content,
 *		and knows nothing of partners, signatures or HTTP.
 */
#ifndef MESSAGE_CHECK_H
#define MESSAGE_CHECK_H

#include "message/message_parse.h"

typedef enum MessageAction
{
	MESSAGE_SUBSCRIBE,
	MESSAGE_UNSUBSCRIBE,
	MESSAGE_ON_SUBSCRIBE,
	MESSAGE_ON_UNSUBSCRIBE,
	MESSAGE_NOTIFY,
	MESSAGE_SEARCH,
	MESSAGE_ON_SEARCH,
	MESSAGE_TXN_STATUS,
	MESSAGE_TXN_ON_STATUS,
	MESSAGE_ENROLLMENT
} MessageAction;

#define MESSAGE_ACTIONS (MESSAGE_ENROLLMENT + 1)

/* A body of zero bytes or of {}: somebody tries whether we are there. */
extern bool message_is_probe(size_t length, const json_t *envelope);

/*
 * Check a parsed body against the rules of its path. plain: what message says when it came
 * encrypted, else NULL. receiver_id: ours; NULL = any is accepted (unsigned_accepted partners).
 */
extern bool message_check(const json_t *envelope, const json_t *plain, MessageAction action,
						  const char *receiver_id, MessageProblem *problem);

/* header.sender_id, header.message_id: NULL unless a non-empty string that may pass. */
extern const char *message_sender_id(const json_t *envelope);
extern const char *message_message_id(const json_t *envelope);

/* header.sender_uri as it stands there; NULL when there is none. */
extern const char *message_sender_uri(const json_t *envelope);

/* Is it what a question of ours is answered by? */
extern bool message_is_answer(MessageAction action);

/* Is this a request that is answered later, at the sender's address? */
extern bool message_wants_callback(MessageAction action);

#endif /* MESSAGE_CHECK_H */
