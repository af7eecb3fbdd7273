/*
 * statement_end.h
 *		Telling the changes of a statement that it is over.
 */
#ifndef CASESYNC_STATEMENT_END_H
#define CASESYNC_STATEMENT_END_H

/* Sets the server's hooks; once per process. */
extern void statement_end_init(void);

#endif /* CASESYNC_STATEMENT_END_H */
