/*
 * request_turn.h
 *		When to answer the requests that were stored to be answered later: searches and questions
 *		about transactions. Has connections of its own, so that a slow one delays nothing else.
 */
#ifndef REQUEST_TURN_H
#define REQUEST_TURN_H

#include <stdbool.h>

#include "config/config.h"
#include "base/event_loop.h"
#include "base/failure.h"
#include "base/log.h"

typedef struct RequestTurn RequestTurn;

/* answered is called when an answer has become due for delivery. */
extern RequestTurn *request_turn_new(EventLoop *loop, const Log *log, const Config *const *config,
									 void (*answered)(void *context), void *context,
									 Failure *failure);
extern void request_turn_free(RequestTurn *turn);

/* A node that is paused or unknown answers nothing. */
extern void request_turn_set_open(RequestTurn *turn, bool is_open);

extern void request_turn_wake(RequestTurn *turn); /* there may be a request */

extern bool request_turn_is_connected(const RequestTurn *turn);

/* Whether it fails now, and why, in words; NULL when it does not. */
extern const char *request_turn_trouble(const RequestTurn *turn);

#endif
