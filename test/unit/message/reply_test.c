/*
 * reply_test.c
 *		Replies have every member the standard asks for, whatever the texts are.
 */
#include <jansson.h>
#include <string.h>

#include "base/iso_time.h"
#include "message/reply.h"
#include "tap.h"
#include "base/uuid.h"

#define NOW INT64_C(1795309323456)

static const char *
member(const json_t *message, const char *name)
{
	return json_string_value(json_object_get(message, name));
}

static void
test_error(Tap *tap)
{
	Failure failure;
	Buffer body;
	json_t *reply;
	const json_t *message;
	const json_t *first;

	buffer_init(&body, 10000);
	tap_ok(tap,
		   reply_error(&body, "err.request.bad", "say \"please\"\n</script>", NULL, NOW, &failure),
		   "an error reply");
	reply = json_loads(body.data, JSON_REJECT_DUPLICATES, NULL);
	message = json_object_get(reply, "message");
	first = json_array_get(json_object_get(reply, "errors"), 0);
	tap_is(tap, member(first, "code"), "err.request.bad", "errors[0].code");
	tap_is(tap, member(first, "message"), "say \"please\"\n</script>", "errors[0].message");
	tap_is(tap, member(message, "ack_status"), "ERR", "ack_status");
	tap_is(tap, member(message, "timestamp"), "2026-11-22T01:02:03.456Z", "timestamp");
	tap_ok(tap, uuid_is_valid(member(message, "correlation_id")), "correlation_id is a UUID");
	tap_is(tap, member(json_object_get(message, "error"), "code"), "err.request.bad", "error.code");
	json_decref(reply);
	buffer_free(&body);
}

static void
test_long_text(Tap *tap)
{
	char text[1100];
	Failure failure;
	Buffer body;
	json_t *reply;
	const char *got;

	/* 998 letters, then a character of two bytes that must not be cut in two. */
	memset(text, 'a', sizeof(text));
	memcpy(text + 998, "\xc3\xa9", 3);
	buffer_init(&body, 10000);
	tap_ok(tap, reply_error(&body, "err.request.bad", text, NULL, NOW, &failure), "a long text");
	reply = json_loads(body.data, 0, NULL);
	got = member(json_array_get(json_object_get(reply, "errors"), 0), "message");
	tap_is_int(tap, (long long) strlen(got), 998, "is cut before the character");
	json_decref(reply);
	buffer_clear(&body);
	tap_ok(tap, reply_error(&body, "err.request.bad", "\xff\xfe", NULL, NOW, &failure),
		   "a text that is not UTF-8 does not break the reply");
	reply = json_loads(body.data, 0, NULL);
	tap_ok(tap, reply != NULL, "which is JSON");
	json_decref(reply);
	buffer_free(&body);
}

int
main(void)
{
	Tap tap = {0, 0};
	Failure failure;
	Buffer body;

	buffer_init(&body, 10000);
	tap_ok(&tap,
		   reply_acknowledge(&body, "ACK", NULL, NULL, "c-1", "2026-11-22T03:02:03+02:00", NOW,
							 &failure),
		   "an acknowledgement");
	tap_is(&tap, body.data,
		   "{\"message\":{\"ack_status\":\"ACK\",\"correlation_id\":\"c-1\","
		   "\"timestamp\":\"2026-11-22T01:02:03.000Z\"}}",
		   "has three members, time in UTC");
	buffer_clear(&body);
	tap_ok(
		&tap,
		reply_acknowledge(&body, "ERR", "err.request.bad", "no", "c-1", "yesterday", NOW, &failure),
		"an acknowledgement with an error");
	tap_is(&tap, body.data,
		   "{\"message\":{\"ack_status\":\"ERR\",\"correlation_id\":\"c-1\","
		   "\"error\":{\"code\":\"err.request.bad\",\"message\":\"no\"},"
		   "\"timestamp\":\"2026-11-22T01:02:03.456Z\"}}",
		   "has it; an unreadable time is now");
	buffer_free(&body);
	buffer_init(&body, 10);
	tap_ok(&tap, !reply_acknowledge(&body, "ACK", NULL, NULL, NULL, NULL, NOW, &failure),
		   "rejects_no_room");
	buffer_free(&body);
	test_error(&tap);
	test_long_text(&tap);
	return tap_done(&tap);
}
