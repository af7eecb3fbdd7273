/*
 * token_request.c
 *		Reads a request for a token. Tolerant where the standard contradicts itself: registry/search
 *		and registry.search are the same scope, and scopes of others are left out, not refused.
 */
#include "token/token_request.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/form_text.h"

#define BASIC_MAX 1280

static bool
refuse(TokenProblem *problem, const char *error, const char *text)
{
	problem->error = error;
	problem->text = text;
	return false;
}

/* client_id:client_secret, each form-encoded, in base64. */
static bool
basic_read(const char *text, TokenRequest *request)
{
	unsigned char bytes[BASIC_MAX];
	const unsigned char *colon;
	size_t digits;
	size_t length;
	bool ok;

	text += strspn(text, " ");
	digits = strcspn(text, "=");
	length = digits * 3 / 4;
	if (length == 0 || length > sizeof(bytes) || !base64_decode(text, strlen(text), bytes, length))
		return false;
	colon = memchr(bytes, ':', length);
	ok = colon != NULL &&
		 form_text_decode((const char *) bytes, (size_t) (colon - bytes), request->client_id,
						  sizeof(request->client_id)) &&
		 form_text_decode((const char *) colon + 1, length - (size_t) (colon + 1 - bytes),
						  request->client_secret, sizeof(request->client_secret));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return ok;
}

static bool
client_read(const char *authorization, const char *form, size_t length, TokenRequest *request,
			TokenProblem *problem)
{
	bool is_basic = authorization != NULL && strncasecmp(authorization, "Basic ", 6) == 0;
	char name[sizeof(request->client_id)];
	FormFound id = form_text_find(form, length, "client_id", name, sizeof(name));
	FormFound secret = form_text_find(form, length, "client_secret", request->client_secret,
									  sizeof(request->client_secret));

	if (id == FORM_BAD || secret == FORM_BAD)
		return refuse(problem, "invalid_request",
					  "client_id and client_secret must be there once each, and not too long");
	if (!is_basic)
		snprintf(request->client_id, sizeof(request->client_id), "%s", name);
	else if (secret == FORM_FOUND)
		return refuse(problem, "invalid_request",
					  "send the secret in the header Authorization or in the form, not in both");
	else if (!basic_read(authorization + 6, request))
		return refuse(problem, "invalid_client",
					  "the header Authorization: Basic is not base64 of client_id:client_secret");
	if (is_basic && id == FORM_FOUND && strcmp(name, request->client_id) != 0)
		return refuse(problem, "invalid_request", "two clients are named");
	if (request->client_id[0] == '\0' || request->client_secret[0] == '\0')
		return refuse(problem, "invalid_client", "client_id and client_secret are missing");
	return true;
}

/* registry.WORD or registry/WORD. */
static bool
scope_is_ours(const char *word, size_t length)
{
	size_t prefix = strlen("registry.");

	return length > prefix && strncmp(word, "registry", prefix - 1) == 0 &&
		   (word[prefix - 1] == '.' || word[prefix - 1] == '/') &&
		   strspn(word + prefix, "abcdefghijklmnopqrstuvwxyz-") >= length - prefix;
}

/* The scopes among the words that are ours, in our spelling; granted has room for all words. */
static bool
scope_read(const char *words, char *granted)
{
	char *end = granted;

	while (*words != '\0')
	{
		size_t length = strcspn(words, " ");

		if (scope_is_ours(words, length))
		{
			if (end > granted)
				*end++ = ' ';
			memcpy(end, words, length);
			end[strlen("registry")] = '.';
			end += length;
		}
		words += length;
		words += strspn(words, " ");
	}
	*end = '\0';
	return end > granted;
}

bool
token_request_read(const char *authorization, const char *form, size_t length,
				   TokenRequest *request, TokenProblem *problem)
{
	char text[sizeof(request->scope)];
	FormFound grant;
	FormFound scope;

	memset(request, 0, sizeof(*request));
	grant = form_text_find(form, length, "grant_type", text, sizeof(text));
	if (grant != FORM_FOUND)
		return refuse(problem, "invalid_request", "grant_type must be there once");
	if (strcmp(text, "client_credentials") != 0)
		return refuse(problem, "unsupported_grant_type", "grant_type must be client_credentials");
	if (!client_read(authorization, form, length, request, problem))
		return false;
	scope = form_text_find(form, length, "scope", text, sizeof(text));
	if (scope == FORM_BAD || (scope == FORM_FOUND && text[strspn(text, " ")] != '\0' &&
							  !scope_read(text, request->scope)))
		return refuse(problem, "invalid_scope",
					  "scope must be words like registry.search with blanks between");
	return true;
}
