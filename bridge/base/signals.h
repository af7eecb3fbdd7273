/*
 * signals.h
 *		The signals that tell a process to stop or to read its settings anew, as a descriptor.
 *		Knows nothing of what is then done.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

/* SIGTERM, SIGINT and SIGHUP from now on come through this only; -1 with errno set. */
extern int signals_open(void);

/* The next that has come; 0 when there is none. */
extern int signals_next(int fd);

#endif
