/*
 * reply.c
 *		JSON replies. Built by jansson, so that no text can break out of its quotes.
 */
#include <jansson.h>
#include <string.h>

#include "message/canonical_json.h"
#include "base/iso_time.h"
#include "message/reply.h"
#include "base/uuid.h"

#define MESSAGE_MAX_CHARACTERS 999

/* At most 999 characters and valid UTF-8, whatever is given. */
static json_t *
text_bounded(const char *text)
{
	size_t length = strlen(text);
	json_t *string;

	if (length > MESSAGE_MAX_CHARACTERS)
		length = MESSAGE_MAX_CHARACTERS;
	/* Do not cut a character in two. */
	while (length < strlen(text) && length > 0 && ((unsigned char) text[length] & 0xc0) == 0x80)
		length--;
	string = json_stringn(text, length);
	return string != NULL ? string : json_string("");
}

static json_t *
error_build(const char *error_code, const char *error_message)
{
	return json_pack("{s:s, s:o}", "code", error_code, "message",
					 text_bounded(error_message != NULL ? error_message : ""));
}

static bool
value_append(const json_t *value, Buffer *body, Failure *failure)
{
	if (value == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	return canonical_json(value, body, failure);
}

/* The object that every acknowledgement has under "message". */
static json_t *
acknowledgement_build(const char *ack_status, const char *error_code, const char *error_message,
					  const char *correlation_id, const char *at, int64_t now_ms)
{
	char fresh[UUID_SIZE];
	char now[ISO_TIME_SIZE];
	int64_t ms;
	json_t *message;

	if (correlation_id == NULL || *correlation_id == '\0')
	{
		if (!uuid_random(fresh, NULL))
			return NULL;
		correlation_id = fresh;
	}
	iso_time_format(at != NULL && iso_time_parse(at, &ms) ? ms : now_ms, now);
	message = json_pack("{s:s, s:s, s:s}", "ack_status", ack_status, "timestamp", now,
						"correlation_id", correlation_id);
	if (message != NULL && error_code != NULL && *error_code != '\0' &&
		json_object_set_new(message, "error", error_build(error_code, error_message)) != 0)
	{
		json_decref(message);
		return NULL;
	}
	return message;
}

bool
reply_acknowledge(Buffer *body, const char *ack_status, const char *error_code,
				  const char *error_message, const char *correlation_id, const char *at,
				  int64_t now_ms, Failure *failure)
{
	json_t *reply = json_pack(
		"{s:o}", "message",
		acknowledgement_build(ack_status, error_code, error_message, correlation_id, at, now_ms));
	bool ok = value_append(reply, body, failure);

	json_decref(reply);
	return ok;
}

bool
reply_error(Buffer *body, const char *error_code, const char *error_message,
			const char *correlation_id, int64_t now_ms, Failure *failure)
{
	json_t *reply = json_pack(
		"{s:[o], s:o}", "errors", error_build(error_code, error_message), "message",
		acknowledgement_build("ERR", error_code, error_message, correlation_id, NULL, now_ms));
	bool ok = value_append(reply, body, failure);

	json_decref(reply);
	return ok;
}
