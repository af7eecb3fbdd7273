/*
 * setup_check.c
 *		--check-config: the key, secrets, ports, the connection, the extension, every call that the
 *		bridge makes, and that nothing stands between us and the server; then whether this bridge
 *		would be the node's, and one turn of routing, which is undone.
 */
#include "setup_check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/iso_time.h"
#include "base/secret_file.h"
#include "database/extension_version.h"
#include "database/pg_row.h"
#include "database/pg_session.h"
#include "database/sql_call.h"
#include "http/http_listen.h"
#include "http/tls_credentials.h"
#include "key/key_jwk.h"
#include "key/key_ring.h"
#include "net/tls_files.h"
#include "token/callback_address.h"

#define CHECK_MS 15000		/* for a connection, and a statement */
#define CHECK_WAIT_MS 20000 /* the server says itself that a statement took too long */
#define NAMES_LIMIT 4096
#define STATEMENT_LIMIT 2048

typedef struct SetupCheck
{
	FILE *stream;
	const Config *config;
	char kid[KEY_THUMBPRINT_SIZE]; /* of the signing key, "" without one */
	EventLoop *loop;
	Timer *timer; /* set anew for each part that may take its time */
	PgSession *session;
	int prepared; /* calls that the server has judged */
	int fitting;  /* calls among them that it would take */
	char extension_version[64];
	bool all_ok;
} SetupCheck;

static void
check_say(SetupCheck *check, bool ok, const char *what, const char *advice)
{
	if (ok)
		fprintf(check->stream, "ok      %s\n", what);
	else
		fprintf(check->stream, "not ok  %s: %s\n", what, advice);
	check->all_ok = check->all_ok && ok;
}

static void
check_key(SetupCheck *check, const Config *config)
{
	const KeyFiles files = {config->key_file, config->rsa_key_file, config->other_key_files,
							config->encryption_key_files};
	KeyRing *keys = NULL;
	Failure failure;
	char what[128];

	if (key_ring_load(&files, &keys, &failure))
	{
		snprintf(check->kid, sizeof(check->kid), "%s", signing_key_kid(key_ring_signing(keys)));
		snprintf(what, sizeof(what), "signing key %s", check->kid);
		check_say(check, true, what, "");
		if (key_ring_rsa(keys) != NULL)
		{
			snprintf(what, sizeof(what), "RSA signing key %s", signing_key_kid(key_ring_rsa(keys)));
			check_say(check, true, what, "");
		}
	}
	else
		check_say(check, false, "signing key", failure.text);
	key_ring_free(keys);
}

static void
check_tls(SetupCheck *check, const Config *config)
{
	TlsCredentials *credentials = NULL;
	char what[128] = "TLS is not served";
	char end[ISO_TIME_SIZE];
	Failure failure;

	if (!tls_credentials_load(config, &credentials, &failure))
	{
		check_say(check, false, "TLS", failure.text);
		return;
	}
	if (credentials != NULL)
	{
		iso_time_format(tls_credentials_end(credentials), end);
		snprintf(what, sizeof(what), "TLS certificate, good until %s", end);
	}
	check_say(check, credentials == NULL || tls_credentials_end(credentials) > iso_time_now(), what,
			  "it is over; get a new one");
	tls_credentials_release(credentials);
}

static void
check_tls_directory(SetupCheck *check, const Config *config)
{
	Failure failure = {FAILURE_NONE, ""};

	if (config->tls_directory[0] != '\0')
		check_say(check, tls_files_check(config->tls_directory, &failure),
				  "keys for TLS with partners", failure.text);
}

static void
check_secrets(SetupCheck *check, const Config *config)
{
	Failure failure = {FAILURE_NONE, ""};

	if (config->secrets_directory[0] != '\0')
		check_say(check, secret_files_check(config->secrets_directory, &failure),
				  "secrets for tokens of partners", failure.text);
	if (config->callback_secret[0] != '\0')
		check_say(check, callback_address_check(config, &failure),
				  "secret for addresses of partners", failure.text);
}

/* In use is no fault: it may well be by the bridge that runs while its settings are looked at. */
static void
check_port(SetupCheck *check, const ConfigAddress *address, const char *name)
{
	Failure failure;
	char what[512];
	int port;
	int fd;

	if (!address->enabled)
		return;
	fd = http_listen(address->host, address->port, &port, &failure);
	snprintf(what, sizeof(what), "%s, %s port %d", name, address->host, address->port);
	if (fd < 0 && strstr(failure.text, strerror(EADDRINUSE)) != NULL)
		fprintf(check->stream, "note    %s: in use, by this bridge or something else\n", what);
	else
		check_say(check, fd >= 0, what, fd < 0 ? failure.text : "");
	if (fd >= 0)
		close(fd);
}

/* What the undone turn of routing has said, and the end of the check. */
static void
check_routed(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;

	check_say(check, result != NULL, "a turn of routing", result == NULL ? failure->text : "");
	event_loop_stop(check->loop);
}

static void
check_is_router(void *context, const PGresult *result, const Failure *failure)
{
	static const PgParam params[] = {PG_TEXT("1")};
	SetupCheck *check = context;
	Failure problem = {FAILURE_NONE, ""};

	if (result != NULL && !pg_row_is_true(result, 0, 0))
		fprintf(check->stream, "note    a turn of routing: another bridge is at it\n");
	else if (result != NULL && pg_session_query(check->session, SQL_CALL(CALL_ROUTE), params,
												check_routed, check, &problem))
		return;
	else
		check_say(check, false, "a turn of routing",
				  failure != NULL ? failure->text : problem.text);
	event_loop_stop(check->loop);
}

static void
check_ignore(void *context, const PGresult *result, const Failure *failure)
{
	(void) context;
	(void) result;
	(void) failure;
}

/* In a transaction that nobody commits: it ends with the session. */
static void
check_ask_to_route(SetupCheck *check)
{
	static const PgStatement begin = {"BEGIN", 0};
	Failure failure;

	timer_set(check->timer, CHECK_WAIT_MS);
	if (pg_session_query(check->session, &begin, NULL, check_ignore, check, &failure) &&
		pg_session_query(check->session, SQL_CALL(CALL_LOCK_ROUTER), NULL, check_is_router, check,
						 &failure))
		return;
	check_say(check, false, "a turn of routing", failure.text);
	event_loop_stop(check->loop);
}

static void
check_rehearsed(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;

	if (result == NULL)
		check_say(check, false, "what the node says", failure->text);
	for (int row = 0; result != NULL && row < PQntuples(result); row++)
		check_say(check, pg_row_text(result, row, 1) == NULL, pg_row_word(result, row, 0),
				  pg_row_word(result, row, 1));
	if (result != NULL)
		check_ask_to_route(check);
	else
		event_loop_stop(check->loop);
}

static void
check_ask_node(SetupCheck *check)
{
	const PgParam params[] = {PG_TEXT(check->config->node_id), PG_TEXT(check->kid)};
	Failure failure;

	timer_set(check->timer, CHECK_WAIT_MS);
	if (!pg_session_query(check->session, SQL_CALL(CALL_BRIDGE_REHEARSAL), params, check_rehearsed,
						  check, &failure))
		check_rehearsed(check, NULL, &failure);
}

static void
check_functions(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;
	char what[128];

	if (result == NULL)
		check_say(check, false, "functions of casesync", failure->text);
	/* every one is told, so that one look finds all that is missing */
	for (int row = 0; result != NULL && row < PQntuples(result); row++)
	{
		bool exists = pg_row_is_true(result, row, 1);

		snprintf(what, sizeof(what), "function %s", pg_row_word(result, row, 0));
		check_say(check, pg_row_is_true(result, row, 2), what,
				  exists ? "this role may not call it; as an administrator run"
						   " SELECT casesync.grant_access('ROLE', 'bridge')"
						 : "it does not exist; install or update the extension casesync");
	}
}

/* Existence and the right to call, by name: what cannot be told from preparing a statement. */
static bool
check_ask_functions(SetupCheck *check, Failure *failure)
{
	static const PgStatement statement = {
		"SELECT w.name, p.oid IS NOT NULL,"
		" coalesce(pg_catalog.has_function_privilege(p.oid, 'EXECUTE')"
		" AND pg_catalog.has_schema_privilege(p.pronamespace, 'USAGE'), false)"
		" FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS w(name, number)"
		" LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = pg_catalog.split_part(w.name, '.', 1)"
		" LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid"
		" AND p.proname = pg_catalog.split_part(w.name, '.', 2) ORDER BY w.number",
		1};
	PgParam param;
	Buffer names;
	bool ok;

	buffer_init(&names, NAMES_LIMIT);
	for (int i = 0; i < CALL_COUNT; i++)
		(void) buffer_printf(&names, "%c%s", i == 0 ? '{' : ',', sql_calls[i].function);
	(void) buffer_append_char(&names, '}');
	param = PG_TEXT(names.data);
	ok = pg_session_query(check->session, &statement, &param, check_functions, check, failure);
	buffer_free(&names);
	return ok;
}

static void
check_versions(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;
	const char *advice = result == NULL ? failure->text : pg_row_word(result, 0, 0);
	Failure mismatch;
	bool works = result != NULL && pg_row_text(result, 0, 0) == NULL;

	if (works && !extension_version_check(check->extension_version, EXTENSION_OLDEST, &mismatch))
	{
		works = false;
		advice = mismatch.text;
	}
	check_say(check, works, "bridge " CASESYNC_VERSION " and the extension work together", advice);
	if (works && check->fitting == CALL_COUNT)
		check_ask_node(check);
	else
		event_loop_stop(check->loop);
}

/* Says only what bridge_start() would. */
static void
check_ask_versions(SetupCheck *check)
{
	const PgParam params[] = {PG_TEXT(CASESYNC_VERSION)};
	Failure failure;

	if (!pg_session_query(check->session, SQL_CALL(CALL_BRIDGE_REFUSAL), params, check_versions,
						  check, &failure))
		check_versions(check, NULL, &failure);
}

static void
check_prepared(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;

	if (result == NULL)
		check_say(check, false, sql_calls[check->prepared].function, failure->text);
	else
		check->fitting++;
	/* queued together, they come back one after another: the last answer ends the check */
	if (++check->prepared < CALL_COUNT)
		return;
	check_say(check, check->fitting == CALL_COUNT, "the bridge's calls fit the extension",
			  "bridge and extension must be of versions that work together");
	check_ask_versions(check);
}

/* Names and types of parameters and columns, without calling anything. */
static bool
check_ask_to_prepare(SetupCheck *check, Failure *failure)
{
	bool ok = true;

	for (int i = 0; ok && i < CALL_COUNT; i++)
	{
		PgStatement statement = {0};
		Buffer sql;

		/* the session copies the statement, so one buffer after another is enough */
		buffer_init(&sql, STATEMENT_LIMIT);
		ok = buffer_printf(&sql, "PREPARE call_%d AS %s", i, sql_calls[i].statement.sql);
		statement.sql = sql.data;
		ok = ok &&
			 pg_session_query(check->session, &statement, NULL, check_prepared, check, failure);
		buffer_free(&sql);
	}
	return ok;
}

static void
check_calls(SetupCheck *check)
{
	Failure failure = {FAILURE_MEMORY, "out of memory"};

	if (check_ask_functions(check, &failure) && check_ask_to_prepare(check, &failure))
		return;
	check_say(check, false, "functions of casesync", failure.text);
	event_loop_stop(check->loop);
}

/* The process that announced itself must be the one that answers. */
static void
check_pooler(SetupCheck *check, int64_t answering_pid)
{
	bool is_direct = answering_pid == pg_session_backend_pid(check->session);

	check_say(check, is_direct, "direct connection to the server",
			  "a connection pooler stands in between; LISTEN and session locks need a connection "
			  "of their own, so name the server itself in \"database\"");
}

static void
check_server(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;
	char what[128];

	if (result == NULL)
	{
		check_say(check, false, "server", failure->text);
		event_loop_stop(check->loop);
		return;
	}
	check_pooler(check, pg_row_number(result, 0, 0));
	snprintf(what, sizeof(what), "server version %s", pg_row_word(result, 0, 1));
	check_say(check, pg_row_is_true(result, 0, 2), what, "PostgreSQL 15 or later is needed");
	check_say(check, pg_row_is_true(result, 0, 3), "database encoding UTF8",
			  "casesync works in UTF8 databases only");
	snprintf(check->extension_version, sizeof(check->extension_version), "%s",
			 pg_row_word(result, 0, 4));
	snprintf(what, sizeof(what), "extension casesync %s", check->extension_version);
	check_say(check, pg_row_text(result, 0, 4) != NULL, what,
			  "it is not in this database; run CREATE EXTENSION casesync there");
	if (pg_row_text(result, 0, 4) == NULL)
		event_loop_stop(check->loop);
	else
		check_calls(check);
}

static void
check_connected(void *context)
{
	static const PgStatement statement = {
		"SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version'),"
		" pg_catalog.current_setting('server_version_num')::integer >= 150000,"
		" pg_catalog.current_setting('server_encoding') = 'UTF8',"
		" (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'casesync')",
		0};
	SetupCheck *check = context;
	Failure failure;

	check_say(check, true, "connection to the database", "");
	if (!pg_session_query(check->session, &statement, NULL, check_server, check, &failure))
		check_server(check, NULL, &failure);
}

static void
check_refused(void *context, const char *why)
{
	SetupCheck *check = context;
	Failure failure;

	failure_set(&failure, FAILURE_DATABASE, "%s", why);
	check_say(check, false, "connection to the database", failure.text);
	event_loop_stop(check->loop);
}

static void
check_expire(void *context)
{
	SetupCheck *check = context;

	check_say(check, false, "answer of the database", "none came in time");
	event_loop_stop(check->loop);
}

static bool
check_database(SetupCheck *check, const Config *config, Failure *failure)
{
	const Log log = log_open(-1, LOG_LEVEL_ERROR); /* what happens is said in our own words */
	const PgSessionHandlers handlers = {.connected = check_connected, .refused = check_refused};
	const PgSessionSettings settings = {.conninfo = config->database,
										.name = "check",
										.connect_timeout_ms = CHECK_MS,
										.statement_timeout_ms = CHECK_MS};
	bool ok = false;

	check->timer = timer_new(check->loop, check_expire, check);
	if (check->timer != NULL)
		check->session = pg_session_new(check->loop, &log, &settings, &handlers, check, failure);
	if (check->session != NULL)
	{
		timer_set(check->timer, CHECK_WAIT_MS);
		ok = event_loop_run(check->loop, failure);
	}
	pg_session_free(check->session);
	timer_free(check->timer);
	return ok;
}

bool
setup_check(const Config *config, FILE *stream)
{
	SetupCheck check = {.stream = stream, .config = config, .all_ok = true};
	Failure failure = {FAILURE_MEMORY, "out of memory"};

	check_say(&check, true, "settings", "");
	check_key(&check, config);
	check_tls(&check, config);
	check_tls_directory(&check, config);
	check_secrets(&check, config);
	check_port(&check, &config->listen_address, "listen");
	check_port(&check, &config->ops_address, "ops_listen");
	check.loop = event_loop_new(&failure);
	if (check.loop == NULL || !check_database(&check, config, &failure))
		check_say(&check, false, "check of the database", failure.text);
	event_loop_free(check.loop);
	return check.all_ok;
}
