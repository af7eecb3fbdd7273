/*
 * code_directory_test.c
 *		The code directories without a server: every spelling, and random edits of them, read from
 *		memory of exactly their length so that the sanitizers see one byte too far.
 */
#include "postgres.h"

#include <stdlib.h>

#include "code/code_directory.h"
#include "tap.h"

#define ROUNDS 200000
#define WORD_SIZE 160

/* code_find over a copy without a byte behind it. */
static bool
find_exactly(const CodeDirectory *directory, const char *word, size_t length, int16 *number)
{
	char *copy = malloc(length > 0 ? length : 1);
	bool found;

	memcpy(copy, word, length);
	found = code_find(directory, copy, length, number);
	code_claims_local(copy, length);
	code_label_is(directory, code_first(directory), copy, length);
	free(copy);
	return found;
}

/* What the types promise of every number that was found. */
static bool
reads_back(const CodeDirectory *directory, int16 number)
{
	char buffer[CODE_TEXT_SIZE];
	const char *canonical = code_canonical(directory, number, buffer);
	int16 again;

	return code_exists(directory, number) && canonical != NULL &&
		   find_exactly(directory, canonical, strlen(canonical), &again) && again == number;
}

static void
test_directories(Tap *tap)
{
	const CodeDirectory *directory;
	int count = 0;

	for (int i = 0; (directory = code_directory_at(i)) != NULL; i++)
	{
		const char *name = code_directory_name(directory);
		bool sound = code_directory_by_name(name) == directory;

		for (int row = 0; row < code_count(directory); row++)
		{
			int16 number = code_first(directory) + row;
			char buffer[CODE_TEXT_SIZE];
			const char *code = code_text(directory, number, buffer);
			int16 found;

			sound = sound && reads_back(directory, number) && code_label(directory, number) &&
					code_description(directory, number) &&
					code_find(directory, code, strlen(code), &found) && found == number;
		}
		tap_ok(tap, sound, "every code of %s is found by its texts", name);
		count++;
	}
	tap_ok(tap, count >= 20, "there are directories");
	tap_ok(tap, code_directory_at(-1) == NULL && code_directory_at(count) == NULL, "and an end");
	tap_ok(tap,
		   !code_directory_by_name("") && !code_directory_by_name("Sex") &&
			   !code_directory_by_name("zzz"),
		   "names that are no directory are not found");
}

static void
test_numbers(Tap *tap)
{
	const CodeDirectory *directory = code_directory_by_name("enrolment_status");
	char buffer[CODE_TEXT_SIZE];

	for (int32 number = -40000; number <= 40000; number++)
	{
		bool expected =
			(number >= 1 && number <= 7) || (number >= CODE_LOCAL_MIN && number <= CODE_LOCAL_MAX);

		if (code_exists(directory, number) != expected ||
			(expected && !reads_back(directory, (int16) number)))
		{
			tap_ok(tap, false, "number %d of enrolment_status", (int) number);
			return;
		}
	}
	tap_ok(tap, true, "exactly the numbers 1 to 7 and the local ones exist");
	tap_is(tap, code_canonical(directory, PG_INT16_MAX, buffer), "local:32767",
		   "the longest local code fits its buffer");
	tap_ok(tap,
		   !code_text(directory, 8, buffer) && !code_canonical(directory, 0, buffer) &&
			   !code_label(directory, 900) && !code_description(directory, -1),
		   "numbers that do not exist have no texts");
}

static void
test_bytes(Tap *tap)
{
	const CodeDirectory *directory = code_directory_by_name("enrolment_status");
	int16 number = -1;

	tap_ok(tap, !find_exactly(directory, "", 0, &number), "nothing is no code");
	tap_ok(tap, !find_exactly(directory, "1\0", 2, &number), "a zero byte is no blank");
	tap_ok(tap, !find_exactly(directory, "Act\0ive", 7, &number), "nor skipped");
	tap_ok(tap, find_exactly(directory, "1234", 1, &number) && number == 1,
		   "only the given length is read");
	tap_ok(tap, !find_exactly(directory, "local:", 6, &number), "local: alone is no code");
	tap_is_int(tap, number, 1, "a failed search leaves the number alone");
}

static void
test_random_edits(Tap *tap)
{
	unsigned long long state = 20261122;
	int directory_count = 0;
	int found_count = 0;

	while (code_directory_at(directory_count) != NULL)
		directory_count++;
	for (int round = 0; round < ROUNDS; round++)
	{
		const CodeDirectory *directory = code_directory_at(tap_random(&state) % directory_count);
		int row = tap_random(&state) % code_count(directory);
		int16 number = code_first(directory) + row;
		char buffer[CODE_TEXT_SIZE];
		char word[WORD_SIZE];
		unsigned long length;
		int16 found;

		switch (tap_random(&state) % 4)
		{
			case 0:
				snprintf(word, sizeof(word), "local:%u", tap_random(&state) % 40000);
				break;
			case 1:
				snprintf(word, sizeof(word), "code:0%s", code_text(directory, number, buffer));
				break;
			case 2:
				snprintf(word, sizeof(word), " %s ", code_label(directory, number));
				break;
			default:
				snprintf(word, sizeof(word), "%s", code_canonical(directory, number, buffer));
		}
		length = strlen(word);
		tap_mutate(&state, word, &length, sizeof(word));
		if (!find_exactly(directory, word, length, &found))
			continue;
		found_count++;
		if (!reads_back(directory, found))
		{
			tap_ok(tap, false, "round %d found %d", round, (int) found);
			return;
		}
	}
	tap_ok(tap, found_count > ROUNDS / 100, "random edits find only codes that read back (%d)",
		   found_count);
}

int
main(void)
{
	Tap tap = {0};

	test_directories(&tap);
	test_numbers(&tap);
	test_bytes(&tap);
	test_random_edits(&tap);
	return tap_done(&tap);
}
