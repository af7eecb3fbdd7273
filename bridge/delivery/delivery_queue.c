/*
 * delivery_queue.c
 *		What delivery asks of the database: which lanes, take one message, record what came of it.
 *		Must not decide anything.
 */
#include "delivery/delivery_queue.h"

#include <stdio.h>

#include "database/pg_row.h"
#include "database/sql_call.h"

bool
delivery_queue_begin(PgSession *session, PgResultHandler handler, void *context, Failure *failure)
{
	return pg_session_query(session, SQL_CALL(CALL_DELIVERY_BEGIN), NULL, handler, context,
							failure);
}

bool
delivery_queue_lanes(PgSession *session, const DeliveryTurn *turn, PgResultHandler handler,
					 void *context, Failure *failure)
{
	const PgParam params[] = {PG_TEXT(turn->number)};

	return pg_session_query(session, SQL_CALL(CALL_LANES), params, handler, context, failure);
}

static bool
queue_ask_about_lane(PgSession *session, SqlCallId call, int lane, PgResultHandler handler,
					 void *context, Failure *failure)
{
	char text[16];
	const PgParam params[] = {PG_TEXT(text)};

	snprintf(text, sizeof(text), "%d", lane);
	return pg_session_query(session, SQL_CALL(call), params, handler, context, failure);
}

bool
delivery_queue_lock(PgSession *session, int lane, PgResultHandler handler, void *context,
					Failure *failure)
{
	return queue_ask_about_lane(session, CALL_LOCK_LANE, lane, handler, context, failure);
}

bool
delivery_queue_unlock(PgSession *session, int lane, PgResultHandler handler, void *context,
					  Failure *failure)
{
	return queue_ask_about_lane(session, CALL_UNLOCK_LANE, lane, handler, context, failure);
}

/* Parameters point to texts; they are copied when the question is queued. */
typedef struct LaneTexts
{
	char lane[16];
	char wait[32];
	char status[16];
	char within[16];
} LaneTexts;

bool
delivery_queue_take(PgSession *session, int lane, const DeliveryWish *wish, PgResultHandler handler,
					void *context, Failure *failure)
{
	LaneTexts texts;
	const PgParam params[] = {PG_TEXT(texts.lane), PG_TEXT(wish->turn->number),
							  PG_TEXT(texts.within),
							  PG_TEXT(wish->with_journal ? "true" : "false")};

	snprintf(texts.lane, sizeof(texts.lane), "%d", lane);
	snprintf(texts.within, sizeof(texts.within), "%d", (int) wish->begins_within_ms);
	return pg_session_query(session, SQL_CALL(CALL_TAKE), params, handler, context, failure);
}

bool
delivery_queue_secure(PgSession *session, const char *standby, PgResultHandler handler,
					  void *context, Failure *failure)
{
	const PgParam params[] = {PG_TEXT(standby), PG_TEXT(STANDBY_WAIT_MS)};

	return pg_session_query(session, SQL_CALL(CALL_STANDBY_WAIT), params, handler, context,
							failure);
}

/* The first of those of record and of next. */
#define OUTCOME_PARAMS(outcome, texts)                                                             \
	PG_TEXT((texts).lane), PG_TEXT((outcome)->message_id), PG_TEXT((outcome)->verdict),            \
		PG_TEXT((texts).wait), PG_TEXT((outcome)->http_status != 0 ? (texts).status : NULL),       \
		PG_TEXT((outcome)->ack_status),                                                            \
		PG_TEXT((outcome)->error_code[0] != '\0' ? (outcome)->error_code : NULL),                  \
		PG_TEXT((outcome)->detail), PG_TEXT((outcome)->has_left ? "true" : "false")

static void
outcome_write(LaneTexts *texts, int lane, const DeliveryOutcome *outcome)
{
	snprintf(texts->lane, sizeof(texts->lane), "%d", lane);
	snprintf(texts->wait, sizeof(texts->wait), "%lld", (long long) outcome->wait_ms);
	snprintf(texts->status, sizeof(texts->status), "%d", outcome->http_status);
}

bool
delivery_queue_record(PgSession *session, int lane, const DeliveryOutcome *outcome,
					  PgResultHandler handler, void *context, Failure *failure)
{
	LaneTexts texts;
	const PgParam params[] = {OUTCOME_PARAMS(outcome, texts)};

	outcome_write(&texts, lane, outcome);
	return pg_session_query(session, SQL_CALL(CALL_RECORD_OUTCOME), params, handler, context,
							failure);
}

bool
delivery_queue_note(PgSession *session, int lane, const DeliveryOutcome *outcome,
					PgResultHandler handler, void *context, Failure *failure)
{
	LaneTexts texts;
	const PgParam params[] = {PG_TEXT(texts.lane), PG_TEXT(outcome->message_id),
							  PG_TEXT(outcome->cause), PG_TEXT(outcome->words)};

	outcome_write(&texts, lane, outcome);
	return pg_session_query(session, SQL_CALL(CALL_NOTE_ATTEMPT), params, handler, context,
							failure);
}

bool
delivery_queue_next(PgSession *session, int lane, const DeliveryOutcome *outcome,
					const DeliveryWish *wish, PgResultHandler handler, void *context,
					Failure *failure)
{
	LaneTexts texts;
	const PgParam params[] = {OUTCOME_PARAMS(outcome, texts), PG_TEXT(wish->turn->number),
							  PG_TEXT(texts.within),
							  PG_TEXT(wish->with_journal ? "true" : "false")};

	outcome_write(&texts, lane, outcome);
	snprintf(texts.within, sizeof(texts.within), "%d", (int) wish->begins_within_ms);
	return pg_session_query(session, SQL_CALL(CALL_NEXT_MESSAGE), params, handler, context,
							failure);
}

DeliveryTurn
delivery_queue_read_turn(const PGresult *result)
{
	DeliveryTurn turn;

	snprintf(turn.number, sizeof(turn.number), "%s", pg_row_word(result, 0, 0));
	return turn;
}

DeliveryLane
delivery_queue_read_lane(const PGresult *result, int row)
{
	return (DeliveryLane){.lane = (int) pg_row_number(result, row, 0),
						  .wait_ms = pg_row_number(result, row, 1),
						  .partner = pg_row_word(result, row, 2)};
}

bool
delivery_queue_read_claim(const PGresult *result)
{
	return pg_row_is_true(result, 0, 0);
}

bool
delivery_queue_read_recorded(const PGresult *result)
{
	return pg_row_is_true(result, 0, 22);
}

bool
delivery_queue_read_again(const PGresult *result)
{
	return pg_row_is_true(result, 0, 23);
}

bool
delivery_queue_read_item(const PGresult *result, DeliveryItem *item)
{
	if (PQntuples(result) == 0 || pg_row_text(result, 0, 0) == NULL)
		return false;
	*item = (DeliveryItem){
		.fields =
			{
				.message_id = pg_row_word(result, 0, 0),
				.action = pg_row_word(result, 0, 2),
				.sender_id = pg_row_word(result, 0, 3),
				.receiver_id = pg_row_word(result, 0, 4),
				.sender_uri = pg_row_text(result, 0, 5),
				.status = pg_row_word(result, 0, 6),
				.total_count = (int) pg_row_number(result, 0, 7),
				.completed_count = (int) pg_row_number(result, 0, 8),
				.message = pg_row_word(result, 0, 9),
				.meta = pg_row_text(result, 0, 10),
				.encrypt = pg_row_text(result, 0, 17),
				.forms = pg_row_text(result, 0, 20),
			},
		.url = pg_row_word(result, 0, 1),
		.attempt = (int) pg_row_number(result, 0, 11),
		.networks = pg_row_text(result, 0, 12),
		.tls_name = pg_row_text(result, 0, 13),
		.token_url = pg_row_text(result, 0, 14),
		.client_id = pg_row_text(result, 0, 15),
		.secret_name = pg_row_text(result, 0, 16),
		.journal = pg_row_text(result, 0, 18),
		.status_is_ack = pg_row_is_true(result, 0, 19),
		.callback_client = pg_row_text(result, 0, 21),
	};
	return true;
}
