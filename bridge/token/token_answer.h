/*
 * token_answer.h
 *		What a partner's token endpoint answered (RFC 6749, and the standard's variants of it).
 *		Pure.
 */
#ifndef TOKEN_ANSWER_H
#define TOKEN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

#define TOKEN_ANSWER_MAX 8000

typedef struct TokenAnswer
{
	char authorization[TOKEN_ANSWER_MAX + 8]; /* "Bearer " and the token */
	int64_t lifetime_seconds;				  /* at most a day; 0 = good for this once */
} TokenAnswer;

/* False (FAILURE_INPUT, a text without anything of the answer) when there is no usable token. */
extern bool token_answer_read(int http_status, const char *body, size_t length, TokenAnswer *answer,
							  Failure *failure);

#endif /* TOKEN_ANSWER_H */
