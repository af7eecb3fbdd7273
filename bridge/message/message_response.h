/*
 * message_response.h
 *		Messages that come as the response to a question of ours, not by a request of their own:
 *		whoever asked hands them on, and is told what became of them. Knows neither side.
 */
#ifndef MESSAGE_RESPONSE_H
#define MESSAGE_RESPONSE_H

#include <stddef.h>

#include "message/message_check.h"

typedef enum ResponseResult
{
	RESPONSE_TAKEN,	  /* judged and stored as any message */
	RESPONSE_REFUSED, /* it is not what it should be; error_code says why */
	RESPONSE_TROUBLE  /* ours: it is lost, and may be asked for once more */
} ResponseResult;

/* error_code is a code of the standard or of ours, "" when taken; it lives during the call only. */
typedef void (*ResponseDone)(void *context, ResponseResult result, const char *error_code);

/*
 * Takes it, copied. On true, done is called once, after this has returned, unless everything ends
 * before.
 */
typedef bool (*ResponseTake)(void *context, const char *partner, MessageAction action,
							 const char *body, size_t length, ResponseDone done,
							 void *done_context);

/*
 * Does the response to what is posted to this address answer it? Then action is what it is.
 * The standard's paths under /registry/sync/.
 */
extern bool message_response_expected(const char *url, MessageAction *action);

#endif
