/*
 * sender.h
 *		Sends HTTP requests to partners, many at a time, and reports what came of each. Knows
 *		nothing of messages, lanes or the database.
 */
#ifndef SENDER_H
#define SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address_guard.h"
#include "base/event_loop.h"
#include "config/config.h"
#include "base/failure.h"

typedef struct Sender Sender;

typedef struct SenderSettings
{
	const char *ca_file; /* "" = the system's certificates */
	bool allow_http;
	int64_t connect_timeout_ms;
	int64_t send_timeout_ms;
} SenderSettings;

extern SenderSettings sender_settings(const Config *config); /* holds its texts */

/* Files (PEM) for TLS with one partner; each may be NULL or "". Read at every new connection. */
typedef struct SenderIdentity
{
	const char *certificate_file; /* shown when the server asks for one */
	const char *key_file;
	const char *ca_file; /* the only authority for this partner, in place of the settings' */
} SenderIdentity;

/* May it leave? Asked before its first byte, and before each further piece of the body. */
typedef bool (*SenderFence)(void *context, bool is_first);

typedef struct SenderRequest
{
	const char *url;
	const char *method; /* "POST", "GET" or "HEAD"; NULL = POST */
	const char *body;	/* must stay until the answer; NULL for GET and HEAD */
	size_t length;
	int64_t timeout_ms;				/* shorter than the settings'; 0 = theirs */
	const char *content_type;		/* NULL = application/json */
	const char *authorization;		/* the header's whole value or NULL */
	const char *timestamp;			/* a header of this name, or NULL */
	const SenderIdentity *identity; /* or NULL */
	const AddressList *networks;	/* where private addresses are allowed; must stay likewise */
	size_t max_answer;				/* bytes of the answer's body; 0 = 64 KiB */
	SenderFence may_leave;			/* or NULL: always */
	void *fence_context;
} SenderRequest;

typedef enum SenderResult
{
	SENDER_ANSWERED,
	SENDER_FAILED,		/* name, connection, TLS, timeout, cut off */
	SENDER_ENDLESS,		/* an answer with more headers, trailers or the like than any has */
	SENDER_FENCED,		/* may_leave said no */
	SENDER_NOT_ALLOWED, /* scheme or connected address refused by us */
	SENDER_URL_BAD
} SenderResult;

typedef struct SenderAnswer
{
	SenderResult result;
	int http_status;	   /* 0 unless answered */
	const char *reason;	   /* short and free of content; "" when answered */
	int64_t retry_after_s; /* what the header of this name asks for; 0 = nothing */
	const char *body;	   /* what is longer than max_answer counts as empty */
	size_t length;
	int64_t elapsed_ms;
} SenderAnswer;

/* The answer lives only during the call; a new sender_post from within it is fine. */
typedef void (*SenderDone)(void *context, const SenderAnswer *answer);

/* NULL with a failure when libcurl cannot be set up. Settings are copied. */
extern Sender *sender_new(EventLoop *loop, const SenderSettings *settings, Failure *failure);
extern void sender_free(Sender *sender); /* posts under way are dropped unanswered */

/*
 * For later requests, which also read every file of TLS anew: they get connections of their own.
 * False when memory is out: then nothing has changed.
 */
extern bool sender_set(Sender *sender, const SenderSettings *settings);

/* On true, done is called exactly once, never before this returns. */
extern bool sender_post(Sender *sender, const SenderRequest *request, SenderDone done,
						void *context, Failure *failure);

#endif
