/*
 * late_owner.c
 *		How long the code of each owner was late in this transaction. Must not know what it is.
 *
 * Each query of an owner has a limit, but a turn of the router asks many: an owner who is late with
 * all of them gets no more than thrice the time of one, or nobody else would be routed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "base/late_owner.h"
#include "base/settings.h"
#include "base/time_budget.h"

typedef struct LateOwner
{
	Oid owner;
	int64 milliseconds;
	TimestampTz transaction;
} LateOwner;

static LateOwner late_owners[16];

static LateOwner *
late_owner(Oid owner)
{
	TimestampTz transaction = GetCurrentTransactionStartTimestamp();
	LateOwner *place = &late_owners[0];

	for (int i = 0; i < (int) lengthof(late_owners); i++)
	{
		if (late_owners[i].owner == owner && late_owners[i].transaction == transaction)
			return &late_owners[i];
		if (late_owners[i].transaction != transaction ||
			(place->transaction == transaction &&
			 late_owners[i].milliseconds < place->milliseconds))
			place = &late_owners[i];
	}
	*place = (LateOwner){owner, 0, transaction};
	return place;
}

void
owner_must_have_time(Oid owner)
{
	if (casesync_render_timeout > 0 &&
		late_owner(owner)->milliseconds / 3 >= casesync_render_timeout)
		ereport(ERROR, (errcode(ERRCODE_CASESYNC_TOO_SLOW),
						errmsg("other subjects took all the time there was")));
}

void
owner_was_late(Oid owner, int milliseconds)
{
	late_owner(owner)->milliseconds += milliseconds;
}
