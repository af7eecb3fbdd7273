/*
 * jws_make.h
 *		The text of the signature member as a JSON Web Signature (RFC 7515), for partners whose
 *		profile asks for one: compact, or detached (its appendix F). Knows nothing of messages.
 */
#ifndef JWS_MAKE_H
#define JWS_MAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "key/signing_key.h"

/* So many characters are enough for one over so many bytes of content. */
#define JWS_ROOM(length) ((length) / 3 * 4 + 4096)

typedef struct JwsForm
{
	bool is_compact; /* it holds what is signed, else only says that it was */
	bool has_kid;
} JwsForm;

/*
 * Append the signature of content, by the algorithm that the kind of the key has. On false (fail
 * closed) nothing may be sent; text then holds nothing new.
 */
extern bool jws_create(const SigningKey *key, const JwsForm *form, const Buffer *content,
					   Buffer *text, Failure *failure);

#endif /* JWS_MAKE_H */
