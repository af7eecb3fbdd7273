/*
 * sender.c
 *		Drives libcurl's multi interface by our event loop; with sender_transfer the only file that
 *		knows curl. Must not know what it sends or what an answer means.
 */
#include "sender.h"

#include <stdlib.h>
#include <string.h>

#include "sender_transfer.h"

#define IDLE_CONNECTIONS 64

struct Sender
{
	EventLoop *loop;
	CURLM *multi;
	Timer *timer;
	SenderTransfer *transfers;
	SenderSettings settings;
	char *ca_file; /* owns the one in the settings */
};

static void
sender_release(Sender *sender, SenderTransfer *transfer)
{
	if (transfer->previous != NULL)
		transfer->previous->next = transfer->next;
	else if (sender->transfers == transfer)
		sender->transfers = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
	sender_transfer_free(transfer);
}

static void
sender_finish(Sender *sender, SenderTransfer *transfer, CURLcode code)
{
	SenderAnswer answer;

	sender_transfer_read(transfer, code, &answer);
	curl_multi_remove_handle(sender->multi, transfer->curl);
	transfer->done(transfer->context, &answer);
	sender_release(sender, transfer);
}

static void
sender_collect(Sender *sender)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(sender->multi, &left)) != NULL)
	{
		SenderTransfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		sender_finish(sender, transfer, code);
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

bool
sender_post(Sender *sender, const SenderRequest *request, SenderDone done, void *context,
			Failure *failure)
{
	SenderTransfer *transfer = sender_transfer_new(&sender->settings, request, failure);

	if (transfer == NULL)
		return false;
	if (curl_multi_add_handle(sender->multi, transfer->curl) != CURLM_OK)
	{
		failure_set(failure, FAILURE_SYSTEM, "could not set up the transfer");
		sender_transfer_free(transfer);
		return false;
	}
	transfer->done = done;
	transfer->context = context;
	transfer->next = sender->transfers;
	if (sender->transfers != NULL)
		sender->transfers->previous = transfer;
	sender->transfers = transfer;
	return true;
}

bool
sender_set(Sender *sender, const SenderSettings *settings)
{
	char *ca_file = strdup(settings->ca_file);

	if (ca_file == NULL)
		return false;
	free(sender->ca_file);
	sender->settings = *settings;
	sender->settings.ca_file = sender->ca_file = ca_file;
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
	while (sender->transfers != NULL)
	{
		SenderTransfer *transfer = sender->transfers;

		/* The analyzer does not see that sender_release takes transfer off the list. */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		curl_multi_remove_handle(sender->multi, transfer->curl);
		sender_release(sender, transfer);
	}
	curl_multi_cleanup(sender->multi);
	timer_free(sender->timer);
	free(sender->ca_file);
	free(sender);
	curl_global_cleanup();
}
