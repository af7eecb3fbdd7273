/*
 * tracking_condition.c
 *		Reads the condition of a tracking and asks rows. Must not know triggers or caches.
 *
 * It is no WHEN of the triggers: the server would refuse to change the type of a column that is
 * named there, and drop the trigger with the column.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"

#include "base/own_relation.h"
#include "base/owner_scope.h"
#include "base/row_expression.h"
#include "capture/tracking_condition.h"

struct TrackingCondition
{
	ExprState *state;
	ExprContext *context;
};

/*
 * Names are found, and rights on functions asked for, with the rights of casesync's owner: whoever
 * writes the row may have none on the schema of a type or on the functions of our types. Nothing
 * runs meanwhile; what runs, in the planner and when rows are asked, runs as whoever writes.
 */
static TrackingCondition *
condition_prepare(const TrackingRow *row, Relation relation, const AttrNumber *numbers)
{
	TrackingCondition *condition = palloc(sizeof(TrackingCondition));
	Oid owner = relation_owner(own_relation_get("tracking"));
	OwnerScope scope;
	Node *expression;

	owner_scope_enter(&scope, owner, true);
	expression = condition_of_columns(relation, row->condition, row->columns.names, numbers,
									  row->columns.count);
	owner_scope_leave(&scope);
	expression = (Node *) expression_planner((Expr *) expression);
	owner_scope_enter(&scope, owner, true);
	condition->state = ExecInitExpr((Expr *) expression, NULL);
	owner_scope_leave(&scope);
	condition->context = CreateStandaloneExprContext();
	return condition;
}

/* In a subtransaction, which gives back what the parser held when it came upon an error. */
TrackingCondition *
tracking_condition_read(const TrackingRow *row, Relation relation, const AttrNumber *numbers)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	TrackingCondition *volatile condition = NULL;

	if (row->condition == NULL)
		return NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		condition = condition_prepare(row, relation, numbers);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		int code = geterrcode();

		MemoryContextSwitchTo(caller);
		if (code == ERRCODE_QUERY_CANCELED || code == ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		condition = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return condition;
}

bool
tracking_condition_holds(const TrackingCondition *condition, TupleTableSlot *row)
{
	bool is_null;
	Datum answer;

	condition->context->ecxt_scantuple = row;
	answer = ExecEvalExprSwitchContext(condition->state, condition->context, &is_null);
	ResetExprContext(condition->context);
	return !is_null && DatumGetBool(answer);
}
