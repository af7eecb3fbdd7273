/*
 * api.h
 *		The endpoints as the bridge sees them: made, listed as routes, closed. Knows nothing of
 *		sockets.
 */
#ifndef API_H
#define API_H

#include "api/api_parts.h"
#include "http/http_server.h"
#include "message/message_check.h"

typedef struct Api Api;

/* Routes of the public address and of the one for operations; their context is the Api. */
extern const HttpRoute api_routes[];
extern const HttpRoute api_health_routes[];
extern const char *const api_prefixes[];
extern const char *const api_no_prefixes[];

/* What a token must be good for to send such a message; NULL: any token. */
extern const char *api_action_scope(MessageAction action);

/* Has this request a token that may be a good one, and its client time left? Context is the Api. */
extern HttpSender api_judge_sender(void *context, const HttpRequest *request);

/* Opens its own sessions to the database. */
extern Api *api_new(const ApiParts *parts, Failure *failure);

/* Until no thread reads keys any more: they may be changed then. */
extern void api_finish_checks(Api *api);

/* Closes the sessions and answers all that waited for them: "unavailable". */
extern void api_close(Api *api);
extern void api_free(Api *api); /* after api_close and the HTTP server */

#endif
