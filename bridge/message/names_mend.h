/*
 * names_mend.h
 *		Members under other names, and words for how often, in forms of the table, into the
 *		standard's own.
 */
#ifndef NAMES_MEND_H
#define NAMES_MEND_H

#include "message/message_check.h"
#include "message/odd_form.h"

/* message_id: what an id that is missing is made of. */
extern void names_mend(json_t *message, MessageAction action, const char *message_id,
					   OddForms *found);

/* criteria.frequency; no object may stand there. */
extern void frequency_mend(json_t *criteria, const char *path, OddForms *found);

#endif
