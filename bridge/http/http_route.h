/*
 * http_route.h
 *		The table of routes and how a request finds its row (pure). Knows nothing of sockets.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdbool.h>

typedef struct HttpRequest HttpRequest;

/* Must lead to exactly one http_request_reply, within the call or later. */
typedef void (*HttpHandler)(void *context, HttpRequest *request);

typedef enum HttpBodyClass
{
	HTTP_BODY_NONE,
	HTTP_BODY_ORDINARY,
	HTTP_BODY_LARGE,
	HTTP_BODY_CLASSES
} HttpBodyClass;

typedef struct HttpRoute
{
	const char *method;
	const char *path; /* after base path and prefix */
	HttpBodyClass body;
	HttpHandler handler;
	int number;		   /* for the handler's own use */
	const char *scope; /* what a token must be good for; likewise */
	bool is_told;	   /* also below /from/CALLER, where the path says who calls */
} HttpRoute;

/* What a request's target says besides its route. */
typedef struct HttpTarget
{
	bool has_slash; /* one more at its end */
	char from[512]; /* CALLER of /from/CALLER; "" when nobody is named */
} HttpTarget;

/*
 * 0 when *route is the row for it, else the HTTP status of the refusal: 404, or 405 and *route is
 * a row for the path with another method. HEAD is a GET whose body is not sent.
 */
extern int http_route_find(const HttpRoute *routes, const char *base_path,
						   const char *const *prefixes, const char *method, const char *target,
						   const HttpRoute **route, HttpTarget *said);

/* What a refusal with this HTTP status says, and the standard's code for it. */
extern const char *http_route_refusal(int status);
extern const char *http_route_refusal_code(int status);

#endif
