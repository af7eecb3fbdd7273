/*
 * ack.h
 *		Reads a partner's answer to a message of ours (pure). Tolerant: only ack_status counts.
 */
#ifndef ACK_H
#define ACK_H

#include <stddef.h>

typedef enum AckStatus
{
	ACK_UNREADABLE = 0, /* empty, no JSON, no ack_status we know */
	ACK_ACK,
	ACK_NACK,
	ACK_ERR
} AckStatus;

typedef struct Ack
{
	AckStatus status;
	char error_code[64]; /* "" when absent or not of the form [A-Za-z0-9._-]+: safe to log */
} Ack;

#define ACK_MAX_BODY (64 * 1024) /* read no more of an answer than this */

/*
 * Looks at message.ack_status (or ack_status at the top) and error.code beside it; also at
 * errors[0].code of an HTTP error body, then with status ACK_UNREADABLE.
 */
extern void ack_read(const char *body, size_t length, Ack *ack);

/*
 * The partner's own words in an answer: the message of its error, else the answer as it is. Valid
 * UTF-8 in one line, cut at size; "" when there are none. They may quote a record: never to be
 * logged.
 */
extern void ack_words(const char *body, size_t length, char *words, size_t size);

/* "ACK", "NACK", "ERR", or NULL when unreadable: what record_outcome takes. */
extern const char *ack_status_name(AckStatus status);

#endif /* ACK_H */
