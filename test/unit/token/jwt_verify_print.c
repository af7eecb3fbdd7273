/*
 * jwt_verify_print.c
 *		Says of each line {"alg", "jwk", "token"} whether the key signed the token; for
 *		jwt_verify_test.py, whose tokens are made by another program.
 */
#include <stdio.h>

#include "test_token.h"
#include "token/jwt_verify.h"

int
main(void)
{
	static char line[20000];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		json_t *row = json_loads(line, 0, NULL);
		Jwt jwt = test_jwt_cut(json_string_value(json_object_get(row, "token")),
							   json_string_value(json_object_get(row, "alg")));

		puts(jwt_is_signed_by(&jwt, json_object_get(row, "jwk")) ? "good" : "refused");
		json_decref(row);
	}
	return 0;
}
