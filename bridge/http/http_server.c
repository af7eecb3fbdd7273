/*
 * http_server.c
 *		libmicrohttpd inside our event loop; with http_connection and http_request the only files
 *		that know it. A request that waits for something is suspended, so that nothing ever blocks.
 */
#include "http/http_server.h"

#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_connection.h"
#include "http/http_guarded.h"
#include "http/http_listen.h"
#include "http/http_request.h"

#define SPARE_CONNECTIONS 64 /* those that are being ended to make room */
#define RUNS_AT_ONCE 8
#define LONGEST_PAUSE_MS 20
#define CONNECTION_MEMORY (32 * 1024) /* request line and headers must fit into a part of it */

/*
 * As long as a client is in the middle of a TLS handshake libmicrohttpd asks to be run again at
 * once, even when it waits for that client. So runs that bring no news, neither from a socket nor
 * of a request, come at longer and longer intervals.
 */
static int64_t
server_pause(HttpServer *server)
{
	if (++server->runs_without_news <= RUNS_AT_ONCE)
		return 0;
	return server->runs_without_news - RUNS_AT_ONCE < LONGEST_PAUSE_MS
			   ? server->runs_without_news - RUNS_AT_ONCE
			   : LONGEST_PAUSE_MS;
}

static void
server_run(void *context)
{
	HttpServer *server = context;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	http_guarded_stop_all(server);
	MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &wait_ms) != MHD_YES)
		timer_stop(server->timer);
	else if (wait_ms == 0)
		timer_set(server->timer, server_pause(server));
	else
		timer_set(server->timer, wait_ms < 60000 ? (int64_t) wait_ms : 60000);
}

static void
server_ready(void *context, int events)
{
	HttpServer *server = context;

	(void) events;
	server->runs_without_news = 0;
	server_run(server);
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

	if (server != NULL)
	{
		server->is_closed = true;
		http_request_wake_all(server);
	}
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

/* Every session gets its credentials by tls_server; without them there is no handshake. */
static int
server_no_certificate(gnutls_session_t session, const gnutls_datum_t *request, int request_count,
					  const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
					  gnutls_pcert_st **certificate, unsigned int *certificate_count,
					  gnutls_privkey_t *key)
{
	(void) session;
	(void) request;
	(void) request_count;
	(void) algorithms;
	(void) algorithm_count;
	(void) certificate;
	(void) certificate_count;
	(void) key;
	return -1;
}

/* No path of ours needs an escape: so one with escapes is simply another path. */
static size_t
server_keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
	(void) context;
	(void) connection;
	return strlen(text);
}

static struct MHD_Daemon *
server_start_daemon(HttpServer *server, int listen_fd)
{
	const HttpServerSettings *settings = &server->settings;
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	unsigned int idle = HTTP_IDLE_SECONDS;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES},
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *) server_no_certificate},
		{MHD_OPTION_END, 0, NULL}};

	if (settings->tls != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(
		flags, 0, NULL, NULL, http_request_access, server, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int) settings->max_connections + SPARE_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_NOTIFY_COMPLETED, http_request_completed,
		server, MHD_OPTION_NOTIFY_CONNECTION, http_connection_notified, server,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, server_keep_escapes, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, http_request_begins, server, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
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
	TAILQ_INIT(&server->connections);
	LIST_INIT(&server->resting);
	LIST_INIT(&server->guarded);
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
		server->is_closed = true;
		http_request_wake_all(server);
		http_guarded_stop_all(server);
		MHD_run(server->daemon); /* what was resumed must not be suspended when it stops */
		MHD_stop_daemon(server->daemon);
	}
	timer_free(server->timer);
	free(server);
}
