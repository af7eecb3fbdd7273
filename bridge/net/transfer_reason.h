/*
 * transfer_reason.h
 *		Why a request of ours failed, in words for whoever has to mend it. Knows nothing of what was
 *		sent, and repeats nothing that the other side said.
 */
#ifndef TRANSFER_REASON_H
#define TRANSFER_REASON_H

#include <curl/curl.h>

/* A constant text, or strerror()'s; good until the next call of that. */
extern const char *transfer_reason(CURL *curl, CURLcode code);

#endif
