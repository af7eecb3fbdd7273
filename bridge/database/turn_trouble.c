/*
 * turn_trouble.c
 *		Tells the database which turns fail. Must not decide what is done about it.
 */
#include "database/turn_trouble.h"

#include <stdio.h>

#include "database/sql_call.h"

/* Where this fails too, /readyz still says what fails; that it passed is said once more. */
static void
trouble_told(void *context, const PGresult *result, const Failure *failure)
{
	TurnTrouble *trouble = context;

	(void) failure;
	if (result == NULL)
		trouble->is_taken_back = false;
}

static void
trouble_tell(TurnTrouble *trouble, PgSession *session, const char *reason)
{
	const PgParam params[] = {PG_TEXT(trouble->turn), PG_TEXT(reason)};
	Failure failure;

	if (!pg_session_query(session, SQL_CALL(CALL_TURN_TROUBLE), params, trouble_told, trouble,
						  &failure))
		trouble->is_taken_back = false;
}

void
turn_trouble_failed(TurnTrouble *trouble, PgSession *session, const Failure *failure)
{
	if (!pg_session_is_connected(session))
		return;
	snprintf(trouble->text, sizeof(trouble->text), "%s fails: %s", trouble->turn, failure->text);
	trouble->is_taken_back = false;
	trouble_tell(trouble, session, failure->text);
}

void
turn_trouble_passed(TurnTrouble *trouble, PgSession *session)
{
	trouble->text[0] = '\0';
	if (trouble->is_taken_back)
		return;
	trouble->is_taken_back = true;
	trouble_tell(trouble, session, NULL);
}

void
turn_trouble_forget(TurnTrouble *trouble)
{
	trouble->text[0] = '\0';
	trouble->is_taken_back = false;
}

const char *
turn_trouble_text(const TurnTrouble *trouble)
{
	return trouble->text[0] != '\0' ? trouble->text : NULL;
}
