/*
 * main.c
 *		casesync-bridge: commands, the settings, the bridge, the exit code.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/process_guard.h"
#include "bridge.h"
#include "config/config.h"
#include "key/key_ring.h"
#include "setup_check.h"
#include "token/callback_address.h"

#define EXIT_CONFIG 1 /* settings are wrong, or a check found something */
#define EXIT_RUN 2	  /* could not start, or had to give up */

static int
complain(int status, const Failure *failure)
{
	fprintf(stderr, "casesync-bridge: %s\n", failure->text);
	return status;
}

/* Two bridges must not retry in step; nothing secret comes from here. */
static void
seed_random(void)
{
	unsigned int seed = (unsigned int) getpid();

	(void) !getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	srandom(seed);
	srand48((long) seed);
}

static int
print_key(const Config *config)
{
	const KeyFiles files = {config->key_file, config->rsa_key_file, config->other_key_files,
							config->encryption_key_files};
	KeyRing *keys = NULL;
	Buffer jwks;
	Failure failure;

	if (!key_ring_load(&files, &keys, &failure))
		return complain(EXIT_CONFIG, &failure);
	buffer_init(&jwks, KEY_RING_JWKS_MAX);
	(void) key_ring_jwks(keys, &jwks);
	printf("kid: %s\njwks: %s\njwk: %s\n", signing_key_kid(key_ring_signing(keys)), jwks.data,
		   signing_key_jwk(key_ring_signing(keys)));
	buffer_free(&jwks);
	key_ring_free(keys);
	return EXIT_SUCCESS;
}

/* What casesync.issue_callback() gave, with what only the bridges know. */
static int
print_callbacks(const Config *config)
{
	char line[CALLBACK_URI_MAX];
	char filled[CALLBACK_URI_MAX];
	Failure failure;

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0')
			continue;
		if (!callback_address_fill(config, NULL, line, filled, &failure))
			return complain(EXIT_CONFIG, &failure);
		puts(filled);
	}
	return EXIT_SUCCESS;
}

static int
run(Config *config, const BridgeArguments *arguments)
{
	Failure failure;
	Bridge *bridge;
	bool ok;

	/* only running: the checks and prints are wanted from a root shell too */
	if (geteuid() == 0)
	{
		failure_set(&failure, FAILURE_SYSTEM,
					"refuses to run as root: start it as a user of its own, "
					"for example with \"User=\" in the service file");
		config_free(config);
		return complain(EXIT_RUN, &failure);
	}
	if (!config->allow_core_dumps && !process_guard(&failure))
	{
		config_free(config);
		return complain(EXIT_RUN, &failure);
	}
	bridge = bridge_new(config, arguments, &failure);
	if (bridge == NULL)
		return complain(EXIT_RUN, &failure);
	ok = bridge_run(bridge, &failure);
	bridge_free(bridge);
	return ok ? EXIT_SUCCESS : complain(EXIT_RUN, &failure);
}

static int
obey(ConfigCommand command, Config *config, const BridgeArguments *arguments)
{
	int status = EXIT_SUCCESS;

	switch (command)
	{
		case CONFIG_HELP:
			config_help(stdout);
			break;
		case CONFIG_VERSION:
			printf("casesync-bridge %s\n", CASESYNC_VERSION);
			break;
		case CONFIG_PRINT:
			config_print(config, stdout);
			break;
		case CONFIG_PRINT_KEY:
			status = print_key(config);
			break;
		case CONFIG_PRINT_CALLBACK:
			status = print_callbacks(config);
			break;
		case CONFIG_CHECK:
			status = setup_check(config, stdout) ? EXIT_SUCCESS : EXIT_CONFIG;
			break;
		case CONFIG_RUN:
			return run(config, arguments);
	}
	config_free(config);
	return status;
}

int
main(int argc, char *argv[])
{
	const BridgeArguments arguments = {argc, argv, environ};
	ConfigCommand command;
	Config *config = NULL;
	Failure failure;

	seed_random();
	if (!config_load(argc, argv, environ, &config, &command, &failure))
		return complain(EXIT_CONFIG, &failure);
	return obey(command, config, &arguments);
}
