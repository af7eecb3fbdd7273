/*
 * envelope.h
 *		A row of casesync_internal.take() into the signed bytes of a DCI message (pure). Does not
 *		know what the message says or where it goes.
 */
#ifndef ENVELOPE_H
#define ENVELOPE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "key/key_ring.h"

/* Fields of casesync_internal.take(); texts are borrowed. */
typedef struct EnvelopeFields
{
	const char *message_id;
	const char *action;
	const char *sender_id;
	const char *receiver_id;
	const char *sender_uri; /* NULL = not sent */
	const char *status;
	int total_count;
	int completed_count;
	const char *message; /* text of a JSON object */
	const char *meta; /* text of a JSON object, NULL = not sent; hidden with an encrypted message */
	const char *encrypt; /* JWK of the partner's encryption key, NULL = message is sent as it is */
	const char *status_reason_code; /* NULL = not sent, likewise the message */
	const char *status_reason_message;
	/*
	 * In which of its bytes the message differs from the standard's, words with blanks between, or
	 * NULL: digest=python (canonical_json_ascii()), header=full (members without a value are null,
	 * the time has no fraction or one of six digits, and only answers have a status),
	 * signature=jws_detached or jws_compact (jws_make.h), of which kid=none names no key, and
	 * algorithm=rs256 is by our RSA key.
	 */
	const char *forms;
} EnvelopeFields;

/*
 * Append {"header":...,"message":...,"signature":"..."} to body, in canonical form throughout.
 * On false body is as it was: nothing unsigned can leave. FAILURE_INPUT and FAILURE_LIMIT mean
 * that this message can never be built (TRANSFER_NOT_BUILT; so when forms has a word that is not
 * known), other kinds that we cannot now (TRANSFER_NOT_SIGNED): neither unsigned, nor in another
 * form, nor, when encrypt is given, unencrypted. So when keys is NULL; FAILURE_NO_RSA_KEY when
 * they have none and the form asks for it (TRANSFER_NO_RSA_KEY).
 */
extern bool envelope_build(const EnvelopeFields *fields, int64_t now_ms, const KeyRing *keys,
						   Buffer *body, Failure *failure);

#endif /* ENVELOPE_H */
