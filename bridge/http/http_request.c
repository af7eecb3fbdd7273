/*
 * http_request.c
 *		One request: judged when its headers are there, its body gathered within limits, handed to
 *		its route, answered now or later. Must not know what the routes do.
 */
#include "http/http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/iso_time.h"
#include "http/http_framing.h"
#include "http/http_guarded.h"
#include "message/reply.h"

#define LARGE_BODIES 8 /* so many of the largest size may be held, all clients together */
#define REST_MS 200	   /* whoever comes again at once must not have all our time */
#define RESTS 5		   /* of a request, for room that its sender's others have */
#define REFUSED_BODY_LIMIT (64 * 1024) /* so much is read, else the client would miss its answer */

struct HttpRequest
{
	HttpServer *server;
	struct MHD_Connection *connection;
	const HttpRoute *route;
	Buffer body;
	size_t discarded;
	int refusal;	 /* HTTP status, 0 = none */
	int64_t wait_ms; /* of 429 */
	HttpTarget said;
	bool trusted; /* may send more than REFUSED_BODY_LIMIT */
	bool handled; /* the route's handler has been called */
	bool suspended;
	Timer *rest;
	int rests;
	bool resting; /* suspended, and in server->resting */
	LIST_ENTRY(HttpRequest) entry;
	struct MHD_Response *response; /* the answer, waiting to be queued */
	int status;
	HttpGuarded *guarded; /* what it is made of, or NULL */
};

/* The first line of a request is there: from now on the client has so long for the rest. */
void *
http_request_begins(void *context, const char *uri, struct MHD_Connection *connection)
{
	HttpServer *server = context;

	(void) uri;
	http_connection_await_sooner(connection, server->settings.request_timeout_ms);
	return NULL;
}

static void
request_drop_body(HttpRequest *request)
{
	http_connection_let_go(request->connection);
	buffer_free(&request->body);
}

static void
request_free(HttpRequest *request)
{
	if (request == NULL)
		return;
	if (request->resting)
		LIST_REMOVE(request, entry);
	timer_free(request->rest);
	if (request->guarded != NULL)
		request->server->pending--;
	http_guarded_end(request->guarded);
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	request_drop_body(request);
	free(request);
}

void
http_request_completed(void *context, struct MHD_Connection *connection, void **request_context,
					   enum MHD_RequestTerminationCode code)
{
	(void) context;
	(void) code;
	http_connection_await(connection, HTTP_IDLE_SECONDS * 1000);
	request_free(*request_context);
	*request_context = NULL;
}

static bool
announces_too_much(struct MHD_Connection *connection, size_t limit)
{
	const char *text =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text != NULL && strtoull(text, NULL, 10) > limit;
}

/*
 * Whoever is nobody to us must not fill our memory: bodies of some size need a token, and time left
 * to look at them. 0 or the status of the refusal.
 */
static int
request_judge_growth(HttpRequest *request, size_t length)
{
	const HttpServerSettings *settings = &request->server->settings;
	HttpSender sender;

	if (request->trusted || length <= REFUSED_BODY_LIMIT || settings->judge_sender == NULL)
		return 0;
	/* asked once: a token that was good while the body came is good for all of it */
	sender = settings->judge_sender(request->server->context, request);
	request->trusted = sender.refusal == 0;
	request->wait_ms = sender.wait_ms;
	http_connection_set_sender(request->connection, sender.who);
	return sender.refusal;
}

static enum MHD_Result
header_seen(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length,
			const char *value, size_t value_length)
{
	(void) kind;
	http_framing_add(context, name, name_length, value != NULL ? value : "", value_length);
	return MHD_YES;
}

static int
request_judge_framing(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	HttpFraming framing = {0};

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, header_seen, &framing);
	return http_framing_judge(&framing, info != NULL ? info->header_size : 0);
}

/* What can be said of a request when its headers are there: 0 or the status of the refusal. */
static int
request_judge(HttpRequest *request, const char *method, const char *path)
{
	const HttpServerSettings *settings = &request->server->settings;
	size_t limit = 0;
	int refusal = request_judge_framing(request->connection);

	if (refusal == 0)
		refusal = http_route_find(settings->routes, settings->base_path, settings->prefixes, method,
								  path, &request->route, &request->said);
	if (refusal == 0)
		limit = settings->body_limits[request->route->body];
	buffer_init(&request->body, limit);
	if (refusal != 0)
		return refusal;
	if (announces_too_much(request->connection, limit))
		return 413;
	/* Without Content-Length the same is asked when the body has grown that large. */
	if (announces_too_much(request->connection, REFUSED_BODY_LIMIT))
		return request_judge_growth(request, REFUSED_BODY_LIMIT + 1);
	return 0;
}

static HttpRequest *
request_new(HttpServer *server, struct MHD_Connection *connection, const char *method,
			const char *path)
{
	HttpRequest *request = calloc(1, sizeof(HttpRequest));

	if (request == NULL)
		return NULL;
	request->server = server;
	request->connection = connection;
	request->refusal = request_judge(request, method, path);
	return request;
}

/* NULL also when a header cannot be sent as it is: half an answer would be another answer. */
static struct MHD_Response *
response_finish(struct MHD_Response *response, const HttpHeader *headers)
{
	bool has_type = false;
	bool ok = response != NULL;

	for (; ok && headers->name != NULL; headers++)
	{
		has_type = has_type || strcasecmp(headers->name, MHD_HTTP_HEADER_CONTENT_TYPE) == 0;
		ok = MHD_add_response_header(response, headers->name, headers->value) == MHD_YES;
	}
	if (ok && !has_type)
		ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, REPLY_CONTENT_TYPE) ==
			 MHD_YES;
	if (!ok && response != NULL)
	{
		MHD_destroy_response(response);
		response = NULL;
	}
	return response;
}

static struct MHD_Response *
response_new(const HttpHeader *headers, const char *body, size_t length)
{
	return response_finish(
		MHD_create_response_from_buffer(length, (void *) body, MHD_RESPMEM_MUST_COPY), headers);
}

static enum MHD_Result
request_refuse(HttpRequest *request)
{
	const char *code = http_route_refusal_code(request->refusal);
	enum MHD_Result result = MHD_NO;
	HttpHeader headers[2] = {{NULL, NULL}, {NULL, NULL}};
	struct MHD_Response *response = NULL;
	char seconds[16];
	Buffer body;

	snprintf(seconds, sizeof(seconds), "%d", (int) ((request->wait_ms + 999) / 1000));
	if (request->refusal == 405)
		headers[0] = (HttpHeader){MHD_HTTP_HEADER_ALLOW, request->route->method};
	else if (request->refusal == 401)
		headers[0] =
			(HttpHeader){MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""};
	else if (request->refusal == 429)
		headers[0] = (HttpHeader){MHD_HTTP_HEADER_RETRY_AFTER, seconds};
	/* where the request ends is in doubt: nothing after it may be read as another */
	if (request->refusal == 400 || request->refusal == 431)
		headers[0] = (HttpHeader){MHD_HTTP_HEADER_CONNECTION, "close"};
	buffer_init(&body, 4096);
	if (reply_error(&body, code, http_route_refusal(request->refusal), NULL, iso_time_now(), NULL))
		response = response_new(headers, body.data, body.length);
	if (response != NULL)
	{
		http_connection_await(request->connection, request->server->settings.request_timeout_ms);
		result = MHD_queue_response(request->connection, (unsigned int) request->refusal, response);
		MHD_destroy_response(response);
	}
	buffer_free(&body);
	return result;
}

static void
request_wake(void *context)
{
	HttpRequest *request = context;

	LIST_REMOVE(request, entry);
	request->resting = false;
	MHD_resume_connection(request->connection);
	timer_set(request->server->timer, 0);
}

void
http_request_wake_all(HttpServer *server)
{
	HttpRequest *request;

	while ((request = LIST_FIRST(&server->resting)) != NULL)
		request_wake(request);
}

/*
 * Nothing is read or said for a moment: the daemon comes back to where it was. The client's time
 * runs on, so that others may have its place. False when it has rested that often.
 */
static bool
request_rest(HttpRequest *request, int rests)
{
	HttpServer *server = request->server;

	if (request->rests >= rests || server->is_closed)
		return false;
	if (request->rest == NULL)
		request->rest = timer_new(server->loop, request_wake, request);
	if (request->rest == NULL)
		return false;
	request->rests++;
	request->resting = true;
	LIST_INSERT_HEAD(&server->resting, request, entry);
	timer_set(request->rest, REST_MS);
	MHD_suspend_connection(request->connection);
	return true;
}

/*
 * A client that is told early that its body is unwanted may miss the answer, so small ones are
 * read; but not where it is not sure what the body is.
 */
static bool
request_refuse_at_once(HttpRequest *request)
{
	return request->refusal == 400 || request->refusal == 431 ||
		   (request->refusal != 0 && announces_too_much(request->connection, REFUSED_BODY_LIMIT));
}

static size_t
request_held_most(const HttpRequest *request)
{
	return LARGE_BODIES * request->server->settings.body_limits[HTTP_BODY_LARGE];
}

/* As long as its sender's other bodies have all the room; what has come is not taken yet. */
static bool
request_waits_for_room(HttpRequest *request, size_t length)
{
	return request->refusal == 0 &&
		   !http_connection_has_room(request->connection, length, request_held_most(request)) &&
		   request_rest(request, RESTS);
}

static enum MHD_Result
request_take_body(HttpRequest *request, const char *bytes, size_t length)
{
	if (request->refusal == 0 && buffer_is_full_for(&request->body, length))
		request->refusal = 413;
	if (request->refusal == 0)
		request->refusal = request_judge_growth(request, request->body.length + length);
	if (request->refusal == 0 &&
		(!http_connection_hold(request->connection, length, request_held_most(request)) ||
		 !buffer_append(&request->body, bytes, length)))
		request->refusal = 503;
	if (request->refusal == 0)
		return MHD_YES;
	request_drop_body(request);
	request->discarded += length;
	return request->discarded <= REFUSED_BODY_LIMIT ? MHD_YES : MHD_NO;
}

static enum MHD_Result
request_queue_answer(HttpRequest *request)
{
	if (request->guarded != NULL)
	{
		if (!http_guarded_may_begin(request->guarded))
		{
			request->refusal = 503;
			return request_refuse(request);
		}
		http_guarded_watch(request->guarded, request->server);
	}
	/* whoever does not read its answer is as slow as whoever does not send its request */
	http_connection_await(request->connection, request->server->settings.request_timeout_ms);
	return MHD_queue_response(request->connection, (unsigned int) request->status,
							  request->response);
}

static enum MHD_Result
request_handle(HttpRequest *request)
{
	http_connection_keep(request->connection);
	if (request->refusal != 0)
		return request_refuse(request);
	/* Called once more when the connection is resumed: then the answer is there. */
	if (!request->handled)
	{
		request->handled = true;
		request->server->pending++;
		request->route->handler(request->server->context, request);
	}
	if (request->status != 0)
		return request->response != NULL ? request_queue_answer(request) : MHD_NO;
	/* until http_request_reply_with: the daemon neither polls nor times it out meanwhile */
	request->suspended = true;
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

enum MHD_Result
http_request_access(void *context, struct MHD_Connection *connection, const char *url,
					const char *method, const char *version, const char *upload,
					size_t *upload_size, void **request_context)
{
	HttpServer *server = context;
	HttpRequest *request = *request_context;
	enum MHD_Result result;

	(void) version;
	server->runs_without_news = 0;
	if (request == NULL)
	{
		request = request_new(server, connection, method, url);
		*request_context = request;
		if (request == NULL)
			return MHD_NO;
		if (!request_refuse_at_once(request) ||
			(request->refusal == 429 && request_rest(request, 1)))
			return MHD_YES;
		return request_refuse(request);
	}
	if (*upload_size == 0)
		return request_handle(request);
	if (request_waits_for_room(request, *upload_size))
		return MHD_YES;
	result = request_take_body(request, upload, *upload_size);
	*upload_size = 0;
	if (result == MHD_YES && request->refusal == 429)
		(void) request_rest(request, 1);
	return result;
}

/* Without a response the connection ends. */
static void
request_reply(HttpRequest *request, int status, struct MHD_Response *response)
{
	HttpServer *server = request->server;

	request->status = status;
	request->response = response;
	if (request->guarded == NULL)
		server->pending--;
	if (request->suspended)
	{
		request->suspended = false;
		MHD_resume_connection(request->connection);
		timer_set(server->timer, 0);
	}
}

void
http_request_reply_with(HttpRequest *request, int status, const HttpHeader *headers,
						const char *body, size_t length)
{
	request_reply(request, status, response_new(headers, body, length));
}

static const HttpHeader no_headers[] = {{NULL, NULL}};

void
http_request_reply(HttpRequest *request, int status, const char *body, size_t length)
{
	http_request_reply_with(request, status, no_headers, body, length);
}

void
http_request_reply_guarded(HttpRequest *request, int status, const char *body, size_t length,
						   const HttpGuard *guard)
{
	struct MHD_Response *response = NULL;

	request->guarded = http_guarded_new(request->connection, body, length, guard);
	if (request->guarded != NULL)
		response = response_finish(http_guarded_response(request->guarded), no_headers);
	request_reply(request, status, response);
}

const HttpRoute *
http_request_route(const HttpRequest *request)
{
	return request->route;
}

const char *
http_request_body(const HttpRequest *request, size_t *length)
{
	*length = request->body.length;
	return request->body.length > 0 ? request->body.data : "";
}

void
http_request_forget_body(HttpRequest *request)
{
	request_drop_body(request);
}

const char *
http_request_header(const HttpRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const HttpTarget *
http_request_target(const HttpRequest *request)
{
	return &request->said;
}

const char *
http_request_client(const HttpRequest *request)
{
	return http_connection_client(request->connection);
}

bool
http_request_has_type(const HttpRequest *request, const char *media_type)
{
	const char *type = http_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
	const char *encoding = http_request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
	size_t length = media_type != NULL ? strlen(media_type) : 0;

	/* a compressed body would be bytes that nobody here has signed or bounded */
	if (encoding != NULL && strcasecmp(encoding, "identity") != 0)
		return false;
	if (type == NULL || media_type == NULL)
		return type == media_type;
	if (strncasecmp(type, media_type, length) != 0)
		return false;
	/* also finds the end of the text */
	return strchr("; \t", type[length]) != NULL;
}
