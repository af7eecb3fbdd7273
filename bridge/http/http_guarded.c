/*
 * http_guarded.c
 *		Gives libmicrohttpd a guarded answer piece by piece. Must not know why it is guarded.
 */
#include "http/http_guarded.h"

#include <stdlib.h>
#include <string.h>

#define PIECE (32 * 1024)

struct HttpGuarded
{
	LIST_ENTRY(HttpGuarded) entry;
	struct MHD_Connection *connection;
	HttpServer *server; /* in whose list it is, or NULL */
	HttpGuard guard;
	bool has_begun;
	bool has_ended;
	bool is_response; /* libmicrohttpd frees it */
	size_t length;
	char body[];
};

HttpGuarded *
http_guarded_new(struct MHD_Connection *connection, const char *body, size_t length,
				 const HttpGuard *guard)
{
	HttpGuarded *guarded = calloc(1, sizeof(HttpGuarded) + length);

	if (guarded == NULL)
	{
		guard->ended(guard->context);
		return NULL;
	}
	guarded->connection = connection;
	guarded->guard = *guard;
	guarded->length = length;
	memcpy(guarded->body, body, length);
	return guarded;
}

static ssize_t
guarded_give(void *context, uint64_t position, char *bytes, size_t size)
{
	HttpGuarded *guarded = context;
	size_t left = guarded->length - (size_t) position;
	size_t length = left < size ? left : size;

	if (guarded->has_ended || !guarded->guard.may_leave(guarded->guard.context, position == 0))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	guarded->has_begun = true;
	memcpy(bytes, guarded->body + position, length);
	return (ssize_t) length;
}

static void
guarded_free(void *context)
{
	HttpGuarded *guarded = context;

	/* the one that answers it is told by http_guarded_end, which may still come */
	guarded->is_response = false;
	if (guarded->has_ended)
		free(guarded);
}

struct MHD_Response *
http_guarded_response(HttpGuarded *guarded)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		guarded->length, guarded->length < PIECE ? guarded->length : PIECE, guarded_give, guarded,
		guarded_free);

	guarded->is_response = response != NULL;
	return response;
}

bool
http_guarded_may_begin(HttpGuarded *guarded)
{
	return guarded->guard.may_leave(guarded->guard.context, true);
}

void
http_guarded_watch(HttpGuarded *guarded, HttpServer *server)
{
	guarded->server = server;
	LIST_INSERT_HEAD(&server->guarded, guarded, entry);
}

void
http_guarded_end(HttpGuarded *guarded)
{
	if (guarded == NULL)
		return;
	if (guarded->server != NULL)
		LIST_REMOVE(guarded, entry);
	guarded->server = NULL;
	guarded->has_ended = true;
	guarded->guard.ended(guarded->guard.context);
	if (!guarded->is_response)
		free(guarded);
}

void
http_guarded_stop_all(HttpServer *server)
{
	HttpGuarded *guarded;

	LIST_FOREACH (guarded, &server->guarded, entry)
		if (guarded->has_begun && !guarded->guard.may_leave(guarded->guard.context, false))
			http_connection_end(guarded->connection);
}
