/*
 * jws_print.c
 *		For jws_test.py: of each line {"now":…, "keys":[…], "body":"…"} the kid that verified it, or
 *		why it is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/message_parse.h"
#include "seal/signature.h"

static void
line_judge(const json_t *line)
{
	const char *body = json_string_value(json_object_get(line, "body"));
	char kid[SIGNATURE_KID_SIZE];
	MessageProblem problem = {NULL, ""};
	Failure failure = {FAILURE_NONE, ""};
	json_t *envelope = NULL;
	Buffer canonical;

	if (!message_parse(body, strlen(body), &envelope, &problem))
		printf("unreadable: %s\n", problem.text);
	else if (signature_verify(envelope, body, strlen(body), json_object_get(line, "keys"),
							  json_integer_value(json_object_get(line, "now")), kid, &canonical,
							  NULL, &failure))
	{
		printf("kid %s%s\n", kid, canonical.length > 0 ? " in other digits" : "");
		buffer_free(&canonical);
	}
	else
		printf("%s\n", failure.text);
	json_decref(envelope);
}

int
main(void)
{
	char *text = NULL;
	size_t size = 0;

	while (getline(&text, &size, stdin) > 0)
	{
		json_t *line = json_loads(text, 0, NULL);

		line_judge(line);
		json_decref(line);
	}
	free(text);
	return 0;
}
