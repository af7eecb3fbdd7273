/*
 * reply.h
 *		Every JSON reply, good or bad, as text (pure). Does not know HTTP statuses or sockets.
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/failure.h"

#define REPLY_CONTENT_TYPE "application/json"

/*
 * Body of a 200: {"message":{"ack_status","timestamp","correlation_id"[,"error"]}}. error_code
 * NULL or "" = no error member. correlation_id NULL or "" = a fresh UUID; at NULL or unreadable
 * = now_ms. The message of an error is cut at 999 characters.
 */
extern bool reply_acknowledge(Buffer *body, const char *ack_status, const char *error_code,
							  const char *error_message, const char *correlation_id, const char *at,
							  int64_t now_ms, Failure *failure);

/* Body of every 4xx and 5xx: the list "errors" and the acknowledgement with ERR, both. */
extern bool reply_error(Buffer *body, const char *error_code, const char *error_message,
						const char *correlation_id, int64_t now_ms, Failure *failure);

#endif /* REPLY_H */
