/*
 * code_directory.c
 *		Lookups in the constant code directories. See code_directory.h.
 *
 * Must not know fmgr, SQL or tables; may be called from anywhere, allocates nothing.
 */
#include "postgres.h"

#include "code/code_directory.h"

#define LOCAL_PREFIX "local:"
#define LOCAL_PREFIX_LENGTH (sizeof(LOCAL_PREFIX) - 1)

/* No spelling is longer; gen_codes.pl checks it. */
#define SPELLING_MAX 127

typedef enum SpellingKind
{
	SPELLING_CODE,	   /* the code or a further spelling of it: fits behind a prefix, too */
	SPELLING_LABEL,	   /* the label of one code */
	SPELLING_AMBIGUOUS /* the label of several codes */
} SpellingKind;

typedef struct CodeRow
{
	const char *code;
	const char *label;
	const char *canonical;
	const char *description;
} CodeRow;

typedef struct CodeSpelling
{
	const char *text; /* folded */
	int16 number;
	SpellingKind kind;
} CodeSpelling;

struct CodeDirectory
{
	const char *name;
	const char *id;
	int16 first;
	const CodeRow *rows;
	int row_count;
	const CodeSpelling *spellings; /* in the order of strcmp */
	int spelling_count;
	const char *const *prefixes; /* ends with NULL */
};

#include "generated/code_tables.h"

const CodeDirectory *
code_directory_by_name(const char *name)
{
	int low = 0;
	int high = lengthof(code_directories) - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(name, code_directories[middle].name);

		if (order == 0)
			return &code_directories[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

const CodeDirectory *
code_directory_at(int index)
{
	if (index < 0 || index >= (int) lengthof(code_directories))
		return NULL;
	return &code_directories[index];
}

const char *
code_directory_name(const CodeDirectory *directory)
{
	return directory->name;
}

const char *
code_directory_id(const CodeDirectory *directory)
{
	return directory->id;
}

int
code_count(const CodeDirectory *directory)
{
	return directory->row_count;
}

int16
code_first(const CodeDirectory *directory)
{
	return directory->first;
}

/* The blanks isspace() knows in the C locale; the server's locale must not change what is read. */
static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
trim(const char **word, size_t *length)
{
	while (*length > 0 && is_blank(**word))
	{
		(*word)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*word)[*length - 1]))
		(*length)--;
}

/*
 * Copy in lower case. False if the text can be no spelling: empty, too long, or with a zero
 * byte.
 */
static bool
fold(const char *word, size_t length, char folded[SPELLING_MAX + 1])
{
	trim(&word, &length);
	if (length == 0 || length > SPELLING_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		char c = word[i];

		if (c == '\0')
			return false;
		folded[i] = c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
	}
	folded[length] = '\0';
	return true;
}

static const CodeSpelling *
find_spelling(const CodeDirectory *directory, const char *folded)
{
	int low = 0;
	int high = directory->spelling_count - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(folded, directory->spellings[middle].text);

		if (order == 0)
			return &directory->spellings[middle];
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/* 007 is 7, and 00 is 0, where codes are numbers. */
static const char *
skip_padding(const char *folded)
{
	if (strspn(folded, "0123456789") != strlen(folded))
		return folded;
	while (folded[0] == '0' && folded[1] != '\0')
		folded++;
	return folded;
}

static const CodeSpelling *
find_plain(const CodeDirectory *directory, const char *folded)
{
	const CodeSpelling *spelling = find_spelling(directory, folded);

	return spelling != NULL ? spelling : find_spelling(directory, skip_padding(folded));
}

/* Behind a prefix only a code is expected: code:1, not code:Active. */
static const CodeSpelling *
find_prefixed(const CodeDirectory *directory, const char *folded)
{
	const char *colon = strchr(folded, ':');

	if (colon == NULL)
		return NULL;
	for (const char *const *prefix = directory->prefixes; *prefix != NULL; prefix++)
	{
		size_t length = strlen(*prefix);

		if (length == (size_t) (colon - folded) && memcmp(folded, *prefix, length) == 0)
		{
			const CodeSpelling *spelling = find_plain(directory, colon + 1);

			return spelling != NULL && spelling->kind == SPELLING_CODE ? spelling : NULL;
		}
	}
	return NULL;
}

/* What comes behind local: as a number, if it is written as we write it and in the range. */
static bool
parse_local(const char *digits, int16 *number)
{
	int32 value = 0;

	if (*digits < '1' || *digits > '9')
		return false;
	for (; *digits != '\0'; digits++)
	{
		if (*digits < '0' || *digits > '9')
			return false;
		value = value * 10 + (*digits - '0');
		if (value > CODE_LOCAL_MAX)
			return false;
	}
	if (!code_is_local(value))
		return false;
	*number = (int16) value;
	return true;
}

bool
code_find(const CodeDirectory *directory, const char *word, size_t length, int16 *number)
{
	char folded[SPELLING_MAX + 1];
	const CodeSpelling *spelling;

	if (!fold(word, length, folded))
		return false;
	if (strncmp(folded, LOCAL_PREFIX, LOCAL_PREFIX_LENGTH) == 0)
		return parse_local(folded + LOCAL_PREFIX_LENGTH, number);
	spelling = find_plain(directory, folded);
	if (spelling == NULL)
		spelling = find_prefixed(directory, folded);
	if (spelling == NULL || spelling->kind == SPELLING_AMBIGUOUS)
		return false;
	*number = spelling->number;
	return true;
}

bool
code_label_is(const CodeDirectory *directory, int16 number, const char *word, size_t length)
{
	const char *label = code_label(directory, number);
	char folded_word[SPELLING_MAX + 1];
	char folded_label[SPELLING_MAX + 1];

	return label != NULL && fold(word, length, folded_word) &&
		   fold(label, strlen(label), folded_label) && strcmp(folded_word, folded_label) == 0;
}

bool
code_claims_local(const char *word, size_t length)
{
	trim(&word, &length);
	return length >= LOCAL_PREFIX_LENGTH &&
		   pg_strncasecmp(word, LOCAL_PREFIX, LOCAL_PREFIX_LENGTH) == 0;
}

bool
code_is_local(int32 number)
{
	return number >= CODE_LOCAL_MIN && number <= CODE_LOCAL_MAX;
}

static const CodeRow *
find_row(const CodeDirectory *directory, int32 number)
{
	if (number < directory->first || number - directory->first >= directory->row_count)
		return NULL;
	return &directory->rows[number - directory->first];
}

bool
code_exists(const CodeDirectory *directory, int32 number)
{
	return code_is_local(number) || find_row(directory, number) != NULL;
}

static const char *
print_local(int16 number, char buffer[CODE_TEXT_SIZE])
{
	snprintf(buffer, CODE_TEXT_SIZE, LOCAL_PREFIX "%d", (int) number);
	return buffer;
}

const char *
code_text(const CodeDirectory *directory, int16 number, char buffer[CODE_TEXT_SIZE])
{
	const CodeRow *row = find_row(directory, number);

	if (code_is_local(number))
		return print_local(number, buffer);
	return row != NULL ? row->code : NULL;
}

const char *
code_canonical(const CodeDirectory *directory, int16 number, char buffer[CODE_TEXT_SIZE])
{
	const CodeRow *row = find_row(directory, number);

	if (code_is_local(number))
		return print_local(number, buffer);
	return row != NULL ? row->canonical : NULL;
}

const char *
code_label(const CodeDirectory *directory, int16 number)
{
	const CodeRow *row = find_row(directory, number);

	return row != NULL ? row->label : NULL;
}

const char *
code_description(const CodeDirectory *directory, int16 number)
{
	const CodeRow *row = find_row(directory, number);

	return row != NULL ? row->description : NULL;
}
