/*
 * record_wire.c
 *		The form in which a record goes over the wire, and its keyed hash.
 *
 * The form is such that sorted-key JSON of any library is the same bytes (RFC 8785).
 * Must not know what a record means.
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "base/pg_compat.h"
#include "record/record_limits.h"

PG_FUNCTION_INFO_V1(casesync_wire);
PG_FUNCTION_INFO_V1(casesync_keyed_hash);
PG_FUNCTION_INFO_V1(casesync_content_hash);

#define HASH_KEY_LENGTH_MIN 16

/* Beyond this a double, as JSON libraries keep it, no longer holds every integer. */
#define INTEGER_MAX INT64CONST(9007199254740991)

static void wire_value(JsonbValue *value, int depth);

static void
check_text(const JsonbValue *string)
{
	if (string->val.string.len > RECORD_TEXT_LENGTH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a text of the record is too long to be sent"),
				 errdetail("It has %d bytes; at most %d are sent.", string->val.string.len,
						   RECORD_TEXT_LENGTH_MAX),
				 errhint("Leave the attribute out of the registry's view, or shorten it there.")));
}

static void
check_key(const JsonbValue *key)
{
	int i;

	check_text(key);
	for (i = 0; i < key->val.string.len; i++)
	{
		if (IS_HIGHBIT_SET(key->val.string.val[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the attribute name \"%.*s\" is not ASCII",
							pg_mbcliplen(key->val.string.val, key->val.string.len, 100),
							key->val.string.val),
					 errdetail("Names are sent in ASCII so that every partner sorts and signs them "
							   "alike."),
					 errhint("Rename the attribute in the registry's view.")));
	}
}

/* Whole numbers that every library reads exactly stay numbers; all others become text. */
static void
wire_number(JsonbValue *value)
{
	Numeric number = value->val.numeric;
	Datum whole = DirectFunctionCall2(numeric_trunc, NumericGetDatum(number), Int32GetDatum(0));
	Datum limit = NumericGetDatum(int64_to_numeric(INTEGER_MAX));
	Datum size = DirectFunctionCall1(numeric_abs, whole);
	char *digits;

	if (DatumGetBool(DirectFunctionCall2(numeric_eq, whole, NumericGetDatum(number))) &&
		DatumGetBool(DirectFunctionCall2(numeric_le, size, limit)))
	{
		value->val.numeric = DatumGetNumeric(whole);
		return;
	}
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	value->type = jbvString;
	value->val.string.val = digits;
	value->val.string.len = strlen(digits);
	check_text(value);
}

static void
wire_object(JsonbValue *value, int depth)
{
	JsonbContainer *object = value->val.binary.data;
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbPair *pairs = palloc(sizeof(JsonbPair) * Max(JsonContainerSize(object), 1));
	JsonbValue token;
	int count = 0;

	JsonbIteratorNext(&iterator, &token, true);
	while (JsonbIteratorNext(&iterator, &pairs[count].key, true) == WJB_KEY)
	{
		check_key(&pairs[count].key);
		JsonbIteratorNext(&iterator, &pairs[count].value, true);
		wire_value(&pairs[count].value, depth);
		pairs[count].order = count;
		if (++count == JsonContainerSize(object))
			break;
	}
	value->type = jbvObject;
	value->val.object.nPairs = count;
	value->val.object.pairs = pairs;
}

static void
wire_list(JsonbValue *value, int depth)
{
	JsonbContainer *list = value->val.binary.data;
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue *elements = palloc(sizeof(JsonbValue) * Max(JsonContainerSize(list), 1));
	JsonbValue token;
	int count;

	JsonbIteratorNext(&iterator, &token, true);
	for (count = 0; count < JsonContainerSize(list); count++)
	{
		JsonbIteratorNext(&iterator, &elements[count], true);
		wire_value(&elements[count], depth);
	}
	value->type = jbvArray;
	value->val.array.nElems = count;
	value->val.array.elems = elements;
	value->val.array.rawScalar = false;
}

static void
wire_value(JsonbValue *value, int depth)
{
	check_stack_depth();
	if (value->type == jbvString)
		check_text(value);
	else if (value->type == jbvNumeric)
		wire_number(value);
	else if (value->type == jbvBinary)
	{
		if (++depth > RECORD_DEPTH_MAX)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("the record is nested too deeply to be sent"),
							errdetail("At most %d levels are sent, so that a whole message has no "
									  "more than 32.",
									  RECORD_DEPTH_MAX)));
		if (JsonContainerIsObject(value->val.binary.data))
			wire_object(value, depth);
		else
			wire_list(value, depth);
	}
}

/* wire(record jsonb) → jsonb */
Datum
casesync_wire(PG_FUNCTION_ARGS)
{
	Jsonb *record = PG_GETARG_JSONB_P(0);
	JsonbValue value;

	if (!JB_ROOT_IS_OBJECT(record))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a record must be a JSON object"),
				 errhint("Build it with casesync.member(), person(), group_record() or "
						 "beneficiary().")));
	value.type = jbvBinary;
	value.val.binary.data = &record->root;
	value.val.binary.len = VARSIZE(record) - VARHDRSZ;
	wire_value(&value, 0);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&value));
}

static bytea *
hash_bytes(const bytea *key, const char *content, int length)
{
	bytea *hash = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_hmac_ctx *context;
	bool done;

	if (VARSIZE_ANY_EXHDR(key) < HASH_KEY_LENGTH_MIN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the key of a keyed hash is too short"),
						errdetail("It has %d bytes; at least %d are needed.",
								  (int) VARSIZE_ANY_EXHDR(key), HASH_KEY_LENGTH_MIN)));
	context = pg_hmac_create(PG_SHA256);
	done = context != NULL &&
		   pg_hmac_init(context, (uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) >= 0 &&
		   pg_hmac_update(context, (const uint8 *) content, length) >= 0 &&
		   pg_hmac_final(context, (uint8 *) VARDATA(hash), PG_SHA256_DIGEST_LENGTH) >= 0;
	pg_hmac_free(context);
	if (!done)
		elog(ERROR, "could not compute a keyed hash");
	SET_VARSIZE(hash, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	return hash;
}

/* keyed_hash(key bytea, record jsonb) → bytea: HMAC-SHA256 over the text of the jsonb */
Datum
casesync_keyed_hash(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	Jsonb *record = PG_GETARG_JSONB_P(1);
	StringInfoData canonical;

	initStringInfo(&canonical);
	JsonbToCString(&canonical, &record->root, VARSIZE(record));
	PG_RETURN_BYTEA_P(hash_bytes(key, canonical.data, canonical.len));
}

/*
 * content_hash(key bytea, content jsonb) → bytea: HMAC-SHA256 over the jsonb as it is in memory, in
 * which members have one order. No text is made of it: a number of a few bytes may have thousands
 * of digits.
 */
Datum
casesync_content_hash(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	Jsonb *content = PG_GETARG_JSONB_P(1);

	PG_RETURN_BYTEA_P(hash_bytes(key, VARDATA(content), VARSIZE(content) - VARHDRSZ));
}
