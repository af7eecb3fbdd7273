/*
 * http_guarded.h
 *		An answer that may have to be kept back: somebody is asked before each piece of it, and told
 *		when it has left. Shared by the files that know libmicrohttpd; knows not why it is guarded.
 */
#ifndef HTTP_GUARDED_H
#define HTTP_GUARDED_H

#include "http/http_connection.h"

typedef struct HttpGuarded HttpGuarded;

/*
 * A copy of the bytes. NULL when out of memory: the guard has been told that it has ended. Lives
 * until http_guarded_end and until libmicrohttpd has done with the response made of it.
 */
extern HttpGuarded *http_guarded_new(struct MHD_Connection *connection, const char *body,
									 size_t length, const HttpGuard *guard);
extern struct MHD_Response *http_guarded_response(HttpGuarded *guarded);

/* Nothing of it has left yet: may it begin? */
extern bool http_guarded_may_begin(HttpGuarded *guarded);

/* From when the response is queued. */
extern void http_guarded_watch(HttpGuarded *guarded, HttpServer *server);

/* It has left, or never will. NULL is fine. */
extern void http_guarded_end(HttpGuarded *guarded);

/*
 * Before libmicrohttpd writes anything: connections end whose answer may not go on, since it does
 * not ask for what it has been given already.
 */
extern void http_guarded_stop_all(HttpServer *server);

#endif
