/*
 * api_fenced.c
 *		A fence for an answer, and the word to the session that made it when it has left. A session
 *		that cannot be told ends, and with it what it holds. Must not know what is answered.
 */
#include "api/api_fenced.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api_shared.h"
#include "database/fence.h"

struct ApiFenced
{
	const Api *api;
	PgSession *session; /* until the Api closes */
	Fence fence;
	char lane[16]; /* "": not under way */
};

static const char cannot_tell[] = "it could not be told that an answer has left";

ApiFenced *
api_fenced_new(const Api *api, PgSession *session)
{
	ApiFenced *fenced = calloc(1, sizeof(ApiFenced));

	if (fenced == NULL)
		return NULL;
	fenced->api = api;
	fenced->session = session;
	fence_prepare(&fenced->fence, ANSWER_TIMEOUT_MS);
	return fenced;
}

void
api_fenced_raise(ApiFenced *fenced, const char *lane)
{
	fence_raise(&fenced->fence, fenced->session);
	snprintf(fenced->lane, sizeof(fenced->lane), "%s", lane != NULL ? lane : "");
}

bool
api_fenced_is_raised(const ApiFenced *fenced)
{
	return fenced->lane[0] != '\0';
}

bool
api_fenced_may_leave(void *context, bool is_first)
{
	const ApiFenced *fenced = context;

	if (api_is_closing(fenced->api))
		return false;
	return is_first ? fence_lets_begin(&fenced->fence) : fence_lets_go_on(&fenced->fence);
}

static void
fenced_left(void *context, const PGresult *result, const Failure *failure)
{
	PgSession *session = context;

	(void) failure;
	if (result == NULL && pg_session_is_connected(session))
		pg_session_end(session, cannot_tell);
}

/* Another connection knows nothing of it; with the one that did its lock has ended too. */
static bool
fenced_is_to_tell(const ApiFenced *fenced)
{
	return api_fenced_is_raised(fenced) && !api_is_closing(fenced->api) &&
		   pg_session_epoch(fenced->session) == fenced->fence.epoch &&
		   pg_session_is_connected(fenced->session);
}

void
api_fenced_end(void *context)
{
	ApiFenced *fenced = context;
	PgParam params[1];
	Failure failure;

	if (fenced == NULL)
		return;
	params[0] = PG_TEXT(fenced->lane);
	if (fenced_is_to_tell(fenced) &&
		!pg_session_query(fenced->session, SQL_CALL(CALL_ANSWER_LEFT), params, fenced_left,
						  fenced->session, &failure))
		pg_session_end(fenced->session, cannot_tell);
	free(fenced);
}
