/*
 * base64.c
 *		Base64 both ways. The decoder wants a known number of bytes: keys and signatures. It is our
 *		own: OpenSSL's reads over blanks, takes any bits behind the last byte, and one alphabet
 *		only.
 */
#include "base/base64.h"

#include <openssl/evp.h>

void
base64_encode(const void *bytes, size_t length, char *text)
{
	text[EVP_EncodeBlock((unsigned char *) text, bytes, (int) length)] = '\0';
}

void
base64url_encode(const void *bytes, size_t length, char *text)
{
	base64_encode(bytes, length, text);
	for (; *text != '\0' && *text != '='; text++)
	{
		if (*text == '+' || *text == '/')
			*text = *text == '+' ? '-' : '_';
	}
	*text = '\0';
}

/* 0..63, or -1. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool
base64_decode(const char *text, size_t length, unsigned char *bytes, size_t expected)
{
	size_t digits = (expected * 8 + 5) / 6;
	unsigned int bits = 0;
	int held = 0;
	size_t i;

	if (length != digits && length != BASE64_SIZE(expected) - 1)
		return false;
	for (i = digits; i < length; i++)
	{
		if (text[i] != '=')
			return false;
	}
	for (i = 0; i < digits; i++)
	{
		int value = digit_value(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (unsigned int) value;
		held += 6;
		if (held >= 8)
		{
			held -= 8;
			*bytes++ = (unsigned char) (bits >> held);
		}
	}
	/* Bits left over must be zero: one signature, one text. */
	return (bits & ((1U << held) - 1)) == 0;
}
