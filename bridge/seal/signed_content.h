/*
 * signed_content.h
 *		What a signature of a message is over, {"header":...,"message":...}, in the forms that
 *		senders give it. Pure; knows no keys and no kinds of signatures.
 */
#ifndef SIGNED_CONTENT_H
#define SIGNED_CONTENT_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/failure.h"

typedef bool (*SignedContentWriter)(const json_t *value, Buffer *out, Failure *failure);

/* In the sender's own bytes; body is one that message_parse took. */
extern bool signed_content_raw(const char *body, size_t length, Buffer *content);

/* As write writes header and message of the envelope. What was in content is gone. */
extern bool signed_content_write(const json_t *envelope, SignedContentWriter write,
								 Buffer *content);

/* Content and the signature as one message, in content. */
extern bool signed_content_finish(const json_t *envelope, Buffer *content, Failure *failure);

#endif /* SIGNED_CONTENT_H */
