/*
 * api_turns.h
 *		What an exchange tells whoever gave it its turn, since others may begin then.
 */
#ifndef API_TURNS_H
#define API_TURNS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ApiExchange ApiExchange;

typedef struct ApiTurns
{
	void (*end)(ApiExchange *exchange, int64_t took_us);

	/* It waits no more. True when it did because of what its own partner has asked for. */
	bool (*give_up)(ApiExchange *exchange);
} ApiTurns;

#endif
