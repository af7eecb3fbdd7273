/*
 * json_number.c
 *		Whether the numbers in JSON that others wrote are of a size that can be worked with.
 *
 * A number of eight characters, 1e-16383, is sixteen thousand written out, and any cast to text
 * writes it out. What a double holds is enough for everybody: that is what JSON is for (RFC 8259).
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(casesync_numbers_are_bounded);
PG_FUNCTION_INFO_V1(casesync_json_numbers_are_bounded);

#define EXPONENT_MAX 308
#define LENGTH_MAX 350			 /* of one number: the largest double, written out */
#define NUMBERS_MAX 500000		 /* in one text */
#define EXPONENTS_ALL_MAX 500000 /* of all numbers together: how much longer they are written out */

typedef struct Scan
{
	const char *at;
	const char *end;
	int numbers;
	int exponents;
} Scan;

static bool
is_digit(const Scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Behind the quote that opens it to behind the one that closes it. */
static void
skip_string(Scan *scan)
{
	while (scan->at < scan->end && *scan->at != '"')
		scan->at += *scan->at == '\\' ? 2 : 1;
	scan->at++;
}

static bool
read_exponent(Scan *scan)
{
	int exponent = 0;

	if (scan->at >= scan->end || (*scan->at != 'e' && *scan->at != 'E'))
		return true;
	scan->at++;
	if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
		scan->at++;
	for (; is_digit(scan); scan->at++)
	{
		exponent = exponent * 10 + (*scan->at - '0');
		if (exponent > EXPONENT_MAX)
			return false;
	}
	scan->exponents += exponent;
	return true;
}

static bool
read_number(Scan *scan)
{
	const char *start = scan->at;

	while (is_digit(scan) || (scan->at < scan->end && *scan->at == '.'))
		scan->at++;
	return scan->at - start <= LENGTH_MAX && read_exponent(scan) &&
		   ++scan->numbers <= NUMBERS_MAX && scan->exponents <= EXPONENTS_ALL_MAX;
}

/*
 * numbers_are_bounded(body bytea) → boolean: of a text that nobody has parsed yet, and that may be
 * no JSON at all: then it does not matter what comes of it
 */
Datum
casesync_numbers_are_bounded(PG_FUNCTION_ARGS)
{
	bytea *json = PG_GETARG_BYTEA_PP(0);
	Scan scan = {VARDATA_ANY(json), VARDATA_ANY(json) + VARSIZE_ANY_EXHDR(json), 0, 0};

	while (scan.at < scan.end)
	{
		if (is_digit(&scan))
		{
			if (!read_number(&scan))
				PG_RETURN_BOOL(false);
		}
		else if (*scan.at++ == '"')
			skip_string(&scan);
	}
	PG_RETURN_BOOL(true);
}

/* Not by its text: that is what must not be written. */
static bool
numeric_is_bounded(Numeric number)
{
	static const char *const largest = "1e309";
	Numeric size = DatumGetNumeric(DirectFunctionCall1(numeric_abs, NumericGetDatum(number)));
	Datum limit = DirectFunctionCall3(numeric_in, CStringGetDatum(largest),
									  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(number))) <=
			   LENGTH_MAX &&
		   DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(size), limit));
}

/* json_numbers_are_bounded(value jsonb) → boolean: of what came as jsonb */
Datum
casesync_json_numbers_are_bounded(PG_FUNCTION_ARGS)
{
	JsonbIterator *iterator = JsonbIteratorInit(&PG_GETARG_JSONB_P(0)->root);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		if ((token == WJB_ELEM || token == WJB_VALUE) && value.type == jbvNumeric &&
			!numeric_is_bounded(value.val.numeric))
			PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(true);
}
