/*
 * token_text_test.c
 *		What goes to and comes from token endpoints as text: forms, answers, secrets in files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/form_text.h"
#include "base/secret_file.h"
#include "tap.h"
#include "test_key.h"
#include "token/token_answer.h"
#include "token/token_request.h"

static Tap tap;

static void
check_find(void)
{
	static const struct
	{
		const char *body;
		FormFound found;
		const char *value;
	} rows[] = {
		{"", FORM_ABSENT, ""},
		{"a=1", FORM_FOUND, "1"},
		{"b=2&a=1", FORM_FOUND, "1"},
		{"a=1&", FORM_FOUND, "1"},
		{"&&a=1", FORM_FOUND, "1"},
		{"a=", FORM_FOUND, ""},
		{"a", FORM_ABSENT, ""},
		{"aa=1", FORM_ABSENT, ""},
		{"A=1", FORM_ABSENT, ""},
		{"a=1=2", FORM_FOUND, "1=2"},
		{"a=%20%2B+%c3%A9", FORM_FOUND, " + \xc3\xa9"},
		{"a=1&a=1", FORM_BAD, ""},
		{"a=%", FORM_BAD, ""},
		{"a=%2", FORM_BAD, ""},
		{"a=%2x", FORM_BAD, ""},
		{"a=%x2", FORM_BAD, ""},
		{"a=%00", FORM_BAD, ""},
		{"a=%0a", FORM_BAD, ""},
		{"a=%c3%a9", FORM_FOUND, "\xc3\xa9"},
		{"a=%c3", FORM_BAD, ""},
		{"a=\xff\xfe", FORM_BAD, ""},
		{"a=12345678901", FORM_FOUND, "12345678901"},
		{"a=123456789012", FORM_BAD, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		/* of this length and not a byte more, so that reading on is seen */
		size_t length = strlen(rows[i].body);
		char *body = malloc(length + 1);
		char value[12];

		memcpy(body, rows[i].body, length);
		body = realloc(body, length > 0 ? length : 1);
		tap_is_int(&tap, form_text_find(body, length, "a", value, sizeof(value)), rows[i].found,
				   "form %s", rows[i].body);
		tap_is(&tap, value, rows[i].value, "its value");
		free(body);
	}
}

static void
check_round(void)
{
	char text[256];
	char value[256];
	Buffer body;

	for (int i = 0; i < 95; i++)
		text[i] = (char) (0x20 + i);
	for (int i = 0; i < 64; i++)
	{
		text[95 + 2 * i] = '\xc3';
		text[96 + 2 * i] = (char) (0x80 + i);
	}
	text[223] = '\0';
	buffer_init(&body, 1000);
	tap_ok(&tap, form_text_append(&body, "x", "&a=1"), "a value that looks like a field");
	tap_ok(&tap, form_text_append(&body, "a", text), "characters of one byte and of two");
	tap_ok(&tap, form_text_find(body.data, body.length, "a", value, sizeof(value)) == FORM_FOUND,
		   "is found again");
	tap_is(&tap, value, text, "as it was");
	tap_ok(&tap, !form_text_append(&body, "b", text), "what does not fit");
	tap_ok(&tap, form_text_find(body.data, body.length, "b", value, sizeof(value)) == FORM_ABSENT,
		   "is not there in part");
	buffer_free(&body);
}

static void
check_answers(void)
{
	static const struct
	{
		int status;
		const char *body;
		const char *authorization; /* NULL: refused */
		int64_t lifetime;
	} rows[] = {
		{200, "{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":3600}",
		 "Bearer abc", 3600},
		{200, "{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":\"36000\"}",
		 "Bearer abc", 36000},
		{200, "{\"access_token\":\"abc\"}", "Bearer abc", 300},
		{200, "{\"access_token\":\"abc\",\"expires_in\":1e9}", "Bearer abc", 86400},
		{200, "{\"access_token\":\"abc\",\"expires_in\":\"99999999999999999999999\"}", "Bearer abc",
		 86400},
		{200, "{\"access_token\":\"abc\",\"expires_in\":-5}", "Bearer abc", 0},
		{200, "{\"access_token\":\"abc\",\"expires_in\":0}", "Bearer abc", 0},
		{200, "{\"access_token\":\"abc\",\"expires_in\":\"soon\"}", "Bearer abc", 300},
		{200, "{\"access_token\":\"a-._~+/b==\"}", "Bearer a-._~+/b==", 300},
		{201, "{\"access_token\":\"abc\"}", NULL, 0},
		{401, "{\"access_token\":\"abc\"}", NULL, 0},
		{200, "", NULL, 0},
		{200, "{}", NULL, 0},
		{200, "[\"abc\"]", NULL, 0},
		{200, "{\"access_token\":\"\"}", NULL, 0},
		{200, "{\"access_token\":7}", NULL, 0},
		{200, "{\"access_token\":\"a b\"}", NULL, 0},
		{200, "{\"access_token\":\"a\\r\\nX: y\"}", NULL, 0},
		{200, "{\"access_token\":\"a\\u0000b\"}", NULL, 0},
		{200, "{\"access_token\":\"a\xc3\xa9\"}", NULL, 0},
		{200, "{\"access_token\":\"a\",\"access_token\":\"b\"}", NULL, 0},
		{200, "{\"access_token\":\"abc\",\"token_type\":\"mac\"}", NULL, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		TokenAnswer answer = {0};
		Failure failure = {0};
		bool ok = token_answer_read(rows[i].status, rows[i].body, strlen(rows[i].body), &answer,
									&failure);

		tap_ok(&tap, ok == (rows[i].authorization != NULL), "answer %d %s", rows[i].status,
			   rows[i].body);
		if (ok)
		{
			tap_is(&tap, answer.authorization, rows[i].authorization, "its header");
			tap_is_int(&tap, answer.lifetime_seconds, rows[i].lifetime, "its lifetime");
		}
		else
			tap_ok(&tap, strstr(failure.text, "abc") == NULL, "nothing of it is told");
	}
}

static void
check_secret(const char *content, unsigned int mode, const char *expected, const char *name)
{
	char path[64];
	char secret[SECRET_MAX];
	Failure failure = {0};
	bool ok;

	test_file_write(path, content, mode);
	ok = secret_file_read("/tmp", strrchr(path, '/') + 1, secret, &failure);
	unlink(path);
	tap_ok(&tap, ok == (expected != NULL), "%s", name);
	if (ok)
		tap_is(&tap, secret, expected, "%s: its text", name);
	else
		tap_ok(&tap, failure.kind == FAILURE_KEY && strstr(failure.text, "hidden") == NULL,
			   "%s: says why, not what", name);
}

static void
check_secrets(void)
{
	static const char *const bad_names[] = {"", ".", "..", ".x", "a/b", "../x", "a b", "a\nb"};
	char secret[SECRET_MAX];
	char longest[2 * SECRET_MAX];
	Failure failure;

	check_secret("hidden", 0600, "hidden", "a secret");
	check_secret("hidden\nmore", 0400, "hidden", "the first line");
	check_secret("hidden\r\n", 0600, "hidden", "a line end of Windows");
	check_secret(" hidden ", 0600, " hidden ", "blanks count");
	check_secret("", 0600, NULL, "an empty file");
	check_secret("\nhidden", 0600, NULL, "an empty first line");
	check_secret("hidden", 0604, NULL, "a file that others can read");
	check_secret("hidden", 0620, NULL, "a file that its group can write");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	check_secret(longest, 0600, NULL, "a secret that is too long");
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		tap_ok(&tap, !secret_file_read("/tmp", bad_names[i], secret, &failure),
			   "no name: number %zu", i);
	tap_ok(&tap, !secret_file_read("/tmp", "casesync_no_such_file", secret, &failure), "no file");
	tap_ok(&tap, !secret_file_read("", "x", secret, &failure), "no directory");
	tap_has(&tap, failure.text, "secrets_directory", "names the setting");
	tap_ok(&tap, !secret_file_read("/", "tmp", secret, &failure), "a directory is no secret");
}

#define GRANT "grant_type=client_credentials"
#define WHO "&client_id=a&client_secret=b"

/* What a client may send, and what it gets for it; scope NULL: refused with the error. */
static void
check_requests(void)
{
	static const struct
	{
		const char *authorization;
		const char *form;
		const char *error;
		const char *scope;
	} rows[] = {
		{NULL, GRANT WHO, NULL, ""},
		{NULL, GRANT WHO "&scope=", NULL, ""},
		{NULL, GRANT WHO "&scope=registry.search", NULL, "registry.search"},
		{NULL, GRANT WHO "&scope=registry%2Fsearch+x+registry.on-search", NULL,
		 "registry.search registry.on-search"},
		{NULL, GRANT WHO "&scope=registry", "invalid_scope", NULL},
		{NULL, GRANT WHO "&scope=registry.", "invalid_scope", NULL},
		{NULL, GRANT WHO "&scope=registry.Search", "invalid_scope", NULL},
		{NULL, GRANT WHO "&scope=registry.a%22b", "invalid_scope", NULL},
		{NULL, GRANT WHO "&scope=registry.a&scope=registry.b", "invalid_scope", NULL},
		{NULL, GRANT "&client_id=a", "invalid_client", NULL},
		{NULL, GRANT "&client_secret=b", "invalid_client", NULL},
		{NULL, GRANT "&grant_type=x" WHO, "invalid_request", NULL},
		{NULL, WHO, "invalid_request", NULL},
		{NULL, "grant_type=password" WHO, "unsupported_grant_type", NULL},
		{"Basic YTpi", GRANT, NULL, ""},
		{"bAsIc   YTpi", GRANT "&client_id=a", NULL, ""},
		{"Basic YTpi", GRANT "&client_id=c", "invalid_request", NULL},
		{"Basic YTpi", GRANT WHO, "invalid_request", NULL},
		{"Basic YQ==", GRANT, "invalid_client", NULL},
		{"Basic Og==", GRANT, "invalid_client", NULL},
		{"Basic YTo=", GRANT, "invalid_client", NULL},
		{"Basic ", GRANT, "invalid_client", NULL},
		{"Basic =", GRANT, "invalid_client", NULL},
		{"Basic YTpi!", GRANT, "invalid_client", NULL},
		{"Bearer YTpi", GRANT, "invalid_client", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		TokenRequest request;
		TokenProblem problem = {"", ""};
		bool ok = token_request_read(rows[i].authorization, rows[i].form, strlen(rows[i].form),
									 &request, &problem);

		tap_ok(&tap, ok == (rows[i].error == NULL), "request %s %s",
			   rows[i].authorization != NULL ? rows[i].authorization : "", rows[i].form);
		if (!ok)
			tap_is(&tap, problem.error, rows[i].error, "its error");
		else
		{
			tap_is(&tap, request.scope, rows[i].scope, "its scope");
			tap_ok(&tap,
				   strcmp(request.client_id, "a") == 0 && strcmp(request.client_secret, "b") == 0,
				   "its client");
		}
	}
}

int
main(void)
{
	check_find();
	check_round();
	check_answers();
	check_secrets();
	check_requests();
	return tap_done(&tap);
}
