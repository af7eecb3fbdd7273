/*
 * config_table.c
 *		The table of settings: the only place where a setting is named; help, print, sample file and
 *		doc/reference.md are checked against it. Must not know how a value is read.
 */
#include "config/config_setting.h"

#include <string.h>

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define KB INT64_C(1024)
#define MB (1024 * KB)

#define TEXT(field) offsetof(Config, field), 0, 0, 0
#define ADDRESS(field, parsed) offsetof(Config, field), offsetof(Config, parsed), 0, 65535
#define NUMBER(field, low, high) offsetof(Config, field), 0, low, high

static const Setting settings[] = {
	{"database", SETTING_DATABASE, "", TEXT(database), false,
	 "PostgreSQL connection string or URI; empty: libpq's environment (PGHOST, PGSERVICE, ...)"},
	{"node_id", SETTING_UUID, "", TEXT(node_id), true,
	 "a UUID made once for this node; all of its bridges have the same one"},
	{"key_file", SETTING_TEXT, "", TEXT(key_file), true,
	 "Ed25519 private key (PEM) that signs what is sent; readable by the bridge only"},
	{"rsa_key_file", SETTING_TEXT, "", TEXT(rsa_key_file), false,
	 "RSA private key (PEM) that signs what goes to partners whose profile says RS256; published; "
	 "empty: nothing goes to them"},
	{"other_key_files", SETTING_FILES, "", TEXT(other_key_files), false,
	 "older and coming signing keys, Ed25519 or RSA (PEM, private or only public): published, "
	 "never "
	 "signed with"},
	{"encryption_key_files", SETTING_FILES, "", TEXT(encryption_key_files), false,
	 "EC or RSA private keys (PEM) that partners encrypt messages for; published"},
	{"listen", SETTING_ADDRESS, "127.0.0.1:8080", ADDRESS(listen, listen_address), false,
	 "address:port for partners; empty: send only, port 0: any free port"},
	{"ops_listen", SETTING_ADDRESS, "127.0.0.1:9080", ADDRESS(ops_listen, ops_address), false,
	 "address:port for /livez and /readyz; empty: none"},
	{"base_path", SETTING_BASE_PATH, "", TEXT(base_path), false,
	 "path before /registry/..., for example /namespace/v1.0.0"},
	{"allow_http", SETTING_BOOLEAN, "off", NUMBER(allow_http, 0, 1), false,
	 "also send to http:// addresses; for tests and closed networks"},
	{"ca_file", SETTING_TEXT, "", TEXT(ca_file), false,
	 "certificates (PEM) that partners' servers are checked with; empty: the system's"},
	{"tls_directory", SETTING_DIRECTORY, "", TEXT(tls_directory), false,
	 "NAME.crt, NAME.key (shown to a partner's server) and NAME.ca (checks it) of partners' "
	 "tls_name"},
	{"secrets_directory", SETTING_DIRECTORY, "", TEXT(secrets_directory), false,
	 "files with the secrets that partners gave us, named by secret_name of set_partner()"},
	{"callback_secret", SETTING_NAME, "", TEXT(callback_secret), false,
	 "file in secrets_directory, the same for all bridges of the node, whose secret makes "
	 "addresses "
	 "for partners that call without a token: issue_callback()"},
	{"wait_for_standby", SETTING_NAME, "", TEXT(wait_for_standby), false,
	 "application_name of a standby that must have on disk what is sent or acknowledged; "
	 "synchronous: one that the server calls so; empty: none"},
	{"state_directory", SETTING_DIRECTORY, "", TEXT(state_directory), false,
	 "journal of what partners were told, to outlive the database's server; empty: "
	 "STATE_DIRECTORY of systemd, else key_file with .told"},
	{"journal_days", SETTING_INTEGER, "7", NUMBER(journal_days, 1, 3650), false,
	 "how long it is kept: as old as a dump may be that is restored"},
	{"tls_cert_file", SETTING_TEXT, "", TEXT(tls_cert_file), false,
	 "certificate (PEM, then those that signed it) that listen serves TLS with; empty: plain HTTP"},
	{"tls_key_file", SETTING_TEXT, "", TEXT(tls_key_file), false,
	 "private key (PEM) of tls_cert_file; readable by the bridge only"},
	{"tls_client_ca_file", SETTING_TEXT, "", TEXT(tls_client_ca_file), false,
	 "certificates (PEM) of those who sign partners' client certificates"},
	{"tls_client_auth", SETTING_CLIENT_AUTH, "off", NUMBER(tls_client_auth, 0, 2), false,
	 "whether clients must show a certificate signed by tls_client_ca_file"},
	{"log_level", SETTING_LEVEL, "info", NUMBER(log_level, 0, 3), false,
	 "least important level that is logged"},
	{"allow_core_dumps", SETTING_BOOLEAN, "off", NUMBER(allow_core_dumps, 0, 1), false,
	 "let debuggers and core files have the bridge's memory, keys included"},
	{"poll_interval", SETTING_TIME, "5s", NUMBER(poll_interval_ms, 10, HOUR), false,
	 "how often to look for work when no doorbell rings"},
	{"connect_timeout", SETTING_TIME, "10s", NUMBER(connect_timeout_ms, 100, HOUR), false,
	 "longest time to connect to a partner"},
	{"send_timeout", SETTING_TIME, "30s", NUMBER(send_timeout_ms, 100, HOUR), false,
	 "longest time for one message to a partner, answer included"},
	{"request_timeout", SETTING_TIME, "10s", NUMBER(request_timeout_ms, 1000, HOUR), false,
	 "longest time a partner may take to send a request"},
	{"shutdown_timeout", SETTING_TIME, "30s", NUMBER(shutdown_timeout_ms, 0, HOUR), false,
	 "how long SIGTERM waits for what is in flight"},
	{"token_lifetime", SETTING_TIME, "1h", NUMBER(token_lifetime_ms, 60 * SECOND, 24 * HOUR), false,
	 "how long the tokens are good that partners get from us"},
	{"retry_base", SETTING_TIME, "10s", NUMBER(retry_base_ms, 1, HOUR), false,
	 "wait before the first retry, doubled for each further one, with jitter"},
	{"retry_cap", SETTING_TIME, "6h", NUMBER(retry_cap_ms, 1, 24 * HOUR), false,
	 "longest wait between two attempts"},
	{"max_body", SETTING_SIZE, "1MB", NUMBER(max_body, KB, 64 * MB), false,
	 "largest request body, except notify and answers to our own requests"},
	{"max_notify_body", SETTING_SIZE, "10MB", NUMBER(max_notify_body, KB, 256 * MB), false,
	 "largest body of a notify or of an answer, received or sent"},
	{"max_lanes", SETTING_INTEGER, "64", NUMBER(max_lanes, 1, 1000), false,
	 "messages that are under way at the same time, at most four of them to one partner"},
	{"max_connections", SETTING_INTEGER, "512", NUMBER(max_connections, 16, 10000), false,
	 "connections of clients at the same time; the slowest makes room for a new one"},
	{"max_connections_per_address", SETTING_INTEGER, "64",
	 NUMBER(max_connections_per_address, 0, 10000), false,
	 "of them from one address; 0: no limit, as behind a proxy of yours"},
	{"http_sessions", SETTING_INTEGER, "4", NUMBER(http_sessions, 1, 32), false,
	 "database connections for received messages, and so many again for immediate answers"},
	{"rate_limit", SETTING_INTEGER, "500", NUMBER(rate_limit, 0, 100000), false,
	 "requests per second that are taken from one client of a partner; 0: any number"},
	{"rate_burst", SETTING_INTEGER, "1000", NUMBER(rate_burst, 1, 100000), false,
	 "requests that one client may send at once before rate_limit counts"},
	{"check_share", SETTING_INTEGER, "25", NUMBER(check_share, 0, 100), false,
	 "percent of a processor's time for checking one partner's messages; 0: any"},
	{"answer_share", SETTING_INTEGER, "50", NUMBER(answer_share, 0, 100), false,
	 "percent of a session's time for one partner's immediate answers while others ask as well; "
	 "0: any"},
	{"routing_chunk", SETTING_INTEGER, "1000", NUMBER(routing_chunk, 1, 100000), false,
	 "changes routed in one transaction"},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

_Static_assert(SETTING_COUNT <= CONFIG_MAX_SETTINGS, "Config.sources is too short");

const Setting *
config_settings(size_t *count)
{
	*count = SETTING_COUNT;
	return settings;
}

const Setting *
config_setting_find(const char *name)
{
	size_t i;

	for (i = 0; i < SETTING_COUNT; i++)
	{
		const char *have = settings[i].name;
		const char *want = name;

		while (*have != '\0' && (*have == *want || (*have == '_' && *want == '-')))
			have++, want++;
		if (*have == '\0' && *want == '\0')
			return &settings[i];
	}
	return NULL;
}
