/*
 * api_work.h
 *		A step of an exchange that costs the more the larger the message is: beside the event loop
 *		when it is large, at once when it is not.
 */
#ifndef API_WORK_H
#define API_WORK_H

#include "api/api_exchange.h"
#include "base/worker.h"

/*
 * Beyond so many bytes a message is worked on by a thread: reading one of this size and putting it
 * into canonical form takes some 3 ms, of 10 MB some 400 ms.
 */
#define API_WORK_AT_ONCE (64 * 1024)

/* May touch nothing but the exchange, and of that no timer, and of the request only its body. */
typedef void (*ApiWork)(ApiExchange *exchange);

/*
 * Calls work, then then. When the time for an answer is up meanwhile, or too much waits, the
 * exchange is answered and then is not called.
 */
extern void api_work(ApiExchange *exchange, ApiWork work, ApiProceed then);

/* What working on a message of so many bytes may cost of a processor, at most, in microseconds. */
extern int64_t api_work_cost(size_t length);

#endif
