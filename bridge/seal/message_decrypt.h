/*
 * message_decrypt.h
 *		Is a received message encrypted, may it be, must it be, and what does it say then? Knows
 *		the envelope's flag and shape; the rule comes from casesync_internal.authenticate().
 */
#ifndef MESSAGE_DECRYPT_H
#define MESSAGE_DECRYPT_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "key/key_ring.h"

/*
 * envelope: a parsed body whose signature has been judged. rule: 'off', 'accepted' or 'required'.
 * On true plain holds the decrypted message object (UTF-8 bytes that claim to be JSON: parse them
 * with message_parse), and is empty when the message is not encrypted. On false: FAILURE_ENCRYPTION
 * (err.encryption.invalid, the text is fit for the partner) or a kind that is our own fault
 * (err.service.unavailable). Flag and shape must agree. keys may be NULL: then nothing opens.
 */
extern bool message_decrypt(const json_t *envelope, const char *rule, const KeyRing *keys,
							Buffer *plain, Failure *failure);

#endif /* MESSAGE_DECRYPT_H */
