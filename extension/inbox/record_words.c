/*
 * record_words.c
 *		What a record may say of somebody's death, wherever and however it is written: each word of
 *		each member whose name may mean that, with the name. Asked of every record that comes in.
 *
 * Must not know what the words mean.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(casesync_name_folded);
PG_FUNCTION_INFO_V1(casesync_death_words);

typedef struct Words
{
	JsonbParseState *state;
	JsonbValue *list;
} Words;

/* As peers spell names: the last part of a prefixed one, in small letters, without what is none. */
static text *
ascii_folded(const char *name, int length)
{
	text *folded = palloc(VARHDRSZ + length);
	char *end = VARDATA(folded);

	for (int i = 0; i < length; i++)
	{
		char c = name[i];

		if (c == ':')
			end = VARDATA(folded);
		else if (c >= 'A' && c <= 'Z')
			*end++ = c - 'A' + 'a';
		else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			*end++ = c;
	}
	SET_VARSIZE(folded, end - (char *) folded);
	return folded;
}

/* Of other letters the server knows what they are. */
static text *
other_folded(const char *name, int length)
{
	Datum plain = PointerGetDatum(cstring_to_text_with_len(name, length));
	char *text_start;
	char *last = NULL;

	if (GetDatabaseEncoding() == PG_UTF8)
		plain = DirectFunctionCall2(unicode_normalize_func, plain, CStringGetTextDatum("NFKC"));
	text_start = text_to_cstring(DatumGetTextPP(plain));
	last = strrchr(text_start, ':');
	if (last != NULL)
		text_start = last + 1;
	text_start = str_tolower(text_start, strlen(text_start), DEFAULT_COLLATION_OID);
	return DatumGetTextPP(DirectFunctionCall4Coll(
		textregexreplace, DEFAULT_COLLATION_OID, CStringGetTextDatum(text_start),
		CStringGetTextDatum("[^[:alnum:]]"), CStringGetTextDatum(""), CStringGetTextDatum("g")));
}

static text *
name_folded(const char *name, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(name[i]))
			return other_folded(name, length);
	}
	return ascii_folded(name, length);
}

/* casesync_internal.name_folded(name text) → text */
Datum
casesync_name_folded(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(name_folded(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)));
}

static bool
text_is(const text *value, const char *word)
{
	return VARSIZE_ANY_EXHDR(value) == strlen(word) &&
		   memcmp(VARDATA_ANY(value), word, strlen(word)) == 0;
}

/* May a member of this name say when, or whether, somebody died? */
static bool
name_is_of_death(const text *name)
{
	static const char *const ends[] = {"status",  "date",	  "day",  "time", "death",
									   "decease", "deceased", "dead", "died"};
	int length = VARSIZE_ANY_EXHDR(name);

	for (int i = 0; i < lengthof(ends); i++)
	{
		int end = strlen(ends[i]);

		if (length >= end && memcmp(VARDATA_ANY(name) + length - end, ends[i], end) == 0)
			return true;
	}
	return false;
}

static void
word_add(Words *words, const text *name, JsonbValue *word)
{
	JsonbValue called = {.type = jbvString};

	called.val.string.val = VARDATA_ANY(name);
	called.val.string.len = VARSIZE_ANY_EXHDR(name);
	pushJsonbValue(&words->state, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&words->state, WJB_ELEM, &called);
	pushJsonbValue(&words->state, WJB_ELEM, word);
	pushJsonbValue(&words->state, WJB_END_ARRAY, NULL);
}

/* Every scalar in a value, as a word of the member of this name. */
static void
words_of(Words *words, const text *name, JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue v;
	JsonbIteratorToken token;

	if (value->type != jbvBinary)
	{
		word_add(words, name, value);
		return;
	}
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		if (token == WJB_VALUE || token == WJB_ELEM)
			word_add(words, name, &v);
	}
}

static void container_walk(Words *words, JsonbContainer *container);

static void
member_take(Words *words, const text *name, JsonbValue *value)
{
	if (name_is_of_death(name))
		words_of(words, name, value);
}

/* A pair of key (or name) and value is a member of that name. */
static void
pairs_take(Words *words, JsonbValue *names, int named, JsonbValue *values, int valued)
{
	for (int i = 0; i < named; i++)
		for (int j = 0; j < valued; j++)
			member_take(words, name_folded(names[i].val.string.val, names[i].val.string.len),
						&values[j]);
}

static void
object_walk(Words *words, JsonbContainer *container)
{
	JsonbIterator *it = JsonbIteratorInit(container);
	int count = JsonContainerSize(container);
	JsonbValue *names = palloc(sizeof(JsonbValue) * Max(count, 1));
	JsonbValue *values = palloc(sizeof(JsonbValue) * Max(count, 1));
	int named = 0;
	int valued = 0;
	text *name = NULL;
	JsonbValue v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = name_folded(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE)
			continue;
		member_take(words, name, &v);
		if (v.type == jbvBinary)
			container_walk(words, v.val.binary.data);
		if (v.type == jbvString && (text_is(name, "key") || text_is(name, "name")))
			names[named++] = v;
		if (text_is(name, "value"))
			values[valued++] = v;
	}
	pairs_take(words, names, named, values, valued);
	pfree(names);
	pfree(values);
}

static void
container_walk(Words *words, JsonbContainer *container)
{
	JsonbIterator *it;
	JsonbValue v;
	JsonbIteratorToken token;

	check_stack_depth();
	if (JsonContainerIsObject(container))
	{
		object_walk(words, container);
		return;
	}
	it = JsonbIteratorInit(container);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM && v.type == jbvBinary)
			container_walk(words, v.val.binary.data);
	}
}

/* casesync_internal.death_words(record jsonb) → jsonb: a list of [name, word] */
Datum
casesync_death_words(PG_FUNCTION_ARGS)
{
	Jsonb *record = PG_GETARG_JSONB_P(0);
	Words words = {NULL, NULL};

	pushJsonbValue(&words.state, WJB_BEGIN_ARRAY, NULL);
	container_walk(&words, &record->root);
	words.list = pushJsonbValue(&words.state, WJB_END_ARRAY, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(words.list));
}
