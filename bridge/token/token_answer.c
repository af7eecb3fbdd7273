/*
 * token_answer.c
 *		Reads a token and how long it is good. Strict about what goes into a header of ours,
 *		tolerant about numbers that are written as strings.
 */
#include "token/token_answer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIFETIME_UNKNOWN 300
#define LIFETIME_MAX 86400

/* The characters of RFC 6750's b64token; anything else could end the header early. */
static bool
token_is_sane(const json_t *token)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
	const char *text = json_string_value(token);
	size_t length = json_string_length(token);

	return text != NULL && length > 0 && length <= TOKEN_ANSWER_MAX &&
		   strspn(text, allowed) == length;
}

static int64_t
lifetime_read(const json_t *value)
{
	double seconds = LIFETIME_UNKNOWN;

	if (json_is_number(value))
		seconds = json_number_value(value);
	else if (json_is_string(value) && json_string_length(value) > 0 &&
			 strspn(json_string_value(value), "0123456789") == json_string_length(value))
		seconds = strtod(json_string_value(value), NULL);
	if (seconds >= LIFETIME_MAX)
		return LIFETIME_MAX;
	return seconds >= 1 ? (int64_t) seconds : 0;
}

bool
token_answer_read(int http_status, const char *body, size_t length, TokenAnswer *answer,
				  Failure *failure)
{
	json_t *object;
	json_t *token;
	const char *type;
	bool ok = false;

	if (http_status != 200)
	{
		failure_set(failure, FAILURE_INPUT, "HTTP %d from the token endpoint", http_status);
		return false;
	}
	object = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
	token = json_object_get(object, "access_token");
	type = json_string_value(json_object_get(object, "token_type"));
	if (!token_is_sane(token))
		failure_set(failure, FAILURE_INPUT, "no usable access_token from the token endpoint");
	else if (type != NULL && strcasecmp(type, "Bearer") != 0)
		failure_set(failure, FAILURE_INPUT, "a token of another type than Bearer");
	else
	{
		snprintf(answer->authorization, sizeof(answer->authorization), "Bearer %s",
				 json_string_value(token));
		answer->lifetime_seconds = lifetime_read(json_object_get(object, "expires_in"));
		ok = true;
	}
	json_decref(object);
	return ok;
}
