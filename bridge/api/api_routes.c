/*
 * api_routes.c
 *		The tables of routes: which path goes to which handler, with what size of body, and what a
 *		token must be good for. Must not know how any is answered.
 */
#include "api/api.h"

#include <stddef.h>

#include "api/api_handlers.h"
#include "message/message_check.h"

#define RECEIVE(path, body, action, scope)                                                         \
	{                                                                                              \
		"POST", path, body, api_receive, action, scope, false                                      \
	}
#define TOLD(path, action, scope)                                                                  \
	{                                                                                              \
		"POST", path, HTTP_BODY_LARGE, api_receive, action, scope, true                            \
	}
#define ANSWER(path, action, scope)                                                                \
	{                                                                                              \
		"POST", path, HTTP_BODY_ORDINARY, api_answer, action, scope, false                         \
	}

/*
 * The numbers are the actions that fit the paths. The standard's list of scopes has none for the
 * status of a transaction: any token may ask about, and answer, what is its own partner's. What is
 * told us unasked may come to any of its paths (message_mend_path()): one limit for all of them,
 * and a path of his own for whom calls without a token (token/callback_address.h).
 */
const HttpRoute api_routes[] = {
	RECEIVE("/registry/subscribe", HTTP_BODY_ORDINARY, MESSAGE_SUBSCRIBE, "registry.subscribe"),
	RECEIVE("/registry/unsubscribe", HTTP_BODY_ORDINARY, MESSAGE_UNSUBSCRIBE,
			"registry.unsubscribe"),
	RECEIVE("/registry/search", HTTP_BODY_ORDINARY, MESSAGE_SEARCH, "registry.search"),
	RECEIVE("/registry/txn/status", HTTP_BODY_ORDINARY, MESSAGE_TXN_STATUS, NULL),
	TOLD("/registry/notify", MESSAGE_NOTIFY, "registry.notify"),
	TOLD("/registry/on-subscribe", MESSAGE_ON_SUBSCRIBE, "registry.on-subscribe"),
	TOLD("/registry/on-unsubscribe", MESSAGE_ON_UNSUBSCRIBE, "registry.on-subscribe"),
	TOLD("/registry/on-search", MESSAGE_ON_SEARCH, "registry.on-search"),
	TOLD("/registry/txn/on-status", MESSAGE_TXN_ON_STATUS, NULL),
	ANSWER("/registry/sync/search", MESSAGE_SEARCH, "registry.search"),
	ANSWER("/registry/sync/txn/status", MESSAGE_TXN_STATUS, NULL),
	ANSWER("/registry/sync/check-enrollment", MESSAGE_ENROLLMENT, "registry.search"),
	{"POST", "/oauth2/client/token", HTTP_BODY_ORDINARY, api_token, 0, NULL, false},
	{"GET", "/.well-known/jwks.json", HTTP_BODY_NONE, api_keys, 0, NULL, false},
	{"GET", "/.well-known/named-jwks.json", HTTP_BODY_NONE, api_keys, API_KEYS_NAMED, NULL, false},
	{NULL, NULL, HTTP_BODY_NONE, NULL, 0, NULL, false},
};

const char *
api_action_scope(MessageAction action)
{
	const HttpRoute *route = api_routes;

	while (route->handler != NULL && (route->scope == NULL || route->number != (int) action))
		route++;
	return route->scope;
}

const HttpRoute api_health_routes[] = {
	{"GET", "/livez", HTTP_BODY_NONE, api_live, 0, NULL, false},
	{"GET", "/readyz", HTTP_BODY_NONE, api_ready, 0, NULL, false},
	{NULL, NULL, HTTP_BODY_NONE, NULL, 0, NULL, false},
};

const char *const api_prefixes[] = {"", "/ess", "/sp", NULL};
const char *const api_no_prefixes[] = {"", NULL};
