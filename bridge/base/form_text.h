/*
 * form_text.h
 *		Bodies of application/x-www-form-urlencoded, as OAuth 2 uses them, written and read. Pure.
 */
#ifndef FORM_TEXT_H
#define FORM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Append name=value, with & before it unless it is the first. False when it does not fit. */
extern bool form_text_append(Buffer *body, const char *name, const char *value);

typedef enum FormFound
{
	FORM_ABSENT,
	FORM_FOUND,
	FORM_BAD /* twice, not decodable, not UTF-8, control characters, or longer than size allows */
} FormFound;

/* The decoded value of the field called name; "" unless it was found. */
extern FormFound form_text_find(const char *body, size_t length, const char *name, char *value,
								size_t size);

/* Decode one value; false when it is bad (see FORM_BAD). */
extern bool form_text_decode(const char *text, size_t length, char *value, size_t size);

#endif /* FORM_TEXT_H */
