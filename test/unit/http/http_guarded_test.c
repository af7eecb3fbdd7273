/*
 * http_guarded_test.c
 *		An answer that may be kept back, given piece by piece as libmicrohttpd asks for it: nothing
 *		of it leaves once the guard says no, and the guard is told once that it has ended, whoever
 *		lets go of it first.
 */
#include "http/http_guarded.c"

#include "tap.h"

/* The guard, and the connection that may have to be ended. */
static struct
{
	bool may_begin;
	bool may_go_on;
	int ended;
	int connections_ended;
} world;

void
http_connection_end(struct MHD_Connection *connection)
{
	(void) connection;
	world.connections_ended++;
}

static bool
may_leave(void *context, bool is_first)
{
	(void) context;
	return is_first ? world.may_begin : world.may_go_on;
}

static void
count_end(void *context)
{
	(void) context;
	world.ended++;
}

static const HttpGuard guard = {.may_leave = may_leave, .ended = count_end};

static HttpGuarded *
guarded_of(const char *body)
{
	world.may_begin = world.may_go_on = true;
	world.ended = world.connections_ended = 0;
	return http_guarded_new(NULL, body, strlen(body), &guard);
}

static void
test_pieces(Tap *tap)
{
	HttpGuarded *guarded = guarded_of("abcdefgh");
	char bytes[16] = "";

	tap_is_int(tap, guarded_give(guarded, 0, bytes, 5), 5, "as much as is asked for");
	tap_is(tap, bytes, "abcde", "from its beginning");
	tap_is_int(tap, guarded_give(guarded, 5, bytes, 5), 3, "and what is left");
	tap_ok(tap, strncmp(bytes, "fgh", 3) == 0, "to its end");
	world.may_go_on = false;
	tap_is_int(tap, guarded_give(guarded, 5, bytes, 5), MHD_CONTENT_READER_END_WITH_ERROR,
			   "a further piece is asked about");
	http_guarded_end(guarded);
	tap_is_int(tap, world.ended, 1, "the guard is told of the end");
}

static void
test_never_begins(Tap *tap)
{
	HttpGuarded *guarded = guarded_of("abc");
	HttpServer server = {.guarded = LIST_HEAD_INITIALIZER(server.guarded)};
	char bytes[16];

	world.may_begin = false;
	tap_ok(tap, !http_guarded_may_begin(guarded), "the guard is asked before the first byte");
	tap_is_int(tap, guarded_give(guarded, 0, bytes, 5), MHD_CONTENT_READER_END_WITH_ERROR,
			   "and nothing leaves");
	http_guarded_watch(guarded, &server);
	world.may_go_on = false;
	http_guarded_stop_all(&server);
	tap_is_int(tap, world.connections_ended, 0, "what has not begun needs no connection ended");
	http_guarded_end(guarded);
	tap_ok(tap, LIST_EMPTY(&server.guarded), "what has ended is watched no more");
}

static void
test_stopped_on_its_way(Tap *tap)
{
	HttpGuarded *guarded = guarded_of("abc");
	HttpServer server = {.guarded = LIST_HEAD_INITIALIZER(server.guarded)};
	char bytes[16];

	http_guarded_watch(guarded, &server);
	guarded_give(guarded, 0, bytes, 1);
	http_guarded_stop_all(&server);
	tap_is_int(tap, world.connections_ended, 0, "what may go on goes on");
	world.may_go_on = false;
	http_guarded_stop_all(&server);
	tap_is_int(tap, world.connections_ended, 1,
			   "bytes that were given and not written go with their connection");
	http_guarded_end(guarded);
	http_guarded_stop_all(&server);
	tap_is_int(tap, world.connections_ended, 1, "and that once");
}

/* Either may let go first: the one that answers, or libmicrohttpd. Sanitizers see the rest. */
static void
test_who_frees(Tap *tap)
{
	HttpGuarded *guarded = guarded_of("abc");
	struct MHD_Response *response = http_guarded_response(guarded);
	char bytes[16];

	tap_ok(tap, response != NULL, "a response is made of it");
	http_guarded_end(guarded);
	tap_is_int(tap, guarded_give(guarded, 0, bytes, 1), MHD_CONTENT_READER_END_WITH_ERROR,
			   "nothing leaves after its end");
	MHD_destroy_response(response);
	tap_is_int(tap, world.ended, 1, "told once, when libmicrohttpd lets go last");

	guarded = guarded_of("abc");
	response = http_guarded_response(guarded);
	MHD_destroy_response(response);
	tap_is_int(tap, world.ended, 0, "not told by libmicrohttpd");
	http_guarded_end(guarded);
	tap_is_int(tap, world.ended, 1, "but by the one that answers");
	http_guarded_end(NULL);
}

int
main(void)
{
	Tap tap = {0};

	test_pieces(&tap);
	test_never_begins(&tap);
	test_stopped_on_its_way(&tap);
	test_who_frees(&tap);
	return tap_done(&tap);
}
