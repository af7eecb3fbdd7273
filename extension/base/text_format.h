/*
 * text_format.h
 *		Pure checks of text: is it a date, a time with zone, a locale, an e-mail address …?
 *
 * Text is given with its length and need not end with a zero byte. Nothing is allocated, no locale
 * or setting counts.
 */
#ifndef CASESYNC_TEXT_FORMAT_H
#define CASESYNC_TEXT_FORMAT_H

/* YYYY-MM-DD of the Gregorian calendar, years 0001 to 9999. */
extern bool text_is_date(const char *text_start, size_t length);

/* ISO 8601: date, T, time with seconds and perhaps a fraction, zone (Z, +hh:mm, +hhmm, +hh). */
extern bool text_is_date_time(const char *text_start, size_t length);

/* The same without a zone; records of others come so (never the envelope). */
extern bool text_is_local_date_time(const char *text_start, size_t length);

/* Three small letters: ISO 639-3. */
extern bool text_is_locale(const char *text_start, size_t length);

/* addr-spec of RFC 5322 with a dot-atom before the @; letters beyond ASCII as in RFC 6531. */
extern bool text_is_email(const char *text_start, size_t length);

/* E.164: + and 7 to 15 digits, the first no zero. */
extern bool text_is_phone(const char *text_start, size_t length);

/* 1 to 128 bytes, no control characters, no blank at either end, some letter or digit. */
extern bool text_is_identifier(const char *text_start, size_t length);

#endif /* CASESYNC_TEXT_FORMAT_H */
