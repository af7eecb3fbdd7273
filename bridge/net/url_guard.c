/*
 * url_guard.c
 *		Takes a URL apart as strictly as the strictest reader of it would. Must not resolve names.
 */
#include "net/url_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 2048
#define NAME_MAX_LENGTH 253
#define LABEL_MAX 63

typedef struct UrlParts
{
	char host[NAME_MAX_LENGTH + 2]; /* without brackets, port and final dot */
	bool is_bracketed;
	const char *port; /* what follows the host: "" or ":..." up to port_length */
	size_t port_length;
} UrlParts;

static bool
url_refuse(Failure *failure, const char *text)
{
	failure_set(failure, FAILURE_INPUT, "%s", text);
	return false;
}

/* Readers differ about blanks, control characters, backslashes and what is not ASCII. */
static bool
url_has_plain_bytes(const char *url)
{
	const char *c;

	for (c = url; *c != '\0'; c++)
	{
		if ((unsigned char) *c <= ' ' || (unsigned char) *c >= 0x7f ||
			strchr("\\\"<>^`{|}", *c) != NULL)
			return false;
	}
	return c > url && c - url <= URL_MAX;
}

static const char *
url_skip_scheme(const char *url, bool allow_http)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return url + 8;
	if (allow_http && strncasecmp(url, "http://", 7) == 0)
		return url + 7;
	return NULL;
}

static bool
url_split(const char *authority, size_t length, UrlParts *parts)
{
	const char *end = authority + length;
	const char *host = authority;
	size_t host_length;

	parts->is_bracketed = *authority == '[';
	if (parts->is_bracketed)
	{
		const char *bracket = memchr(authority, ']', length);

		if (bracket == NULL)
			return false;
		host++;
		host_length = (size_t) (bracket - host);
		parts->port = bracket + 1;
	}
	else
	{
		const char *colon = memchr(authority, ':', length);

		parts->port = colon != NULL ? colon : end;
		host_length = (size_t) (parts->port - host);
		/* example.org. is example.org, and 127.0.0.1. is 127.0.0.1 */
		if (host_length > 0 && host[host_length - 1] == '.')
			host_length--;
	}
	if (host_length == 0 || host_length > NAME_MAX_LENGTH)
		return false;
	parts->port_length = (size_t) (end - parts->port);
	memcpy(parts->host, host, host_length);
	parts->host[host_length] = '\0';
	return true;
}

static bool
port_is_good(const char *text, size_t length)
{
	long port = 0;
	size_t i;

	if (length == 0)
		return true;
	if (text[0] != ':' || length < 2 || length > 6)
		return false;
	for (i = 1; i < length; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (text[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

/* Letters, digits, hyphens and underscores between single dots; above all no percent signs. */
static bool
name_is_plain(const char *name)
{
	size_t label = 0;

	for (; *name != '\0'; name++)
	{
		if (*name == '.' && label == 0)
			return false;
		label = *name == '.' ? 0 : label + 1;
		if (label > LABEL_MAX ||
			strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *name) ==
				NULL)
			return false;
	}
	return label > 0;
}

/* A last label that begins with a digit is part of an address: no top-level domain does. */
static bool
name_is_address(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *label = dot != NULL ? dot + 1 : name;

	return *label >= '0' && *label <= '9';
}

static bool
name_is_of_this_machine(const char *name)
{
	static const char *const names[] = {"localhost",	 "localhost4",	 "localhost6",
										"ip6-localhost", "ip6-loopback", "localhost.localdomain"};
	size_t length = strlen(name);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return length > 10 && strcasecmp(name + length - 10, ".localhost") == 0;
}

static bool
v4_check(struct in_addr v4, const AddressList *allowed, Failure *failure)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = v4};

	return address_is_allowed((struct sockaddr *) &address, sizeof(address), allowed, failure);
}

static bool
v6_check(struct in6_addr v6, const AddressList *allowed, Failure *failure)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = v6};

	return address_is_allowed((struct sockaddr *) &address, sizeof(address), allowed, failure);
}

static bool
name_check(const char *name, const AddressList *allowed, Failure *failure)
{
	struct in_addr v4;

	if (!name_is_plain(name))
		return url_refuse(failure, "the host of the URL is not a host name");
	if (name_is_address(name))
	{
		/* knows every spelling that the resolver would take */
		if (inet_aton(name, &v4) == 0)
			return url_refuse(failure, "the host of the URL is not a host name");
		return v4_check(v4, allowed, failure);
	}
	if (!name_is_of_this_machine(name))
		return true;
	v4.s_addr = htonl(INADDR_LOOPBACK);
	/* A name of this machine may mean either: one of them allowed is enough. */
	return v6_check((struct in6_addr) IN6ADDR_LOOPBACK_INIT, allowed, NULL) ||
		   v4_check(v4, allowed, failure);
}

bool
url_guard_check(const char *url, bool allow_http, const AddressList *allowed, Failure *failure)
{
	const char *authority;
	size_t length;
	UrlParts parts;
	struct in6_addr v6;

	if (!url_has_plain_bytes(url))
		return url_refuse(failure,
						  "the URL is empty, too long, or has a byte that URLs do not have");
	authority = url_skip_scheme(url, allow_http);
	if (authority == NULL)
		return url_refuse(failure, "the URL must begin with https://");
	/* the authority ends where the first of these begins; browsers and libraries agree on that */
	length = strcspn(authority, "/?#");
	if (strchr(authority, '#') != NULL)
		return url_refuse(failure, "the URL has a fragment (#)");
	/* What stands before an @ is no host, though it looks like one. */
	if (memchr(authority, '@', length) != NULL)
		return url_refuse(failure, "the URL has a user name or password");
	if (!url_split(authority, length, &parts))
		return url_refuse(failure, "the URL has no host name");
	if (!port_is_good(parts.port, parts.port_length))
		return url_refuse(failure, "the port of the URL is not a number from 1 to 65535");
	if (!parts.is_bracketed)
		return name_check(parts.host, allowed, failure);
	if (inet_pton(AF_INET6, parts.host, &v6) != 1)
		return url_refuse(failure, "the host of the URL is not an IPv6 address");
	return v6_check(v6, allowed, failure);
}
