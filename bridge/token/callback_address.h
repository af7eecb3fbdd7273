/*
 * callback_address.h
 *		Addresses for partners whose calls carry no token: PATH/from/CLIENT.MAC/registry/…, in which
 *		the MAC, by a secret that only the bridges have, stands for one. Knows nothing of HTTP.
 */
#ifndef CALLBACK_ADDRESS_H
#define CALLBACK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"
#include "config/config.h"
#include "token/bearer.h"

/* Such clients' issuer in casesync.clients. */
#define CALLBACK_ISSUER "callback-address"
#define CALLBACK_SCOPE "registry.notify registry.on-subscribe registry.on-search"
#define CALLBACK_URI_MAX 2048
#define CALLBACK_SECRET_LEAST 32 /* characters */

/* Can addresses be made? FAILURE_KEY says why not; true when they are not wanted. */
extern bool callback_address_check(const Config *config, Failure *failure);

/*
 * uri, which has /from/CLIENT/ in it, with the MAC behind CLIENT (NULL: any). False (FAILURE_KEY)
 * when there is no secret to make it with: what would be sent says where answers go, and they would
 * be refused.
 */
extern bool callback_address_fill(const Config *config, const char *client, const char *uri,
								  char filled[CALLBACK_URI_MAX], Failure *failure);

/*
 * What stands behind /from/ in a request's path, up to the next slash, as bearer_verify() takes a
 * token: may answer and notify, nothing else.
 */
extern bool callback_address_verify(const Config *config, const char *from, size_t length,
									BearerClaims *claims, Failure *failure);

#endif /* CALLBACK_ADDRESS_H */
