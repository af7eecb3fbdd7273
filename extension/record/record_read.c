/*
 * record_read.c
 *		What an apply function asks of a record: the date of death, the joint plan, the referral.
 *
 * Must not know tables or partners.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/jsonb.h"

#include "record/record_identity.h"
#include "base/text_format.h"

PG_FUNCTION_INFO_V1(casesync_death_date_of);
PG_FUNCTION_INFO_V1(casesync_plan_of);
PG_FUNCTION_INFO_V1(casesync_referral_of);

/* A value below a path of keys, lists not entered. */
static bool
find_value(JsonbContainer *object, const char *const *path, JsonbValue *value)
{
	for (; *path != NULL; path++)
	{
		if (!JsonContainerIsObject(object) ||
			getKeyJsonValueFromContainer(object, *path, strlen(*path), value) == NULL)
			return false;
		if (path[1] == NULL)
			return value->type != jbvNull;
		if (value->type != jbvBinary)
			return false;
		object = value->val.binary.data;
	}
	return false;
}

/* The day as it was written: a time zone does not move it. */
static Datum
read_day(const JsonbValue *value)
{
	const char *written = value->val.string.val;
	int length = value->val.string.len;
	bool is_day = value->type == jbvString &&
				  (text_is_date(written, length) || text_is_date_time(written, length) ||
				   text_is_local_date_time(written, length));
	int year;
	int month;
	int day;

	if (!is_day || sscanf(written, "%4d-%2d-%2d", &year, &month, &day) != 3)
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
						errmsg("the record's date of death is no date"),
						errdetail("Expected is YYYY-MM-DD, or a time in ISO 8601."),
						errhint("See casesync.check_record() for all that is wrong with it.")));
	return DateADTGetDatum(date2j(year, month, day) - POSTGRES_EPOCH_JDATE);
}

/* death_date_of(record jsonb) → date: of a person, a member or a beneficiary's member */
Datum
casesync_death_date_of(PG_FUNCTION_ARGS)
{
	static const char *const places[][4] = {
		{"demographic_info", "death_date", NULL},
		{"death_date", NULL},
		{"member", "demographic_info", "death_date", NULL},
		{"member", "death_date", NULL},
	};
	Jsonb *record = PG_GETARG_JSONB_P(0);
	JsonbValue value;
	int i;

	for (i = 0; i < lengthof(places); i++)
	{
		if (find_value(&record->root, places[i], &value) &&
			!(value.type == jbvString && value.val.string.len == 0))
			return read_day(&value);
	}
	PG_RETURN_NULL();
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

/* One element of additional attributes: {NAME: V}, or {"key": NAME, "value": V}. */
static bool
find_in_element(JsonbContainer *element, const char *name, JsonbValue *value)
{
	JsonbValue pair_name;

	if (record_read_pair(element, &pair_name, value))
		return record_key_is(&pair_name, name) && is_object(value);
	return getKeyJsonValueFromContainer(element, name, strlen(name), value) != NULL &&
		   is_object(value);
}

static bool
find_in_attributes(const JsonbValue *attributes, const char *name, JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue element;

	if (attributes->type != jbvBinary)
		return false;
	if (JsonContainerIsObject(attributes->val.binary.data))
		return find_in_element(attributes->val.binary.data, name, value);
	iterator = JsonbIteratorInit(attributes->val.binary.data);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (is_object(&element) && find_in_element(element.val.binary.data, name, value))
			return true;
	}
	return false;
}

/* An object among the additional attributes of the record, or of a beneficiary's member. */
static Datum
read_own_object(FunctionCallInfo fcinfo, const char *name)
{
	static const char *const places[][3] = {
		{"additional_attributes", NULL},
		{"member", "additional_attributes", NULL},
	};
	Jsonb *record = PG_GETARG_JSONB_P(0);
	JsonbValue attributes;
	JsonbValue value;
	int i;

	for (i = 0; i < lengthof(places); i++)
	{
		if (find_value(&record->root, places[i], &attributes) &&
			find_in_attributes(&attributes, name, &value))
			PG_RETURN_JSONB_P(JsonbValueToJsonb(&value));
	}
	PG_RETURN_NULL();
}

/* plan_of(record jsonb) → jsonb: what the other side's casesync.plan() made */
Datum
casesync_plan_of(PG_FUNCTION_ARGS)
{
	return read_own_object(fcinfo, "plan");
}

/* referral_of(record jsonb) → jsonb: what the other side's casesync.referral() made */
Datum
casesync_referral_of(PG_FUNCTION_ARGS)
{
	return read_own_object(fcinfo, "referral");
}
