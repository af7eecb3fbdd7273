/*
 * ack.c
 *		Reads a partner's answer. Foreign bytes: bounded, and nothing but a plain code is believed.
 */
#include <jansson.h>
#include <stdbool.h>
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

/* How many bytes the character at the beginning has; 0: it is none. */
static size_t
character_length(const char *text, size_t length)
{
	unsigned char lead = (unsigned char) text[0];
	size_t count = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	json_t *character = count <= length ? json_stringn(text, count) : NULL;
	bool is_good = character != NULL;

	json_decref(character);
	return is_good ? count : 0;
}

/* Blanks and control characters become one blank each time, what is no UTF-8 a question mark. */
static void
words_copy(const char *text, size_t length, char *words, size_t size)
{
	size_t used = 0;

	for (size_t i = 0, count; i < length && used + 1 < size; i += count > 0 ? count : 1)
	{
		bool is_blank = (unsigned char) text[i] <= ' ' || text[i] == 0x7f;

		count = is_blank ? 1 : character_length(text + i, length - i);
		if (is_blank && (used == 0 || words[used - 1] == ' '))
			continue;
		if (used + count + 1 > size)
			break;
		if (count > 0 && !is_blank)
			memcpy(words + used, text + i, count);
		else
			words[used] = is_blank ? ' ' : '?';
		used += count > 0 ? count : 1;
	}
	words[used] = '\0';
}

/* In the places in which error codes are found, too. */
static const json_t *
words_find(const json_t *answer)
{
	const json_t *errors = json_object_get(answer, "errors");
	const json_t *places[] = {json_object_get(json_object_get(answer, "message"), "error"),
							  json_object_get(answer, "error"),
							  json_is_array(errors) ? json_array_get(errors, 0) : errors};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
	{
		const json_t *words = json_object_get(places[i], "message");

		if (json_string_length(words) > 0)
			return words;
	}
	return NULL;
}

void
ack_words(const char *body, size_t length, char *words, size_t size)
{
	json_t *answer = length <= ACK_MAX_BODY ? json_loadb(body, length, 0, NULL) : NULL;
	const json_t *found = words_find(answer);

	if (found != NULL)
		words_copy(json_string_value(found), json_string_length(found), words, size);
	else
		words_copy(body, length, words, size);
	json_decref(answer);
}

const char *
ack_status_name(AckStatus status)
{
	return status_names[status];
}
