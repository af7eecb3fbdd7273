/*
 * http_listen.h
 *		Opens the sockets that the bridge listens on. Knows nothing of what is served there.
 */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/failure.h"

/*
 * A listening socket, not blocking, or -1 with a failure that names the address. host "*" = every
 * address; port 0 = any free one. *bound_port is the port in use.
 */
extern int http_listen(const char *host, int port, int *bound_port, Failure *failure);

#endif
