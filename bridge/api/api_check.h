/*
 * api_check.h
 *		What is asked of the bytes of a message alone, and may take time: run on a thread, so it
 *		touches nothing but its own struct. Knows nothing of requests, or of how a fault is told.
 */
#ifndef API_CHECK_H
#define API_CHECK_H

#include "base/buffer.h"
#include "key/key_ring.h"
#include "message/message_check.h"
#include "message/odd_form.h"
#include "seal/signature.h"

typedef enum ApiCheckResult
{
	API_CHECK_GOOD,
	API_CHECK_NOT_ITS_OWN, /* the signature: problem says why */
	API_CHECK_BAD,		   /* the message: likewise */
	API_CHECK_TROUBLE	   /* ours */
} ApiCheckResult;

typedef struct ApiCheck
{
	/* given; the texts live as long as the struct is used */
	const char *body;
	size_t length;
	MessageAction action;
	bool is_unsigned_accepted;
	char *keys; /* JSON, or NULL; ours to free */
	char encryption[16];
	char forms[160]; /* of what is answered, see EnvelopeFields; "" when it is the standard's */
	char receiver_id[256];
	char holder[256]; /* the partner that it comes from, by its token */
	const KeyRing *ring;

	/* found */
	bool is_read;			/* false: the body could not be read, and problem says why */
	bool is_probe;			/* see message_is_probe */
	char *sender_id;		/* NULL if it has none */
	json_t *envelope;		/* only while a thread is at it */
	char *message_id;		/* of a good message, whose envelope is gone; NULL if it has none */
	char *sender_uri;		/* likewise */
	MessageProblem problem; /* of the body */
	Buffer canonical;		/* what is signed, when the body may say something else; else empty */
	Buffer plain;			/* what an encrypted message says; empty when it is not encrypted */
	OddForms odd;			/* forms that the standard does not have; is_lenient is given */
	Buffer mended;			/* what it says in the standard's forms; empty when it does by itself */
	Buffer odd_text;		/* those forms as JSON; empty when there are none */
	char kid[SIGNATURE_KID_SIZE]; /* "" when it is not signed */
	ApiCheckResult result;
	bool is_to_note; /* it could not be let in: problem says so in our own words alone */
} ApiCheck;

extern void api_check_begin(ApiCheck *check, size_t max_plain);
extern void api_check_free(ApiCheck *check);

/*
 * Context is an ApiCheck: reads its body, to know who says to have sent it. What was read is not
 * kept: it is many times as large as the body, and as much as others let it may wait.
 */
extern void api_check_body(void *context);

/* The same: signature, encryption, form of the body, read once more. */
extern void api_check_message(void *context);

#endif
