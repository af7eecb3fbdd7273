/*
 * pg_hosts.h
 *		The servers of a connection string that names several, and whose turn it is to be asked
 *		first. libpq goes on to the next where a server refuses; nobody but us where one is silent.
 */
#ifndef PG_HOSTS_H
#define PG_HOSTS_H

#include <stdbool.h>

typedef struct PgHosts PgHosts;

/* Of a connection string, or of libpq's environment where it names none; NULL: out of memory. */
extern PgHosts *pg_hosts_new(const char *conninfo);
extern void pg_hosts_free(PgHosts *hosts);

extern int pg_hosts_count(const PgHosts *hosts); /* 1 also where nothing is named */

/*
 * The lists as libpq takes them, beginning with whose turn it is; NULL where there is nothing to
 * choose. They are good until pg_hosts_pass() and pg_hosts_free().
 */
extern const char *pg_hosts_names(const PgHosts *hosts);
extern const char *pg_hosts_addresses(const PgHosts *hosts);
extern const char *pg_hosts_ports(const PgHosts *hosts);

/* The server of this name (or address) and port is silent: whoever stands behind it is next. */
extern void pg_hosts_pass(PgHosts *hosts, const char *name, const char *port);

#endif
