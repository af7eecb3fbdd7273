/*
 * lane.c
 *		Sees one message of a lane through: lock, take, build, sign, send, record. Must not know
 *		what a message says, nor of other lanes.
 */
#include "delivery/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/iso_time.h"
#include "delivery/delivery_policy.h"
#include "delivery/lane_lock.h"
#include "delivery/lane_message.h"
#include "delivery/lane_state.h"
#include "net/tls_files.h"

static void
lane_recorded(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;

	if (result == NULL)
		lane_state_trouble(lane, "record_failed", failure);
	else
	{
		lane_state_enter(lane, LANE_IDLE);
		lane_state_told(lane, delivery_queue_read_claim(result));
		lane->is_wanted = true;
	}
	lane->common->changed(lane->common->context);
}

static void
lane_record(Lane *lane)
{
	Failure failure;

	lane_state_enter(lane, LANE_RECORDING);
	lane_state_note(lane);
	if (!delivery_queue_record(lane->common->parts.session, lane->number, &lane->outcome,
							   lane_recorded, lane, &failure))
		lane_state_trouble(lane, "record_failed", &failure);
}

/* What has been tried is decided here once, and recorded as soon as the database can be told. */
static void
lane_decide(Lane *lane, DeliveryAttempt *attempt, const char *cause, int64_t elapsed_ms)
{
	const Config *config = *lane->common->parts.config;
	DeliveryRules rules = {config->retry_base_ms, config->retry_cap_ms};
	DeliveryDecision decision;

	attempt->attempt = lane->attempt;
	attempt->random = drand48();
	decision = delivery_decide(attempt, &rules);
	lane->outcome.verdict = delivery_verdict_name(decision.verdict);
	lane->outcome.wait_ms = decision.wait_ms;
	lane->outcome.http_status = attempt->http_status;
	lane->outcome.ack_status = ack_status_name(attempt->ack);
	lane->outcome.detail = decision.reason;
	lane->outcome.has_left = lane->has_left;
	lane->outcome.is_to_note = decision.verdict != DELIVERY_DELIVERED;
	strncpy(lane->outcome.cause, cause, sizeof(lane->outcome.cause) - 1);
	lane->has_outcome = true;
	lane_message_forget(lane);
	lane_message_log(lane, cause[0] != '\0' ? cause : decision.reason, elapsed_ms);
}

static void lane_ask_token(Lane *lane);

/*
 * As if it had never been taken, which is no attempt that counts; the numbers that it was given are
 * given anew. Whoever takes it next asks anew whether it may leave. Of what has begun to leave
 * nothing can be said.
 */
static void
lane_drop(Lane *lane, const char *reason)
{
	LaneCommon *common = lane->common;

	log_info(common->parts.log, "dropped", "lane", LOG_INT(lane->number), "message_id",
			 lane->outcome.message_id, "reason", reason, NULL);
	lane_message_forget(lane);
	lane->outcome.verdict = DELIVERY_UNSENT;
	/* a bridge that stops does not wait for a database that is away */
	lane->has_outcome =
		!lane->has_left && (!common->is_stopping || pg_session_is_connected(common->parts.session));
	lane->is_wanted = true;
	lane_state_enter(lane, LANE_IDLE);
}

/* It never left us: decided, and nothing in flight. */
static void
lane_give_up(Lane *lane, TransferResult transfer, const Failure *failure)
{
	DeliveryAttempt attempt = {.transfer = transfer};

	lane_decide(lane, &attempt, failure->text, 0);
	lane_state_enter(lane, LANE_IDLE);
}

static void
lane_response_read(void *context, ResponseResult result, const char *error_code)
{
	Lane *lane = context;
	DeliveryAttempt attempt = {.transfer = TRANSFER_ANSWERED, .http_status = 200};

	if (result == RESPONSE_TAKEN)
		attempt.ack = ACK_ACK;
	else if (result == RESPONSE_REFUSED)
		attempt.transfer = TRANSFER_RESPONSE_REFUSED;
	else
		attempt.transfer = TRANSFER_RESPONSE_LOST;
	snprintf(lane->outcome.error_code, sizeof(lane->outcome.error_code), "%s", error_code);
	lane_decide(lane, &attempt, "", lane->answered_ms);
	lane_state_enter(lane, LANE_IDLE);
	lane->common->changed(lane->common->context);
}

/* True when it is the answer to a question of ours, which is handed on. */
static bool
lane_hand_on(Lane *lane, const SenderAnswer *answer, const Ack *ack)
{
	const LaneParts *parts = &lane->common->parts;
	MessageAction action;

	if (answer->result != SENDER_ANSWERED || answer->http_status / 100 != 2 ||
		ack->status != ACK_UNREADABLE ||
		!message_response_expected(lane->texts[LANE_URL], &action) ||
		!parts->take_response(parts->response_context, lane->party->partner, action, answer->body,
							  answer->length, lane_response_read, lane))
		return false;
	lane->answered_ms = answer->elapsed_ms;
	lane_state_enter(lane, LANE_READING);
	return true;
}

static void
lane_answered(void *context, const SenderAnswer *answer)
{
	Lane *lane = context;
	DeliveryAttempt attempt = {.transfer = lane_message_transfer(answer->result),
							   .http_status = answer->http_status};
	const char *cause = answer->reason;
	Ack ack;

	/* with its session went the lock that stop_sharing() waits for */
	if (answer->result == SENDER_FENCED && !fence_is_held(&lane->fence))
	{
		lane_drop(lane, "the session that took it has ended, or this bridge stood still");
		lane->common->changed(lane->common->context);
		return;
	}
	/*
	 * A kept token may have been withdrawn: asked for anew once, which is no attempt that counts. A
	 * fresh one that is refused is an outcome like any other.
	 */
	if (answer->http_status == 401 && lane->is_token_from_store)
	{
		const TokenWish wish = lane_message_token(lane);

		token_client_drop(lane->common->parts.tokens, &wish);
		lane_ask_token(lane);
		lane->common->changed(lane->common->context);
		return;
	}
	if (lane->is_unwritten)
	{
		attempt.transfer = TRANSFER_NOT_NOTED;
		cause = lane->unwritten.text;
	}
	ack_read(answer->body, answer->length, &ack);
	if (lane_hand_on(lane, answer, &ack))
		return;
	ack_words(answer->body, answer->length, lane->outcome.words, sizeof(lane->outcome.words));
	attempt.ack = ack.status;
	attempt.error_code = ack.error_code;
	attempt.retry_after_s = answer->retry_after_s;
	attempt.status_is_ack = lane->status_is_ack;
	/* ack_read let nothing but a plain code through, so it may be stored and logged */
	memcpy(lane->outcome.error_code, ack.error_code, sizeof(lane->outcome.error_code));
	lane_decide(lane, &attempt, cause, answer->elapsed_ms);
	lane_state_enter(lane, LANE_IDLE);
	lane->common->changed(lane->common->context);
}

/* False, and given up, when the files for TLS with this partner are not there. */
static bool
lane_find_identity(Lane *lane, TlsFiles *files, SenderIdentity *identity)
{
	const Config *config = *lane->common->parts.config;
	Failure failure;

	*identity = (SenderIdentity){files->certificate, files->key, files->ca};
	if (tls_files_find(config->tls_directory, lane->texts[LANE_TLS_NAME], files, &failure))
		return true;
	lane_give_up(lane, TRANSFER_FAILED, &failure);
	return false;
}

/* With what is in hand: NULL is for partners who want no token. */
static void
lane_post(Lane *lane, const char *authorization)
{
	SenderRequest request = {.url = lane->texts[LANE_URL],
							 .body = lane->body.data,
							 .length = lane->body.length,
							 .authorization = authorization,
							 .networks = &lane->networks,
							 .max_answer = lane_message_max_answer(lane),
							 .may_leave = lane_message_may_leave,
							 .fence_context = lane};
	SenderIdentity identity;
	TlsFiles files;
	Failure failure;

	if (!lane_find_identity(lane, &files, &identity))
		return;
	request.identity = &identity;
	if (sender_post(lane->common->parts.sender, &request, lane_answered, lane, &failure))
		lane_state_enter(lane, LANE_SENDING);
	else
		lane_give_up(lane, TRANSFER_NOT_SIGNED, &failure);
}

static void
lane_got_token(void *context, const char *authorization, const Failure *failure)
{
	Lane *lane = context;

	lane->is_token_from_store = false;
	if (!fence_is_held(&lane->fence))
		lane_drop(lane, "the session that took it has ended, or this bridge stood still");
	else if (authorization == NULL)
		lane_give_up(lane, TRANSFER_NO_TOKEN, failure);
	else if (lane_message_is_late(lane))
		lane_drop(lane, "the token took its time");
	else
		lane_post(lane, authorization);
	lane->common->changed(lane->common->context);
}

static void
lane_ask_token(Lane *lane)
{
	TokenWish wish = lane_message_token(lane);
	SenderIdentity identity;
	TlsFiles files;
	Failure failure;

	if (!lane_find_identity(lane, &files, &identity))
		return;
	wish.identity = &identity;
	if (token_client_fetch(lane->common->parts.tokens, &wish, lane_got_token, lane, &failure))
		lane_state_enter(lane, LANE_ASKING);
	else
		lane_give_up(lane, TRANSFER_NO_TOKEN, &failure);
}

static void
lane_post_or_ask(Lane *lane)
{
	TokenWish wish = lane_message_token(lane);
	TokenClient *tokens = lane->common->parts.tokens;
	bool is_given = token_client_is_given(&wish);
	const char *authorization = NULL;
	Failure failure;

	if (is_given)
		authorization = token_client_read(tokens, &wish, &failure);
	else if (wish.url != NULL)
		authorization = token_client_find(tokens, &wish);
	/* remembered for lane_answered: only such a token is worth a second try */
	lane->is_token_from_store = authorization != NULL && !is_given;
	if (authorization == NULL && is_given)
		lane_give_up(lane, TRANSFER_NO_TOKEN, &failure);
	else if (authorization == NULL && wish.url != NULL)
		lane_ask_token(lane);
	else
		lane_post(lane, authorization);
}

static void
lane_secured(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;
	Failure missing;

	if (result != NULL && delivery_queue_read_claim(result))
		lane_post_or_ask(lane);
	else
	{
		failure_set(&missing, FAILURE_DATABASE, "%s",
					failure != NULL ? failure->text : "the standby has not confirmed");
		lane_give_up(lane, TRANSFER_NO_STANDBY, &missing);
	}
	lane->common->changed(lane->common->context);
}

static void
lane_secure(Lane *lane)
{
	const LaneParts *parts = &lane->common->parts;
	Failure failure;

	if ((*parts->config)->wait_for_standby[0] == '\0')
		lane_post_or_ask(lane);
	else if (delivery_queue_secure(parts->session, (*parts->config)->wait_for_standby, lane_secured,
								   lane, &failure))
		lane_state_enter(lane, LANE_SECURING);
	else
		lane_give_up(lane, TRANSFER_NO_STANDBY, &failure);
}

static void
lane_send(Lane *lane, const DeliveryItem *item)
{
	LaneCommon *common = lane->common;
	Failure failure;

	fence_raise(&lane->fence, common->parts.session);
	lane->attempt = item->attempt;
	lane->status_is_ack = item->status_is_ack;
	buffer_init(&lane->body, (size_t) (*common->parts.config)->max_notify_body);
	if (lane_message_keep(lane, item, &failure) && lane_message_build(lane, item, &failure))
		lane_secure(lane);
	else if (failure.kind == FAILURE_INPUT || failure.kind == FAILURE_LIMIT)
		lane_give_up(lane, TRANSFER_NOT_BUILT, &failure);
	else if (failure.kind == FAILURE_NO_RSA_KEY)
		lane_give_up(lane, TRANSFER_NO_RSA_KEY, &failure);
	else
		lane_give_up(lane, TRANSFER_NOT_SIGNED, &failure);
}

static void
lane_begin(Lane *lane, const DeliveryItem *item)
{
	LaneCommon *common = lane->common;

	lane->outcome = (DeliveryOutcome){0};
	strncpy(lane->outcome.message_id, item->fields.message_id, UUID_SIZE - 1);
	lane->has_left = lane->is_unwritten = false;
	if (common->keys == NULL || common->is_stopping)
		lane_drop(lane, "this bridge sends nothing more");
	else
		lane_send(lane, item);
}

static void
lane_taken(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;
	DeliveryItem item;

	if (result == NULL)
		lane_state_trouble(lane, "take_failed", failure);
	else if (!delivery_queue_read_item(result, &item))
		lane_state_enter(lane, LANE_IDLE);
	else
		lane_begin(lane, &item);
	lane->common->changed(lane->common->context);
}

static DeliveryWish
lane_wish(Lane *lane)
{
	const LaneParts *parts = &lane->common->parts;

	lane->is_wanted = false;
	fence_prepare(&lane->fence, fence_within_ms((*parts->config)->connect_timeout_ms));
	return (DeliveryWish){.turn = &lane->common->turn,
						  .begins_within_ms = lane->fence.within_ms,
						  .with_journal = parts->journal != NULL};
}

static void
lane_take(Lane *lane)
{
	const DeliveryWish wish = lane_wish(lane);
	Failure failure;

	lane_state_enter(lane, LANE_TAKING);
	if (!delivery_queue_take(lane->common->parts.session, lane->number, &wish, lane_taken, lane,
							 &failure))
		lane_state_trouble(lane, "take_failed", &failure);
}

/* What fails together is asked for in parts from then on, and says what is wrong. */
static void
lane_got_next(void *context, const PGresult *result, const Failure *failure)
{
	Lane *lane = context;
	DeliveryItem item;

	lane->is_one_by_one = result == NULL;
	if (result == NULL)
		lane_state_trouble(lane, "next_failed", failure);
	else
	{
		lane_state_told(lane, delivery_queue_read_recorded(result));
		if (delivery_queue_read_item(result, &item))
			lane_begin(lane, &item);
		else
			lane_state_enter(lane, LANE_IDLE);
		lane->is_wanted = lane->is_wanted || delivery_queue_read_again(result);
	}
	lane->common->changed(lane->common->context);
}

static void
lane_next(Lane *lane)
{
	const DeliveryWish wish = lane_wish(lane);
	Failure failure;

	lane_state_enter(lane, LANE_RECORDING);
	lane_state_note(lane);
	if (!delivery_queue_next(lane->common->parts.session, lane->number, &lane->outcome, &wish,
							 lane_got_next, lane, &failure))
		lane_state_trouble(lane, "next_failed", &failure);
}

/* After what failed nothing is taken at once; nor while the two fail together. */
static bool
lane_goes_on(const Lane *lane)
{
	return lane->outcome.wait_ms == 0 && !lane->is_one_by_one;
}

bool
lane_step(Lane *lane, int64_t now, bool has_place)
{
	LaneCommon *common = lane->common;
	bool may_take = common->keys != NULL && !common->is_stopping && common->turn.number[0] != '\0';

	/* One question or transfer at a time: everything else waits for its handler to step again. */
	if (lane->state != LANE_IDLE || now < lane->rest_until)
		return false;
	/* An outcome is recorded even while stopping, and before anything new is taken. */
	if (!lane->has_outcome && !(lane->is_wanted && may_take))
	{
		if (may_take || !lane->is_locked)
			return false;
		lane_unlock(lane);
	}
	else if (!lane->is_locked)
		lane_lock(lane);
	else if (lane->has_outcome && may_take && has_place && lane_goes_on(lane))
		lane_next(lane);
	else if (lane->has_outcome)
		lane_record(lane);
	else
		lane_take(lane);
	return true;
}

Lane *
lane_new(LaneCommon *common, LaneParty *party, int number)
{
	Lane *lane = calloc(1, sizeof(Lane));

	if (lane == NULL)
		return NULL;
	lane->common = common;
	lane->party = party;
	lane->number = number;
	buffer_init(&lane->body, 0);
	return lane;
}

void
lane_free(Lane *lane)
{
	if (lane == NULL)
		return;
	lane_message_forget(lane);
	free(lane);
}
