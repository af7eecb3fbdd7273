/*
 * http_route.c
 *		Finds the row of the route table for a method and a path (pure). Must not know what the
 *		handlers do.
 */
#include "http/http_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *
route_skip(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(path, prefix, length) == 0 ? path + length : NULL;
}

/* Who calls, where the path may say so; gives what comes behind, or NULL: nobody is called so. */
static const char *
route_skip_caller(const HttpRoute *route, const char *path, HttpTarget *said)
{
	const char *from = route->is_told ? route_skip(path, "/from/") : NULL;
	size_t length = from != NULL ? strcspn(from, "/") : 0;

	said->from[0] = '\0';
	if (from == NULL)
		return path;
	if (length == 0 || length >= sizeof(said->from))
		return NULL;
	memcpy(said->from, from, length);
	said->from[length] = '\0';
	return from + length;
}

/*
 * Compared as sent, byte for byte: no escapes, no dots, no double slashes are resolved. Only one
 * slash at the end may be too many, where messages are taken.
 */
static bool
route_has_path(const HttpRoute *route, const char *const *prefixes, const char *path,
			   HttpTarget *said)
{
	path = route_skip_caller(route, path, said);
	for (; path != NULL && *prefixes != NULL; prefixes++)
	{
		const char *rest = route_skip(path, *prefixes);

		rest = rest != NULL ? route_skip(rest, route->path) : NULL;
		said->has_slash =
			rest != NULL && strcmp(rest, "/") == 0 && strcmp(route->method, "POST") == 0;
		if (rest != NULL && (*rest == '\0' || said->has_slash))
			return true;
	}
	return false;
}

/* The path of a target, which may be a whole URL (absolute-form): whose, the connection says. */
static const char *
target_path(const char *target)
{
	const char *rest = route_skip(target, "http://");

	if (rest == NULL)
		rest = route_skip(target, "https://");
	return rest == NULL ? target : rest + strcspn(rest, "/");
}

static bool
route_takes(const HttpRoute *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
		   (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

int
http_route_find(const HttpRoute *routes, const char *base_path, const char *const *prefixes,
				const char *method, const char *target, const HttpRoute **route, HttpTarget *said)
{
	int refusal = 404;
	const char *rest = route_skip(target_path(target), base_path);

	if (rest == NULL)
		return refusal;
	for (; routes->method != NULL; routes++)
	{
		if (!route_has_path(routes, prefixes, rest, said))
			continue;
		/* the route stays known: the answer names the method that it takes */
		refusal = 405;
		*route = routes;
		if (route_takes(routes, method))
			return 0;
	}
	return refusal;
}

const char *
http_route_refusal(int status)
{
	switch (status)
	{
		case 400:
			return "the headers contradict each other or have bytes that headers do not have";
		case 401:
			return "a body of this size needs a valid token in the header Authorization";
		case 404:
			return "there is nothing at this path";
		case 405:
			return "this path does not take this method";
		case 413:
			return "the body is larger than this path accepts";
		case 429:
			return "what you have sent takes more time than is yours; wait, and send less";
		case 431:
			return "there are too many headers, or they are too long";
		case 503:
			return "too much is being sent at the moment; send it again later";
	}
	return "the request was refused";
}

const char *
http_route_refusal_code(int status)
{
	switch (status)
	{
		case 401:
			return "err.request.unauthorized";
		case 404:
			return "err.request.not_found";
		case 429:
			return "err.request.too_many_requests";
		case 503:
			return "err.service.unavailable";
		default:
			return "err.request.bad";
	}
}
