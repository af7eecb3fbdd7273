/*
 * uuid.h
 *		Random UUIDs (version 4) and the check of their text. From the crypto library's generator.
 */
#ifndef UUID_H
#define UUID_H

#include <stdbool.h>

#include "base/failure.h"

#define UUID_SIZE 37

extern bool uuid_random(char text[UUID_SIZE], Failure *failure);

/* 8-4-4-4-12 hexadecimal digits, any case, nothing else. */
extern bool uuid_is_valid(const char *text);

#endif /* UUID_H */
