/*
 * config_setting.c
 *		One value of a setting from text and back. Must not know which settings there are.
 */
#include <ctype.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_setting.h"
#include "base/uuid.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define KB INT64_C(1024)
#define MB (1024 * KB)

typedef struct Unit
{
	const char *name;
	int64_t factor;
} Unit;

/* From the largest: number_format takes the first that divides. */
static const Unit time_units[] = {{"d", 24 * HOUR}, {"h", HOUR}, {"min", 60 * SECOND},
								  {"s", SECOND},	{"ms", 1},	 {NULL, 0}};
static const Unit size_units[] = {{"GB", 1024 * MB}, {"MB", MB}, {"kB", KB}, {"B", 1}, {NULL, 0}};
/* By their ConfigClientAuth. */
static const char *const client_auth_words[] = {"off", "optional", "required"};
static const Unit no_units[] = {{"", 1}, {NULL, 0}};

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
		case SETTING_CLIENT_AUTH:
			snprintf(text, size, "off, optional or required");
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
		case SETTING_FILES:
			snprintf(text, size, "paths of files, separated by commas");
			break;
		case SETTING_DIRECTORY:
			snprintf(text, size, "path of a directory");
			break;
		case SETTING_NAME:
			snprintf(text, size, "name or empty");
			break;
	}
}

static bool
number_parse(const Setting *setting, const char *text, int64_t *number)
{
	const Unit *unit = setting_units(setting);
	long long digits;
	char *end;

	/* strtoll would take blanks and a sign */
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
	/* the last colon: IPv6 addresses have others */
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
	/* without brackets nobody can tell where an IPv6 address ends */
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
	/* no percent signs: paths are compared as they are sent, without unescaping */
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
	/* the database compares UUIDs as values, the log and config_find_fixed as texts */
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
		case SETTING_CLIENT_AUTH:
			*(ConfigClientAuth *) field = (ConfigClientAuth) number;
			break;
		case SETTING_INTEGER:
			*(int *) field = (int) number;
			break;
		default:
			*(int64_t *) field = number;
	}
}

static bool
client_auth_parse(const char *text, int64_t *number)
{
	for (*number = CONFIG_CLIENT_AUTH_OFF; *number <= CONFIG_CLIENT_AUTH_REQUIRED; ++*number)
	{
		if (strcmp(text, client_auth_words[*number]) == 0)
			return true;
	}
	return false;
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
		case SETTING_CLIENT_AUTH:
			return client_auth_parse(text, number);
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
		case SETTING_FILES:
		case SETTING_DIRECTORY:
		case SETTING_NAME:
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

bool
config_setting_is_text(const Setting *setting)
{
	switch (setting->type)
	{
		case SETTING_TEXT:
		case SETTING_FILES:
		case SETTING_DIRECTORY:
		case SETTING_NAME:
		case SETTING_DATABASE:
		case SETTING_UUID:
		case SETTING_BASE_PATH:
		case SETTING_ADDRESS:
			return true;
		default:
			return false;
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
		/* libpq itself says which of its options are secrets */
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
		case SETTING_CLIENT_AUTH:
			snprintf(text, size, "%s", client_auth_words[*(const ConfigClientAuth *) field]);
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
