/*
 * pg_connect.h
 *		How every connection of the bridge is opened. Knows nothing of what it is for.
 */
#ifndef PG_CONNECT_H
#define PG_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "database/pg_hosts.h"

/* The server's settings for our sessions, behind the operator's own; NULL when out of memory. */
extern char *pg_connect_options(const char *conninfo, int statement_timeout_ms);

/* Begins to connect, without waiting; as PQconnectStartParams. */
extern PGconn *pg_connect_start(const char *conninfo, const PgHosts *hosts, const char *options,
								const char *application_name);

/*
 * How long to wait for what comes next of a connection that is being made. Of several servers one
 * that does not even take the connection is not waited for as long as the others.
 */
extern int pg_connect_patience_ms(const PGconn *conn, const PgHosts *hosts, int timeout_ms);

/* The connection is over, or the server ends it with this answer. */
extern bool pg_connect_is_dead(const PGconn *conn, const PGresult *answer);

/* Whether a notification has come; all that have are taken. */
extern bool pg_connect_rang(PGconn *conn);

/* Has the other side not closed it, as the kernel knows at this moment? */
extern bool pg_connect_is_open(const PGconn *conn);

#endif
