/*
 * change.h
 *		One captured row change, as it travels from the trigger to the log.
 *
 * It knows nothing of triggers, tables or caches.
 */
#ifndef CASESYNC_CHANGE_H
#define CASESYNC_CHANGE_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "utils/jsonb.h"

/* The operation is one letter, as in the log. */
#define CHANGE_INSERT 'I'
#define CHANGE_UPDATE 'U'
#define CHANGE_DELETE 'D'
#define CHANGE_GAP 'G' /* capture was off: something was written and not recorded */

typedef struct Change
{
	int64 id; /* rising within a transaction, see change_id_next() */
	FullTransactionId xid;
	int32 era;
	CommandId command;
	Oid relation; /* the table that was written, maybe a partition */
	char operation;
	int32 tracking;
	const char *key;	 /* NULL when the key column is NULL, or for a gap */
	const char *old_key; /* NULL unless the key changed */
	Jsonb *changed;		 /* NULL unless an update */
	const char *actor;
	const char *channel;
	const char *session_user_name;
	int64 origin; /* 0 = the application itself */
	TimestampTz at;
} Change;

#endif /* CASESYNC_CHANGE_H */
