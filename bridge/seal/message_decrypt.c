/*
 * message_decrypt.c
 *		Flag, shape and rule of an encrypted message. Decrypting itself is jwe.c's.
 */
#include <string.h>

#include "seal/jwe.h"
#include "seal/message_decrypt.h"

static bool
decrypt_refuse(Failure *failure, const char *why)
{
	failure_set(failure, FAILURE_ENCRYPTION, "%s", why);
	return false;
}

/* Any member of an EncryptedMessage but "header" shows the shape; what is missing is said later. */
static bool
shape_is_encrypted(const json_t *message)
{
	return json_object_get(message, "ciphertext") != NULL ||
		   json_object_get(message, "encrypted_key") != NULL ||
		   json_object_get(message, "iv") != NULL || json_object_get(message, "tag") != NULL;
}

bool
message_decrypt(const json_t *envelope, const char *rule, const KeyRing *keys, Buffer *plain,
				Failure *failure)
{
	const json_t *flag = json_object_get(json_object_get(envelope, "header"), "is_msg_encrypted");
	const json_t *message = json_object_get(envelope, "message");
	bool is_encrypted = shape_is_encrypted(message);

	if (flag != NULL && !json_is_boolean(flag))
		return decrypt_refuse(failure, "header.is_msg_encrypted must be true or false");
	if (json_is_true(flag) && !is_encrypted)
		return decrypt_refuse(failure, "header.is_msg_encrypted is true, but message is no "
									   "encrypted one: header, encrypted_key, iv, ciphertext, tag");
	if (is_encrypted && !json_is_true(flag))
		return decrypt_refuse(failure, "message is encrypted, but header.is_msg_encrypted does not "
									   "say so");
	if (!is_encrypted && strcmp(rule, "required") == 0)
		return decrypt_refuse(failure, "message must be encrypted: for one of the \"enc\" keys in "
									   "our /.well-known/jwks.json");
	if (!is_encrypted)
		return true;
	if (strcmp(rule, "accepted") != 0 && strcmp(rule, "required") != 0)
		return decrypt_refuse(failure, "encryption is not agreed: send the message as it is");
	if (keys == NULL)
	{
		failure_set(failure, FAILURE_KEY, "our keys cannot be read at the moment");
		return false;
	}
	return jwe_decrypt(message, keys, plain, failure);
}
