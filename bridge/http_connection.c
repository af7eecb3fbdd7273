/*
 * http_connection.c
 *		One client connection: who it is and how long it may still take. Must not know what is asked
 *		over it.
 */
#include "http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The timer ends the connection when a request takes too long to arrive. */
typedef struct HttpConnection
{
	HttpServer *server;
	int fd;
	Timer *deadline;
	char client[INET6_ADDRSTRLEN];
} HttpConnection;

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

void
http_connection_set_deadline(struct MHD_Connection *connection, int64_t after_ms)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		timer_set(client->deadline, after_ms);
}

void
http_connection_stop_deadline(struct MHD_Connection *connection)
{
	HttpConnection *client = connection_of(connection);

	if (client != NULL)
		timer_stop(client->deadline);
}

const char *
http_connection_client(struct MHD_Connection *connection)
{
	const HttpConnection *client = connection_of(connection);

	return client != NULL ? client->client : "";
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
	connection_name_client(client, connection);
	timer_set(client->deadline, server->settings.request_timeout_ms);
	*socket_context = client;
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
	if (client != NULL)
		timer_free(client->deadline);
	free(client);
	*socket_context = NULL;
}
