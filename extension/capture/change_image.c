/*
 * change_image.c
 *		Compares the rows before and after a change and writes down what differs. Must not know
 *		triggers, transactions or the log.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

#include "capture/change_difference.h"
#include "capture/change_image.h"

/* A longer value is not copied into the log; only that it changed. */
#define VALUE_MAX_BYTES 256

/*
 * Values are written down in one form, whatever the application's session has set: routing compares
 * keys as texts and reads them as other sessions. Mostly the settings are right already, and then
 * the costly nest level of settings is saved.
 */
int
change_image_begin(void)
{
	int level;

	if (DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_POSTGRES &&
		extra_float_digits > 0 && bytea_output == BYTEA_OUTPUT_HEX)
		return -1;

	level = NewGUCNestLevel();
	(void) set_config_option("datestyle", "ISO", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	(void) set_config_option("intervalstyle", "postgres", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("bytea_output", "hex", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("extra_float_digits", "1", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return level;
}

void
change_image_end(int level)
{
	if (level >= 0)
		AtEOXact_GUC(true, level);
}

/*
 * Equal as stored? An update that leaves a long value alone leaves its TOAST pointer alone, so
 * bytes are compared before anything is fetched.
 */
static bool
value_is_equal(Datum old_value, Datum new_value, bool is_by_value, int16 length)
{
	if (length == -1)
	{
		struct varlena *old_stored = (struct varlena *) DatumGetPointer(old_value);
		struct varlena *new_stored = (struct varlena *) DatumGetPointer(new_value);

		if (VARSIZE_ANY(old_stored) == VARSIZE_ANY(new_stored) &&
			memcmp(old_stored, new_stored, VARSIZE_ANY(old_stored)) == 0)
			return true;
	}
	/* One of them may be compressed or have a short header and still be the same. */
	return datum_image_eq(old_value, new_value, is_by_value, length);
}

/* Of two rows whose values have been taken apart. */
static inline bool
column_differs(const ChangeImage *image, AttrNumber number, bool is_by_value, int16 length)
{
	Datum old_value = image->old_row->tts_values[number - 1];
	Datum new_value = image->new_row->tts_values[number - 1];

	if (image->old_row->tts_isnull[number - 1] || image->new_row->tts_isnull[number - 1])
		return image->old_row->tts_isnull[number - 1] != image->new_row->tts_isnull[number - 1];
	return is_by_value ? old_value != new_value
					   : !value_is_equal(old_value, new_value, is_by_value, length);
}

static bool
row_differs(const ChangeImage *image)
{
	TupleDesc descriptor = image->new_row->tts_tupleDescriptor;

	slot_getallattrs(image->old_row);
	slot_getallattrs(image->new_row);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (!attribute->attisdropped &&
			column_differs(image, attribute->attnum, attribute->attbyval, attribute->attlen))
			return true;
	}
	return false;
}

bool
change_image_compare(const ChangeImage *image, const TrackedTable *table, bool *is_changed)
{
	bool any = false;

	slot_getsomeattrs(image->old_row, table->last_number);
	slot_getsomeattrs(image->new_row, table->last_number);
	for (int i = 0; i < table->column_count; i++)
	{
		const TrackedColumn *column = &table->columns[i];

		is_changed[i] = column->number != 0 &&
						column_differs(image, column->number, column->is_by_value, column->length);
		any |= is_changed[i];
	}
	return any || (table->misses_columns && row_differs(image));
}

static char *
value_text(const TrackedColumn *column, Datum value)
{
	/* The output function may want to keep its own state in fn_extra, hence not const. */
	return OutputFunctionCall((FmgrInfo *) &column->output, value);
}

/* Too long for the log? Told from the stored size where that is enough. */
static bool
value_is_long(const TrackedColumn *column, Datum value)
{
	return column->length == -1 && toast_raw_datum_size(value) > VALUE_MAX_BYTES + VARHDRSZ;
}

static void
text_to_json(JsonbValue *json, char *written)
{
	if (written == NULL)
	{
		json->type = jbvNull;
		return;
	}
	json->type = jbvString;
	json->val.string.val = written;
	json->val.string.len = strlen(written);
}

/* The text of one side of a difference, NULL if it has none; false when it is too long. */
static bool
side_text(const TrackedColumn *column, TupleTableSlot *row, char **written)
{
	bool is_null;
	Datum value = slot_getattr(row, column->number, &is_null);

	*written = NULL;
	if (is_null)
		return true;
	if (value_is_long(column, value))
		return false;
	*written = value_text(column, value);
	return strlen(*written) <= VALUE_MAX_BYTES;
}

static void
difference_fill(Difference *difference, const ChangeImage *image, const TrackedColumn *column)
{
	char *old_text = NULL;
	char *new_text = NULL;

	difference->label = column->label;
	difference->label_length = column->label_length;
	difference->is_long = !side_text(column, image->old_row, &old_text) ||
						  !side_text(column, image->new_row, &new_text);
	difference->old_text = old_text;
	difference->new_text = new_text;
}

Jsonb *
change_image_differences(const ChangeImage *image, const TrackedTable *table,
						 const bool *is_changed)
{
	Difference *differences = palloc(table->column_count * sizeof(Difference));
	int count = 0;

	for (int i = 0; i < table->column_count; i++)
		if (is_changed[i])
			difference_fill(&differences[count++], image, &table->columns[i]);
	return change_difference_json(differences, count);
}

/* A json column goes into the key's object as it is; everything else as its text. */
static void
key_push(JsonbParseState **state, const TrackedColumn *column, char *written)
{
	JsonbValue json;

	text_to_json(&json, (char *) column->label);
	pushJsonbValue(state, WJB_KEY, &json);
	if (written != NULL && column->is_json)
	{
		Datum parsed = DirectFunctionCall1(jsonb_in, CStringGetDatum(written));

		json.type = jbvBinary;
		json.val.binary.data = &DatumGetJsonbP(parsed)->root;
		json.val.binary.len = VARSIZE(DatumGetJsonbP(parsed)) - VARHDRSZ;
		if (JB_ROOT_IS_SCALAR(DatumGetJsonbP(parsed)))
			JsonbExtractScalar(&DatumGetJsonbP(parsed)->root, &json);
	}
	else
		text_to_json(&json, written);
	pushJsonbValue(state, WJB_VALUE, &json);
}

static char *
utc_text(const TrackedColumn *column, Datum value)
{
	TimestampTz instant = DatumGetTimestampTz(value);
	struct pg_tm time;
	fsec_t fraction;
	char written[MAXDATELEN + 1];

	if (TIMESTAMP_NOT_FINITE(instant) ||
		timestamp2tm(instant, NULL, &time, &fraction, NULL, NULL) != 0)
		return value_text(column, value);
	time.tm_isdst = 0; /* else no zone is written */
	EncodeDateTime(&time, fraction, true, 0, NULL, USE_ISO_DATES, written);
	return pstrdup(written);
}

/*
 * A key as the view has it as text: by a cast, which for some types is not what their output is,
 * and in one time zone.
 */
static char *
key_text(const TrackedColumn *column, Datum value)
{
	char *written;

	switch (column->base_type)
	{
		case BOOLOID:
			return DatumGetBool(value) ? "true" : "false";
		case INETOID:
			return TextDatumGetCString(DirectFunctionCall1(network_show, value));
		case TIMESTAMPTZOID:
			return utc_text(column, value);
		case BPCHAROID:
			written = value_text(column, value);
			written[bpchartruelen(written, strlen(written))] = '\0';
			return written;
		default:
			break;
	}
	return value_text(column, value);
}

/*
 * Of any length: a key cut short would name somebody else. Too long a one is left out where
 * subjects are looked up, not here, where it would fail the application.
 */
char *
change_image_key(const TrackedTable *table, TupleTableSlot *row)
{
	JsonbParseState *state = NULL;
	Jsonb *object;

	if (!table->key_is_column)
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < table->key_count; i++)
	{
		const TrackedColumn *column = &table->keys[i];
		bool is_null;
		Datum value = slot_getattr(row, column->number, &is_null);

		if (table->key_is_column)
			return is_null ? NULL : key_text(column, value);
		key_push(&state, column, is_null ? NULL : value_text(column, value));
	}
	object = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	return JsonbToCString(NULL, &object->root, VARSIZE(object));
}
