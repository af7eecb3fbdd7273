/*
 * record_build.c
 *		The builders of record JSON: one function behind all of them.
 *
 * The SQL declaration of a builder says what it takes; its argument names are the attributes, with
 * the few exceptions below. Must not know tables, registries or what an agreement allows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "code/code_directory.h"
#include "base/pg_compat.h"
#include "record/record_identity.h"
#include "record/record_json.h"
#include "record/record_status.h"

PG_FUNCTION_INFO_V1(casesync_record_build);
PG_FUNCTION_INFO_V1(casesync_additional_attributes);

typedef struct Attribute
{
	char key[NAMEDATALEN];
	Oid type; /* of the element when it is a list */
	bool is_list;
	int16 length;
	bool by_value;
	char alignment;
	const CodeDirectory *directory; /* of a code type, or of the words in a list of texts */
} Attribute;

/* What the declaration of one builder says; kept with the call. */
typedef struct BuilderPlan
{
	const char *type;
	bool is_beneficiary;
	bool is_identifier;
	int count;
	Attribute attributes[FUNC_MAX_ARGS];
} BuilderPlan;

/*
 * The class each builder makes (C4 of the standard's contradictions: what ESS peers know). Of plans
 * and referrals the standard has none.
 */
static const struct
{
	const char *function;
	const char *type;
} builders[] = {
	{"address", "Address"},
	{"beneficiary", "Beneficiary"},
	{"benefit", "Benefit"},
	{"disability_info", "DisabilityInfo"},
	{"employment_info", "EmploymentInfo"},
	{"enrolment", "Programme"},
	{"geo_coordinates", "GeoCoordinates"},
	{"group_record", "Group"},
	{"identifier", "Identifier"},
	{"member", "Member"},
	{"name", "Name"},
	{"person", "ESSPerson"},
	{"place", "Place"},
	{"plan", "Plan"},
	{"plan_action", "PlanAction"},
	{"plan_goal", "PlanGoal"},
	{"programme", "Programme"},
	{"referral", "Referral"},
	{"related_person", "RelatedPerson"},
};

/* Arguments whose attribute has another name. */
static const struct
{
	const char *function;
	const char *argument;
	const char *key;
} renamed_arguments[] = {
	{"identifier", "type", "identifier_type"},
	{"identifier", "value", "identifier_value"},
	{"person", "identifiers", "identifier"},
	{"member", "identifiers", "member_identifier"},
	{"group_record", "identifiers", "group_identifier"},
	{"enrolment", "status", "enrolment_status"},
	{"plan", "version", "plan_version"},
	{"plan", "status", "plan_status"},
	{"plan_goal", "status", "goal_status"},
	{"plan_action", "status", "action_status"},
	{"referral", "status", "referral_status"},
	{"beneficiary", "programmes", "programme_identifier"},
	{"beneficiary", "enrolment_status", "enrollment_status"},
	{"beneficiary", "enrolment_date", "enrollment_date"},
	{"beneficiary", "group_record", "group"},
};

/* elog: reached only when a declaration in SQL and this file do not fit. */
static const char *
find_class(const char *function)
{
	int i;

	for (i = 0; i < lengthof(builders); i++)
	{
		if (strcmp(builders[i].function, function) == 0)
			return builders[i].type;
	}
	elog(ERROR, "casesync.%s is no builder of records", function);
	return NULL;
}

/*
 * The argument names are what people write; where the standard has several names for one thing
 * (C1), the attribute is its.
 */
static const char *
find_key(const char *function, const char *argument)
{
	int i;

	for (i = 0; i < lengthof(renamed_arguments); i++)
	{
		if (strcmp(renamed_arguments[i].function, function) == 0 &&
			strcmp(renamed_arguments[i].argument, argument) == 0)
			return renamed_arguments[i].key;
	}
	return argument;
}

/*
 * Above FirstNormalObjectId are only the code types here: no builder takes another type that is not
 * the server's own. Languages are texts, since the list is the country's (A12).
 */
static void
plan_attribute(Attribute *attribute, Oid type)
{
	Oid element = get_element_type(type);
	char *type_name;

	attribute->is_list = OidIsValid(element);
	attribute->type = attribute->is_list ? element : type;
	get_typlenbyvalalign(attribute->type, &attribute->length, &attribute->by_value,
						 &attribute->alignment);
	if (strcmp(attribute->key, "language_code") == 0)
		attribute->directory = code_directory_by_name("language_code");
	if (attribute->type >= FirstNormalObjectId)
	{
		type_name = format_type_extended(attribute->type, -1, FORMAT_TYPE_FORCE_QUALIFY);
		attribute->directory = code_directory_by_name(type_name + strlen("casesync."));
		if (attribute->directory == NULL)
			elog(ERROR, "type %s is no code type", type_name);
	}
}

/*
 * Once for each call in a query, not for each row: looking up a declaration costs more than making
 * a record.
 */
static BuilderPlan *
make_plan(FunctionCallInfo fcinfo)
{
	BuilderPlan *plan = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(BuilderPlan));
	HeapTuple procedure = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	const char *function;
	Oid *types;
	char **names;
	char *modes;
	int i;

	if (!HeapTupleIsValid(procedure))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	function = pstrdup(NameStr(((Form_pg_proc) GETSTRUCT(procedure))->proname));
	plan->count = get_func_arg_info(procedure, &types, &names, &modes);
	ReleaseSysCache(procedure);
	plan->type = find_class(function);
	plan->is_beneficiary = strcmp(plan->type, "Beneficiary") == 0;
	plan->is_identifier = strcmp(plan->type, "Identifier") == 0;
	for (i = 0; i < plan->count; i++)
	{
		strlcpy(plan->attributes[i].key, find_key(function, names[i]), NAMEDATALEN);
		plan_attribute(&plan->attributes[i], types[i]);
	}
	return plan;
}

/* A date or time in ISO 8601, times in UTC; an infinite one says nothing and is left out. */
static bool
set_time(JsonbValue *value, Datum datum, Oid type)
{
	char text_form[MAXDATELEN + 1];
	int utc = 0;
	char *zone;

	if (type == DATEOID ? DATE_NOT_FINITE(DatumGetDateADT(datum))
						: TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(datum)))
		return false;
	JsonEncodeDateTime(text_form, datum, type, type == DATEOID ? NULL : &utc);
	zone = strstr(text_form, "+00:00");
	if (zone != NULL)
		memcpy(zone, "Z", sizeof("Z"));
	record_json_set_string(value, pstrdup(text_form));
	return true;
}

/*
 * Codes of languages and statuses are written as codes where the word is known, else stay as given.
 */
static bool
set_text(JsonbValue *value, const Attribute *attribute, char *string)
{
	char buffer[CODE_TEXT_SIZE];
	int16 number;

	if (strcmp(attribute->key, "identifier_type") == 0)
		string = record_fold_identifier_type(string);
	else if (strcmp(attribute->key, "identifier_value") == 0 && *string == '\0')
		return false;
	else if (strcmp(attribute->key, "enrolment_status") == 0)
		string = pstrdup(code_text(record_status_directory(), record_status_parse(string), buffer));
	else if (attribute->directory != NULL &&
			 code_find(attribute->directory, string, strlen(string), &number))
		string = pstrdup(code_text(attribute->directory, number, buffer));
	record_json_set_string(value, string);
	return true;
}

static bool
set_json(JsonbValue *value, Jsonb *json)
{
	if (JsonbExtractScalar(&json->root, value))
		return value->type != jbvNull;
	value->type = jbvBinary;
	value->val.binary.data = &json->root;
	value->val.binary.len = VARSIZE(json) - VARHDRSZ;
	return true;
}

/* The JSON value of an SQL value; false when it says nothing. */
static bool
set_value(JsonbValue *value, const Attribute *attribute, Datum datum)
{
	char buffer[CODE_TEXT_SIZE];

	switch (attribute->type)
	{
		case TEXTOID:
			return set_text(value, attribute, TextDatumGetCString(datum));
		case JSONBOID:
			return set_json(value, DatumGetJsonbP(datum));
		case DATEOID:
		case TIMESTAMPTZOID:
			return set_time(value, datum, attribute->type);
		case BOOLOID:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			return true;
		case INT4OID:
			value->type = jbvNumeric;
			value->val.numeric = int64_to_numeric(DatumGetInt32(datum));
			return true;
		case NUMERICOID:
			value->type = jbvNumeric;
			value->val.numeric = DatumGetNumeric(datum);
			return !numeric_is_nan(value->val.numeric) && !numeric_is_inf(value->val.numeric);
		default:
			record_json_set_string(
				value, pstrdup(code_text(attribute->directory, DatumGetInt16(datum), buffer)));
			return true;
	}
}

/* The elements of a list as JSON; those that say nothing are left out. */
static JsonbValue *
read_list(const Attribute *attribute, Datum datum, int *count)
{
	Datum *elements;
	bool *nulls;
	JsonbValue *values;
	int length;
	int i;

	deconstruct_array(DatumGetArrayTypeP(datum), attribute->type, attribute->length,
					  attribute->by_value, attribute->alignment, &elements, &nulls, &length);
	values = palloc(sizeof(JsonbValue) * Max(length, 1));
	*count = 0;
	for (i = 0; i < length; i++)
	{
		if (!nulls[i] && set_value(&values[*count], attribute, elements[i]))
			(*count)++;
	}
	return values;
}

/* What of the arguments waits until all of them are known. */
typedef struct Build
{
	JsonbParseState *state;
	int facts;
	JsonbValue values[4]; /* by Waiting */
	bool is_given[4];
	JsonbValue *identifiers;
	int identifier_count;
	int16 status; /* of the programmes together; 0 when none says */
} Build;

typedef enum Waiting
{
	WAITING_ATTRIBUTES,
	WAITING_STATUS,
	WAITING_MEMBER,
	WAITING_GROUP
} Waiting;

/* Whether a value of this attribute waits, and where. */
static int
find_waiting(const BuilderPlan *plan, const char *key)
{
	if (strcmp(key, "additional_attributes") == 0)
		return WAITING_ATTRIBUTES;
	if (strcmp(plan->type, "Member") == 0 && strcmp(key, "enrolment_status") == 0)
		return WAITING_STATUS;
	if (plan->is_beneficiary && strcmp(key, "enrollment_status") == 0)
		return WAITING_STATUS;
	if (plan->is_beneficiary && strcmp(key, "member") == 0)
		return WAITING_MEMBER;
	if (plan->is_beneficiary && strcmp(key, "group") == 0)
		return WAITING_GROUP;
	return -1;
}

/*
 * Of a beneficiary the identifiers wait: they belong to the member or the group, whichever there
 * is.
 */
static void
add_list(Build *build, const BuilderPlan *plan, const Attribute *attribute, Datum datum)
{
	int count;
	JsonbValue *values = read_list(attribute, datum, &count);
	int i;

	if (count == 0)
		return;
	build->facts++;
	if (plan->is_beneficiary && strcmp(attribute->key, "identifiers") == 0)
	{
		build->identifiers = values;
		build->identifier_count = count;
		return;
	}
	if (plan->is_beneficiary && strcmp(attribute->key, "programme_identifier") == 0)
	{
		for (i = 0; i < count; i++)
			record_status_fold(&build->status, &values[i]);
	}
	record_json_push_key(&build->state, attribute->key);
	record_json_push_list(&build->state, values, count);
}

static void
add_argument(Build *build, const BuilderPlan *plan, const Attribute *attribute, Datum datum)
{
	int waiting = find_waiting(plan, attribute->key);
	JsonbValue value;

	if (attribute->is_list)
	{
		add_list(build, plan, attribute, datum);
		return;
	}
	if (!set_value(&value, attribute, datum))
		return;
	build->facts++;
	if (waiting >= 0)
	{
		build->values[waiting] = value;
		build->is_given[waiting] = true;
		return;
	}
	record_json_push_key(&build->state, attribute->key);
	pushJsonbValue(&build->state, WJB_VALUE, &value);
}

/*
 * A beneficiary has no identifiers of its own in the standard, and one status though it may be in
 * several programmes (A1).
 */
static void
finish_beneficiary(Build *build)
{
	JsonbValue *member = build->is_given[WAITING_MEMBER] ? &build->values[WAITING_MEMBER] : NULL;
	JsonbValue *group = build->is_given[WAITING_GROUP] ? &build->values[WAITING_GROUP] : NULL;
	bool is_of_group = member == NULL && group != NULL;
	JsonbValue status;
	char buffer[CODE_TEXT_SIZE];

	if (member != NULL || (build->identifier_count > 0 && !is_of_group))
		record_json_push_subject(&build->state, member, "member", build->identifiers,
								 build->identifier_count);
	if (group != NULL)
		record_json_push_subject(&build->state, group, "group", build->identifiers,
								 is_of_group ? build->identifier_count : 0);
	if (build->is_given[WAITING_STATUS])
		status = build->values[WAITING_STATUS];
	else if (build->status != 0)
		record_json_set_string(
			&status, pstrdup(code_text(record_status_directory(), build->status, buffer)));
	else
		return;
	record_json_push_key(&build->state, "enrollment_status");
	pushJsonbValue(&build->state, WJB_VALUE, &status);
}

/* Every builder: an object of its class with the arguments given; NULL when none says anything. */
Datum
casesync_record_build(PG_FUNCTION_ARGS)
{
	BuilderPlan *plan = fcinfo->flinfo->fn_extra;
	Build build = {0};
	JsonbValue class;
	int i;

	if (plan == NULL)
		fcinfo->flinfo->fn_extra = plan = make_plan(fcinfo);
	pushJsonbValue(&build.state, WJB_BEGIN_OBJECT, NULL);
	record_json_push_key(&build.state, "@type");
	record_json_set_string(&class, plan->type);
	pushJsonbValue(&build.state, WJB_VALUE, &class);
	for (i = 0; i < plan->count; i++)
	{
		if (!PG_ARGISNULL(i))
			add_argument(&build, plan, &plan->attributes[i], PG_GETARG_DATUM(i));
	}
	if (build.facts == 0 || (plan->is_identifier && build.facts < plan->count))
		PG_RETURN_NULL();
	if (plan->is_beneficiary)
		finish_beneficiary(&build);
	if (build.is_given[WAITING_ATTRIBUTES] ||
		(build.is_given[WAITING_STATUS] && !plan->is_beneficiary))
		record_json_push_attributes(
			&build.state,
			build.is_given[WAITING_ATTRIBUTES] ? &build.values[WAITING_ATTRIBUTES] : NULL,
			plan->is_beneficiary || !build.is_given[WAITING_STATUS]
				? NULL
				: &build.values[WAITING_STATUS]);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&build.state, WJB_END_OBJECT, NULL)));
}

/* additional_attributes(attributes jsonb) → jsonb: the list of pairs */
Datum
casesync_additional_attributes(PG_FUNCTION_ARGS)
{
	Jsonb *attributes = PG_GETARG_JSONB_P(0);
	JsonbParseState *state = NULL;

	if (!JB_ROOT_IS_OBJECT(attributes))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("additional attributes are an object of names and values"),
						errhint("Use casesync.additional_attributes(jsonb_build_object('shift', "
								"'night')).")));
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	record_json_push_pairs(&state, &attributes->root);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}
