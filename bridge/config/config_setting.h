/*
 * config_setting.h
 *		The table of settings: name, type, default, range, description; and one value from text.
 *		Knows nothing of files, environment or flags.
 */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "base/failure.h"

typedef enum SettingType
{
	SETTING_TEXT,		 /* char *, path of a file */
	SETTING_FILES,		 /* char *, paths separated by commas */
	SETTING_NAME,		 /* char *, of something of the server */
	SETTING_DIRECTORY,	 /* char * */
	SETTING_DATABASE,	 /* char *, conninfo or URI; may hold a password */
	SETTING_UUID,		 /* char *, lower case */
	SETTING_BASE_PATH,	 /* char * */
	SETTING_ADDRESS,	 /* char * and a ConfigAddress */
	SETTING_BOOLEAN,	 /* bool */
	SETTING_LEVEL,		 /* LogLevel */
	SETTING_CLIENT_AUTH, /* ConfigClientAuth */
	SETTING_INTEGER,	 /* int */
	SETTING_TIME,		 /* int64_t, milliseconds */
	SETTING_SIZE		 /* int64_t, bytes */
} SettingType;

typedef struct Setting
{
	const char *name;
	SettingType type;
	const char *initial; /* default, as it would be written in the file */
	size_t offset;		 /* in Config */
	size_t parsed;		 /* of the ConfigAddress, for SETTING_ADDRESS */
	int64_t minimum;
	int64_t maximum;
	bool is_required;
	const char *description;
} Setting;

/* All settings in the order in which they are shown. */
extern const Setting *config_settings(size_t *count);

/* Is the field text of its own, which belongs to the Config? */
extern bool config_setting_is_text(const Setting *setting);

/* By name; '-' in it counts as '_'. NULL when there is none. */
extern const Setting *config_setting_find(const char *name);

/* Set the field of config from text. On false failure says what is allowed; field unchanged. */
extern bool config_setting_set(Config *config, const Setting *setting, const char *text,
							   Failure *failure);

/* The text that would set the field as it is now; secrets masked when asked. */
extern void config_setting_get(const Config *config, const Setting *setting, char *text,
							   size_t size);

/* "1ms..1h", "on or off", ...: for help and error texts. */
extern void config_setting_range(const Setting *setting, char *text, size_t size);

#endif /* CONFIG_SETTING_H */
