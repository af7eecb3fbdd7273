/*
 * odd_form.h
 *		The table of forms that the standard does not have and other systems send: what each means,
 *		and from whom it is taken. Pure; knows no message.
 */
#ifndef ODD_FORM_H
#define ODD_FORM_H

#include <stdbool.h>

#include "base/buffer.h"

typedef enum OddForm
{
	ODD_TOTAL_COUNT,
	ODD_EMPTY,
	ODD_EMPTY_ID,
	ODD_EMPTY_TIME,
	ODD_REFERENCE_MISSING,
	ODD_CORRELATION_MISSING,
	ODD_SIDES,
	ODD_TYPE_OBJECT,
	ODD_NOTHING_FOUND,
	ODD_NUMBER_AS_TEXT,
	ODD_FLAG_AS_TEXT,
	ODD_WORD,
	ODD_ACTION,
	ODD_LOCALE_REGION,
	ODD_LOCALE_LETTERS,
	ODD_TIME_WITHOUT_ZONE,
	ODD_ONE_FOR_LIST,
	ODD_LIST_OF_ONE,
	ODD_SUBSCRIPTION_CODE,
	ODD_TXN_TYPE,
	ODD_FREQUENCY_WORD,
	ODD_REAL_TIME,
	ODD_NOTIFY_REQUEST,
	ODD_EVENT_DATA,
	ODD_NOTIFICATION_ID,
	ODD_ID_TYPE,
	ODD_STAR,
	ODD_EMPTY_AND,
	ODD_PREDICATE_LIST,
	ODD_THREE_EXPRESSIONS,
	ODD_SIGNATURE_MARKER,
	ODD_DIGEST_PYTHON,
	ODD_SIGNATURE_JWS,
	ODD_CALLBACK_PATH,
	ODD_BOM,
	ODD_TRAILING_SLASH,
	ODD_CONTENT_TYPE
} OddForm;

#define ODD_FORMS (ODD_CONTENT_TYPE + 1)
#define ODD_PLACE_SIZE 96

typedef struct OddFormRow
{
	const char *code;	 /* what the database counts it by */
	bool is_for_lenient; /* taken only from partners of whom it was said */
	const char *form;
	const char *meaning;
} OddFormRow;

extern const OddFormRow odd_forms[ODD_FORMS];

/* What was found in one message: of each form where it stands first, "" when nowhere. */
typedef struct OddForms
{
	bool is_lenient; /* given: are the forms for lenient partners taken? */
	bool is_any;
	bool is_inside; /* in header or message, which have to be written anew */
	char places[ODD_FORMS][ODD_PLACE_SIZE];
} OddForms;

/*
 * May it be taken? Then its place is noted: names of members and numbers of items, never content.
 * name "" when path says it all.
 */
extern bool odd_form_note(OddForms *found, OddForm form, const char *path, const char *name);

/* {"code": "place", ...} of what was found. False when out of memory. */
extern bool odd_forms_write(const OddForms *found, Buffer *text);

#endif
