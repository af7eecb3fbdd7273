/*
 * own_relation.h
 *		Finding casesync's own tables and reading them from C.
 *
 * Applications have no rights on these tables and need none: nothing here checks permissions.
 */
#ifndef CASESYNC_OWN_RELATION_H
#define CASESYNC_OWN_RELATION_H

#include "access/htup.h"
#include "access/tupdesc.h"

/* The OID of casesync.NAME, or InvalidOid. */
extern Oid own_relation_find(const char *name);

/* Likewise, but a missing table is an error that says how to mend it. */
extern Oid own_relation_get(const char *name);

/*
 * The value of a column found by name; a column that does not exist counts as NULL, one of another
 * type is an error.
 */
extern Datum own_relation_value(HeapTuple tuple, TupleDesc descriptor, const char *column, Oid type,
								bool *is_null);

#endif /* CASESYNC_OWN_RELATION_H */
