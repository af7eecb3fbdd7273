/*
 * pg_connect.c
 *		The only file that opens a PGconn: what holds for all our connections. Must not wait.
 */
#include "database/pg_connect.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The server drops a bridge that was stopped or cut off, and so its locks: pg_session's heartbeats
 * come several times as often. What is not acknowledged for so long is lost for the bridge, too.
 */
#define IDLE_LIMIT_MS 7000
#define UNACKNOWLEDGED_MS "7000"

/* A SYN is sent again after one second, and after three. */
#define SYN_MS 3500

/*
 * What a session of ours needs, whatever was set for the server, the database or the role. How
 * durable a commit is stands in the functions (commit_durably()): remote_apply may be wanted, and
 * is not known here. Statements are many and short; compiling one would cost more than it saves.
 */
#define SESSION_NEEDS                                                                              \
	" -c default_transaction_isolation=read\\ committed"                                           \
	" -c default_transaction_read_only=off"                                                        \
	" -c default_transaction_deferrable=off"                                                       \
	" -c lock_timeout=0"                                                                           \
	" -c search_path=pg_catalog,pg_temp"                                                           \
	" -c row_security=on"                                                                          \
	" -c standard_conforming_strings=on"                                                           \
	" -c backslash_quote=safe_encoding"                                                            \
	" -c quote_all_identifiers=off"                                                                \
	" -c transform_null_equals=off"                                                                \
	" -c array_nulls=on"                                                                           \
	" -c IntervalStyle=postgres"                                                                   \
	" -c extra_float_digits=1"                                                                     \
	" -c bytea_output=hex"                                                                         \
	" -c xmlbinary=base64"                                                                         \
	" -c plan_cache_mode=auto"                                                                     \
	" -c default_table_access_method=heap"                                                         \
	" -c default_tablespace="                                                                      \
	" -c temp_tablespaces="                                                                        \
	" -c client_min_messages=notice"                                                               \
	" -c jit=off"

/* The operator's own server options first: ours come later and win. */
char *
pg_connect_options(const char *conninfo, int statement_timeout_ms)
{
	PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
	const char *theirs = getenv("PGOPTIONS");
	char *options = NULL;

	for (PQconninfoOption *option = parsed; option != NULL && option->keyword != NULL; option++)
		if (strcmp(option->keyword, "options") == 0 && option->val != NULL)
			theirs = option->val;
	if (asprintf(&options,
				 "%s" SESSION_NEEDS " -c statement_timeout=%d -c idle_session_timeout=%d "
				 "-c idle_in_transaction_session_timeout=%d",
				 theirs != NULL ? theirs : "", statement_timeout_ms, IDLE_LIMIT_MS,
				 IDLE_LIMIT_MS) < 0)
		options = NULL;
	PQconninfoFree(parsed);
	return options;
}

/* Whatever the server says in passing may carry values of somebody's row. */
static void
connect_ignore_notice(void *context, const PGresult *result)
{
	(void) context;
	(void) result;
}

PGconn *
pg_connect_start(const char *conninfo, const PgHosts *hosts, const char *options,
				 const char *application_name)
{
	/* what stands before dbname can be overruled by the operator's text, what follows cannot */
	const char *const keywords[] = {"keepalives_idle",
									"keepalives_interval",
									"keepalives_count",
									"tcp_user_timeout",
									"target_session_attrs",
									"application_name",
									"dbname",
									"host",
									"hostaddr",
									"port",
									"client_encoding",
									"options",
									NULL};
	const char *const values[] = {"5",
								  "1",
								  "2",
								  UNACKNOWLEDGED_MS,
								  "read-write",
								  application_name,
								  conninfo,
								  pg_hosts_names(hosts),
								  pg_hosts_addresses(hosts),
								  pg_hosts_ports(hosts),
								  "UTF8",
								  options,
								  NULL};

	PGconn *conn = PQconnectStartParams(keywords, values, 1);

	PQsetNoticeReceiver(conn, connect_ignore_notice, NULL);
	return conn;
}

int
pg_connect_patience_ms(const PGconn *conn, const PgHosts *hosts, int timeout_ms)
{
	bool is_taken = PQstatus(conn) != CONNECTION_STARTED;

	return pg_hosts_count(hosts) > 1 && !is_taken && timeout_ms > SYN_MS ? SYN_MS : timeout_ms;
}

bool
pg_connect_is_dead(const PGconn *conn, const PGresult *answer)
{
	const char *severity;

	if (PQstatus(conn) == CONNECTION_BAD)
		return true;
	severity = PQresultErrorField(answer, PG_DIAG_SEVERITY_NONLOCALIZED);
	return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

bool
pg_connect_rang(PGconn *conn)
{
	bool rang = false;
	PGnotify *notification;

	while ((notification = PQnotifies(conn)) != NULL)
	{
		PQfreemem(notification);
		rang = true;
	}
	return rang;
}

/* What was written before the end may still be unread: libpq would not see the end yet. */
bool
pg_connect_is_open(const PGconn *conn)
{
	struct pollfd connection = {.fd = PQsocket(conn), .events = POLLRDHUP};

	return poll(&connection, 1, 0) == 0;
}
