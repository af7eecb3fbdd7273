/*
 * lane.h
 *		One lane: the order of delivery to one address of a partner, one message in flight. Knows
 *		how a message is taken, sent and recorded, not when there is one.
 */
#ifndef LANE_H
#define LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "config/config.h"
#include "database/told_journal.h"
#include "delivery/delivery_queue.h"
#include "database/fence.h"
#include "message/message_response.h"
#include "net/sender.h"
#include "token/token_client.h"

typedef struct LaneParts
{
	EventLoop *loop;
	const Log *log;
	const Config *const *config; /* read anew at each use: a reload changes it */
	PgSession *session;			 /* of delivery alone; its owner passes connected and lost on */
	Sender *sender;
	TokenClient *tokens;
	ToldJournal *journal; /* NULL: none is kept */
	ResponseTake take_response;
	void *response_context;
} LaneParts;

typedef struct Prober Prober;

/* What all lanes share. */
typedef struct LaneCommon
{
	LaneParts parts;
	Prober *prober;		 /* is told of lanes that rest */
	const KeyRing *keys; /* NULL: nothing is taken */
	DeliveryTurn turn;	 /* likewise while it has no number */
	Timer *timer;		 /* to look again */
	int in_flight;		 /* lanes that are not idle */
	bool is_stopping;
	void (*changed)(void *context); /* a lane has become idle */
	void *context;
} LaneCommon;

/* What the lanes of one partner share. */
typedef struct LaneParty
{
	SLIST_ENTRY(LaneParty) entry;
	int in_flight;		   /* of its lanes */
	int failing_in_flight; /* those of them whose last message did not arrive */
	char partner[256];
} LaneParty;

typedef enum LaneState
{
	LANE_IDLE,
	LANE_LOCKING, /* or unlocking */
	LANE_TAKING,
	LANE_SECURING, /* until the standby has what is to be said */
	LANE_ASKING,   /* the partner for a token */
	LANE_SENDING,
	LANE_READING, /* the partner's response is judged and stored */
	LANE_RECORDING
} LaneState;

/* Where and how one message is sent. */
typedef enum LaneText
{
	LANE_URL,
	LANE_TLS_NAME,
	LANE_TOKEN_URL,
	LANE_CLIENT_ID,
	LANE_SECRET_NAME,
	LANE_JOURNAL,
	LANE_TEXTS
} LaneText;

typedef struct Lane
{
	LaneCommon *common;
	LaneParty *party;
	int number;
	LaneState state;
	bool is_locked;
	bool is_wanted;		/* something may be due */
	bool is_failing;	/* the last message did not arrive; changes only while the lane is idle */
	bool is_one_by_one; /* an outcome could not be told and the next message taken at once */
	bool has_outcome;	/* not yet known to the database; survives a lost connection */
	DeliveryOutcome outcome;
	Buffer body;
	AddressList networks;
	char *texts[LANE_TEXTS];  /* of the message that is being sent; NULL where it has none */
	bool is_token_from_store; /* it may have been refused meanwhile */
	bool has_left;			  /* some of it may have: it is written down, if there is a journal */
	bool is_unwritten;		  /* for this reason */
	Failure unwritten;
	Fence fence;
	int attempt;
	bool status_is_ack;
	int64_t answered_ms; /* how long the partner took for the response that is read */
	int troubles; /* with the database, one after another: it is not to be asked in a circle */
	int64_t rest_until;
} Lane;

/* NULL when out of memory. */
extern Lane *lane_new(LaneCommon *common, LaneParty *party, int number);
extern void lane_free(Lane *lane);

/*
 * Begins what an idle lane does next; false = nothing now. With a place it may send a message after
 * an outcome without letting others go before.
 */
extern bool lane_step(Lane *lane, int64_t now, bool has_place);

#endif
