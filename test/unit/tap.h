/*
 * tap.h
 *		The Test Anything Protocol for the unit tests: one struct, a few checks. Run by prove.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>

typedef struct Tap
{
	int count;
	int failed;
} Tap;

/* One check; the name says what must hold. Returns passed. */
extern bool tap_ok(Tap *tap, bool passed, const char *name, ...)
	__attribute__((format(printf, 3, 4)));

/* Equal texts (NULL equals only NULL) or numbers; both are shown when they differ. */
extern bool tap_is(Tap *tap, const char *got, const char *expected, const char *name, ...)
	__attribute__((format(printf, 4, 5)));
extern bool tap_is_int(Tap *tap, long long got, long long expected, const char *name, ...)
	__attribute__((format(printf, 4, 5)));

/* The text contains the part. */
extern bool tap_has(Tap *tap, const char *text, const char *part, const char *name, ...)
	__attribute__((format(printf, 4, 5)));

/* Print the plan; the result is for main to return. */
extern int tap_done(const Tap *tap);

/* A small random generator with a seed, the same everywhere. */
extern unsigned int tap_random(unsigned long long *state);

/* One to a few random edits of bytes (length grows at most to capacity). */
extern void tap_mutate(unsigned long long *state, char *bytes, unsigned long *length,
					   unsigned long capacity);

#endif /* TAP_H */
