/*
 * sender_pool.h
 *		Connections to partners and the transfers that use them. A new pool takes the place of the
 *		old one, which ends with its last transfer: so that new files of TLS are read.
 */
#ifndef SENDER_POOL_H
#define SENDER_POOL_H

#include "net/sender_transfer.h"

typedef struct SenderPool SenderPool;
typedef LIST_HEAD(SenderPoolList, SenderPool) SenderPoolList;

/* Puts a new pool in front of the list; false when that is not possible. */
extern bool sender_pool_renew(EventLoop *loop, SenderPoolList *pools);

/*
 * The first pool takes the transfer over: calls its done once and frees it. On false it stays the
 * caller's.
 */
extern bool sender_pool_add(SenderPoolList *pools, SenderTransfer *transfer);

extern void sender_pool_free_all(SenderPoolList *pools); /* transfers are dropped unanswered */

#endif
