/*
 * late_owner.h
 *		How long the code of each owner was late in this transaction.
 */
#ifndef CASESYNC_LATE_OWNER_H
#define CASESYNC_LATE_OWNER_H

#include "postgres.h"

/* An error for who was late for thrice casesync.render_timeout. */
extern void owner_must_have_time(Oid owner);

/* A query of his took that long and failed for it. */
extern void owner_was_late(Oid owner, int milliseconds);

#endif /* CASESYNC_LATE_OWNER_H */
