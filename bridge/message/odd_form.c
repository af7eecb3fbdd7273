/*
 * odd_form.c
 *		The table. Its rows stand in doc/standard.md word for word; what takes them is in
 *		message_mend.c and query_mend.c. A form has a row here only when it can mean one thing, and
 *		nothing that was agreed or signed becomes something else by it.
 */
#include "message/odd_form.h"

#include <stdio.h>

const OddFormRow odd_forms[ODD_FORMS] = {
	/* the header, and what all messages share */
	[ODD_TOTAL_COUNT] = {"total_count", false,
						 "`total_count` is missing or not the number of items",
						 "the number of items that came"},
	[ODD_EMPTY] = {"empty", false, "`\"\"`, `[]` or `{}` for an optional member that cannot be it",
				   "left out"},
	[ODD_EMPTY_ID] = {"empty_id", false,
					  "`\"\"` for `transaction_id`, `correlation_id` or `reference_id`",
					  "the `message_id`, of an item with its number behind it"},
	[ODD_EMPTY_TIME] = {"empty_time", false, "`\"\"` for the `timestamp` of an item",
						"the `message_ts`"},
	[ODD_REFERENCE_MISSING] = {"reference_missing", false,
							   "a `txnstatus_request` without `reference_id`", "the `message_id`"},
	[ODD_CORRELATION_MISSING] = {"correlation_missing", false, "an answer without `correlation_id`",
								 "the `message_id`"},
	[ODD_SIDES] = {"sides", false,
				   "an answer with the `sender_id` and `receiver_id` of its question, or with none",
				   "those of an answer, if whoever brings it is whom the question was for"},
	[ODD_TYPE_OBJECT] = {"type_object", false,
						 "a type as an object: `{\"namespace\": \"…\", \"value\": \"person\"}`",
						 "its `value`"},
	[ODD_NOTHING_FOUND] = {"nothing_found", false, "`search_response: []` in an answer",
						   "nothing was found, for all that was asked in this transaction"},
	[ODD_NUMBER_AS_TEXT] = {"number_as_text", false, "a whole number as text: `\"10\"`",
							"the number"},
	[ODD_FLAG_AS_TEXT] = {"flag_as_text", false,
						  "`is_msg_encrypted` as text, empty or null: `\"false\"`",
						  "true or false; empty and null: left out"},
	[ODD_WORD] = {"word", false, "a word in other letters or with `_`: `ASC`, `idtype_value`",
				  "the word"},
	[ODD_ACTION] = {"action", false,
					"`action` of the other direction, in another spelling, or `verify` of a search",
					"what the path says, if the message is one for it"},
	[ODD_LOCALE_REGION] = {"locale_region", false, "a locale with a region: `en-GB`, `EN/GB`",
						   "the language: `eng`"},
	[ODD_LOCALE_LETTERS] = {"locale_letters", true,
							"a locale of two letters or capitals: `en`, `ENG`",
							"the language: `eng`"},
	[ODD_TIME_WITHOUT_ZONE] = {"time_without_zone", true, "a time without zone", "UTC"},
	[ODD_ONE_FOR_LIST] = {"one_for_list", false, "one item where a list of them belongs",
						  "a list of this one"},
	[ODD_LIST_OF_ONE] = {"list_of_one", false, "a list of one item where the item belongs",
						 "this one"},
	/* requests about subscriptions and transactions */
	[ODD_SUBSCRIPTION_CODE] =
		{"subscription_code", false,
		 "`subscription_code`, one or a list, instead of `subscription_codes`; in an answer "
		 "instead of `subscriptions`",
		 "these"},
	[ODD_TXN_TYPE] = {"txn_type", false, "a `txnstatus_request` without `txn_type`",
					  "whatever kind of request there is of that id"},
	[ODD_FREQUENCY_WORD] = {"frequency_word", false,
							"`frequency` as a word: `hourly`, `daily`, `weekly`, `monthly`",
							"each full hour; at midnight: each day, on Mondays, on the first"},
	[ODD_REAL_TIME] = {"real_time", false, "`frequency` as `real-time` or `immediate`",
					   "no frequency: at once"},
	/* notifications */
	[ODD_NOTIFY_REQUEST] = {"notify_request", false,
							"`notify_request` and `reg_record` instead of `notify_event` and "
							"`reg_records`",
							"these"},
	[ODD_EVENT_DATA] =
		{"event_data", false, "an event of `event_id`, `event_ts`, `event_type` and `event_data`",
		 "`reference_id`, `timestamp`, `reg_event_type` and `reg_records`; the record "
		 "type is the `@type` of the first record"},
	[ODD_NOTIFICATION_ID] = {"notification_id", false,
							 "`notification_id` instead of a notification's `transaction_id`",
							 "`transaction_id`"},
	/* filters and queries */
	[ODD_ID_TYPE] = {"id_type", false,
					 "an identifier as `{\"id_type\", \"id_value\"}`, `{\"identifier_type\", "
					 "\"identifier_value\"}`, `{\"UIN\": \"…\"}`, or in a `value`",
					 "`{\"type\", \"value\"}`"},
	[ODD_STAR] = {"star", false, "`{\"type\": \"*\", \"value\": \"*\"}`",
				  "`{}`: all that the agreement allows"},
	[ODD_EMPTY_AND] = {"empty_and", false, "`{\"$and\": []}`",
					   "`{}`: all that the agreement allows"},
	[ODD_PREDICATE_LIST] = {"predicate_list", false,
							"a list of predicates called `expression`, or in a `value`",
							"a list of predicates"},
	[ODD_THREE_EXPRESSIONS] = {"three_expressions", false,
							   "one predicate with `expression3` and more, joined by `and` or `or`",
							   "all of them, or any of them"},
	/* around the message */
	[ODD_SIGNATURE_MARKER] =
		{"signature_marker", false,
		 "from partners that need not sign: `mock-signature`, `NO_SIG_CHECK`, "
		 "`signature_validation_disabled`, `Signature not implemented`, and the "
		 "signature of the standard's examples",
		 "not signed"},
	[ODD_DIGEST_PYTHON] = {"digest_python", false,
						   "a signature over what Python's `json.dumps` writes: everything but "
						   "ASCII escaped, `1.0` with its point",
						   "one over the form of RFC 8785"},
	[ODD_SIGNATURE_JWS] = {"signature_jws", false,
						   "a JSON Web Signature, detached or compact, by EdDSA or RS256",
						   "a signature that is as old as `message_ts`"},
	[ODD_CALLBACK_PATH] = {"callback_path", false,
						   "an answer or a notification at the path of another one",
						   "what its `action` says, if the token is good for that"},
	[ODD_BOM] = {"bom", false, "a byte order mark before the body", "nothing"},
	[ODD_TRAILING_SLASH] = {"trailing_slash", false, "a path with a slash at its end",
							"the path without it"},
	[ODD_CONTENT_TYPE] = {"content_type", true, "no content type, or `text/plain`",
						  "`application/json`"},
};

bool
odd_form_note(OddForms *found, OddForm form, const char *path, const char *name)
{
	if (odd_forms[form].is_for_lenient && !found->is_lenient)
		return false;
	found->is_any = true;
	found->is_inside = found->is_inside || form < ODD_SIGNATURE_MARKER;
	if (found->places[form][0] == '\0')
		snprintf(found->places[form], ODD_PLACE_SIZE, "%s%s%s", path, *name != '\0' ? "." : "",
				 name);
	return true;
}

bool
odd_forms_write(const OddForms *found, Buffer *text)
{
	const char *before = "{";
	bool ok = true;

	/* codes and places are of letters that need no escape */
	for (int i = 0; i < ODD_FORMS; i++)
	{
		if (found->places[i][0] == '\0')
			continue;
		ok = ok &&
			 buffer_printf(text, "%s\"%s\":\"%s\"", before, odd_forms[i].code, found->places[i]);
		before = ",";
	}
	return ok && buffer_append_char(text, '}');
}
