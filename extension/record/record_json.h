/*
 * record_json.h
 *		Pieces of record JSON, pushed in order onto a state of the server's own.
 *
 * Knows the shapes of the standard where they are odd, nothing of SQL types.
 */
#ifndef CASESYNC_RECORD_JSON_H
#define CASESYNC_RECORD_JSON_H

#include "utils/jsonb.h"

/* A string value; the text must live as long as the value. */
extern void record_json_set_string(JsonbValue *value, const char *string);

extern void record_json_push_key(JsonbParseState **state, const char *key);
extern void record_json_push_list(JsonbParseState **state, JsonbValue *values, int count);

/* Every member of an object as an element {name: value}; scalars as text, nulls left out. */
extern void record_json_push_pairs(JsonbParseState **state, JsonbContainer *attributes);

/*
 * Key and value of additional_attributes: what was given (an object, a list, or NULL) and, unless
 * NULL, the enrolment status, for which a member has no attribute.
 */
extern void record_json_push_attributes(JsonbParseState **state, JsonbValue *attributes,
										JsonbValue *status);

/*
 * Key and value of the member or group of a beneficiary (NULL: a new member), with the identifiers
 * given to the beneficiary itself, which has no attribute for them.
 */
extern void record_json_push_subject(JsonbParseState **state, JsonbValue *subject, const char *key,
									 JsonbValue *identifiers, int count);

#endif /* CASESYNC_RECORD_JSON_H */
