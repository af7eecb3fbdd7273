/*
 * proven_person.c
 *		Who the running transaction is proven to be made by. Must not know how that is proven.
 *
 * It is C state and no setting: any role could claim to be somebody with a setting, and a setting
 * of a session that has not loaded this library yet is whatever the role wrote.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "pgstat.h"
#include "utils/timestamp.h"

#include "base/proven_person.h"

PG_FUNCTION_INFO_V1(casesync_prove_person);
PG_FUNCTION_INFO_V1(casesync_proven_person);

static Oid proven_schema = InvalidOid; /* whose numbers of people it is; invalid: nobody */
static int64 proven_person;
static TimestampTz proven_until;
static SubTransactionId proven_in;

static void
proven_at_transaction_event(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		proven_schema = InvalidOid;
}

static void
proven_at_subtransaction_event(SubXactEvent event, SubTransactionId subtransaction,
							   SubTransactionId parent, void *argument)
{
	if (proven_in != subtransaction)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		proven_in = parent;
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		proven_schema = InvalidOid;
}

void
proven_person_init(void)
{
	RegisterXactCallback(proven_at_transaction_event, NULL);
	RegisterSubXactCallback(proven_at_subtransaction_event, NULL);
}

bool
proven_person_is_known(void)
{
	return OidIsValid(proven_schema);
}

/*
 * casesync_internal.prove_person(schema, person, until): until the running (sub)transaction ends.
 * One person in a transaction: else what one may not read could be written down as the other.
 */
Datum
casesync_prove_person(PG_FUNCTION_ARGS)
{
	Oid schema = PG_GETARG_OID(0);
	int64 person = PG_GETARG_INT64(1);
	bool is_known = proven_person_is_known();

	if (!OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("a person is proven for a schema")));
	if (is_known && (proven_schema != schema || proven_person != person))
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("this transaction is another person's already"),
						errhint("COMMIT;  -- and begin one for this person")));
	proven_schema = schema;
	proven_person = person;
	proven_until = PG_GETARG_TIMESTAMPTZ(2);
	if (!is_known)
		proven_in = GetCurrentSubTransactionId();
	/* A token in the statement's text is shown to all sessions of the portal's role. */
	pgstat_report_activity(STATE_RUNNING, "SELECT as_person('...');");
	PG_RETURN_VOID();
}

/* casesync.proven_person(schema) → the person's number there, or NULL */
Datum
casesync_proven_person(PG_FUNCTION_ARGS)
{
	Oid schema = get_namespace_oid(NameStr(*PG_GETARG_NAME(0)), true);

	if (!proven_person_is_known() || proven_schema != schema)
		PG_RETURN_NULL();
	if (GetCurrentTimestamp() >= proven_until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("the time of this transaction's person is over"),
						errhint("ROLLBACK;  -- and begin again with a new token")));
	PG_RETURN_INT64(proven_person);
}
