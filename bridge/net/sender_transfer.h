/*
 * sender_transfer.h
 *		One request of ours and its answer, in libcurl's terms; shared by the two files that know
 *		curl (sender, sender_transfer). Knows nothing of the event loop.
 */
#ifndef SENDER_TRANSFER_H
#define SENDER_TRANSFER_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "net/sender.h"

typedef struct SenderTransfer
{
	LIST_ENTRY(SenderTransfer) entry; /* among those of its pool */
	CURL *curl;
	struct curl_slist *headers;
	SenderDone done;
	void *context;
	const AddressList *networks;
	SenderFence may_leave; /* or NULL */
	void *fence_context;
	const char *body; /* of a request with a fence; how much of it has gone to libcurl */
	size_t body_length;
	size_t body_gone;
	Buffer answer;
	size_t header_bytes; /* of the answer */
	int header_lines;
	bool answer_too_long;
	bool answer_endless; /* headers, trailers, or bytes that are none of the body */
	bool is_fenced;
	bool address_refused;
	Failure refusal;	/* why */
	bool address_tried; /* at least one of the name's addresses was allowed */
} SenderTransfer;

typedef LIST_HEAD(SenderTransferList, SenderTransfer) SenderTransferList;

/* NULL with a failure when the request cannot be made as asked for; nothing is sent yet. */
extern SenderTransfer *sender_transfer_new(const SenderSettings *settings,
										   const SenderRequest *request, Failure *failure);
extern void sender_transfer_free(SenderTransfer *transfer); /* NULL is fine */

/* More came than any answer has: the transfer fails for that, whatever libcurl says. */
extern void sender_transfer_cut_off(SenderTransfer *transfer);

/* What came of it; the answer points into the transfer. */
extern void sender_transfer_read(const SenderTransfer *transfer, CURLcode code,
								 SenderAnswer *answer);

#endif
