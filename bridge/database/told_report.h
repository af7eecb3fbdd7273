/*
 * told_report.h
 *		Tells the database what partners were told, from the journal: where it stands at the start,
 *		and all of it to a database that has forgotten. Knows nothing of what then happens.
 */
#ifndef TOLD_REPORT_H
#define TOLD_REPORT_H

#include <stdbool.h>

#include "base/log.h"
#include "database/pg_session.h"
#include "database/told_journal.h"

typedef struct ToldReport
{
	const Log *log;
	PgSession *session;
	ToldJournal *journal; /* NULL: there is none */
	ToldPlace place;
	bool is_running;
} ToldReport;

typedef enum ToldStep
{
	TOLD_NAME,	  /* which journal this is, to get its key */
	TOLD_NEWEST,  /* with what was told last */
	TOLD_SETTLED, /* the database has heard that already */
} ToldStep;

/* The argument of bridge_start(), to be freed; NULL when out of memory. */
extern char *told_report_text(const ToldReport *report, ToldStep step);

/* Hands the whole journal over and forgets it then. Nothing when it is on its way already. */
extern void told_report_all(ToldReport *report);

/* The session is lost, and what was on its way with it. */
extern void told_report_lost(ToldReport *report);

#endif
