/*
 * delivery_policy.h
 *		What came of a delivery attempt, and what to do next: a table. Pure; the random number and
 *		the clock are arguments.
 */
#ifndef DELIVERY_POLICY_H
#define DELIVERY_POLICY_H

#include <stdint.h>

#include "message/ack.h"

typedef enum TransferResult
{
	TRANSFER_ANSWERED,		  /* an HTTP status was received; see http_status and ack */
	TRANSFER_FAILED,		  /* name, connection, TLS, time-out, cut off: nothing known */
	TRANSFER_ADDRESS_REFUSED, /* address_guard or allow_http said no: a matter of configuration */
	TRANSFER_NOT_BUILT,		  /* the message itself cannot be made (FAILURE_INPUT, FAILURE_LIMIT) */
	TRANSFER_NOT_SIGNED,	  /* no key, no memory: our trouble, the message is sound */
	TRANSFER_NO_TOKEN		  /* the partner's token endpoint gave none, or we have no secret */
} TransferResult;

typedef struct DeliveryAttempt
{
	TransferResult transfer;
	int http_status;
	AckStatus ack;
	const char *error_code; /* of the answer; NULL or "" when none */
	int64_t retry_after_ms; /* from delivery_retry_after, -1 = none */
	int attempt;			/* 1 for the first, as casesync_internal.take() says */
	double random;			/* in [0, 1) */
} DeliveryAttempt;

typedef struct DeliveryRules
{
	int64_t retry_base_ms;
	int64_t retry_cap_ms;
} DeliveryRules;

typedef enum DeliveryVerdict
{
	DELIVERY_DELIVERED,
	DELIVERY_RETRY,
	DELIVERY_REFUSED,
	DELIVERY_STOP
} DeliveryVerdict;

typedef struct DeliveryDecision
{
	DeliveryVerdict verdict;
	int64_t wait_ms;	/* only for DELIVERY_RETRY, else 0 */
	const char *reason; /* a short constant text for record_outcome's detail and the log */
} DeliveryDecision;

extern DeliveryDecision delivery_decide(const DeliveryAttempt *attempt, const DeliveryRules *rules);

/* "delivered", "retry", "refused", "stop": what record_outcome takes. */
extern const char *delivery_verdict_name(DeliveryVerdict verdict);

/*
 * A Retry-After value (seconds or HTTP date) as milliseconds from now, at most a day; -1 when
 * text is NULL or unreadable.
 */
extern int64_t delivery_retry_after(const char *text, int64_t now_ms);

#endif /* DELIVERY_POLICY_H */
