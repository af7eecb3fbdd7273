/*
 * delivery_queue.h
 *		What is due, and what came of it, in the database. Knows nothing of signatures, HTTP or when
 *		to ask.
 */
#ifndef DELIVERY_QUEUE_H
#define DELIVERY_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "seal/envelope.h"
#include "database/pg_session.h"
#include "base/uuid.h"

typedef struct DeliveryLane
{
	int lane;
	int64_t wait_ms;	 /* 0 = now */
	const char *partner; /* lives as long as the result */
} DeliveryLane;

/* One row of casesync_internal.take(); the texts live as long as the result they were read from. */
typedef struct DeliveryItem
{
	EnvelopeFields fields;
	const char *url;
	const char *networks; /* text of an array of CIDRs */
	const char *tls_name; /* of the files for TLS with this partner, or NULL */
	int attempt;
	const char *token_url; /* NULL: the partner wants no token */
	const char *client_id;
	const char *secret_name;
	const char *journal;		 /* to be written down before it is sent, or NULL */
	bool status_is_ack;			 /* the partner's 2xx is enough */
	const char *callback_client; /* whose address sender_uri gets, or NULL: it stays as it is */
} DeliveryItem;

typedef struct DeliveryOutcome
{
	char message_id[UUID_SIZE];
	const char *verdict; /* a constant, as record_outcome takes it */
	int64_t wait_ms;
	int http_status;		/* 0 = none */
	const char *ack_status; /* a constant or NULL */
	char error_code[64];	/* "" = none */
	const char *detail;		/* a constant */
	bool has_left;			/* some of it may have; else surely nothing */
	bool is_to_note;		/* it did not arrive, and people are still to be told why: */
	char cause[256];		/* what failed before it was answered, in our words; "" = nothing */
	char words[512]; /* the partner's own, of an answer that is no acknowledgement; "" = none */
} DeliveryOutcome;

/* The verdict on what was taken and not tried, beside those of delivery_policy.h. */
#define DELIVERY_UNSENT "unsent"

/* The turn of the router that is waited for before anything is sent, as the database names it. */
typedef struct DeliveryTurn
{
	char number[24]; /* "" until delivery_begin() is answered */
} DeliveryTurn;

/* How the next message is asked for. */
typedef struct DeliveryWish
{
	const DeliveryTurn *turn;
	int64_t begins_within_ms;
	bool with_journal; /* with what is to be written down */
} DeliveryWish;

/* Each is one pg_session_query: false when nothing was asked. */
extern bool delivery_queue_begin(PgSession *session, PgResultHandler handler, void *context,
								 Failure *failure);
extern bool delivery_queue_lanes(PgSession *session, const DeliveryTurn *turn,
								 PgResultHandler handler, void *context, Failure *failure);
extern bool delivery_queue_lock(PgSession *session, int lane, PgResultHandler handler,
								void *context, Failure *failure);
extern bool delivery_queue_unlock(PgSession *session, int lane, PgResultHandler handler,
								  void *context, Failure *failure);
extern bool delivery_queue_take(PgSession *session, int lane, const DeliveryWish *wish,
								PgResultHandler handler, void *context, Failure *failure);
extern bool delivery_queue_secure(PgSession *session, const char *standby, PgResultHandler handler,
								  void *context, Failure *failure);
extern bool delivery_queue_record(PgSession *session, int lane, const DeliveryOutcome *outcome,
								  PgResultHandler handler, void *context, Failure *failure);

/* Why it did not arrive, for people: asked before the outcome is recorded. */
extern bool delivery_queue_note(PgSession *session, int lane, const DeliveryOutcome *outcome,
								PgResultHandler handler, void *context, Failure *failure);

/* Record and take in one transaction. */
extern bool delivery_queue_next(PgSession *session, int lane, const DeliveryOutcome *outcome,
								const DeliveryWish *wish, PgResultHandler handler, void *context,
								Failure *failure);

/* How to read the answers. */
extern DeliveryTurn delivery_queue_read_turn(const PGresult *result);
extern DeliveryLane delivery_queue_read_lane(const PGresult *result, int row);
extern bool delivery_queue_read_claim(const PGresult *result); /* of lock, unlock, secure, record */
extern bool delivery_queue_read_item(const PGresult *result, DeliveryItem *item); /* false: none */

/* Of next: whether the outcome counted; whether the next message is to be asked for once more. */
extern bool delivery_queue_read_recorded(const PGresult *result);
extern bool delivery_queue_read_again(const PGresult *result);

#endif
