/*
 * buffer.h
 *		Growing bytes with a ceiling given at creation: no input can make one larger.
 *		Knows nothing of what the bytes mean.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes are always followed by a NUL that does not count, so that data is also a C string
 * (never NULL, not even before the first append). The ceiling is on length.
 */
typedef struct Buffer
{
	char *data;
	size_t length;
	size_t allocated;
	size_t ceiling;
} Buffer;

/* Start empty; allocates nothing and cannot fail. */
extern void buffer_init(Buffer *buffer, size_t ceiling);

/* Release the bytes; the buffer is as after buffer_init. Safe on a zeroed one. */
extern void buffer_free(Buffer *buffer);

/* Forget the content, keep the memory. */
extern void buffer_clear(Buffer *buffer);

/* Forget what comes after the first length bytes; no effect when there are not so many. */
extern void buffer_cut(Buffer *buffer, size_t length);

/*
 * Append; false when the ceiling would be passed or memory is out, and then nothing at all was
 * appended. buffer_is_full_for tells which: true = the ceiling would be passed by so many bytes.
 */
extern bool buffer_append(Buffer *buffer, const void *bytes, size_t length);
extern bool buffer_append_text(Buffer *buffer, const char *text);
extern bool buffer_append_char(Buffer *buffer, char c);
extern bool buffer_printf(Buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern bool buffer_is_full_for(const Buffer *buffer, size_t length);

/* Give the bytes (malloc'ed, NUL-terminated, may be NULL when empty) away; leaves it empty. */
extern char *buffer_take(Buffer *buffer, size_t *length);

#endif /* BUFFER_H */
