/*
 * turn_trouble.h
 *		One kind of work that the bridge does again and again: whether it fails now, known to
 *		/readyz at once and to casesync.health through the database. Knows nothing of the work.
 */
#ifndef TURN_TROUBLE_H
#define TURN_TROUBLE_H

#include <stdbool.h>

#include "base/failure.h"
#include "database/pg_session.h"

typedef struct TurnTrouble
{
	const char *turn;	/* what fails, in words: "routing" */
	bool is_taken_back; /* the database knows of no failure; else one may stand there, perhaps of a
						 * bridge that is gone, and the next turn that passes takes it back */
	char text[600];		/* what fails and why; empty while it does not */
} TurnTrouble;

/* The failure is the database's; a connection that was lost is no failure of the turn. */
extern void turn_trouble_failed(TurnTrouble *trouble, PgSession *session, const Failure *failure);
extern void turn_trouble_passed(TurnTrouble *trouble, PgSession *session);

/* The turn is not ours to do any more, or not now. */
extern void turn_trouble_forget(TurnTrouble *trouble);

/* In words; NULL while it does not fail. */
extern const char *turn_trouble_text(const TurnTrouble *trouble);

#endif
