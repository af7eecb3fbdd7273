/*
 * control.c
 *		LISTEN, bridge_start and the question whether the node may act. Never in a transaction, so
 *		that the doorbell is heard at once. Must not know of routing or delivery.
 */
#include "database/control.h"

#include <stdlib.h>
#include <string.h>

#include "database/extension_version.h"
#include "database/pg_row.h"
#include "database/pg_session.h"
#include "database/sql_call.h"
#include "database/told_report.h"

#define CONTROL_STATEMENT_TIMEOUT_MS 10000

struct Control
{
	EventLoop *loop;
	const Log *log;
	const Config *const *config;
	PgSession *session;
	Timer *timer;
	ControlHandlers handlers;
	void *context;
	ControlNode node;
	ToldReport told;
	ToldStep step; /* what of the journal the database is told next */
	bool is_asking;
	bool has_complained; /* the reason why the node is not known was logged */
};

static void
text_copy(char *to, size_t size, const char *from)
{
	strncpy(to, from, size - 1);
	to[size - 1] = '\0';
}

/* Takes over what bridge_start said; true when that is news. */
static bool
control_take(Control *control, const PGresult *result)
{
	ControlNode *node = &control->node;
	bool is_paused = pg_row_is_true(result, 0, 2);
	const char *listed = pg_row_text(result, 0, 1);
	char *key_ids = strdup(listed != NULL ? listed : "{}");
	bool is_news;

	if (key_ids == NULL)
		return false;
	is_news = !node->is_known || node->is_paused != is_paused ||
			  strcmp(node->sender_id, pg_row_word(result, 0, 0)) != 0 ||
			  strcmp(node->paused_reason, pg_row_word(result, 0, 3)) != 0 ||
			  strcmp(node->key_ids, key_ids) != 0;
	free(node->key_ids);
	node->key_ids = key_ids;
	node->is_known = true;
	node->is_paused = is_paused;
	text_copy(node->sender_id, sizeof(node->sender_id), pg_row_word(result, 0, 0));
	text_copy(node->paused_reason, sizeof(node->paused_reason), pg_row_word(result, 0, 3));
	return is_news;
}

/* The node has no identity for us, or its extension and we do not belong together. */
static void
control_refuse(Control *control, const char *reason)
{
	ControlNode *node = &control->node;
	bool is_news = node->is_known || strcmp(node->unknown_reason, reason) != 0;

	if (pg_session_is_connected(control->session) && (is_news || !control->has_complained))
		log_error(control->log, "bridge_start_failed", "reason", reason, NULL);
	control->has_complained = true;
	text_copy(node->unknown_reason, sizeof(node->unknown_reason), reason);
	if (node->is_known)
	{
		node->is_known = false;
		control->handlers.changed(control->context);
	}
}

static void control_ask(Control *control);

/* What partners were told is compared before anything else; false: it is asked for first. */
static bool
control_compare(Control *control, const PGresult *result)
{
	if (control->told.journal == NULL)
		return true;
	if (pg_row_is_true(result, 0, 6))
	{
		if (!told_journal_set_key(control->told.journal, pg_row_word(result, 0, 5)))
			log_error(control->log, "journal_without_key", NULL);
		/* all that works begins anew once it is known what this database is */
		if (control->node.is_known)
		{
			control->node.is_known = false;
			control->handlers.changed(control->context);
		}
		control->step = TOLD_NEWEST;
		control_ask(control);
		return false;
	}
	if (pg_row_is_true(result, 0, 7))
		told_report_all(&control->told);
	/* a paused node has not compared yet, or waits for others that do */
	control->step = pg_row_is_true(result, 0, 2) ? TOLD_NAME : TOLD_SETTLED;
	return true;
}

static void
control_started(void *context, const PGresult *result, const Failure *failure)
{
	Control *control = context;
	ControlNode *node = &control->node;
	Failure mismatch;

	control->is_asking = false;
	/* Unknown is not active: without an answer nothing is taken, signed or routed. */
	if (result == NULL || PQntuples(result) != 1)
	{
		control_refuse(control, failure != NULL ? failure->text : "no row");
		return;
	}
	if (!extension_version_check(pg_row_word(result, 0, 4), EXTENSION_OLDEST, &mismatch))
	{
		control_refuse(control, mismatch.text);
		return;
	}
	/* no name: it is not this bridge's node, which neither answers here nor takes anything */
	if (pg_row_text(result, 0, 0) == NULL)
	{
		control_refuse(control, pg_row_word(result, 0, 3));
		return;
	}
	node->unknown_reason[0] = '\0';
	control->has_complained = false;
	if (!control_compare(control, result))
		return;
	if (!control_take(control, result))
		return;
	if (node->is_paused)
		log_warning(control->log, "node_paused", "reason", node->paused_reason, NULL);
	else
		log_info(control->log, "node_active", "node", node->sender_id, NULL);
	control->handlers.changed(control->context);
}

static void
control_ask(Control *control)
{
	char *told;
	Failure failure;

	if (control->is_asking)
		return;
	told = told_report_text(&control->told, control->step);
	if (told != NULL)
	{
		const PgParam params[] = {PG_TEXT((*control->config)->node_id), PG_TEXT(CASESYNC_VERSION),
								  PG_TEXT(told)};

		control->is_asking = pg_session_query(control->session, SQL_CALL(CALL_BRIDGE_START), params,
											  control_started, control, &failure);
	}
	free(told);
}

/* Whoever rang before the LISTEN was done was not heard. */
static void
control_listening(void *context, const PGresult *result, const Failure *failure)
{
	Control *control = context;

	if (result != NULL)
		control->handlers.doorbell(control->context);
	else if (pg_session_is_connected(control->session))
		log_error(control->log, "listen_failed", "reason", failure->text, NULL);
}

static void
control_connected(void *context)
{
	static const PgStatement listen = {"LISTEN casesync", 0};
	Control *control = context;
	Failure failure;

	control->node.is_connected = true;
	control->has_complained = false;
	/* it may be another server, or the same one with last night's content */
	control->step = TOLD_NAME;
	told_report_lost(&control->told);
	/* before LISTEN, whose answer rings the bell: by then it is known whether we may act */
	control_ask(control);
	(void) pg_session_query(control->session, &listen, NULL, control_listening, control, &failure);
	control->handlers.changed(control->context);
}

static void
control_lost(void *context)
{
	Control *control = context;

	control->is_asking = false;
	control->node.is_connected = false;
	/* other sessions may be back before this one, at a database that has to be compared first */
	if (control->told.journal != NULL)
		control->node.is_known = false;
	control->handlers.changed(control->context);
}

static bool
control_may_act(const Control *control)
{
	return control->node.is_known && !control->node.is_paused;
}

static void
control_notified(void *context)
{
	Control *control = context;

	/* the bell of a paused node may be its resume(); that a node is paused is found by the poll */
	if (!control_may_act(control))
		control_ask(control);
	control->handlers.doorbell(control->context);
}

/* Also finds out that the node was paused: nobody has to ring for that. */
static void
control_poll(void *context)
{
	Control *control = context;

	timer_set(control->timer, (*control->config)->poll_interval_ms);
	control_ask(control);
}

Control *
control_new(EventLoop *loop, const Log *log, const Config *const *config, ToldJournal *journal,
			const ControlHandlers *handlers, void *context, Failure *failure)
{
	const PgSessionHandlers session_handlers = {
		.connected = control_connected, .lost = control_lost, .notified = control_notified};
	const PgSessionSettings settings = {.conninfo = (*config)->database,
										.name = "control",
										.connect_timeout_ms = PG_SESSION_CONNECT_MS,
										.statement_timeout_ms = CONTROL_STATEMENT_TIMEOUT_MS};
	Control *control = calloc(1, sizeof(Control));

	if (control == NULL)
		goto failed;
	control->loop = loop;
	control->log = log;
	control->config = config;
	control->handlers = *handlers;
	control->context = context;
	control->node.key_ids = strdup("{}");
	control->timer = timer_new(loop, control_poll, control);
	if (control->timer == NULL || control->node.key_ids == NULL)
		goto failed;
	control->session = pg_session_new(loop, log, &settings, &session_handlers, control, failure);
	if (control->session == NULL)
		goto failed;
	control->told = (ToldReport){.log = log, .session = control->session, .journal = journal};
	timer_set(control->timer, (*config)->poll_interval_ms);
	return control;

failed:
	failure_set(failure, FAILURE_MEMORY, "out of memory");
	control_free(control);
	return NULL;
}

void
control_free(Control *control)
{
	if (control == NULL)
		return;
	pg_session_free(control->session);
	timer_free(control->timer);
	free(control->node.key_ids);
	free(control);
}

const ControlNode *
control_node(const Control *control)
{
	return &control->node;
}

/* key_ids is PostgreSQL's array text; a thumbprint has no character that would be quoted there. */
bool
control_lists_key(const Control *control, const char *kid)
{
	const char *at = control->node.key_ids;
	size_t length = strlen(kid);

	if (strcmp(at, "{}") == 0)
		return true;
	while ((at = strstr(at, kid)) != NULL)
	{
		if (strchr("{,\"", at[-1]) != NULL && strchr("},\"", at[length]) != NULL)
			return true;
		at += length;
	}
	return false;
}
