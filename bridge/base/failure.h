/*
 * failure.h
 *		Why a function of the bridge failed: a kind to decide by, a text to log once.
 *		Knows nothing of logging, HTTP or SQL; whoever ends the work does.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include <stdbool.h>

typedef enum FailureKind
{
	FAILURE_NONE = 0,
	FAILURE_MEMORY,			   /* out of memory */
	FAILURE_LIMIT,			   /* a ceiling of ours was reached: size, depth, number of items */
	FAILURE_CONFIG,			   /* a setting is wrong; nothing is started */
	FAILURE_INPUT,			   /* the bytes given are not what they should be */
	FAILURE_KEY,			   /* key file or key unusable: do not send */
	FAILURE_NO_RSA_KEY,		   /* a partner asks for one of ours: do not send */
	FAILURE_SIGNATURE_MISSING, /* err.signature.missing */
	FAILURE_SIGNATURE_INVALID, /* err.signature.invalid */
	FAILURE_ENCRYPTION,		   /* err.encryption.invalid */
	FAILURE_DATABASE,		   /* statement or connection */
	FAILURE_DISK_FULL,		   /* of the database: no statement is at fault */
	FAILURE_NETWORK,		   /* partner not reached */
	FAILURE_SYSTEM			   /* operating system or library call */
} FailureKind;

typedef struct Failure
{
	FailureKind kind;
	char text[512]; /* always terminated; cut when longer */
} Failure;

/* Fill failure; a NULL failure is allowed and ignored. Control characters become spaces. */
extern void failure_set(Failure *failure, FailureKind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Back to FAILURE_NONE with empty text. */
extern void failure_clear(Failure *failure);

#endif /* FAILURE_H */
