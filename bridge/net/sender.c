/*
 * sender.c
 *		Requests of ours by libcurl; with sender_transfer and sender_pool the only file that knows
 *		it. Must not know what it sends or what an answer means.
 */
#include "net/sender.h"

#include <stdlib.h>
#include <string.h>

#include "net/sender_pool.h"

struct Sender
{
	EventLoop *loop;
	SenderPoolList pools;
	SenderSettings settings;
	char *ca_file; /* owns the one in the settings */
};

bool
sender_post(Sender *sender, const SenderRequest *request, SenderDone done, void *context,
			Failure *failure)
{
	SenderTransfer *transfer = sender_transfer_new(&sender->settings, request, failure);

	if (transfer == NULL)
		return false;
	transfer->done = done;
	transfer->context = context;
	if (sender_pool_add(&sender->pools, transfer))
		return true;
	failure_set(failure, FAILURE_SYSTEM, "could not set up the transfer");
	sender_transfer_free(transfer);
	return false;
}

bool
sender_set(Sender *sender, const SenderSettings *settings)
{
	char *ca_file = strdup(settings->ca_file);

	if (ca_file == NULL || !sender_pool_renew(sender->loop, &sender->pools))
	{
		free(ca_file);
		return false;
	}
	free(sender->ca_file);
	sender->settings = *settings;
	sender->settings.ca_file = sender->ca_file = ca_file;
	return true;
}

SenderSettings
sender_settings(const Config *config)
{
	SenderSettings settings = {.ca_file = config->ca_file,
							   .allow_http = config->allow_http,
							   .connect_timeout_ms = config->connect_timeout_ms,
							   .send_timeout_ms = config->send_timeout_ms};

	return settings;
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
	if (sender_set(sender, settings))
		return sender;
	failure_set(failure, FAILURE_SYSTEM, "could not set up libcurl");
	sender_free(sender);
	return NULL;
}

void
sender_free(Sender *sender)
{
	if (sender == NULL)
		return;
	sender_pool_free_all(&sender->pools);
	free(sender->ca_file);
	free(sender);
	curl_global_cleanup();
}
