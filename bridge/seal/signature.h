/*
 * signature.h
 *		Bytes and key into the standard's signature text, and back (pure but for the crypto
 *		library). Knows nothing of partners, HTTP or the database.
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "key/signing_key.h"

#define SIGNATURE_VALID_SECONDS 300
#define SIGNATURE_MAX_SECONDS 600
#define SIGNATURE_SKEW_SECONDS 60
#define SIGNATURE_KID_SIZE 128

/*
 * Append the text of the signature member. content is {"header":...,"message":...} in canonical
 * form. On false (fail closed) nothing may be sent; text then holds nothing new.
 */
extern bool signature_create(const SigningKey *key, const char *sender_id, const Buffer *content,
							 int64_t now_ms, Buffer *text, Failure *failure);

/*
 * Verify a received message. envelope: the parsed body (signature and header.sender_id are taken
 * from it); body: the bytes as received; keys: casesync_internal.authenticate()'s keys, a list of
 * {"kid":...,"jwk":{...}}. On true kid names the key that verified, and canonical (NULL, or the
 * caller frees it) holds the message in the form that is signed when only that is and the body has
 * other digits, which anybody could have written. *is_python (or NULL): what is signed is what
 * Python writes, see canonical_json_python(). A JWS is verified as jws.h says. On false
 * failure->kind is FAILURE_SIGNATURE_MISSING,
 * FAILURE_SIGNATURE_INVALID, or FAILURE_MEMORY / FAILURE_SYSTEM (ours: answer
 * err.service.unavailable). The text is fit for the partner.
 */
extern bool signature_verify(const json_t *envelope, const char *body, size_t length,
							 const json_t *keys, int64_t now_ms, char kid[SIGNATURE_KID_SIZE],
							 Buffer *canonical, bool *is_python, Failure *failure);

/*
 * No signature to speak of: absent, null, empty or a marker beginning with "unsigned". Such a
 * message passes only for partners registered as unsigned_accepted; anything else is verified.
 */
extern bool signature_is_absent(const json_t *envelope);

/* A text that other systems send where they do not sign; counts for the same partners only. */
extern bool signature_is_marker(const json_t *envelope);

/* "err.signature.missing", "err.signature.invalid" or "err.service.unavailable". */
extern const char *signature_error_code(const Failure *failure);

#endif /* SIGNATURE_H */
