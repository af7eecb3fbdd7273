/*
 * settings_print.c
 *		The table of settings for doc/reference.md, made from the settings themselves.
 */
#include <stdio.h>

#include "config/config_setting.h"

int
main(void)
{
	const Setting *setting;
	size_t count;
	size_t i;

	printf("| setting | default | allowed | what it does |\n| --- | --- | --- | --- |\n");
	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		const char *quote = setting->initial[0] != '\0' ? "`" : "";
		const char *initial = setting->initial;
		char range[128];

		if (*initial == '\0')
			initial = setting->is_required ? "required" : "empty";
		config_setting_range(setting, range, sizeof(range));
		printf("| `%s` | %s%s%s | %s | %s |\n", setting->name, quote, initial, quote, range,
			   setting->description);
	}
	return 0;
}
