/*
 * json_number.h
 *		May a number, as it is written, be taken: does every reader see the same one? Pure.
 */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <stddef.h>

#define JSON_NUMBER_DIGITS 17  /* as many as a double ever needs */
#define JSON_NUMBER_LENGTH 400 /* characters; no double is longer, written without an exponent */

typedef enum JsonNumberFault
{
	JSON_NUMBER_FINE,
	JSON_NUMBER_LARGE,	/* beyond 2^53-1 */
	JSON_NUMBER_SMALL,	/* not zero, but to a double next to nothing */
	JSON_NUMBER_PRECISE /* of more digits than a double keeps */
} JsonNumberFault;

/*
 * text holds length characters of a number and need not end there. *plain: how many characters it
 * has at most when it is written without an exponent, as databases do; set when it is fine.
 */
extern JsonNumberFault json_number_judge(const char *text, size_t length, size_t *plain);

#endif /* JSON_NUMBER_H */
