/*
 * http_connection.h
 *		A client's connection and the time it has; shared by the files that know libmicrohttpd
 *		(http_server, http_request, http_connection). Knows nothing of routes or bodies.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <microhttpd.h>
#include <sys/queue.h>

#include "http/http_server.h"

#define HTTP_IDLE_SECONDS 60 /* a kept connection without a request */

typedef TAILQ_HEAD(HttpConnectionList, HttpConnection) HttpConnectionList;
typedef LIST_HEAD(HttpRestingList, HttpRequest) HttpRestingList;
typedef LIST_HEAD(HttpGuardedList, HttpGuarded) HttpGuardedList;

struct HttpServer
{
	EventLoop *loop;
	struct MHD_Daemon *daemon;
	Watch *watch;
	Timer *timer;
	HttpServerSettings settings;
	void *context;
	int port;
	int pending;
	HttpConnectionList connections; /* the one longest waited for is first */
	size_t held;					/* bytes of bodies */
	HttpRestingList resting;		/* refused for now, and told so in a moment */
	HttpGuardedList guarded;		/* on their way to their clients */
	bool is_closed;
	int runs_without_news;
};

/* Those that rest are told at once: the server ends. */
extern void http_request_wake_all(HttpServer *server);

/* libmicrohttpd's callback for connections that begin and end; context is the server. */
extern void http_connection_notified(void *context, struct MHD_Connection *connection,
									 void **socket_context,
									 enum MHD_ConnectionNotificationCode code);

/*
 * From now on we wait for the client: its connection ends when so much time has passed, or when
 * others need its place.
 */
extern void http_connection_await(struct MHD_Connection *connection, int64_t within_ms);

/* The same, but what time it already has may only become less. */
extern void http_connection_await_sooner(struct MHD_Connection *connection, int64_t within_ms);

/* The client waits for us: its connection stays. */
extern void http_connection_keep(struct MHD_Connection *connection);

/* As if the client had gone; the daemon sees it when it runs. */
extern void http_connection_end(struct MHD_Connection *connection);

/* By its headers it is known who sends, over whichever connections. */
extern void http_connection_set_sender(struct MHD_Connection *connection, uint64_t who);

/*
 * So many more bytes of a body are held for the client. False when they would be too many for all
 * clients together, or more than a quarter of that for this one, even after the slowest sender of
 * another body (of its own, in that case) has been sent away.
 */
extern bool http_connection_hold(struct MHD_Connection *connection, size_t length, size_t limit);

/* Would none of its own have to be sent away for that? */
extern bool http_connection_has_room(struct MHD_Connection *connection, size_t length,
									 size_t limit);
extern void http_connection_let_go(struct MHD_Connection *connection); /* of all of them */

/* The client's address as text; lives as long as the connection. "" when there is none. */
extern const char *http_connection_client(struct MHD_Connection *connection);

#endif
