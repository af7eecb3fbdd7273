/*
 * mapped_code.c
 *		What a local word means: one look by the key. Must not know who asks.
 *
 * A view asks it for each code of each record that is rendered: a statement would take ten times as
 * long.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/own_relation.h"

#define KEY_COLUMNS 3

PG_FUNCTION_INFO_V1(casesync_mapped_code);

static void
word_key(ScanKey key, Relation words, const char *column, Datum value)
{
	AttrNumber number = get_attnum(RelationGetRelid(words), column);

	if (number == InvalidAttrNumber)
		elog(ERROR, "casesync_internal.crosswalk_word has no column %s", column);
	ScanKeyEntryInitialize(key, 0, number, BTEqualStrategyNumber, InvalidOid,
						   TupleDescAttr(RelationGetDescr(words), number - 1)->attcollation,
						   F_TEXTEQ, value);
}

/* Where the index is gone all words are read. */
Datum
casesync_mapped_code(PG_FUNCTION_ARGS)
{
	Relation words = table_open(own_relation_get("crosswalk_word"), AccessShareLock);
	Oid index = own_relation_find("crosswalk_word_pkey");
	ScanKeyData keys[KEY_COLUMNS];
	SysScanDesc scan;
	HeapTuple word;
	text *code = NULL;

	word_key(&keys[0], words, "list", PG_GETARG_DATUM(0));
	word_key(&keys[1], words, "directory", PG_GETARG_DATUM(1));
	word_key(&keys[2], words, "word", PG_GETARG_DATUM(2));
	scan =
		systable_beginscan(words, index, OidIsValid(index), GetActiveSnapshot(), KEY_COLUMNS, keys);
	word = systable_getnext(scan);
	if (HeapTupleIsValid(word))
	{
		bool is_null;
		Datum value = own_relation_value(word, RelationGetDescr(words), "code", TEXTOID, &is_null);

		if (!is_null)
			code = DatumGetTextPCopy(value);
	}
	systable_endscan(scan);
	table_close(words, AccessShareLock);

	if (code == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(code);
}
