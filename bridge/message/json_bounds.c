/*
 * json_bounds.c
 *		One walk over the bytes. It knows where it is, so that what is wrong can be found by whoever
 *		sent it, and it keeps nothing else.
 */
#include "message/json_bounds.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "message/json_number.h"

#define NAME_SHOWN 40 /* bytes of a member's name in a place */

typedef struct Level
{
	bool is_object;
	int index;		  /* of the member or item */
	const char *name; /* of the member */
	size_t name_length;
} Level;

typedef struct Walk
{
	const char *at;
	const char *end;
	Level levels[JSON_BOUNDS_DEPTH];
	int depth;
	size_t values;
	size_t plain;
	char *reason;
	size_t size;
} Walk;

static bool
name_is_plain(const Level *level)
{
	if (level->name == NULL || level->name_length > NAME_SHOWN)
		return false;
	for (size_t i = 0; i < level->name_length; i++)
	{
		char c = level->name[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	return level->name_length > 0;
}

/* "message.search_request[0].limit: " */
static size_t
place_write(const Walk *walk)
{
	size_t used = 0;

	for (int i = 0; i < walk->depth && used < walk->size; i++)
	{
		const Level *level = &walk->levels[i];
		char *out = walk->reason + used;
		size_t left = walk->size - used;

		if (!level->is_object)
			used += (size_t) snprintf(out, left, "[%d]", level->index);
		else if (name_is_plain(level))
			used += (size_t) snprintf(out, left, "%s%.*s", i > 0 ? "." : "",
									  (int) level->name_length, level->name);
		else
			used += (size_t) snprintf(out, left, "%s?", i > 0 ? "." : "");
	}
	return used;
}

static bool
walk_refuse(const Walk *walk, const char *why)
{
	size_t used = place_write(walk);

	/* the place is worth less than what is wrong */
	if (used + strlen(why) + 3 > walk->size)
		used = (size_t) snprintf(walk->reason, walk->size, "a value");
	(void) snprintf(walk->reason + used, walk->size - used, "%s%s", used > 0 ? ": " : "", why);
	return false;
}

static bool
walk_count_value(Walk *walk)
{
	if (++walk->values <= JSON_BOUNDS_VALUES)
		return true;
	walk->depth = 0;
	(void) snprintf(walk->reason, walk->size, "the body has more than %d values; split the message",
					JSON_BOUNDS_VALUES);
	return false;
}

static bool
walk_open(Walk *walk, char bracket)
{
	if (walk->depth == JSON_BOUNDS_DEPTH)
	{
		(void) snprintf(walk->reason, walk->size, "the body is nested deeper than %d levels",
						JSON_BOUNDS_DEPTH);
		return false;
	}
	walk->levels[walk->depth++] = (Level){.is_object = bracket == '{'};
	walk->at++;
	return walk_count_value(walk);
}

static bool
walk_next(Walk *walk)
{
	Level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;

	walk->at++;
	if (level == NULL || ++level->index < JSON_BOUNDS_MEMBERS)
		return true;
	(void) snprintf(walk->reason, walk->size, "%s has more than %d %s; split the message",
					level->is_object ? "an object" : "a list", JSON_BOUNDS_MEMBERS,
					level->is_object ? "members" : "items");
	return false;
}

/* A string, which is a member's name when a colon follows. */
static bool
walk_string(Walk *walk)
{
	Level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
	const char *start = walk->at + 1;
	const char *c = start;

	/* whatever is escaped, a quote above all, does not end the string */
	while (c < walk->end && *c != '"')
		c += *c == '\\' ? 2 : 1;
	if (c > walk->end)
		c = walk->end;
	walk->at = c < walk->end ? c + 1 : c;
	for (const char *after = walk->at; after < walk->end; after++)
	{
		if (*after == ':' && level != NULL)
		{
			level->name = start;
			level->name_length = (size_t) (c - start);
			return true;
		}
		if (*after != ' ' && *after != '\t' && *after != '\r' && *after != '\n')
			break;
	}
	return walk_count_value(walk);
}

static bool
is_of_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

static bool
walk_number(Walk *walk)
{
	const char *start = walk->at;
	size_t plain;

	while (walk->at < walk->end && is_of_number(*walk->at))
		walk->at++;
	switch (json_number_judge(start, (size_t) (walk->at - start), &plain))
	{
		case JSON_NUMBER_FINE:
			break;
		case JSON_NUMBER_LARGE:
			return walk_refuse(walk, "a number beyond 2^53-1 is too large to be read alike "
									 "everywhere; send it as a string");
		case JSON_NUMBER_SMALL:
			return walk_refuse(walk, "a number with such an exponent is too small to be read alike "
									 "everywhere; send 0, or a string");
		case JSON_NUMBER_PRECISE:
			return walk_refuse(walk, "a number has more than 17 significant digits, which not "
									 "everybody reads; round it, or send it as a string");
	}
	walk->plain += plain;
	if (walk->plain > JSON_BOUNDS_PLAIN)
		return walk_refuse(walk, "all numbers together, written without exponents, have more than "
								 "4 million characters; split the message");
	return walk_count_value(walk);
}

/* true, false, null, or what is no JSON. */
static bool
walk_word(Walk *walk)
{
	while (walk->at < walk->end && *walk->at >= 'a' && *walk->at <= 'z')
		walk->at++;
	return walk_count_value(walk);
}

static bool
walk_token(Walk *walk)
{
	char c = *walk->at;

	if (c == '"')
		return walk_string(walk);
	if (c == '{' || c == '[')
		return walk_open(walk, c);
	if (c == ',')
		return walk_next(walk);
	if (c == '-' || (c >= '0' && c <= '9'))
		return walk_number(walk);
	if (c >= 'a' && c <= 'z')
		return walk_word(walk);
	if ((c == '}' || c == ']') && walk->depth > 0)
		walk->depth--;
	walk->at++;
	return true;
}

bool
json_bounds_check(const char *text, size_t length, char *reason, size_t size)
{
	Walk walk = {.at = text, .end = text + length, .reason = reason, .size = size};

	while (walk.at < walk.end)
		if (!walk_token(&walk))
			return false;
	return true;
}
