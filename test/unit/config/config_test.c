/*
 * config_test.c
 *		Settings: precedence, every refusal with its reason, masking, and that table, help and
 *		sample file say the same.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_setting.h"
#include "tap.h"
#include "test_key.h"

#define NODE "6f9619ff-8b86-4011-b42d-00c04fc964ff"

static char *const no_environment[] = {NULL};

/* Load with the required settings given and one more flag. */
static bool
load(const char *flag, char *const environment[], Config **config, Failure *failure)
{
	char *argv[] = {"casesync-bridge", "--node-id=" NODE, "--key-file=/k", (char *) flag, NULL};
	ConfigCommand command;

	return config_load(flag != NULL ? 4 : 3, argv, environment, config, &command, failure);
}

static const struct
{
	const char *flag;
	const char *setting;
	const char *value; /* as printed; NULL: refused */
	const char *reason;
} flags[] = {
	{"--poll-interval=250ms", "poll_interval", "250ms", NULL},
	{"--poll_interval=1500ms", "poll_interval", "1500ms", NULL},
	{"--poll-interval=2 min", "poll_interval", "2min", NULL},
	{"--retry-cap=1d", "retry_cap", "1d", NULL},
	{"--retry-cap=72000s", "retry_cap", "20h", NULL},
	{"--shutdown-timeout=0", "shutdown_timeout", "0ms", NULL},
	{"--max-body=2MB", "max_body", "2MB", NULL},
	{"--max-body=2048B", "max_body", "2kB", NULL},
	{"--max-lanes=1", "max_lanes", "1", NULL},
	{"--allow-http", "allow_http", "on", NULL},
	{"--allow-http=no", "allow_http", "off", NULL},
	{"--allow-http=TRUE", "allow_http", "on", NULL},
	{"--log-level=debug", "log_level", "debug", NULL},
	{"--listen=", "listen", "", NULL},
	{"--listen=[::1]:80", "listen", "[::1]:80", NULL},
	{"--listen=localhost:0", "listen", "localhost:0", NULL},
	{"--base-path=/namespace/v1.0.0", "base_path", "/namespace/v1.0.0", NULL},
	{"--base-path=", "base_path", "", NULL},
	{"--node-id=6F9619FF-8B86-4011-B42D-00C04FC964FF", "node_id", NODE, NULL},
	{"--database=host=/tmp dbname=x", "database", "dbname='x' host='/tmp'", NULL},
	{"--database=postgresql://u:geheim@h/x", "database",
	 "user='u' password='********' dbname='x' host='h'", NULL},
	{"--database=password=geheim sslpassword=schlimm", "database",
	 "password='********' sslpassword='********'", NULL},
	{"--poll-interval=5", NULL, NULL, "without a unit; write ms, s, min, h or d"},
	{"--poll-interval=1ms", NULL, NULL, "poll_interval is \"1ms\", but must be 10ms to 1h"},
	{"--poll-interval=2h", NULL, NULL, "must be 10ms to 1h"},
	{"--poll-interval=5 parsecs", NULL, NULL, "must be 10ms to 1h"},
	{"--poll-interval=-5s", NULL, NULL, "must be"},
	{"--poll-interval=", NULL, NULL, "is \"\", but must be"},
	{"--poll-interval=99999999999999999999s", NULL, NULL, "must be"},
	{"--poll-interval=9999999999999999d", NULL, NULL, "must be"},
	{"--max-body=1", NULL, NULL, "write B, kB, MB or GB"},
	{"--max-body=1mb", NULL, NULL, "must be 1kB to 64MB"},
	{"--max-lanes=0", NULL, NULL, "must be 1 to 1000"},
	{"--max-lanes=1001", NULL, NULL, "must be 1 to 1000"},
	{"--max-lanes=ten", NULL, NULL, "must be 1 to 1000"},
	{"--max-lanes", NULL, NULL, "--max-lanes needs a value: --max-lanes=value"},
	{"--allow-http=perhaps", NULL, NULL, "must be on or off"},
	{"--log-level=all", NULL, NULL, "must be error, warning, info or debug"},
	{"--listen=8080", NULL, NULL, "must be address:port or empty"},
	{"--listen=:8080", NULL, NULL, "must be address:port"},
	{"--listen=h:65536", NULL, NULL, "must be address:port"},
	{"--listen=h:80x", NULL, NULL, "must be address:port"},
	{"--listen=::1:80", NULL, NULL, "must be address:port"},
	{"--base-path=x", NULL, NULL, "without a slash at the end"},
	{"--base-path=/x/", NULL, NULL, "without a slash at the end"},
	{"--base-path=/a//b", NULL, NULL, "must be /path"},
	{"--base-path=/a b", NULL, NULL, "must be /path"},
	{"--node-id=1", NULL, NULL, "node_id is \"1\", but must be UUID"},
	{"--node-id=", NULL, NULL, "node_id is not set"},
	{"--key-file=", NULL, NULL, "key_file is not set; it is Ed25519 private key"},
	{"--database=geheim", NULL, NULL, "database is not a PostgreSQL connection string"},
	{"--retry-cap=1s", NULL, NULL, "retry_cap must not be less than retry_base"},
	{"--pol-interval=5s", NULL, NULL, "there is no setting \"pol-interval\"; --help lists"},
	{"--poll-intervall=5s", NULL, NULL, "there is no setting"},
	{"--databse=password=geheim", NULL, NULL, "there is no setting \"databse\""},
	{"--config", NULL, NULL, "there is no setting \"config\""},
	{"listen", NULL, NULL, "\"listen\" is not a flag"},
	{"--", NULL, NULL, "is not a flag"},
	{"-x", NULL, NULL, "is not a flag"},
};

static void
test_flags(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
	{
		Failure failure = {FAILURE_NONE, ""};
		Config *config;
		char text[500];
		bool ok = load(flags[i].flag, no_environment, &config, &failure);

		tap_ok(tap, ok == (flags[i].value != NULL), "%s: %s", flags[i].flag,
			   flags[i].value != NULL ? "accepted" : "refused");
		if (ok && flags[i].value != NULL)
		{
			config_setting_get(config, config_setting_find(flags[i].setting), text, sizeof(text));
			tap_is(tap, text, flags[i].value, "%s: value", flags[i].flag);
		}
		else
		{
			tap_has(tap, failure.text, flags[i].reason, "%s: reason", flags[i].flag);
			tap_ok(tap, strstr(failure.text, "geheim") == NULL, "no secret in a reason");
		}
		config_free(config);
	}
}

static const struct
{
	const char *name;
	const char *text;
	const char *reason; /* NULL: accepted */
} files[] = {
	{"empty", "", NULL},
	{"comments and blanks", "# a\n\n  \t\n\t# b\nmax_lanes = 7 # seven\r\n", NULL},
	{"no blanks", "max_lanes=7", NULL},
	{"quoted", "max_lanes = '7' # seven", NULL},
	{"quotes in quotes", "max_lanes = 7\ndatabase = 'host=''/a b'''", NULL},
	{"rejects_unknown_name", "max_lanes = 7\n\nlanes = 8\n",
	 "line 3: there is no setting \"lanes\""},
	{"rejects_bad_value", "max_lanes = 7\nlog_level = loud\n", "line 2: log_level is \"loud\""},
	{"rejects_name_twice", "max_lanes = 6\nmax_lanes = 7\n", "line 2: max_lanes was already set"},
	{"rejects_no_equals", "max_lanes 7\n", "line 1 is not \"name = value\""},
	{"rejects_open_quote", "log_level = 'info\n", "line 1 is not"},
	{"rejects_text_after_quote", "log_level = 'info' debug\n", "line 1 is not"},
	{"rejects_section", "[bridge]\nmax_lanes = 7\n", "line 1 is not"},
};

static void
test_files(Tap *tap)
{
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		Failure failure = {FAILURE_NONE, ""};
		Config *config;
		char path[64];
		char flag[100];
		bool ok;

		test_file_write(path, files[i].text, 0600);
		snprintf(flag, sizeof(flag), "--config=%s", path);
		ok = load(flag, no_environment, &config, &failure);
		unlink(path);
		tap_ok(tap, ok == (files[i].reason == NULL), "file %s", files[i].name);
		tap_has(tap, failure.text, files[i].reason != NULL ? files[i].reason : "", "%s: reason",
				files[i].name);
		if (ok && files[i].text[0] != '\0')
			tap_is_int(tap, config->max_lanes, 7, "%s: value", files[i].name);
		config_free(config);
	}
}

static void
test_precedence(Tap *tap)
{
	char *environment[] = {NULL,
						   "HOME=/",
						   "CASESYNC_MAX_LANES=8",
						   "CASESYNC_ROUTING_CHUNK=8",
						   "CASESYNC_DATABASE=host=e password=it's",
						   NULL};
	char *unknown[] = {"CASESYNC_LANES=8", NULL};
	char *empty_file[] = {"CASESYNC_CONFIG=", NULL};
	Failure failure = {FAILURE_NONE, ""};
	char variable[100] = "CASESYNC_CONFIG=";
	char *printed = NULL;
	size_t size;
	FILE *stream;
	Config *config;

	test_file_write(variable + strlen(variable),
					"max_lanes = 7\nhttp_sessions = 7\nrouting_chunk = 7\n", 0600);
	environment[0] = variable;
	tap_ok(tap, load("--max-lanes=9", environment, &config, &failure), "three sources: %s",
		   failure.text);
	unlink(strchr(variable, '=') + 1);
	tap_is_int(tap, config->max_lanes, 9, "a flag counts more than the environment");
	tap_is_int(tap, config->routing_chunk, 8, "the environment counts more than the file");
	tap_is_int(tap, config->http_sessions, 7, "the file counts more than the default");
	tap_is_int(tap, (int) config->poll_interval_ms, 5000, "and else there is the default");

	stream = open_memstream(&printed, &size);
	config_print(config, stream);
	fclose(stream);
	tap_has(tap, printed, "max_lanes = '9' # flag\n", "print: flag");
	tap_has(tap, printed, "routing_chunk = '8' # environment\n", "print: environment");
	tap_has(tap, printed, "http_sessions = '7' # file\n", "print: file");
	tap_has(tap, printed, "poll_interval = '5s' # default\n", "print: default");
	tap_has(tap, printed, "database = 'password=''********'' host=''e''' # environment\n",
			"print: no password");
	config_free(config);
	free(printed);

	tap_ok(tap, !load(NULL, unknown, &config, &failure), "rejects_unknown_variable");
	tap_has(tap, failure.text, "environment CASESYNC_LANES: there is no setting \"lanes\"",
			"and names it");
	tap_ok(tap, load(NULL, empty_file, &config, &failure), "no file by an empty variable");
	config_free(config);
	tap_ok(tap, !load("--config=/nonexistent", no_environment, &config, &failure),
		   "rejects_no_file");
	tap_has(tap, failure.text, "No such file", "and says why");
}

static const struct
{
	const char *flag;
	ConfigCommand command;
	bool has_config;
} commands[] = {
	{"--help", CONFIG_HELP, false},			{"-h", CONFIG_HELP, false},
	{"--version", CONFIG_VERSION, false},	{"-V", CONFIG_VERSION, false},
	{"--print-config", CONFIG_PRINT, true},
};

static void
test_commands(Tap *tap)
{
	char *check[] = {"casesync-bridge", "--check-config", NULL};
	ConfigCommand command;
	Failure failure;
	Config *config;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		char *argv[] = {"casesync-bridge", (char *) commands[i].flag, NULL};

		tap_ok(tap, config_load(2, argv, no_environment, &config, &command, &failure),
			   "%s needs no settings", commands[i].flag);
		tap_is_int(tap, command, commands[i].command, "%s: command", commands[i].flag);
		tap_ok(tap, (config != NULL) == commands[i].has_config, "%s: settings", commands[i].flag);
		config_free(config);
	}
	tap_ok(tap, !config_load(2, check, no_environment, &config, &command, &failure),
		   "--check-config does need them");
	config_free(NULL);
}

static char *
file_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 100000);

	if (file == NULL || fread(text, 1, 99999, file) == 0)
		exit(1);
	fclose(file);
	return text;
}

/* Times that line begins a line of text. */
static int
line_count(const char *text, const char *line)
{
	int count = 0;

	for (; (text = strstr(text, line)) != NULL; text++)
		count += text[-1] == '\n';
	return count;
}

static void
test_sample(Tap *tap)
{
	char *sample = file_text("bridge/config/casesync-bridge.conf.sample");
	const Setting *setting;
	char *help = NULL;
	size_t count;
	size_t size;
	size_t i;
	int settings = 0;
	const char *c;
	FILE *stream = open_memstream(&help, &size);

	config_help(stream);
	fclose(stream);
	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		char line[200];

		snprintf(line, sizeof(line), "#%s = '%s'\n", setting->name, setting->initial);
		tap_is_int(tap, line_count(sample, line), 1, "the sample has %s once, with its default",
				   setting->name);
		snprintf(line, sizeof(line), "# %s%s\n", setting->description,
				 setting->is_required ? "; required" : "");
		tap_is_int(tap, line_count(sample, line), 1, "and its description");
		snprintf(line, sizeof(line), "\n  %s (", setting->name);
		tap_has(tap, help, line, "and so has --help");
	}
	for (c = sample; (c = strstr(c, "\n#")) != NULL; c++)
		settings += c[2] >= 'a' && c[2] <= 'z';
	tap_is_int(tap, settings, (long long) count, "the sample has no other settings");
	free(help);
	free(sample);
}

int
main(void)
{
	Tap tap = {0, 0};
	Failure failure;
	Config *config;

	test_flags(&tap);
	test_files(&tap);
	test_precedence(&tap);
	test_commands(&tap);
	test_sample(&tap);
	if (load("--listen=[::1]:8443", no_environment, &config, &failure))
	{
		tap_is(&tap, config->listen_address.host, "::1", "the address without brackets");
		tap_is_int(&tap, config->listen_address.port, 8443, "the port");
		tap_ok(&tap, config->listen_address.enabled && config->ops_address.enabled, "enabled");
	}
	config_free(config);
	load("--listen=", no_environment, &config, &failure);
	tap_ok(&tap, !config->listen_address.enabled, "empty: not enabled");
	config_free(config);
	return tap_done(&tap);
}
