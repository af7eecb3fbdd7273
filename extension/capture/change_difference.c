/*
 * change_difference.c
 *		Writes down what an update changed. Must not know rows or tables.
 *
 * The server's way to make jsonb goes through a tree of values, which costs more than all else that
 * is done for a change before it is stored. Here its bytes are written at once, in the form that
 * utils/jsonb.h describes: a test holds that they are those which the server would write.
 */
#include "postgres.h"

#include "capture/change_difference.h"

/* Where children of one container go: first an entry for each, then what they hold. */
typedef struct ContainerWriter
{
	char *start;
	char *end;
	JEntry *entries;
	int count;
	uint32 total;
} ContainerWriter;

static ContainerWriter
container_begin(char *place, uint32 kind, int size, int entry_count)
{
	ContainerWriter writer;
	uint32 header = kind | size;

	memcpy(place, &header, sizeof(header));
	writer.entries = (JEntry *) (place + sizeof(header));
	writer.start = writer.end = (char *) (writer.entries + entry_count);
	writer.count = 0;
	writer.total = 0;
	return writer;
}

/* Every so many entries say where they end instead of how long they are. */
static void
entry_add(ContainerWriter *writer, uint32 type, uint32 length)
{
	JEntry entry = type | length;

	writer->total += length;
	if (writer->count % JB_OFFSET_STRIDE == 0)
		entry = type | writer->total | JENTRY_HAS_OFF;
	writer->entries[writer->count++] = entry;
}

static void
text_add(ContainerWriter *writer, const char *content, int length)
{
	if (content == NULL)
	{
		entry_add(writer, JENTRY_ISNULL, 0);
		return;
	}
	memcpy(writer->end, content, length);
	writer->end += length;
	entry_add(writer, JENTRY_ISSTRING, length);
}

static int
text_length(const char *content)
{
	return content == NULL ? 0 : strlen(content);
}

/* An array begins at a multiple of four bytes; those before it are counted with it. */
static void
pair_add(ContainerWriter *object, const Difference *difference, const char *base)
{
	char *before = object->end;
	ContainerWriter pair;

	if (difference->is_long)
	{
		text_add(object, NULL, 0);
		return;
	}
	while ((object->end - base) % sizeof(JEntry) != 0)
		*object->end++ = '\0';
	pair = container_begin(object->end, JB_FARRAY, 2, 2);
	text_add(&pair, difference->old_text, text_length(difference->old_text));
	text_add(&pair, difference->new_text, text_length(difference->new_text));
	object->end = pair.end;
	entry_add(object, JENTRY_ISCONTAINER, object->end - before);
}

static Size
differences_room(const Difference *differences, int count)
{
	Size room = VARHDRSZ + sizeof(uint32);

	for (int i = 0; i < count; i++)
		room += 2 * sizeof(JEntry) + differences[i].label_length + 4 * sizeof(JEntry) +
				text_length(differences[i].old_text) + text_length(differences[i].new_text);
	return room;
}

/* As the server orders keys: by length first. */
static int
difference_compare(const void *left, const void *right)
{
	const Difference *a = left;
	const Difference *b = right;

	if (a->label_length != b->label_length)
		return a->label_length < b->label_length ? -1 : 1;
	return memcmp(a->label, b->label, a->label_length);
}

/* Two columns of one label, which a tracking cannot have, would make jsonb that is none. */
static int
differences_sort(Difference *differences, int count)
{
	int kept = 1;

	if (count < 2)
		return count;
	qsort(differences, count, sizeof(Difference), difference_compare);
	for (int i = 1; i < count; i++)
		if (difference_compare(&differences[i], &differences[kept - 1]) != 0)
			differences[kept++] = differences[i];
	return kept;
}

Jsonb *
change_difference_json(Difference *differences, int all_count)
{
	int count = differences_sort(differences, all_count);
	char *place = palloc(differences_room(differences, count));
	ContainerWriter object = container_begin(place + VARHDRSZ, JB_FOBJECT, count, 2 * count);

	for (int i = 0; i < count; i++)
		text_add(&object, differences[i].label, differences[i].label_length);
	for (int i = 0; i < count; i++)
		pair_add(&object, &differences[i], place);
	SET_VARSIZE(place, object.end - place);
	return (Jsonb *) place;
}
