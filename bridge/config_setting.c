/*
 * config_setting.c
 *		The table of settings, and one value from text and back. The table is the only place where
 *		a setting is named; help, print, sample file and README are checked against it.
 */
#include <ctype.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "config_setting.h"
#include "uuid.h"

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
	{"log_level", SETTING_LEVEL, "info", NUMBER(log_level, 0, 3), false,
	 "least important level that is logged"},
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
	{"retry_base", SETTING_TIME, "10s", NUMBER(retry_base_ms, 1, HOUR), false,
	 "wait before the first retry, doubled for each further one, with jitter"},
	{"retry_cap", SETTING_TIME, "6h", NUMBER(retry_cap_ms, 1, 24 * HOUR), false,
	 "longest wait between two attempts"},
	{"max_body", SETTING_SIZE, "1MB", NUMBER(max_body, KB, 64 * MB), false,
	 "largest request body, except notify"},
	{"max_notify_body", SETTING_SIZE, "10MB", NUMBER(max_notify_body, KB, 256 * MB), false,
	 "largest body of a notify, received or sent"},
	{"max_lanes", SETTING_INTEGER, "64", NUMBER(max_lanes, 1, 1000), false,
	 "partners that are sent to at the same time"},
	{"http_sessions", SETTING_INTEGER, "2", NUMBER(http_sessions, 1, 32), false,
	 "database connections for received requests"},
	{"routing_chunk", SETTING_INTEGER, "1000", NUMBER(routing_chunk, 1, 100000), false,
	 "changes routed in one transaction"},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

_Static_assert(SETTING_COUNT <= CONFIG_MAX_SETTINGS, "Config.sources is too short");

typedef struct Unit
{
	const char *name;
	int64_t factor;
} Unit;

static const Unit time_units[] = {{"d", 24 * HOUR}, {"h", HOUR}, {"min", 60 * SECOND},
								  {"s", SECOND},	{"ms", 1},	 {NULL, 0}};
static const Unit size_units[] = {{"GB", 1024 * MB}, {"MB", MB}, {"kB", KB}, {"B", 1}, {NULL, 0}};
static const Unit no_units[] = {{"", 1}, {NULL, 0}};

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

static const Unit *
setting_units(const Setting *setting)
{
	if (setting->type == SETTING_TIME)
		return time_units;
	return setting->type == SETTING_SIZE ? size_units : no_units;
}

/* The largest unit that divides the number. */
static void
number_format(int64_t number, const Unit *unit, char *text, size_t size)
{
	while (unit[1].name != NULL && (number == 0 || number % unit->factor != 0))
		unit++;
	snprintf(text, size, "%lld%s", (long long) (number / unit->factor), unit->name);
}

void
config_setting_range(const Setting *setting, char *text, size_t size)
{
	char low[32];
	char high[32];

	switch (setting->type)
	{
		case SETTING_INTEGER:
		case SETTING_TIME:
		case SETTING_SIZE:
			number_format(setting->minimum, setting_units(setting), low, sizeof(low));
			number_format(setting->maximum, setting_units(setting), high, sizeof(high));
			snprintf(text, size, "%s to %s", low, high);
			break;
		case SETTING_BOOLEAN:
			snprintf(text, size, "on or off");
			break;
		case SETTING_LEVEL:
			snprintf(text, size, "error, warning, info or debug");
			break;
		case SETTING_ADDRESS:
			snprintf(text, size, "address:port or empty");
			break;
		case SETTING_UUID:
			snprintf(text, size, "UUID");
			break;
		case SETTING_BASE_PATH:
			snprintf(text, size, "/path without a slash at the end, or empty");
			break;
		case SETTING_DATABASE:
			snprintf(text, size, "connection string or URI");
			break;
		case SETTING_TEXT:
			snprintf(text, size, "path of a file");
			break;
	}
}

static bool
number_parse(const Setting *setting, const char *text, int64_t *number)
{
	const Unit *unit = setting_units(setting);
	long long digits;
	char *end;

	if (!isdigit((unsigned char) *text))
		return false;
	errno = 0;
	digits = strtoll(text, &end, 10);
	if (errno != 0)
		return false;
	while (*end == ' ')
		end++;

	/* Zero needs no unit; any other number does, so that nobody guesses it wrong. */
	if (digits == 0 && *end == '\0')
		end = (char *) unit->name;
	for (; unit->name != NULL; unit++)
	{
		if (strcmp(end, unit->name) == 0)
			break;
	}
	if (unit->name == NULL || __builtin_mul_overflow(digits, unit->factor, number))
		return false;
	return *number >= setting->minimum && *number <= setting->maximum;
}

/* "on" and its usual synonyms. */
static bool
boolean_parse(const char *text, bool *value)
{
	static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strcasecmp(text, words[i]) == 0)
		{
			*value = i % 2 == 1;
			return true;
		}
	}
	return false;
}

static bool
address_parse(const char *text, ConfigAddress *address)
{
	const char *colon = strrchr(text, ':');
	size_t length;
	char *end;
	long port;

	memset(address, 0, sizeof(*address));
	if (*text == '\0')
		return true;
	if (colon == NULL || !isdigit((unsigned char) colon[1]))
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535)
		return false;

	length = (size_t) (colon - text);
	if (*text == '[' && length > 2 && colon[-1] == ']')
	{
		text++;
		length -= 2;
	}
	else if (memchr(text, ':', length) != NULL)
		return false;
	if (length == 0 || length >= sizeof(address->host))
		return false;
	memcpy(address->host, text, length);
	address->port = (int) port;
	address->enabled = true;
	return true;
}

static bool
base_path_is_valid(const char *text)
{
	size_t length = strlen(text);

	if (length == 0)
		return true;
	if (length > 255 || text[0] != '/' || text[length - 1] == '/' || strstr(text, "//") != NULL)
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._~-") ==
		   length;
}

static bool
database_is_valid(const char *text)
{
	PQconninfoOption *options = PQconninfoParse(text, NULL);

	PQconninfoFree(options);
	return options != NULL;
}

/* Is text acceptable for a setting that is kept as text? */
static bool
text_is_valid(const Setting *setting, const char *text)
{
	switch (setting->type)
	{
		case SETTING_UUID:
			return *text == '\0' || uuid_is_valid(text);
		case SETTING_BASE_PATH:
			return base_path_is_valid(text);
		case SETTING_DATABASE:
			return database_is_valid(text);
		default:
			return true;
	}
}

static bool
text_set(Config *config, const Setting *setting, const char *text, Failure *failure)
{
	char **field = (char **) ((char *) config + setting->offset);
	char *copy = strdup(text);
	char *c;

	if (copy == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	for (c = copy; setting->type == SETTING_UUID && *c != '\0'; c++)
		*c = (char) tolower((unsigned char) *c);
	free(*field);
	*field = copy;
	return true;
}

/* Store a number in a field of the type's width. */
static void
number_set(Config *config, const Setting *setting, int64_t number)
{
	char *field = (char *) config + setting->offset;

	switch (setting->type)
	{
		case SETTING_BOOLEAN:
			*(bool *) field = number != 0;
			break;
		case SETTING_LEVEL:
			*(LogLevel *) field = (LogLevel) number;
			break;
		case SETTING_INTEGER:
			*(int *) field = (int) number;
			break;
		default:
			*(int64_t *) field = number;
	}
}

/* Parse a setting that is kept as a number of some width. */
static bool
scalar_parse(const Setting *setting, const char *text, int64_t *number)
{
	LogLevel level;
	bool claim;

	switch (setting->type)
	{
		case SETTING_BOOLEAN:
			if (!boolean_parse(text, &claim))
				return false;
			*number = claim;
			return true;
		case SETTING_LEVEL:
			if (!log_level_parse(text, &level))
				return false;
			*number = level;
			return true;
		default:
			return number_parse(setting, text, number);
	}
}

static bool
setting_refuse(const Setting *setting, const char *text, Failure *failure)
{
	char range[128];
	bool needs_unit = (setting->type == SETTING_TIME || setting->type == SETTING_SIZE) &&
					  *text != '\0' && strspn(text, "0123456789") == strlen(text);

	config_setting_range(setting, range, sizeof(range));
	if (setting->type == SETTING_DATABASE)
		failure_set(failure, FAILURE_CONFIG, "is not a PostgreSQL connection string or URI");
	else if (needs_unit)
		failure_set(failure, FAILURE_CONFIG, "is \"%s\" without a unit; write %s after the number",
					text, setting->type == SETTING_TIME ? "ms, s, min, h or d" : "B, kB, MB or GB");
	else
		failure_set(failure, FAILURE_CONFIG, "is \"%s\", but must be %s", text, range);
	return false;
}

bool
config_setting_set(Config *config, const Setting *setting, const char *text, Failure *failure)
{
	ConfigAddress address;
	int64_t number;

	switch (setting->type)
	{
		case SETTING_TEXT:
		case SETTING_DATABASE:
		case SETTING_UUID:
		case SETTING_BASE_PATH:
			if (!text_is_valid(setting, text))
				return setting_refuse(setting, text, failure);
			return text_set(config, setting, text, failure);
		case SETTING_ADDRESS:
			if (!address_parse(text, &address))
				return setting_refuse(setting, text, failure);
			if (!text_set(config, setting, text, failure))
				return false;
			*(ConfigAddress *) ((char *) config + setting->parsed) = address;
			return true;
		default:
			if (!scalar_parse(setting, text, &number))
				return setting_refuse(setting, text, failure);
			number_set(config, setting, number);
			return true;
	}
}

/* A connection string again, passwords as asterisks. */
static void
database_mask(const char *database, char *text, size_t size)
{
	PQconninfoOption *options = PQconninfoParse(database, NULL);
	PQconninfoOption *option;
	size_t used = 0;

	text[0] = '\0';
	for (option = options; option != NULL && option->keyword != NULL; option++)
	{
		bool is_secret = option->dispchar[0] == '*';
		const char *c = is_secret ? "********" : option->val;

		if (option->val == NULL || used + strlen(option->keyword) + 2 * strlen(c) + 5 > size)
			continue;
		used += (size_t) snprintf(text + used, size - used, "%s%s='", used > 0 ? " " : "",
								  option->keyword);
		for (; *c != '\0'; c++)
		{
			if (*c == '\'' || *c == '\\')
				text[used++] = '\\';
			text[used++] = *c;
		}
		text[used++] = '\'';
		text[used] = '\0';
	}
	PQconninfoFree(options);
}

void
config_setting_get(const Config *config, const Setting *setting, char *text, size_t size)
{
	const char *field = (const char *) config + setting->offset;

	switch (setting->type)
	{
		case SETTING_DATABASE:
			database_mask(*(char *const *) field, text, size);
			break;
		case SETTING_BOOLEAN:
			snprintf(text, size, "%s", *(const bool *) field ? "on" : "off");
			break;
		case SETTING_LEVEL:
			snprintf(text, size, "%s", log_level_name(*(const LogLevel *) field));
			break;
		case SETTING_INTEGER:
			snprintf(text, size, "%d", *(const int *) field);
			break;
		case SETTING_TIME:
		case SETTING_SIZE:
			number_format(*(const int64_t *) field, setting_units(setting), text, size);
			break;
		default:
			snprintf(text, size, "%s", *(char *const *) field);
	}
}
