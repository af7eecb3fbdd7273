/*
 * dispatcher.h
 *		Delivery: for every lane one message at a time is taken, built, signed, sent and recorded;
 *		lanes do not wait for each other. Knows nothing of routing or of what is received.
 */
#ifndef DISPATCHER_H
#define DISPATCHER_H

#include <stdbool.h>

#include "base/failure.h"
#include "delivery/lane.h"
#include "key/key_ring.h"

typedef struct Dispatcher Dispatcher;

/* idle is called when dispatcher_stop has been called and nothing is in flight any more. */
extern Dispatcher *dispatcher_new(const LaneParts *parts, void (*idle)(void *context),
								  void *context, Failure *failure);
extern void dispatcher_free(Dispatcher *dispatcher); /* after the session and the sender */

/* May messages be taken? With keys only; NULL stops taking, what is in flight goes on. */
extern void dispatcher_set_keys(Dispatcher *dispatcher, const KeyRing *keys);

/*
 * Something may be due; is_news: notifications have just been written. Then the lanes that had
 * something the last time take at once, before the database is asked which ones have.
 */
extern void dispatcher_look(Dispatcher *dispatcher, bool is_news);

/* Likewise, as a callback: something may be due, and lanes may go on. */
extern void dispatcher_wake(void *dispatcher);

/* The session came or went. */
extern void dispatcher_connected(Dispatcher *dispatcher);
extern void dispatcher_lost(Dispatcher *dispatcher);

/* Whether looking for what is due fails now, and why, in words; NULL when it does not. */
extern const char *dispatcher_trouble(const Dispatcher *dispatcher);

/* Takes nothing more; finishes and records what is in flight. */
extern void dispatcher_stop(Dispatcher *dispatcher);
extern int dispatcher_in_flight(const Dispatcher *dispatcher);

#endif
