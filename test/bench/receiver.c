/*
 * receiver.c
 *		A partner that takes everything and is never the one that is waited for: notes when it
 *		first received which subject, counts, and acknowledges.
 *
 * Usage: receiver SUBJECTS		(subjects are numbers below that, told as an identifier's value)
 * Prints its port and serves until its standard input ends. Every POST is a message. GET /counts:
 * messages, events, subjects, and when the first and the last event came; GET /times: each subject
 * and when it came first; GET /body: the last message; GET /reset forgets all that; after GET
 * /refuse messages are answered 503 and not counted, until GET /accept.
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VALUE_KEY "\"identifier_value\":\""

typedef struct Body
{
	char *bytes;
	size_t length;
	size_t room;
} Body;

/* One thread serves all: nothing has to be locked. */
typedef struct Receiver
{
	double *times; /* 0: not yet */
	size_t subjects;
	unsigned long messages;
	unsigned long events;
	unsigned long distinct;
	double first_at;
	double last_at;
	bool is_refusing;
	Body last;
} Receiver;

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static void
body_add(Body *body, const char *bytes, size_t length)
{
	if (body->length + length + 1 > body->room)
	{
		body->room = 2 * (body->length + length + 1);
		body->bytes = realloc(body->bytes, body->room);
		if (body->bytes == NULL)
			abort();
	}
	memcpy(body->bytes + body->length, bytes, length);
	body->length += length;
	body->bytes[body->length] = '\0';
}

static void
message_note(Receiver *receiver, Body *body)
{
	double at = now();
	const char *place = body->bytes == NULL ? "" : body->bytes;
	bool has_event = false;

	receiver->messages++;
	while ((place = strstr(place, VALUE_KEY)) != NULL)
	{
		size_t subject = strtoul(place += strlen(VALUE_KEY), NULL, 10);

		receiver->events++;
		has_event = true;
		if (subject < receiver->subjects && receiver->times[subject] == 0)
		{
			receiver->times[subject] = at;
			receiver->distinct++;
		}
	}
	if (!has_event)
		return;
	if (receiver->first_at == 0)
		receiver->first_at = at;
	receiver->last_at = at;
	free(receiver->last.bytes);
	receiver->last = *body;
	body->bytes = NULL;
}

static enum MHD_Result
reply(struct MHD_Connection *connection, unsigned int status, const char *bytes, size_t length)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, (void *) bytes, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	MHD_add_response_header(response, "Content-Type", "application/json");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
message_take(Receiver *receiver, struct MHD_Connection *connection, Body *body)
{
	char ack[256];
	int length;

	if (receiver->is_refusing)
		return reply(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "{}", 2);
	message_note(receiver, body);
	length = snprintf(ack, sizeof(ack),
					  "{\"message\":{\"ack_status\":\"ACK\","
					  "\"correlation_id\":\"00000000-0000-4000-8000-%012lu\","
					  "\"timestamp\":\"2026-11-26T10:00:00.000Z\"}}",
					  receiver->messages);
	return reply(connection, MHD_HTTP_OK, ack, length);
}

static void
times_write(const Receiver *receiver, Body *text)
{
	char row[64];

	for (size_t subject = 0; subject < receiver->subjects; subject++)
	{
		if (receiver->times[subject] == 0)
			continue;
		body_add(text, row,
				 snprintf(row, sizeof(row), "%zu %.6f\n", subject, receiver->times[subject]));
	}
}

static void
forget(Receiver *receiver)
{
	memset(receiver->times, 0, receiver->subjects * sizeof(double));
	receiver->messages = receiver->events = receiver->distinct = 0;
	receiver->first_at = receiver->last_at = 0;
}

static enum MHD_Result
order_answer(Receiver *receiver, struct MHD_Connection *connection, const char *path)
{
	Body text = {0};
	char row[128];
	enum MHD_Result result;

	if (strcmp(path, "/times") == 0)
		times_write(receiver, &text);
	else if (strcmp(path, "/body") == 0)
		body_add(&text, receiver->last.bytes, receiver->last.length);
	else if (strcmp(path, "/counts") == 0)
		body_add(&text, row,
				 snprintf(row, sizeof(row), "%lu %lu %lu %.6f %.6f\n", receiver->messages,
						  receiver->events, receiver->distinct, receiver->first_at,
						  receiver->last_at));
	else if (strcmp(path, "/reset") == 0)
		forget(receiver);
	else if (strcmp(path, "/refuse") == 0 || strcmp(path, "/accept") == 0)
		receiver->is_refusing = strcmp(path, "/refuse") == 0;
	else
		return reply(connection, MHD_HTTP_NOT_FOUND, "", 0);
	result = reply(connection, MHD_HTTP_OK, text.bytes == NULL ? "" : text.bytes, text.length);
	free(text.bytes);
	return result;
}

static enum MHD_Result
request_handle(void *closure, struct MHD_Connection *connection, const char *path,
			   const char *method, const char *version, const char *bytes, size_t *length,
			   void **state)
{
	Body *body = *state;

	(void) version;
	if (strcmp(method, "POST") != 0)
		return order_answer(closure, connection, path);
	if (body == NULL)
	{
		*state = calloc(1, sizeof(Body));
		return MHD_YES;
	}
	if (*length == 0)
		return message_take(closure, connection, body);
	body_add(body, bytes, *length);
	*length = 0;
	return MHD_YES;
}

static void
request_end(void *closure, struct MHD_Connection *connection, void **state,
			enum MHD_RequestTerminationCode code)
{
	Body *body = *state;

	(void) closure;
	(void) connection;
	(void) code;
	if (body != NULL)
		free(body->bytes);
	free(body);
}

int
main(int argc, char **argv)
{
	Receiver receiver = {.subjects = argc > 1 ? strtoul(argv[1], NULL, 10) : 0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon;
	char rest[16];

	receiver.times = calloc(receiver.subjects + 1, sizeof(double));
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
							  request_handle, &receiver, MHD_OPTION_SOCK_ADDR, &address,
							  MHD_OPTION_NOTIFY_COMPLETED, request_end, NULL, MHD_OPTION_END);
	if (daemon == NULL || receiver.times == NULL)
		return 1;
	printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
		;
	MHD_stop_daemon(daemon);
	return 0;
}
