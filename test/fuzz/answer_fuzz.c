/*
 * answer_fuzz.c
 *		What a partner's server answers to a message, and what its token endpoint does: whatever it
 *		says, what is kept of it is short and plain enough for the log and for a header of ours.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/delivery_policy.h"
#include "message/ack.h"
#include "token/token_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool claim)
{
	if (!claim)
		abort();
}

static void
ack_demand(const Ack *ack)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	demand(ack->status >= ACK_UNREADABLE && ack->status <= ACK_ERR);
	demand((ack_status_name(ack->status) == NULL) == (ack->status == ACK_UNREADABLE));
	demand(memchr(ack->error_code, '\0', sizeof(ack->error_code)) != NULL);
	demand(strspn(ack->error_code, plain) == strlen(ack->error_code));
}

/* Delivered only for what is an acknowledgement. */
static void
decision_demand(const Ack *ack, int http_status)
{
	static const DeliveryRules rules = {.retry_base_ms = 1000, .retry_cap_ms = 3600000};
	const DeliveryAttempt attempt = {.transfer = TRANSFER_ANSWERED,
									 .http_status = http_status,
									 .ack = ack->status,
									 .error_code = ack->error_code,
									 .attempt = 1,
									 .random = 0.5};
	DeliveryDecision decision = delivery_decide(&attempt, &rules);

	demand(decision.reason != NULL && decision.reason[0] != '\0');
	if (decision.verdict == DELIVERY_DELIVERED)
		demand(ack->status == ACK_ACK || ack->status == ACK_NACK ||
			   strstr(ack->error_code, "message_id.duplicate") != NULL);
	if (decision.verdict == DELIVERY_RETRY)
		demand(decision.wait_ms > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* an exact copy, so that reading one byte too far is seen */
	char *body = malloc(size > 0 ? size : 1);
	TokenAnswer answer;
	Failure failure;
	Ack ack;

	memcpy(body, data, size);
	ack_read(body, size, &ack);
	ack_demand(&ack);
	for (int status = 100; status < 600; status += 50)
		decision_demand(&ack, status);
	decision_demand(&ack, 409);
	if (token_answer_read(200, body, size, &answer, &failure))
		demand(strncmp(answer.authorization, "Bearer ", 7) == 0 &&
			   answer.authorization[7] != '\0' && strpbrk(answer.authorization, "\r\n") == NULL);
	else
		demand(failure.text[0] != '\0');
	free(body);
	return 0;
}
