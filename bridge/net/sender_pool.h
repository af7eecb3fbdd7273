/*
 * sender_pool.h
 *		Connections to partners and the transfers that use them. A new pool takes the place of the
 *		old one, which ends with its last transfer: so that new files of TLS are read.
 */
#ifndef SENDER_POOL_H
#define SENDER_POOL_H

#include "net/sender_transfer.h"

typedef struct SenderPool SenderPool;

/* Puts a new pool in front of the list; false when that is not possible. */
extern bool sender_pool_renew(EventLoop *loop, SenderPool **first);

/* Takes the transfer over: calls its done once and frees it. On false it stays the caller's. */
extern bool sender_pool_add(SenderPool *pool, SenderTransfer *transfer);

extern void sender_pool_free_all(SenderPool **first); /* transfers are dropped unanswered */

#endif
