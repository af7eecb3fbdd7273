/*
 * tls_server.h
 *		The credentials with which TLS is served now, and when they end. Knows nothing of HTTP.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "base/event_loop.h"
#include "base/log.h"
#include "http/tls_credentials.h"

typedef struct TlsServer TlsServer;

/* Takes the credentials over, also on failure (NULL: out of memory). */
extern TlsServer *tls_server_new(EventLoop *loop, const Log *log, TlsCredentials *credentials);
extern void tls_server_free(TlsServer *server); /* NULL is fine */

/* For later connections; takes them over. Says in the log when they end soon. */
extern void tls_server_set(TlsServer *server, TlsCredentials *credentials);

/* Prepares a new session; what is returned is to be released after its end. NULL: refuse it. */
extern TlsCredentials *tls_server_begin(TlsServer *server, gnutls_session_t session);

#endif
