/*
 * sender.c
 *		POST with libcurl's multi interface, driven by our event loop; the only file that knows
 *		curl. Must not know what it sends or what an answer means.
 */
#include "sender.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ack.h"
#include "buffer.h"

#define IDLE_CONNECTIONS 64
#define RETRY_AFTER_SIZE 64

typedef struct SenderPost
{
	struct SenderPost *previous;
	struct SenderPost *next;
	CURL *curl;
	struct curl_slist *headers;
	SenderDone done;
	void *context;
	const AddressList *networks;
	Buffer answer;
	bool answer_too_long;
	bool address_refused;
	bool address_tried; /* at least one of the name's addresses was allowed */
	char retry_after[RETRY_AFTER_SIZE];
} SenderPost;

struct Sender
{
	EventLoop *loop;
	CURLM *multi;
	Timer *timer;
	SenderPost *posts;
	char *ca_file;
	bool allow_http;
	int64_t connect_timeout_ms;
	int64_t send_timeout_ms;
};

static void
sender_release(Sender *sender, SenderPost *post)
{
	if (post->previous != NULL)
		post->previous->next = post->next;
	else if (sender->posts == post)
		sender->posts = post->next;
	if (post->next != NULL)
		post->next->previous = post->previous;
	curl_easy_cleanup(post->curl);
	curl_slist_free_all(post->headers);
	buffer_free(&post->answer);
	free(post);
}

/* The one place where a socket is opened: here the real address is known, whatever the name says.
 */
static curl_socket_t
sender_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	SenderPost *post = context;
	Failure failure;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (!address_is_allowed(&address->addr, address->addrlen, post->networks, &failure))
	{
		post->address_refused = true;
		return CURL_SOCKET_BAD;
	}
	post->address_tried = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * A connection that is kept open for one partner may be used for another one with the same host,
 * whose own list has to allow the address too.
 */
static int
sender_check_connection(void *context, char *remote, char *local, int remote_port, int local_port)
{
	SenderPost *post = context;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool allowed = false;
	Failure failure;

	(void) local;
	(void) remote_port;
	(void) local_port;
	if (inet_pton(AF_INET, remote, &v4.sin_addr) == 1)
		allowed = address_is_allowed((struct sockaddr *) &v4, sizeof(v4), post->networks, &failure);
	else if (inet_pton(AF_INET6, remote, &v6.sin6_addr) == 1)
		allowed = address_is_allowed((struct sockaddr *) &v6, sizeof(v6), post->networks, &failure);
	if (allowed)
		return CURL_PREREQFUNC_OK;
	post->address_refused = true;
	post->address_tried = false;
	return CURL_PREREQFUNC_ABORT;
}

/* An answer beyond the limit ends the transfer: no acknowledgement is that long. */
static size_t
sender_take_body(char *bytes, size_t size, size_t count, void *context)
{
	SenderPost *post = context;
	size_t length = size * count;

	if (post->answer_too_long)
		return 0;
	if (!buffer_append(&post->answer, bytes, length))
	{
		post->answer_too_long = true;
		buffer_clear(&post->answer);
		return 0;
	}
	return length;
}

static size_t
sender_take_header(char *bytes, size_t size, size_t count, void *context)
{
	static const char name[] = "retry-after:";
	SenderPost *post = context;
	size_t length = size * count;
	size_t from = sizeof(name) - 1;
	size_t to = length;

	if (length < from || strncasecmp(bytes, name, from) != 0)
		return length;
	while (from < to && (bytes[from] == ' ' || bytes[from] == '\t'))
		from++;
	while (to > from && strchr("\r\n \t", bytes[to - 1]) != NULL)
		to--;
	if (to > from && to - from < sizeof(post->retry_after))
	{
		memcpy(post->retry_after, bytes + from, to - from);
		post->retry_after[to - from] = '\0';
	}
	return length;
}

static SenderResult
sender_judge(const SenderPost *post, CURLcode code, long status)
{
	/* the status had come; that the rest of a long answer was not wanted changes nothing */
	if (code == CURLE_OK || (post->answer_too_long && status != 0))
		return SENDER_ANSWERED;
	if (post->address_refused && !post->address_tried)
		return SENDER_NOT_ALLOWED;
	if (code == CURLE_UNSUPPORTED_PROTOCOL)
		return SENDER_NOT_ALLOWED;
	if (code == CURLE_URL_MALFORMAT)
		return SENDER_URL_BAD;
	return SENDER_FAILED;
}

static const char *
sender_reason(SenderResult result, CURLcode code)
{
	switch (result)
	{
		case SENDER_ANSWERED:
			return "";
		case SENDER_NOT_ALLOWED:
			return code == CURLE_UNSUPPORTED_PROTOCOL ? "only https is allowed"
													  : "address not allowed";
		case SENDER_URL_BAD:
		case SENDER_FAILED:
			break;
	}
	return curl_easy_strerror(code);
}

static void
sender_finish(Sender *sender, SenderPost *post, CURLcode code)
{
	SenderAnswer answer = {.transfer_code = (int) code};
	curl_off_t elapsed_us = 0;
	long status = 0;

	curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->curl, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	answer.result = sender_judge(post, code, status);
	answer.http_status = answer.result == SENDER_ANSWERED ? (int) status : 0;
	answer.reason = sender_reason(answer.result, code);
	answer.retry_after = post->retry_after[0] != '\0' ? post->retry_after : NULL;
	answer.body = post->answer.data != NULL ? post->answer.data : "";
	answer.length = post->answer.length;
	answer.elapsed_ms = elapsed_us / 1000;
	curl_multi_remove_handle(sender->multi, post->curl);
	post->done(post->context, &answer);
	sender_release(sender, post);
}

static void
sender_collect(Sender *sender)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(sender->multi, &left)) != NULL)
	{
		SenderPost *post = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &post);
		sender_finish(sender, post, code);
	}
}

/*
 * libcurl calls this from within curl_multi_socket_action, where it must not be called again; so
 * even "now" goes over the loop's timer.
 */
static int
sender_set_timer(CURLM *multi, long after_ms, void *context)
{
	Sender *sender = context;

	(void) multi;
	if (after_ms < 0)
		timer_stop(sender->timer);
	else
		timer_set(sender->timer, after_ms);
	return 0;
}

static void
sender_timer(void *context)
{
	Sender *sender = context;
	int running;

	curl_multi_socket_action(sender->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	sender_collect(sender);
}

typedef struct SenderSocket
{
	Sender *sender;
	Watch *watch;
	curl_socket_t fd;
} SenderSocket;

static void
sender_socket_ready(void *context, int events)
{
	SenderSocket *watched = context;
	Sender *sender = watched->sender;
	int action = 0;
	int running;

	if (events & WATCH_READ)
		action |= CURL_CSELECT_IN;
	if (events & WATCH_WRITE)
		action |= CURL_CSELECT_OUT;
	/* this may free what context points to */
	curl_multi_socket_action(sender->multi, watched->fd, action, &running);
	sender_collect(sender);
}

static int
sender_watch_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *of_socket)
{
	Sender *sender = context;
	SenderSocket *watched = of_socket;
	int events = 0;

	(void) curl;
	if (what == CURL_POLL_REMOVE)
	{
		if (watched != NULL)
			watch_free(watched->watch);
		free(watched);
		curl_multi_assign(sender->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= WATCH_READ;
	if (what != CURL_POLL_IN)
		events |= WATCH_WRITE;
	if (watched != NULL)
		return watch_change(watched->watch, events) ? 0 : -1;
	watched = calloc(1, sizeof(SenderSocket));
	if (watched == NULL)
		return -1;
	watched->sender = sender;
	watched->fd = fd;
	watched->watch = watch_new(sender->loop, fd, events, sender_socket_ready, watched);
	if (watched->watch == NULL)
	{
		free(watched);
		return -1;
	}
	curl_multi_assign(sender->multi, fd, watched);
	return 0;
}

/* Everything that must hold for every POST; a setting that libcurl refuses stops the POST. */
static bool
sender_prepare(Sender *sender, SenderPost *post, const SenderRequest *request)
{
	const char *protocols = sender->allow_http ? "https,http" : "https";
	CURL *curl = post->curl;
	bool ok = true;

#define SET(option, value) ok = ok && curl_easy_setopt(curl, option, value) == CURLE_OK
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, protocols);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, ""); /* a proxy from the environment would hide the connected address */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* do not stop the loop for a name server that does not answer */
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) sender->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long) sender->send_timeout_ms);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, request->body);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->length);
	SET(CURLOPT_HTTPHEADER, post->headers);
	SET(CURLOPT_USERAGENT, "casesync-bridge/" CASESYNC_VERSION);
	SET(CURLOPT_OPENSOCKETFUNCTION, sender_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, post);
	SET(CURLOPT_PREREQFUNCTION, sender_check_connection);
	SET(CURLOPT_PREREQDATA, post);
	SET(CURLOPT_WRITEFUNCTION, sender_take_body);
	SET(CURLOPT_WRITEDATA, post);
	SET(CURLOPT_HEADERFUNCTION, sender_take_header);
	SET(CURLOPT_HEADERDATA, post);
	SET(CURLOPT_PRIVATE, post);
	if (sender->ca_file[0] != '\0')
		SET(CURLOPT_CAINFO, sender->ca_file);
#undef SET
	return ok;
}

static struct curl_slist *
sender_headers(void)
{
	static const char *const lines[] = {
		"Content-Type: application/json", "Accept: application/json",
		"Expect:" /* waiting for 100 Continue would cost a round trip */
	};
	struct curl_slist *headers = NULL;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		struct curl_slist *longer = curl_slist_append(headers, lines[i]);

		if (longer == NULL)
		{
			curl_slist_free_all(headers);
			return NULL;
		}
		headers = longer;
	}
	return headers;
}

bool
sender_post(Sender *sender, const SenderRequest *request, SenderDone done, void *context,
			Failure *failure)
{
	SenderPost *post = calloc(1, sizeof(SenderPost));

	if (post == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	post->done = done;
	post->context = context;
	post->networks = request->networks;
	buffer_init(&post->answer, ACK_MAX_BODY);
	post->curl = curl_easy_init();
	post->headers = sender_headers();
	if (post->curl == NULL || post->headers == NULL || !sender_prepare(sender, post, request) ||
		curl_multi_add_handle(sender->multi, post->curl) != CURLM_OK)
	{
		failure_set(failure, FAILURE_SYSTEM, "could not set up the transfer");
		sender_release(sender, post);
		return false;
	}
	post->next = sender->posts;
	if (sender->posts != NULL)
		sender->posts->previous = post;
	sender->posts = post;
	return true;
}

bool
sender_set(Sender *sender, const SenderSettings *settings)
{
	char *ca_file = strdup(settings->ca_file);

	if (ca_file == NULL)
		return false;
	free(sender->ca_file);
	sender->ca_file = ca_file;
	sender->allow_http = settings->allow_http;
	sender->connect_timeout_ms = settings->connect_timeout_ms;
	sender->send_timeout_ms = settings->send_timeout_ms;
	return true;
}

Sender *
sender_new(EventLoop *loop, const SenderSettings *settings, Failure *failure)
{
	Sender *sender = calloc(1, sizeof(Sender));

	/* counted by libcurl, so every sender may do it */
	if (sender == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
	{
		failure_set(failure, FAILURE_SYSTEM, "could not set up libcurl");
		free(sender);
		return NULL;
	}
	sender->loop = loop;
	sender->timer = timer_new(loop, sender_timer, sender);
	sender->multi = curl_multi_init();
	if (sender->timer == NULL || sender->multi == NULL || !sender_set(sender, settings))
		goto failed;
	curl_multi_setopt(sender->multi, CURLMOPT_SOCKETFUNCTION, sender_watch_socket);
	curl_multi_setopt(sender->multi, CURLMOPT_SOCKETDATA, sender);
	curl_multi_setopt(sender->multi, CURLMOPT_TIMERFUNCTION, sender_set_timer);
	curl_multi_setopt(sender->multi, CURLMOPT_TIMERDATA, sender);
	curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS, (long) IDLE_CONNECTIONS);
	return sender;

failed:
	failure_set(failure, FAILURE_SYSTEM, "could not set up libcurl");
	sender_free(sender);
	return NULL;
}

void
sender_free(Sender *sender)
{
	if (sender == NULL)
		return;
	while (sender->posts != NULL)
	{
		SenderPost *post = sender->posts;

		/* The analyzer does not see that sender_release takes post off the list. */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		curl_multi_remove_handle(sender->multi, post->curl);
		sender_release(sender, post);
	}
	curl_multi_cleanup(sender->multi);
	timer_free(sender->timer);
	free(sender->ca_file);
	free(sender);
	curl_global_cleanup();
}
