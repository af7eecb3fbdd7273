/*
 * message_rules.c
 *		The tables. What the standard requires is required, what it only lists is optional; its own
 *		typos and those of older releases stand beside the right names. What is refused here is
 *		refused as a whole and not judged again in the database; what is right here, but not known,
 *		not agreed or too much there, is refused there, and where the standard can say so, item by
 *		item.
 */
#include "message/message_rules.h"

#define ID_MAX 255 /* a bound of ours: the standard has none */
#define TXN_MAX 99 /* transaction_id, correlation_id, subscription code */
#define URI_MAX 2048
#define TEXT_MAX 999

/* FIELD(name, kind, limit, required), then what is unusual about it. */
#define FIELD(member, value_kind, value_limit, required)                                           \
	.name = (member), .kind = (value_kind), .limit = (value_limit), .is_required = (required)

#define REFERENCE_ID                                                                               \
	{                                                                                              \
		FIELD("reference_id", VALUE_ID, ID_MAX, true), .reason = "rjct.reference_id.invalid"       \
	}
#define TIMESTAMP                                                                                  \
	{                                                                                              \
		FIELD("timestamp", VALUE_TIME, 0, true), .aliases = {"timesstamp", "timesatmp"},           \
												 .reason = "rjct.timestamp.invalid"                \
	}
#define TRANSACTION_ID                                                                             \
	{                                                                                              \
		FIELD("transaction_id", VALUE_ID, TXN_MAX, true)                                           \
	}
#define CORRELATION_ID                                                                             \
	{                                                                                              \
		FIELD("correlation_id", VALUE_ID, TXN_MAX, true)                                           \
	}
#define STATUS(required)                                                                           \
	{                                                                                              \
		FIELD("status", VALUE_STATUS, 0, required)                                                 \
	}
#define LOCALE                                                                                     \
	{                                                                                              \
		FIELD("locale", VALUE_LOCALE, 0, false)                                                    \
	}
#define REASON_CODE                                                                                \
	{                                                                                              \
		FIELD("status_reason_code", VALUE_NAME, ID_MAX, false)                                     \
	}
#define REASON_MESSAGE                                                                             \
	{                                                                                              \
		FIELD("status_reason_message", VALUE_NOTE, TEXT_MAX, false)                                \
	}
#define NAME(member)                                                                               \
	{                                                                                              \
		FIELD(member, VALUE_NAME, ID_MAX, false)                                                   \
	}
#define PAGINATION                                                                                 \
	{                                                                                              \
		FIELD("pagination", VALUE_OBJECT, 0, false), .inside = pagination_rules,                   \
													 .reason = "rjct.pagination.invalid"           \
	}
#define OBJECT(member)                                                                             \
	{                                                                                              \
		FIELD(member, VALUE_OBJECT, 0, false)                                                      \
	}
#define ITEMS(member, required, rules)                                                             \
	{                                                                                              \
		FIELD(member, VALUE_LIST, 0, required), .inside = (rules)                                  \
	}
#define END                                                                                        \
	{                                                                                              \
		.name = NULL                                                                               \
	}

const FieldRule message_header_rules[] = {
	{FIELD("version", VALUE_VERSION, 0, false), .error_code = "err.version.not_supported"},
	{FIELD("message_id", VALUE_ID, ID_MAX, true)},
	{FIELD("message_ts", VALUE_TIME, 0, true), .reason = "rjct.message_ts.invalid"},
	{FIELD("action", VALUE_TEXT, ID_MAX, true), .reason = "rjct.action.invalid"},
	{FIELD("sender_id", VALUE_ID, ID_MAX, true), .error_code = "err.sender_id.invalid"},
	{FIELD("receiver_id", VALUE_ID, ID_MAX, false), .error_code = "err.receiver_id.invalid"},
	{FIELD("sender_uri", VALUE_URI, URI_MAX, false), .error_code = "err.sender_uri.invalid"},
	{FIELD("total_count", VALUE_COUNT, 0, false), .reason = "rjct.total_count.invalid"},
	{FIELD("completed_count", VALUE_COUNT, 0, false)},
	OBJECT("meta"),
	STATUS(false),
	REASON_CODE,
	REASON_MESSAGE,
	END,
};

/* --- subscribe, unsubscribe and their answers --- */
static const FieldRule criteria_rules[] = {
	NAME("reg_type"),
	NAME("reg_event_type"),
	NAME("notify_record_type"),
	NAME("filter_type"),
	OBJECT("frequency"),
	OBJECT("authorize"),
	END,
};
static const FieldRule subscribe_item_rules[] = {
	REFERENCE_ID,
	TIMESTAMP,
	{FIELD("subscribe_criteria", VALUE_OBJECT, 0, true), .inside = criteria_rules},
	LOCALE,
	END,
};
static const FieldRule subscribe_rules[] = {
	TRANSACTION_ID, ITEMS("subscribe_request", true, subscribe_item_rules), END};

static const FieldRule unsubscribe_rules[] = {
	TRANSACTION_ID,
	TIMESTAMP,
	{FIELD("subscription_codes", VALUE_ID_LIST, TXN_MAX, true), .aliases = {"sunscription_codes"}},
	END,
};

static const FieldRule on_subscribe_item_rules[] = {
	REFERENCE_ID, TIMESTAMP, STATUS(true), REASON_CODE, REASON_MESSAGE, LOCALE, END};
static const FieldRule on_subscribe_rules[] = {
	TRANSACTION_ID, CORRELATION_ID, ITEMS("subscribe_response", true, on_subscribe_item_rules),
	END};

static const FieldRule on_unsubscribe_item_rules[] = {
	{FIELD("code", VALUE_ID, TXN_MAX, true)}, {FIELD("status", VALUE_TEXT, ID_MAX, true)}, END};
static const FieldRule on_unsubscribe_rules[] = {
	TRANSACTION_ID,
	CORRELATION_ID,
	TIMESTAMP,
	STATUS(true),
	REASON_CODE,
	REASON_MESSAGE,
	ITEMS("subscription_status", false, on_unsubscribe_item_rules),
	END};

/* --- notify --- */
static const FieldRule notify_data_rules[] = {
	NAME("version"),
	NAME("reg_type"),
	NAME("reg_event_type"),
	{FIELD("reg_record_type", VALUE_TEXT, ID_MAX, true)},
	{FIELD("reg_records", VALUE_RECORDS, 0, true)},
	END,
};
static const FieldRule notify_item_rules[] = {
	REFERENCE_ID,
	TIMESTAMP,
	{FIELD("data", VALUE_OBJECT, 0, true), .inside = notify_data_rules},
	LOCALE,
	END};
static const FieldRule notify_rules[] = {TRANSACTION_ID,
										 ITEMS("notify_event", true, notify_item_rules), END};

/* --- search --- */
static const char *const query_types[] = {"idtype-value", "expression", "predicate", "graphql",
										  NULL};
static const char *const sort_orders[] = {"asc", "desc", NULL};

static const FieldRule pagination_rules[] = {
	{FIELD("page_size", VALUE_NUMBER, 0, true), .reason = "rjct.pagination.invalid"},
	{FIELD("page_number", VALUE_NUMBER, 0, false), .reason = "rjct.pagination.invalid"},
	END,
};
static const FieldRule sort_rules[] = {
	{FIELD("attribute_name", VALUE_TEXT, ID_MAX, true), .reason = "rjct.sort.invalid"},
	{FIELD("sort_order", VALUE_WORD, 0, false), .words = sort_orders,
	 .reason = "rjct.sort.invalid"},
	END,
};
static const FieldRule search_criteria_rules[] = {
	NAME("version"),
	NAME("reg_type"),
	NAME("reg_record_type"),
	{FIELD("query_type", VALUE_WORD, 0, false), .words = query_types,
	 .reason = "rjct.search_criteria.invalid"},
	{FIELD("query", VALUE_ANY_OF_TWO, 0, true), .reason = "rjct.search_criteria.invalid"},
	{FIELD("sort", VALUE_LIST, 0, false), .inside = sort_rules, .reason = "rjct.sort.invalid"},
	PAGINATION,
	OBJECT("consent"),
	OBJECT("authorize"),
	END,
};
static const FieldRule search_item_rules[] = {
	REFERENCE_ID,
	TIMESTAMP,
	{FIELD("search_criteria", VALUE_OBJECT, 0, true), .inside = search_criteria_rules,
	 .reason = "rjct.search_criteria.invalid"},
	PAGINATION,
	LOCALE,
	END,
};
static const FieldRule search_rules[] = {TRANSACTION_ID,
										 ITEMS("search_request", true, search_item_rules), END};

static const FieldRule search_data_rules[] = {NAME("version"),
											  NAME("reg_type"),
											  NAME("reg_record_type"),
											  {FIELD("reg_records", VALUE_RECORDS, 0, true)},
											  END};
static const FieldRule on_search_item_rules[] = {
	REFERENCE_ID,
	TIMESTAMP,
	STATUS(true),
	REASON_CODE,
	REASON_MESSAGE,
	{FIELD("data", VALUE_OBJECT, 0, false), .inside = search_data_rules},
	OBJECT("pagination"),
	LOCALE,
	END,
};
static const FieldRule on_search_rules[] = {
	TRANSACTION_ID, CORRELATION_ID, ITEMS("search_response", true, on_search_item_rules), END};

/* --- status of a transaction --- */
static const char *const txn_types[] = {"search",	   "subscribe", "subscibe", "unsubscribe",
										"unsubscibe",  "notify",	"receipt",	"enrolled",
										"enrollement", NULL};
static const char *const attribute_types[] = {"transaction_id", "reference_id_list",
											  "correlation_id", "subscription_code_list", NULL};

static const FieldRule txn_request_rules[] = {
	REFERENCE_ID,
	/* without it of whatever kind */
	{FIELD("txn_type", VALUE_WORD, 0, false), .words = txn_types},
	{FIELD("attribute_type", VALUE_WORD, 0, true), .words = attribute_types},
	{FIELD("attribute_value", VALUE_TEXTS, ID_MAX, true)},
	LOCALE,
	END,
};
static const FieldRule txn_status_rules[] = {
	TRANSACTION_ID,
	{FIELD("txnstatus_request", VALUE_OBJECT, 0, true), .inside = txn_request_rules},
	END,
};
static const FieldRule txn_response_rules[] = {
	{FIELD("txn_type", VALUE_WORD, 0, true), .words = txn_types},
	{FIELD("txn_status", VALUE_OBJECT, 0, true)},
	END,
};
static const FieldRule txn_on_status_rules[] = {
	TRANSACTION_ID,
	CORRELATION_ID,
	{FIELD("txnstatus_response", VALUE_OBJECT, 0, true), .inside = txn_response_rules},
	END,
};

/* --- check-enrollment --- */
static const FieldRule enrolled_criteria_rules[] = {
	{FIELD("query_type", VALUE_WORD, 0, false), .words = query_types},
	NAME("response_entity"),
	OBJECT("query"),
	END};
static const FieldRule enrollment_rules[] = {
	TRANSACTION_ID,
	{FIELD("enrolled_criteria", VALUE_OBJECT, 0, true), .inside = enrolled_criteria_rules},
	/* The database takes a "search" that has both for a search, so its form is judged here too. */
	ITEMS("search_request", false, search_item_rules),
	END,
};

const ActionRule message_action_rules[] = {
	[MESSAGE_SUBSCRIBE] = {{"subscribe"}, subscribe_rules, "subscribe_request", true, false, false},
	[MESSAGE_UNSUBSCRIBE] =
		{{"unsubscribe"}, unsubscribe_rules, "subscription_codes", true, true, false},
	[MESSAGE_ON_SUBSCRIBE] =
		{{"on-subscribe"}, on_subscribe_rules, "subscribe_response", false, false, false},
	[MESSAGE_ON_UNSUBSCRIBE] =
		{{"on-unsubscribe"}, on_unsubscribe_rules, "subscription_status", false, true, false},
	[MESSAGE_NOTIFY] = {{"notify"}, notify_rules, "notify_event", false, false, true},
	[MESSAGE_SEARCH] = {{"search"}, search_rules, "search_request", true, false, false},
	[MESSAGE_ON_SEARCH] = {{"on-search"}, on_search_rules, "search_response", false, false, true},
	[MESSAGE_TXN_STATUS] =
		{{"txn-status", "status", "txnstatus"}, txn_status_rules, NULL, true, false, false},
	[MESSAGE_TXN_ON_STATUS] =
		{{"txn-on-status", "on-status"}, txn_on_status_rules, NULL, false, false, true},
	[MESSAGE_ENROLLMENT] = {{"enrollementstatus", "enrollmentstatus", "enrolmentstatus",
							 "enrolment-status", "search"},
							enrollment_rules,
							NULL,
							true,
							false,
							false},
};
