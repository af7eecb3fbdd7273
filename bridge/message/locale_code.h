/*
 * locale_code.h
 *		Languages as others write them: ISO 639-1, with a region, in capitals. Pure.
 */
#ifndef LOCALE_CODE_H
#define LOCALE_CODE_H

#include <stdbool.h>

#define LOCALE_CODE_SIZE 4

/*
 * The three letters (ISO 639-3) of a text that begins with a language: two or three letters, then
 * nothing, or '-', '_' or '/' and a region, which *has_region tells. False when it is no such text,
 * or one of two letters that name no language.
 */
extern bool locale_code_read(const char *text, char code[LOCALE_CODE_SIZE], bool *has_region);

#endif
