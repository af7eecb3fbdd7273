/*
 * address_guard.c
 *		The table of addresses that nobody reaches by accident, and lists of networks.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/address_guard.h"

#define MAPPED_BITS 96 /* ::ffff:0:0/96 */
#define LIST_MAX 1000

typedef struct SpecialRange
{
	const char *network;
	int prefix;
	const char *name;
	bool is_never_allowed;
} SpecialRange;

/* IANA's special-purpose registries; the first that matches names the address. */
static const SpecialRange special_ranges[] = {
	{"0.0.0.0", 8, "an unspecified", true},
	{"255.255.255.255", 32, "a broadcast", true},
	{"224.0.0.0", 4, "a multicast", true},
	{"127.0.0.0", 8, "a loopback", false},
	{"169.254.169.254", 32, "a cloud metadata", false},
	{"168.63.129.16", 32, "a cloud metadata", false},
	{"169.254.0.0", 16, "a link-local", false},
	{"10.0.0.0", 8, "a private", false},
	{"172.16.0.0", 12, "a private", false},
	{"192.168.0.0", 16, "a private", false},
	{"100.64.0.0", 10, "a carrier-grade NAT", false},
	{"192.0.0.0", 24, "a reserved", false},
	{"192.0.2.0", 24, "a documentation", false},
	{"192.88.99.0", 24, "a reserved", false},
	{"198.18.0.0", 15, "a benchmarking", false},
	{"198.51.100.0", 24, "a documentation", false},
	{"203.0.113.0", 24, "a documentation", false},
	{"240.0.0.0", 4, "a reserved", false},
	{"::", 128, "an unspecified", true},
	{"ff00::", 8, "a multicast", true},
	{"::1", 128, "a loopback", false},
	{"fd00:ec2::254", 128, "a cloud metadata", false},
	{"fe80::", 10, "a link-local", false},
	{"fec0::", 10, "a site-local", false},
	{"fc00::", 7, "a private", false},
	{"64:ff9b:1::", 48, "a private NAT64", false},
	{"100::", 64, "a discard", false},
	{"2001::", 23, "a protocol", false},
	{"2001:db8::", 32, "a documentation", false},
	{"3fff::", 20, "a documentation", false},
	{"5f00::", 16, "a segment routing", false},
};

#define SPECIAL_COUNT (sizeof(special_ranges) / sizeof(special_ranges[0]))

/* One form for both families: a network of IPv4 then also covers the mapped IPv6 address. */
static void
address_map(const unsigned char v4[4], unsigned char address[16])
{
	memset(address, 0, 10);
	address[10] = 0xff;
	address[11] = 0xff;
	memcpy(address + 12, v4, 4);
}

static bool
address_is_mapped(const unsigned char address[16])
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

/* Text of an address of either family, in IPv6 form; *bits is 32 or 128. */
static bool
address_parse(const char *text, unsigned char address[16], int *bits)
{
	unsigned char v4[4];

	if (inet_pton(AF_INET, text, v4) == 1)
	{
		address_map(v4, address);
		*bits = 32;
		return true;
	}
	*bits = 128;
	return inet_pton(AF_INET6, text, address) == 1;
}

static bool
network_covers(const unsigned char network[16], int prefix, const unsigned char address[16])
{
	int bytes = prefix / 8;
	int mask = 0xff << (8 - prefix % 8) & 0xff;

	if (memcmp(network, address, (size_t) bytes) != 0)
		return false;
	return prefix % 8 == 0 || ((network[bytes] ^ address[bytes]) & mask) == 0;
}

/* "10.0.0.0/8"; text is cut at the slash. */
static bool
network_parse(char *text, AddressNetwork *network)
{
	char *slash = strchr(text, '/');
	char *end;
	int bits;
	long prefix;

	if (slash != NULL)
		*slash = '\0';
	if (!address_parse(text, network->address, &bits))
		return false;
	prefix = bits;
	if (slash != NULL)
	{
		if (slash[1] < '0' || slash[1] > '9')
			return false;
		prefix = strtol(slash + 1, &end, 10);
		if (*end != '\0' || prefix > bits)
			return false;
	}
	network->prefix = (int) prefix + (bits == 32 ? MAPPED_BITS : 0);
	return true;
}

static bool
list_append(AddressList *list, const AddressNetwork *network)
{
	AddressNetwork *grown = realloc(list->networks, (list->count + 1) * sizeof(*grown));

	if (grown == NULL)
		return false;
	list->networks = grown;
	list->networks[list->count++] = *network;
	return true;
}

/* One element of the array; *text moves behind it and its comma. */
static bool
element_parse(const char **text, AddressList *list, Failure *failure)
{
	AddressNetwork network;
	char element[64];
	size_t quoted = **text == '"' ? 1 : 0;
	size_t length = strcspn(*text + quoted, ",}\"");
	const char *after = *text + quoted + length;

	if (length >= sizeof(element) || (quoted == 1 && *after != '"'))
	{
		failure_set(failure, FAILURE_INPUT, "the list of networks is not an array of CIDRs");
		return false;
	}
	memcpy(element, *text + quoted, length);
	element[length] = '\0';
	if (!network_parse(element, &network))
	{
		failure_set(failure, FAILURE_INPUT,
					"\"%.*s\" is not a network; write it like 10.1.2.0/24 or fd00:1::/64",
					(int) length, *text + quoted);
		return false;
	}
	after += quoted;
	*text = *after == ',' ? after + 1 : after;
	if (*after != ',' && *after != '}')
	{
		failure_set(failure, FAILURE_INPUT, "the list of networks is not an array of CIDRs");
		return false;
	}
	if (list->count >= LIST_MAX || !list_append(list, &network))
	{
		failure_set(failure, FAILURE_LIMIT, "there are more than %d networks", LIST_MAX);
		return false;
	}
	return true;
}

bool
address_list_parse(const char *array_text, AddressList *list, Failure *failure)
{
	const char *text = array_text;

	list->networks = NULL;
	list->count = 0;
	if (text == NULL || *text == '\0' || strcmp(text, "{}") == 0)
		return true;
	if (*text++ != '{')
	{
		failure_set(failure, FAILURE_INPUT, "the list of networks is not an array of CIDRs");
		return false;
	}
	do
	{
		if (!element_parse(&text, list, failure))
		{
			address_list_free(list);
			return false;
		}
	} while (*text != '}' || text[-1] == ',');
	if (text[1] != '\0')
	{
		failure_set(failure, FAILURE_INPUT, "the list of networks is not an array of CIDRs");
		address_list_free(list);
		return false;
	}
	return true;
}

void
address_list_free(AddressList *list)
{
	free(list->networks);
	list->networks = NULL;
	list->count = 0;
}

static const SpecialRange *
special_find(const unsigned char address[16])
{
	size_t i;

	for (i = 0; i < SPECIAL_COUNT; i++)
	{
		unsigned char network[16];
		int bits;

		if (address_parse(special_ranges[i].network, network, &bits) &&
			network_covers(network, special_ranges[i].prefix + (bits == 32 ? MAPPED_BITS : 0),
						   address))
			return &special_ranges[i];
	}
	return NULL;
}

/*
 * An IPv4 address that an IPv6 address carries to a translator or tunnel: 6to4 (2002::/16),
 * NAT64 (64:ff9b::/96), translated (::ffff:0:0:0/96) and the old compatible form (::/96).
 */
static bool
embedded_find(const unsigned char address[16], unsigned char embedded[16])
{
	static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	static const unsigned char translated[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const unsigned char compatible[12] = {0};

	if (address[0] == 0x20 && address[1] == 0x02)
		address_map(address + 2, embedded);
	else if (memcmp(address, nat64, sizeof(nat64)) == 0 ||
			 memcmp(address, translated, sizeof(translated)) == 0 ||
			 memcmp(address, compatible, sizeof(compatible)) == 0)
		address_map(address + 12, embedded);
	else
		return false;
	return true;
}

/* IPv6 beyond what has been given out for unicast (2000::/3) has no partner yet. */
static const SpecialRange *
special_judge(const unsigned char address[16])
{
	static const SpecialRange unassigned = {"::", 0, "a reserved", false};
	const SpecialRange *special = special_find(address);
	unsigned char embedded[16];
	bool has_embedded;

	if (special != NULL || address_is_mapped(address))
		return special;
	has_embedded = embedded_find(address, embedded);
	if (has_embedded)
		special = special_find(embedded);
	if (special == NULL && !has_embedded && (address[0] & 0xe0) != 0x20)
		special = &unassigned;
	return special;
}

static bool
list_covers(const AddressList *list, const unsigned char address[16])
{
	size_t i;

	for (i = 0; list != NULL && i < list->count; i++)
	{
		if (network_covers(list->networks[i].address, list->networks[i].prefix, address))
			return true;
	}
	return false;
}

/* The address of a socket in IPv6 form. */
static bool
socket_address(const struct sockaddr *address, socklen_t length, unsigned char bytes[16])
{
	if (address->sa_family == AF_INET && length >= (socklen_t) sizeof(struct sockaddr_in))
	{
		address_map((const unsigned char *) &((const struct sockaddr_in *) address)->sin_addr,
					bytes);
		return true;
	}
	if (address->sa_family == AF_INET6 && length >= (socklen_t) sizeof(struct sockaddr_in6))
	{
		memcpy(bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
		return true;
	}
	return false;
}

bool
address_is_allowed(const struct sockaddr *address, socklen_t length, const AddressList *allowed,
				   Failure *failure)
{
	const SpecialRange *special;
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];

	/* neither family that libcurl opens for us: better none than one that is not looked at */
	if (!socket_address(address, length, bytes))
	{
		failure_set(failure, FAILURE_NETWORK, "the partner's address is neither IPv4 nor IPv6");
		return false;
	}
	special = special_judge(bytes);
	if (special == NULL || (!special->is_never_allowed && list_covers(allowed, bytes)))
		return true;

	if (address_is_mapped(bytes))
		inet_ntop(AF_INET, bytes + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, bytes, text, sizeof(text));
	failure_set(failure, FAILURE_NETWORK, "%s is %s address%s", text, special->name,
				special->is_never_allowed ? ", which no message is sent to"
										  : "; allow it in the partner's networks if it is meant");
	return false;
}
