/*
 * url_guard.h
 *		May a partner name this URL as one that we send to? Judged from the text alone (pure); the
 *		connected address is judged once more by address_guard when something is sent.
 */
#ifndef URL_GUARD_H
#define URL_GUARD_H

#include <stdbool.h>

#include "net/address_guard.h"
#include "base/failure.h"

/*
 * Refused: schemes other than https (and http when allowed), a user name or password, a fragment,
 * bytes that no URL has, a bad port; a host that is an address, in whatever spelling (decimal,
 * octal, hexadecimal, short, IPv6 with an IPv4 address inside), or a name of this machine, unless
 * the list of networks allows that address. On false failure says what to change; its text has
 * nothing of the URL but such an address.
 */
extern bool url_guard_check(const char *url, bool allow_http, const AddressList *allowed,
							Failure *failure);

#endif
