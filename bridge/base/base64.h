/*
 * base64.h
 *		Base64 (RFC 4648): standard with padding, and URL-safe without. Pure, strict.
 */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that the encoded text of length bytes needs, NUL included. */
#define BASE64_SIZE(length) (((length) + 2) / 3 * 4 + 1)

/* text must have room for BASE64_SIZE(length). */
extern void base64_encode(const void *bytes, size_t length, char *text);
extern void base64url_encode(const void *bytes, size_t length, char *text);

/*
 * Decode exactly expected bytes from length characters; padding may be there or not, and either
 * alphabet is taken. False for anything else.
 */
extern bool base64_decode(const char *text, size_t length, unsigned char *bytes, size_t expected);

#endif /* BASE64_H */
