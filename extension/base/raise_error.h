/*
 * raise_error.h
 *		What the caller of casesync adds to the context of an error.
 */
#ifndef CASESYNC_RAISE_ERROR_H
#define CASESYNC_RAISE_ERROR_H

/* Lines of the error context stack without those of casesync's own functions; may be empty. */
extern const char *caller_context(void);

#endif /* CASESYNC_RAISE_ERROR_H */
