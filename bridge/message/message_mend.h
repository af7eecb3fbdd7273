/*
 * message_mend.h
 *		A message in forms of the table of odd_form.c, into the standard's own. What cannot be
 *		mended stays as it is, for message_check to refuse. Pure; knows no partner.
 */
#ifndef MESSAGE_MEND_H
#define MESSAGE_MEND_H

#include "message/message_check.h"
#include "message/odd_form.h"

/* Before it is decrypted: header.is_msg_encrypted. */
extern void message_mend_flag(json_t *envelope, OddForms *found);

/*
 * What a message at the path of an action is by its own: some have one address for all that is told
 * them unasked, so an answer or a notification is taken at the path of every other.
 */
extern MessageAction message_mend_path(const json_t *envelope, MessageAction path, OddForms *found);

/*
 * Of an answer that names the sides as its question did, or none: ours and theirs are who we are
 * and who brings it. Changed before it is checked.
 */
extern void message_mend_sides(json_t *envelope, MessageAction action, const char *ours,
							   const char *theirs, OddForms *found);

/* Change header and message in place; plain as in message_check. found->is_any: there was one. */
extern void message_mend(json_t *envelope, json_t *plain, MessageAction action, OddForms *found);

/* {"header": …, "message": …} as they are now. False when it does not fit, or out of memory. */
extern bool message_mend_write(const json_t *envelope, const json_t *plain, Buffer *text);

#endif
