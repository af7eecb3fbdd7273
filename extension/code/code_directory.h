/*
 * code_directory.h
 *		The code directories of the standard: find a code by text or number, local codes.
 *
 * Knows nothing of types, fmgr, tables or memory contexts: constant facts, made from codes.tsv.
 * Text is compared without regard to the case of ASCII letters, whatever the locale.
 */
#ifndef CASESYNC_CODE_DIRECTORY_H
#define CASESYNC_CODE_DIRECTORY_H

/* A country's own codes, written local:900 and always accepted, registered or not. */
#define CODE_LOCAL_MIN 900
#define CODE_LOCAL_MAX PG_INT16_MAX

/* Room for the text of any local code. */
#define CODE_TEXT_SIZE 16

typedef struct CodeDirectory CodeDirectory;

/* The directory of that name (that of its type, as enrolment_status), or NULL. */
extern const CodeDirectory *code_directory_by_name(const char *name);

/* Directories in the order of their names; NULL behind the last. */
extern const CodeDirectory *code_directory_at(int index);

extern const char *code_directory_name(const CodeDirectory *directory);

/* The id in the standard, as CD.EMP.03; ids are not unique, names are. */
extern const char *code_directory_id(const CodeDirectory *directory);

/* How many codes the standard gives, and the lowest number; numbers have no gaps. */
extern int code_count(const CodeDirectory *directory);
extern int16 code_first(const CodeDirectory *directory);

/*
 * Find by code, zero-padded code, prefix:code, label, one of the further spellings, or local:N.
 * Blanks around it do not count. False when nothing or more than one code fits.
 */
extern bool code_find(const CodeDirectory *directory, const char *word, size_t length,
					  int16 *number);

/* Is the text this code's label? Several codes may share one, which code_find then refuses. */
extern bool code_label_is(const CodeDirectory *directory, int16 number, const char *word,
						  size_t length);

/* Does the text begin with local: ? */
extern bool code_claims_local(const char *word, size_t length);

/* A code of the standard, or a number of the local range. */
extern bool code_exists(const CodeDirectory *directory, int32 number);
extern bool code_is_local(int32 number);

/*
 * code_text: the code, as it goes over the wire. code_canonical: the frozen text the type writes.
 * Constant text, or a local code printed into buffer; NULL for a number that does not exist.
 */
extern const char *code_text(const CodeDirectory *directory, int16 number,
							 char buffer[CODE_TEXT_SIZE]);
extern const char *code_canonical(const CodeDirectory *directory, int16 number,
								  char buffer[CODE_TEXT_SIZE]);

/* The standard's words; NULL for local codes (theirs are in a table) and unknown numbers. */
extern const char *code_label(const CodeDirectory *directory, int16 number);
extern const char *code_description(const CodeDirectory *directory, int16 number);

#endif /* CASESYNC_CODE_DIRECTORY_H */
