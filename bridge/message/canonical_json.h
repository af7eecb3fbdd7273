/*
 * canonical_json.h
 *		The one byte form of a JSON value that is signed: RFC 8785 (JCS). Pure.
 */
#ifndef CANONICAL_JSON_H
#define CANONICAL_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/failure.h"

#define CANONICAL_JSON_DEPTH 64
#define CANONICAL_JSON_NUMBER_SIZE 48

/*
 * Append value in RFC 8785 form. Fails with FAILURE_LIMIT (depth, ceiling of out) or
 * FAILURE_INPUT (text that is not UTF-8); out may then hold a part.
 */
extern bool canonical_json(const json_t *value, Buffer *out, Failure *failure);

/*
 * The same for what we send: also fails with FAILURE_INPUT when another language's ordinary JSON
 * writer would not reproduce the bytes (integers beyond 2^53-1, reals that would need an
 * exponent somewhere, keys beyond the basic multilingual plane). See doc/signing-and-encryption.md.
 */
extern bool canonical_json_portable(const json_t *value, Buffer *out, Failure *failure);

/*
 * What a partner of whom it was said signs (a rule of its profile): the portable form, in which all
 * but printable ASCII is escaped. A reader who writes it anew that way has the same bytes.
 */
extern bool canonical_json_ascii(const json_t *value, Buffer *out, Failure *failure);

/*
 * For verifying what such a partner signed: what Python's json.dumps(…, sort_keys=True,
 * separators=(",", ":")) makes of the value. Differs from RFC 8785 in escapes, in real numbers
 * (1.0, 1e-05) and in the order of member names beyond the basic multilingual plane.
 */
extern bool canonical_json_python(const json_t *value, Buffer *out, Failure *failure);

/* ECMAScript's Number::toString: shortest digits that read back as the same double. */
extern bool canonical_json_number(double number, char text[CANONICAL_JSON_NUMBER_SIZE]);

/*
 * Are all numbers of the JSON text written as they would be here? What else a text can write in
 * another way, blanks, order and escapes, means the same to every reader.
 */
extern bool canonical_json_has_numbers(const char *text, size_t length);

#endif /* CANONICAL_JSON_H */
