/*
 * filter_value.c
 *		Compares a value that a filter names with what a record or a column holds. See
 *		filter_value.h.
 *
 * Only the server's own input functions are called, and only on text that was checked before or
 * that the server itself has written: nothing a partner sends can raise an error here.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "filter/filter_value.h"
#include "base/pg_compat.h"
#include "record/record_identity.h"
#include "base/text_format.h"

#define EXPONENT_MAX 400
#define NUMBER_LENGTH_MAX 1000 /* the server reads no more than 16383 places */
#define DIGITS "0123456789"

static const char *const family_names[] = {"any",		"integer",	   "number", "real", "double",
										   "boolean",	"text",		   "padded", "uuid", "date",
										   "timestamp", "timestamptz", "code"};

/* What is not known is compared as JSON (any): right, if slower. */
FilterType
filter_type_read(const char *name)
{
	FilterType type = {FAMILY_ANY, NULL};
	int i;

	if (strncmp(name, "code:", 5) == 0)
	{
		type.directory = code_directory_by_name(name + 5);
		type.family = type.directory == NULL ? FAMILY_ANY : FAMILY_CODE;
		return type;
	}
	for (i = 0; i < FAMILY_CODE; i++)
	{
		if (strcmp(family_names[i], name) == 0)
			type.family = (FilterFamily) i;
	}
	return type;
}

/* Plain decimal with perhaps an exponent; no NaN, no infinity, no blanks. */
static bool
is_number(const char *written)
{
	const char *at = written + strspn(written, "+-");
	size_t whole = strspn(at, DIGITS);
	size_t fraction = 0;

	if (at - written > 1 || strlen(written) > NUMBER_LENGTH_MAX)
		return false;
	at += whole;
	if (*at == '.')
	{
		fraction = strspn(++at, DIGITS);
		at += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*at == 'e' || *at == 'E')
	{
		at++;
		if (*at == '+' || *at == '-')
			at++;
		if (*at == '\0' || strspn(at, DIGITS) > 3 || atoi(at) > EXPONENT_MAX)
			return false;
		at += strspn(at, DIGITS);
	}
	return *at == '\0';
}

static Numeric
numeric_read(const char *written)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(written),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

bool
filter_value_number(const char *written, Numeric *number)
{
	if (!is_number(written))
		return false;
	*number = numeric_read(written);
	return true;
}

/*
 * What would become infinite or nothing is no number of this type: the server would raise an error,
 * or find what was not asked for.
 */
bool
filter_value_double(const char *written, float8 *number)
{
	if (!is_number(written))
		return false;
	errno = 0;
	*number = strtod(written, NULL);
	return !isinf(*number) && !(errno == ERANGE && *number == 0);
}

bool
filter_value_real(const char *written, float4 *number)
{
	if (!is_number(written))
		return false;
	errno = 0;
	*number = strtof(written, NULL);
	return !isinf(*number) && !(errno == ERANGE && *number == 0);
}

static TimestampTz
timestamptz_read(const char *written)
{
	return DatumGetTimestampTz(DirectFunctionCall3(
		timestamptz_in, CStringGetDatum(written), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* The server knows a leap second, but not a part of one. */
static bool
is_part_of_leap_second(const char *written)
{
	return strlen(written) > strlen("2016-12-31T23:59:60") &&
		   strncmp(written + strlen("2016-12-31T23:59:"), "60.", 3) == 0;
}

/*
 * A time without a zone is read as UTC, as it is in records (B26); so is a day, from its first
 * moment.
 */
bool
filter_value_time(const char *written, TimestampTz *time)
{
	size_t length = strlen(written);

	if (is_part_of_leap_second(written))
		return false;
	if (text_is_date_time(written, length))
		*time = timestamptz_read(written);
	else if (text_is_local_date_time(written, length))
		*time = timestamptz_read(psprintf("%sZ", written));
	else if (text_is_date(written, length))
		*time = timestamptz_read(psprintf("%s 00:00:00Z", written));
	else
		return false;
	return true;
}

/* Not yes, no, 1 or 0, which could as well be meant as a text or a number. */
bool
filter_value_boolean(const char *written, bool *value)
{
	*value = pg_strcasecmp(written, "true") == 0;
	return *value || pg_strcasecmp(written, "false") == 0;
}

/* The usual form only, in small letters: then the order of uuids is that of the texts. */
bool
filter_value_uuid(const char *written, char uuid[37])
{
	int i;

	if (strlen(written) != 36)
		return false;
	for (i = 0; i < 36; i++)
	{
		bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_hyphen ? written[i] != '-' : strchr(DIGITS "abcdefABCDEF", written[i]) == NULL)
			return false;
		uuid[i] = pg_ascii_tolower((unsigned char) written[i]);
	}
	uuid[36] = '\0';
	return true;
}

/* As numeric, so that a large number does not fit another by rounding. */
static int
compare_numbers(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

/*
 * By bytes, as in the "C" collation: else the same filter would find others on a server with
 * another locale. Padded is char(n), whose blanks at the end do not count.
 */
static int
compare_texts(const char *a, const char *b, bool is_padded)
{
	size_t first = strlen(a);
	size_t second = strlen(b);
	int order;

	while (is_padded && first > 0 && a[first - 1] == ' ')
		first--;
	while (is_padded && second > 0 && b[second - 1] == ' ')
		second--;
	order = memcmp(a, b, Min(first, second));
	return order != 0 ? order : (first > second) - (first < second);
}

/* A day is its first moment, so a time of day is behind it. */
static bool
compare_date(const char *held, const char *written, int *order)
{
	TimestampTz time;
	Timestamp day;
	DateADT date;

	if (!filter_value_time(written, &time))
		return false;
	date = DatumGetDateADT(DirectFunctionCall1(date_in, CStringGetDatum(held)));
	day = time / USECS_PER_DAY - (time % USECS_PER_DAY < 0);
	if (date != day)
		*order = date < day ? -1 : 1;
	else
		*order = time == day * USECS_PER_DAY ? 0 : -1;
	return true;
}

/* A column without a zone is read as UTC, like a value without one. */
static bool
compare_time(const char *held, const char *written, bool has_zone, int *order)
{
	TimestampTz time;
	TimestampTz other;

	if (!filter_value_time(written, &time))
		return false;
	if (has_zone)
		other = timestamptz_read(held);
	else
		other = DatumGetTimestamp(DirectFunctionCall3(
			timestamp_in, CStringGetDatum(held), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	*order = (other > time) - (other < time);
	return true;
}

/* A float comes as the 16 digits of its bits: as a decimal it would depend on a setting. */
static float8
read_bits(const char *held)
{
	union
	{
		uint64 bits;
		float8 number;
	} value;

	value.bits = strtoull(held, NULL, 16);
	return value.number;
}

/* The value is made a real first, as the server does it: as a double 0.1 would not equal 0.1. */
static bool
compare_real(const char *held, const char *written, int *order)
{
	float4 number;

	if (!filter_value_real(written, &number))
		return false;
	*order = float8_cmp_internal(read_bits(held), number);
	return true;
}

static bool
compare_double(const char *held, const char *written, int *order)
{
	float8 number;

	if (!filter_value_double(written, &number))
		return false;
	*order = float8_cmp_internal(read_bits(held), number);
	return true;
}

static bool
compare_number(const char *held, const char *written, int *order)
{
	Numeric number;

	if (!filter_value_number(written, &number))
		return false;
	*order = compare_numbers(numeric_read(held), number);
	return true;
}

/*
 * False, and so unknown, when either is no code of the directory: a word that nobody knows is not
 * different from all others.
 */
static bool
compare_code(const CodeDirectory *directory, const char *held, const char *written, int *order)
{
	int16 first;
	int16 second;

	if (!code_find(directory, held, strlen(held), &first) ||
		!code_find(directory, written, strlen(written), &second))
		return false;
	*order = first - second;
	return true;
}

static bool
compare_uuid(const char *held, const char *written, int *order)
{
	char uuid[37];

	if (!filter_value_uuid(written, uuid))
		return false;
	*order = strcmp(held, uuid);
	return true;
}

static bool
compare_boolean(const char *held, const char *written, int *order)
{
	bool value;

	if (!filter_value_boolean(written, &value))
		return false;
	*order = (strcmp(held, "true") == 0) - value;
	return true;
}

/*
 * held is how the server writes the column, without a setting of the session in it: see
 * filter_columns().
 */
bool
filter_column_compare(const FilterType *type, const char *held, const char *written, int *order)
{
	switch (type->family)
	{
		case FAMILY_INTEGER:
		case FAMILY_NUMBER:
			return compare_number(held, written, order);
		case FAMILY_REAL:
			return compare_real(held, written, order);
		case FAMILY_DOUBLE:
			return compare_double(held, written, order);
		case FAMILY_BOOLEAN:
			return compare_boolean(held, written, order);
		case FAMILY_UUID:
			return compare_uuid(held, written, order);
		case FAMILY_DATE:
			return compare_date(held, written, order);
		case FAMILY_TIMESTAMP:
		case FAMILY_TIMESTAMPTZ:
			return compare_time(held, written, type->family == FAMILY_TIMESTAMPTZ, order);
		case FAMILY_CODE:
			return compare_code(type->directory, held, written, order);
		case FAMILY_ANY:
		case FAMILY_TEXT:
		case FAMILY_PADDED:
			break;
	}
	*order = compare_texts(held, written, type->family == FAMILY_PADDED);
	return true;
}

static void
read_codes(FilterScalar *held)
{
	int i;

	for (i = 0; held->attribute->directories[i] != NULL; i++)
	{
		const CodeDirectory *directory = code_directory_by_name(held->attribute->directories[i]);

		if (!code_find(directory, held->text, strlen(held->text), &held->codes[held->code_count]))
			continue;
		held->directories[held->code_count++] = directory;
	}
}

/* The first directory that has both; the attribute may be of several. */
static bool
compare_codes(const FilterScalar *held, const char *written, int *order)
{
	size_t length = strlen(written);
	int16 code;
	int i;

	for (i = 0; i < held->code_count; i++)
	{
		if (!code_find(held->directories[i], written, length, &code))
			continue;
		*order = held->codes[i] - code;
		return true;
	}
	return false;
}

/* A postal code, a telephone number, an identifier is a text, also when it is all digits. */
static bool
is_text(const DataAttribute *attribute)
{
	return attribute != NULL &&
		   (attribute->kind == ATTRIBUTE_TEXT || attribute->kind == ATTRIBUTE_PHONE ||
			attribute->kind == ATTRIBUTE_EMAIL || attribute->kind == ATTRIBUTE_IDENTIFIER ||
			attribute->kind == ATTRIBUTE_CODE || attribute->kind == ATTRIBUTE_BOOLEAN);
}

/* What it is as a code, a time and a number is found out once for many values. */
void
filter_scalar_read(const DataAttribute *attribute, const JsonbValue *scalar, FilterScalar *held)
{
	held->attribute = attribute;
	if (scalar->type == jbvBool)
		held->text = scalar->val.boolean ? "true" : "false";
	else
		held->text = record_scalar_text(scalar);
	held->is_time = held->is_number = false;
	held->code_count = 0;
	if (attribute != NULL && attribute->kind == ATTRIBUTE_CODE)
		read_codes(held);
	if (is_text(attribute))
		return;
	held->is_time = filter_value_time(held->text, &held->time);
	held->is_number = !held->is_time && filter_value_number(held->text, &held->number);
}

/*
 * What the attribute says it is comes first; else times and numbers are what they are, also when
 * sent as text (B11), and all else is text.
 */
int
filter_scalar_compare(const FilterScalar *held, const char *written)
{
	TimestampTz time;
	Numeric number;
	int order;

	if (compare_codes(held, written, &order))
		return order;
	if (held->is_time && filter_value_time(written, &time))
		return (held->time > time) - (held->time < time);
	if (held->is_number && filter_value_number(written, &number))
		return compare_numbers(held->number, number);
	return compare_texts(held->text, written, false);
}

/* The same form as to_jsonb() writes, so that sorting and comparing agree. */
char *
filter_time_text(TimestampTz time, FilterFamily family)
{
	char *buffer = palloc(MAXDATELEN + 1);
	int64 day = time / USECS_PER_DAY - (time % USECS_PER_DAY < 0);
	int zone = 0;

	if (family == FAMILY_DATE)
		return JsonEncodeDateTime(buffer, DateADTGetDatum((DateADT) day), DATEOID, NULL);
	if (family == FAMILY_TIMESTAMP)
		return JsonEncodeDateTime(buffer, TimestampGetDatum(time), TIMESTAMPOID, NULL);
	return JsonEncodeDateTime(buffer, TimestampTzGetDatum(time), TIMESTAMPTZOID, &zone);
}

/* One kind of value for each attribute: jsonb sorts numbers and texts apart. */
void
filter_scalar_sort_key(const DataAttribute *attribute, const JsonbValue *scalar, JsonbValue *key)
{
	FilterScalar held;

	*key = *scalar;
	if (scalar->type != jbvString && scalar->type != jbvNumeric)
		return;
	filter_scalar_read(attribute, scalar, &held);
	key->type = jbvNumeric;
	if (held.code_count > 0)
		key->val.numeric = int64_to_numeric(held.codes[0]);
	else if (held.is_number)
		key->val.numeric = held.number;
	else
	{
		key->type = jbvString;
		key->val.string.val =
			held.is_time ? filter_time_text(held.time, FAMILY_TIMESTAMPTZ) : held.text;
		key->val.string.len = strlen(key->val.string.val);
	}
}
