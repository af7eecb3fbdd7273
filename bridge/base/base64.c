/*
 * base64.c
 *		Base64 both ways. The decoder wants a known number of bytes: keys and signatures.
 */
#include "base/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
encode(const unsigned char *bytes, size_t length, const char *alphabet, bool is_padded, char *text)
{
	size_t i;

	for (i = 0; i < length; i += 3)
	{
		size_t left = length - i;
		unsigned int group = (unsigned int) bytes[i] << 16;

		group |= left > 1 ? (unsigned int) bytes[i + 1] << 8 : 0;
		group |= left > 2 ? bytes[i + 2] : 0;
		*text++ = alphabet[group >> 18];
		*text++ = alphabet[group >> 12 & 63];
		if (left > 1 || is_padded)
			*text++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
		if (left > 2 || is_padded)
			*text++ = left > 2 ? alphabet[group & 63] : '=';
	}
	*text = '\0';
}

void
base64_encode(const void *bytes, size_t length, char *text)
{
	encode(bytes, length, standard, true, text);
}

void
base64url_encode(const void *bytes, size_t length, char *text)
{
	encode(bytes, length, url_safe, false, text);
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
