/*
 * token_request.h
 *		What a client asks our token endpoint for (RFC 6749, 2.3.1 and 4.4.2). Pure; knows no
 *		client.
 */
#ifndef TOKEN_REQUEST_H
#define TOKEN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct TokenRequest
{
	char client_id[256];
	char client_secret[1024];
	char scope[512]; /* as it is granted: registry.search, …; "" when none was asked for */
} TokenRequest;

typedef struct TokenProblem
{
	const char *error; /* RFC 6749, 5.2 */
	const char *text;
} TokenProblem;

/*
 * authorization: that header's value or NULL; a client may name itself there (Basic) or in the
 * form, not in both. The caller cleanses the request. False with a problem.
 */
extern bool token_request_read(const char *authorization, const char *form, size_t length,
							   TokenRequest *request, TokenProblem *problem);

#endif /* TOKEN_REQUEST_H */
