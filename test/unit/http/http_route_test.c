/*
 * http_route_test.c
 *		Which row of a route table a request finds, and what a refusal says.
 */
#include <string.h>

#include "http/http_route.h"
#include "tap.h"

static const HttpRoute routes[] = {
	{"POST", "/registry/notify", HTTP_BODY_LARGE, NULL, 1, "registry.notify", true},
	{"GET", "/livez", HTTP_BODY_NONE, NULL, 2, NULL, false},
	{"POST", "/livez", HTTP_BODY_NONE, NULL, 3, NULL, false},
	{NULL, NULL, HTTP_BODY_NONE, NULL, 0, NULL, false},
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
	const char *from;
} RouteCase;

static const RouteCase cases[] = {
	{"finds_path_and_method", "", "POST", "/registry/notify", 0, 1, NULL},
	{"finds_path_under_prefix", "", "POST", "/ess/registry/notify", 0, 1, NULL},
	{"finds_path_under_base", "/dci", "POST", "/dci/registry/notify", 0, 1, NULL},
	{"finds_path_under_base_and_prefix", "/dci", "POST", "/dci/ess/registry/notify", 0, 1, NULL},
	{"finds_second_method_of_a_path", "", "POST", "/livez", 0, 3, NULL},
	{"takes_head_for_get", "", "HEAD", "/livez", 0, 2, NULL},
	{"refuses_head_for_post", "", "HEAD", "/registry/notify", 405, 1, NULL},
	{"refuses_other_method", "", "PUT", "/registry/notify", 405, 1, NULL},
	{"refuses_method_in_lower_case", "", "post", "/registry/notify", 405, 1, NULL},
	{"refuses_path_without_base", "/dci", "POST", "/registry/notify", 404, 0, NULL},
	{"refuses_unknown_prefix", "", "POST", "/xyz/registry/notify", 404, 0, NULL},
	{"refuses_prefix_twice", "", "POST", "/ess/ess/registry/notify", 404, 0, NULL},
	{"finds_path_with_a_slash_at_the_end", "", "POST", "/registry/notify/", 0, 1, NULL},
	{"refuses_two_slashes_at_the_end", "", "POST", "/registry/notify//", 404, 0, NULL},
	{"refuses_more_behind_the_path", "", "POST", "/registry/notify/x", 404, 0, NULL},
	{"refuses_slash_at_the_end_of_what_is_read", "", "GET", "/livez/", 405, 3, NULL},
	{"finds_path_of_a_whole_url", "", "POST", "http://sp.example.org:80/registry/notify", 0, 1,
	 NULL},
	{"finds_path_under_base_of_a_whole_url", "/dci", "POST", "https://x/dci/registry/notify", 0, 1,
	 NULL},
	{"refuses_whole_url_without_path", "", "POST", "http://sp.example.org", 404, 0, NULL},
	{"refuses_other_scheme", "", "POST", "ftp://sp.example.org/registry/notify", 404, 0, NULL},
	{"refuses_beginning_of_a_path", "", "POST", "/registry", 404, 0, NULL},
	{"refuses_empty_path", "", "POST", "", 404, 0, NULL},
	{"finds_caller", "", "POST", "/from/a.b/registry/notify", 0, 1, "a.b"},
	{"finds_caller_under_base_and_prefix", "/dci", "POST", "/dci/from/a/ess/registry/notify/", 0, 1,
	 "a"},
	{"refuses_caller_behind_the_prefix", "", "POST", "/ess/from/a/registry/notify", 404, 0, NULL},
	{"refuses_caller_without_name", "", "POST", "/from//registry/notify", 404, 0, NULL},
	{"refuses_caller_without_path", "", "POST", "/from/a", 404, 0, NULL},
	{"refuses_two_callers", "", "POST", "/from/a/from/b/registry/notify", 404, 0, NULL},
	{"refuses_caller_where_none_is_told", "", "POST", "/from/a/livez", 404, 0, NULL},
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
		HttpTarget said = {0};
		int refusal = http_route_find(routes, expected->base_path, prefixes, expected->method,
									  expected->path, &route, &said);
		size_t length = strlen(expected->path);

		tap_ok(&tap,
			   refusal == expected->refusal &&
				   (route != NULL ? route->number : 0) == expected->number,
			   "%s", expected->name);
		if (refusal == 0)
			tap_ok(&tap, strcmp(said.from, expected->from != NULL ? expected->from : "") == 0,
				   "tells_caller_of_%s", expected->name);
		if (refusal == 0)
			tap_ok(&tap, said.has_slash == (expected->path[length - 1] == '/'), "tells_slash_of_%s",
				   expected->path);
	}
	for (size_t i = 0; i + 1 < sizeof(statuses) / sizeof(statuses[0]); i++)
		tap_ok(&tap,
			   strcmp(http_route_refusal(statuses[i]), http_route_refusal(statuses[i + 1])) != 0,
			   "refusal_%d_has_words_of_its_own", statuses[i]);
	return tap_done(&tap);
}
