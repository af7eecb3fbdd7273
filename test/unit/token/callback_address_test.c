/*
 * callback_address_test.c
 *		Addresses for partners that call without a token: made, taken apart, and refused.
 */
#include "token/callback_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define CLIENT "3d2f8f0c-6f0e-4b0e-9f5a-2f3a1c7d9e10"
#define MAC "4k-luX_-6Que1EvJXySmekJE1w6lLIBavt3DXuUB744" /* by another program */

static Tap tap;

static void
write_secret(const char *directory, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/secret", directory);
	file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, 0600) != 0)
		exit(1);
}

static void
check_verify(const Config *config)
{
	static const struct
	{
		const char *name;
		const char *from;
		bool is_good;
	} rows[] = {
		{"takes_the_address", CLIENT "." MAC, true},
		{"refuses_no_mac", CLIENT, false},
		{"refuses_empty_mac", CLIENT ".", false},
		{"refuses_short_mac", CLIENT ".4k-luX", false},
		{"refuses_long_mac", CLIENT "." MAC "A", false},
		{"refuses_other_mac", CLIENT ".5k-luX_-6Que1EvJXySmekJE1w6lLIBavt3DXuUB744", false},
		{"refuses_other_client", "3d2f8f0c-6f0e-4b0e-9f5a-2f3a1c7d9e11." MAC, false},
		{"refuses_no_client", "." MAC, false},
		{"refuses_nothing", "", false},
	};
	BearerClaims claims;
	Failure failure;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		/* of this length and not a byte more, so that reading on is seen */
		size_t length = strlen(rows[i].from);
		char *from = malloc(length + 1);

		if (from == NULL)
			exit(1);
		memcpy(from, rows[i].from, length);
		tap_ok(&tap,
			   callback_address_verify(config, from, length, &claims, &failure) == rows[i].is_good,
			   "%s", rows[i].name);
		tap_ok(&tap, rows[i].is_good || failure.kind == FAILURE_INPUT, "%s_as_the_callers_fault",
			   rows[i].name);
		free(from);
	}
	tap_ok(&tap,
		   callback_address_verify(config, CLIENT "." MAC, strlen(CLIENT "." MAC), &claims,
								   &failure) &&
			   strcmp(claims.client, CLIENT) == 0 && strcmp(claims.issuer, CALLBACK_ISSUER) == 0,
		   "tells_the_client");
	tap_ok(&tap,
		   bearer_allows(&claims, "registry.on-search") &&
			   !bearer_allows(&claims, "registry.search"),
		   "may_answer_and_not_ask");
}

static void
check_fill(const Config *config)
{
	char filled[CALLBACK_URI_MAX];
	char large[CALLBACK_URI_MAX];
	Failure failure;

	tap_ok(&tap,
		   callback_address_fill(config, CLIENT, "https://x/from/" CLIENT "/registry/on-search",
								 filled, &failure) &&
			   strcmp(filled, "https://x/from/" CLIENT "." MAC "/registry/on-search") == 0,
		   "makes_the_address");
	tap_ok(
		&tap,
		callback_address_fill(config, NULL, "https://x/from/" CLIENT "/registry", filled, &failure),
		"makes_that_of_any_client");
	tap_ok(&tap,
		   callback_address_fill(config, CLIENT, "https://x/from/afar/from/" CLIENT "/registry",
								 filled, &failure) &&
			   strcmp(filled, "https://x/from/afar/from/" CLIENT "." MAC "/registry") == 0,
		   "makes_it_behind_a_path_with_the_same_word");
	tap_ok(&tap,
		   !callback_address_fill(config, CLIENT, "https://x/registry/on-search", filled, &failure),
		   "refuses_an_address_of_nobody");
	tap_ok(
		&tap,
		!callback_address_fill(config, CLIENT, "https://x/from/other/registry", filled, &failure),
		"refuses_an_address_of_somebody_else");
	tap_ok(&tap,
		   !callback_address_fill(config, NULL, "https://x/from/" CLIENT "." MAC "/registry",
								  filled, &failure),
		   "refuses_one_that_is_complete");
	memset(large, 'x', sizeof(large));
	snprintf(large + sizeof(large) - 60, 60, "/from/" CLIENT "/r");
	tap_ok(&tap, !callback_address_fill(config, CLIENT, large, filled, &failure),
		   "refuses_one_that_gets_too_long");
}

static void
check_secret(Config *config)
{
	char filled[CALLBACK_URI_MAX];
	Failure failure;
	BearerClaims claims;

	write_secret(config->secrets_directory, "0123456789abcdef0123456789abcde\n");
	tap_ok(&tap, !callback_address_check(config, &failure) && failure.kind == FAILURE_KEY,
		   "refuses_a_short_secret");
	tap_ok(
		&tap,
		!callback_address_fill(config, CLIENT, "https://x/from/" CLIENT "/r", filled, &failure) &&
			failure.kind == FAILURE_KEY,
		"makes_nothing_with_it");
	config->callback_secret[0] = '\0';
	tap_ok(&tap, callback_address_check(config, &failure), "needs_none_when_none_is_wanted");
	tap_ok(
		&tap,
		!callback_address_verify(config, CLIENT "." MAC, strlen(CLIENT "." MAC), &claims, &failure),
		"takes_nothing_without_one");
}

int
main(void)
{
	char directory[] = "/tmp/callback_address.XXXXXX";
	char secret[] = "secret";
	char path[256];
	Config config = {0};

	if (mkdtemp(directory) == NULL)
		return 1;
	config.secrets_directory = directory;
	config.callback_secret = secret;
	write_secret(directory, "0123456789abcdef0123456789abcdef\n");
	check_verify(&config);
	check_fill(&config);
	check_secret(&config);
	snprintf(path, sizeof(path), "%s/secret", directory);
	unlink(path);
	rmdir(directory);
	return tap_done(&tap);
}
