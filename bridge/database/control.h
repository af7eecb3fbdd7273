/*
 * control.h
 *		The control connection: hears the doorbell and knows who this node is and whether it may
 *		act. Knows nothing of what is then done.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>

#include "config/config.h"
#include "base/event_loop.h"
#include "base/failure.h"
#include "base/log.h"
#include "database/told_journal.h"

typedef struct Control Control;

/* What casesync_internal.bridge_start said last. */
typedef struct ControlNode
{
	bool is_connected;
	bool is_known; /* the node has an identity and this bridge was registered */
	bool is_paused;
	char sender_id[256];
	char paused_reason[256];
	char unknown_reason[256]; /* why not known; empty when known or not asked yet */
	char *key_ids;			  /* text of an array; "{}" = any key */
} ControlNode;

typedef struct ControlHandlers
{
	void (*changed)(void *context);	 /* some member of the node is different now */
	void (*doorbell)(void *context); /* somebody rang, or may have while nobody listened */
} ControlHandlers;

/* journal: NULL when none is kept. */
extern Control *control_new(EventLoop *loop, const Log *log, const Config *const *config,
							ToldJournal *journal, const ControlHandlers *handlers, void *context,
							Failure *failure);
extern void control_free(Control *control);

extern const ControlNode *control_node(const Control *control);

/* May messages be signed with this key? An empty list of key_ids does not restrict. */
extern bool control_lists_key(const Control *control, const char *kid);

#endif
