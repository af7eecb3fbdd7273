/*
 * callback_address.c
 *		HMAC-SHA256 of the client's name. Nothing is kept of an address, so it can be made again by
 *		every bridge that has the secret; it ends with its client in the database.
 */
#include "token/callback_address.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/secret_file.h"

#define MAC_BYTES 32
#define CLIENT_MAX 255
#define PLACE "/from/"

static bool
secret_read(const Config *config, char secret[SECRET_MAX], Failure *failure)
{
	if (config->callback_secret[0] == '\0' || config->secrets_directory[0] == '\0')
		failure_set(failure, FAILURE_KEY,
					"addresses for partners that call without a token need the settings "
					"callback_secret and secrets_directory");
	else if (secret_file_read(config->secrets_directory, config->callback_secret, secret, failure))
	{
		if (strlen(secret) >= CALLBACK_SECRET_LEAST)
			return true;
		OPENSSL_cleanse(secret, SECRET_MAX);
		failure_set(failure, FAILURE_KEY, "callback_secret: %s has fewer than %d characters",
					config->callback_secret, CALLBACK_SECRET_LEAST);
	}
	return false;
}

/* The word before the name keeps apart what else may ever be made with the same secret. */
static bool
mac_make(const Config *config, const char *client, char mac[BASE64_SIZE(MAC_BYTES)],
		 Failure *failure)
{
	char secret[SECRET_MAX];
	char text[sizeof(CALLBACK_ISSUER) + 1 + CLIENT_MAX + 1];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	bool ok;

	if (!secret_read(config, secret, failure))
		return false;
	snprintf(text, sizeof(text), "%s\n%s", CALLBACK_ISSUER, client);
	ok = HMAC(EVP_sha256(), secret, (int) strlen(secret), (const unsigned char *) text,
			  strlen(text), digest, &size) != NULL &&
		 size == MAC_BYTES;
	OPENSSL_cleanse(secret, sizeof(secret));
	if (ok)
		base64url_encode(digest, MAC_BYTES, mac);
	else
		failure_set(failure, FAILURE_KEY, "the address of a partner cannot be made");
	return ok;
}

bool
callback_address_check(const Config *config, Failure *failure)
{
	char secret[SECRET_MAX];

	if (config->callback_secret[0] == '\0')
		return true;
	if (!secret_read(config, secret, failure))
		return false;
	OPENSSL_cleanse(secret, sizeof(secret));
	return true;
}

/* The last place in uri: there may be such a word in the path before ours, too. */
static const char *
place_find(const char *uri)
{
	const char *found = NULL;

	for (const char *at = strstr(uri, PLACE); at != NULL; at = strstr(at + 1, PLACE))
		found = at;
	return found;
}

/* Where CLIENT stands in uri; NULL: nowhere, or it is another one than is wanted. */
static const char *
client_find(const char *uri, const char *wanted, char client[CLIENT_MAX + 1])
{
	const char *at = place_find(uri);
	size_t length = at != NULL ? strcspn(at + strlen(PLACE), "/.?#") : 0;

	if (length == 0 || length > CLIENT_MAX || at[strlen(PLACE) + length] != '/')
		return NULL;
	at += strlen(PLACE);
	memcpy(client, at, length);
	client[length] = '\0';
	return wanted == NULL || strcmp(wanted, client) == 0 ? at : NULL;
}

bool
callback_address_fill(const Config *config, const char *client, const char *uri,
					  char filled[CALLBACK_URI_MAX], Failure *failure)
{
	char name[CLIENT_MAX + 1];
	char mac[BASE64_SIZE(MAC_BYTES)];
	const char *at = client_find(uri, client, name);
	int length;

	if (at == NULL)
	{
		failure_set(failure, FAILURE_INPUT,
					"this is no address of casesync.issue_callback(): "
					"there is no /from/CLIENT/ in it");
		return false;
	}
	if (!mac_make(config, name, mac, failure))
		return false;
	at += strlen(name);
	length = snprintf(filled, CALLBACK_URI_MAX, "%.*s.%s%s", (int) (at - uri), uri, mac, at);
	if (length < CALLBACK_URI_MAX)
		return true;
	failure_set(failure, FAILURE_LIMIT, "the address is longer than %d bytes",
				CALLBACK_URI_MAX - 1);
	return false;
}

bool
callback_address_verify(const Config *config, const char *from, size_t length, BearerClaims *claims,
						Failure *failure)
{
	const char *dot = memchr(from, '.', length);
	size_t name = dot != NULL ? (size_t) (dot - from) : 0;
	char mac[BASE64_SIZE(MAC_BYTES)];

	memset(claims, 0, sizeof(*claims));
	if (config->callback_secret[0] == '\0' || name == 0 || name > CLIENT_MAX ||
		memchr(from, '\0', length) != NULL)
	{
		failure_set(failure, FAILURE_INPUT, "this address is nobody's");
		return false;
	}
	memcpy(claims->client, from, name);
	if (!mac_make(config, claims->client, mac, failure))
		return false;
	if (length - name - 1 != strlen(mac) || CRYPTO_memcmp(dot + 1, mac, strlen(mac)) != 0)
	{
		failure_set(failure, FAILURE_INPUT, "this address is nobody's");
		return false;
	}
	snprintf(claims->issuer, sizeof(claims->issuer), "%s", CALLBACK_ISSUER);
	snprintf(claims->scope, sizeof(claims->scope), "%s", CALLBACK_SCOPE);
	claims->expires = INT64_MAX;
	return true;
}
