/*
 * http_framing.h
 *		Are the headers of a request such that everybody reads the same request from them? (pure)
 *		Knows nothing of sockets or routes.
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct HttpFraming
{
	int headers;
	int lengths;   /* Content-Length */
	int encodings; /* Transfer-Encoding */
	int repeated;  /* others that may be there only once, and are there again */
	unsigned int seen;
	bool is_chunked;
	bool has_bad_byte;
} HttpFraming;

/* Takes one header into account; framing begins as zeroes. */
extern void http_framing_add(HttpFraming *framing, const char *name, size_t name_length,
							 const char *value, size_t value_length);

/* 0, or the status of the refusal: 400 or, for too many or too much of them, 431. */
extern int http_framing_judge(const HttpFraming *framing, size_t header_bytes);

#endif
