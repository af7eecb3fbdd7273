/*
 * setup_check.c
 *		--check-config: the key, the connection, the extension, the rights, and that nothing stands
 *		between us and the server. Calls none of the functions of casesync that do something.
 */
#include "setup_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/event_loop.h"
#include "base/iso_time.h"
#include "database/extension_version.h"
#include "database/pg_session.h"
#include "key/key_ring.h"
#include "http/tls_credentials.h"

#define CHECK_MS 15000

typedef struct SetupCheck
{
	FILE *stream;
	EventLoop *loop;
	PgSession *session;
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
	KeyRing *keys = NULL;
	Failure failure;
	char what[128];

	if (key_ring_load(config->key_file, config->other_key_files, config->encryption_key_files,
					  &keys, &failure))
	{
		snprintf(what, sizeof(what), "signing key %s", signing_key_kid(key_ring_signing(keys)));
		check_say(check, true, what, "");
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
check_versions(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;
	const char *advice = result == NULL ? failure->text : PQgetvalue(result, 0, 0);
	Failure mismatch;
	bool works = result != NULL && PQgetisnull(result, 0, 0);

	event_loop_stop(check->loop);
	if (works && !extension_version_check(PQgetvalue(result, 0, 1), EXTENSION_OLDEST, &mismatch))
	{
		works = false;
		advice = mismatch.text;
	}
	check_say(check, works, "bridge " CASESYNC_VERSION " and the extension work together", advice);
}

/* The one function that is called: it only says what bridge_start() would. */
static void
check_ask_versions(SetupCheck *check)
{
	const PgParam params[] = {PG_TEXT(CASESYNC_VERSION)};
	Failure failure;

	if (!pg_session_query(
			check->session,
			"SELECT casesync_internal.bridge_refusal(version => $1::text), e.extversion"
			" FROM pg_catalog.pg_extension e WHERE e.extname = 'casesync'",
			1, params, check_versions, check, &failure))
		check_versions(check, NULL, &failure);
}

static void
check_functions(void *context, const PGresult *result, const Failure *failure)
{
	SetupCheck *check = context;
	char what[128];

	if (result == NULL)
	{
		check_say(check, false, "functions of casesync", failure->text);
		event_loop_stop(check->loop);
		return;
	}
	for (int row = 0; row < PQntuples(result); row++)
	{
		bool exists = PQgetvalue(result, row, 1)[0] == 't';

		snprintf(what, sizeof(what), "function casesync_internal.%s", PQgetvalue(result, row, 0));
		check_say(check, PQgetvalue(result, row, 2)[0] == 't', what,
				  exists ? "this role may not call it; as an administrator run"
						   " SELECT casesync.grant_access('ROLE', 'bridge')"
						 : "it does not exist; install or update the extension casesync");
	}
	check_ask_versions(check);
}

static void
check_ask_functions(SetupCheck *check)
{
	Failure failure;

	if (!pg_session_query(
			check->session,
			"SELECT w.name, p.oid IS NOT NULL,"
			" coalesce(pg_catalog.has_function_privilege(p.oid, 'EXECUTE')"
			" AND pg_catalog.has_schema_privilege(p.pronamespace, 'USAGE'), false)"
			" FROM "
			"pg_catalog.unnest('{bridge_start,bridge_refusal,lock_router,lock_lane,unlock_lane,"
			"route,"
			"apply_inbox,lanes,take,record_outcome,authenticate,check_client,receive,"
			"answer_now,work_requests,token_issuers}'::text[]) AS w(name)"
			" LEFT JOIN pg_catalog.pg_proc p ON p.proname = w.name AND p.pronamespace ="
			" (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'casesync_internal')",
			0, NULL, check_functions, check, &failure))
		check_functions(check, NULL, &failure);
}

/* The process that announced itself must be the one that answers. */
static void
check_pooler(SetupCheck *check, const char *answering_pid)
{
	bool is_direct = strtol(answering_pid, NULL, 10) == pg_session_backend_pid(check->session);

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
	check_pooler(check, PQgetvalue(result, 0, 0));
	snprintf(what, sizeof(what), "server version %s", PQgetvalue(result, 0, 1));
	check_say(check, PQgetvalue(result, 0, 2)[0] == 't', what, "PostgreSQL 15 or later is needed");
	check_say(check, PQgetvalue(result, 0, 3)[0] == 't', "database encoding UTF8",
			  "casesync works in UTF8 databases only");
	snprintf(what, sizeof(what), "extension casesync %s", PQgetvalue(result, 0, 4));
	check_say(check, !PQgetisnull(result, 0, 4), what,
			  "it is not in this database; run CREATE EXTENSION casesync there");
	if (PQgetisnull(result, 0, 4))
		event_loop_stop(check->loop);
	else
		check_ask_functions(check);
}

static void
check_connected(void *context)
{
	SetupCheck *check = context;
	Failure failure;

	check_say(check, true, "connection to the database", "");
	if (!pg_session_query(
			check->session,
			"SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version'),"
			" pg_catalog.current_setting('server_version_num')::integer >= 150000,"
			" pg_catalog.current_setting('server_encoding') = 'UTF8',"
			" (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'casesync')",
			0, NULL, check_server, check, &failure))
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
	Timer *timer = timer_new(check->loop, check_expire, check);
	bool ok = false;

	if (timer != NULL)
		check->session = pg_session_new(check->loop, &log, &settings, &handlers, check, failure);
	if (check->session != NULL)
	{
		timer_set(timer, CHECK_MS);
		ok = event_loop_run(check->loop, failure);
	}
	pg_session_free(check->session);
	timer_free(timer);
	return ok;
}

bool
setup_check(const Config *config, FILE *stream)
{
	SetupCheck check = {.stream = stream, .all_ok = true};
	Failure failure = {FAILURE_MEMORY, "out of memory"};

	check_say(&check, true, "settings", "");
	check_key(&check, config);
	check_tls(&check, config);
	check.loop = event_loop_new(&failure);
	if (check.loop == NULL || !check_database(&check, config, &failure))
		check_say(&check, false, "check of the database", failure.text);
	event_loop_free(check.loop);
	return check.all_ok;
}
