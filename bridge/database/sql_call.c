/*
 * sql_call.c
 *		The list. A function stands here by its name once; --check-config tests the whole list.
 */
#include "database/sql_call.h"

/* A function of one row or many, and the columns of it that are read, in their order. */
#define ROWS(count, columns, function, arguments)                                                  \
	{                                                                                              \
		function,                                                                                  \
		{                                                                                          \
			"SELECT " columns " FROM " function "(" arguments ")", count                           \
		}                                                                                          \
	}

/* A function of one value. */
#define VALUE(count, function, arguments)                                                          \
	{                                                                                              \
		function,                                                                                  \
		{                                                                                          \
			"SELECT " function "(" arguments ")", count                                            \
		}                                                                                          \
	}

/* What a message was when it came in. */
#define MESSAGE                                                                                    \
	"partner => $1::text, message_id => $2::text, raw => $3::bytea, token_client => $4::text,"     \
	" kid => $5::text, plain => $6::bytea, mended => $7::bytea, odd => $8::jsonb"

/* How a message ended. */
#define OUTCOME                                                                                    \
	"lane => $1::integer, message_id => $2::uuid, verdict => $3::text, wait_ms => $4::bigint,"     \
	" http_status => $5::integer, ack_status => $6::text, error_code => $7::text,"                 \
	" detail => $8::text, has_left => $9::boolean"

#define PARCEL                                                                                     \
	"message_id, url, action, sender_id, receiver_id, sender_uri, status, total_count,"            \
	" completed_count, message, meta, attempt, networks, tls_name, token_url, client_id,"          \
	" secret_name, encrypt, journal, status_is_ack, forms, callback_client"

const SqlCall sql_calls[CALL_COUNT] = {
	[CALL_BRIDGE_START] = ROWS(
		3, "sender_id, key_ids, paused, paused_reason, extension_version, journal_key, asks, lost",
		"casesync_internal.bridge_start",
		"node_id => $1::uuid, version => $2::text, told => $3::jsonb"),
	[CALL_BRIDGE_REHEARSAL] = ROWS(2, "what, advice", "casesync_internal.bridge_rehearsal",
								   "node_id => $1::uuid, kid => $2::text"),
	[CALL_BRIDGE_REFUSAL] = VALUE(1, "casesync_internal.bridge_refusal", "version => $1::text"),

	[CALL_JOURNAL_TAKE] = VALUE(1, "casesync_internal.journal_take", "messages => $1::jsonb"),

	[CALL_LOCK_ROUTER] = VALUE(0, "casesync_internal.lock_router", ""),
	[CALL_GATE_CLOSE] = ROWS(1, "is_closed, look_within_ms", "casesync_internal.gate_close",
							 "wait_ms => $1::integer"),
	[CALL_GATE_OPEN] = VALUE(0, "casesync_internal.gate_open", ""),
	[CALL_END_STOPPED_BRIDGES] = VALUE(0, "casesync_internal.end_stopped_bridges", ""),
	[CALL_ROUTE] = ROWS(1, "changes, notifications, more", "casesync_internal.route",
						"max_changes => $1::integer"),
	[CALL_ROUTE_ASIDE] =
		ROWS(1, "changes, notifications, more", "casesync_internal.route_aside", "why => $1::text"),
	[CALL_TIDY] = ROWS(0, "rotated, emptied", "casesync_internal.tidy", ""),
	[CALL_PRUNE_STEP] = ROWS(0, "rows, more", "casesync_internal.prune_step", ""),
	[CALL_LOOK_AGAIN_DUE] = VALUE(0, "casesync_internal.look_again_due", ""),
	[CALL_APPLY_INBOX] = ROWS(0, "items, more, wait_ms", "casesync_internal.apply_inbox", ""),
	[CALL_WORK_REQUESTS] = ROWS(0, "requests, more", "casesync_internal.work_requests", ""),
	[CALL_STANDBY_WAIT] =
		VALUE(2, "casesync_internal.standby_wait", "standby => $1::text, wait_ms => $2::integer"),
	[CALL_TURN_TROUBLE] =
		VALUE(2, "casesync_internal.turn_trouble", "turn => $1::text, reason => $2::text"),

	[CALL_DELIVERY_BEGIN] = VALUE(0, "casesync_internal.delivery_begin", ""),
	[CALL_LANES] =
		ROWS(1, "lane, wait_ms, receiver", "casesync_internal.lanes", "turn => $1::bigint"),
	[CALL_LOCK_LANE] = VALUE(1, "casesync_internal.lock_lane", "lane => $1::integer"),
	[CALL_UNLOCK_LANE] = VALUE(1, "casesync_internal.unlock_lane", "lane => $1::integer"),
	[CALL_TAKE] = ROWS(4, PARCEL, "casesync_internal.take",
					   "lane => $1::integer, turn => $2::bigint, begins_within => $3::integer,"
					   " with_journal => $4::boolean"),
	[CALL_RECORD_OUTCOME] = VALUE(9, "casesync_internal.record_outcome", OUTCOME),
	[CALL_NOTE_ATTEMPT] = VALUE(4, "casesync_internal.attempt_note",
								"lane => $1::integer, message_id => $2::uuid, cause => $3::text,"
								" answer => $4::text"),
	[CALL_NEXT_MESSAGE] = ROWS(12, PARCEL ", recorded, again", "casesync_internal.next_message",
							   OUTCOME ", turn => $10::bigint, begins_within => $11::integer,"
									   " with_journal => $12::boolean"),

	[CALL_PROBE_TARGET] =
		ROWS(1, "url, networks, tls_name", "casesync_internal.probe_target", "lane => $1::integer"),
	[CALL_LANE_BACK] = VALUE(1, "casesync_internal.lane_back", "lane => $1::integer"),

	[CALL_AUTHENTICATE] =
		ROWS(3,
			 "client_state, client_partner, partner, signature, keys, networks, encryption,"
			 " reading, forms",
			 "casesync_internal.authenticate",
			 "token_issuer => $1::text, token_client => $2::text, sender_id => $3::text"),
	[CALL_CHECK_CLIENT] =
		ROWS(3, "state, wait_seconds, partner", "casesync_internal.check_client",
			 "client_id => $1::text, secret_digest => $2::bytea, address => $3::text"),
	[CALL_NOTE_REFUSAL] = VALUE(4, "casesync_internal.refusal_note",
								"partner => $1::text, error_code => $2::text, reason => $3::text,"
								" correlation_id => $4::text"),
	[CALL_RECEIVE] =
		ROWS(8,
			 "ack_status, error_code, error_message, correlation_id,"
			 " pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
			 "casesync_internal.receive", MESSAGE),
	[CALL_ANSWER_NOW] =
		ROWS(9,
			 "error_code, error_message, action, status, status_reason_code,"
			 " status_reason_message, total_count, completed_count, correlation_id, message,"
			 " sender_id, receiver_id, encrypt, lane",
			 "casesync_internal.answer_now", MESSAGE ", begins_within => $9::integer"),
	[CALL_ANSWER_LEFT] = VALUE(1, "casesync_internal.answer_left", "lane => $1::integer"),

	[CALL_TOKEN_ISSUERS] = VALUE(0, "casesync_internal.token_issuers", ""),
	[CALL_NEXT_JWKS] =
		ROWS(0, "kind, name, url, networks, tls_name", "casesync_internal.next_jwks", ""),
	[CALL_RECORD_JWKS] = VALUE(5, "casesync_internal.record_jwks",
							   "kind => $1::text, name => $2::text, url => $3::text,"
							   " jwks => $4::jsonb, problem => $5::text"),
	[CALL_WANT_JWKS] = VALUE(1, "casesync_internal.want_jwks", "issuer => $1::text"),
};
