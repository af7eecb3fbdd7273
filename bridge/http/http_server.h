/*
 * http_server.h
 *		Serves HTTP requests by a table of routes: bounded, timed, answered now or later. Knows
 *		nothing of messages, partners or the database.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event_loop.h"
#include "base/failure.h"
#include "http/http_route.h"
#include "http/tls_server.h"

typedef struct HttpServer HttpServer;

typedef struct HttpHeader
{
	const char *name;
	const char *value;
} HttpHeader;

/* What is known of a client by its headers. */
typedef struct HttpSender
{
	int refusal;	 /* HTTP status, 0 = none */
	int64_t wait_ms; /* until it may come again, of 429 */
	uint64_t who;	 /* a number for all that it sends, over whichever connection */
} HttpSender;

/*
 * Whoever answers with something that may have to be kept back is asked before its first byte and
 * before each further piece, and told once when it has left or never will.
 */
typedef struct HttpGuard
{
	bool (*may_leave)(void *context, bool is_first);
	void (*ended)(void *context);
	void *context;
} HttpGuard;

typedef struct HttpServerSettings
{
	const char *host; /* "*" = every address */
	int port;		  /* 0 = any free one */
	const char *base_path;
	const char *const *prefixes; /* each route answers under each of them; ends with NULL */
	const HttpRoute *routes;	 /* ends with a method of NULL */
	size_t body_limits[HTTP_BODY_CLASSES];
	int max_connections;
	int max_connections_per_address; /* 0 = no limit */
	int64_t request_timeout_ms; /* for the client to send a whole request, or read the answer */
	TlsServer *tls;				/* NULL = plain HTTP */

	/* May this client send more than a few kilobytes? Asked when it begins to; NULL = everybody. */
	HttpSender (*judge_sender)(void *context, const HttpRequest *request);
} HttpServerSettings;

/*
 * Listens at once. NULL with a failure that names the address when that is not possible. What the
 * settings point to must stay.
 */
extern HttpServer *http_server_new(EventLoop *loop, const HttpServerSettings *settings,
								   void *context, Failure *failure);

/* A server that is NULL has port 0, nothing pending, and is closed and freed without effect. */
extern int http_server_port(const HttpServer *server);
extern void http_server_close(HttpServer *server); /* accept no more connections */
extern void http_server_free(HttpServer *server);  /* every request must be answered */

/* Requests not yet answered, and guarded answers that have not left. */
extern int http_server_pending(const HttpServer *server);

extern const HttpRoute *http_request_route(const HttpRequest *request);
extern const char *http_request_body(const HttpRequest *request, size_t *length);

/* Nobody reads its body any more: from now on it is empty. */
extern void http_request_forget_body(HttpRequest *request);

/*
 * A header of the request by its name in any case, or NULL; bounded with all headers together.
 * Lives until the answer.
 */
extern const char *http_request_header(const HttpRequest *request, const char *name);

/* What its path says besides the route; who calls may be a secret there. */
extern const HttpTarget *http_request_target(const HttpRequest *request);

/*
 * Is the body said to be of this media type (with or without parameters), and not compressed? With
 * NULL: of none.
 */
extern bool http_request_has_type(const HttpRequest *request, const char *media_type);

/* The address that the request came from, as text; "" when it is not known. */
extern const char *http_request_client(const HttpRequest *request);

/* Answers with JSON; the bytes are copied. The request must not be used any more. */
extern void http_request_reply(HttpRequest *request, int status, const char *body, size_t length);

/*
 * The same with headers, which end with a name of NULL. A Content-Type among them takes the place
 * of JSON's. Values come from us: one that HTTP does not allow ends the connection unanswered.
 */
extern void http_request_reply_with(HttpRequest *request, int status, const HttpHeader *headers,
									const char *body, size_t length);

/* The same with a guard, which may turn it into 503. */
extern void http_request_reply_guarded(HttpRequest *request, int status, const char *body,
									   size_t length, const HttpGuard *guard);

#endif
