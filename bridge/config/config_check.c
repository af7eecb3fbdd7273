/*
 * config_check.c
 *		What no single setting can know. Must not know where values came from.
 */
#include "config/config_check.h"

#include <string.h>

#include "config/config_setting.h"

static bool
check_refuse(Failure *failure, const char *text)
{
	failure_set(failure, FAILURE_CONFIG, "%s", text);
	return false;
}

static bool
check_tls(const Config *config, Failure *failure)
{
	bool has_certificate = config->tls_cert_file[0] != '\0';
	bool has_key = config->tls_key_file[0] != '\0';
	bool has_ca = config->tls_client_ca_file[0] != '\0';
	bool asks = config->tls_client_auth != CONFIG_CLIENT_AUTH_OFF;

	if (has_certificate != has_key)
		return check_refuse(failure, "tls_cert_file and tls_key_file need each other");
	if (asks && !has_certificate)
		return check_refuse(failure, "tls_client_auth needs tls_cert_file and tls_key_file");
	/* one without the other would look safe and not be it */
	if (asks != has_ca)
		return check_refuse(failure, "tls_client_auth (optional or required) and "
									 "tls_client_ca_file need each other");
	return true;
}

bool
config_check(const Config *config, Failure *failure)
{
	const Setting *setting;
	size_t count;
	size_t i;

	setting = config_settings(&count);
	for (i = 0; i < count; i++, setting++)
	{
		if (setting->is_required &&
			**(char *const *) ((const char *) config + setting->offset) == '\0')
		{
			failure_set(failure, FAILURE_CONFIG,
						"%s is not set; it is %s. Set it in the file, as CASESYNC_... in the "
						"environment, or by --%s=",
						setting->name, setting->description, setting->name);
			return false;
		}
	}
	if (config->retry_cap_ms < config->retry_base_ms)
		return check_refuse(failure, "retry_cap must not be less than retry_base");
	return check_tls(config, failure);
}

const char *
config_find_fixed(const Config *a, const Config *b)
{
	/* What is bound to a socket, a connection or a buffer that lives as long as the process. */
	const struct
	{
		const char *name;
		bool differs;
	} fixed[] = {
		{"database", strcmp(a->database, b->database) != 0},
		{"node_id", strcmp(a->node_id, b->node_id) != 0},
		{"listen", strcmp(a->listen, b->listen) != 0},
		{"ops_listen", strcmp(a->ops_listen, b->ops_listen) != 0},
		{"allow_core_dumps", a->allow_core_dumps != b->allow_core_dumps},
		{"base_path", strcmp(a->base_path, b->base_path) != 0},
		{"http_sessions", a->http_sessions != b->http_sessions},
		{"max_body", a->max_body != b->max_body},
		{"max_notify_body", a->max_notify_body != b->max_notify_body},
		{"max_connections", a->max_connections != b->max_connections},
		{"max_connections_per_address",
		 a->max_connections_per_address != b->max_connections_per_address},
		{"tls_cert_file", (a->tls_cert_file[0] == '\0') != (b->tls_cert_file[0] == '\0')},
		{"request_timeout", a->request_timeout_ms != b->request_timeout_ms},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (fixed[i].differs)
			return fixed[i].name;
	return NULL;
}
