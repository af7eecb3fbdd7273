/*
 * config.c
 *		Settings from default, file, environment and flags, in this order. What a setting means is
 *		in config_setting.c; this file knows only where texts come from.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "config/config.h"
#include "config/config_check.h"
#include "config/config_setting.h"

#define CONFIG_FILE_MAX (256 * 1024)
#define ENVIRONMENT_PREFIX "CASESYNC_"

typedef enum ConfigSource
{
	SOURCE_DEFAULT = 0,
	SOURCE_FILE,
	SOURCE_ENVIRONMENT,
	SOURCE_FLAG
} ConfigSource;

static const char *const source_names[] = {"default", "file", "environment", "flag"};

typedef struct CommandFlag
{
	const char *flag;
	ConfigCommand command;
} CommandFlag;

static const CommandFlag command_flags[] = {
	{"--check-config", CONFIG_CHECK},  {"--print-config", CONFIG_PRINT},
	{"--print-key", CONFIG_PRINT_KEY}, {"--print-callback", CONFIG_PRINT_CALLBACK},
	{"--help", CONFIG_HELP},		   {"-h", CONFIG_HELP},
	{"--version", CONFIG_VERSION},	   {"-V", CONFIG_VERSION},
};

/* Set one setting by name; origin ("file.conf line 3", "--listen") goes in front of a failure. */
static bool
setting_apply(Config *config, const char *name, const char *value, ConfigSource source,
			  const char *origin, Failure *failure)
{
	const Setting *setting = config_setting_find(name);
	size_t count;
	Failure cause;

	if (setting == NULL)
	{
		failure_set(failure, FAILURE_CONFIG,
					"%s: there is no setting \"%s\"; --help lists all of them", origin, name);
		return false;
	}
	if (!config_setting_set(config, setting, value, &cause))
	{
		failure_set(failure, cause.kind, "%s: %s %s", origin, setting->name, cause.text);
		return false;
	}
	config->sources[setting - config_settings(&count)] = (unsigned char) source;
	return true;
}

static bool
defaults_apply(Config *config, Failure *failure)
{
	const Setting *setting;
	size_t count;
	size_t i;

	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		if (!setting_apply(config, setting->name, setting->initial, SOURCE_DEFAULT, "default",
						   failure))
			return false;
	}
	return true;
}

/* Take the quoted value that starts at text apart, in place: '' is one quote. */
static char *
quoted_value(char *text)
{
	char *out = text;
	char *in = text + 1;

	for (; *in != '\0'; in++)
	{
		/* a quote and no second one: the value ends, and only a comment may follow */
		if (*in == '\'' && *++in != '\'')
		{
			in += strspn(in, " \t\r");
			if (*in != '\0' && *in != '#')
				return NULL;
			*out = '\0';
			return text;
		}
		*out++ = *in;
	}
	return NULL;
}

/* Cut a plain value at a comment (# after a blank) and at trailing blanks. */
static char *
plain_value(char *text)
{
	char *c;

	for (c = text; *c != '\0'; c++)
	{
		if (*c == '#' && (c == text || isblank((unsigned char) c[-1])))
			break;
	}
	while (c > text && isspace((unsigned char) c[-1]))
		c--;
	*c = '\0';
	return text;
}

/* Split "name = value  # comment"; *name is NULL for a line without a setting. */
static bool
line_split(char *line, char **name, char **value)
{
	char *end;

	line += strspn(line, " \t\r");
	*name = NULL;
	if (*line == '\0' || *line == '#')
		return true;
	*name = line;
	end = line + strcspn(line, " \t\r=");
	*value = end + strspn(end, " \t\r");
	if (**value != '=')
		return false;
	*value += 1;
	*value += strspn(*value, " \t\r");
	*end = '\0';
	*value = **value == '\'' ? quoted_value(*value) : plain_value(*value);
	return *value != NULL;
}

static bool
line_apply(Config *config, char *line, const char *origin, Failure *failure)
{
	const Setting *setting;
	size_t count;
	char *name;
	char *value;

	if (!line_split(line, &name, &value))
	{
		failure_set(failure, FAILURE_CONFIG,
					"%s is not \"name = value\" or \"name = 'value'\" (write '' for a quote in "
					"quotes)",
					origin);
		return false;
	}
	if (name == NULL)
		return true;
	/* Twice in one file is a mistake, not a precedence: the lower line would win unseen. */
	setting = config_setting_find(name);
	if (setting != NULL && config->sources[setting - config_settings(&count)] == SOURCE_FILE)
	{
		failure_set(failure, FAILURE_CONFIG, "%s: %s was already set above; remove one of them",
					origin, setting->name);
		return false;
	}
	return setting_apply(config, name, value, SOURCE_FILE, origin, failure);
}

static bool
file_read(const char *path, Buffer *text, Failure *failure)
{
	FILE *file = fopen(path, "r");
	char chunk[4096];
	size_t length;
	bool ok = false;

	if (file == NULL)
	{
		failure_set(failure, FAILURE_CONFIG, "could not open configuration file \"%s\": %s", path,
					strerror(errno));
		return false;
	}
	while ((length = fread(chunk, 1, sizeof(chunk), file)) > 0)
	{
		if (!buffer_append(text, chunk, length))
		{
			failure_set(failure, FAILURE_CONFIG,
						"configuration file \"%s\" is larger than %d bytes", path, CONFIG_FILE_MAX);
			goto done;
		}
	}
	if (ferror(file))
	{
		failure_set(failure, FAILURE_CONFIG, "could not read configuration file \"%s\": %s", path,
					strerror(errno));
		goto done;
	}
	ok = true;

done:
	fclose(file);
	return ok;
}

static bool
file_apply(Config *config, const char *path, Failure *failure)
{
	Buffer text;
	char *line;
	char *next;
	int number = 0;
	bool ok;

	buffer_init(&text, CONFIG_FILE_MAX);
	ok = file_read(path, &text, failure);
	for (line = text.data; ok && line != NULL && *line != '\0'; line = next)
	{
		char origin[300];

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		snprintf(origin, sizeof(origin), "%.250s line %d", path, ++number);
		ok = line_apply(config, line, origin, failure);
	}
	buffer_free(&text);
	return ok;
}

/* CASESYNC_MAX_BODY=2MB sets max_body; CASESYNC_CONFIG is the file and no setting. */
static bool
environment_apply(Config *config, char *const environment[], Failure *failure)
{
	for (; *environment != NULL; environment++)
	{
		const char *entry = *environment;
		const char *value = strchr(entry, '=');
		char name[64];
		char origin[80];
		size_t length;
		size_t i;

		/*
		 * What is ours by its prefix must be a setting: a typo would otherwise be a default in
		 * force.
		 */
		if (value == NULL || strncmp(entry, ENVIRONMENT_PREFIX, strlen(ENVIRONMENT_PREFIX)) != 0)
			continue;
		snprintf(origin, sizeof(origin), "environment %.*s", (int) (value - entry), entry);
		entry += strlen(ENVIRONMENT_PREFIX);
		length = (size_t) (value - entry);
		if (length == strlen("CONFIG") && strncmp(entry, "CONFIG", length) == 0)
			continue;
		/* cut, it is no setting's name, and is refused as such */
		if (length >= sizeof(name))
			length = sizeof(name) - 1;
		for (i = 0; i < length; i++)
			name[i] = (char) tolower((unsigned char) entry[i]);
		name[length] = '\0';
		if (!setting_apply(config, name, value + 1, SOURCE_ENVIRONMENT, origin, failure))
			return false;
	}
	return true;
}

/* Is this flag a command and no setting? */
static bool
command_find(const char *flag, ConfigCommand *command)
{
	size_t i;

	for (i = 0; i < sizeof(command_flags) / sizeof(command_flags[0]); i++)
	{
		if (strcmp(flag, command_flags[i].flag) == 0)
		{
			*command = command_flags[i].command;
			return true;
		}
	}
	return false;
}

static bool
flag_apply(Config *config, const char *flag, Failure *failure)
{
	const char *value = strchr(flag, '=');
	char name[64];
	const Setting *setting;

	if (strncmp(flag, "--config=", strlen("--config=")) == 0)
		return true;
	if (strncmp(flag, "--", 2) != 0 || flag[2] == '\0')
	{
		failure_set(failure, FAILURE_CONFIG,
					"\"%s\" is not a flag; settings are given as --name=value, see --help", flag);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int) (value != NULL ? value - flag - 2 : 60), flag + 2);
	setting = config_setting_find(name);
	if (value == NULL && setting != NULL && setting->type == SETTING_BOOLEAN)
		return setting_apply(config, name, "on", SOURCE_FLAG, flag, failure);
	if (value == NULL && setting != NULL)
	{
		failure_set(failure, FAILURE_CONFIG, "%s needs a value: --%s=value", flag, name);
		return false;
	}
	/* The value stays out of the text: it may hold a password. */
	return setting_apply(config, name, value != NULL ? value + 1 : "", SOURCE_FLAG, "command line",
						 failure);
}

static bool
flags_apply(Config *config, int argc, char *const argv[], Failure *failure)
{
	ConfigCommand ignored;
	int i;

	for (i = 1; i < argc; i++)
	{
		if (!command_find(argv[i], &ignored) && !flag_apply(config, argv[i], failure))
			return false;
	}
	return true;
}

/* --config=FILE, else CASESYNC_CONFIG, else NULL. */
/* Before anything else is read: the file is the lowest of the sources that are looked at. */
static const char *
config_file_find(int argc, char *const argv[], char *const environment[])
{
	static const char variable[] = ENVIRONMENT_PREFIX "CONFIG=";
	const char *path = NULL;
	int i;

	for (; *environment != NULL; environment++)
	{
		if (strncmp(*environment, variable, strlen(variable)) == 0)
			path = *environment + strlen(variable);
	}
	for (i = 1; i < argc; i++)
	{
		if (strncmp(argv[i], "--config=", strlen("--config=")) == 0)
			path = argv[i] + strlen("--config=");
	}
	return path != NULL && *path != '\0' ? path : NULL;
}

static bool
config_read(Config *config, int argc, char *const argv[], char *const environment[],
			Failure *failure)
{
	const char *path = config_file_find(argc, argv, environment);

	if (path != NULL && (config->config_file = strdup(path)) == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	return defaults_apply(config, failure) && (path == NULL || file_apply(config, path, failure)) &&
		   environment_apply(config, environment, failure) &&
		   flags_apply(config, argc, argv, failure);
}

bool
config_load(int argc, char *const argv[], char *const environment[], Config **config,
			ConfigCommand *command, Failure *failure)
{
	Config *loaded;
	int i;

	*config = NULL;
	*command = CONFIG_RUN;
	for (i = 1; i < argc; i++)
	{
		/* Whoever asks for help may have settings that cannot be read. */
		if (command_find(argv[i], command) &&
			(*command == CONFIG_HELP || *command == CONFIG_VERSION))
			return true;
	}

	loaded = calloc(1, sizeof(*loaded));
	if (loaded == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	/* What is only printed may be incomplete: one looks at it to find out what is missing. */
	if (!config_read(loaded, argc, argv, environment, failure) ||
		(*command != CONFIG_PRINT && *command != CONFIG_PRINT_KEY &&
		 *command != CONFIG_PRINT_CALLBACK && !config_check(loaded, failure)))
	{
		config_free(loaded);
		return false;
	}
	*config = loaded;
	return true;
}

void
config_free(Config *config)
{
	const Setting *setting;
	size_t count;
	size_t i;

	if (config == NULL)
		return;
	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		if (config_setting_is_text(setting))
			free(*(char **) ((char *) config + setting->offset));
	}
	free(config->config_file);
	free(config);
}

void
config_print(const Config *config, FILE *stream)
{
	const Setting *setting;
	size_t count;
	size_t i;

	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		char text[4096];
		const char *c;

		config_setting_get(config, setting, text, sizeof(text));
		fprintf(stream, "%s = '", setting->name);
		/* always in quotes, so that what is printed can be read again whatever is in it */
		for (c = text; *c != '\0'; c++)
			fprintf(stream, "%s%c", *c == '\'' ? "'" : "", *c);
		fprintf(stream, "' # %s\n", source_names[config->sources[i]]);
	}
}

void
config_help(FILE *stream)
{
	const Setting *setting;
	size_t count;
	size_t i;

	fprintf(stream, "casesync-bridge carries DCI messages between PostgreSQL and partners.\n\n"
					"Usage: casesync-bridge [--config=FILE] [--SETTING=VALUE ...]\n\n"
					"  --check-config  read the settings, try the database and the key, exit\n"
					"  --print-config  show the settings in force, passwords masked, exit\n"
					"  --print-key     show the public key to register at partners, exit\n"
					"  --print-callback\n"
					"                  complete addresses of issue_callback(), a line each, from\n"
					"                  standard input, exit\n"
					"  --version       show the version, exit\n"
					"  --help          show this, exit\n\n"
					"Settings come from FILE (name = value), then from the environment\n"
					"(CASESYNC_NAME), then from flags (--name=value); the last one counts.\n\n");
	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		char range[128];

		config_setting_range(setting, range, sizeof(range));
		fprintf(stream, "  %s (%s; %s%s)\n      %s\n", setting->name, range,
				setting->is_required ? "required" : "default ",
				setting->is_required		  ? ""
				: setting->initial[0] == '\0' ? "empty"
											  : setting->initial,
				setting->description);
	}
}
