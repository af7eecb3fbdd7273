/*
 * nearest_name.c
 *		What somebody may have meant who mistyped a name. Must not know what is named.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(casesync_nearest_name);

/* Longer ones nobody types; the distance of two is worked out in time of their product. */
#define LONGEST_NAME 200
#define MOST_NAMES 2000

/* Shorter ones are part of too much. */
#define SHORTEST_PART 5

/*
 * How far a name is from what was written: changes of letters, case aside; a name that has all of
 * it in it is further than any that is a typing error away. -1: something else was meant.
 */
static int
name_distance(const char *written, int length, const char *name)
{
	int most = 1 + length / 4;
	char *other = asc_tolower(name, strlen(name));
	int other_length = strlen(other);
	int distance =
		varstr_levenshtein_less_equal(written, length, other, other_length, 1, 1, 1, most, true);

	if (distance > most)
		distance = length >= SHORTEST_PART && strstr(other, written) != NULL
					   ? LONGEST_NAME + other_length
					   : -1;
	pfree(other);
	return distance;
}

/* casesync_internal.nearest_name(written text, names text[]) → text; NULL when none is near */
Datum
casesync_nearest_name(PG_FUNCTION_ARGS)
{
	char *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *written = asc_tolower(source, strlen(source));
	int length = strlen(written);
	Datum *names;
	bool *nulls;
	int count;
	int best = -1;
	int least = 0;
	int i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
					  &count);
	for (i = 0; i < Min(count, MOST_NAMES) && length <= LONGEST_NAME; i++)
	{
		char *name = nulls[i] ? NULL : TextDatumGetCString(names[i]);
		int distance;

		if (name == NULL || strlen(name) > LONGEST_NAME || strcmp(name, source) == 0)
			continue;
		distance = name_distance(written, length, name);
		if (distance >= 0 && (best < 0 || distance < least))
		{
			best = i;
			least = distance;
		}
	}
	if (best < 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(names[best]);
}
