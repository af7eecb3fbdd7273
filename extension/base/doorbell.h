/*
 * doorbell.h
 *		Waking the bridge when this transaction has left something for it.
 */
#ifndef CASESYNC_DOORBELL_H
#define CASESYNC_DOORBELL_H

/* Registers the transaction callback; once per process. */
extern void doorbell_init(void);

/*
 * This transaction, if it commits, has changes for the router: it is woken, unless it is awake and
 * looks again by itself (gate.h) or casesync.doorbell says otherwise. Costs nothing, never fails.
 */
extern void doorbell_ask(void);

#endif /* CASESYNC_DOORBELL_H */
