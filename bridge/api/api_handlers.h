/*
 * api_handlers.h
 *		The handlers behind the routes; the context of each is the Api.
 */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "http/http_route.h"

#define API_KEYS_NAMED 1 /* the number of api_keys' route with the whole names */

extern void api_receive(void *context, HttpRequest *request);
extern void api_answer(void *context, HttpRequest *request);
extern void api_token(void *context, HttpRequest *request);
extern void api_keys(void *context, HttpRequest *request);
extern void api_live(void *context, HttpRequest *request);
extern void api_ready(void *context, HttpRequest *request);

#endif
