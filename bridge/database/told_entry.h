/*
 * told_entry.h
 *		One line of the journal of what was told: an entry encrypted, and read again. Knows nothing
 *		of files.
 */
#ifndef TOLD_ENTRY_H
#define TOLD_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#define TOLD_KEY_BYTES 32

/* 64 hexadecimal digits. */
extern bool told_key_read(const char *hex, unsigned char key[TOLD_KEY_BYTES]);

/* A line with its end, to be freed; NULL when out of memory. */
extern char *told_entry_seal(const unsigned char *key, const char *entry, size_t *length);

/* The entry, to be freed; NULL when the line is broken, or was written with another key. */
extern char *told_entry_open(const unsigned char *key, const char *line);

#endif
