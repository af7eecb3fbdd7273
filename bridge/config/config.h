/*
 * config.h
 *		All settings of the bridge, read once into one const struct: default, then file, then
 *		environment, then flags. Does not open what it names (database, key file, sockets).
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/failure.h"
#include "base/log.h"

/* Where to listen; host is a name or address without brackets. Not enabled = do not serve. */
typedef struct ConfigAddress
{
	bool enabled;
	char host[256];
	int port;
} ConfigAddress;

#define CONFIG_MAX_SETTINGS 64

typedef enum ConfigClientAuth
{
	CONFIG_CLIENT_AUTH_OFF = 0,
	CONFIG_CLIENT_AUTH_OPTIONAL,
	CONFIG_CLIENT_AUTH_REQUIRED
} ConfigClientAuth;

typedef struct Config
{
	char *config_file;	   /* NULL when none was named */
	char *database;		   /* conninfo or URI, "" = libpq's own environment and defaults */
	char *node_id;		   /* UUID, lower case; required */
	char *key_file;		   /* Ed25519 private key (PEM); required */
	char *rsa_key_file;	   /* likewise RSA, or "" */
	char *other_key_files; /* lists of paths, separated by commas */
	char *encryption_key_files;
	char *listen; /* as written; parsed in listen_address */
	char *ops_listen;
	char *base_path;	 /* "" or "/something", no slash at the end */
	char *ca_file;		 /* "" = the system's certificates */
	char *tls_directory; /* files for TLS with single partners; "" = none */
	ConfigAddress listen_address;
	ConfigAddress ops_address;
	char *secrets_directory; /* "" = none */
	char *callback_secret;	 /* "" = none */
	char *wait_for_standby;	 /* "" = none */
	char *state_directory;	 /* "" = where there is one by default */
	int journal_days;
	bool allow_http;	 /* may POST to http:// addresses */
	char *tls_cert_file; /* "" = plain HTTP on listen */
	char *tls_key_file;
	char *tls_client_ca_file; /* "" = clients are not asked for certificates */
	ConfigClientAuth tls_client_auth;
	LogLevel log_level;
	bool allow_core_dumps;		 /* keys in memory may be read by whoever may debug us */
	int64_t poll_interval_ms;	 /* backstop: look even if no doorbell rang */
	int64_t connect_timeout_ms;	 /* partner: TCP and TLS */
	int64_t send_timeout_ms;	 /* partner: whole POST with its answer */
	int64_t request_timeout_ms;	 /* inbound: time a client has for its request */
	int64_t shutdown_timeout_ms; /* SIGTERM: how long what is in flight may take */
	int64_t token_lifetime_ms;	 /* of the tokens that we give */
	int64_t retry_base_ms;		 /* first backoff step */
	int64_t retry_cap_ms;		 /* longest backoff step */
	int64_t max_body;			 /* bytes of an inbound request */
	int64_t max_notify_body;	 /* bytes of an inbound notify, and of what we send */
	int max_lanes;				 /* lanes in flight at one time */
	int max_connections;
	int max_connections_per_address; /* 0 = no limit */
	int http_sessions; /* database connections for inbound requests, and for answers */
	int rate_limit;	   /* requests per second of one client; 0 = any number */
	int rate_burst;	   /* and so many at once */
	int check_share;   /* percent of a processor's time for one partner's messages; 0 = any */
	int answer_share;  /* percent of a database session's time; likewise */
	int routing_chunk; /* casesync_internal.route(max_changes) */
	unsigned char sources[CONFIG_MAX_SETTINGS]; /* where each came from, for config_print */
} Config;

typedef enum ConfigCommand
{
	CONFIG_RUN,
	CONFIG_CHECK,		   /* --check-config */
	CONFIG_PRINT,		   /* --print-config */
	CONFIG_PRINT_KEY,	   /* --print-key */
	CONFIG_PRINT_CALLBACK, /* --print-callback */
	CONFIG_HELP,		   /* --help: the settings are not read */
	CONFIG_VERSION		   /* --version: likewise */
} ConfigCommand;

/*
 * Read everything. environment is `environ`; argv[0] is skipped. On true, *config is set (NULL
 * only for CONFIG_HELP and CONFIG_VERSION) and the caller frees it with config_free. On false,
 * failure names the setting, where it came from (file and line, variable or flag) and what is
 * allowed. For what only prints, required settings may be missing. Also used for
 * SIGHUP: load anew, swap only when true.
 */
extern bool config_load(int argc, char *const argv[], char *const environment[], Config **config,
						ConfigCommand *command, Failure *failure);
extern void config_free(Config *config);

/* The name of a setting that differs but counts for as long as the process lives, or NULL. */
extern const char *config_find_fixed(const Config *a, const Config *b);

/* The settings in force, as a file that can be read again; passwords are masked as ********. */
extern void config_print(const Config *config, FILE *stream);

/* Usage, commands, and every setting with default, range and description. */
extern void config_help(FILE *stream);

#endif /* CONFIG_H */
