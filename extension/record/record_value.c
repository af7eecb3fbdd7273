/*
 * record_value.c
 *		Is one value of a record what its attribute holds? See record_value.h.
 *
 * Tolerant where the standard contradicts itself or peers are known to differ: such things are
 * warnings. Must not know where the value stands.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "record/record_value.h"
#include "base/text_format.h"

#define NUMBER_LENGTH_MAX 64

static bool
report_error(ValueProblem *problem, const char *format, const char *argument)
{
	problem->is_error = true;
	problem->format = format;
	problem->argument = argument;
	return false;
}

/*
 * What is warned about can be used all the same: partners' records must not be refused for what the
 * standard's own example does (C3).
 */
static bool
report_warning(ValueProblem *problem, const char *format, const char *argument)
{
	problem->is_error = false;
	problem->format = format;
	problem->argument = argument;
	return false;
}

static bool
is_text(const JsonbValue *value, const char *expected)
{
	return value->type == jbvString && value->val.string.len == strlen(expected) &&
		   pg_strncasecmp(value->val.string.val, expected, value->val.string.len) == 0;
}

static bool
is_empty_text(const JsonbValue *value)
{
	return value->type == jbvString && value->val.string.len == 0;
}

/*
 * The text of a string or number of a code's or number's size; NULL when it cannot be one. A jsonb
 * number may have thousands of digits: none so long is a code or a quantity of a record.
 */
static const char *
copy_short_text(const JsonbValue *value, char buffer[NUMBER_LENGTH_MAX + 1])
{
	const char *source;
	int length;

	if (value->type == jbvNumeric)
	{
		source =
			DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		length = strlen(source);
	}
	else
	{
		source = value->val.string.val;
		length = value->val.string.len;
	}
	if (length > NUMBER_LENGTH_MAX)
		return NULL;
	memcpy(buffer, source, length);
	buffer[length] = '\0';
	return buffer;
}

static int
skip_digits(const char **at)
{
	int count = strspn(*at, "0123456789");

	*at += count;
	return count;
}

/* A decimal number as JSON and XML Schema write it. */
static bool
is_number(const char *at, bool is_whole)
{
	int digits;

	if (*at == '-' || *at == '+')
		at++;
	digits = skip_digits(&at);
	if (!is_whole && *at == '.')
	{
		at++;
		digits += skip_digits(&at);
	}
	if (digits == 0)
		return false;
	if (!is_whole && (*at == 'e' || *at == 'E'))
	{
		at++;
		if (*at == '-' || *at == '+')
			at++;
		if (skip_digits(&at) == 0)
			return false;
	}
	return *at == '\0';
}

static bool
check_number(const JsonbValue *value, bool is_whole, ValueProblem *problem)
{
	const char *wanted = is_whole ? "a whole number is expected" : "a number is expected";
	char buffer[NUMBER_LENGTH_MAX + 1];
	const char *written;

	if (value->type != jbvNumeric && value->type != jbvString)
		return report_error(problem, wanted, NULL);
	written = copy_short_text(value, buffer);
	if (written == NULL || !is_number(written, is_whole))
		return report_error(problem, wanted, NULL);
	/* Fractions go as text (JSON numbers lose them), so text is no fault there. */
	if (is_whole && value->type == jbvString)
		return report_warning(problem, "a number is written as text", NULL);
	return true;
}

/* 0, 1, yes and no are in use, as numbers and as text. */
static bool
check_boolean(const JsonbValue *value, ValueProblem *problem)
{
	char buffer[NUMBER_LENGTH_MAX + 1];
	const char *number;

	if (value->type == jbvBool)
		return true;
	number = value->type == jbvNumeric ? copy_short_text(value, buffer) : NULL;
	if ((number != NULL && (strcmp(number, "0") == 0 || strcmp(number, "1") == 0)) ||
		is_text(value, "true") || is_text(value, "false") || is_text(value, "yes") ||
		is_text(value, "no") || is_text(value, "0") || is_text(value, "1"))
		return report_warning(problem, "true or false is expected", NULL);
	return report_error(problem, "true or false is expected", NULL);
}

/*
 * Where a date is expected a time is taken too, and the other way round; a time without a zone may
 * stand in records (B26).
 */
static bool
check_date(const JsonbValue *value, bool is_time, ValueProblem *problem)
{
	const char *written = value->val.string.val;
	int length = value->val.string.len;

	if (value->type != jbvString)
		return report_error(problem, "a date is expected, as text", NULL);
	if (text_is_date(written, length) || text_is_date_time(written, length))
		return true;
	if (text_is_local_date_time(written, length))
		return report_warning(problem, "the time has no zone", NULL);
	return report_error(problem,
						is_time ? "no date and time of ISO 8601" : "no date of the calendar", NULL);
}

/* A number where a text belongs is kept as it is: nothing is lost by it. */
static bool
check_text(const JsonbValue *value, ValueProblem *problem)
{
	if (value->type == jbvString)
		return true;
	return report_warning(problem, "a text is expected", NULL);
}

static bool
check_format(const JsonbValue *value, bool (*check)(const char *, size_t), const char *format,
			 ValueProblem *problem)
{
	if (value->type != jbvString || !check(value->val.string.val, value->val.string.len))
		return report_warning(problem, format, NULL);
	return true;
}

/*
 * Stricter than other texts: by this value people are found, so an empty or blank one would be
 * everybody's.
 */
static bool
check_identifier(const JsonbValue *value, ValueProblem *problem)
{
	if (value->type == jbvNumeric)
		return report_warning(problem, "a text is expected", NULL);
	if (value->type != jbvString ||
		!text_is_identifier(value->val.string.val, value->val.string.len))
		return report_error(problem, "no value of an identifier", NULL);
	return true;
}

/* The code we send, when what is written is a code or word of this directory. */
static const char *
find_code(const char *directory_name, const char *written, char buffer[CODE_TEXT_SIZE])
{
	const CodeDirectory *directory = code_directory_by_name(directory_name);
	int16 number;

	if (!code_find(directory, written, strlen(written), &number))
		return NULL;
	return code_text(directory, number, buffer);
}

/*
 * Words and other spellings are read (C3); several directories, because some attributes name a list
 * that does not exist, or two (C5). Open lists keep what they do not know as text.
 */
static bool
check_code(const DataAttribute *attribute, const JsonbValue *value, ValueProblem *problem)
{
	const char *first = attribute->directories[0];
	char buffer[NUMBER_LENGTH_MAX + 1];
	const char *written = NULL;
	const char *code;
	int i;

	if (value->type == jbvString || value->type == jbvNumeric)
		written = copy_short_text(value, buffer);
	else
		return report_error(problem, "a code of %s is expected", first);
	for (i = 0; written != NULL && attribute->directories[i] != NULL; i++)
	{
		code = find_code(attribute->directories[i], written, problem->buffer);
		if (code == NULL)
			continue;
		if (i > 0)
			return report_warning(problem, "a word of another directory, %s",
								  attribute->directories[i]);
		if (value->type == jbvString && strcmp(code, written) == 0)
			return true;
		return report_warning(problem, "the standard sends this code as \"%s\"", code);
	}
	if (attribute->is_closed)
		return report_error(problem, "no code of %s", first);
	return report_warning(problem, "no code of %s, kept as text", first);
}

/* Empty text says nothing; peers send it for what they do not know. */
static bool
check_empty(const DataAttribute *attribute, ValueProblem *problem)
{
	if (attribute->kind == ATTRIBUTE_TEXT || attribute->kind == ATTRIBUTE_ANY)
		return true;
	if (attribute->kind == ATTRIBUTE_IDENTIFIER)
		return report_error(problem, "no value of an identifier", NULL);
	return report_warning(problem, "the text is empty", NULL);
}

bool
record_value_check(const DataAttribute *attribute, const JsonbValue *value, ValueProblem *problem)
{
	if (value->type == jbvNull || attribute->kind == ATTRIBUTE_ANY)
		return true;
	if (value->type == jbvBinary)
		return report_error(problem, "a single value is expected", NULL);
	if (is_empty_text(value))
		return check_empty(attribute, problem);
	switch (attribute->kind)
	{
		case ATTRIBUTE_TEXT:
			return check_text(value, problem);
		case ATTRIBUTE_BOOLEAN:
			return check_boolean(value, problem);
		case ATTRIBUTE_INTEGER:
			return check_number(value, true, problem);
		case ATTRIBUTE_DECIMAL:
			return check_number(value, false, problem);
		case ATTRIBUTE_DATE:
			return check_date(value, false, problem);
		case ATTRIBUTE_TIME:
			return check_date(value, true, problem);
		case ATTRIBUTE_CODE:
			return check_code(attribute, value, problem);
		case ATTRIBUTE_PHONE:
			return check_format(value, text_is_phone, "not in the form of E.164", problem);
		case ATTRIBUTE_EMAIL:
			return check_format(value, text_is_email, "no e-mail address", problem);
		case ATTRIBUTE_IDENTIFIER:
			return check_identifier(value, problem);
		default:
			return report_error(problem, "an object is expected", NULL);
	}
}
