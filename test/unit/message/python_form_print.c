/*
 * python_form_print.c
 *		Reads JSON values, one a line, and prints each as Python writes it, or its ASCII form when
 *		called with --sent; for python_form_test.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/canonical_json.h"

int
main(int count, char **arguments)
{
	bool is_sent = count > 1 && strcmp(arguments[1], "--sent") == 0;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
	{
		json_t *value = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		Failure failure;
		Buffer out;

		buffer_init(&out, 1024 * 1024);
		if (value != NULL && (is_sent ? canonical_json_ascii(value, &out, &failure)
									  : canonical_json_python(value, &out, &failure)))
			printf("%.*s\n", (int) out.length, out.data);
		else
			puts("none");
		buffer_free(&out);
		json_decref(value);
	}
	free(line);
	return 0;
}
