/*
 * listeners.h
 *		The addresses that we listen on: one for partners, with or without TLS, one for operations.
 *		Knows what is served where, not how it is answered.
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include "api/api.h"
#include "config/config.h"
#include "http/tls_credentials.h"

typedef struct Listeners Listeners;

/* NULL with a failure that names the address or the file. The config is needed only meanwhile. */
extern Listeners *listeners_new(EventLoop *loop, const Log *log, const Config *config, Api *api,
								Failure *failure);
extern void listeners_free(Listeners *listeners); /* every request must be answered */

/* Accept no more connections of partners; operations are still served. */
extern void listeners_close(Listeners *listeners);

extern int listeners_pending(const Listeners *listeners); /* partners' requests not yet answered */
extern int listeners_port(const Listeners *listeners);
extern int listeners_ops_port(const Listeners *listeners);

/* Takes the credentials over (NULL is fine): new connections get them. */
extern void listeners_set_tls(Listeners *listeners, TlsCredentials *credentials);

#endif
