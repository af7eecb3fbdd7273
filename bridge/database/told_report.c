/*
 * told_report.c
 *		The journal in pieces that a statement can take. Must not judge what the database knows.
 */
#include "database/told_report.h"

#include <stdlib.h>

#include "database/sql_call.h"

#define NEWEST_BYTES (1024 * 1024)
#define PIECE_BYTES (512 * 1024)

static void report_next(ToldReport *report);

char *
told_report_text(const ToldReport *report, ToldStep step)
{
	Buffer entries;
	Buffer text;
	bool is_whole;

	buffer_init(&entries, NEWEST_BYTES);
	buffer_init(&text, NEWEST_BYTES + 1024);
	is_whole = buffer_append_char(&text, '{');
	if (report->journal != NULL)
		is_whole =
			is_whole && buffer_printf(&text, "\"bridge\":\"%s\"", told_journal_id(report->journal));
	if (report->journal != NULL && step == TOLD_NEWEST)
		told_journal_newest(report->journal, &entries);
	if (report->journal == NULL)
		is_whole = is_whole && buffer_append_text(&text, "\"messages\":[]");
	else if (step == TOLD_SETTLED)
		is_whole = is_whole && buffer_append_text(&text, ",\"settled\":true");
	else if (step == TOLD_NEWEST)
		is_whole = is_whole && buffer_append_text(&text, ",\"messages\":[") &&
				   buffer_append(&text, entries.data, entries.length) &&
				   buffer_append_char(&text, ']');
	is_whole = is_whole && buffer_append_char(&text, '}');
	buffer_free(&entries);
	if (is_whole)
		return buffer_take(&text, NULL);
	buffer_free(&text);
	return NULL;
}

static void
report_taken(void *context, const PGresult *result, const Failure *failure)
{
	ToldReport *report = context;

	if (result != NULL)
	{
		report_next(report);
		return;
	}
	report->is_running = false;
	if (pg_session_is_connected(report->session))
		log_error(report->log, "journal_not_taken", "reason", failure->text, NULL);
}

static void
report_next(ToldReport *report)
{
	Buffer entries;
	Buffer text;
	Failure failure;

	buffer_init(&entries, PIECE_BYTES);
	buffer_init(&text, PIECE_BYTES + 16);
	if (!told_journal_read(report->journal, &report->place, &entries))
	{
		told_journal_forget(report->journal);
		report->is_running = false;
		log_info(report->log, "journal_taken", NULL);
	}
	else
	{
		report->is_running = buffer_append_char(&text, '[') &&
							 buffer_append(&text, entries.data, entries.length) &&
							 buffer_append_char(&text, ']');
		if (report->is_running)
			report->is_running =
				pg_session_query(report->session, SQL_CALL(CALL_JOURNAL_TAKE), &PG_TEXT(text.data),
								 report_taken, report, &failure);
	}
	buffer_free(&entries);
	buffer_free(&text);
}

void
told_report_all(ToldReport *report)
{
	if (report->journal == NULL || report->is_running)
		return;
	log_warning(report->log, "told_was_forgotten", "journal", told_journal_id(report->journal),
				NULL);
	told_journal_turn(report->journal, true);
	report->place = (ToldPlace){0};
	report->is_running = true;
	report_next(report);
}

void
told_report_lost(ToldReport *report)
{
	report->is_running = false;
}
