/*
 * http_server.c
 *		libmicrohttpd inside our event loop; the only file that knows it. A request that waits for
 *		something is suspended, so that nothing here ever blocks.
 */
#include "http_server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buffer.h"
#include "http_listen.h"
#include "iso_time.h"
#include "reply.h"

#define CONNECTION_LIMIT 512
#define CONNECTION_MEMORY (32 * 1024) /* request line and headers must fit into a part of it */
#define IDLE_SECONDS 60
#define LARGE_BODIES                                                                               \
	8 /* so many of the largest size may be held at a time, all clients together                   \
	   */
#define REFUSED_BODY_LIMIT (64 * 1024) /* so much is read only to be able to answer politely */

/* One client connection; the timer ends it when a request takes too long to arrive. */
typedef struct HttpConnection
{
	HttpServer *server;
	int fd;
	Timer *deadline;
} HttpConnection;

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
	size_t held; /* bytes of bodies */
};

struct HttpRequest
{
	HttpServer *server;
	struct MHD_Connection *connection;
	const HttpRoute *route;
	Buffer body;
	size_t discarded;
	int refusal;  /* HTTP status, 0 = none */
	bool handled; /* the route's handler has been called */
	bool suspended;
	struct MHD_Response *response; /* the answer, waiting to be queued */
	int status;
};

static void
server_run(void *context)
{
	HttpServer *server = context;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
		timer_set(server->timer, wait_ms < 60000 ? (int64_t) wait_ms : 60000);
	else
		timer_stop(server->timer);
}

static void
server_ready(void *context, int events)
{
	(void) events;
	server_run(context);
}

static void
connection_expire(void *context)
{
	HttpConnection *client = context;

	/* the daemon sees the end of the connection and cleans up as if the client had gone */
	shutdown(client->fd, SHUT_RDWR);
}

static HttpConnection *
connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
connection_set_deadline(struct MHD_Connection *connection, int64_t after_ms)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		timer_set(client->deadline, after_ms);
}

static void
connection_stop_deadline(struct MHD_Connection *connection)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		timer_stop(client->deadline);
}

static void
connection_started(HttpServer *server, struct MHD_Connection *connection, void **socket_context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	HttpConnection *client = calloc(1, sizeof(HttpConnection));

	if (client == NULL || info == NULL)
	{
		free(client);
		return;
	}
	client->server = server;
	client->fd = (int) info->connect_fd;
	client->deadline = timer_new(server->loop, connection_expire, client);
	if (client->deadline == NULL)
	{
		free(client);
		return;
	}
	timer_set(client->deadline, server->settings.request_timeout_ms);
	*socket_context = client;
}

static void
connection_notified(void *context, struct MHD_Connection *connection, void **socket_context,
					enum MHD_ConnectionNotificationCode code)
{
	HttpConnection *client = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
	{
		connection_started(context, connection, socket_context);
		return;
	}
	if (client != NULL)
		timer_free(client->deadline);
	free(client);
	*socket_context = NULL;
}

/* The first line of a request is there: from now on the client has so long for the rest. */
static void *
request_begins(void *context, const char *uri, struct MHD_Connection *connection)
{
	HttpServer *server = context;

	(void) uri;
	connection_set_deadline(connection, server->settings.request_timeout_ms);
	return NULL;
}

static void
request_drop_body(HttpRequest *request)
{
	request->server->held -= request->body.length;
	buffer_free(&request->body);
}

static void
request_free(HttpRequest *request)
{
	if (request == NULL)
		return;
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	request_drop_body(request);
	free(request);
}

static void
request_completed(void *context, struct MHD_Connection *connection, void **request_context,
				  enum MHD_RequestTerminationCode code)
{
	(void) context;
	(void) code;
	connection_set_deadline(connection, IDLE_SECONDS * 1000);
	request_free(*request_context);
	*request_context = NULL;
}

static bool
is_json(struct MHD_Connection *connection)
{
	static const char json[] = "application/json";
	const char *type =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	const char *encoding =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);

	if (encoding != NULL && strcasecmp(encoding, "identity") != 0)
		return false;
	if (type == NULL || strncasecmp(type, json, sizeof(json) - 1) != 0)
		return false;
	/* also finds the end of the text */
	return strchr("; \t", type[sizeof(json) - 1]) != NULL;
}

static bool
announces_too_much(struct MHD_Connection *connection, size_t limit)
{
	const char *text =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text != NULL && strtoull(text, NULL, 10) > limit;
}

/* What can be said of a request when its headers are there: 0 or the status of the refusal. */
static int
request_judge(HttpRequest *request, const char *method, const char *path)
{
	const HttpServerSettings *settings = &request->server->settings;
	size_t limit = 0;
	int refusal = http_route_find(settings->routes, settings->base_path, settings->prefixes, method,
								  path, &request->route);

	if (refusal == 0)
		limit = settings->body_limits[request->route->body];
	buffer_init(&request->body, limit);
	if (refusal != 0)
		return refusal;
	if (announces_too_much(request->connection, limit))
		return 413;
	if (request->route->body != HTTP_BODY_NONE && !is_json(request->connection))
		return 415;
	return 0;
}

static HttpRequest *
request_new(HttpServer *server, struct MHD_Connection *connection, const char *method,
			const char *path)
{
	HttpRequest *request = calloc(1, sizeof(HttpRequest));

	if (request == NULL)
		return NULL;
	request->server = server;
	request->connection = connection;
	request->refusal = request_judge(request, method, path);
	return request;
}

static struct MHD_Response *
response_new(const char *body, size_t length)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, (void *) body, MHD_RESPMEM_MUST_COPY);

	if (response != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, REPLY_CONTENT_TYPE);
	return response;
}

static enum MHD_Result
request_refuse(HttpRequest *request)
{
	const char *code = request->refusal == 503 ? "err.service.unavailable" : "err.request.bad";
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *response = NULL;
	Buffer body;

	buffer_init(&body, 4096);
	if (reply_error(&body, code, http_route_refusal(request->refusal), iso_time_now(), NULL))
		response = response_new(body.data, body.length);
	if (response != NULL)
	{
		if (request->refusal == 405)
			MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->route->method);
		result = MHD_queue_response(request->connection, (unsigned int) request->refusal, response);
		MHD_destroy_response(response);
	}
	buffer_free(&body);
	return result;
}

/* A client that is told early that its body is unwanted may miss the answer, so small ones are
 * read. */
static bool
request_refuse_at_once(HttpRequest *request)
{
	return request->refusal != 0 && announces_too_much(request->connection, REFUSED_BODY_LIMIT);
}

static enum MHD_Result
request_take_body(HttpRequest *request, const char *bytes, size_t length)
{
	HttpServer *server = request->server;

	if (request->refusal == 0 &&
		server->held + length > LARGE_BODIES * server->settings.body_limits[HTTP_BODY_LARGE])
		request->refusal = 503;
	if (request->refusal == 0 && !buffer_append(&request->body, bytes, length))
		request->refusal = 413;
	if (request->refusal == 0)
	{
		server->held += length;
		return MHD_YES;
	}
	request_drop_body(request);
	request->discarded += length;
	return request->discarded <= REFUSED_BODY_LIMIT ? MHD_YES : MHD_NO;
}

static enum MHD_Result
request_queue_answer(HttpRequest *request)
{
	return MHD_queue_response(request->connection, (unsigned int) request->status,
							  request->response);
}

static enum MHD_Result
request_handle(HttpRequest *request)
{
	connection_stop_deadline(request->connection);
	if (request->refusal != 0)
		return request_refuse(request);
	if (!request->handled)
	{
		request->handled = true;
		request->server->pending++;
		request->route->handler(request->server->context, request);
	}
	if (request->status != 0)
		return request->response != NULL ? request_queue_answer(request) : MHD_NO;
	request->suspended = true;
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

static enum MHD_Result
server_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
			  const char *version, const char *upload, size_t *upload_size, void **request_context)
{
	HttpRequest *request = *request_context;
	enum MHD_Result result;

	(void) version;
	if (request == NULL)
	{
		request = request_new(context, connection, method, url);
		*request_context = request;
		if (request == NULL)
			return MHD_NO;
		return request_refuse_at_once(request) ? request_refuse(request) : MHD_YES;
	}
	if (*upload_size == 0)
		return request_handle(request);
	result = request_take_body(request, upload, *upload_size);
	*upload_size = 0;
	return result;
}

void
http_request_reply(HttpRequest *request, int status, const char *body, size_t length)
{
	HttpServer *server = request->server;

	request->status = status;
	request->response = response_new(body, length); /* NULL ends the connection */
	server->pending--;
	if (request->suspended)
	{
		request->suspended = false;
		MHD_resume_connection(request->connection);
		timer_set(server->timer, 0);
	}
}

const HttpRoute *
http_request_route(const HttpRequest *request)
{
	return request->route;
}

const char *
http_request_body(const HttpRequest *request, size_t *length)
{
	*length = request->body.length;
	return request->body.length > 0 ? request->body.data : "";
}

int
http_server_port(const HttpServer *server)
{
	return server != NULL ? server->port : 0;
}

int
http_server_pending(const HttpServer *server)
{
	return server != NULL ? server->pending : 0;
}

void
http_server_close(HttpServer *server)
{
	MHD_socket fd = server != NULL ? MHD_quiesce_daemon(server->daemon) : MHD_INVALID_SOCKET;

	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

static struct MHD_Daemon *
server_start_daemon(HttpServer *server, int listen_fd)
{
	unsigned int idle = IDLE_SECONDS;

	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, server_access, server,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_NOTIFY_COMPLETED, request_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notified, server, MHD_OPTION_URI_LOG_CALLBACK,
		request_begins, server, MHD_OPTION_END);
}

static bool
server_watch(HttpServer *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	if (info == NULL)
		return false;
	server->watch = watch_new(server->loop, info->epoll_fd, WATCH_READ, server_ready, server);
	return server->watch != NULL;
}

HttpServer *
http_server_new(EventLoop *loop, const HttpServerSettings *settings, void *context,
				Failure *failure)
{
	HttpServer *server = calloc(1, sizeof(HttpServer));
	int listen_fd = -1;

	if (server == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	server->loop = loop;
	server->settings = *settings;
	server->context = context;
	listen_fd = http_listen(settings->host, settings->port, &server->port, failure);
	if (listen_fd < 0)
		goto failed;
	server->timer = timer_new(loop, server_run, server);
	if (server->timer != NULL)
		server->daemon = server_start_daemon(server, listen_fd);
	if (server->daemon == NULL)
	{
		close(listen_fd);
		failure_set(failure, FAILURE_SYSTEM, "could not start the HTTP server");
		goto failed;
	}
	if (!server_watch(server))
	{
		failure_set(failure, FAILURE_SYSTEM, "could not watch the HTTP server");
		goto failed;
	}
	return server;

failed:
	http_server_free(server);
	return NULL;
}

void
http_server_free(HttpServer *server)
{
	if (server == NULL)
		return;
	watch_free(server->watch);
	if (server->daemon != NULL)
	{
		MHD_run(server->daemon); /* what was resumed must not be suspended when it stops */
		MHD_stop_daemon(server->daemon);
	}
	timer_free(server->timer);
	free(server);
}
