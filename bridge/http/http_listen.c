/*
 * http_listen.c
 *		Opens a listening socket and says exactly why it could not. Must not know of HTTP.
 */
#include "http/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 256

static int
listen_on(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
					address->ai_protocol);

	if (fd < 0)
		return -1;
	(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* accepted connections inherit it: an answer must not wait for the client's delayed ACK */
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
	{
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int
listen_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *) &address, &length) != 0)
		return 0;
	/* The analyzer does not know that getsockname fills the address in. */
	if (address.ss_family == AF_INET6) /* NOLINT(clang-analyzer-core.*) */
		return ntohs(((struct sockaddr_in6 *) &address)->sin6_port);
	/* NOLINTNEXTLINE(clang-analyzer-core.*) */
	return ntohs(((struct sockaddr_in *) &address)->sin_port);
}

int
http_listen(const char *host, int port, int *bound_port, Failure *failure)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
							 .ai_socktype = SOCK_STREAM,
							 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char service[16];
	int error;
	int fd = -1;

	snprintf(service, sizeof(service), "%d", port);
	error = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &found);
	if (error != 0)
	{
		failure_set(failure, FAILURE_SYSTEM, "cannot listen on %s port %d: %s", host, port,
					gai_strerror(error));
		return -1;
	}
	for (struct addrinfo *address = found; address != NULL && fd < 0; address = address->ai_next)
		fd = listen_on(address);
	if (fd < 0)
		failure_set(failure, FAILURE_SYSTEM, "cannot listen on %s port %d: %s", host, port,
					strerror(errno));
	else
		*bound_port = listen_port(fd);
	freeaddrinfo(found);
	return fd;
}
