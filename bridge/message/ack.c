/*
 * ack.c
 *		Reads a partner's answer. Foreign bytes: bounded, and nothing but a plain code leaves.
 */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "message/ack.h"

static const char *const status_names[] = {NULL, "ACK", "NACK", "ERR"};

static AckStatus
status_find(const json_t *value)
{
	const char *word = json_string_value(value);
	int status;

	for (status = ACK_ACK; word != NULL && status <= ACK_ERR; status++)
	{
		if (strcasecmp(word, status_names[status]) == 0)
			return (AckStatus) status;
	}
	return ACK_UNREADABLE;
}

static void
code_copy(const json_t *error, Ack *ack)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *code = json_string_value(json_object_get(error, "code"));

	if (code == NULL || strlen(code) >= sizeof(ack->error_code) ||
		strspn(code, plain) != strlen(code))
		return;
	memcpy(ack->error_code, code, strlen(code) + 1);
}

void
ack_read(const char *body, size_t length, Ack *ack)
{
	const json_t *message;
	const json_t *errors;
	json_t *answer;

	ack->status = ACK_UNREADABLE;
	ack->error_code[0] = '\0';
	if (length == 0 || length > ACK_MAX_BODY)
		return;
	answer = json_loadb(body, length, 0, NULL);
	message = json_object_get(answer, "message");
	if (json_object_get(message, "ack_status") == NULL)
		message = answer;
	ack->status = status_find(json_object_get(message, "ack_status"));
	code_copy(json_object_get(message, "error"), ack);
	if (ack->error_code[0] == '\0')
	{
		errors = json_object_get(answer, "errors");
		code_copy(json_is_array(errors) ? json_array_get(errors, 0) : errors, ack);
	}
	json_decref(answer);
}

const char *
ack_status_name(AckStatus status)
{
	return status_names[status];
}
