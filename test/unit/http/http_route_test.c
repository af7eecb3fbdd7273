/*
 * http_route_test.c
 *		Which row of a route table a request finds, and what a refusal says.
 */
#include <string.h>

#include "http/http_route.h"
#include "tap.h"

static const HttpRoute routes[] = {
	{"POST", "/registry/notify", HTTP_BODY_LARGE, NULL, 1, "registry.notify"},
	{"GET", "/livez", HTTP_BODY_NONE, NULL, 2, NULL},
	{"POST", "/livez", HTTP_BODY_NONE, NULL, 3, NULL},
	{NULL, NULL, HTTP_BODY_NONE, NULL, 0, NULL},
};

static const char *const prefixes[] = {"", "/ess", NULL};

typedef struct RouteCase
{
	const char *name;
	const char *base_path;
	const char *method;
	const char *path;
	int refusal;
	int number; /* of the row found; 0 = none */
} RouteCase;

static const RouteCase cases[] = {
	{"finds_path_and_method", "", "POST", "/registry/notify", 0, 1},
	{"finds_path_under_prefix", "", "POST", "/ess/registry/notify", 0, 1},
	{"finds_path_under_base", "/dci", "POST", "/dci/registry/notify", 0, 1},
	{"finds_path_under_base_and_prefix", "/dci", "POST", "/dci/ess/registry/notify", 0, 1},
	{"finds_second_method_of_a_path", "", "POST", "/livez", 0, 3},
	{"takes_head_for_get", "", "HEAD", "/livez", 0, 2},
	{"refuses_head_for_post", "", "HEAD", "/registry/notify", 405, 1},
	{"refuses_other_method", "", "PUT", "/registry/notify", 405, 1},
	{"refuses_method_in_lower_case", "", "post", "/registry/notify", 405, 1},
	{"refuses_path_without_base", "/dci", "POST", "/registry/notify", 404, 0},
	{"refuses_unknown_prefix", "", "POST", "/xyz/registry/notify", 404, 0},
	{"refuses_prefix_twice", "", "POST", "/ess/ess/registry/notify", 404, 0},
	{"finds_path_with_a_slash_at_the_end", "", "POST", "/registry/notify/", 0, 1},
	{"refuses_two_slashes_at_the_end", "", "POST", "/registry/notify//", 404, 0},
	{"refuses_more_behind_the_path", "", "POST", "/registry/notify/x", 404, 0},
	{"refuses_slash_at_the_end_of_what_is_read", "", "GET", "/livez/", 405, 3},
	{"finds_path_of_a_whole_url", "", "POST", "http://sp.example.org:80/registry/notify", 0, 1},
	{"finds_path_under_base_of_a_whole_url", "/dci", "POST", "https://x/dci/registry/notify", 0, 1},
	{"refuses_whole_url_without_path", "", "POST", "http://sp.example.org", 404, 0},
	{"refuses_other_scheme", "", "POST", "ftp://sp.example.org/registry/notify", 404, 0},
	{"refuses_beginning_of_a_path", "", "POST", "/registry", 404, 0},
	{"refuses_empty_path", "", "POST", "", 404, 0},
};

int
main(void)
{
	Tap tap = {0};
	static const int statuses[] = {401, 404, 405, 413, 503};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const RouteCase *expected = &cases[i];
		const HttpRoute *route = NULL;
		bool has_slash = false;
		int refusal = http_route_find(routes, expected->base_path, prefixes, expected->method,
									  expected->path, &route, &has_slash);
		size_t length = strlen(expected->path);

		tap_ok(&tap,
			   refusal == expected->refusal &&
				   (route != NULL ? route->number : 0) == expected->number,
			   "%s", expected->name);
		if (refusal == 0)
			tap_ok(&tap, has_slash == (expected->path[length - 1] == '/'), "tells_slash_of_%s",
				   expected->path);
	}
	for (size_t i = 0; i + 1 < sizeof(statuses) / sizeof(statuses[0]); i++)
		tap_ok(&tap,
			   strcmp(http_route_refusal(statuses[i]), http_route_refusal(statuses[i + 1])) != 0,
			   "refusal_%d_has_words_of_its_own", statuses[i]);
	return tap_done(&tap);
}
