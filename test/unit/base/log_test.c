/*
 * log_test.c
 *		Log lines: one per fact, nothing in a value can make a second one.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tap.h"

static const struct
{
	const char *value;
	const char *written;
} values[] = {
	{"plain-1.2/3", "plain-1.2/3"},
	{"", "\"\""},
	{"two words", "\"two words\""},
	{"a=b", "\"a=b\""},
	{"say \"hi\"", "\"say \\\"hi\\\"\""},
	{"back\\slash", "\"back\\\\slash\""},
	{"line\nevent=forged", "\"line\\nevent=forged\""},
	{"\r\t", "\"\\r\\t\""},
	{"\x1b[2J", "\"\\x1b[2J\""},
	{"\x7f", "\"\\x7f\""},
	{"\xc2\x9b", "\"\\xc2\\x9b\""},
};

/* What was written to the pipe so far. */
static void
pipe_read(int fd, char *text, size_t size)
{
	ssize_t length = read(fd, text, size - 1);

	text[length > 0 ? length : 0] = '\0';
}

static void
test_lines(Tap *tap)
{
	int fds[2];
	char text[8192];
	char large[3000];
	Log log;

	if (pipe(fds) != 0)
		exit(1);
	log = log_open(fds[1], LOG_LEVEL_INFO);
	log_info(&log, "sent", "lane", LOG_INT(-7), "id", "x y", "first", "true", NULL);
	pipe_read(fds[0], text, sizeof(text));
	tap_has(tap, text, "Z level=info event=sent lane=-7 id=\"x y\" first=true\n", "a line");
	tap_ok(tap, strncmp(text, "time=2", 6) == 0, "begins with the time");

	log_debug(&log, "detail", NULL);
	log_info(&log, "text", "empty", LOG_TEXT((const char *) NULL), NULL);
	pipe_read(fds[0], text, sizeof(text));
	tap_ok(tap, strstr(text, "detail") == NULL, "a lower level is not written");
	tap_has(tap, text, "empty=\"\"", "LOG_TEXT(NULL) is an empty value");

	log.level = LOG_LEVEL_ERROR;
	log_warning(&log, "unwanted", NULL);
	log_error(&log, "wanted", NULL);
	pipe_read(fds[0], text, sizeof(text));
	tap_has(tap, text, "level=error event=wanted\n", "errors are always written");
	tap_ok(tap, strstr(text, "unwanted") == NULL, "warnings are not at level error");

	memset(large, '\n', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	log_error(&log, "large", "a", large, "b", large, "c", large, "d", large, "e", large, NULL);
	pipe_read(fds[0], text, sizeof(text));
	tap_ok(tap, strlen(text) <= 4096, "a line is at most 4 kB");
	tap_ok(tap, strchr(text, '\n') == text + strlen(text) - 1, "and still one line");
	tap_has(tap, text, " ...\n", "and says that it was cut");
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	Tap tap = {0, 0};
	char text[64];
	LogLevel level;
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		log_format_value(text, sizeof(text), values[i].value);
		tap_is(&tap, text, values[i].written, "value %zu", i);
	}
	log_format_value(text, 12, "0123456789ABCDEF");
	tap_is(&tap, text, "\"012345...\"", "a long value is cut");
	test_lines(&tap);
	tap_ok(&tap, log_level_parse("debug", &level) && level == LOG_LEVEL_DEBUG, "reads a level");
	tap_ok(&tap, !log_level_parse("verbose", &level), "refuses_unknown_level");
	return tap_done(&tap);
}
