/*
 * signature_text.c
 *		Takes the standard's signature text apart. Every value is copied into a bounded field.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "seal/signature_text.h"

#define SIGNED_HEADERS "(created) (expires) digest"

typedef enum Member
{
	MEMBER_NAMESPACE,
	MEMBER_KEY,
	MEMBER_ALGORITHM,
	MEMBER_CREATED,
	MEMBER_EXPIRES,
	MEMBER_HEADERS,
	MEMBER_SIGNATURE,
	MEMBER_COUNT
} Member;

static const struct
{
	const char *name;
	Member member;
	bool is_required;
} members[] = {
	{"namespace", MEMBER_NAMESPACE, false},
	{"kidId", MEMBER_KEY, true},
	/* the standard's own spelling, and that of the draft it took it from (HTTP signatures) */
	{"keyId", MEMBER_KEY, true},
	{"algorithm", MEMBER_ALGORITHM, false},
	{"created", MEMBER_CREATED, true},
	{"expires", MEMBER_EXPIRES, true},
	{"headers", MEMBER_HEADERS, true},
	{"signature", MEMBER_SIGNATURE, true},
};

#define NAME_COUNT (sizeof(members) / sizeof(members[0]))

typedef struct Values
{
	char text[MEMBER_COUNT][SIGNATURE_TEXT_MAX];
	bool is_set[MEMBER_COUNT];
} Values;

static bool
text_refuse(Failure *failure, const char *reason)
{
	failure_set(failure, FAILURE_SIGNATURE_INVALID, "signature: %s", reason);
	return false;
}

static const char *
blanks_skip(const char *text)
{
	while (*text == ' ' || *text == '\t' || *text == ',')
		text++;
	return text;
}

/* "Signature:" in front, any case; the standard's example has it inside the value. */
static const char *
word_skip(const char *text)
{
	text = blanks_skip(text);
	if (strncasecmp(text, "signature:", strlen("signature:")) == 0)
		text += strlen("signature:");
	return blanks_skip(text);
}

static bool
member_find(const char *name, size_t length, Member *member)
{
	size_t i;

	for (i = 0; i < NAME_COUNT; i++)
	{
		if (strlen(members[i].name) == length && strncasecmp(members[i].name, name, length) == 0)
		{
			*member = members[i].member;
			return true;
		}
	}
	return false;
}

/* One name="value"; the closing quote may lack at the very end of the text. */
static bool
member_take(const char **text, Values *values, Failure *failure)
{
	const char *name = *text;
	const char *value;
	size_t name_length = strcspn(name, " \t=,\"");
	size_t length;
	Member member;

	value = name + name_length;
	value += strspn(value, " \t");
	if (*value != '=')
		return text_refuse(failure, "is not a list of name=\"value\"");
	value++;
	value += strspn(value, " \t");
	if (*value != '"')
		return text_refuse(failure, "has a value without quotation marks");
	value++;
	length = strcspn(value, "\"");
	*text = value + length + (value[length] == '"' ? 1 : 0);

	/* unknown members are passed over: later versions of the draft have more */
	if (!member_find(name, name_length, &member))
		return true;
	/* kidId and keyId are one: two of them would be two answers to who signed */
	if (values->is_set[member])
		return text_refuse(failure, "names a member twice");
	values->is_set[member] = true;
	/* it fits: the whole text is shorter than SIGNATURE_TEXT_MAX */
	memcpy(values->text[member], value, length);
	values->text[member][length] = '\0';
	return true;
}

static bool
field_copy(char *field, size_t size, const char *value, size_t length)
{
	if (length == 0 || length >= size)
		return false;
	memcpy(field, value, length);
	field[length] = '\0';
	return true;
}

/* kidId="sender|kid|algorithm" */
static bool
key_split(const char *value, SignatureText *parsed)
{
	size_t sender = strcspn(value, "|");
	const char *kid = value + sender + 1;
	const char *algorithm;
	size_t kid_length;

	if (value[sender] != '|')
		return false;
	kid_length = strcspn(kid, "|");
	if (kid[kid_length] != '|')
		return false;
	algorithm = kid + kid_length + 1;
	if (strchr(algorithm, '|') != NULL)
		return false;
	return field_copy(parsed->sender_id, sizeof(parsed->sender_id), value, sender) &&
		   field_copy(parsed->kid, sizeof(parsed->kid), kid, kid_length) &&
		   field_copy(parsed->algorithm, sizeof(parsed->algorithm), algorithm, strlen(algorithm));
}

static bool
seconds_parse(const char *value, char *field, size_t size, int64_t *seconds)
{
	size_t length = strlen(value);

	/* the text itself is what was signed, so it is kept beside the number */
	if (length > 12 || strspn(value, "0123456789") != length ||
		!field_copy(field, size, value, length))
		return false;
	*seconds = strtoll(value, NULL, 10);
	return true;
}

static bool
namespace_is_known(const Values *values)
{
	const char *name = values->text[MEMBER_NAMESPACE];

	return !values->is_set[MEMBER_NAMESPACE] || strcmp(name, "spdci") == 0 ||
		   strcmp(name, "dci") == 0 || strcmp(name, "g2p") == 0;
}

static bool
values_check(const Values *values, SignatureText *parsed, Failure *failure)
{
	size_t i;

	for (i = 0; i < NAME_COUNT; i++)
	{
		if (members[i].is_required && !values->is_set[members[i].member])
		{
			failure_set(failure, FAILURE_SIGNATURE_INVALID, "signature: %s=\"...\" is missing",
						members[i].name);
			return false;
		}
	}
	if (!namespace_is_known(values))
		return text_refuse(failure, "namespace must be spdci, dci or g2p");
	if (strcmp(values->text[MEMBER_HEADERS], SIGNED_HEADERS) != 0)
		return text_refuse(failure, "headers must be \"" SIGNED_HEADERS "\"");
	if (!key_split(values->text[MEMBER_KEY], parsed))
		return text_refuse(failure, "kidId must be \"sender_id|key id|algorithm\"");
	if (!seconds_parse(values->text[MEMBER_CREATED], parsed->created, sizeof(parsed->created),
					   &parsed->created_seconds))
		return text_refuse(failure, "created must be seconds since 1970");
	if (!seconds_parse(values->text[MEMBER_EXPIRES], parsed->expires, sizeof(parsed->expires),
					   &parsed->expires_seconds))
		return text_refuse(failure, "expires must be seconds since 1970");
	if (!field_copy(parsed->signature, sizeof(parsed->signature), values->text[MEMBER_SIGNATURE],
					strlen(values->text[MEMBER_SIGNATURE])))
		return text_refuse(failure, "signature=\"...\" is empty or too long");
	return true;
}

bool
signature_text_parse(const char *text, SignatureText *parsed, Failure *failure)
{
	Values *values;
	bool ok = true;

	memset(parsed, 0, sizeof(*parsed));
	if (strlen(text) >= SIGNATURE_TEXT_MAX)
		return text_refuse(failure, "is too long");
	/* some tens of kilobytes: too much for the stack of a handler */
	values = calloc(1, sizeof(*values));
	if (values == NULL)
	{
		failure_set(failure, FAILURE_MEMORY, "out of memory");
		return false;
	}
	text = word_skip(text);
	while (ok && *text != '\0')
	{
		ok = member_take(&text, values, failure);
		text = blanks_skip(text);
	}
	ok = ok && values_check(values, parsed, failure);
	free(values);
	return ok;
}
