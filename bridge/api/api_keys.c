/*
 * api_keys.c
 *		/.well-known/jwks.json: our public keys, for whoever asks; and named-jwks.json, where those
 *		that sign have the names by which some look for them. Must not know what they are for.
 */
#include "api/api_handlers.h"

#include "api/api_shared.h"
#include "base/iso_time.h"
#include "message/reply.h"

#define KEYS_LIMIT (64 * 1024)

static bool
keys_write(const ApiParts *parts, bool is_named, Buffer *body)
{
	if (*parts->keys == NULL || (is_named && !parts->node->is_known))
		return false;
	return is_named ? key_ring_jwks_named(*parts->keys, parts->node->sender_id, body)
					: key_ring_jwks(*parts->keys, body);
}

void
api_keys(void *context, HttpRequest *request)
{
	static const HttpHeader headers[] = {{"Cache-Control", "public, max-age=300"}, {NULL, NULL}};
	const ApiParts *parts = api_parts(context);
	Buffer body;

	buffer_init(&body, KEYS_LIMIT);
	if (keys_write(parts, http_request_route(request)->number == API_KEYS_NAMED, &body))
		http_request_reply_with(request, 200, headers, body.data, body.length);
	else
	{
		buffer_clear(&body);
		(void) reply_error(&body, "err.service.unavailable", "there is no key at the moment", NULL,
						   iso_time_now(), NULL);
		http_request_reply(request, 503, body.data, body.length);
	}
	buffer_free(&body);
}
