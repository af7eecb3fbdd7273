/*
 * signed_content.c
 *		The bytes that are signed, from the body or from what was read of it.
 */
#include "seal/signed_content.h"

#include "message/canonical_json.h"
#include "message/json_span.h"

bool
signed_content_raw(const char *body, size_t length, Buffer *content)
{
	static const char *const names[] = {"header", "message"};
	JsonSpan spans[2];

	buffer_clear(content);
	return json_span_find(body, length, names, 2, spans) &&
		   buffer_append_text(content, "{\"header\":") &&
		   buffer_append(content, spans[0].start, spans[0].length) &&
		   buffer_append_text(content, ",\"message\":") &&
		   buffer_append(content, spans[1].start, spans[1].length) &&
		   buffer_append_char(content, '}');
}

bool
signed_content_write(const json_t *envelope, SignedContentWriter write, Buffer *content)
{
	const json_t *header = json_object_get(envelope, "header");
	const json_t *message = json_object_get(envelope, "message");

	buffer_clear(content);
	return header != NULL && message != NULL && buffer_append_text(content, "{\"header\":") &&
		   write(header, content, NULL) && buffer_append_text(content, ",\"message\":") &&
		   write(message, content, NULL) && buffer_append_char(content, '}');
}

bool
signed_content_finish(const json_t *envelope, Buffer *content, Failure *failure)
{
	buffer_cut(content, content->length - 1);
	if (buffer_append_text(content, ",\"signature\":") &&
		canonical_json(json_object_get(envelope, "signature"), content, NULL) &&
		buffer_append_char(content, '}'))
		return true;
	failure_set(failure, FAILURE_MEMORY, "out of memory");
	return false;
}
