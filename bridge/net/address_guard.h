/*
 * address_guard.h
 *		May we connect to this address? Decided from the connected address, never from a name.
 *		Pure; opens nothing.
 */
#ifndef ADDRESS_GUARD_H
#define ADDRESS_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/failure.h"

/* IPv4 networks are kept in their IPv6-mapped form. */
typedef struct AddressNetwork
{
	unsigned char address[16];
	int prefix;
} AddressNetwork;

typedef struct AddressList
{
	AddressNetwork *networks;
	size_t count;
} AddressList;

/*
 * Parse the text of a PostgreSQL array of CIDRs, "{10.0.0.0/8,fd00::/8}"; NULL, "" and "{}" are
 * the empty list. An address without /length is that one address. Free with address_list_free.
 */
extern bool address_list_parse(const char *array_text, AddressList *list, Failure *failure);
extern void address_list_free(AddressList *list);

/*
 * Public unicast addresses are allowed. Loopback, link-local, metadata, private, carrier-grade
 * NAT, reserved and documentation ranges (also inside IPv4-mapped, 6to4 and NAT64 addresses) only
 * when an entry of the list covers them. Multicast, broadcast and unspecified never. On false
 * failure says which kind of address it was and which setting of the partner would allow it.
 */
extern bool address_is_allowed(const struct sockaddr *address, socklen_t length,
							   const AddressList *allowed, Failure *failure);

#endif /* ADDRESS_GUARD_H */
