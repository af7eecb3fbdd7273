/*
 * api_routes.c
 *		The tables of routes: which path goes to which handler. Must not know how any is answered.
 */
#include "api.h"

#include <stddef.h>

#include "message_check.h"

/* The numbers are the actions that fit the paths. */
const HttpRoute api_routes[] = {
	{"POST", "/registry/subscribe", HTTP_BODY_ORDINARY, api_receive, MESSAGE_SUBSCRIBE},
	{"POST", "/registry/unsubscribe", HTTP_BODY_ORDINARY, api_receive, MESSAGE_UNSUBSCRIBE},
	{"POST", "/registry/on-subscribe", HTTP_BODY_ORDINARY, api_receive, MESSAGE_ON_SUBSCRIBE},
	{"POST", "/registry/on-unsubscribe", HTTP_BODY_ORDINARY, api_receive, MESSAGE_ON_UNSUBSCRIBE},
	{"POST", "/registry/notify", HTTP_BODY_LARGE, api_receive, MESSAGE_NOTIFY},
	{NULL, NULL, HTTP_BODY_NONE, NULL, 0},
};

const HttpRoute api_health_routes[] = {
	{"GET", "/livez", HTTP_BODY_NONE, api_live, 0},
	{"GET", "/readyz", HTTP_BODY_NONE, api_ready, 0},
	{NULL, NULL, HTTP_BODY_NONE, NULL, 0},
};

const char *const api_prefixes[] = {"", "/ess", "/sp", NULL};
const char *const api_no_prefixes[] = {"", NULL};
