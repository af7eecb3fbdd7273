/*
 * doorbell.h
 *		Waking the bridge when this transaction has left something for it.
 */
#ifndef CASESYNC_DOORBELL_H
#define CASESYNC_DOORBELL_H

/* Registers the transaction callback; once per process. */
extern void doorbell_init(void);

/* This transaction, if it commits, must wake the bridge. Costs nothing, never fails. */
extern void doorbell_ask(void);

#endif /* CASESYNC_DOORBELL_H */
