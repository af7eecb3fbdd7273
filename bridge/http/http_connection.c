/*
 * http_connection.c
 *		One client connection: who it is and how long it may still take. Must not know what is asked
 *		over it.
 */
#include "http/http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The timer ends the connection when the client takes too long. */
typedef struct HttpConnection
{
	TAILQ_ENTRY(HttpConnection) entry;
	HttpServer *server;
	int fd;
	bool is_awaited; /* the client has to do something, not we */
	bool is_ending;
	size_t held;  /* bytes of its body */
	uint64_t who; /* 0 = not known */
	Timer *deadline;
	TlsCredentials *credentials; /* NULL for plain HTTP */
	char client[INET6_ADDRSTRLEN];
} HttpConnection;

/* The daemon sees the end of the connection and cleans up as if the client had gone. */
static void
connection_end(HttpConnection *client)
{
	client->is_ending = true;
	shutdown(client->fd, SHUT_RDWR);
}

static void
connection_expire(void *context)
{
	connection_end(context);
}

/*
 * Among those that count (all, or all of one address) too many: the one that we have been waiting
 * for longest goes. Whoever sends a request as fast as people do is never that one.
 */
static void
connection_make_room(HttpServer *server, const char *address, int limit)
{
	HttpConnection *slowest = NULL;
	int count = 0;

	for (HttpConnection *client = TAILQ_FIRST(&server->connections); client != NULL;
		 client = TAILQ_NEXT(client, entry))
	{
		if (client->is_ending || (address != NULL && strcmp(client->client, address) != 0))
			continue;
		count++;
		if (slowest == NULL && client->is_awaited)
			slowest = client;
	}
	if (count > limit && slowest != NULL)
		connection_end(slowest);
}

static HttpConnection *
connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

void
http_connection_end(struct MHD_Connection *connection)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		connection_end(client);
}

static void
connection_await(HttpConnection *client)
{
	client->is_awaited = true;
	TAILQ_REMOVE(&client->server->connections, client, entry);
	TAILQ_INSERT_TAIL(&client->server->connections, client, entry);
}

void
http_connection_await(struct MHD_Connection *connection, int64_t within_ms)
{
	HttpConnection *client = connection_of(connection);

	if (client == NULL)
		return;
	connection_await(client);
	timer_set(client->deadline, within_ms);
}

void
http_connection_await_sooner(struct MHD_Connection *connection, int64_t within_ms)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		timer_set_sooner(client->deadline, within_ms);
}

void
http_connection_keep(struct MHD_Connection *connection)
{
	HttpConnection *client = connection_of(connection);

	if (client == NULL)
		return;
	client->is_awaited = false;
	timer_stop(client->deadline);
}

const char *
http_connection_client(struct MHD_Connection *connection)
{
	const HttpConnection *client = connection_of(connection);

	return client != NULL ? client->client : "";
}

static void
connection_let_go(HttpConnection *client)
{
	client->server->held -= client->held;
	client->held = 0;
}

/* Of everybody when who is 0. */
static size_t
server_held(const HttpServer *server, uint64_t who)
{
	const HttpConnection *client;
	size_t held = 0;

	if (who == 0)
		return server->held;
	TAILQ_FOREACH (client, &server->connections, entry)
		if (client->who == who)
			held += client->held;
	return held;
}

/* Its bytes count no more, although they are there until the daemon has seen the end. */
static void
connection_end_slowest_sender(HttpServer *server, const HttpConnection *self, uint64_t who)
{
	for (HttpConnection *client = TAILQ_FIRST(&server->connections); client != NULL;
		 client = TAILQ_NEXT(client, entry))
	{
		if (client->held > 0 && client->is_awaited && !client->is_ending && client != self &&
			(who == 0 || client->who == who))
		{
			connection_let_go(client);
			connection_end(client);
			return;
		}
	}
}

static bool
connection_has_room(HttpConnection *self, uint64_t who, size_t length, size_t limit)
{
	if (server_held(self->server, who) + length > limit)
		connection_end_slowest_sender(self->server, self, who);
	return server_held(self->server, who) + length <= limit;
}

void
http_connection_set_sender(struct MHD_Connection *connection, uint64_t who)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		client->who = who;
}

bool
http_connection_hold(struct MHD_Connection *connection, size_t length, size_t limit)
{
	HttpConnection *client = connection_of(connection);

	if (client == NULL)
		return false;
	if (client->who != 0 && !connection_has_room(client, client->who, length, limit / 4))
		return false;
	if (!connection_has_room(client, 0, length, limit))
		return false;
	client->server->held += length;
	client->held += length;
	return true;
}

bool
http_connection_has_room(struct MHD_Connection *connection, size_t length, size_t limit)
{
	const HttpConnection *client = connection_of(connection);

	return client == NULL || client->who == 0 ||
		   server_held(client->server, client->who) + length <= limit / 4;
}

void
http_connection_let_go(struct MHD_Connection *connection)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		connection_let_go(client);
}

static void
connection_name_client(HttpConnection *client, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
	const struct in6_addr *v6;

	if (address == NULL)
		return;
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) address)->sin_addr, client->client,
				  sizeof(client->client));
	if (address->sa_family != AF_INET6)
		return;
	v6 = &((const struct sockaddr_in6 *) address)->sin6_addr;
	/* one client has one name, by whichever socket it came */
	if (IN6_IS_ADDR_V4MAPPED(v6))
		inet_ntop(AF_INET, v6->s6_addr + 12, client->client, sizeof(client->client));
	else
		inet_ntop(AF_INET6, v6, client->client, sizeof(client->client));
}

/* False when the session must not go on. */
static bool
connection_begin_tls(HttpConnection *client, struct MHD_Connection *connection)
{
	TlsServer *tls = client->server->settings.tls;
	const union MHD_ConnectionInfo *info;

	if (tls == NULL)
		return true;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info != NULL && info->tls_session != NULL)
		client->credentials = tls_server_begin(tls, info->tls_session);
	return client->credentials != NULL;
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
	*socket_context = client;
	connection_name_client(client, connection);
	client->is_awaited = true;
	TAILQ_INSERT_TAIL(&server->connections, client, entry);
	timer_set(client->deadline, server->settings.request_timeout_ms);
	if (!connection_begin_tls(client, connection))
		connection_end(client);
	connection_make_room(server, NULL, server->settings.max_connections);
	if (server->settings.max_connections_per_address > 0)
		connection_make_room(server, client->client, server->settings.max_connections_per_address);
}

void
http_connection_notified(void *context, struct MHD_Connection *connection, void **socket_context,
						 enum MHD_ConnectionNotificationCode code)
{
	HttpConnection *client = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
	{
		connection_started(context, connection, socket_context);
		return;
	}
	if (client == NULL)
		return;
	connection_let_go(client);
	TAILQ_REMOVE(&client->server->connections, client, entry);
	timer_free(client->deadline);
	tls_credentials_release(client->credentials);
	free(client);
	*socket_context = NULL;
}
