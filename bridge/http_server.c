/*
 * http_server.c
 *		libmicrohttpd inside our event loop; with http_connection and http_request the only files
 *		that know it. A request that waits for something is suspended, so that nothing ever blocks.
 */
#include "http_server.h"

#include <stdlib.h>
#include <unistd.h>

#include "http_connection.h"
#include "http_listen.h"
#include "http_request.h"

#define CONNECTION_LIMIT 512
#define CONNECTION_MEMORY (32 * 1024) /* request line and headers must fit into a part of it */

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
	unsigned int idle = HTTP_IDLE_SECONDS;

	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_request_access, server,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_NOTIFY_COMPLETED, http_request_completed,
		server, MHD_OPTION_NOTIFY_CONNECTION, http_connection_notified, server,
		MHD_OPTION_URI_LOG_CALLBACK, http_request_begins, server, MHD_OPTION_END);
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
