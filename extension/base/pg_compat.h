/*
 * pg_compat.h
 *		Differences between the PostgreSQL versions casesync supports (15 to 18).
 *
 * This is the only file that names PG_VERSION_NUM.
 */
#ifndef CASESYNC_PG_COMPAT_H
#define CASESYNC_PG_COMPAT_H

#include "fmgr.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error "casesync needs PostgreSQL 15 or newer"
#endif

/* Before 18 the attribute stood behind a declaration, under another name. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* Soft errors of input functions came with 16; before, every error is hard. */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...)                                                         \
	do                                                                                             \
	{                                                                                              \
		(void) (context);                                                                          \
		ereport(ERROR, __VA_ARGS__);                                                               \
		return dummy_value;                                                                        \
	} while (0)
#endif

/* One ownership check for all kinds of objects came with 16. */
#if PG_VERSION_NUM < 160000
#define relation_is_owned_by(relation, role) pg_class_ownercheck(relation, role)
#else
#define relation_is_owned_by(relation, role) object_ownercheck(RelationRelationId, relation, role)
#endif

/* Since 17 it can also be asked for a stronger lock. */
#if PG_VERSION_NUM < 170000
#define lock_is_held(tag, mode) LockHeldByMe(tag, mode)
#else
#define lock_is_held(tag, mode) LockHeldByMe(tag, mode, false)
#endif

/* At once or not at all, and without an error when the lock table is full. */
#if PG_VERSION_NUM < 180000
#define lock_acquire_quietly(tag, mode) LockAcquireExtended(tag, mode, false, true, false, NULL)
#else
#define lock_acquire_quietly(tag, mode)                                                            \
	LockAcquireExtended(tag, mode, false, true, false, NULL, false)
#endif

/* Before 18 a portal could be run more than once. */
#if PG_VERSION_NUM < 180000
#define executor_run_all(query) ExecutorRun(query, ForwardScanDirection, 0, true)
#else
#define executor_run_all(query) ExecutorRun(query, ForwardScanDirection, 0)
#endif

#endif /* CASESYNC_PG_COMPAT_H */
