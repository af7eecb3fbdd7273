/*
 * api_response.h
 *		A message that came as the response to a question of ours: checked and stored as one that
 *		came by a request. Knows nothing of who asked.
 */
#ifndef API_RESPONSE_H
#define API_RESPONSE_H

#include "api/api.h"
#include "message/message_response.h"

/* A ResponseTake; context is a pointer to the pointer to the Api, which may be NULL yet. */
extern bool api_response_take(void *context, const char *partner, MessageAction action,
							  const char *body, size_t length, ResponseDone done,
							  void *done_context);

#endif
