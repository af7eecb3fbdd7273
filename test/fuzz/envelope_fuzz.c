/*
 * envelope_fuzz.c
 *		Whole messages as they come from outside: read, bounded, checked by the rules of every path.
 *		What passes must have what the rest of the bridge takes for granted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/json_span.h"
#include "message/message_check.h"
#include "seal/message_decrypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int claim)
{
	if (!claim)
		abort();
}

/* One of the standard's codes, and a text for the partner without anything that could obey it. */
static void
problem_demand(const MessageProblem *problem)
{
	demand(strncmp(problem->error_code, "err.", 4) == 0);
	demand(problem->text[0] != '\0');
	for (const char *c = problem->text; *c != '\0'; c++)
		demand((unsigned char) *c >= ' ' && (unsigned char) *c < 0x7f);
}

/* An id that passed: there, short enough for every place, on one line. */
static void
id_demand(const char *id)
{
	demand(id != NULL && *id != '\0' && strlen(id) <= 1020);
	for (; *id != '\0'; id++)
		demand((unsigned char) *id >= ' ' && *id != 0x7f);
}

static void
envelope_check(const json_t *envelope)
{
	MessageProblem problem = {NULL, ""};
	Failure failure;
	Buffer plain;

	for (int action = 0; action < MESSAGE_ACTIONS; action++)
	{
		if (message_check(envelope, NULL, (MessageAction) action, NULL, &problem))
		{
			id_demand(message_sender_id(envelope));
			id_demand(message_message_id(envelope));
			demand(!message_is_probe(1, envelope));
		}
		else
			problem_demand(&problem);
	}
	buffer_init(&plain, 100000);
	if (message_decrypt(envelope, "off", NULL, &plain, &failure))
		demand(plain.length == 0);
	else
		demand(failure.kind == FAILURE_ENCRYPTION && failure.text[0] != '\0');
	buffer_free(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* an exact copy, so that reading one byte too far is seen */
	char *body = malloc(size + 1);
	MessageProblem problem = {NULL, ""};
	json_t *envelope;
	static const char *const names[] = {"header", "message"};
	JsonSpan spans[2];

	memcpy(body, data, size);
	body[size] = '\0';
	if (message_parse(body, size, &envelope, &problem))
	{
		demand(json_is_object(envelope));
		(void) json_span_find(body, size, names, 2, spans);
		envelope_check(envelope);
	}
	else
	{
		demand(envelope == NULL && message_is_probe(size, envelope) == (size == 0));
		problem_demand(&problem);
	}
	json_decref(envelope);
	free(body);
	return 0;
}
