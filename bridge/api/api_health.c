/*
 * api_health.c
 *		/livez and /readyz: does the process turn, does this bridge do its share. Must not tell
 *		anything about messages or partners.
 */
#include "api/api_handlers.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_shared.h"

static void
health_reply(HttpRequest *request, int status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	if (text != NULL)
		http_request_reply(request, status, text, strlen(text));
	else
		http_request_reply(request, 503, "{}", 2);
	free(text);
	json_decref(body);
}

void
api_live(void *context, HttpRequest *request)
{
	(void) context;
	health_reply(request, 200, json_pack("{s:s}", "status", "live"));
}

/* A paused node is ready: it receives, and somebody paused it knowingly. */
static const char *
health_trouble(const ControlNode *node, bool is_connected, const ApiReadiness *readiness)
{
	if (readiness->is_stopping)
		return "the bridge is stopping";
	if (!is_connected)
		return "the database cannot be reached";
	if (!node->is_known)
		return node->unknown_reason[0] != '\0' ? node->unknown_reason
											   : "the database was not asked yet";
	if (!readiness->can_sign)
		return readiness->cannot_sign_reason;
	return readiness->turn_trouble;
}

void
api_ready(void *context, HttpRequest *request)
{
	const ApiParts *parts = api_parts(context);
	const ControlNode *node = parts->node;
	ApiReadiness readiness = parts->readiness(parts->context);
	bool is_connected = node->is_connected && readiness.is_connected && api_has_session(context);
	const char *trouble = health_trouble(node, is_connected, &readiness);
	const char *status = node->is_paused ? "paused" : "ready";

	health_reply(request, trouble == NULL ? 200 : 503,
				 json_pack("{s:s, s:b, s:b, s:b, s:b, s:s*}", "status",
						   trouble == NULL ? status : "not ready", "database", is_connected, "node",
						   node->is_known, "signs", readiness.can_sign, "routes",
						   readiness.is_router, "reason",
						   trouble == NULL && node->is_paused ? node->paused_reason : trouble));
}
