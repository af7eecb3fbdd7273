/*
 * delivery_policy.h
 *		What the outcome of a POST means, in one table; the database applies the verdict to its
 *		lane. Pure; the random number and the clock are arguments.
 */
#ifndef DELIVERY_POLICY_H
#define DELIVERY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "message/ack.h"

typedef enum TransferResult
{
	TRANSFER_ANSWERED,		  /* an HTTP status was received; see http_status and ack */
	TRANSFER_FAILED,		  /* name, connection, TLS, time-out, cut off: nothing known */
	TRANSFER_FENCED,		  /* it had not begun to leave when it had to */
	TRANSFER_ENDLESS,		  /* more came than any answer has */
	TRANSFER_ADDRESS_REFUSED, /* address_guard or allow_http said no: a matter of configuration */
	TRANSFER_NOT_BUILT,		  /* the message itself cannot be made (FAILURE_INPUT, FAILURE_LIMIT) */
	TRANSFER_NOT_SIGNED,	  /* no key, no memory: our trouble, the message is sound */
	TRANSFER_NO_RSA_KEY,	  /* FAILURE_NO_RSA_KEY: likewise, and somebody can mend it */
	TRANSFER_NOT_NOTED,		  /* the journal could not be written: a full disk, mostly */
	TRANSFER_NO_STANDBY,	  /* it might be lost here by tomorrow: wait_for_standby */
	TRANSFER_RESPONSE_REFUSED, /* the answer in it is not what it should be */
	TRANSFER_RESPONSE_LOST,	   /* ours: it is asked for again */
	TRANSFER_NO_TOKEN		   /* the partner's token endpoint gave none, or we have no secret */
} TransferResult;

typedef struct DeliveryAttempt
{
	TransferResult transfer;
	int http_status;
	AckStatus ack;
	const char *error_code; /* of the answer; NULL or "" when none */
	int64_t retry_after_s;	/* what the partner asks for, 0 = nothing; counts up to a day */
	int attempt;			/* 1 for the first, as take() says */
	double random;			/* in [0, 1) */
	bool status_is_ack;		/* of this partner a 2xx is enough */
} DeliveryAttempt;

typedef struct DeliveryRules
{
	int64_t retry_base_ms;
	int64_t retry_cap_ms;
} DeliveryRules;

typedef enum DeliveryVerdict
{
	DELIVERY_DELIVERED,
	DELIVERY_RETRY,	  /* later; nothing is wrong with the message as far as we know */
	DELIVERY_SUSPECT, /* later; but it may be this message that the partner fails at */
	DELIVERY_REFUSED, /* never again: a single item is dead, a batch is halved to find the one */
	DELIVERY_STOP	  /* the lane, until somebody has looked at it */
} DeliveryVerdict;

typedef struct DeliveryDecision
{
	DeliveryVerdict verdict;
	int64_t wait_ms;	/* only where it is tried again, else 0 */
	const char *reason; /* a short constant text for record_outcome's detail and the log */
} DeliveryDecision;

extern DeliveryDecision delivery_decide(const DeliveryAttempt *attempt, const DeliveryRules *rules);

/* "delivered", "retry", "suspect", "refused", "stop": what record_outcome takes. */
extern const char *delivery_verdict_name(DeliveryVerdict verdict);

#endif /* DELIVERY_POLICY_H */
