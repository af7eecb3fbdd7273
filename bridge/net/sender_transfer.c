/*
 * sender_transfer.c
 *		Sets one HTTP request up so that it goes only where it may, and gathers its answer. Must not
 *		know what is sent or what an answer means.
 */
#include "net/sender_transfer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message/ack.h"
#include "net/transfer_reason.h"

#define ANSWER_LIMIT ACK_MAX_BODY
#define HEADER_LIMIT (16 * 1024)		 /* of one header of ours */
#define ANSWER_HEADERS_LIMIT (32 * 1024) /* of the answer's, with those of 1xx and trailers */
#define ANSWER_HEADERS_COUNT 200

static bool
address_may_be_used(SenderTransfer *transfer, const struct sockaddr *address, socklen_t length)
{
	Failure failure;

	if (address_is_allowed(address, length, transfer->networks, &failure))
		return true;
	failure_set(&transfer->refusal, failure.kind, "address not allowed: %s", failure.text);
	return false;
}

/*
 * The one place where a socket is opened: here the real address is known, whatever the name
 * says.
 */
static curl_socket_t
transfer_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	SenderTransfer *transfer = context;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (!address_may_be_used(transfer, &address->addr, address->addrlen))
	{
		transfer->address_refused = true;
		return CURL_SOCKET_BAD;
	}
	transfer->address_tried = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * A connection that is kept open for one partner may be used for another one with the same host,
 * whose own list has to allow the address too.
 */
static int
transfer_check_connection(void *context, char *remote, char *local, int remote_port, int local_port)
{
	SenderTransfer *transfer = context;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool allowed = false;

	(void) local;
	(void) remote_port;
	(void) local_port;
	if (inet_pton(AF_INET, remote, &v4.sin_addr) == 1)
		allowed = address_may_be_used(transfer, (struct sockaddr *) &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, remote, &v6.sin6_addr) == 1)
		allowed = address_may_be_used(transfer, (struct sockaddr *) &v6, sizeof(v6));
	if (!allowed)
	{
		transfer->address_refused = true;
		transfer->address_tried = false;
		return CURL_PREREQFUNC_ABORT;
	}
	/* the last moment before the first byte: all that there was to wait for is over */
	if (transfer->may_leave != NULL && !transfer->may_leave(transfer->fence_context, true))
	{
		transfer->is_fenced = true;
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

/* A large body leaves in pieces, and the partner may keep us waiting between them. */
static size_t
transfer_give_body(char *bytes, size_t size, size_t count, void *context)
{
	SenderTransfer *transfer = context;
	size_t left = transfer->body_length - transfer->body_gone;
	size_t length = left < size * count ? left : size * count;

	if (!transfer->may_leave(transfer->fence_context, false))
	{
		transfer->is_fenced = true;
		return CURL_READFUNC_ABORT;
	}
	memcpy(bytes, transfer->body + transfer->body_gone, length);
	transfer->body_gone += length;
	return length;
}

/* On a kept connection that turns out to be closed libcurl begins again with another one. */
static int
transfer_seek_body(void *context, curl_off_t offset, int origin)
{
	SenderTransfer *transfer = context;

	if (origin != SEEK_SET || offset < 0 || (size_t) offset > transfer->body_length)
		return CURL_SEEKFUNC_FAIL;
	transfer->body_gone = (size_t) offset;
	return CURL_SEEKFUNC_OK;
}

/*
 * Every line before the body, also those of any number of interim answers, and after it: libcurl
 * keeps them all, and has no end of its own for trailers.
 */
static size_t
transfer_take_header(char *bytes, size_t size, size_t count, void *context)
{
	SenderTransfer *transfer = context;
	size_t length = size * count;

	(void) bytes;
	transfer->header_bytes += length;
	transfer->header_lines++;
	if (transfer->header_bytes <= ANSWER_HEADERS_LIMIT &&
		transfer->header_lines <= ANSWER_HEADERS_COUNT)
		return length;
	transfer->answer_endless = true;
	return 0;
}

/* An answer beyond the limit ends the transfer: no acknowledgement is that long. */
static size_t
transfer_take_body(char *bytes, size_t size, size_t count, void *context)
{
	SenderTransfer *transfer = context;
	size_t length = size * count;

	if (transfer->answer_too_long)
		return 0;
	if (!buffer_append(&transfer->answer, bytes, length))
	{
		transfer->answer_too_long = true;
		buffer_clear(&transfer->answer);
		return 0;
	}
	return length;
}

/* In libcurl's words: before 8.6 those for want of memory, since then some of its own. */
static bool
line_is_too_long(CURLcode code)
{
#if LIBCURL_VERSION_NUM >= 0x080600
	if (code == CURLE_TOO_LARGE)
		return true;
#endif
	return code == CURLE_OUT_OF_MEMORY;
}

static SenderResult
transfer_judge(const SenderTransfer *transfer, CURLcode code, long status)
{
	if (transfer->is_fenced)
		return SENDER_FENCED;
	if (transfer->answer_endless || line_is_too_long(code))
		return SENDER_ENDLESS;
	/* the status had come; that the rest of a long answer was not wanted changes nothing */
	if (code == CURLE_OK || (transfer->answer_too_long && status != 0))
		return SENDER_ANSWERED;
	if (transfer->address_refused && !transfer->address_tried)
		return SENDER_NOT_ALLOWED;
	if (code == CURLE_UNSUPPORTED_PROTOCOL)
		return SENDER_NOT_ALLOWED;
	if (code == CURLE_URL_MALFORMAT)
		return SENDER_URL_BAD;
	return SENDER_FAILED;
}

static const char *
result_reason(const SenderTransfer *transfer, SenderResult result, CURLcode code)
{
	switch (result)
	{
		case SENDER_ANSWERED:
			return "";
		case SENDER_FENCED:
			return "it may not leave any more";
		case SENDER_ENDLESS:
			return "the answer does not end";
		case SENDER_NOT_ALLOWED:
			if (code != CURLE_UNSUPPORTED_PROTOCOL)
				return transfer->refusal.text;
			break;
		case SENDER_URL_BAD:
		case SENDER_FAILED:
			break;
	}
	return transfer_reason(transfer->curl, code);
}

void
sender_transfer_cut_off(SenderTransfer *transfer)
{
	transfer->answer_endless = true;
}

void
sender_transfer_read(const SenderTransfer *transfer, CURLcode code, SenderAnswer *answer)
{
	curl_off_t retry_after_s = 0;
	curl_off_t elapsed_us = 0;
	long status = 0;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->curl, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
	answer->result = transfer_judge(transfer, code, status);
	answer->http_status = answer->result == SENDER_ANSWERED ? (int) status : 0;
	answer->reason = result_reason(transfer, answer->result, code);
	answer->retry_after_s = retry_after_s;
	answer->body = transfer->answer.data != NULL ? transfer->answer.data : "";
	answer->length = transfer->answer.length;
	answer->elapsed_ms = elapsed_us / 1000;
}

static long
transfer_time(const SenderSettings *settings, const SenderRequest *request)
{
	if (request->timeout_ms > 0 && request->timeout_ms < settings->send_timeout_ms)
		return (long) request->timeout_ms;
	return (long) settings->send_timeout_ms;
}

/* Everything that must hold for every request; a setting that libcurl refuses stops it. */
static bool
transfer_prepare(SenderTransfer *transfer, const SenderSettings *settings,
				 const SenderRequest *request)
{
	const char *protocols = settings->allow_http ? "https,http" : "https";
	CURL *curl = transfer->curl;
	bool ok = true;

#define SET(option, value) ok = ok && curl_easy_setopt(curl, option, value) == CURLE_OK
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, protocols);
	/* what HTTP/2 would save is little; its headers and windows would be more to bound */
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, ""); /* a proxy from the environment would hide the connected address */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* do not stop the loop for a name server that does not answer */
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) settings->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, transfer_time(settings, request));
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_USERAGENT, "casesync-bridge/" CASESYNC_VERSION);
	SET(CURLOPT_OPENSOCKETFUNCTION, transfer_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_PREREQFUNCTION, transfer_check_connection);
	SET(CURLOPT_PREREQDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, transfer_take_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, transfer_take_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_PRIVATE, transfer);
#undef SET
	return ok;
}

static bool
is_given(const char *path)
{
	return path != NULL && path[0] != '\0';
}

/* TLS 1.2 or better, the server checked by its host name; ours and its files when there are any. */
static bool
transfer_prepare_tls(CURL *curl, const SenderSettings *settings, const SenderIdentity *identity)
{
	const char *ca_file = settings->ca_file;
	bool ok = true;

#define SET(option, value) ok = ok && curl_easy_setopt(curl, option, value) == CURLE_OK
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (identity != NULL && is_given(identity->certificate_file))
		SET(CURLOPT_SSLCERT, identity->certificate_file);
	if (identity != NULL && is_given(identity->key_file))
		SET(CURLOPT_SSLKEY, identity->key_file);
	if (identity != NULL && is_given(identity->ca_file))
		ca_file = identity->ca_file;
	if (ca_file[0] != '\0')
	{
		/* these and no others: the system's directory would be looked at too */
		SET(CURLOPT_CAINFO, ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET
	return ok;
}

static bool
transfer_prepare_fence(SenderTransfer *transfer, const SenderRequest *request)
{
	CURL *curl = transfer->curl;

	transfer->may_leave = request->may_leave;
	transfer->fence_context = request->fence_context;
	if (request->may_leave == NULL || request->body == NULL)
		return true;
	transfer->body = request->body;
	transfer->body_length = request->length;
	return curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_READFUNCTION, transfer_give_body) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_READDATA, transfer) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, transfer_seek_body) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_SEEKDATA, transfer) == CURLE_OK;
}

static bool
transfer_prepare_method(CURL *curl, const SenderRequest *request)
{
	if (request->method != NULL && strcmp(request->method, "GET") == 0)
		return curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	if (request->method != NULL && strcmp(request->method, "HEAD") == 0)
		return curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (request->method != NULL && strcmp(request->method, "POST") != 0)
		return false;
	return curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->length) ==
			   CURLE_OK;
}

/* A value that would end its line would make a header, or a request, of its own. */
static bool
transfer_add_header(SenderTransfer *transfer, const char *name, const char *value)
{
	struct curl_slist *longer = NULL;
	Buffer line;
	const char *c;

	for (c = value; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			return false;
	}
	buffer_init(&line, HEADER_LIMIT);
	if (buffer_printf(&line, "%s: %s", name, value))
		longer = curl_slist_append(transfer->headers, line.data);
	if (longer != NULL)
		transfer->headers = longer;
	buffer_free(&line);
	return longer != NULL;
}

static bool
transfer_add_headers(SenderTransfer *transfer, const SenderRequest *request)
{
	const char *type = request->content_type != NULL ? request->content_type : "application/json";
	struct curl_slist *longer;

	if (request->body != NULL && !transfer_add_header(transfer, "Content-Type", type))
		return false;
	if (request->authorization != NULL &&
		!transfer_add_header(transfer, "Authorization", request->authorization))
		return false;
	if (request->timestamp != NULL &&
		!transfer_add_header(transfer, "timestamp", request->timestamp))
		return false;
	if (!transfer_add_header(transfer, "Accept", "application/json"))
		return false;
	/* waiting for 100 Continue would cost a round trip */
	longer = curl_slist_append(transfer->headers, "Expect:");
	if (longer != NULL)
		transfer->headers = longer;
	return longer != NULL;
}

void
sender_transfer_free(SenderTransfer *transfer)
{
	if (transfer == NULL)
		return;
	curl_easy_cleanup(transfer->curl);
	curl_slist_free_all(transfer->headers);
	buffer_free(&transfer->answer);
	free(transfer);
}

SenderTransfer *
sender_transfer_new(const SenderSettings *settings, const SenderRequest *request, Failure *failure)
{
	SenderTransfer *transfer = calloc(1, sizeof(SenderTransfer));

	if (transfer == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	transfer->networks = request->networks;
	buffer_init(&transfer->answer, request->max_answer > 0 ? request->max_answer : ANSWER_LIMIT);
	transfer->curl = curl_easy_init();
	if (transfer->curl != NULL && transfer_add_headers(transfer, request) &&
		transfer_prepare(transfer, settings, request) &&
		transfer_prepare_tls(transfer->curl, settings, request->identity) &&
		transfer_prepare_method(transfer->curl, request) &&
		transfer_prepare_fence(transfer, request))
		return transfer;
	failure_set(failure, FAILURE_SYSTEM, "could not set up the transfer");
	sender_transfer_free(transfer);
	return NULL;
}
