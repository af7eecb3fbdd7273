/*
 * lane_message.h
 *		What is kept of a message while it is sent. Knows nothing of the lane's state.
 */
#ifndef LANE_MESSAGE_H
#define LANE_MESSAGE_H

#include "delivery/delivery_policy.h"
#include "delivery/lane.h"

/* Of the item, whose result goes; false with a failure when it cannot be kept or read. */
extern bool lane_message_keep(Lane *lane, const DeliveryItem *item, Failure *failure);
extern void lane_message_forget(Lane *lane);

/*
 * Its signed bytes into lane->body. Where the answer goes of a partner whose calls carry no token
 * says that they are its. False as envelope_build().
 */
extern bool lane_message_build(Lane *lane, const DeliveryItem *item, Failure *failure);

/* The token that it needs; its url is NULL for partners who want none. */
extern TokenWish lane_message_token(const Lane *lane);

/* Did its token take its time? Then it is taken, and asked whether it may leave, anew. */
extern bool lane_message_is_late(const Lane *lane);

/* How long the answer may be: it may be the answer to a search. 0: as an acknowledgement. */
extern size_t lane_message_max_answer(const Lane *lane);

/* One line in the log, of the outcome. */
extern void lane_message_log(const Lane *lane, const char *reason, int64_t elapsed_ms);

/* A SenderFence with the lane as context: nothing has left before its first yes. */
extern bool lane_message_may_leave(void *context, bool is_first);

/* What the end of its request means for the outcome. */
extern TransferResult lane_message_transfer(SenderResult result);

#endif
