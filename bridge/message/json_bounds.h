/*
 * json_bounds.h
 *		How much JSON text would make of itself, before anything is built of it: how deep, how many
 *		values, and numbers that not every reader takes for the same. Pure.
 */
#ifndef JSON_BOUNDS_H
#define JSON_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_BOUNDS_DEPTH 32
#define JSON_BOUNDS_MEMBERS 1000			/* of one object, and items of one list */
#define JSON_BOUNDS_VALUES 500000			/* all together */
#define JSON_BOUNDS_PLAIN (4 * 1024 * 1024) /* characters of all numbers without exponents */

/*
 * False, with what to change and where (names of members, never a value), when the text goes
 * beyond a bound. Text that is no JSON may pass: this is a walk along its tokens, not a check.
 */
extern bool json_bounds_check(const char *text, size_t length, char *reason, size_t size);

#endif /* JSON_BOUNDS_H */
