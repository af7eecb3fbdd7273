/*
 * record_status.c
 *		The enrolment status of a record: where it stands, what it means, what may follow it.
 *
 * The standard has no one place for it (its contradictions, A1 and A2), so all of them are read.
 * Must not know partners, local words or tables.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "record/record_identity.h"
#include "record/record_status.h"

PG_FUNCTION_INFO_V1(casesync_enrolment_status_of);
PG_FUNCTION_INFO_V1(casesync_check_transition);
PG_FUNCTION_INFO_V1(casesync_is_valid_transition);

#define WORD_SHOWN_MAX 40

static const char *const status_keys[] = {"enrolment_status", "enrollment_status",
										  "enrolled_status"};

/* What says most about a person comes first; local codes come last. */
static const EnrolmentStatus precedence[] = {
	STATUS_DECEASED,  STATUS_ACTIVE,   STATUS_REINSTATED, STATUS_AWAITING_RENEWAL,
	STATUS_SUSPENDED, STATUS_INACTIVE, STATUS_EXITED,
};

const CodeDirectory *
record_status_directory(void)
{
	return code_directory_by_name("enrolment_status");
}

static int
find_rank(int16 status)
{
	int i;

	for (i = 0; i < lengthof(precedence); i++)
	{
		if (precedence[i] == status)
			return i;
	}
	return lengthof(precedence) + status;
}

/*
 * A word or code of either list. The lists number alike (Graduated is what the other calls Exited),
 * so that a bare number needs no guess.
 */
int16
record_status_parse(const char *word)
{
	const char *other_list = "ibr_enrollment_status";
	int16 status;

	if (!code_find(record_status_directory(), word, strlen(word), &status) &&
		!code_find(code_directory_by_name(other_list), word, strlen(word), &status))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("unknown enrolment status \"%.*s\"",
						pg_mbcliplen(word, strlen(word), WORD_SHOWN_MAX), word),
				 errdetail("It is neither in enrolment_status nor in ibr_enrollment_status."),
				 errhint("See casesync.code_directory; for words of your own use "
						 "casesync.map_code() and casesync.to_code().")));
	return status;
}

static int16
read_status(const JsonbValue *value)
{
	char *word = record_scalar_text(value);

	if (word == NULL && value->type != jbvNull)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("the enrolment status of the record is neither text nor number"),
						errhint("See casesync.check_record() for all that is wrong with it.")));
	return word == NULL || *word == '\0' ? 0 : record_status_parse(word);
}

/* The status among the members of one object, at the keys the standard and its peers use. */
static int16
find_status(JsonbContainer *object)
{
	JsonbValue value;
	int i;

	for (i = 0; i < lengthof(status_keys); i++)
	{
		int16 status;

		if (getKeyJsonValueFromContainer(object, status_keys[i], strlen(status_keys[i]), &value) ==
			NULL)
			continue;
		status = read_status(&value);
		if (status != 0)
			return status;
	}
	return 0;
}

static JsonbContainer *
find_container(JsonbContainer *object, const char *key)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(object, key, strlen(key), &value) == NULL ||
		value.type != jbvBinary)
		return NULL;
	return value.val.binary.data;
}

/* An attribute written {"key": "enrolment_status", "value": V}. */
static int16
find_pair_status(JsonbContainer *pair)
{
	JsonbValue name;
	JsonbValue value;
	int i;

	if (getKeyJsonValueFromContainer(pair, "value", 5, &value) == NULL ||
		(getKeyJsonValueFromContainer(pair, "key", 3, &name) == NULL &&
		 getKeyJsonValueFromContainer(pair, "name", 4, &name) == NULL) ||
		name.type != jbvString)
		return 0;
	for (i = 0; i < lengthof(status_keys); i++)
	{
		if (record_key_is(&name, status_keys[i]))
			return read_status(&value);
	}
	return 0;
}

/* The status of one element, or the first that a list of them gives. */
static int16
find_attribute_status(JsonbContainer *attributes)
{
	JsonbIterator *iterator;
	JsonbValue element;
	int16 status;

	if (JsonContainerIsObject(attributes))
	{
		status = find_status(attributes);
		return status != 0 ? status : find_pair_status(attributes);
	}
	iterator = JsonbIteratorInit(attributes);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (element.type != jbvBinary || !JsonContainerIsObject(element.val.binary.data))
			continue;
		status = find_attribute_status(element.val.binary.data);
		if (status != 0)
			return status;
	}
	return 0;
}

void
record_status_fold(int16 *status, const JsonbValue *programme)
{
	int16 found;

	if (programme->type != jbvBinary || !JsonContainerIsObject(programme->val.binary.data))
		return;
	found = find_status(programme->val.binary.data);
	if (found != 0 && (*status == 0 || find_rank(found) < find_rank(*status)))
		*status = found;
}

static int16
find_programme_status(JsonbContainer *programmes)
{
	JsonbIterator *iterator;
	JsonbValue element;
	int16 status = 0;

	if (JsonContainerIsObject(programmes))
		return find_status(programmes);
	iterator = JsonbIteratorInit(programmes);
	JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
		record_status_fold(&status, &element);
	return status;
}

/* The status of a record, 0 when it has none; a word that no list knows is an error. */
static int16
record_status_read(Jsonb *record)
{
	JsonbContainer *object = &record->root;
	JsonbContainer *part;
	int16 status;

	if (!JB_ROOT_IS_OBJECT(record))
		return 0;
	status = find_status(object);
	if (status == 0 && (part = find_container(object, "additional_attributes")) != NULL)
		status = find_attribute_status(part);
	if (status == 0 && (part = find_container(object, "programme_identifier")) != NULL)
		status = find_programme_status(part);
	object = find_container(object, "member");
	if (status != 0 || object == NULL || !JsonContainerIsObject(object))
		return status;
	status = find_status(object);
	if (status == 0 && (part = find_container(object, "additional_attributes")) != NULL)
		status = find_attribute_status(part);
	return status;
}

/* enrolment_status_of(record jsonb) → casesync.enrolment_status */
Datum
casesync_enrolment_status_of(PG_FUNCTION_ARGS)
{
	int16 status = record_status_read(PG_GETARG_JSONB_P(0));

	if (status == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT16(status);
}

/*
 * Why the one may not follow the other, NULL when it may. 0 stands for no status: before it, a new
 * enrolment. Local codes are the country's business.
 */
static const char *
refuse_transition(int16 old_status, int16 new_status)
{
	if (new_status == old_status)
		return NULL;
	if (old_status == STATUS_DECEASED)
		return "Deceased is final";
	if (new_status == 0)
		return "an enrolment status cannot become unknown again";
	if (new_status == STATUS_REINSTATED && old_status != STATUS_SUSPENDED &&
		old_status != STATUS_EXITED && old_status != STATUS_INACTIVE && !code_is_local(old_status))
		return "Reinstated can only follow Suspended, Exited or Inactive";
	return NULL;
}

static const char *
refuse_arguments(FunctionCallInfo fcinfo)
{
	return refuse_transition(PG_ARGISNULL(0) ? 0 : PG_GETARG_INT16(0),
							 PG_ARGISNULL(1) ? 0 : PG_GETARG_INT16(1));
}

/* check_transition(old, new) → text */
Datum
casesync_check_transition(PG_FUNCTION_ARGS)
{
	const char *reason = refuse_arguments(fcinfo);

	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}

/* is_valid_transition(old, new) → boolean */
Datum
casesync_is_valid_transition(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(refuse_arguments(fcinfo) == NULL);
}
