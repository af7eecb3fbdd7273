/*
 * token_client.c
 *		Client credentials (RFC 6749, 4.4). A secret is in memory only while its request is made and
 *		sent; tokens stay, in a list as long as there are partners.
 */
#include "token/token_client.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "base/form_text.h"
#include "base/secret_file.h"
#include "token/token_answer.h"

#define BODY_LIMIT (8 * 1024)
#define TOKENS_MAX 4096
#define EARLY_SECONDS 60
#define TIMESTAMP_SIZE 40

typedef struct Token
{
	LIST_ENTRY(Token) entry;
	char *name; /* of the wish */
	char *authorization;
	int64_t until; /* by event_loop_now */
} Token;

typedef struct TokenFetch
{
	LIST_ENTRY(TokenFetch) entry;
	TokenClient *client;
	char *name;
	Buffer body;
	TokenDone done;
	void *context;
} TokenFetch;

typedef LIST_HEAD(TokenList, Token) TokenList;
typedef LIST_HEAD(TokenFetchList, TokenFetch) TokenFetchList;

struct TokenClient
{
	const Config *const *config;
	Sender *sender;
	TokenList tokens;
	int token_count;
	TokenFetchList fetches; /* on their way */
	char given[SECRET_MAX + sizeof("Bearer ")];
};

TokenClient *
token_client_new(const Config *const *config, Sender *sender)
{
	TokenClient *client = calloc(1, sizeof(TokenClient));

	if (client == NULL)
		return NULL;
	client->config = config;
	client->sender = sender;
	return client;
}

static void
token_free(Token *token)
{
	if (token->authorization != NULL)
		OPENSSL_cleanse(token->authorization, strlen(token->authorization));
	free(token->authorization);
	free(token->name);
	free(token);
}

/* Also empties the body, which has the secret in it. */
static void
fetch_free(TokenFetch *fetch)
{
	LIST_REMOVE(fetch, entry);
	if (fetch->body.data != NULL && fetch->body.allocated > 0)
		OPENSSL_cleanse(fetch->body.data, fetch->body.allocated);
	buffer_free(&fetch->body);
	free(fetch->name);
	free(fetch);
}

static void
token_remove(TokenClient *client, Token *token)
{
	if (token == NULL)
		return;
	LIST_REMOVE(token, entry);
	client->token_count--;
	token_free(token);
}

void
token_client_free(TokenClient *client)
{
	TokenFetch *next_fetch;
	Token *next_token;

	if (client == NULL)
		return;
	for (TokenFetch *fetch = LIST_FIRST(&client->fetches); fetch != NULL; fetch = next_fetch)
	{
		next_fetch = LIST_NEXT(fetch, entry);
		fetch_free(fetch);
	}
	for (Token *token = LIST_FIRST(&client->tokens); token != NULL; token = next_token)
	{
		next_token = LIST_NEXT(token, entry);
		token_remove(client, token);
	}
	OPENSSL_cleanse(client->given, sizeof(client->given));
	free(client);
}

/* What tells one token from another; none of the three can contain a line feed. NULL: no memory. */
static char *
wish_name(const TokenWish *wish)
{
	Buffer name;

	buffer_init(&name, BODY_LIMIT);
	(void) buffer_printf(&name, "%s\n%s\n%s", wish->url, wish->client_id, wish->secret_name);
	return buffer_take(&name, NULL);
}

static Token *
token_find(const TokenClient *client, const char *name)
{
	Token *token;

	LIST_FOREACH (token, &client->tokens, entry)
		if (strcmp(token->name, name) == 0)
			return token;
	return NULL;
}

const char *
token_client_find(TokenClient *client, const TokenWish *wish)
{
	char *name = wish_name(wish);
	Token *token = name != NULL ? token_find(client, name) : NULL;

	free(name);
	if (token == NULL || token->until > event_loop_now())
		return token != NULL ? token->authorization : NULL;
	token_remove(client, token);
	return NULL;
}

bool
token_client_is_given(const TokenWish *wish)
{
	return wish->url == NULL && wish->client_id == NULL && wish->secret_name != NULL;
}

static bool
token_is_plain(const char *token)
{
	while (*token > ' ' && *token < 0x7f)
		token++;
	return *token == '\0';
}

const char *
token_client_read(TokenClient *client, const TokenWish *wish, Failure *failure)
{
	char secret[SECRET_MAX];
	bool ok =
		secret_file_read((*client->config)->secrets_directory, wish->secret_name, secret, failure);

	if (ok && !token_is_plain(secret))
	{
		failure_set(failure, FAILURE_KEY,
					"the token in secret \"%s\" has blanks, or what is no printable ASCII",
					wish->secret_name);
		ok = false;
	}
	if (ok)
		snprintf(client->given, sizeof(client->given), "Bearer %s", secret);
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok ? client->given : NULL;
}

void
token_client_drop(TokenClient *client, const TokenWish *wish)
{
	char *name = wish_name(wish);

	if (name != NULL)
		token_remove(client, token_find(client, name));
	free(name);
}

/* Ends before the token does: a message that is on its way then still has to arrive. */
static void
token_keep(TokenClient *client, const char *name, const TokenAnswer *answer)
{
	int64_t lifetime = answer->lifetime_seconds;
	int64_t early = lifetime / 10 < EARLY_SECONDS ? lifetime / 10 : EARLY_SECONDS;
	Token *token = calloc(1, sizeof(Token));

	token_remove(client, token_find(client, name));
	/* A token that would be over at once, or one too many, is used this time and not kept. */
	if (token == NULL || lifetime <= early || client->token_count >= TOKENS_MAX)
	{
		free(token);
		return;
	}
	token->name = strdup(name);
	token->authorization = strdup(answer->authorization);
	token->until = event_loop_now() + (lifetime - early) * 1000;
	if (token->name == NULL || token->authorization == NULL)
	{
		token_free(token);
		return;
	}
	LIST_INSERT_HEAD(&client->tokens, token, entry);
	client->token_count++;
}

static void
token_answered(void *context, const SenderAnswer *sent)
{
	TokenFetch *fetch = context;
	TokenAnswer answer;
	Failure failure = {0};
	bool ok = false;

	if (sent->result != SENDER_ANSWERED)
		failure_set(&failure, FAILURE_NETWORK, "token endpoint: %s", sent->reason);
	else
		ok = token_answer_read(sent->http_status, sent->body, sent->length, &answer, &failure);
	if (ok)
		token_keep(fetch->client, fetch->name, &answer);
	/* kept or not, whoever waits for it gets it */
	fetch->done(fetch->context, ok ? answer.authorization : NULL, &failure);
	OPENSSL_cleanse(&answer, sizeof(answer));
	fetch_free(fetch);
}

static bool
body_build(TokenFetch *fetch, const TokenWish *wish, Failure *failure)
{
	char secret[SECRET_MAX];
	bool ok = secret_file_read((*fetch->client->config)->secrets_directory, wish->secret_name,
							   secret, failure);

	if (ok && !(form_text_append(&fetch->body, "grant_type", "client_credentials") &&
				form_text_append(&fetch->body, "client_id", wish->client_id) &&
				form_text_append(&fetch->body, "client_secret", secret)))
	{
		failure_set(failure, FAILURE_LIMIT, "client_id or secret is too long");
		ok = false;
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

static TokenFetch *
fetch_new(TokenClient *client, const TokenWish *wish, Failure *failure)
{
	TokenFetch *fetch = calloc(1, sizeof(TokenFetch));

	if (fetch == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return NULL;
	}
	fetch->client = client;
	LIST_INSERT_HEAD(&client->fetches, fetch, entry);
	buffer_init(&fetch->body, BODY_LIMIT);
	fetch->name = wish_name(wish);
	if (fetch->name != NULL && body_build(fetch, wish, failure))
		return fetch;
	if (fetch->name == NULL)
		failure_set(failure, FAILURE_MEMORY, "out of memory");
	fetch_free(fetch);
	return NULL;
}

/* The standard's token endpoint asks for the time as an HTTP date. */
static void
timestamp_format(char timestamp[TIMESTAMP_SIZE])
{
	time_t now = time(NULL);
	struct tm parts;

	timestamp[0] = '\0';
	if (gmtime_r(&now, &parts) != NULL)
		(void) strftime(timestamp, TIMESTAMP_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

bool
token_client_fetch(TokenClient *client, const TokenWish *wish, TokenDone done, void *context,
				   Failure *failure)
{
	TokenFetch *fetch = fetch_new(client, wish, failure);
	char timestamp[TIMESTAMP_SIZE];
	SenderRequest request = {.url = wish->url,
							 .content_type = "application/x-www-form-urlencoded",
							 .timestamp = timestamp,
							 .networks = wish->networks,
							 .identity = wish->identity};

	if (fetch == NULL)
		return false;
	timestamp_format(timestamp);
	fetch->done = done;
	fetch->context = context;
	request.body = fetch->body.data;
	request.length = fetch->body.length;
	if (sender_post(client->sender, &request, token_answered, fetch, failure))
		return true;
	fetch_free(fetch);
	return false;
}
