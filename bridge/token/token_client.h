/*
 * token_client.h
 *		Gets the bearer tokens that partners want from us, and keeps each until shortly before it
 *		ends. Knows nothing of messages and lanes.
 */
#ifndef TOKEN_CLIENT_H
#define TOKEN_CLIENT_H

#include "config/config.h"
#include "net/sender.h"

typedef struct TokenClient TokenClient;

/*
 * How a partner wants us to get a token; networks must stay. Without url and client_id the secret
 * is the token itself, which the partner gave us and which does not end.
 */
typedef struct TokenWish
{
	const char *url;
	const char *client_id;
	const char *secret_name;
	const AddressList *networks;
	const SenderIdentity *identity;
} TokenWish;

/* authorization is the header's value, NULL with a failure when there is no token. */
typedef void (*TokenDone)(void *context, const char *authorization, const Failure *failure);

/* NULL when out of memory. config is read anew at each use. */
extern TokenClient *token_client_new(const Config *const *config, Sender *sender);
extern void token_client_free(TokenClient *client); /* after the sender; fetches are dropped */

/* A token that we have; NULL: it has to be fetched. Lives until the next call for this client. */
extern const char *token_client_find(TokenClient *client, const TokenWish *wish);

/* Is the secret the token itself? */
extern bool token_client_is_given(const TokenWish *wish);

/*
 * The header's value for such a token, read anew from its file at each use. NULL (FAILURE_KEY) when
 * there is none, or it cannot stand in a header. Lives until the next call for this client.
 */
extern const char *token_client_read(TokenClient *client, const TokenWish *wish, Failure *failure);

/* On true, done is called exactly once, never before this returns. */
extern bool token_client_fetch(TokenClient *client, const TokenWish *wish, TokenDone done,
							   void *context, Failure *failure);

/* The partner does not take it any more. */
extern void token_client_drop(TokenClient *client, const TokenWish *wish);

#endif /* TOKEN_CLIENT_H */
