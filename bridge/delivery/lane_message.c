/*
 * lane_message.c
 *		Where and how the message of a lane is sent, kept until it is decided about. Must not know
 *		how that ends.
 */
#include "delivery/lane_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/iso_time.h"
#include "token/callback_address.h"

void
lane_message_forget(Lane *lane)
{
	buffer_free(&lane->body);
	address_list_free(&lane->networks);
	for (int i = 0; i < LANE_TEXTS; i++)
	{
		free(lane->texts[i]);
		lane->texts[i] = NULL;
	}
}

bool
lane_message_build(Lane *lane, const DeliveryItem *item, Failure *failure)
{
	const LaneCommon *common = lane->common;
	EnvelopeFields fields = item->fields;
	char uri[CALLBACK_URI_MAX];

	if (fields.sender_uri != NULL && item->callback_client != NULL)
	{
		if (!callback_address_fill(*common->parts.config, item->callback_client, fields.sender_uri,
								   uri, failure))
			return false;
		fields.sender_uri = uri;
	}
	return envelope_build(&fields, iso_time_now(), common->keys, &lane->body, failure);
}

TokenWish
lane_message_token(const Lane *lane)
{
	TokenWish wish = {.url = lane->texts[LANE_TOKEN_URL],
					  .client_id = lane->texts[LANE_CLIENT_ID],
					  .secret_name = lane->texts[LANE_SECRET_NAME],
					  .networks = &lane->networks};

	return wish;
}

bool
lane_message_is_late(const Lane *lane)
{
	const TokenWish wish = lane_message_token(lane);

	return fence_is_near_end(&lane->fence) &&
		   token_client_find(lane->common->parts.tokens, &wish) != NULL;
}

size_t
lane_message_max_answer(const Lane *lane)
{
	MessageAction action;

	return message_response_expected(lane->texts[LANE_URL], &action)
			   ? (size_t) (*lane->common->parts.config)->max_notify_body
			   : 0;
}

void
lane_message_log(const Lane *lane, const char *reason, int64_t elapsed_ms)
{
	const DeliveryOutcome *outcome = &lane->outcome;

	log_info(lane->common->parts.log, "sent", "lane", LOG_INT(lane->number), "partner",
			 lane->party->partner, "message_id", outcome->message_id, "verdict", outcome->verdict,
			 "http_status", LOG_INT(outcome->http_status), "ack", LOG_TEXT(outcome->ack_status),
			 "error_code", outcome->error_code, "reason", LOG_TEXT(reason), "attempt",
			 LOG_INT(lane->attempt), "wait_ms", LOG_INT(outcome->wait_ms), "ms",
			 LOG_INT(elapsed_ms), NULL);
}

/* Everything of the item that is needed after the result it was read from is gone. */
bool
lane_message_keep(Lane *lane, const DeliveryItem *item, Failure *failure)
{
	const char *const texts[LANE_TEXTS] = {[LANE_URL] = item->url,
										   [LANE_TLS_NAME] = item->tls_name,
										   [LANE_TOKEN_URL] = item->token_url,
										   [LANE_CLIENT_ID] = item->client_id,
										   [LANE_SECRET_NAME] = item->secret_name,
										   [LANE_JOURNAL] = item->journal};

	for (int i = 0; i < LANE_TEXTS; i++)
	{
		lane->texts[i] = texts[i] != NULL ? strdup(texts[i]) : NULL;
		if (texts[i] != NULL && lane->texts[i] == NULL)
		{
			failure_set(failure, FAILURE_MEMORY, "out of memory");
			return false;
		}
	}
	return address_list_parse(item->networks, &lane->networks, failure);
}

/*
 * Written down only now, since what is written down counts as told: for a database that has lost
 * its last hours, and for the numbers that it was given. The disk may have taken its time.
 */
static bool
message_may_begin(Lane *lane)
{
	if (!fence_lets_begin(&lane->fence))
		return false;
	if (!lane->has_left)
	{
		lane->is_unwritten = !told_journal_write(lane->common->parts.journal,
												 lane->texts[LANE_JOURNAL], &lane->unwritten);
		lane->has_left = !lane->is_unwritten;
	}
	return lane->has_left && fence_lets_begin(&lane->fence);
}

bool
lane_message_may_leave(void *context, bool is_first)
{
	Lane *lane = context;

	return is_first ? message_may_begin(lane) : fence_lets_go_on(&lane->fence);
}

TransferResult
lane_message_transfer(SenderResult result)
{
	switch (result)
	{
		case SENDER_ANSWERED:
			return TRANSFER_ANSWERED;
		case SENDER_NOT_ALLOWED:
		case SENDER_URL_BAD:
			return TRANSFER_ADDRESS_REFUSED;
		case SENDER_FENCED:
			return TRANSFER_FENCED;
		case SENDER_ENDLESS:
			return TRANSFER_ENDLESS;
		case SENDER_FAILED:
			break;
	}
	return TRANSFER_FAILED;
}
