/*
 * delivery_policy.c
 *		Outcome rules of delivery as data. The first row that fits decides.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/backoff.h"
#include "delivery/delivery_policy.h"

#define ANY (-1)
#define RETRY_AFTER_MAX_S 86400

/* Answers with an HTTP status; error_code NULL = any. */
typedef struct AnswerRule
{
	int status_from;
	int status_to;
	int ack;
	const char *error_code;
	DeliveryVerdict verdict;
	const char *reason;
} AnswerRule;

static const AnswerRule answer_rules[] = {
	{200, 299, ACK_ACK, NULL, DELIVERY_DELIVERED, "acknowledged"},
	/* NACK: valid, and nothing will follow. Not a refusal. */
	{200, 299, ACK_NACK, NULL, DELIVERY_DELIVERED, "acknowledged, no callback"},
	/* The partner has had it: an earlier answer was lost on the way. */
	{200, 299, ACK_ERR, "rjct.message_id.duplicate", DELIVERY_DELIVERED, "known to the partner"},
	{200, 299, ACK_ERR, "err.message_id.duplicate", DELIVERY_DELIVERED, "known to the partner"},
	{200, 299, ACK_ERR, "err.request.timeout", DELIVERY_RETRY, "partner timed out"},
	{200, 299, ACK_ERR, "err.service.unavailable", DELIVERY_RETRY, "partner not available"},
	{200, 299, ACK_ERR, "err.request.too_many_requests", DELIVERY_RETRY, "too many requests"},
	/*
	 * Who we are is in doubt, not what we say: a key not yet registered, a token. Refusing would
	 * empty the whole backlog into the dead letters, so it waits until the partner knows us. Unless
	 * it is this message alone: some build the bytes anew that were signed, and fail at a letter.
	 */
	{200, 299, ACK_ERR, "err.signature.missing", DELIVERY_RETRY, "partner does not know our key"},
	{200, 299, ACK_ERR, "err.signature.invalid", DELIVERY_SUSPECT, "partner does not know our key"},
	{200, 299, ACK_ERR, "err.request.unauthorized", DELIVERY_SUSPECT, "partner does not let us in"},
	{200, 299, ACK_ERR, "err.sender_id.invalid", DELIVERY_RETRY, "partner does not know us"},
	{200, 299, ACK_ERR, NULL, DELIVERY_REFUSED, "refused by the partner"},
	{200, 299, ANY, NULL, DELIVERY_SUSPECT, "answer without a readable acknowledgement"},
	/* A redirect is a wrong address in the partner's registration; it is never followed. */
	{300, 399, ANY, NULL, DELIVERY_STOP, "redirect: the registered address is wrong"},
	{401, 401, ANY, NULL, DELIVERY_SUSPECT, "partner does not let us in"},
	{403, 403, ANY, NULL, DELIVERY_SUSPECT, "partner does not let us in"},
	{408, 408, ANY, NULL, DELIVERY_RETRY, "partner timed out"},
	{410, 410, ANY, NULL, DELIVERY_STOP, "gone: the address is no longer served"},
	{425, 425, ANY, NULL, DELIVERY_RETRY, "too early"},
	{429, 429, ANY, NULL, DELIVERY_RETRY, "too many requests"},
	{400, 499, ANY, "rjct.message_id.duplicate", DELIVERY_DELIVERED, "known to the partner"},
	{400, 499, ANY, "err.message_id.duplicate", DELIVERY_DELIVERED, "known to the partner"},
	{400, 499, ANY, NULL, DELIVERY_REFUSED, "refused by the partner"},
	/* Partners also fail with 500 at one message that they cannot read, again and again. */
	{500, 599, ANY, NULL, DELIVERY_SUSPECT, "partner failed"},
};

/* Of partners of whom it was said. */
static const AnswerRule status_rule = {
	200, 299, ACK_UNREADABLE, NULL, DELIVERY_DELIVERED, "acknowledged by the status"};

/* What ended before an answer came, by TransferResult. */
static const struct
{
	DeliveryVerdict verdict;
	const char *reason;
} transfer_rules[] = {
	[TRANSFER_ANSWERED] = {DELIVERY_RETRY, "answer that is no HTTP of ours"},
	[TRANSFER_FAILED] = {DELIVERY_RETRY, "partner not reached"},
	[TRANSFER_FENCED] = {DELIVERY_RETRY, "partner not reached in time"},
	[TRANSFER_ENDLESS] = {DELIVERY_RETRY, "the partner's answer does not end"},
	[TRANSFER_ADDRESS_REFUSED] = {DELIVERY_STOP, "address not allowed for this partner"},
	[TRANSFER_NOT_BUILT] = {DELIVERY_REFUSED, "message cannot be built"},
	[TRANSFER_NOT_SIGNED] = {DELIVERY_RETRY, "message could not be signed"},
	[TRANSFER_NO_RSA_KEY] = {DELIVERY_RETRY,
							 "the bridge has no rsa_key_file for the profile's RS256"},
	[TRANSFER_NOT_NOTED] = {DELIVERY_RETRY, "the journal of what is told could not be written"},
	[TRANSFER_NO_STANDBY] = {DELIVERY_RETRY, "the standby does not have it yet"},
	[TRANSFER_RESPONSE_REFUSED] = {DELIVERY_REFUSED, "the partner's answer was refused here"},
	[TRANSFER_RESPONSE_LOST] = {DELIVERY_RETRY, "the partner's answer could not be stored"},
	[TRANSFER_NO_TOKEN] = {DELIVERY_RETRY, "no token from the partner"},
};

static bool
rule_fits(const AnswerRule *rule, const DeliveryAttempt *attempt)
{
	if (attempt->http_status < rule->status_from || attempt->http_status > rule->status_to)
		return false;
	if (rule->ack != ANY && rule->ack != (int) attempt->ack)
		return false;
	return rule->error_code == NULL ||
		   (attempt->error_code != NULL && strcmp(rule->error_code, attempt->error_code) == 0);
}

/*
 * Full jitter: anywhere between nothing and base * 2^(attempt-1), at most cap. The least is a
 * tenth of the base, so that a partner in trouble is never asked again at once. What the partner
 * itself asks for is a lower bound.
 */
static int64_t
retry_wait(const DeliveryAttempt *attempt, const DeliveryRules *rules)
{
	int64_t ceiling = backoff_wait(rules->retry_base_ms, rules->retry_cap_ms, attempt->attempt);
	int64_t wait = (int64_t) ((double) ceiling * attempt->random);
	int64_t asked_for = attempt->retry_after_s;

	if (asked_for > RETRY_AFTER_MAX_S)
		asked_for = RETRY_AFTER_MAX_S;
	if (wait < rules->retry_base_ms / 10)
		wait = rules->retry_base_ms / 10;
	if (asked_for > 0 && wait < asked_for * 1000)
		wait = asked_for * 1000;
	return wait > 0 ? wait : 1;
}

DeliveryDecision
delivery_decide(const DeliveryAttempt *attempt, const DeliveryRules *rules)
{
	DeliveryDecision decision = {transfer_rules[attempt->transfer].verdict, 0,
								 transfer_rules[attempt->transfer].reason};
	size_t i;

	if (attempt->transfer == TRANSFER_ANSWERED && attempt->status_is_ack &&
		rule_fits(&status_rule, attempt))
		return (DeliveryDecision){status_rule.verdict, 0, status_rule.reason};
	for (i = 0; attempt->transfer == TRANSFER_ANSWERED &&
				i < sizeof(answer_rules) / sizeof(answer_rules[0]);
		 i++)
	{
		if (rule_fits(&answer_rules[i], attempt))
		{
			decision.verdict = answer_rules[i].verdict;
			decision.reason = answer_rules[i].reason;
			break;
		}
	}
	if (decision.verdict == DELIVERY_RETRY || decision.verdict == DELIVERY_SUSPECT)
	{
		decision.wait_ms = retry_wait(attempt, rules);
		/* probe.sql knows these words: it is not asked before that whether it is back */
		if (attempt->retry_after_s > 0)
			decision.reason = "the partner said when to try again";
	}
	return decision;
}

const char *
delivery_verdict_name(DeliveryVerdict verdict)
{
	static const char *const names[] = {[DELIVERY_DELIVERED] = "delivered",
										[DELIVERY_RETRY] = "retry",
										[DELIVERY_SUSPECT] = "suspect",
										[DELIVERY_REFUSED] = "refused",
										[DELIVERY_STOP] = "stop"};

	return names[verdict];
}
