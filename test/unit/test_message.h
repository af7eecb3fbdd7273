/*
 * test_message.h
 *		A good message of each kind, and what a check says when one thing in it is changed.
 */
#ifndef TEST_MESSAGE_H
#define TEST_MESSAGE_H

#include "message/message_check.h"
#include "tap.h"

#define TEST_RECEIVER "sp.example.org"

/* Texts of so many characters, for the longest that is taken. */
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64

/* Good messages by action; the smallest that pass and say everything that is checked. */
extern const char *const test_messages[];

typedef struct MessageChange
{
	MessageAction action;
	const char *name;
	const char *from;		/* this part of the good message ... */
	const char *to;			/* ... becomes this */
	const char *error_code; /* NULL: still passes */
	const char *text;
} MessageChange;

/* text with the first from replaced; the caller frees. Ends the program if there is none. */
extern char *test_message_change(const char *text, const char *from, const char *to);

/* A body as the bridge judges it. receiver_id NULL: any. */
extern bool test_message_passes(const char *body, MessageAction action, const char *receiver_id,
								MessageProblem *problem);

/* Make each change, check the message and hold what is said of it against the change. */
extern void test_message_changes(Tap *tap, const MessageChange *changes, size_t count);

#endif /* TEST_MESSAGE_H */
